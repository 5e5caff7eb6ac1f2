"""Two adjustments at once: the value of one, the row weights of another."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.contract import Harness, Log
from methods.adjust.scored import Adjust, Scored


@dataclass(frozen=True)
class Combined:
    """The value of one adjustment under the weights of another, such as a residual times 1/e.

    A residual takes the covariates out of the outcome, a weight takes them out of the choice of
    texts; likelihood methods imitate that choice, so they need both.

    Attributes:
        value: Gives value and nuisances.
        weight: Gives row weights.
    """

    value: Adjust
    weight: Adjust

    def __call__(self, log: Log, harness: Harness) -> Scored:
        """Score rows by the one, weight them by the other."""
        return self.value(log, harness).with_weight(self.weight(log, harness).weight)
