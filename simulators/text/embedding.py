"""Sentence embeddings by a local encoder, for corpora whose attributes are better read from meaning."""

from __future__ import annotations

from pathlib import Path

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
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
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
