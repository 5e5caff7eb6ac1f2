"""Texts as the tiny decoder's own states: the mean of its last hidden states over a text's positions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.harness.decoder.backbone import Backbone


@dataclass(frozen=True, eq=False)
class StateEncoder:
    """A pretrained tiny decoder as an encoder; its states read the prompt before the text.

    Attributes:
        backbone: The decoder.
    """

    backbone: Backbone

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.centre)

    @property
    def centre(self) -> np.ndarray:
        """Corpus mean of each column, shape (d,)."""
        return self.backbone.centre

    @property
    def spread(self) -> float:
        """Root mean squared length of the centred rows of the corpus."""
        return self.backbone.spread

    @cached_property
    def hash(self) -> str:
        """A content hash."""
        return hashlib.sha256(f"states of {self.backbone.hash}".encode()).hexdigest()[:16]

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features, shape (n, d), float64."""
        weights = self.backbone.reference_weights("cpu")
        return self.backbone.policy("cpu").features(weights, prompts, texts)

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Features of prompts, read as texts without a prompt, shape (n, d), float64."""
        return self.encode(np.full(len(prompts), "", dtype=object), prompts)

    def as_dict(self) -> dict[str, str]:
        """Plain data for JSON."""
        return {"states": self.backbone.hash}
