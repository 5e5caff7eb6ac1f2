"""wide: many covariates are recorded, of which few confound.

People answer many questions on a scale of four points. A few answers confound; one or two others move the
text alone, some the outcome alone, and the rest does nothing but echo one of those that act: in four of ten
rows such an answer is a copy. Which question is which is drawn, and all answers have the same distribution.
With about 1,000 rows an ordinary regression on everything has too many coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, standardised
from simulators.law.recording import Column, Recording, Rows
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, compose_world, draw_coefficients
from simulators.world import SimulatedWorld

ANSWERS = np.array([0.2, 0.3, 0.3, 0.2])
ECHO, ECHOED = 4, 0.4
PULL = 0.4
COVARIATES = Parameter("covariates", 50, "how many answers are recorded", 12, 200)
CONFOUNDERS = Parameter("confounders", 4, "how many of them confound", 1, 6)

CARD = FamilyCard(
    name="wide",
    situation="A long questionnaire was recorded with every text shown; a few of its answers drive both "
    "phrasing and score, and nobody knows which.",
    parameters=(STRENGTH, OVERLAP, COVARIATES, CONFOUNDERS, *text_parameters()),
    strategies=("back-door", "instrument"),
    recover="cross-fitted nuisances with a penalty; covariate regression as rows are added",
    fail="ordinary regression on everything where rows are few; leaving out some answers",
)


@dataclass(frozen=True)
class _Answer:
    """An answer, from -1.5 to 1.5; one that echoes is a copy of the source's."""

    question: str
    source: str | None = None

    def __call__(self, rows: Rows) -> np.ndarray:
        own = rows.people[self.question]
        if self.source is not None:
            own = np.where(own == ECHO, rows.people[self.source], own)
        return own - 1.5


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    n_covariates, n_confounders = int(parameters["covariates"]), int(parameters["confounders"])
    rng = streams.rng("questionnaire")
    n_text, n_outcome = rng.integers(1, 3), rng.integers(n_covariates // 10, n_covariates // 5 + 1)
    names = np.array([f"question_{i + 1:03d}" for i in range(n_covariates)])[rng.permutation(n_covariates)]
    ends = np.cumsum([n_confounders, n_text, n_outcome])
    confounding, moving, scoring, idle = (part.tolist() for part in np.split(names, ends))
    acting = [*confounding, *moving, *scoring]
    sources = dict(zip(idle, rng.choice(acting, len(idle)).tolist(), strict=True))
    # text and outcome are exact sums over all answers to the questions that move the text
    responses = {name: Factor(name, "categorical", tuple(ANSWERS)) for name in [*confounding, *moving]}
    responses |= {name: Factor(name, "categorical", tuple(ANSWERS), nodes=1) for name in scoring}
    echoing = (*(1 - ECHOED) * ANSWERS, ECHOED)
    responses |= {name: Factor(name, "categorical", echoing, nodes=1) for name in idle}
    coefficients = draw_coefficients(streams, n_confounders)
    pulls = PULL * rng.choice([-1.0, 1.0], n_text)
    columns = tuple(Column(f"covariate.{name}", _Answer(name, sources.get(name))) for name in sorted(names))
    world = compose_world(
        card,
        parameters,
        streams,
        factors=tuple(responses.values()),
        features=standardised(*(responses[name] for name in confounding)),
        coefficients=coefficients,
        text_features=standardised(*(responses[name] for name in [*confounding, *moving])),
        aim=np.concatenate([coefficients, pulls]),
        recording=Recording(columns),
    )
    prognosis = rng.uniform(0.1, 0.4, n_outcome) * rng.choice([-1.0, 1.0], n_outcome)
    prognostic = standardised(*(responses[name] for name in scoring))
    return apply_parameters(
        replace(world, outcome=replace(world.outcome, prognostic=prognostic, prognosis=prognosis))
    )


FAMILY = Family(CARD, _compose)
