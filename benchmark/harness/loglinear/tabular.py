"""A policy that is a table: one logit for each enumerated text of each prompt, exact and in float64.

Theory lives here: with full batches, training finds the optimum of an objective to
many digits, so closed forms can be checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import UsageError
from benchmark.harness.encoders.words import TextEncoder
from benchmark.harness.tokenizer import Tokenizer, count_words
from benchmark.harness.training.layout import Layout
from benchmark.harness.training.model import Inputs, Output


@dataclass(frozen=True)
class TabularPolicy:
    """A softmax over the texts of each prompt.

    Attributes:
        prompts: Distinct prompts.
        texts: The texts of every prompt, the same number each.
        learning_rate: Default step size where mini-batches are used.
        device: Always the CPU in practice.
    """

    prompts: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    learning_rate: float = 0.05
    device: str = "cpu"

    name = "tabular"
    policy = True
    stackable = True
    dtype = torch.float64
    draws = 1
    effort = (10, 1)
    row_limit = None

    @property
    def signature(self) -> Hashable:
        """Tables over the same texts may be stacked."""
        return (self.name, hash((self.prompts, self.texts)), self.learning_rate)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(prompts, texts of each)."""
        return len(self.prompts), len(self.texts[0])

    @property
    def layout(self) -> Layout:
        """One table of logits."""
        return Layout((("logits", self.shape),))

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        width = self.shape[1]
        return {
            (prompt, text): i * width + j
            for i, prompt in enumerate(self.prompts)
            for j, text in enumerate(self.texts[i])
        }

    def prepare(self, prompts: np.ndarray, texts: np.ndarray) -> Inputs:
        """ "index" (n,), the cell of each text, and "length" (n,).

        Raises:
            UsageError: If a text is not in its prompt's table.
        """
        try:
            index = [self._places[key] for key in zip(prompts, texts, strict=True)]
        except KeyError as error:
            raise UsageError(
                "a text is not in the table",
                expected="one of the enumerated texts of its prompt",
                found=error.args[0],
            ) from None
        length = torch.from_numpy(count_words(texts) + 1).double()
        return {"index": torch.tensor(index, dtype=torch.long), "length": length}

    def log_probabilities(self, weights: Tensor) -> Tensor:
        """log pi of every text, shape (K, prompts, texts)."""
        return self.layout.split(weights)["logits"].log_softmax(-1)

    def forward(self, weights: Tensor, inputs: Inputs) -> Output:
        """Log-probabilities of texts."""
        table = self.log_probabilities(weights).flatten(1)
        return Output(table.gather(1, inputs["index"]))

    @torch.no_grad()
    def score(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """log pi(text | prompt), shape (n,)."""
        index = self.prepare(prompts, texts)["index"]
        return self.log_probabilities(weights)[0].flatten()[index].numpy()

    @torch.no_grad()
    def sample(
        self, weights: Tensor, prompts: np.ndarray, uniforms: np.ndarray, temperature: float = 1.0
    ) -> np.ndarray:
        """Texts of shape (len(prompts), n) by inverse CDF on uniforms (m, n, 1)."""
        rows = [self.prompts.index(prompt) for prompt in prompts]
        logits = self.layout.split(weights)["logits"][0, rows] / temperature
        cumulative = logits.softmax(-1).cumsum(-1).numpy()
        table = np.array(self.texts, dtype=object)
        picked = [
            table[row, np.minimum(np.searchsorted(c, u[:, 0] * c[-1], side="right"), len(c) - 1)]
            for row, c, u in zip(rows, cumulative, uniforms, strict=True)
        ]
        return np.array(picked, dtype=object).reshape(uniforms.shape[:2])

    def count_flops(self, tokens: float, train: bool) -> float:
        """A table costs nothing worth counting."""
        return 0.0


@dataclass(frozen=True, eq=False)
class TabularBackbone:
    """A reference table in place of a pretrained decoder.

    Attributes:
        table: The enumerated texts.
        reference_logits: Shape (prompts, texts), float64.
    """

    table: TabularPolicy
    reference_logits: np.ndarray = field(repr=False)

    @cached_property
    def encoder(self) -> TextEncoder:
        """Word counts over the enumerated texts."""
        prompts = np.repeat(np.array(self.table.prompts, dtype=object), self.table.shape[1])
        texts = np.array([text for row in self.table.texts for text in row], dtype=object)
        return TextEncoder.fit(Tokenizer.of((), prompts, texts), prompts, texts)

    @cached_property
    def hash(self) -> str:
        """A content hash."""
        content = repr((self.table.prompts, self.table.texts)).encode() + self.reference_logits.tobytes()
        return hashlib.sha256(content).hexdigest()[:16]

    def policy(self, device: str) -> TabularPolicy:
        """The architecture of the reference."""
        return self.table

    def reference_weights(self, device: str) -> Tensor:
        """The reference's weights, shape (1, P)."""
        return torch.from_numpy(self.reference_logits.reshape(1, -1).copy())


def make_table(
    prompts: np.ndarray, texts: np.ndarray, reference_logits: np.ndarray | None
) -> TabularBackbone:
    """A table of texts.

    Args:
        prompts: Distinct prompts, shape (m,).
        texts: Shape (m, t), or (t,) for the same texts under every prompt.
        reference_logits: Shape (m, t); uniform by default.

    Raises:
        UsageError: If shapes disagree or a prompt repeats.
    """
    names = tuple(str(p) for p in prompts)
    table = np.asarray(texts, dtype=object)
    table = np.broadcast_to(table, (len(names), table.shape[-1])) if table.ndim == 1 else table
    if table.shape[0] != len(names) or len(set(names)) != len(names) or not names:
        raise UsageError(
            "a tabular harness needs distinct prompts and a row of texts for each",
            expected=f"texts of shape ({len(names)}, t)",
            found=f"{len(set(names))} distinct prompts, texts {table.shape}",
        )
    logits = np.zeros(table.shape) if reference_logits is None else np.asarray(reference_logits, dtype=float)
    if logits.shape != table.shape:
        raise UsageError("reference logits have the wrong shape", expected=table.shape, found=logits.shape)
    policy = TabularPolicy(names, tuple(tuple(str(t) for t in row) for row in table))
    return TabularBackbone(policy, logits)
