"""Reward heads on encoded texts: linear or one hidden layer, hand-batched over K members."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import UsageError
from benchmark.harness.tokenizer import count_words
from benchmark.harness.training.layout import Layout
from benchmark.harness.training.model import Inputs, Output, reverse_gradient

ADVERSARY_HIDDEN = 32
LINEAR_RATE, HIDDEN_RATE = 0.01, 0.003


@dataclass(frozen=True)
class RewardHead:
    """A reward model that reads a fixed encoding.

    Attributes:
        source: Hash of the encoding, so that heads on equal encodings are equal.
        width: Number of features.
        hidden: Units of the hidden layer (tanh-gelu); 0 for a linear head.
        outputs: Linear reward heads on the representation; ``value`` is the first.
        adversary: Outputs of an adversary (one hidden layer) behind a gradient reversal; 0 for none.
        device: Where weights and inputs live.
        learning_rate: Default step size.
        encode: ``(prompts, texts) -> (n, width)`` float64.
        centre: Subtracted from the features, shape (width,).
        spread: Divides the centred features.
    """

    source: str
    width: int
    hidden: int = 0
    outputs: int = 1
    adversary: int = 0
    device: str = "cpu"
    learning_rate: float = LINEAR_RATE
    encode: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = field(default=None, compare=False)
    centre: np.ndarray | float = field(default=0.0, compare=False)
    spread: float = field(default=1.0, compare=False)

    name = "head"
    policy = False
    stackable = True
    dtype = torch.float32
    effort = (10, 4)
    row_limit = 400

    def __post_init__(self) -> None:
        if self.hidden < 0 or self.outputs < 1 or self.adversary < 0:
            raise UsageError(
                "a reward head has impossible sizes",
                expected="hidden >= 0, outputs >= 1, adversary >= 0",
                found=f"hidden={self.hidden}, outputs={self.outputs}, adversary={self.adversary}",
            )
        if self.adversary and not self.hidden:
            raise UsageError(
                "an adversary needs a representation it can change",
                expected="hidden > 0",
                found="hidden=0, whose representation is the fixed encoding",
                fix="use reward_head(hidden=32, adversary=...)",
            )

    @property
    def signature(self) -> Hashable:
        """Heads of one size on one encoding may be stacked."""
        return (self.name, self)

    @property
    def layout(self) -> Layout:
        """Where each parameter lies in the flat weights."""
        inner = self.hidden or self.width
        shapes: list[tuple[str, tuple[int, ...]]] = []
        if self.hidden:
            shapes += [("hidden", (self.width, self.hidden)), ("hidden_bias", (self.hidden,))]
        shapes += [("heads", (inner, self.outputs)), ("heads_bias", (self.outputs,))]
        if self.adversary:
            shapes += [
                ("adversary_in", (inner, ADVERSARY_HIDDEN)),
                ("adversary_in_bias", (ADVERSARY_HIDDEN,)),
                ("adversary_out", (ADVERSARY_HIDDEN, self.adversary)),
                ("adversary_out_bias", (self.adversary,)),
            ]
        return Layout(tuple(shapes), frozenset(name for name, _ in shapes if not name.endswith("_bias")))

    def initial(self, rng: np.random.Generator) -> Tensor:
        """Fresh weights, shape (1, P): zero reward heads, He-scaled hidden layers, zero biases."""
        parts = []
        for (name, shape), size in zip(self.layout.shapes, self.layout.sizes, strict=True):
            random = name in ("hidden", "adversary_in", "adversary_out") or (name == "heads" and self.hidden)
            spread = shape[0] ** -0.5
            parts.append(rng.normal(0.0, spread, size) if random else np.zeros(size))
        return torch.from_numpy(np.concatenate(parts).astype(np.float32))[None].to(self.device)

    def prepare(self, prompts: np.ndarray, texts: np.ndarray) -> Inputs:
        """ "features" (n, width), centred and scaled as on the encoder's corpus, and "length" (n,)."""
        assert self.encode is not None
        features = ((self.encode(prompts, texts) - self.centre) / self.spread).astype(np.float32)
        length = (count_words(texts) + 1).astype(np.float32)
        return {
            "features": torch.from_numpy(features).to(self.device),
            "length": torch.from_numpy(length).to(self.device),
        }

    def forward(self, weights: Tensor, inputs: Inputs) -> Output:
        """Rewards of texts, all heads, the representation, and the adversary's outputs."""
        p = self.layout.split(weights)
        x = inputs["features"]
        if self.hidden:
            x = torch.nn.functional.gelu(_affine(x, p["hidden"], p["hidden_bias"]), approximate="tanh")
        heads = _affine(x, p["heads"], p["heads_bias"])
        adversary = None
        if self.adversary:
            inner = _affine(reverse_gradient(x), p["adversary_in"], p["adversary_in_bias"])
            adversary = _affine(inner.relu(), p["adversary_out"], p["adversary_out_bias"])
        return Output(heads[..., 0], heads=heads, representation=x, adversary=adversary)

    @torch.no_grad()
    def outputs_of(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """All heads' values, shape (n, outputs), float64."""
        inputs = {name: tensor[None] for name, tensor in self.prepare(prompts, texts).items()}
        heads = self.forward(weights, inputs).heads
        assert heads is not None
        return heads[0].double().cpu().numpy()

    def score(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Rewards of texts, shape (n,), float64."""
        return self.outputs_of(weights, prompts, texts)[:, 0]

    def count_flops(self, tokens: float, train: bool) -> float:
        """Counted floating point operations of ``tokens`` texts."""
        return (6.0 if train else 2.0) * self.layout.size * tokens


def _affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x (K, B, in) times weight (K, in, out) plus bias (K, out)."""
    if len(weight) == 1:
        return torch.addmm(bias[0], x[0], weight[0])[None]
    return torch.baddbmm(bias[:, None], x, weight)
