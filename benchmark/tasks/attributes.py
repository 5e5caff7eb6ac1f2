"""The oracle encoder: texts as the attributes that the domain's reader finds in them.

It knows what no method may be told, which part of a text is an attribute. It exists to say how much
of a method's error its encoder causes; ``benchmark.sandbox`` has no way to load it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.contract import UsageError
from benchmark.harness.encoders.prompts import indicate_prompts, known_prompts
from benchmark.tasks.corpora import find_pool


@dataclass(frozen=True, eq=False)
class AttributeEncoder:
    """Attributes of a grammar domain, and which prompt was asked.

    Attributes:
        domain: Name of the domain.
        prompts: Prompts with an indicator column each, after the attributes; others get zeros.
        centre: Corpus mean of each column, shape (d,).
        spread: Root mean squared length of the centred rows of the corpus.
    """

    domain: str
    prompts: tuple[str, ...] = ()
    centre: np.ndarray = field(default_factory=lambda: np.zeros(0))
    spread: float = 1.0

    @classmethod
    def fit(cls, domain: str, prompts: np.ndarray, texts: np.ndarray) -> AttributeEncoder:
        """Take the corpus mean and spread.

        Raises:
            UsageError: If no grammar writes the domain's texts, so that nothing reads them exactly.
        """
        if find_pool(domain) is not None:
            raise UsageError(
                "the attributes of these texts are not known",
                expected="a domain with a grammar",
                found=domain,
                fix="choose another encoder",
            )
        raw = cls(domain, known_prompts(prompts))
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
        content = repr(("attributes", self.domain, self.prompts, self.centre.tolist(), self.spread))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features, shape (n, d), float64: attributes as zeros and ones, then prompt indicators."""
        from simulators.text import load_domain

        attributes = np.asarray(load_domain(self.domain).detect(texts).attributes, dtype=np.float64)
        return np.concatenate([attributes, indicate_prompts(self.prompts, prompts)], axis=1)

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Indicators of the known prompts, shape (n, d), float64."""
        return indicate_prompts(self.prompts, prompts)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        centre = self.centre.tolist()
        return {"domain": self.domain, "prompts": list(self.prompts), "centre": centre, "spread": self.spread}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AttributeEncoder:
        """The inverse of ``as_dict``."""
        centre = np.array(data["centre"], dtype=np.float64)
        return cls(data["domain"], tuple(data["prompts"]), centre, data["spread"])
