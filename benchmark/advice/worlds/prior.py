"""Which worlds a log could come from before anybody has looked at it: families and their parameters.

Families are those whose columns the log has. Most of the prior is on worlds in which all that matters was
recorded, in one of several shapes, and three tenths on ``hidden``, where much was not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Log
from benchmark.tasks.scenario import Scenario, Value

FAMILIES = {
    "observed": 0.3,
    "nonlinear": 0.15,
    "interaction": 0.1,
    "robust": 0.1,
    "hidden": 0.3,
}
BY_ROLE = {"time": ("drift", 0.1), "instrument": ("instrument", 0.2), "observed": ("selection", 0.1)}
WITHOUT_COVARIATES = {"brief": 0.5, "hidden": 0.5}
MANY_COVARIATES = 10
NO_OVERLAP = ("selection",)
RANGES = {
    "strength": (0.0, 3.0),
    "overlap": (0.05, 0.95),
    "surface": (0.0, 0.45),
    "wording": (0.0, 0.45),
    "noise": (0.2, 8.0),
}
"""Parameters with the least and the greatest value; noise is uniform on a logarithmic scale."""
UNCONFOUNDED = 0.15


@dataclass(frozen=True)
class Setting:
    """What of a world the log itself decides.

    Attributes:
        families: Families with their prior probability, which sum to 1.
        prompts: The parameter ``prompts`` of every world.
        feedback: Kind of the outcome, for families that can simulate it.
        covariates: Number of covariates, for the family ``wide``.
    """

    families: tuple[tuple[str, float], ...]
    prompts: str
    feedback: str
    covariates: int

    @classmethod
    def of(cls, log: Log) -> Setting:
        """The setting of a log."""
        columns = len(log.names("covariate"))
        weights = dict(FAMILIES if columns else WITHOUT_COVARIATES)
        weights |= dict(found for role, found in BY_ROLE.items() if log.has(role))
        if columns >= MANY_COVARIATES:
            weights["wide"] = 0.3
        total = sum(weights.values())
        distinct = len(set(log.prompts))
        prompts = "6" if distinct <= 12 else "200" if distinct * 2 <= len(log) else "unique"
        families = tuple((name, weight / total) for name, weight in sorted(weights.items()))
        return cls(families, prompts, log.feedback, int(np.clip(columns, 12, 100)))


def draw_values(rng: np.random.Generator) -> dict[str, float]:
    """Parameters of one world from the prior."""
    values = {name: float(rng.uniform(low, high)) for name, (low, high) in RANGES.items()}
    low, high = np.log(RANGES["noise"])
    values["noise"] = float(np.exp(rng.uniform(low, high)))
    if rng.random() < UNCONFOUNDED:
        values["strength"] = 0.0
    return values


def draw_family(rng: np.random.Generator, setting: Setting) -> str:
    """A family from the prior."""
    names, weights = zip(*setting.families, strict=True)
    return str(rng.choice(names, p=weights))


def make_scenario(family: str, values: dict[str, float], setting: Setting, n: int | None = None) -> Scenario:
    """The scenario with these parameters, rounded to three digits.

    Args:
        family: Its family.
        values: A value for each of ``RANGES``; those that the family lacks are left out.
        setting: What the log decides.
        n: Rows of its log, or None to leave that to the suite.
    """
    given: dict[str, Value] = {name: float(f"{value:.3g}") for name, value in values.items()}
    if family in NO_OVERLAP:
        given.pop("overlap")
    if family == "robust":
        given["wrong"] = "both"
    if family == "wide":
        given["covariates"] = setting.covariates
    if family == "observed" and setting.feedback in ("binary", "count", "rating"):
        given["feedback"] = setting.feedback
        if setting.feedback == "count":
            given["noise"] = max(1.0, float(given["noise"]))
    given["prompts"] = "unique" if family == "brief" else setting.prompts
    return Scenario(family, tuple(sorted(given.items())), n)
