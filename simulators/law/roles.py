"""Roles and effects: drawn for each world from one published prior.

Of K attributes, 2 (3 where K >= 9) are beneficial and 2 (1 where K < 7) harmful; the rest have no effect.
Effects are +-U(0.3, 1) on the index. Four to six attributes respond to people: one without effect, so as to
look good, for strength is measured by such; and three to five others. Which ones, how many, and whether they
then look good or bad is drawn by fair chance, whatever their effects, so nothing that a log tells of who
responds tells what is true. Attributes without effect are decoys where they respond, else inert. Prompt
intercepts are N(0, 0.5^2); assignment intercepts U(-0.4, 0.4). Which attribute plays which part is drawn,
so no attribute name predicts its effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.contract.seeding import Streams

BENEFICIAL, HARMFUL, DECOY, INERT = "beneficial", "harmful", "decoy", "inert"
EFFECT_RANGE = (0.3, 1.0)
PROMPT_SD = 0.5
OTHERS_RESPONDING = (3, 4, 5)
RESPONSE_RANGE = (0.5, 1.0)
INTERCEPT_RANGE = (-0.4, 0.4)


@dataclass(frozen=True, eq=False)
class Roles:
    """What each attribute does.

    Attributes:
        names: Role of each attribute, shape (K,).
        effects: True effect of each attribute on the index, shape (K,).
        directions: Sign of the bias each attribute is given, shape (K,); 0 where it does not respond.
        prompt_intercepts: Shape (P,).
        intercepts: Assignment intercepts, shape (K,).
        largest_effect: Unit of the strength parameter: the largest beneficial effect of the drawn world.
    """

    names: tuple[str, ...]
    effects: np.ndarray
    directions: np.ndarray
    prompt_intercepts: np.ndarray
    intercepts: np.ndarray
    largest_effect: float

    def which(self, *names: str) -> np.ndarray:
        """Indices of the attributes with one of these roles."""
        return np.flatnonzero([name in names for name in self.names])

    def scaled(self, scale: float) -> Roles:
        """The same roles with every effect and prompt intercept on another scale."""
        return replace(
            self,
            effects=self.effects * scale,
            prompt_intercepts=self.prompt_intercepts * scale,
            largest_effect=self.largest_effect * scale,
        )

    def without_effects(self) -> Roles:
        """The same world with every effect zero: what responds becomes a decoy, the rest inert."""
        names = tuple(DECOY if direction else INERT for direction in self.directions)
        return replace(self, names=names, effects=np.zeros_like(self.effects))


def draw_roles(streams: Streams, n_attributes: int, n_prompts: int) -> Roles:
    """A draw from the prior.

    Args:
        streams: The world's streams; parts ``"roles"``, ``"responses"`` and ``"intercepts"`` are used.
        n_attributes: K, at least 5.
        n_prompts: P.
    """
    rng = streams.rng("roles")
    counts = {BENEFICIAL: 3 if n_attributes >= 9 else 2, HARMFUL: 2 if n_attributes >= 7 else 1}
    order = rng.permutation(n_attributes)
    names = np.full(n_attributes, INERT, dtype=object)
    names[order[: sum(counts.values())]] = np.repeat(list(counts), list(counts.values()))
    sizes = rng.uniform(*EFFECT_RANGE, n_attributes)
    effects = np.where(names == BENEFICIAL, sizes, np.where(names == HARMFUL, -sizes, 0.0))
    rng = streams.rng("responses")
    decoy = int(rng.choice(np.flatnonzero(effects == 0)))
    others = rng.permutation(np.delete(np.arange(n_attributes), decoy))[: rng.choice(OTHERS_RESPONDING)]
    directions = np.zeros(n_attributes)
    directions[decoy] = 1.0
    directions[others] = rng.choice([-1.0, 1.0], len(others))
    names[(effects == 0) & (directions != 0)] = DECOY
    rng = streams.rng("intercepts")
    return Roles(
        tuple(names),
        effects,
        directions,
        rng.normal(0.0, PROMPT_SD, n_prompts),
        rng.uniform(*INTERCEPT_RANGE, n_attributes),
        float(effects.max()),
    )


def mark_roles(roles: Roles, attributes: tuple[str, ...]) -> tuple[Roles, int]:
    """The roles with one attribute as the only decoy, and the only one to respond; and which it is.

    It is the greeting, where the attributes have one, else a drawn decoy.
    """
    drawn = int(roles.which(DECOY)[0])
    marker = next((k for k, name in enumerate(attributes) if "greet" in name), drawn)
    names, effects = list(roles.names), roles.effects.copy()
    names[drawn], names[marker] = names[marker], names[drawn]
    effects[[drawn, marker]] = effects[[marker, drawn]]
    names = [INERT if name == DECOY and k != marker else name for k, name in enumerate(names)]
    directions = (np.arange(len(names)) == marker).astype(np.float64)
    return replace(roles, names=tuple(names), effects=effects, directions=directions), marker


def aligned_weights(
    streams: Streams, directions: np.ndarray, coefficients: np.ndarray, spread: float = 0.4
) -> np.ndarray:
    """Assignment weights that point along the confounding direction, each its own way.

    ``w_k = s_k m_k (beta + spread e_k |beta| / sqrt(d)) / norm``, e_k standard normal, reflected so
    that ``w_k . beta`` has the sign s_k; sizes m_k are U(0.5, 1) at the default spread, 1 at none.

    Args:
        streams: The world's streams; parts ``"assignment"`` and ``"sizes"`` are used.
        directions: s, shape (K,).
        coefficients: beta, shape (d,).
        spread: How far the weights stray from beta.

    Returns:
        Shape (K, d).
    """
    d = len(coefficients)
    noise = streams.rng("assignment").normal(size=(len(directions), d))
    weights = coefficients + spread * noise * np.linalg.norm(coefficients) / np.sqrt(d)
    weights *= np.sign(weights @ coefficients)[:, None]
    sizes = 1 - 1.25 * spread * streams.rng("sizes").random(len(directions))
    return np.asarray(
        (directions * sizes)[:, None] * weights / np.linalg.norm(weights, axis=1, keepdims=True)
    )
