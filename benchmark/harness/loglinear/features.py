"""What a log-linear policy is linear in: encoded texts, or one indicator for each text of each pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from benchmark.harness.training.model import Inputs

Finder = Callable[[np.ndarray, np.ndarray], np.ndarray]
LEAST_VARIANCE = 1e-6


class Features(Protocol):
    """Features phi(x, p) of texts and of whole pools.

    Attributes:
        width: Number of features.
    """

    @property
    def width(self) -> int:
        """Number of features."""
        ...

    def read(self, prompts: np.ndarray, texts: np.ndarray, homes: np.ndarray, places: np.ndarray) -> Inputs:
        """What ``tilt`` needs of texts, rows first."""
        ...

    def tilt(self, weights: Tensor, inputs: Inputs) -> Tensor:
        """theta . phi of texts, shape (K, B), under weights (K, width)."""
        ...

    def tilt_pools(self, weights: Tensor, homes: Tensor | None = None) -> Tensor:
        """theta . phi of every text of some pools, all by default, shape (K, len(homes), t)."""
        ...


@dataclass(frozen=True, eq=False)
class OneHot:
    """One indicator a text of a pool: the policy is a table of logits.

    Attributes:
        shape: (pools, texts of each).
    """

    shape: tuple[int, int]

    @property
    def width(self) -> int:
        """Cells of the table."""
        return self.shape[0] * self.shape[1]

    def read(self, prompts: np.ndarray, texts: np.ndarray, homes: np.ndarray, places: np.ndarray) -> Inputs:
        """ "cell" (n,)."""
        return {"cell": torch.from_numpy(homes * self.shape[1] + places)}

    def tilt(self, weights: Tensor, inputs: Inputs) -> Tensor:
        """The weights of the texts' cells."""
        return weights.gather(1, inputs["cell"])

    def tilt_pools(self, weights: Tensor, homes: Tensor | None = None) -> Tensor:
        """Rows of the table."""
        table = weights.view(-1, *self.shape)
        return table if homes is None else table[:, homes]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Encoded texts, centred on their pool and scaled so that the reference's Fisher information is one.

    The Fisher information of a log-linear policy at the reference is the covariance of phi inside the
    pools (Amari 1998), so a small step ``d`` moves the policy by ``|d|^2 / 2`` nats whatever the encoder.
    Directions along which no pool varies are left out: a policy over the pools cannot use them.

    Attributes:
        centre: Mean encoding of each pool under the reference, shape (pools, d).
        scale: From centred encodings to features, shape (d, width).
        table: Features of the pools' texts, shape (pools * t, width), float64.
        find: ``(prompts, texts) -> (n, width)``: features of distinct texts, from whoever encodes them.
    """

    centre: np.ndarray
    scale: np.ndarray
    table: Tensor = field(repr=False)
    find: Finder | None = field(default=None, repr=False)

    @classmethod
    def fit(cls, encoded: np.ndarray, law: np.ndarray) -> Encoded:
        """Centre and scale on the pools.

        Args:
            encoded: Encodings of the pools' texts, shape (pools, t, d).
            law: Probability of each text under the reference, shape (pools, t).
        """
        centre = np.einsum("pt,ptd->pd", law, encoded)
        centred = (encoded - centre[:, None]).reshape(-1, encoded.shape[2])
        shares = law.reshape(-1, 1) / len(law)
        variances, directions = np.linalg.eigh(centred.T @ (shares * centred))
        kept = variances > LEAST_VARIANCE * max(float(variances[-1]), 1e-12)
        scale = directions[:, kept] / np.sqrt(variances[kept])
        return cls(centre, scale, torch.from_numpy(centred @ scale))

    @property
    def width(self) -> int:
        """Directions along which some pool varies."""
        return int(self.scale.shape[1])

    def scaled(self, encoded: np.ndarray, homes: np.ndarray) -> np.ndarray:
        """Features of texts from their encodings (n, d) and pools (n,), shape (n, width)."""
        return np.asarray(encoded @ self.scale - (self.centre @ self.scale)[homes])

    def read(self, prompts: np.ndarray, texts: np.ndarray, homes: np.ndarray, places: np.ndarray) -> Inputs:
        """ "features" (n, width); distinct texts are looked up in one order, so that they are found kept."""
        assert self.find is not None
        pairs = list(zip(prompts.tolist(), texts.tolist(), strict=True))
        rank = {pair: row for row, pair in enumerate(sorted(set(pairs)))}
        distinct = np.array(list(rank), dtype=object).reshape(-1, 2)
        rows = torch.tensor([rank[pair] for pair in pairs], dtype=torch.long)
        return {"features": torch.tensor(self.find(distinct[:, 0], distinct[:, 1]))[rows]}

    def tilt(self, weights: Tensor, inputs: Inputs) -> Tensor:
        """The weights times the texts' features."""
        return (inputs["features"] @ weights[..., None])[..., 0]

    def tilt_pools(self, weights: Tensor, homes: Tensor | None = None) -> Tensor:
        """The weights times the features of the pools' texts."""
        table, pools = self.table, len(self.centre)
        if homes is not None:
            table, pools = table.view(pools, -1, self.width)[homes].flatten(0, 1), len(homes)
        return (weights @ table.T).view(len(weights), pools, -1)
