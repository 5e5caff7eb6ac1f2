"""Each family does what its card says: the named remedy recovers the effects, the named mistake does not.

Remedies are textbook regressions on the attributes read from the texts; estimates are compared
with the exact truth within their own standard errors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worlds import make_world

N = 60_000
SEED = 5


class Table:
    """A log as arrays: attributes read from the texts, everything else as recorded."""

    def __init__(self, family, n=N, seed=SEED, **parameters):
        self.world = make_world(family, seed=seed, **parameters)
        self.log = self.world.draw(n).log
        read = self.world.domain.detect(self.log.texts)
        self.shown = read.attributes.astype(float)
        self.prompts = (read.topics[:, None] == np.arange(len(self.world.domain.prompts))).astype(float)
        self.outcome = self.log.outcomes
        self.effects = self.world.truth.effects
        self.limits = self.world.truth.naive_effects
        self.k = len(self.effects)

    @property
    def worst(self):
        """The decoy that looks best at face value."""
        return int(np.argmax(np.where(self.world.roles.effects == 0, self.limits, -np.inf)))


def regress(outcome, design, weights=None):
    """Weighted least squares with heteroscedasticity-robust errors: coefficients and errors."""
    weights = np.ones(len(outcome)) if weights is None else weights
    gram = np.linalg.inv(design.T @ (weights[:, None] * design))
    fitted = gram @ (design.T @ (weights * outcome))
    scores = design * (weights * (outcome - design @ fitted))[:, None]
    return fitted, np.sqrt(np.diag(gram @ (scores.T @ scores) @ gram))


def instrumented(outcome, endogenous, instruments, exogenous):
    """Two-stage least squares: coefficients of the endogenous columns and their errors."""
    first = np.column_stack([instruments, exogenous])
    design = np.column_stack([endogenous, exogenous])
    fitted_design = first @ np.linalg.lstsq(first, design, rcond=None)[0]
    gram = np.linalg.inv(fitted_design.T @ fitted_design)
    fitted = gram @ (fitted_design.T @ outcome)
    scores = fitted_design * (outcome - design @ fitted)[:, None]
    errors = np.sqrt(np.diag(gram @ (scores.T @ scores) @ gram))
    k = endogenous.shape[1]
    return fitted[:k], errors[:k]


def recovers(table, estimate, errors, within=4.5):
    return (np.abs(estimate[: table.k] - table.effects) / errors[: table.k]).max() < within


def fools(table, estimate, share=0.5):
    """Whether the worst decoy keeps at least a share of its naive limit."""
    return estimate[table.worst] > share * table.limits[table.worst]


@pytest.mark.parametrize("family", ["observed", "null", "marker", "style", "overlap"])
def test_covariates_and_weights_recover_and_face_value_fails(family):
    table = Table(family)
    plain = np.column_stack([table.shown, table.prompts])
    assert fools(table, regress(table.outcome, plain)[0])
    covariates = np.column_stack([plain, table.log.covariates])
    assert recovers(table, *regress(table.outcome, covariates))
    if family != "overlap":
        weights = table.log.numbers("target_propensity") / table.log.numbers("propensity")
        assert recovers(table, *regress(table.outcome, plain, weights))


def test_randomised_needs_no_remedy():
    table = Table("randomised")
    assert recovers(table, *regress(table.outcome, np.column_stack([table.shown, table.prompts])))


def test_covariates_of_hidden_remove_some_of_the_confounding_and_leave_most():
    left, removed = 0.0, 0.0
    for seed in range(12):
        table = Table("hidden", n=20_000, seed=seed)
        design = np.column_stack([table.shown, table.prompts, table.log.covariates])
        estimate, _ = regress(table.outcome, design)
        left += np.square(estimate[: table.k] - table.effects).sum()
        removed += np.square(table.limits - table.effects).sum()
    assert 0.5 < left / removed < 0.95


def test_nonlinear_defeats_linear_covariates():
    table = Table("nonlinear")
    design = np.column_stack([table.shown, table.prompts, table.log.covariates])
    assert fools(table, regress(table.outcome, design)[0], 0.8)
    people = table.world.draw_rows(0, N).people
    assert recovers(
        table, *regress(table.outcome, np.column_stack([design, table.world.outcome.features(people)]))
    )


def test_interaction_defeats_additive_adjustment():
    table = Table("interaction", modification=2.0)
    z = table.log.covariates - table.log.covariates.mean(axis=0)
    additive = np.column_stack([table.shown, table.prompts, z])
    estimate, errors = regress(table.outcome, additive)
    assert not recovers(table, estimate, errors, within=8)
    products = (table.shown[:, :, None] * z[:, None, :]).reshape(N, -1)
    assert recovers(table, *regress(table.outcome, np.column_stack([additive, products])))


def test_entangled_yields_to_the_instrument():
    table = Table("entangled")
    popularity, placement = table.log.covariates, table.log.matrix("instrument")
    exogenous = np.column_stack([table.shown, table.prompts])
    slope, _ = instrumented(table.outcome, popularity, placement, exogenous)
    assert slope[0] == pytest.approx(table.world.outcome.delta, rel=0.03)
    residual = table.outcome - popularity @ slope
    estimate, errors = regress(residual, exogenous)
    # the slope's own error moves all responding attributes together: allow for it
    assert recovers(table, estimate, errors, within=6)
    joint, _ = regress(table.outcome, np.column_stack([exogenous, popularity]))
    assert 0.1 < joint[table.worst] / table.limits[table.worst] < 0.7
    clean = Table("entangled", error=0.0)
    design = np.column_stack([clean.shown, clean.prompts, clean.log.covariates])
    assert recovers(clean, *regress(clean.outcome, design))


def test_entangled_instrument_breaks_where_the_writer_reacts():
    """Without controlling for the text, Z -> C -> text makes the slope of Y on C too large or small."""
    broken = Table("entangled", n=4 * N, reaction=1.0, error=0.0)
    ones = np.ones((4 * N, 1))
    slope, error = instrumented(broken.outcome, broken.log.covariates, broken.log.matrix("instrument"), ones)
    assert abs(slope[0] - broken.world.outcome.delta) > 8 * error[0]
    sound = Table("entangled", n=4 * N, error=0.0)
    slope, error = instrumented(sound.outcome, sound.log.covariates, sound.log.matrix("instrument"), ones)
    assert abs(slope[0] - sound.world.outcome.delta) < 4.5 * error[0]


def test_proxies_instrument_one_another():
    table = Table("proxy")
    survey = np.array([name.startswith("survey") for name in table.log.names("proxy")])
    proxies = table.log.matrix("proxy")
    exogenous = np.column_stack([table.shown, table.prompts, table.log.covariates])
    partway, _ = regress(table.outcome, np.column_stack([exogenous, proxies]))
    assert 0.15 < partway[table.worst] / table.limits[table.worst] < 0.75
    # errors go together within a source and not between sources
    design = np.column_stack([proxies[:, :1], exogenous])
    first = np.column_stack([proxies[:, ~survey], exogenous])
    fitted = np.column_stack([first @ np.linalg.lstsq(first, proxies[:, :1], rcond=None)[0], exogenous])
    estimate = np.linalg.solve(fitted.T @ design, fitted.T @ table.outcome)
    rest = table.outcome - design @ estimate
    bread = np.linalg.inv(fitted.T @ design)
    scores = fitted * rest[:, None]
    errors = np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread.T))
    assert recovers(table, estimate[1:], errors[1:])


def test_nudges_identify_effects_until_they_break():
    table = Table("instrument")
    nudges = table.log.matrix("instrument")
    assert recovers(table, *instrumented(table.outcome, table.shown, nudges, table.prompts))
    for parameters in ({"direct": 1.0}, {"dependent": 1.0}):
        broken = Table("instrument", **parameters)
        estimate, errors = instrumented(
            broken.outcome, broken.shown, broken.log.matrix("instrument"), broken.prompts
        )
        assert not recovers(broken, estimate, errors, within=8)


def test_overlap_at_one_leaves_nothing_to_tell_apart():
    table = Table("overlap", correlation=1)
    design = np.column_stack([table.shown, table.prompts, table.log.covariates])
    assert np.linalg.matrix_rank(design) < design.shape[1]
    assert table.world.law.effective_share == 0


@pytest.mark.parametrize("labelled", [True, False])
def test_badcontrol_punishes_adjusting_for_everything(labelled):
    table = Table("badcontrol", labelled=labelled)
    before = np.column_stack(
        [table.log.numbers(f"covariate.{n}") for n in ("engagement", "recency", "mobile")]
    )
    design = np.column_stack([table.shown, table.prompts, before])
    assert recovers(table, *regress(table.outcome, design))
    late = [table.log.numbers(role) for role in table.world.recording.after]
    estimate, errors = regress(table.outcome, np.column_stack([design, *late]))
    assert not recovers(table, estimate, errors, within=8)
    assert all(
        role.startswith("mediator" if labelled else "covariate") for role in table.world.recording.after
    )


def test_drift_yields_to_time():
    table = Table("drift")
    plain = np.column_stack([table.shown, table.prompts])
    assert fools(table, regress(table.outcome, plain)[0])
    turn = 2 * np.pi * table.log.numbers("time") / 365
    assert recovers(
        table, *regress(table.outcome, np.column_stack([plain, turn, np.sin(turn), np.cos(turn)]))
    )


def test_position_yields_to_slots_and_weights():
    table = Table("position")
    plain = np.column_stack([table.shown, table.prompts])
    assert fools(table, regress(table.outcome, plain)[0])
    slots = (table.log.numbers("slot")[:, None] == np.arange(1, 5)).astype(float)
    assert recovers(table, *regress(table.outcome, np.column_stack([plain, slots])))
    weights = table.log.numbers("target_propensity") / table.log.numbers("propensity")
    assert recovers(table, *regress(table.outcome, plain, weights))


def test_position_arms_are_texts():
    log = Table("position").log
    pairs = {}
    for arm, text in zip(log.numbers("arm"), log.texts, strict=True):
        assert pairs.setdefault(arm, text) == text


def test_mixture_slice_is_randomised():
    table = Table("mixture")
    flagged = table.log.numbers("randomised") == 1
    design = np.column_stack([table.shown, table.prompts])
    assert flagged.mean() == pytest.approx(0.15, abs=4 * np.sqrt(0.15 * 0.85 / N))
    assert recovers(table, *regress(table.outcome[flagged], design[flagged]))
    assert fools(table, regress(table.outcome, np.column_stack([design, table.log.covariates]))[0], 0.5)


def test_corrupt_rows_have_the_wrong_sign():
    table = Table("corrupt")
    flagged = table.log.numbers("randomised") == 1
    design = np.column_stack([table.shown, table.prompts])
    assert recovers(table, *regress(table.outcome[flagged], design[flagged]))
    assert recovers(table, *regress(-table.outcome[~flagged], design[~flagged]))
    assert np.corrcoef(regress(table.outcome, design)[0][: table.k], table.effects)[0, 1] < -0.9


def test_selection_yields_to_observation_weights():
    table = Table("selection")
    seen = table.log.numbers("observed") == 1
    design = np.column_stack([table.shown, table.prompts])[seen]
    assert fools(table, regress(table.outcome[seen], design)[0])
    weights = 1 / table.log.numbers("observation_propensity")[seen]
    assert recovers(table, *regress(table.outcome[seen], design, weights))


def test_selection_on_the_score_logs_a_shadow_and_no_chance():
    table = Table("selection", rule="extreme")
    seen = table.log.numbers("observed") == 1
    design = np.column_stack([table.shown, table.prompts])[seen]
    assert fools(table, regress(table.outcome[seen], design)[0])
    assert not table.log.has("observation_propensity")
    # the shadow moves the score, and given score and text not whether it was left
    reach = table.log.matrix("shadow")[:, 0]
    assert np.corrcoef(reach[seen], table.outcome[seen])[0, 1] > 0.3
    rows = table.world.draw_rows(0, N)
    chance = table.world.edits.recorded_mean
    expected = 1 / (
        1
        + np.exp(
            -(chance.intercept + chance.slope * rows.outcomes[0] + rows.attributes[0] @ chance.by_attribute)
        )
    )
    surprise = seen - expected
    assert abs(np.corrcoef(surprise, reach)[0, 1]) < 4.5 / np.sqrt(N)
    assert recovers(table, *regress(table.outcome[seen], design, 1 / expected[seen]))


def test_judge_likes_a_style_and_readers_do_not():
    table = Table("judge", share=0.5)
    design = np.column_stack([table.shown, table.prompts])
    seen = table.log.numbers("observed") == 1
    assert fools(table, regress(table.log.numbers("judge"), design)[0], 0.9)
    assert recovers(table, *regress(table.outcome[seen], design[seen]))


def test_heterogeneous_types_disagree_and_share_units():
    world = make_world("heterogeneous", seed=SEED)
    draw = world.draw(4000)
    units, kinds = draw.log.numbers("unit"), draw.truth.column("hidden.type").to_numpy()
    assert all(len(np.unique(kinds[units == unit])) == 1 for unit in np.unique(units)[:100])
    assert np.bincount(units.astype(int)).max() == 8
    truth = world.truth
    assert truth.groups.shape[0] == 2
    assert np.tensordot(truth.group_weights, truth.groups, axes=1) == pytest.approx(truth.rewards)
    first, second = (group[0, 0] - group[0, 0].mean() for group in truth.groups)
    assert np.corrcoef(first, second)[0, 1] < 0.9
    prompts = np.asarray(world.domain.prompts, dtype=object)[[0, 0]]
    texts = draw.log.strings("first")[:2]
    assert truth.group_rewards(prompts, texts).shape == (2, 2)


def test_rankings_prefer_what_is_worth_more():
    world = make_world("heterogeneous", seed=SEED, disagreement=0.0)
    truth = world.draw(20_000).truth
    first, second, third = (truth.column(f"reward{s}").to_numpy() for s in ("", ".1", ".2"))
    assert first.mean() > second.mean() > third.mean()
    # Plackett-Luce: a text comes first with probability exp(utility) / sum of exp(utilities)
    rows = world.draw_rows(0, 20_000)
    weights = np.exp(rows.index)
    chance = weights[0] / weights.sum(axis=0)
    surprise = (rows.outcomes.argmax(axis=0) == 0) - chance
    assert abs(surprise.mean()) < 4 * surprise.std() / np.sqrt(20_000)
    assert abs(np.corrcoef(surprise, chance)[0, 1]) < 4 / np.sqrt(20_000)


def test_objective_decides_prompt_and_preference():
    world = make_world("objective", seed=SEED, agreement=0.9)
    rows = world.draw_rows(0, N)
    wanted = rows.people["objective"] == world.prompt_law.classes[rows.prompt_ids]
    assert wanted.mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / N))
    queries = world.queries()
    asked = [world.domain.prompts.index(p) for p in queries.prompts]
    assert (world.prompt_law.classes[asked] != queries.context["objective"]).all()
    truth = world.truth
    true = truth.reward(queries.prompts, queries.texts, queries.context)
    naive = truth.naive_reward(queries.prompts, queries.texts, queries.context)
    true_gaps, naive_gaps = (np.subtract(*values[queries.pairs].T) for values in (true, naive))
    # at prompts of the other type nine in ten logged users want something else
    assert np.corrcoef(true_gaps, naive_gaps)[0, 1] < 0
    moved = make_world("objective", seed=SEED, causal_type=True).truth.rewards
    spread = moved[0] - moved[0].mean(axis=1, keepdims=True)
    assert np.abs(spread[0] - spread).max() > 0.1


def test_impossible_log_does_not_depend_on_the_sign():
    """Two worlds that differ in the sign alone write the same log, and the truth is reversed."""
    world = make_world("impossible", seed=SEED)
    p = world.law.marginals[0]
    effects = world.roles.effects
    scale = np.sqrt(p * (1 - p))
    apparent = world.outcome.coefficients / scale + effects
    intercepts = world.outcome.base[0, :, 0] + p @ effects
    from simulators.law.outcome import additive_base

    flipped = replace(
        world,
        outcome=replace(
            world.outcome,
            base=additive_base(-effects, intercepts + p @ effects),
            coefficients=(apparent + effects) * scale,
        ),
    )
    left, right = world.draw_rows(0, 2000), flipped.draw_rows(0, 2000)
    assert left.outcomes == pytest.approx(right.outcomes, abs=1e-9)
    assert all(a.equals(b) for a, b in zip(left.texts, right.texts, strict=True))
    assert flipped.truth.effects == pytest.approx(-world.truth.effects)
    assert flipped.truth.naive_effects == pytest.approx(world.truth.naive_effects, abs=1e-6)


def test_impossible_signs_are_fair_and_leave_the_naive_reward_at_a_coin():
    """Over 120 seeds the naive order of attributes agrees with the truth half of the time."""
    signs, agreement = [], []
    for seed in range(120):
        world = make_world("impossible", seed=seed)
        rng = world.streams.rng("sign")
        signs.append(rng.choice([-1.0, 1.0]))
        naive, true = world.truth.naive_effects, world.roles.effects
        right, wrong = np.abs(true)[naive * true > 0].sum(), np.abs(true)[naive * true < 0].sum()
        agreement.append(wrong / (right + wrong))
    assert abs(np.mean(signs)) < 4 / np.sqrt(120)
    assert abs(np.mean(agreement) - 0.5) < 4 * np.std(agreement) / np.sqrt(120)


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_the_mediator_carries_its_share_of_every_effect(share):
    """Y = tau a + c z + b error and dwell = share tau a / b + error: given dwell, (1 - share) tau is left."""
    import simulators
    from benchmark.contract import Streams

    chosen = {"kind": "mediator", "share": share, "strength": 1.0}
    world = simulators.build("badcontrol", chosen, Streams("tests", "badcontrol", 3))
    log = world.draw(60_000).log
    attributes = np.asarray(world.truth.detect(log.texts).attributes, dtype=float)
    columns = [np.ones(len(log)), *attributes.T, *log.covariates.T, log.numbers("mediator.dwell")]
    left = np.linalg.lstsq(np.column_stack(columns), log.outcomes, rcond=None)[0][1 : 1 + attributes.shape[1]]
    np.testing.assert_allclose(left, (1 - share) * np.asarray(world.truth.effects), atol=0.1)
