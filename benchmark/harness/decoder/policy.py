"""The tiny decoder as a policy: log pi(text | prompt), training inputs, and sampling."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.harness.decoder.network import MATRICES, DecoderShape, finish, predict_words, stream
from benchmark.harness.decoder.operations import log_probability, pick_rows
from benchmark.harness.decoder.sampling import sample_tokens
from benchmark.harness.device import BFLOAT16, FLOAT32
from benchmark.harness.tokenizer import BEGIN, END, PAD, Ragged, Tokenizer
from benchmark.harness.training.layout import Layout
from benchmark.harness.training.model import Inputs, Output

# Small enough on a CPU for the activations of a block to stay in its cache.
ROWS_AT_ONCE = {"cpu": 64}
ROWS_AT_ONCE_ELSEWHERE = 16_384
MEMBERS_AT_MOST = 512
MEMORY_SHARE = 0.5


@dataclass(frozen=True)
class DecoderPolicy:
    """The decoder as a policy over texts given a prompt.

    The sequence is BEGIN, the prompt's words, the text's words, END; its log-probability
    is the sum over the text's words and END of the log-softmax at the position before.

    Attributes:
        tokenizer: Words to ids.
        shape: Sizes of the decoder.
        longest: Most words a sampled text may have.
        device: Where weights and inputs live.
        learning_rate: Default step size.
        precision: Of products; see ``benchmark.harness.device.check_precision``.
    """

    tokenizer: Tokenizer
    shape: DecoderShape
    longest: int
    device: str = "cpu"
    learning_rate: float = 1e-3
    precision: str = FLOAT32

    name = "decoder"
    policy = True
    stackable = True
    dtype = torch.float32
    effort = (1, 1)
    row_limit = 1

    @property
    def signature(self) -> Hashable:
        """Decoders of one vocabulary and shape may be stacked."""
        return (
            self.name, self.shape, hash(self.tokenizer), self.longest, self.device, self.learning_rate,
            self.precision,
        )  # fmt: skip

    @property
    def layout(self) -> Layout:
        """Where each parameter lies in the flat weights."""
        return self.shape.layout

    def parameters(self, weights: Tensor) -> dict[str, Tensor]:
        """Named parameters; the matrices of blocks in the type in which they are multiplied."""
        found = self.layout.split(weights)
        if self.precision == BFLOAT16:
            found |= {name: found[name].bfloat16() for name in MATRICES}
        return found

    def prepare(self, prompts: np.ndarray, texts: np.ndarray) -> Inputs:
        """Padded inputs: "tokens" (n, T), "first" (n,), "targets" and "mask" (n, S), "length" (n,)."""
        asked, written = self.tokenizer.encode(prompts), self.tokenizer.encode(texts)
        n = len(texts)
        tokens = np.full((n, int((asked.lengths + written.lengths).max(initial=0)) + 1), PAD)
        targets = np.full((n, int(written.lengths.max(initial=0)) + 1), PAD)
        tokens[:, 0] = BEGIN
        _place(tokens, asked, 1)
        _place(tokens, written, 1 + asked.lengths)
        _place(targets, written, 0)
        targets[np.arange(n), written.lengths] = END
        mask = np.arange(targets.shape[1]) <= written.lengths[:, None]
        arrays = {"tokens": tokens, "first": asked.lengths, "targets": targets}
        inputs = {name: torch.from_numpy(array).to(self.device) for name, array in arrays.items()}
        floats = {"mask": mask, "length": written.lengths + 1}
        return inputs | {k: torch.from_numpy(v.astype(np.float32)).to(self.device) for k, v in floats.items()}

    def widths(self, inputs: Inputs, places: Tensor) -> list[dict[str, int]]:
        """Columns that each batch needs, by name of input.

        Args:
            inputs: As from ``prepare``.
            places: Rows of each batch, shape (steps, K, B).
        """
        written = inputs["length"][places].amax((1, 2))
        total = (inputs["length"] + inputs["first"])[places].amax((1, 2))
        return [
            {"tokens": int(t), "targets": int(w), "mask": int(w)}
            for t, w in zip(total.tolist(), written.tolist(), strict=True)
        ]

    def forward(self, weights: Tensor, inputs: Inputs) -> Output:
        """Log-probabilities of texts; logits are computed where a text token is predicted, nowhere else."""
        parameters = self.parameters(weights)
        states, mask = stream(parameters, self.shape, inputs["tokens"]), inputs["mask"]
        if len(weights) == 1 and weights.is_cpu:
            # Padding is left out altogether; members of a stack would have unequal numbers of rows.
            inside = mask[0] > 0
            rows, columns = inside.nonzero(as_tuple=True)
            places = rows * states.shape[2] + inputs["first"][0][rows] + columns
            logits = predict_words(parameters, pick_rows(states[0].flatten(0, 1), places)[None])
            found = log_probability(logits[0], inputs["targets"][0][inside])
            tokens = torch.zeros_like(mask).masked_scatter(inside, found)
            return Output(tokens.sum(-1), tokens=tokens)
        picked = _pick(states, inputs["first"], mask.shape[2])
        logits = predict_words(parameters, picked.flatten(1, 2))
        found = log_probability(logits.flatten(0, 1), inputs["targets"].flatten())
        tokens = found.view(mask.shape) * mask
        return Output(tokens.sum(-1), tokens=tokens)

    def score(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """log pi(text | prompt), shape (n,), float64; rows of similar length are scored together."""
        return self.score_together(weights, [(prompts, texts)])[0]

    @torch.no_grad()
    def score_together(
        self, weights: Tensor, columns: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> list[np.ndarray]:
        """log pi(text | prompt) of K members, each on prompts and texts of its own.

        Args:
            weights: Shape (K, P).
            columns: For each member prompts and texts, each of shape (n_k,).

        Returns:
            For each member an array of shape (n_k,), float64.
        """
        sizes = [len(texts) for _, texts in columns]
        prompts, texts = (np.concatenate(part) for part in zip(*columns, strict=True))
        inputs = self.prepare(prompts, texts)
        total = inputs["length"] + inputs["first"]
        starts = np.cumsum([0, *sizes[:-1]])
        # Members with fewer rows repeat their last one.
        order = torch.stack(
            [
                start + _repeat_last(torch.argsort(total[start : start + size], stable=True), max(sizes))
                for start, size in zip(starts, sizes, strict=True)
            ]
        )
        values = torch.empty(len(texts), device=self.device)
        for rows in order.split(max(1, self._rows_at_once // len(weights)), dim=1):
            values[rows] = self.forward(weights, _trim(inputs, rows)).value
        return np.split(values.double().cpu().numpy(), starts[1:])

    @torch.no_grad()
    def features(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Mean hidden state over the text's positions, shape (n, width), float64."""
        inputs = self.prepare(prompts, texts)
        order = torch.argsort(inputs["length"] + inputs["first"], stable=True)
        means = torch.empty(len(texts), self.shape.width, device=self.device)
        for rows in order.split(self._rows_at_once):
            batch = _trim(inputs, rows[None])
            parameters = self.parameters(weights)
            states = stream(parameters, self.shape, batch["tokens"])
            states = finish(parameters, states.flatten(1, 2)).view(states.shape)
            picked = _pick(states, batch["first"], batch["mask"].shape[2])
            means[rows] = ((picked * batch["mask"][..., None]).sum(2) / batch["length"][..., None])[0]
        return means.double().cpu().numpy()

    def sample(
        self, weights: Tensor, prompts: np.ndarray, uniforms: np.ndarray, temperature: float = 1.0
    ) -> np.ndarray:
        """Texts of shape (len(prompts), n).

        Args:
            weights: Shape (1, P).
            prompts: Shape (m,).
            uniforms: Numbers in [0, 1), shape (m, n, longest + 1): one a row and step.
            temperature: Logits are divided by it.
        """
        return self.sample_together(weights, [prompts], [uniforms], temperature)[0]

    def sample_together(
        self,
        weights: Tensor,
        prompts: Sequence[np.ndarray],
        uniforms: Sequence[np.ndarray],
        temperature: float = 1.0,
    ) -> np.ndarray:
        """Texts of K members, shape (K, m, n); arguments as for ``sample``, one of each a member."""
        asked = self.tokenizer.encode(np.concatenate(prompts))
        drawn = torch.from_numpy(np.stack(uniforms))
        ids = sample_tokens(self.parameters(weights), self.shape, asked, drawn, temperature)
        return self.tokenizer.decode(ids.reshape(-1, ids.shape[3])).reshape(ids.shape[:3])

    def count_members(self, rows: int, tokens: int, train: bool) -> int:
        """How many members fit into the free memory of an accelerator.

        Args:
            rows: Texts a member reads at once.
            tokens: Tokens of the longest text, prompt included.
            train: Whether activations are kept for the way back.
        """
        free = torch.cuda.mem_get_info(self.device)[0] if self.device != "cpu" else 0
        width = self.shape.layers * (12 * self.shape.width + 5 * self.shape.inner) + 3 * self.shape.vocabulary
        floats = rows * tokens * width + (6 if train else 2) * self.layout.size
        return max(1, min(MEMBERS_AT_MOST, int(MEMORY_SHARE * free / (4 * floats))))

    @property
    def _rows_at_once(self) -> int:
        return ROWS_AT_ONCE.get(self.device, ROWS_AT_ONCE_ELSEWHERE)

    @property
    def draws(self) -> int:
        """Uniform numbers a sampled text needs."""
        return self.longest + 1

    def count_flops(self, tokens: float, train: bool) -> float:
        """Counted floating point operations: 6 per weight and token in training, 2 otherwise."""
        return (6.0 if train else 2.0) * self.layout.size * tokens


def _place(table: np.ndarray, ragged: Ragged, start: Any) -> None:
    shift = np.broadcast_to(np.asarray(start), ragged.lengths.shape)
    table[ragged.rows, ragged.columns + shift[ragged.rows]] = ragged.ids


def _pick(states: Tensor, first: Tensor, length: int) -> Tensor:
    """Hidden states (K, B, length, width) at the positions that predict the text and its end."""
    index = first[..., None] + torch.arange(length, device=first.device)
    index = index.clamp(max=states.shape[2] - 1)[..., None].expand(-1, -1, -1, states.shape[3])
    return states.gather(2, index)


def _repeat_last(rows: Tensor, size: int) -> Tensor:
    return torch.cat((rows, rows[-1:].expand(size - len(rows))))


def _trim(inputs: Inputs, rows: Tensor) -> Inputs:
    """Rows (K, R) with the padding none of them needs cut off."""
    picked = {name: tensor[rows] for name, tensor in inputs.items()}
    written = int(picked["length"].max())
    total = int((picked["length"] + picked["first"]).max())
    for name, width in (("tokens", total), ("targets", written), ("mask", written)):
        picked[name] = picked[name][..., :width]
    return picked
