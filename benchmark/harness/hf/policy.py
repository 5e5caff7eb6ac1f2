"""Any ``transformers`` causal language model as a policy: all weights trained, or adapters alone.

The same protocol as the tiny decoder, one member at a time. In training the rows of a batch
lie side by side without padding; a prompt is read once for all texts that follow it where
they are scored or sampled. Nothing is fetched here.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from benchmark.contract import UsageError
from benchmark.harness.decoder.network import log_probability
from benchmark.harness.hf.packing import PACKED_TOKENS, PACKED_TOKENS_ELSEWHERE, pack, split_rows
from benchmark.harness.hf.products import FastProducts
from benchmark.harness.training.layout import Layout
from benchmark.harness.training.model import Inputs, Model, Output

SCORE_TOKENS = {"cpu": 1024}
SCORE_TOKENS_ELSEWHERE = 16_384
SAMPLED_ROWS = 256


@dataclass(frozen=True, eq=False)
class HFPolicy:
    """A causal language model as a policy over texts given a prompt.

    The sequence is the beginning token (if there is one), the prompt, a separator, the
    text and the end token; its log-probability is that of the text and the end token.

    Attributes:
        module: The network, in evaluation mode; its own weights are never changed.
        tokenizer: Of ``transformers``.
        longest: Most tokens a sampled text may have.
        separator: Written between prompt and text.
        chat: Whether prompts are put through the tokenizer's chat template instead.
        device: Where the network lives.
        learning_rate: Default step size.
        checkpoint: Rows whose activations are held at a time while gradients are computed; the
            others are computed anew on the way back. 0 holds all.
        packs: Whether the network reads several sequences in one row as it reads each alone.
    """

    module: Any
    tokenizer: Any
    longest: int = 64
    separator: str = "\n"
    chat: bool = False
    device: str = "cpu"
    learning_rate: float = 1e-4
    checkpoint: int = 0
    packs: bool = True

    name = "hf"
    policy = True
    stackable = False
    dtype = torch.float32
    effort = (1, 1)
    row_limit = 1

    @property
    def signature(self) -> Hashable:
        """A network is stacked with nothing."""
        return (self.name, id(self.module))

    @cached_property
    def layout(self) -> Layout:
        """The parameters that require gradients."""
        trained = [(n, tuple(p.shape)) for n, p in self.module.named_parameters() if p.requires_grad]
        return Layout(tuple(trained), frozenset(n for n, shape in trained if len(shape) > 1))

    @property
    def draws(self) -> int:
        """Uniform numbers a sampled text needs."""
        return self.longest + 1

    @property
    def _end(self) -> int:
        return int(self.tokenizer.eos_token_id)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else []

    def _head(self, prompt: str) -> list[int]:
        """Tokens of everything before a text; at least one."""
        if self.chat:
            turn = [{"role": "user", "content": prompt}]
            whole = self.tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
            return list(self._ids([whole])[0])
        begin = self.tokenizer.bos_token_id
        return [self._end if begin is None else int(begin), *self._ids([f"{prompt}{self.separator}"])[0]]

    def _written(self, texts: np.ndarray) -> list[list[int]]:
        return [[*ids, self._end] for ids in self._ids(list(texts))]

    def prepare(self, prompts: np.ndarray, texts: np.ndarray) -> Inputs:
        """Padded inputs: "tokens" (n, T), "first" (n,), "targets" and "mask" (n, S), "length" (n,)."""
        known = {prompt: self._head(prompt) for prompt in dict.fromkeys(prompts)}
        heads, written = [known[prompt] for prompt in prompts], self._written(texts)
        n, longest = len(texts), max(map(len, written))
        tokens = torch.zeros(n, max(len(h) + len(w) for h, w in zip(heads, written, strict=True)) - 1).long()
        targets, mask = torch.zeros(n, longest).long(), torch.zeros(n, longest)
        for row, (head, text) in enumerate(zip(heads, written, strict=True)):
            whole = head + text[:-1]
            tokens[row, : len(whole)] = torch.tensor(whole)
            targets[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        first = torch.tensor([len(head) - 1 for head in heads])
        inputs = {"tokens": tokens, "first": first, "targets": targets, "mask": mask, "length": mask.sum(1)}
        return {name: tensor.to(self.device) for name, tensor in inputs.items()}

    def _call(self, weights: Tensor | None, tokens: Tensor, **options: Any) -> Any:
        if weights is None:
            with FastProducts():
                return self.module(tokens, **options)
        parameters = {name: value[0] for name, value in self.layout.split(weights).items()}
        with FastProducts():
            return torch.func.functional_call(self.module, parameters, (tokens,), options)

    def forward(self, weights: Tensor | None, inputs: Inputs) -> Output:
        """Log-probabilities of texts; leading axes (1, B); without weights, those of the network itself."""
        batch = {name: tensor[0] for name, tensor in inputs.items()}
        held = self.checkpoint if torch.is_grad_enabled() else 0
        found = []
        for rows in self._parts(batch, held):
            part = {name: tensor[rows] for name, tensor in batch.items()}
            found.append(
                checkpoint(self._token_scores, weights, part, use_reentrant=False)
                if held
                else self._token_scores(weights, part)
            )
        value = torch.cat(found)[None]
        return Output(value.sum(-1), tokens=value)

    def _parts(self, batch: Inputs, held: int) -> list[slice]:
        """Rows that are read at once: few enough for attention between neighbours to cost little."""
        sizes = [int(size) for size in (batch["first"] + batch["length"]).tolist()]
        budget = PACKED_TOKENS.get(self.device, PACKED_TOKENS_ELSEWHERE)
        return list(split_rows(sizes, budget, held if self.packs else 1))

    def _token_scores(self, weights: Tensor | None, batch: Inputs) -> Tensor:
        """Log-probability of each text token, shape (B, S), 0 past the end of a text."""
        packed = pack(batch)
        where = {"position_ids": packed.positions} if self.packs else {}
        output = self._call(weights, packed.tokens, use_cache=False, logits_to_keep=packed.asked, **where)
        return packed.spread(log_probability(output.logits[0], packed.targets))

    def _read(self, weights: Tensor, heads: list[list[int]]) -> Any:
        """The state after all of some prompts but their last tokens; None if that is nothing.

        The prompts are of one length and become the rows of the state.
        """
        if len(heads[0]) == 1:
            return None
        tokens = torch.tensor([head[:-1] for head in heads], device=self.device)
        return self._call(weights, tokens, use_cache=True, logits_to_keep=1).past_key_values

    @torch.no_grad()
    def score(self, weights: Tensor, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """log pi(text | prompt), shape (n,), float64; rows of similar length are scored together."""
        values = np.empty(len(texts))
        distinct, which = np.unique(prompts.astype(str), return_inverse=True)
        for index, prompt in enumerate(distinct):
            rows = np.flatnonzero(which == index)
            head, written = self._head(str(prompt)), self._written(texts[rows])
            state = self._read(weights, [head])
            for part in split_by_length([len(text) for text in written], self._score_tokens):
                found = self._score_after(weights, state, head[-1], [written[i] for i in part])
                values[rows[part]] = found.double().cpu().numpy()
        return values

    @property
    def _score_tokens(self) -> int:
        return SCORE_TOKENS.get(self.device, SCORE_TOKENS_ELSEWHERE)

    def _score_after(self, weights: Tensor, state: Any, last: int, written: list[list[int]]) -> Tensor:
        """Log-probabilities of texts after one prompt, shape (n,)."""
        longest = max(map(len, written))
        targets = torch.tensor([text + [0] * (longest - len(text)) for text in written], device=self.device)
        lengths = torch.tensor([len(text) for text in written], device=self.device)
        tokens = torch.cat([torch.full_like(targets[:, :1], last), targets[:, :-1]], 1)
        past = repeat_state(state, len(written))
        logits = self._call(weights, tokens, past_key_values=past, use_cache=past is not None).logits
        found = log_probability(logits.flatten(0, 1), targets.flatten()).view(targets.shape)
        return (found * (torch.arange(longest, device=self.device) < lengths[:, None])).sum(1)

    @torch.no_grad()
    def sample(
        self, weights: Tensor, prompts: np.ndarray, uniforms: np.ndarray, temperature: float = 1.0
    ) -> np.ndarray:
        """Texts of shape (len(prompts), n) by inverse CDF on uniforms (m, n, longest + 1)."""
        heads = [self._head(prompt) for prompt in prompts]
        texts = np.empty(uniforms.shape[:2], dtype=object)
        # Heads of one length need no padding beside each other.
        most = max(1, SAMPLED_ROWS // max(1, uniforms.shape[1]))
        for length in sorted(set(map(len, heads))):
            equal = [row for row, head in enumerate(heads) if len(head) == length]
            for rows in (equal[start : start + most] for start in range(0, len(equal), most)):
                drawn = torch.from_numpy(uniforms[rows]).to(self.device)
                together = self._sample_after(weights, [heads[row] for row in rows], drawn, temperature)
                texts[rows] = np.array(together, dtype=object).reshape(len(rows), -1)
        return texts

    def _sample_after(
        self, weights: Tensor, heads: list[list[int]], uniforms: Tensor, heat: float
    ) -> list[str]:
        """Texts after heads of one length, side by side, those of a head together; finished texts leave."""
        each = uniforms.shape[1]
        uniforms = uniforms.flatten(0, 1)
        rows: list[list[int]] = [[] for _ in uniforms]
        alive = torch.arange(len(rows), device=self.device)
        last = torch.tensor([head[-1:] for head in heads], device=self.device)
        tokens = last.repeat_interleave(each, 0)
        state = repeat_state(self._read(weights, heads), each)
        for step in range(uniforms.shape[1]):
            output = self._call(weights, tokens, past_key_values=state, use_cache=True)
            state = output.past_key_values
            cumulative = (output.logits[:, -1].float() / heat).softmax(-1).cumsum(-1)
            target = uniforms[alive, step, None].to(cumulative) * cumulative[:, -1:]
            drawn = torch.searchsorted(cumulative, target, right=True)[:, 0]
            drawn = drawn.clamp(max=cumulative.shape[1] - 1)
            on = drawn != self._end
            if not bool(on.all()):
                state.batch_select_indices(on.nonzero()[:, 0])
                alive, drawn = alive[on], drawn[on]
            if not len(alive):
                break
            for row, token in zip(alive.tolist(), drawn.tolist(), strict=True):
                rows[row].append(token)
            tokens = drawn[:, None]
        return [str(text).strip() for text in self.tokenizer.batch_decode(rows)]

    def count_flops(self, tokens: float, train: bool) -> float:
        """Counted floating point operations: 6 per weight and token in training, 2 otherwise."""
        size = sum(parameter.numel() for parameter in self.module.parameters())
        return (6.0 if train else 2.0) * size * tokens


def split_by_length(lengths: list[int], budget: int) -> list[np.ndarray]:
    """Rows in parts of similar length, each of at most ``budget`` tokens once padded (or one row)."""
    order = np.argsort(lengths, kind="stable")
    parts: list[list[int]] = []
    for row in order.tolist():
        # Rows come in ascending length, so this row is the longest of its part.
        if not parts or (len(parts[-1]) + 1) * lengths[row] > budget:
            parts.append([])
        parts[-1].append(row)
    return [np.array(part) for part in parts]


def repeat_state(state: Any, n: int) -> Any:
    """A key-value state with each row n times, copies side by side; the given one is left as it is."""
    if state is None:
        return None
    state = copy.deepcopy(state)
    state.batch_repeat_interleave(n)
    return state


def save_policy(model: Model, folder: Any) -> None:
    """Write a policy so that plain ``transformers`` loads it; adapters are merged into the weights.

    Args:
        model: A policy on a ``transformers`` backbone.
        folder: Where ``save_pretrained`` writes model and tokenizer.

    Raises:
        UsageError: If the model is of another kind.
    """
    architecture = model.architecture
    if architecture.name != "hf":
        raise UsageError(
            "only a policy on a transformers backbone is saved so",
            expected="harness.policy() of such a backbone",
            found=f"a {architecture.name} model",
            fix="a tiny decoder becomes a Llama with benchmark.harness.to_llama",
        )
    module = copy.deepcopy(architecture.module)
    trained = {name: value[0].clone() for name, value in model.parameters.items()}
    module.load_state_dict(trained, strict=False)
    if hasattr(module, "merge_and_unload"):
        module = module.merge_and_unload()
    module.save_pretrained(folder)
    architecture.tokenizer.save_pretrained(folder)
