"""Log-linear policies: pi(x|p) proportional to pi_ref(x|p) exp(theta . phi(x, p)), exact over pools of texts.

This is the policy class of the theory of preference optimisation and off-policy learning. With
one indicator a text it is a table of logits; with encoded texts a table's rows share their weights.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from benchmark.harness.loglinear.features import Encoded, Features, Finder
from benchmark.harness.loglinear.pools import Pools
from benchmark.harness.loglinear.tilting import divergence
from benchmark.harness.tokenizer import count_words
from benchmark.harness.training.layout import Layout
from benchmark.harness.training.model import Inputs, Output

FEW_POOLS = 32
"""Pools that are tilted together at every step; of more, those that a batch needs are picked out."""


@dataclass(frozen=True, eq=False)
class LogLinearPolicy:
    """A tilted reference over pools of texts.

    The normaliser of a prompt is the sum over its pool. A text outside of the pool, such as one of a log,
    has the reference weight of one draw and leaves the normaliser alone: its gain over the reference
    is ``theta . phi - log Z`` like that of any other, and pairs of one prompt do not depend on the pool.

    Attributes:
        pools: Texts and the reference law.
        features: phi.
        learning_rate: Default step size.
        effort: Default steps and batch size as multiples of the budget's.
        device: Always the CPU: there is too little to compute for another to pay.
    """

    pools: Pools
    features: Features
    learning_rate: float
    effort: tuple[int, int]
    device: str = "cpu"

    name = "loglinear"
    policy = True
    stackable = True
    dtype = torch.float64
    draws = 1
    row_limit = None

    @property
    def signature(self) -> Hashable:
        """Policies over the same pools and features may be stacked."""
        return (
            self.name,
            type(self.features).__name__,
            self.pools.hash,
            self.features.width,
            self.learning_rate,
        )

    @property
    def layout(self) -> Layout:
        """One vector; weight decay pulls towards the reference."""
        return Layout((("theta", (self.features.width,)),), frozenset({"theta"}))

    def finding(self, find: Finder) -> LogLinearPolicy:
        """The same policy with features of texts from elsewhere, such as a harness that keeps them."""
        if isinstance(self.features, Encoded):
            return replace(self, features=replace(self.features, find=find))
        return self

    @cached_property
    def _law(self) -> Tensor:
        return torch.from_numpy(self.pools.log_reference)

    # -- scores -----------------------------------------------------------------
    def prepare(self, prompts: np.ndarray, texts: np.ndarray) -> Inputs:
        """ "pool" (n,), "reference" (n,), "length" (n,) and what the features need.

        Raises:
            UsageError: If a text is outside of a table.
        """
        homes = self.pools.find(prompts)
        places = self.pools.locate(homes, texts)
        inputs = self.features.read(prompts, texts, homes, places)
        return inputs | {
            "pool": torch.from_numpy(homes),
            "reference": torch.from_numpy(self.pools.weigh(homes, places)),
            "length": torch.from_numpy(count_words(texts) + 1).double(),
        }

    def log_probabilities(self, weights: Tensor, homes: Tensor | None = None) -> Tensor:
        """log pi of every text of some pools, all by default, shape (K, pools, t)."""
        return self._tilted(weights, homes).log_softmax(-1)

    def _tilted(self, weights: Tensor, homes: Tensor | None = None) -> Tensor:
        law = self._law if homes is None else self._law[homes]
        return law + self.features.tilt_pools(weights, homes)

    def forward(self, weights: Tensor, inputs: Inputs) -> Output:
        """Log-probabilities of texts."""
        homes, which = None, inputs["pool"]
        if self.pools.shape[0] > FEW_POOLS:
            homes, which = torch.unique(which, return_inverse=True)
        normaliser = self._tilted(weights, homes).logsumexp(-1).gather(1, which)
        return Output(inputs["reference"] + self.features.tilt(weights, inputs) - normaliser)

    @torch.no_grad()
    def score(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """log pi(text | prompt), shape (n,)."""
        inputs = {name: tensor[None] for name, tensor in self.prepare(prompts, texts).items()}
        return self.forward(weights, inputs).value[0].numpy()

    # -- the whole law ----------------------------------------------------------
    @torch.no_grad()
    def sample(
        self, weights: Tensor, prompts: np.ndarray, uniforms: np.ndarray, temperature: float = 1.0
    ) -> np.ndarray:
        """Texts of shape (len(prompts), n) by inverse CDF on uniforms (m, n, 1)."""
        homes = self.pools.find(prompts)
        picked = np.empty(uniforms.shape[:2], dtype=object)
        for home in np.unique(homes):
            rows = homes == home
            logits = self.log_probabilities(weights, torch.tensor([home]))[0, 0] / temperature
            cumulative = logits.softmax(-1).cumsum(-1).numpy()
            last = np.flatnonzero(np.isfinite(self.pools.log_reference[home]))[-1]
            places = np.searchsorted(cumulative, uniforms[rows, :, 0] * cumulative[-1], side="right")
            picked[rows] = self.pools.texts[home][np.minimum(places, last)]
        return picked

    @torch.no_grad()
    def divergence(self, weights: Tensor, prompts: np.ndarray) -> np.ndarray:
        """KL(pi || pi_ref) of each prompt in nats, exact over its pool, shape (n,)."""
        homes, which = np.unique(self.pools.find(prompts), return_inverse=True)
        log_pi = self.log_probabilities(weights, torch.from_numpy(homes))[0].numpy()
        return divergence(log_pi, self.pools.log_reference[homes])[which]

    def count_flops(self, tokens: float, train: bool) -> float:
        """Counted floating point operations of ``tokens`` texts, without the normaliser."""
        return (6.0 if train else 2.0) * self.features.width * tokens
