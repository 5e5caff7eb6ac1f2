"""A small confounded log with known effects, for contract checks and tests.

Four attributes, each said in one of three ways, in reviews of three things. Two covariates move the
outcome, one of them the first two attributes too; four nudges move one attribute each, at random.
It has every column a log can have; a check keeps those a method declares. This is no scenario of
the benchmark and resembles none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit

from benchmark.contract import Log, make_rng
from benchmark.contract.roles import LOG_KINDS, role_of

PROMPTS = np.array(["review the kettle", "review the lamp", "review the chair"], dtype=object)
ON = (
    ("good morning all", "a warm hello", "dear reader greetings"),
    ("it never broke", "very sturdy build", "lasted for years"),
    ("great price", "cheap and fair", "costs little"),
    ("arrived early", "quick delivery indeed", "came next day"),
)
OFF = (
    ("to begin", "first of all", "some notes"),
    ("it broke twice", "rather flimsy thing", "fell apart soon"),
    ("steep cost", "dear for that", "priced too high"),
    ("arrived late", "slow to come", "took many weeks"),
)
EFFECTS = np.array([0.0, 1.0, 0.6, -0.5])
COVARIATE_EFFECTS = np.array([3.0, 1.0])
NUDGE = 1.0
RESPONSES = np.array([[1.2, 0.0], [-0.8, 0.0], [0.0, 0.0], [0.0, 0.0]])


@dataclass(frozen=True, eq=False)
class Toy:
    """A drawn toy log and what made it.

    Attributes:
        table: Every column a log may have (all kinds of feedback together).
        attributes: Shape (n, 4), 0 or 1.
        people: The two covariates, shape (n, 2).
    """

    table: pa.Table
    attributes: np.ndarray
    people: np.ndarray

    def log(self, kind: str = "outcome", roles: Iterable[str] = ("covariate",)) -> Log:
        """A log of one kind with the columns of some roles.

        Args:
            kind: "outcome", "pairs" or "rankings".
            roles: Roles to keep beside the texts and the outcome.
        """
        kept = {"prompt", *LOG_KINDS[kind], *roles}
        columns = [name for name in self.table.column_names if role_of(name) in kept]
        feedback = {"outcome": "scalar", "pairs": "preference", "rankings": "ranking"}[kind]
        return Log(self.table.select(columns), feedback)


def draw_toy(
    n: int = 400,
    seed: int = 0,
    strength: float = 1.0,
    noise: float = 1.0,
    effects: np.ndarray = EFFECTS,
) -> Toy:
    """Draw a toy log.

    Args:
        n: Rows.
        seed: Draws with different seeds are independent.
        strength: Scales how covariates move texts; 0 randomises them.
        noise: Standard deviation of the outcome's noise.
        effects: Of the four attributes, shape (4,).
    """
    rng = make_rng("toy", seed)
    people = rng.standard_normal((n, 2))
    prompts = PROMPTS[rng.integers(len(PROMPTS), size=n)]
    nudges = rng.integers(0, 2, size=(n, 4)).astype(float)
    drift = strength * people @ RESPONSES.T
    chance = expit(drift + NUDGE * (2 * nudges - 1))
    # A logged propensity knows covariates, not nudges: those are averaged over.
    recorded = 0.5 * (expit(drift + NUDGE) + expit(drift - NUDGE))
    attributes, texts, words = _write(chance, rng)
    confounding = people @ COVARIATE_EFFECTS
    outcome = attributes @ effects + confounding + noise * rng.standard_normal(n)
    spoken = np.where(attributes == 1, recorded, 1 - recorded).prod(axis=1)
    columns: dict[str, np.ndarray] = {
        "prompt": prompts,
        "text": texts,
        "outcome": outcome,
        "covariate.age": people[:, 0],
        "covariate.mood": people[:, 1],
        "proxy.one": people[:, 0] + rng.standard_normal(n),
        "proxy.two": people[:, 0] + rng.standard_normal(n),
        "context.segment": rng.integers(0, 2, n).astype(float),
        "mediator.clicks": outcome + rng.standard_normal(n),
        "shadow.mood": people[:, 1],
        "propensity": spoken / 3.0**4,
        "target_propensity": np.full(n, 0.5**4 / 3.0**4),
        "observed": np.ones(n),
        "observation_propensity": np.full(n, 0.5),
        "randomised": (rng.random(n) < 0.2).astype(float),
        "judge": outcome + 0.5 * words,
        "slot": rng.integers(0, 3, n).astype(float),
        "arm": np.unique(texts.astype(str), return_inverse=True)[1].astype(float),
        "unit": (np.arange(n) // 4).astype(float),
        "time": np.arange(n).astype(float),
    }
    columns |= {f"instrument.nudge{k}": nudges[:, k] for k in range(4)}
    columns |= {f"attribute.a{k}": attributes[:, k].astype(float) for k in range(4)}
    columns |= _preferences(texts, outcome, prompts, rng)
    return Toy(pa.table(columns), attributes, people)


def write_texts(attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Texts that have given attributes, shape (n,), object dtype."""
    words = rng.integers(3, size=attributes.shape)
    tables = [np.array([OFF[k], ON[k]], dtype=object) for k in range(len(ON))]
    parts = [table[attributes[:, k], words[:, k]] for k, table in enumerate(tables)]
    return np.array([" ".join(row) for row in zip(*parts, strict=True)], dtype=object)


def _write(chance: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    attributes = (rng.random(chance.shape) < chance).astype(int)
    texts = write_texts(attributes, rng)
    return attributes, texts, np.array([text.count(" ") + 1.0 for text in texts])


def _preferences(
    texts: np.ndarray, outcome: np.ndarray, prompts: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Pairs and rankings: each row's text against two others', ordered by their rows' outcomes."""
    others = rng.integers(len(texts), size=(len(texts), 2))
    rows = np.column_stack([np.arange(len(texts)), others])
    order = np.take_along_axis(rows, np.argsort(-outcome[rows], axis=1, kind="stable"), axis=1)
    first, second, third = texts[order].T
    return {
        "chosen": first,
        "rejected": second,
        "first": first,
        "second": second,
        "third": third,
    }
