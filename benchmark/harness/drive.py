"""Advancing many fits of one method in lockstep, and answering what they ask.

Requests of equal signature are stacked; a fit that fails takes no other fit with it.
"""

from __future__ import annotations

import inspect
import traceback as tracebacks
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from benchmark.contract import (
    Ask,
    ContractError,
    Encode,
    Fitted,
    Incompatible,
    Log,
    Method,
    Request,
    Sample,
    Score,
    Train,
)
from benchmark.contract.records import status_of
from benchmark.harness.harness import Harness, as_strings
from benchmark.harness.training.model import Model
from benchmark.harness.training.together import Question, answer_together
from benchmark.harness.training.trainer import Job, make_job, train

HEADS_AT_ONCE = 16


@dataclass(frozen=True)
class Failure:
    """Why one fit has no result.

    Attributes:
        status: One of ``benchmark.contract.records.STATUSES``, never "ok" or "timeout".
        reason: One line for the board.
        traceback: Where it happened; empty where the method declined the log.
        declined: Whether its tags or the method itself declined the log.
    """

    status: str
    reason: str
    traceback: str = ""
    declined: bool = False

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure an exception stands for."""
        status, reason = status_of(error)
        declined = isinstance(error, Incompatible)
        return cls(status, reason, "" if declined else "".join(tracebacks.format_exception(error)), declined)


def drive(
    method: Method, tasks: Iterable[tuple[Log, Harness]], *, stack: int | None = None
) -> list[Fitted | Failure]:
    """Fit a method on many logs.

    Args:
        method: What to fit.
        tasks: A log and a harness for each fit.
        stack: Most fits on one ensemble axis; by default what pays on the device: heads 16,
            decoders 1 on a CPU and what fits into memory elsewhere.

    Returns:
        A fitted result or a failure for each task, in order.
    """
    fits = [_Fit(method, log, harness) for log, harness in tasks]
    for fit in fits:
        fit.start()
    while waiting := [fit for fit in fits if fit.result is None]:
        jobs: list[tuple[_Fit, int, Job]] = []
        _answer_ahead(waiting, stack)
        for fit in waiting:
            for place, request in enumerate(fit.requests):
                try:
                    if isinstance(request, Train):
                        jobs.append((fit, place, fit.accept(request)))
                    else:
                        fit.answers[place] = fit.answer(request)
                except Exception as error:
                    fit.error = fit.error or error
        for group in _grouped(jobs, stack):
            _train_group(group)
        for fit in waiting:
            fit.advance()
    return [fit.result for fit in fits]  # type: ignore[misc]


class _Fit:
    """One fit under way: its generator, what it has asked and what it has spent."""

    def __init__(self, method: Method, log: Log, harness: Harness) -> None:
        self.method, self.log, self.harness = method, log, harness
        self.result: Fitted | Failure | None = None
        self.requests: list[Request] = []
        self.answers: list[Any] = []
        self.error: Exception | None = None
        self.spent = {"trainings": 0, "samples": 0, "asks": 0}
        self._generator: Generator[Any, Any, Fitted] | None = None
        self._many = False
        self._sampled = 0

    def start(self) -> None:
        """Call ``fit``; take the first requests, or the result if it needs none."""
        try:
            refused = self.method.tags.reason_to_refuse(self.log)
            if refused:
                self.result = Failure("incompatible", refused, declined=True)
                return
            made = self.method.fit(self.log, self.harness)
            if not inspect.isgenerator(made):
                self._finish(made)
                return
            self._generator = generator = cast(Generator[Any, Any, Fitted], made)
            self._take(next(generator))
        except StopIteration as stop:
            self._finish(stop.value)
        except Exception as error:
            self.result = Failure.of(error)

    def advance(self) -> None:
        """Hand over the answers, or the first error where the fit asked for it."""
        assert self._generator is not None
        try:
            if self.error is not None:
                error, self.error = self.error, None
                self._take(self._generator.throw(error))
            else:
                self._take(self._generator.send(self.answers if self._many else self.answers[0]))
        except StopIteration as stop:
            self._finish(stop.value)
        except Exception as error:
            self.result = Failure.of(error)

    def _take(self, asked: Any) -> None:
        self._many = isinstance(asked, list | tuple)
        self.requests = list(asked) if self._many else [asked]
        self.answers = [None] * len(self.requests)

    def _finish(self, result: Any) -> None:
        if callable(getattr(result, "reward", None)):
            self.result = result
            return
        error = ContractError(
            "fit must return a Fitted",
            expected="an object with reward(prompts, texts, context)",
            found=type(result).__name__,
        )
        self.result = Failure.of(error)

    def _spend(self, what: str, amount: int) -> None:
        allowed = getattr(self.harness.budget, what)
        if self.spent[what] + amount > allowed:
            raise ContractError(
                f"the budget of {what} is overrun",
                expected=f"at most {allowed}",
                found=f"{self.spent[what] + amount}",
            )
        self.spent[what] += amount

    def accept(self, request: Train) -> Job:
        """Charge and check a training; its rows are ordered by the number of trainings before it."""
        self._spend("trainings", 1)
        return make_job(request, self.harness, f"train/{self.spent['trainings']}")

    def answer(self, request: Any) -> Any:
        """The answer to anything but a training."""
        if isinstance(request, Score):
            return self.harness.score(_model(request.model), request.prompts, request.texts)
        if isinstance(request, Sample):
            self._spend("samples", len(request.prompts) * request.n)
            self._sampled += 1
            return self.harness.sample(
                _model(request.model), request.prompts, request.n,
                temperature=request.temperature, part=f"sample/{self._sampled}",
            )  # fmt: skip
        if isinstance(request, Encode):
            return self.harness.encode(request.prompts, request.texts)
        if isinstance(request, Ask):
            return self._ask(request)
        raise ContractError(
            "fit yielded an object that is not a request",
            expected="Train, Score, Sample, Encode or Ask",
            found=type(request).__name__,
        )

    def questions(self) -> Iterator[Question]:
        """What is about to be asked of decoders and stays within the budget."""
        sampled, spent = self._sampled, self.spent["samples"]
        for request in self.requests:
            model = getattr(request, "model", None)
            if not isinstance(model, Model) or isinstance(request, Train):
                continue
            if isinstance(request, Score):
                yield Question(self.harness, model, as_strings(request.prompts), as_strings(request.texts))
            elif isinstance(request, Sample):
                sampled, spent = sampled + 1, spent + len(request.prompts) * request.n
                if spent <= self.harness.budget.samples and request.n > 0 and request.temperature > 0:
                    yield Question(
                        self.harness, model, as_strings(request.prompts), None, request.n,
                        request.temperature, f"sample/{sampled}",
                    )  # fmt: skip

    def _ask(self, request: Ask) -> np.ndarray:
        if self.harness.oracle is None:
            raise ContractError("this task has no oracle", expected="the oracle track", found="Ask")
        self._spend("asks", len(request.texts))
        prompts, texts = as_strings(request.prompts), as_strings(request.texts)
        return np.asarray(self.harness.oracle(prompts, texts, request.context), dtype=np.float64)


def _answer_ahead(fits: Sequence[_Fit], stack: int | None) -> None:
    """Answer together what several fits ask of their decoders; each then finds its answer."""
    questions = [question for fit in fits for question in fit.questions()] if len(fits) > 1 else []
    try:
        answer_together(questions, stack)
    except Exception:
        # One question in a stack is at fault: each is answered alone, where its own fit is told.
        return


def _model(found: Any) -> Model:
    if isinstance(found, Model):
        return found
    raise ContractError("a request needs a model", expected="Model", found=type(found).__name__)


def _grouped(
    jobs: Sequence[tuple[_Fit, int, Job]], stack: int | None
) -> Iterable[list[tuple[_Fit, int, Job]]]:
    """Jobs of equal signature, in parts no larger than what may be stacked."""
    groups: dict[Any, list[tuple[_Fit, int, Job]]] = {}
    for entry in jobs:
        groups.setdefault(entry[2].signature, []).append(entry)
    for group in groups.values():
        size = _stack_size(group[0][2], stack)
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _stack_size(job: Job, stack: int | None) -> int:
    architecture = job.request.model.architecture
    if job.fully or not architecture.stackable:
        return 1
    if stack is not None:
        return max(1, stack)
    if architecture.name == "decoder":
        if architecture.device == "cpu":
            return 1
        rows = job.order.shape[1] * len(job.request.fields)
        return int(architecture.count_members(rows, 2 * architecture.longest, train=True))
    return HEADS_AT_ONCE


def _train_group(group: list[tuple[_Fit, int, Job]]) -> None:
    """Train a group; if it fails, halve it until memory suffices and who is at fault is alone."""
    try:
        answers = train([job for _, _, job in group])
    except Exception as error:
        if len(group) > 1:
            middle = len(group) // 2
            _train_group(group[:middle])
            _train_group(group[middle:])
            return
        answers = [error]  # type: ignore[list-item]
    for (fit, place, _), answer in zip(group, answers, strict=True):
        if isinstance(answer, Exception):
            fit.error = fit.error or answer
        else:
            fit.answers[place] = answer
