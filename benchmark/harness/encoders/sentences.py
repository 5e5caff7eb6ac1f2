"""Texts as frozen sentence embeddings: the mean hidden state of a pretrained encoder, and the prompt.

The same protocol as the word-count encoder, so that any reward head trains on either.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract import UsageError
from benchmark.harness.encoders.prompts import indicate_prompts, known_prompts
from benchmark.harness.hf.policy import split_by_length
from benchmark.harness.hf.products import FastProducts
from benchmark.harness.hf.sources import hush

TOKENS_AT_ONCE = 2048
LONGEST = 256
MOST_PROMPTS = 64


@dataclass(frozen=True, eq=False)
class SentenceEncoder:
    """A pretrained encoder with mean pooling and unit length (Reimers and Gurevych 2019).

    Attributes:
        folder: Of the model, as ``save_pretrained`` writes it.
        digest: Content hash of the model.
        prompts: Prompts with an indicator column each, after the embedding; others get zeros.
        centre: Corpus mean of each column, shape (d,).
        spread: Root mean squared length of the centred rows of the corpus.
    """

    folder: Path
    digest: str
    prompts: tuple[str, ...] = ()
    centre: np.ndarray = field(default_factory=lambda: np.zeros(0))
    spread: float = 1.0

    @classmethod
    def fit(cls, folder: str | Path, digest: str, prompts: np.ndarray, texts: np.ndarray) -> SentenceEncoder:
        """Take the corpus mean and spread; prompts get columns where they are few.

        Args:
            folder: Of the model.
            digest: Content hash of the model.
            prompts: Shape (n,).
            texts: Shape (n,).
        """
        raw = cls(Path(folder), digest, known_prompts(prompts, MOST_PROMPTS))
        encoded = raw.encode(prompts, texts)
        spread = max(float(np.sqrt(encoded.var(axis=0).sum())), 1e-3)
        return replace(raw, centre=encoded.mean(axis=0), spread=spread)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.centre)

    @cached_property
    def hash(self) -> str:
        """A content hash."""
        content = repr((self.digest, self.prompts, self.centre.tolist(), self.spread))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features, shape (n, d), float64: embeddings of unit length, then prompt indicators."""
        distinct, which = np.unique(np.asarray(texts).astype(str), return_inverse=True)
        asked = indicate_prompts(self.prompts, prompts)
        return np.concatenate([self._embed(distinct)[which.reshape(-1)], asked], axis=1)

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Embeddings of prompts, shape (n, d), float64."""
        distinct, which = np.unique(np.asarray(prompts).astype(str), return_inverse=True)
        return self._embed(distinct)[which.reshape(-1)]

    def _embed(self, texts: np.ndarray) -> np.ndarray:
        """Embeddings of distinct texts, shape (n, d); rows of similar length go together."""
        import torch

        tokenizer, model = self._loaded
        ids = (
            tokenizer(texts.tolist(), truncation=True, max_length=LONGEST)["input_ids"] if len(texts) else []
        )
        found = np.zeros((len(texts), model.config.hidden_size))
        for part in split_by_length([len(row) for row in ids], TOKENS_AT_ONCE):
            rows = [torch.tensor(ids[row]) for row in part]
            tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
            mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
            with torch.no_grad(), FastProducts():
                states = model(input_ids=tokens, attention_mask=mask).last_hidden_state
            mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            found[part] = torch.nn.functional.normalize(mean, dim=1).double().numpy()
        return found

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer

        hush()
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(self.folder), local_files_only=True)
            return tokenizer, AutoModel.from_pretrained(str(self.folder), local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise UsageError(
                f"cannot load an encoder from {str(self.folder)!r}",
                expected="a folder written by save_pretrained",
                found=str(error).splitlines()[0],
            ) from error

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "folder": str(self.folder),
            "digest": self.digest,
            "prompts": list(self.prompts),
            "centre": self.centre.tolist(),
            "spread": self.spread,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SentenceEncoder:
        """The inverse of ``as_dict``."""
        centre = np.array(data["centre"], dtype=np.float64)
        return cls(Path(data["folder"]), data["digest"], tuple(data["prompts"]), centre, data["spread"])
