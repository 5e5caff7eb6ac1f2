"""What a method is: a name, tags, and ``fit``. This is all an author must know.

A method sees a ``Log`` and a ``Harness``; it never learns which world made the log.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from benchmark.contract.errors import unknown_name
from benchmark.contract.harness import Fitted, Harness
from benchmark.contract.log import Log
from benchmark.contract.requests import Request
from benchmark.contract.roles import GROUPS, LOG_KINDS, NUMBER_ROLES, TEXT_ROLES

TRACKS = ("log", "propensity", "slice", "oracle")
# The column that a track is about: its methods are ranked on the worlds that record it.
TRACK_COLUMNS = {"propensity": "propensity", "slice": "randomised"}


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

    Raises:
        UsageError: If a kind, a role or the track is unknown, so that no method waits for a column that no
            log can have.
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

    def __post_init__(self) -> None:
        roles = {*TEXT_ROLES, *NUMBER_ROLES, *GROUPS}
        named = {"track": ({self.track}, TRACKS), "kind of log": (self.kinds, LOG_KINDS)}
        for what, (names, known) in {**named, "role": (self.needs, roles)}.items():
            for name in names:
                if name not in known:
                    raise unknown_name(what, name, known)

    def reason_to_refuse(self, log: Log) -> str | None:
        """Why a log cannot be taken, or None if it can."""
        if log.kind not in self.kinds:
            return f"takes {' or '.join(sorted(self.kinds))} logs, this one holds {log.kind}"
        missing = sorted(role for role in self.needs if not log.has(role))
        return f"needs {', '.join(missing)}, which this log does not record" if missing else None


Fitting = Generator[Request | list[Request], Any, Fitted]


@runtime_checkable
class Method(Protocol):
    """An alignment method.

    ``fit`` returns a ``Fitted``, or is a generator that yields requests and returns one.
    Tags say which logs it takes. It may raise ``Incompatible(reason)`` for a log that it cannot take for
    another reason; on a board that counts as a failure.
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
