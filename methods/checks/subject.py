"""A method under test: fits it on toy logs and asks it fixed questions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from benchmark.contract import Fitted, Incompatible, Log, Method, make_rng
from benchmark.contract.errors import find_place
from methods.checks.toy import PROMPTS, Toy, draw_toy, write_texts

if TYPE_CHECKING:
    from benchmark.harness import Harness


class CheckFailed(Exception):
    """The method breaks a clause of the contract; the message says which and how."""


class CheckSkipped(Exception):
    """The check does not apply; the message says why."""


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check.

    Attributes:
        name: Name of the check.
        status: "passed", "failed" or "skipped".
        reason: Why it failed or was skipped; may hold a figure where it passed.
    """

    name: str
    status: str
    reason: str


@dataclass(frozen=True, eq=False)
class Subject:
    """A method, harnesses to fit it with, and questions to ask.

    Attributes:
        method: Under test.
        make_harness: Seed to harness.
        kept: Fits already made, by (kind, seed).
    """

    method: Method
    make_harness: Callable[[int], Harness]
    kept: dict[tuple[str, int], Fitted] = field(default_factory=dict)

    @cached_property
    def toy(self) -> Toy:
        """The toy log of most checks."""
        return draw_toy(300)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Declared log kinds, in order."""
        return tuple(sorted(self.method.tags.kinds))

    @cached_property
    def questions(self) -> tuple[np.ndarray, np.ndarray]:
        """Prompts and texts to be rewarded, 48 of each."""
        rng = make_rng("check questions")
        texts = write_texts(rng.integers(0, 2, (48, 4)), rng)
        return PROMPTS[rng.integers(len(PROMPTS), size=48)], texts

    def log(self, kind: str | None = None, toy: Toy | None = None, drop: Iterable[str] = ()) -> Log:
        """A toy log with what the method needs (and covariates).

        Args:
            kind: Log kind; by default the first declared.
            toy: Rows to take; by default the common ones.
            drop: Roles to leave out.
        """
        roles = ({"covariate"} | self.method.tags.needs) - set(drop)
        return (toy or self.toy).log(kind or self.kinds[0], roles)

    def fit(self, log: Log, seed: int = 0) -> Fitted:
        """Fit on a log.

        Raises:
            Incompatible: If the method declines it.
            CheckFailed: If the fit fails otherwise.
        """
        return self.fit_many([log], seed)[0]

    def fit_many(self, logs: list[Log], seed: int = 0, method: Method | None = None) -> list[Fitted]:
        """Fit on several logs in lockstep."""
        from benchmark.harness.drive import Failure, drive

        found = drive(method or self.method, [(log, self.make_harness(seed)) for log in logs])
        for result in found:
            if isinstance(result, Failure):
                if result.declined:
                    raise Incompatible(result.reason)
                place = find_place(result.traceback, inspect.getsourcefile(type(self.method)) or "")
                where = f" at {place}" if place else ""
                raise CheckFailed(f"the fit failed{where}: {result.reason}")
        return found  # type: ignore[return-value]

    def fitted(self, kind: str | None = None, seed: int = 0) -> Fitted:
        """The fit on the common toy log, made once."""
        key = (kind or self.kinds[0], seed)
        if key not in self.kept:
            self.kept[key] = self.fit(self.log(key[0]), seed)
        return self.kept[key]

    def ask(self, fitted: Fitted, rows: np.ndarray | None = None) -> np.ndarray:
        """Rewards of the questions (or of some), shape (48,) or (len(rows),)."""
        prompts, texts = self.questions
        rows = np.arange(len(texts)) if rows is None else rows
        context = {"segment": (rows % 2).astype(float)} if "context" in self.method.tags.needs else None
        return np.asarray(fitted.reward(prompts[rows], texts[rows], context), dtype=np.float64)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Root mean squared difference of centred rewards, relative to the first's own spread."""
    scale = float(np.std(first))
    gap = float(np.std((first - first.mean()) - (second - second.mean())))
    return gap / scale if scale > 1e-12 else gap
