"""Answering ``Train``: K requests of one signature become one optimisation over stacked tensors."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark import contract
from benchmark.contract import ContractError, Train
from benchmark.harness.cache import digest_columns, digest_numbers, digest_strings
from benchmark.harness.harness import Harness, as_strings, count_tokens, digest_model, is_kept
from benchmark.harness.training.model import Batch, FieldScores, Inputs, Model, Scores
from benchmark.harness.training.optimise import minimise, minimise_fully

FULL_STEPS = 500


@dataclass(frozen=True, eq=False)
class Job:
    """A ``Train`` request with its defaults filled in.

    Attributes:
        request: What was asked.
        harness: Whose budget, cache and streams apply.
        order: Row of each batch place, shape (steps, batch size).
        learning_rate: Peak step size.
    """

    request: Train
    harness: Harness
    order: np.ndarray
    learning_rate: float

    @property
    def fully(self) -> bool:
        """Whether L-BFGS applies: every row at every step, and a loss that is a function of the weights."""
        return self.request.full_batch and not getattr(self.request.model.architecture, "adversary", 0)

    @property
    def signature(self) -> Hashable:
        """Jobs of equal signature may be stacked."""
        request = self.request
        shapes = tuple((name, np.shape(column)[1:]) for name, column in sorted(request.values.items()))
        return (
            request.model.architecture.signature, loss_key(request.loss), tuple(sorted(request.fields)),
            shapes, self.order.shape, self.learning_rate, request.weight_decay, self.fully,
        )  # fmt: skip


def loss_key(loss: Any) -> Hashable:
    """The loss itself where it can be compared, else its identity."""
    try:
        hash(loss)
    except TypeError:
        return id(loss)
    return loss


def make_job(request: Train, harness: Harness, part: str) -> Job:
    """Check a request and fill in its defaults.

    Args:
        request: What was asked.
        harness: Whose budget and streams apply.
        part: Name of the stream that orders the rows.

    Raises:
        ContractError: If columns are empty, misshapen or not finite, or the budget is overrun.
    """
    if not isinstance(request.model, Model):
        raise ContractError(
            "Train needs a model",
            expected="harness.policy() or harness.reward_head()",
            found=type(request.model),
        )
    n = _check_columns(request)
    architecture, budget = request.model.architecture, harness.budget
    default_steps = FULL_STEPS if request.full_batch else budget.steps * architecture.effort[0]
    steps = request.steps if request.steps is not None else default_steps
    size = (
        request.batch_size if request.batch_size is not None else budget.batch_size * architecture.effort[1]
    )
    if steps < 1 or size < 1:
        raise ContractError(
            "training needs steps and rows",
            expected="steps >= 1, batch_size >= 1",
            found=f"steps={steps}, batch_size={size}",
        )
    rows = steps * (n if request.full_batch else size)
    exempt = architecture.row_limit is None or (request.full_batch and not architecture.policy)
    allowed = (architecture.row_limit or 0) * budget.steps * budget.batch_size
    if not exempt and rows > allowed:
        raise ContractError(
            "a training reads more rows than its budget",
            expected=f"steps x batch size <= {allowed}",
            found=f"{rows}",
            fix="leave steps and batch_size to the harness, or trade one for the other",
        )
    if request.full_batch:
        order = np.broadcast_to(np.arange(n), (steps, n))
    else:
        order = draw_order(harness.rng(part), n, steps, size)
    rate = request.learning_rate if request.learning_rate is not None else architecture.learning_rate
    return Job(request, harness, order, rate)


def _check_columns(request: Train) -> int:
    """Number of rows, once every column has been checked."""
    lengths = {name: len(texts) for name, texts in request.fields.items()}
    lengths |= {name: len(column) for name, column in request.values.items()}
    if not request.fields or len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ContractError(
            "the columns of a training set must have one length above 0",
            expected="at least one text field, and equal lengths",
            found=lengths or "no columns",
        )
    for name, column in request.values.items():
        values = np.asarray(column)
        if values.dtype.kind not in "biuf" or values.ndim not in (1, 2) or not np.isfinite(values).all():
            raise ContractError(
                f"number column {name!r} cannot be trained on",
                expected="finite numbers of shape (n,) or (n, d)",
                found=f"{values.dtype}, shape {values.shape}",
            )
    return next(iter(lengths.values()))


def draw_order(rng: np.random.Generator, n: int, steps: int, size: int) -> np.ndarray:
    """Rows of each batch, shape (steps, size): permutation after permutation, cut to length."""
    passes = math.ceil(steps * size / n)
    return np.concatenate([rng.permutation(n) for _ in range(passes)])[: steps * size].reshape(steps, size)


@dataclass(frozen=True, eq=False)
class _Member:
    """The rows one job uses, ready to be stacked; text fields lie one after another in ``inputs``."""

    job: Job

    @cached_property
    def _used(self) -> tuple[np.ndarray, np.ndarray]:
        order = self.job.order
        rows, places = np.unique(order[:1] if self.job.fully else order, return_inverse=True)
        return rows, places.reshape(-1, order.shape[1])

    @property
    def used(self) -> int:
        """Number of rows that some batch reads."""
        return len(self._used[0])

    @property
    def order(self) -> np.ndarray:
        """Places among the used rows, shape (steps, batch size)."""
        return self._used[1]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Text fields in order."""
        return tuple(sorted(self.job.request.fields))

    def _column(self, part: str) -> np.ndarray:
        columns = (self.job.request.fields[name] for name in self.names)
        return np.concatenate([as_strings(getattr(column, part))[self._used[0]] for column in columns])

    @cached_property
    def prompts(self) -> np.ndarray:
        """Prompts of all fields, shape (fields * used,)."""
        return self._column("prompts")

    @cached_property
    def texts(self) -> np.ndarray:
        """Texts of all fields, shape (fields * used,)."""
        return self._column("texts")

    @cached_property
    def inputs(self) -> Inputs:
        """What the architecture reads."""
        return self.job.request.model.architecture.prepare(self.prompts, self.texts)

    @cached_property
    def values(self) -> dict[str, Tensor]:
        """Number columns of the used rows."""
        architecture = self.job.request.model.architecture
        return {
            name: torch.from_numpy(np.asarray(column)[self._used[0]].astype(np.float64)).to(
                architecture.device, architecture.dtype
            )
            for name, column in self.job.request.values.items()
        }

    def count(self) -> None:
        """Report tokens and operations, whether or not the result is already known."""
        architecture, steps = self.job.request.model.architecture, len(self.job.order)
        tokens = count_tokens(architecture, self.prompts, self.texts) / self.used
        tokens *= steps * self.job.order.shape[1]
        self.job.harness.meter.count(tokens, architecture.count_flops(tokens, train=True))


