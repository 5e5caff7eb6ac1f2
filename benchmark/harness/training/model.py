"""What can be trained: an architecture and its weights, and what a loss gets to see of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

import numpy as np
import torch
from torch import Tensor

from benchmark import contract
from benchmark.contract import ContractError, UsageError, unknown_name
from benchmark.harness.training.layout import Layout

Inputs = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Output:
    """What an architecture computes of a batch.

    Attributes:
        value: Sequence log-probability or reward, shape (K, B).
        tokens: Log-probability of each text token, shape (K, B, T), 0 past the end; policies that
            choose token by token alone.
        heads: All reward heads, shape (K, B, H); heads alone.
        representation: What the reward heads read, shape (K, B, D); heads alone.
        adversary: The adversary's outputs behind a gradient reversal, shape (K, B, A), if there is one.
    """

    value: Tensor
    tokens: Tensor | None = None
    heads: Tensor | None = None
    representation: Tensor | None = None
    adversary: Tensor | None = None


class Architecture(Protocol):
    """How texts become inputs and inputs become scores; holds no weights that are trained.

    Attributes:
        name: "decoder", "loglinear", "hf" or "head".
        signature: Requests may be stacked on the ensemble axis where signatures are equal.
        policy: Whether values are log-probabilities of texts.
        stackable: Whether K may exceed 1.
        learning_rate: Default step size.
        effort: Default steps and batch size as multiples of the budget's.
        row_limit: Most rows one training may read (steps x batch size) as a multiple of the
            budget's, or None where rows cost nothing.
        dtype: Floating type of the weights.
        device: Where the weights live.
    """

    name: str
    policy: bool
    stackable: bool
    learning_rate: float
    effort: tuple[int, int]
    row_limit: int | None
    dtype: torch.dtype
    device: str

    @property
    def signature(self) -> Hashable:
        """Equal for architectures that may be stacked."""
        ...

    @property
    def layout(self) -> Layout:
        """Where each parameter lies in the flat weights."""
        ...

    def prepare(self, prompts: np.ndarray, texts: np.ndarray) -> Inputs:
        """Tensors with rows first; includes "length", the scored tokens of each row."""
        ...

    def forward(self, weights: Tensor, inputs: Inputs) -> Output:
        """Scores of inputs with leading axes (K, B) under weights (K, P)."""
        ...

    def score(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Values of texts under one member's weights (1, P), shape (n,), float64, without gradients."""
        ...


@dataclass(frozen=True, eq=False)
class Model:
    """A trainable or trained model.

    Attributes:
        architecture: What the weights mean.
        weights: Shape (1, P); never changed in place.
        trained: False for a starting point, such as the reference policy itself.
    """

    architecture: Any
    weights: Tensor
    trained: bool = False

    @property
    def parameters(self) -> dict[str, Tensor]:
        """Named views of the weights, each with a leading axis of 1."""
        return self.architecture.layout.split(self.weights)

    def with_weights(self, weights: Tensor) -> Model:
        """The same architecture with other weights."""
        return replace(self, weights=weights.detach(), trained=True)


def blend(models: Sequence[contract.Model], coefficients: Sequence[float]) -> contract.Model:
    """A model whose weights are a linear combination: interpolation, extrapolation (ExPO), averaging.

    Args:
        models: Models of one architecture.
        coefficients: One number a model; they need not sum to 1.

    Raises:
        UsageError: If the models do not share one architecture or the lengths differ.
    """
    if len(models) != len(coefficients) or not models:
        raise UsageError(
            "blend needs one coefficient a model",
            expected=f"{len(models)} coefficients",
            found=f"{len(coefficients)}",
        )
    if len({model.architecture.signature for model in models}) > 1:
        raise UsageError("blend needs models of one architecture", found="several")
    return models[0].with_weights(
        torch.stack([c * m.weights for c, m in zip(coefficients, models, strict=True)]).sum(0)
    )


@dataclass(frozen=True, eq=False)
class FieldScores:
    """What a loss sees of one text field.

    Attributes:
        output: What the model computes.
        length: Scored tokens of each text (its words and the end token), shape (K, B).
        find_reference: Gives the reference log-probability, shape (K, B); None for a reward head.
    """

    output: Output
    length: Tensor
    find_reference: Callable[[], Tensor] | None = None

    @property
    def value(self) -> Tensor:
        """Sequence log-probability for a policy, reward for a head, shape (K, B)."""
        return self.output.value

    @property
    def reference(self) -> Tensor:
        """Log-probability under the reference policy, shape (K, B)."""
        return self.find_reference() if self.find_reference else _lacks("reference", "a policy")

    @property
    def tokens(self) -> Tensor:
        """Log-probability of each text token, shape (K, B, T), 0 past the end of a text.

        A policy that chooses whole texts knows nothing finer: its log-probability is spread evenly.
        """
        if self.output.tokens is not None:
            return self.output.tokens
        if self.find_reference is None:
            return _lacks("tokens", "a policy")
        places = torch.arange(int(self.length.max()), device=self.length.device)
        return (self.value / self.length)[..., None] * (places < self.length[..., None])

    @property
    def heads(self) -> Tensor:
        """All reward heads, shape (K, B, H)."""
        return self.output.heads if self.output.heads is not None else _lacks("heads", "a reward head")

    @property
    def representation(self) -> Tensor:
        """What the reward heads read, shape (K, B, D)."""
        found = self.output.representation
        return found if found is not None else _lacks("representation", "a reward head")

    @property
    def adversary(self) -> Tensor:
        """The adversary's outputs, shape (K, B, A)."""
        found = self.output.adversary
        return found if found is not None else _lacks("adversary", "reward_head(hidden=..., adversary=...)")


def _lacks(what: str, owner: str) -> NoReturn:
    raise ContractError(f"this model's scores have no {what}", expected=owner, found="another kind of model")


class Scores(dict[str, FieldScores]):
    """Scores of every text field by name; ``parameters`` are the model's own, each (K, *shape)."""

    parameters: Mapping[str, Tensor]

    def __init__(self, fields: Mapping[str, FieldScores], parameters: Mapping[str, Tensor]) -> None:
        super().__init__(fields)
        self.parameters = parameters

    def __missing__(self, name: str) -> NoReturn:
        raise ContractError(str(unknown_name("text field", name, self)))


class Batch(dict[str, Tensor]):
    """Number columns of a batch by name, each (K, B) or (K, B, d)."""

    def __missing__(self, name: str) -> NoReturn:
        raise ContractError(str(unknown_name("number column", name, self)))


class _Reverse(torch.autograd.Function):
    """Identity forwards, sign-flipped and scaled gradients backwards."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(x: Tensor, strength: float = 1.0) -> Tensor:
    """x itself, whose gradient is multiplied by ``-strength`` (Ganin and Lempitsky 2015)."""
    return _Reverse.apply(x, strength)
