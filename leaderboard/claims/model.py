"""What a claim is: a published statement in parts that records can decide.

This module knows no record. ``leaderboard.verdicts`` judges claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = bool | int | float | str
# A parameter's value, the least and the greatest value that it may have, or the words that it may be.
Where = Mapping[str, Value | tuple[float, float] | tuple[str, ...]]

EVERY = ("every adjuster", "every non-adjuster")
RELATIONS = ("greater", "less", "equal")
STAND_IN = "-stand-in"


@dataclass(frozen=True)
class Part:
    """One measurable statement: ``mean(x(method) - times * x(against))`` against a threshold.

    Attributes:
        family: Scenario family.
        metric: Metric of both sides, or a number that methods report: ``"diagnostic.NAME"``.
        method: Method name, or one of ``EVERY``, in which case every one must satisfy the part.
        against: Method name; ``"metric:NAME"`` for another number of the same cell;
            ``"value:NUMBER"`` for a constant.
        relation: ``"greater"`` or ``"less"`` than the threshold, or ``"equal"``: within plus
            or minus the threshold of the target.
        threshold: On the metric's scale.
        where: Parameters of the scenarios used. A scenario that leaves such a parameter to its default
            is not used, except that ``strength`` and ``n`` are always known.
        minus: Parameters of other scenarios of the family, whose mean is subtracted seed by seed; so
            the part says how a difference changes from there to here.
        times: What the other side is multiplied by; 1.16 says "by 16 percent".
        target: What ``"equal"`` means equal to.
        truth: A metric from which both sides' squared distance is compared, instead of their values.
    """

    family: str
    metric: str
    method: str
    against: str
    relation: str
    threshold: float = 0.0
    where: Where = field(default_factory=dict)
    minus: Where | None = None
    times: float = 1.0
    target: float = 0.0
    truth: str = ""

    @property
    def statistic(self) -> str:
        """The statistic in words."""
        other = self.against.partition(":")[2] or self.against
        other = f"{self.times:g} × {other}" if self.times != 1 else other
        sides = f"{self.metric}({self.method}) − {other}"
        if self.truth:
            sides = f"squared error of {self.metric}({self.method}) for {self.truth} − that of {other}"
        sign = {"greater": f"> {self.threshold:g}", "less": f"< {self.threshold:g}"}.get(self.relation)
        place = describe_cells(self.family, self.where)
        if self.minus is not None:
            place += f" minus {describe_cells(self.family, self.minus)}"
        return f"{sides} {sign or f'within {self.threshold:g} of {self.target:g}'} in {place}"


@dataclass(frozen=True)
class Claim:
    """A published statement.

    Attributes:
        name: Short name that says what is claimed; it ends in ``-stand-in`` where the parts
            use another estimator, metric or kind of data than the source.
        statement: What is claimed.
        source: Who claims it.
        words: A short quotation, or the cells of the source's table.
        measured: The source's estimator and metric.
        parts: What must hold for it to be reproduced.
        stand_in: What is used here in place of the source's estimator, metric or data; empty
            where they are the same.
        formerly: Names that the claim had before.
    """

    name: str
    statement: str
    source: str
    words: str
    measured: str
    parts: tuple[Part, ...]
    stand_in: str = ""
    formerly: tuple[str, ...] = ()


def describe_cells(family: str, where: Where) -> str:
    """Scenarios in words: ``observed[strength=1 to 2]``."""
    if not where:
        return family
    settings = []
    for name, value in where.items():
        if isinstance(value, tuple) and isinstance(value[0], str):
            settings.append(f"{name}={' or '.join(map(str, value))}")
        elif isinstance(value, tuple):
            low, high = (float(edge) for edge in value)
            settings.append(f"{name}≥{low:g}" if high == float("inf") else f"{name}={low:g} to {high:g}")
        else:
            settings.append(f"{name}={str(value).lower() if isinstance(value, bool) else value}")
    return f"{family}[{', '.join(settings)}]"