class _Stack:
    """Members' rows in common tensors, and the loss of any step."""

    def __init__(self, members: Sequence[_Member]) -> None:
        self.members = members
        first = members[0]
        self.architecture = first.job.request.model.architecture
        self.names, self.size = first.names, first.order.shape[1]
        device = self.architecture.device
        fields_count = len(self.names)
        starts = np.cumsum([0] + [member.used for member in members[:-1]])
        rows = np.stack([m.order + start for m, start in zip(members, starts, strict=True)], axis=1)
        places = np.stack(
            [
                np.concatenate(
                    [m.order + fields_count * start + f * m.used for f in range(fields_count)], axis=1
                )
                for m, start in zip(members, starts, strict=True)
            ],
            axis=1,
        )
        self.rows = torch.from_numpy(rows).to(device)
        self.places = torch.from_numpy(places).to(device)
        self.inputs = {
            name: _pad_and_join([member.inputs[name] for member in members]) for name in first.inputs
        }
        # Known beforehand, so that no step waits for an accelerator to tell.
        widths = getattr(self.architecture, "widths", None)
        self.widths = [{}] * len(self.places) if widths is None else widths(self.inputs, self.places)
        self.values = {name: torch.cat([m.values[name] for m in members]) for name in first.values}
        self._reference: Tensor | None = None

    def reference(self) -> Tensor:
        """Reference log-probabilities of every row, computed when a loss first asks."""
        if self._reference is None:
            found = [member.job.harness.reference(member.prompts, member.texts) for member in self.members]
            self._reference = torch.from_numpy(np.concatenate(found)).to(
                self.architecture.device, self.architecture.dtype
            )
        return self._reference

    def loss_at(self, weights: Tensor, step: int) -> Tensor:
        """Mean loss of each member, shape (K,)."""
        rows, places = self.rows[step], self.places[step]
        needed = self.widths[step]
        inputs = {
            name: (tensor[:, : needed[name]] if name in needed else tensor)[places]
            for name, tensor in self.inputs.items()
        }
        output = self.architecture.forward(weights, inputs)
        scores = {}
        for f, name in enumerate(self.names):
            cut = slice(f * self.size, (f + 1) * self.size)
            part = replace(output, **{x.name: _cut(getattr(output, x.name), cut) for x in fields(output)})
            here = places[:, cut]
            find = (lambda here=here: self.reference()[here]) if self.architecture.policy else None
            scores[name] = FieldScores(part, inputs["length"][:, cut], find)
        batch = Batch({name: column[rows] for name, column in self.values.items()})
        request = self.members[0].job.request
        losses = request.loss(Scores(scores, self.architecture.layout.split(weights)), batch)
        return _per_member(losses, len(weights), self.size)


