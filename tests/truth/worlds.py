"""Helpers of the truth tests: worlds by name, and experiments run on their rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import simulators
from benchmark.contract import Streams
from simulators.law.codes import encode


def written_domains(card):
    """The text domains a family can be written in."""
    return next((parameter.choices for parameter in card.parameters if parameter.name == "domain"), ())


def make_world(family, seed=0, season="tests", **parameters):
    return simulators.build(family, parameters, Streams(season, family, seed))


def randomised_contrasts(attributes, outcomes, weights=None):
    """Difference in weighted means by attribute and its standard error, shapes (K,), (K,)."""
    weights = np.ones(len(outcomes)) if weights is None else weights
    estimates, errors = [], []
    for column in attributes.T:
        means, variances = [], []
        for value in (1, 0):
            w, y = weights[column == value], outcomes[column == value]
            mean = w @ y / w.sum()
            means.append(mean)
            variances.append((w**2 @ (y - mean) ** 2) / w.sum() ** 2)
        estimates.append(means[0] - means[1])
        errors.append(np.sqrt(sum(variances)))
    return np.array(estimates), np.array(errors)


def live_again(world, rows):
    """Rows of another strength with the outcomes that this world's mechanism gives them."""
    parts = [f".{slot}" if slot else "" for slot in range(world.feedback.slots)]
    stop = rows.start + len(rows)
    noise = [
        world.streams.draw_rows(f"noise{part}", rows.start, stop, lambda rng, n: rng.random(n))
        for part in parts
    ]
    codes = [encode(shown) for shown in rows.attributes]
    index = np.stack([world.outcome.index(rows.people, rows.contexts, rows.prompt_ids, c) for c in codes])
    outcomes = np.stack([world.feedback.draw(i, u) for i, u in zip(index, noise, strict=True)])
    return replace(rows, index=index, outcomes=outcomes)


def taken_at_face_value(world, rows):
    """What somebody who takes the log at face value regresses: values and the rows that have one."""
    columns = world.recording.record(rows)
    if "judge" in columns:
        return columns["judge"], np.arange(len(rows))
    values = rows.outcomes[0] if world.recording.outcome is None else world.recording.outcome(rows)
    return values, np.flatnonzero(np.isfinite(values))


def same_tables(left, right):
    """Whether two tables hold the same values; missing numbers equal one another."""
    if left.column_names != right.column_names:
        return False
    pairs = [(left.column(name).to_numpy(), right.column(name).to_numpy()) for name in left.column_names]
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def saturated_weights(attributes, prompt_ids, marginals):
    """Product of marginals over the empirical frequency of the vector at its prompt, shape (n,).

    Weighting a log by these averages the contrast in E[Y | a] over independent attributes,
    which is the definition of the naive limit; no quadrature over people is involved.
    """
    codes = encode(attributes) + (prompt_ids << attributes.shape[1])
    frequency = np.bincount(codes, minlength=codes.max() + 1) / len(codes)
    target = np.where(attributes == 1, marginals, 1 - marginals).prod(axis=1)
    return target / frequency[codes]
