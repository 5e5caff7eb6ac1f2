"""letters: letters of two or three passages, tilted towards the reader; every text probability is known.

After the Hong Kong experiment (Fong and Grimmer 2021) and its use in Causal Preference Optimization
(Lin et al. 2024). P^R is the uniform draw of two or three of seven arguments and of their wording
(``LetterLaw``). The log tilts it: ``P(S | c) = P(|S|) prod_S exp(gamma w_k . psi(c)) / norm``. An
attribute's effect ``tau_k`` is the mean change from adding its passage to a letter of two others,
those two drawn from the log's marginal law given that both letters exist; for additive effects it is
free of the law. Outcomes are agreement from 0 to 100; readers answer twice, in one of two waves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.special import ndtr, ndtri

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.feedback import Feedback
from simulators.law.population import Factor, standardised
from simulators.law.recording import PROPENSITIES, Column, Recording, Rows, factors
from simulators.law.roles import BENEFICIAL, EFFECT_RANGE, HARMFUL, Roles, draw_roles
from simulators.listed import apply_listed_parameters, list_vectors
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value
from simulators.standard import compose_world
from simulators.text import load_domain
from simulators.text.letters import ATTRIBUTE_WEIGHTS, LetterLaw
from simulators.world import SimulatedWorld

MIDDLE, POINTS, TOP = 50.0, 10.0, 100.0
ROWS_EACH, DAYS_BETWEEN_WAVES, DAYS_OF_A_WAVE = 2, 300, 14
READER = (
    Factor("leaning", repeat=ROWS_EACH, nodes=24),
    Factor("age", "uniform", nodes=12, repeat=ROWS_EACH),
    Factor("wave", "bernoulli", repeat=ROWS_EACH),
)
DAY = Factor("day", "uniform", nodes=1)
EFFECTS = Parameter(
    "effects",
    "drawn",
    "drawn: afresh each seed, with decoys; published: in the ratios of the seven published weights, the "
    "greatest ten points of agreement; strength then scales the bias of the most flattered argument",
    choices=("drawn", "published"),
)
DOMAIN = Parameter("domain", "letters", "what kind of text is written", choices=("letters",))

CARD = FamilyCard(
    name="letters",
    situation="Advocates pick the two or three arguments of a letter with the reader in mind, and readers "
    "who agree anyway are sent some arguments more often.",
    parameters=(STRENGTH, OVERLAP, EFFECTS, DOMAIN),
    strategies=("back-door", "propensity"),
    recover="Causal Preference Optimization with the logged propensity, doubly robust, covariate regression",
    fail="taking agreement at face value; an outcome model without covariates",
)


def slider(noise: float = 1.0) -> Feedback:
    """A 0 to 100 slider: the index in tens of points around the middle, cut off at both ends.

    ``Y = clip(50 + 10 (index + noise e), 0, 100)`` with e standard normal (a Tobit with two limits),
    so answers pile up at the ends as they do on survey sliders.

    Args:
        noise: Standard deviation of the noise on the index, in tens of points.
    """
    return Feedback(
        "rating", partial(_mean, noise=noise), partial(_draw, noise=noise), noise_variance=noise**2
    )


def _mean(index: np.ndarray, noise: float) -> np.ndarray:
    centre, spread = MIDDLE + POINTS * index, POINTS * noise
    low, high = -centre / spread, (TOP - centre) / spread
    inside = centre * (ndtr(high) - ndtr(low)) + spread * (_density(low) - _density(high))
    return TOP * ndtr(-high) + inside


def _draw(index: np.ndarray, uniforms: np.ndarray, noise: float) -> np.ndarray:
    answer = MIDDLE + POINTS * (index + noise * ndtri(np.clip(uniforms, 1e-300, None)))
    return np.clip(answer, 0.0, TOP)


def _density(z: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)


def _unit(rows: Rows) -> np.ndarray:
    return (rows.start + np.arange(len(rows))) // ROWS_EACH


def _time(rows: Rows) -> np.ndarray:
    within = DAYS_OF_A_WAVE * (np.asarray(rows.people["day"]) / np.sqrt(3.0) + 1) / 2
    return DAYS_BETWEEN_WAVES * np.asarray(rows.people["wave"]) + within


def _published(roles: Roles, names: tuple[str, ...]) -> Roles:
    """The published weights; the two worst arguments are flattered, the second best is slighted.

    Their source multiplies them by a coefficient that it leaves open, so all that is published is their
    ratios. The unit taken here is the prior's: its greatest effect.
    """
    weights = np.array([ATTRIBUTE_WEIGHTS[name] for name in names])
    effects = weights * EFFECT_RANGE[1] / np.abs(weights).max()
    order = np.argsort(effects)
    directions = np.zeros(len(effects))
    directions[order[:2]], directions[order[-2]] = 1.0, -1.0
    signs = tuple(BENEFICIAL if effect > 0 else HARMFUL for effect in effects)
    return replace(roles, names=signs, effects=effects, directions=directions)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain, law = load_domain("letters"), LetterLaw()
    roles = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    roles = _published(roles, domain.attributes) if parameters["effects"] == "published" else roles
    columns = (*factors("leaning", "age", "wave"), Column("unit", _unit), Column("time", _time))
    world = compose_world(
        card,
        parameters,
        streams,
        factors=(*READER, DAY),
        features=standardised(*READER),
        recording=Recording(columns + PROPENSITIES),
        roles=roles,
        feedback=slider(),
    )
    world = list_vectors(world, law.vectors, law.probabilities[None], law.vectors.sum(axis=1) - 2)
    return apply_listed_parameters(world)


FAMILY = Family(CARD, _compose)