def _cut(tensor: Tensor | None, cut: slice) -> Tensor | None:
    return None if tensor is None else tensor[:, cut]


def _per_member(losses: Any, members: int, size: int) -> Tensor:
    found = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
    if found == (members, size):
        return losses.mean(1)
    if found == (members,):
        return losses
    raise ContractError(
        "a loss has the wrong shape", expected=f"({members}, {size}) or ({members},)", found=found
    )


def _pad_and_join(tensors: list[Tensor]) -> Tensor:
    """Rows of several tensors, padded with zeros to the widest."""
    if tensors[0].ndim == 1:
        return torch.cat(tensors)
    width = max(tensor.shape[1] for tensor in tensors)
    return torch.cat([F.pad(tensor, (0, width - tensor.shape[1])) for tensor in tensors])


def train(jobs: Sequence[Job]) -> list[contract.Model | ContractError]:
    """Train jobs of one signature together; a decoder trained alone is kept by content.

    Returns:
        For each job its trained model, or the error if its weights are no longer finite.
    """
    members = [_Member(job) for job in jobs]
    for member in members:
        member.count()
    key = _key(jobs[0]) if len(jobs) == 1 else None
    if key is None:
        weights = _train(members)
    else:
        harness = jobs[0].harness
        kept = harness.cache.array(key, lambda: _train(members).numpy(), harness.meter.reuse)
        weights = torch.from_numpy(kept.copy())
    answers: list[contract.Model | ContractError] = []
    for job, finite, own in zip(jobs, torch.isfinite(weights).all(1).tolist(), weights, strict=True):
        answers.append(job.request.model.with_weights(own[None].clone()) if finite else _diverged())
    return answers


def _train(members: Sequence[_Member]) -> Tensor:
    """Trained weights, shape (K, P)."""
    stack, first = _Stack(members), members[0].job
    start = torch.cat([member.job.request.model.weights for member in members])
    decay = first.request.weight_decay
    mask = stack.architecture.layout.decay_mask(start) if decay else None
    steps = len(first.order)
    if first.fully:
        return minimise_fully(start, stack.loss_at, steps, weight_decay=decay, decayed=mask)
    return minimise(start, stack.loss_at, steps, first.learning_rate, weight_decay=decay, decayed=mask)


def _key(job: Job) -> tuple[Hashable, ...] | None:
    """Everything the trained weights follow from, or None where they are not kept.

    Stacked members are not kept: stacking changes the order of sums. A loss counts as equal
    to another only if it is a frozen dataclass, which cannot hide a changing state.
    """
    request, loss = job.request, type(job.request.loss)
    settings = getattr(loss, "__dataclass_params__", None)
    if not is_kept(request.model) or request.model.architecture.device != "cpu":
        return None
    if (
        settings is None
        or not (settings.frozen and settings.eq)
        or loss_key(request.loss) is not request.loss
    ):
        return None
    texts = tuple(
        (name, digest_strings(column.prompts, column.texts))
        for name, column in sorted(request.fields.items())
    )
    columns = (digest_columns(request.values), digest_numbers(job.order), digest_model(request.model))
    return ("training", job.harness.backbone.hash, job.signature, texts, columns)


def _diverged() -> ContractError:
    return ContractError(
        "training diverged",
        expected="finite weights",
        found="NaN or infinity",
        fix="guard logarithms and divisions in the loss, or lower the learning rate",
    )
