"""entangled: a mismeasured confounder tied to causal and decoy text alike, with an instrument.

Reconstruction of the entangled-confounding simulation of DeconfoundLM (Loghmani 2025,
arXiv 2506.00152), whose equations are not public: U -> text, C = (U + Z) / sqrt 2,
Y = f(text) + delta C + noise, C recorded with error, Z recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.population import Factor, Features, People
from simulators.law.recording import Recording, combination, factors
from simulators.law.roles import BENEFICIAL, HARMFUL, draw_roles
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, text_parameters
from simulators.standard import apply_parameters, choose_domain, compose_world
from simulators.world import SimulatedWorld

FACTORS = (
    Factor("reputation", nodes=24),
    Factor("placement", nodes=24),
    Factor("popularity_error", nodes=1),
)
ENTANGLEMENT = Parameter(
    "entanglement", 1.0, "how far causal text responds too; 0 ties decoys alone", 0.0, 1.0
)
ERROR = Parameter("error", 0.6, "standard deviation of the error in the recorded popularity", 0.0, 3.0)
ENDOGENEITY = Parameter(
    "endogeneity", 0.0, "direct effect of the unrecorded driver, relative to popularity's", 0.0, 2.0
)
REACTION = Parameter(
    "reaction", 0.0, "how far the writer reacts to popularity itself (breaks the instrument)", 0.0, 1.0
)

CARD = FamilyCard(
    name="entangled",
    situation="Popular sources score higher and write differently, better in part; popularity is recorded "
    "with error, and their placement moves popularity alone.",
    parameters=(STRENGTH, OVERLAP, ENTANGLEMENT, ERROR, ENDOGENEITY, REACTION, *text_parameters()),
    strategies=("confounder-instrument", "proxies"),
    recover="subtracting the instrumented effect of popularity; joint regression as far as error allows",
    fail="rewards made invariant to popularity; everything once the writer reacts to it",
)


def _popularity(people: People) -> np.ndarray:
    return (np.asarray(people["reputation"]) + people["placement"]) / np.sqrt(2)


def _drivers(people: People) -> np.ndarray:
    return np.stack([_popularity(people), np.asarray(people["reputation"])], axis=-1)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    domain = choose_domain(parameters)
    roles = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    # Popular sources write better, not merely differently: helpful text goes with popularity and harmful
    # text against it, else the two cancel and the true reward has nothing to do with popularity.
    names, responds = np.array(roles.names), roles.directions != 0
    better = np.where(names == BENEFICIAL, 1.0, np.where(names == HARMFUL, -1.0, 0.0))
    tied = better * float(parameters["entanglement"])
    directions = np.where(responds & (better != 0), tied, roles.directions)
    features = Features(("popularity", "reputation"), _drivers)
    reaction, half = float(parameters["reaction"]), np.sqrt(0.5)
    popularity = combination(
        "covariate.popularity", reputation=half, placement=half, popularity_error=float(parameters["error"])
    )
    return apply_parameters(
        compose_world(
            card,
            parameters,
            streams,
            factors=FACTORS,
            features=features,
            coefficients=np.array([1.0, float(parameters["endogeneity"])]),
            aim=np.array([reaction, 1 - reaction]),
            spread=0.0,
            roles=replace(roles, directions=directions),
            recording=Recording((popularity, *factors("placement", group="instrument"))),
        )
    )


FAMILY = Family(CARD, _compose)
