"""The log-linear backbone: pools of reference texts, an encoder, and the pools' features."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import UsageError
from benchmark.harness.loglinear.features import Encoded, Features
from benchmark.harness.loglinear.policy import LogLinearPolicy
from benchmark.harness.loglinear.pools import Pools

RATE, EFFORT = 0.3, (1, 16)
POOLS_FILE = "pools.npz"


@dataclass(frozen=True, eq=False)
class LogLinearBackbone:
    """A reference law over pools in place of a pretrained decoder.

    Attributes:
        pools: Texts and the reference law.
        features: phi of the policy.
        encoder: Features of texts for whoever encodes them.
        learning_rate: Default step size.
        effort: Default steps and batch size as multiples of the budget's.
    """

    pools: Pools
    features: Features
    encoder: Any
    learning_rate: float = RATE
    effort: tuple[int, int] = EFFORT

    @classmethod
    def fit(cls, pools: Pools, encoder: Any) -> LogLinearBackbone:
        """A policy that is linear in an encoder's features.

        Args:
            pools: Texts and the reference law.
            encoder: ``encode(prompts, texts) -> (n, d)`` and ``hash``.
        """
        first = np.zeros(pools.shape[0], dtype=np.int64)
        first[pools.homes[::-1]] = np.arange(len(pools.homes))[::-1]
        # What an encoder says of the prompt is the same for all texts of a pool, and centred away.
        prompts = np.repeat(pools.prompts[first], pools.shape[1])
        encoded = encoder.encode(prompts, pools.texts.ravel())
        features = Encoded.fit(encoded.reshape(*pools.shape, -1), np.exp(pools.log_reference))
        return cls(pools, features, encoder)

    @cached_property
    def hash(self) -> str:
        """A content hash."""
        content = repr((self.pools.hash, type(self.features).__name__, self.encoder.hash))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def policy(self, device: str) -> LogLinearPolicy:
        """The architecture of the reference."""
        policy = LogLinearPolicy(self.pools, self.features, self.learning_rate, self.effort)
        return policy.finding(self.find_features)

    def find_features(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """phi of texts, shape (n, width)."""
        assert isinstance(self.features, Encoded)
        return self.features.scaled(self.encoder.encode(prompts, texts), self.pools.find(prompts))

    def reference_weights(self, device: str) -> Tensor:
        """The reference's weights, all zero, shape (1, P)."""
        return torch.zeros((1, self.features.width), dtype=torch.float64)

    def save(self, folder: str | Path) -> None:
        """Write pools and features, which must be of encoded texts, into a folder; not the encoder."""
        assert isinstance(self.features, Encoded)
        pools, features = self.pools, self.features
        with (Path(folder) / POOLS_FILE).open("wb") as file:
            np.savez_compressed(
                file,
                prompts=pools.prompts.astype(str),
                texts=pools.texts.astype(str),
                homes=pools.homes,
                log_reference=pools.log_reference,
                draws=pools.draws,
                centre=features.centre,
                scale=features.scale,
                table=features.table.numpy(),
            )

    @classmethod
    def load(cls, folder: str | Path, encoder: Any) -> LogLinearBackbone:
        """Read what ``save`` wrote.

        Raises:
            UsageError: If the folder holds no pools.
        """
        try:
            with np.load(Path(folder) / POOLS_FILE, allow_pickle=False) as file:
                stored = {name: file[name] for name in file.files}
            strings = {name: stored[name].astype(object) for name in ("prompts", "texts")}
            numbers = {name: stored[name] for name in ("homes", "log_reference", "draws")}
            features = Encoded(stored["centre"], stored["scale"], torch.from_numpy(stored["table"]))
        except (OSError, ValueError, KeyError) as error:
            raise UsageError(
                f"cannot read pools from {str(folder)!r}",
                expected=f"a folder with {POOLS_FILE}",
                found=error,
                fix="delete the folder and prepare it again",
            ) from error
        return cls(Pools(**strings, **numbers), features, encoder)
