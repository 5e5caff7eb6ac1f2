"""Insiders: rows that read a log as somebody would who knows how the benchmark's worlds are drawn.

They hold the published prior to its promise: what a log tells of who responds to what says nothing of the
confounding that remains. Each believes that one thing which the log does tell is the direction of the bias.
They belong to every board and are no contenders; where one of them beats the best honest method on a world
that identifies nothing, the prior tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitted, Harness, Log, Method, Tags
from methods.adjust.features import base_columns, covariate_columns
from methods.adjust.ridge import project
from methods.adjust.scored import partial_out, score_at_face_value, solve
from methods.linear import LinearReward
from methods.rows import make_tags


@dataclass(frozen=True)
class Responses:
    """The naive reward less what texts' responses to the recorded columns explain of it.

    With ``m(x) = E[covariates | x]`` and ``n(x)`` the naive reward, the reward is ``n(x) - b . m(x)``, b from
    the regression of n on m over the log's texts. It is right where biases lie along those responses.

    Attributes:
        name: The row's name.
        tags: Its tags.
        aim: Known direction of the bias in the columns, as far as the prior gives it away; None for the
            direction that explains most of the naive reward.
        shortfall: What the prior takes off the slope on the standardised aim, since attributes that look
            too good are worse than average.
    """

    name: str
    tags: Tags
    aim: tuple[float, ...] | None = None
    shortfall: float = 0.0

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Subtract the part of the naive reward that lies along the responses."""
        scored = score_at_face_value(log, harness)
        base = base_columns(scored.log)
        scored = partial_out(scored, base)
        gram, _, naive = solve(scored)
        columns = covariate_columns(scored.log)
        responses = gram.solve(columns - project(base, columns)[0]).coefficient
        if self.aim is not None:
            responses = responses @ np.asarray(self.aim)[:, None]
            responses = responses / np.std(gram.features @ responses)
        indices = gram.features @ np.column_stack([naive, responses])
        indices = indices - indices.mean(axis=0)
        slopes = np.linalg.lstsq(indices[:, 1:], indices[:, 0], rcond=1e-6)[0] + self.shortfall
        return LinearReward(scored.features, naive - responses @ slopes)


@dataclass(frozen=True)
class Extrapolated:
    """The naive reward, moved further in the direction in which adjusting for the covariates moved it.

    The bias that is left is taken to be proportional to the bias removed (Altonji, Elder and Taber 2005;
    Oster 2019), as if what is unrecorded went with text and outcome as the covariates do.

    Attributes:
        name: The row's name.
        tags: Its tags.
        further: Multiple of the step from naive to adjusted.
    """

    name: str
    tags: Tags
    further: float = 2.0

    def fit(self, log: Log, harness: Harness) -> Fitted:
        """Fit with and without the covariates, and go on in the same direction."""
        scored = score_at_face_value(log, harness)
        base = base_columns(scored.log)
        _, _, naive = solve(partial_out(scored, base))
        controls = np.column_stack([base, covariate_columns(scored.log)])
        _, _, adjusted = solve(partial_out(scored, controls))
        return LinearReward(scored.features, naive + self.further * (adjusted - naive))


METHODS: tuple[Method, ...] = (
    Responses(
        "insider-responses",
        make_tags(
            "An insider who takes what texts tell of the recorded columns for the direction of the bias.",
            "",
            "covariate",
            canary=True,
        ),
    ),
    Extrapolated(
        "insider-extrapolated",
        make_tags(
            "An insider who takes the bias that is left to equal the bias that adjusting removes.",
            "Altonji, Elder & Taber 2005; Oster 2019",
            "covariate",
            canary=True,
        ),
    ),
)
