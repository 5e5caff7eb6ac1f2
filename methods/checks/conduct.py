"""Checks on how a method behaves while it fits: budget, randomness, independence of other fits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import Ask, Harness, Log, Method, Sample, Tags, Train
from methods.checks.subject import CheckFailed, CheckSkipped, Subject, distance
from methods.checks.toy import draw_toy


def stays_within_budget(subject: Subject) -> str:
    """Trainings, their steps, samples and questions stay within the budget."""
    budget = subject.make_harness(0).budget
    spent: Counter[str] = Counter()
    for kind in subject.kinds:
        spent.clear()
        watched = Watched(subject.method, spent)
        subject.fit_many([subject.log(kind)], method=watched)
        for name in ("trainings", "steps", "samples", "asks"):
            most = budget.steps * budget.trainings if name == "steps" else getattr(budget, name)
            if spent[name] > most:
                raise CheckFailed(
                    f"on {kind} logs the fit asks for {spent[name]} {name}, the budget allows {most}"
                )
    return ", ".join(f"{count} {name}" for name, count in sorted(spent.items())) or "the fit asks for nothing"


def leaves_global_randomness(subject: Subject) -> None:
    """No global generator is seeded or drawn from."""
    subject.fitted()  # a library that is first imported here may draw, which is not the method's doing
    before = _global_states()
    subject.fit(subject.log())
    moved = [name for name, state in _global_states().items() if state != before[name]]
    if moved:
        raise CheckFailed(f"the fit moves the global generator of {', '.join(moved)}; use harness.rng(part)")


def gives_same_result_beside_other_fits(subject: Subject) -> str:
    """A fit that is driven together with another gives the result that it gives alone."""
    other = subject.log(toy=draw_toy(300, seed=2))
    together = subject.fit_many([subject.log(), other])[0]
    alone = subject.ask(subject.fitted())
    moved = distance(alone, subject.ask(together))
    # Stacked arithmetic rounds differently and an optimiser magnifies that; another seed gives the scale.
    noise = distance(alone, subject.ask(subject.fitted(seed=1)))
    if moved > 1e-3 and moved > 0.25 * noise:
        raise CheckFailed(
            f"another fit in the batch moves rewards by {moved:.2g} of their spread, a seed by {noise:.2g}"
        )
    return f"moved {moved:.2g}, seed noise {noise:.2g}"


def keeps_no_state(subject: Subject) -> None:
    """A fit on another log in between changes nothing."""
    if not subject.kinds:
        raise CheckSkipped("declares no kind")
    before = subject.ask(subject.fitted())
    subject.fit(subject.log(toy=draw_toy(300, seed=4)), seed=3)
    if not np.allclose(subject.ask(subject.fit(subject.log())), before, rtol=1e-6, atol=1e-9):
        raise CheckFailed("a fit on another log changes later fits: the method keeps state")


@dataclass(frozen=True)
class Watched:
    """A method whose requests are counted.

    Attributes:
        inner: The method.
        spent: Counts by kind of request.
    """

    inner: Method
    spent: Counter[str]

    @property
    def name(self) -> str:
        """Name of the inner method."""
        return self.inner.name

    @property
    def tags(self) -> Tags:
        """Tags of the inner method."""
        return self.inner.tags

    def fit(self, log: Log, harness: Harness) -> Any:
        """Fit the inner method, counting."""
        result = self.inner.fit(log, harness)
        return self._relay(result, harness) if isinstance(result, Generator) else result

    def _relay(self, fitting: Generator[Any, Any, Any], harness: Harness) -> Generator[Any, Any, Any]:
        answer = None
        while True:
            try:
                asked = fitting.send(answer)
            except StopIteration as done:
                return done.value
            for request in asked if isinstance(asked, list) else [asked]:
                self._count(request, harness)
            answer = yield asked

    def _count(self, request: Any, harness: Harness) -> None:
        if isinstance(request, Train):
            self.spent["trainings"] += 1
            self.spent["steps"] += harness.budget.steps if request.steps is None else request.steps
        elif isinstance(request, Sample):
            self.spent["samples"] += len(request.prompts) * request.n
        elif isinstance(request, Ask):
            self.spent["asks"] += len(request.texts)


def _global_states() -> dict[str, str]:
    import torch

    return {
        "random": repr(random.getstate()),
        "numpy": repr(np.random.get_state()),  # noqa: NPY002  (watched, never used)
        "torch": torch.get_rng_state().numpy().tobytes().hex(),
    }


CONDUCT_CHECKS = (
    stays_within_budget,
    leaves_global_randomness,
    gives_same_result_beside_other_fits,
    keeps_no_state,
)
