"""An insider who learned from the published prior: a regression of true effects on what a log shows.

    python tests/statistics/learned_insider.py hidden overlap[correlation=1] ...

Worlds of one season teach, those of another examine. What is shown of an attribute is its naive and its
adjusted coefficient, how the recorded columns go with it, how frequent it is and where it stands among the
others. Whatever the prior gives away beyond what honest methods use shows as a regret below the best of
theirs.
"""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
from attribute_worlds import OracleHarness, drawn, regret
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV

import methods
from benchmark.tasks.scenario import Scenario
from methods.adjust.features import base_columns
from methods.adjust.ridge import project
from methods.adjust.scored import partial_out, score_at_face_value, solve
from methods.linear import LinearReward

ROWS = 4000
NOT_SHOWN = ("outcome", "prompt", "text", "propensity", "target_propensity", "randomised", "observed")
FAMILY_HONEST = {
    "drift": ("time-regression",),
    "position": ("slot-regression",),
    "instrument": ("instrumented-texts",),
    "robust": ("outcome-model-averaged",),
    "proxy": ("proximal", "proxy-as-covariate"),
}
HONEST = ("naive", "covariate-regression", "residual-partial-out")


@cache
def read_log(scenario, season, seed):
    """What a log shows of each attribute, shape (K, features), and the naive coefficients."""
    parsed = Scenario.parse(scenario)
    world, log, _ = drawn(season, parsed.family, tuple(parsed.parameters.items()), seed, ROWS, "log")
    scored = score_at_face_value(log, OracleHarness(world.domain, ("insider", seed)))
    base, n_attributes = base_columns(scored.log), len(world.domain.attributes)
    without = partial_out(scored, base)
    gram, _, naive = solve(without)
    names = [name for name in scored.log.table.column_names if name not in NOT_SHOWN]
    columns = np.column_stack([np.ones(len(scored.log)), *(scored.log.numbers(name) for name in names)])
    spread = columns.std(axis=0)
    columns = (columns - columns.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    if columns.shape[1]:
        adjusted = solve(partial_out(scored, np.column_stack([base, columns])))[2]
        response = gram.solve(columns - project(base, columns)[0]).coefficient[:n_attributes]
    else:
        adjusted, response = naive, np.zeros((n_attributes, 1))
    n, a = naive[:n_attributes], adjusted[:n_attributes]
    size, share = np.abs(response), world.domain.detect(log.texts).attributes.mean(axis=0)
    place, largest = np.argsort(np.argsort(n)), np.abs(n).max()
    seen = [n, a, a - n, size.max(axis=1), np.linalg.norm(size, axis=1), share, place, n / largest]
    seen += [np.full(n_attributes, largest), np.sort(n)[-2:].mean() - n, n - np.sort(n)[:2].mean()]
    return np.column_stack(seen), naive


def learn(scenario, seeds):
    """Two regressions of effects: a ridge, then trees on what it leaves."""
    family, taught = Scenario.parse(scenario).family, []
    parameters = tuple(Scenario.parse(scenario).parameters.items())
    for seed in seeds:
        world, *_ = drawn("a published season", family, parameters, seed, ROWS, "log")
        taught.append((read_log(scenario, "a published season", seed)[0], world.truth.effects))
    seen, effects = (np.concatenate(parts) for parts in zip(*taught, strict=True))
    linear = RidgeCV(np.geomspace(0.1, 1e3, 9)).fit(seen, effects)
    trees = HistGradientBoostingRegressor(
        max_depth=3, learning_rate=0.05, max_iter=100, min_samples_leaf=20, random_state=0
    ).fit(seen, effects - linear.predict(seen))
    return lambda shown: linear.predict(shown) + trees.predict(shown)


def examine(scenario, taught, asked):
    """Regrets by name, shape (asked,): of honest methods, and of the insider."""
    parsed, predict = Scenario.parse(scenario), learn(scenario, range(taught))
    honest = HONEST + FAMILY_HONEST.get(parsed.family, ())
    found = {name: [] for name in (*honest, "insider")}
    for seed in range(asked):
        parameters = tuple(parsed.parameters.items())
        world, log, queries = drawn("an unpublished season", parsed.family, parameters, seed, ROWS, "log")
        for name in honest:
            method = methods.load(name)
            if method.tags.reason_to_refuse(log) is None:
                fitted = method.fit(log, OracleHarness(world.domain, (name, seed)))
                found[name].append(regret(fitted, world, queries))
        shown, effects = read_log(scenario, "an unpublished season", seed)
        effects = effects.copy()
        effects[: len(shown)] = predict(shown)
        features = score_at_face_value(log, OracleHarness(world.domain)).features
        found["insider"].append(regret(LinearReward(features, effects), world, queries))
    return {name: np.array(values) for name, values in found.items() if values}


def main(*scenarios):
    for scenario in scenarios:
        found = examine(scenario, 100, 40)
        best = min((name for name in found if name != "insider"), key=lambda name: found[name].mean())
        gain = found[best] - found["insider"]
        resolved = 2 * gain.std(ddof=1) / np.sqrt(10)
        sys.stdout.write(
            f"{scenario}: {best} {found[best].mean():.3f}, insider {found['insider'].mean():.3f}, gain "
            f"{gain.mean():+.3f} +- {gain.std(ddof=1) / np.sqrt(len(gain)):.3f}; ten seeds resolve "
            f"{resolved:.3f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
