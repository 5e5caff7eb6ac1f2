"""What a method is: a name, tags, and ``fit``. This is all an author must know.

A method sees a ``Log`` and a ``Harness``; it never learns which world made the log.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from benchmark.contract.log import Log
from benchmark.contract.queries import Contrasts
from benchmark.contract.requests import Request

if TYPE_CHECKING:
    from benchmark.harness import Harness

TRACKS = ("log", "propensity", "slice", "oracle")
# The column that a track is about: its methods are ranked on the worlds that record it.
TRACK_COLUMNS = {"propensity": "propensity", "slice": "randomised"}


@dataclass(frozen=True)
class Budget:
    """What one fit may spend; equal for all methods of a suite.

    Attributes:
        steps: Optimiser steps of one ``Train`` of a policy.
        batch_size: Rows (pairs or texts) a step.
        trainings: How many ``Train`` requests a fit may make.
        samples: Texts a fit may sample.
        asks: Oracle outcomes a fit may buy (oracle track alone).
    """

    steps: int = 60
    batch_size: int = 32
    trainings: int = 32
    samples: int = 8192
    asks: int = 0


@dataclass(frozen=True)
class Tags:
    """What a method takes and claims.

    Attributes:
        kinds: Log kinds it fits: "outcome", "pairs", "rankings".
        needs: Column roles it cannot do without, such as "covariate" or "propensity".
        track: One of ``TRACKS``; methods are ranked inside a track, never across.
        adjusts: Whether it claims to remove confounding.
        policy: Whether its result can sample texts.
        intervals: Whether its result gives effect intervals on the outcome's scale.
        calibrated: Whether its reward is on the outcome's scale (bias and RMSE are reported).
        canary: A control that belongs on every board but is no contender.
        paper: Source of the method.
        summary: One sentence for the catalogue.
    """

    kinds: frozenset[str] = frozenset({"outcome"})
    needs: frozenset[str] = frozenset()
    track: str = "log"
    adjusts: bool = False
    policy: bool = False
    intervals: bool = False
    calibrated: bool = False
    canary: bool = False
    paper: str = ""
    summary: str = ""

    def reason_to_refuse(self, log: Log) -> str | None:
        """Why a log cannot be taken, or None if it can."""
        if log.kind not in self.kinds:
            return f"takes {' or '.join(sorted(self.kinds))} logs, this one holds {log.kind}"
        missing = sorted(role for role in self.needs if not log.has(role))
        return f"needs {', '.join(missing)}, which this log does not record" if missing else None


@runtime_checkable
class Fitted(Protocol):
    """A fitted method.

    Two more methods are optional. ``sample(prompts, n) -> (len(prompts), n) texts`` makes
    it a policy. ``effect_interval(contrasts: Contrasts, level: float) -> (k, 2)`` gives
    intervals for the contrasts' mean effects, in the order of their ids.
    """

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Rewards of texts, shape (n,), any scale; a policy gives log pi - log pi_ref."""
        ...


Fitting = Generator[Request | list[Request], Any, Fitted]


@runtime_checkable
class Method(Protocol):
    """An alignment method.

    ``fit`` returns a ``Fitted``, or is a generator that yields requests and returns one.
    It may raise ``Incompatible(reason)`` for a log it cannot take.
    """

    @property
    def name(self) -> str:
        """Name on the board."""
        ...

    @property
    def tags(self) -> Tags:
        """What it takes and claims."""
        ...

    def fit(self, log: Log, harness: Harness) -> Fitted | Fitting:
        """Learn from a log."""
        ...


@dataclass(frozen=True, eq=False)
class RewardFunction:
    """A ``Fitted`` made of a plain function ``(prompts, texts) -> rewards``.

    Attributes:
        function: Called with prompts and texts, both of shape (n,).
        diagnostics: Named numbers to report, such as an effective sample size.
    """

    function: Any
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Rewards of texts, shape (n,)."""
        return np.asarray(self.function(prompts, texts), dtype=np.float64)


__all__ = [
    "TRACKS",
    "Budget",
    "Contrasts",
    "Fitted",
    "Fitting",
    "Method",
    "RewardFunction",
    "Tags",
]
