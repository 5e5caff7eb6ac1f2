"""The standard way to put a world together; a family names what differs.

Order matters: roles, then the rule (scaled by the overlap parameter), then the outcome
(scaled by the strength parameter).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmark.contract.seeding import Streams
from simulators.card import FamilyCard
from simulators.law.assignment import Assignment, constant_assignment, solve_overlap, uniform_prompts
from simulators.law.feedback import KINDS, Feedback
from simulators.law.outcome import Outcome, additive_base
from simulators.law.population import Factor, Features, Population, no_features, standardised
from simulators.law.recording import Recording
from simulators.law.roles import Roles, aligned_weights, draw_roles
from simulators.parameters import Value
from simulators.protocols import Domain
from simulators.strength import solve_strength
from simulators.text import load_domain, name_domain
from simulators.texture import draw_texture
from simulators.world import SimulatedWorld

PROGNOSIS = 0.5


def choose_domain(parameters: Mapping[str, Value]) -> Domain:
    """The grammar that the parameters ``domain``, ``prompts`` and ``greeting`` name."""
    name, prompts = parameters.get("domain", "headlines"), parameters.get("prompts", "6")
    return load_domain(name_domain(str(name), str(prompts), str(parameters.get("greeting", "several"))))


def draw_coefficients(streams: Streams, d: int, part: str = "confounding") -> np.ndarray:
    """Confounding coefficients of norm 1: sizes U(0.5, 1) with fair signs, shape (d,)."""
    rng = streams.rng(part)
    drawn = rng.uniform(0.5, 1.0, d) * rng.choice([-1.0, 1.0], d)
    return drawn / np.linalg.norm(drawn)


def compose_world(
    card: FamilyCard,
    parameters: Mapping[str, Value],
    streams: Streams,
    *,
    factors: tuple[Factor, ...],
    features: Features,
    recording: Recording,
    coefficients: np.ndarray | None = None,
    text_features: Features | None = None,
    aim: np.ndarray | None = None,
    prognostic: Factor | None = None,
    roles: Roles | None = None,
    spread: float = 0.4,
    domain: Domain | None = None,
    feedback: Feedback | None = None,
) -> SimulatedWorld:
    """A world with additive effects, before its parameters for overlap and strength are applied.

    Args:
        card: The family's card.
        parameters: Values of its parameters; ``phrases`` counts, and ``domain``, ``prompts`` and ``feedback``
            where they are not passed.
        streams: The world's streams.
        factors: Everything independent about people.
        features: Columns in which confounding is linear.
        recording: What is logged.
        coefficients: g's coefficients; drawn where not given.
        text_features: Columns to which the writer responds; by default ``features``.
        aim: Direction of the response in those columns; by default ``coefficients``.
        prognostic: A factor that moves the outcome alone, with coefficient ``PROGNOSIS``.
        roles: Roles and effects; drawn from the prior where not given.
        spread: How far each attribute's response strays from the aim.
        domain: What can be written; by default the grammar that ``choose_domain`` finds.
        feedback: How outcomes are measured; by default as the parameter ``feedback`` says.
    """
    noise = float(parameters.get("noise", 1.0))
    if domain is None:
        domain = choose_domain(parameters)
    if roles is None:
        roles = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    if coefficients is None:
        coefficients = draw_coefficients(streams, len(features.names))
    weights = aligned_weights(streams, roles.directions, coefficients if aim is None else aim, spread)
    if feedback is None:
        feedback = KINDS[str(parameters.get("feedback", "scalar"))](noise)
    if feedback.slots > 1:
        roles = roles.scaled(1 / noise)  # of utilities and the noise of choices, only the ratio can be told
    used = prognostic if feedback.linear else None
    share, usage = float(parameters.get("phrases", 1.0)), None
    if share < 1:
        usage = domain.draw_usage(share, streams.rng("phrases"))
    return SimulatedWorld(
        family=card,
        parameters=parameters,
        streams=streams,
        domain=domain,
        roles=roles,
        population=Population(factors + ((used,) if used else ())),
        prompt_law=uniform_prompts(len(domain.prompts)),
        rule=Assignment(roles.intercepts, weights, text_features or features),
        outcome=Outcome(
            additive_base(roles.effects, roles.prompt_intercepts),
            features,
            coefficients,
            prognostic=standardised(used) if used else no_features(),
            prognosis=np.full(1 if used else 0, PROGNOSIS),
        ),
        feedback=feedback,
        recording=recording,
        usage=usage,
        texture=draw_texture(
            streams, domain, float(parameters.get("surface", 0)), float(parameters.get("wording", 0)), usage
        ),
    )


def rule_of(world: SimulatedWorld) -> Assignment:
    """The logging rule, where it is a plain one."""
    assert isinstance(world.rule, Assignment)
    return world.rule


def change_rule(world: SimulatedWorld, **changes: Any) -> SimulatedWorld:
    """The world with some fields of its plain logging rule replaced."""
    return replace(world, rule=replace(rule_of(world), **changes))


def apply_overlap(world: SimulatedWorld) -> SimulatedWorld:
    """The world with its rule scaled by the overlap parameter."""
    overlap = float(world.parameters["overlap"])
    return replace(world, rule=solve_overlap(rule_of(world), world.population, world.prompt_law, overlap))


def apply_parameters(world: SimulatedWorld) -> SimulatedWorld:
    """The world with overlap, then strength applied."""
    return solve_strength(apply_overlap(world), float(world.parameters["strength"]))


def randomise(world: SimulatedWorld) -> SimulatedWorld:
    """The same world with its texts drawn from the interventional law."""
    return replace(world, rule=constant_assignment(world.marginals[0]))
