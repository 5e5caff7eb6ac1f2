"""Experiments as worlds, on made-up trials whose truth is known: noise, splits, thinning and answers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from benchmark.contract import Predictions, Streams, UsageError
from benchmark.scoring.score import make_key, score_with_key
from simulators import QuerySizes
from simulators.experiments import Columns, Thinning, make_corpus_world
from simulators.experiments.answers import fit_within
from simulators.experiments.precision import measure_dispersion
from simulators.experiments.trial import read_trial

STREAMS = Streams("tests", "corpus", 0)
EFFECT, SLOPE = 0.5, 2.0
RESPONSES = Columns(
    text="message", test=("issue",), outcome="score", group="id", prompt="issue", covariates=("age",)
)
COUNTS = Columns(text="headline", test=("test",), outcome="clicks", weight="views", exclude="broken")


def make_responses(n=60_000, seed=1):
    """Respondents randomised to 60 messages on 3 issues; ``!`` adds EFFECT, age adds SLOPE, noise sd 1."""
    rng = np.random.default_rng(seed)
    message, age = rng.integers(60, size=n), rng.normal(40, 10, n)
    loud = message % 2 == 0
    own = 0.3 * np.random.default_rng(0).normal(size=60)[message]
    score = EFFECT * loud + own + SLOPE * (age - 40) / 10 + rng.normal(size=n)
    texts = np.array([f"Message number {i} of ours{'!' if i % 2 == 0 else '.'}" for i in range(60)])
    issues = np.array(["tax", "parks", "trains"])
    return pa.table(
        {"message": texts[message], "issue": issues[message % 3], "id": message, "score": score, "age": age}
    )


def make_counts(tests=600, arms=4, phi=2.0, seed=1):
    """A/B tests with every arm run twice; beta-binomial clicks whose variance is phi times binomial."""
    rng = np.random.default_rng(seed)
    views = 3000
    rate = np.repeat(rng.uniform(0.01, 0.03, (tests, arms)), 2, axis=1).ravel()
    # var = views p (1 - p) (1 + (views - 1) r), so r = (phi - 1) / (views - 1) and a + b = 1 / r - 1
    size = (views - 1) / (phi - 1) - 1
    clicks = rng.binomial(views, rng.beta(rate * size, (1 - rate) * size))
    test, arm = np.repeat(np.arange(tests), 2 * arms), np.tile(np.repeat(np.arange(arms), 2), tests)
    headline = [f"Story {t} told in way {a}{'?' if a % 2 else ''}" for t, a in zip(test, arm, strict=True)]
    broken = test < 50
    return pa.table(
        {
            "test": test,
            "headline": headline,
            "clicks": clicks,
            "views": np.full(len(test), views),
            "broken": broken,
        }
    )


@pytest.fixture(scope="module")
def rejected():
    thinning = Thinning("exclamation", strength=1.5, score={"age": 1.0})
    return make_corpus_world(make_responses(), RESPONSES, STREAMS, thinning)


@pytest.fixture(scope="module")
def one_a_test():
    return make_corpus_world(make_counts(), COUNTS, STREAMS)


def exclamation(log):
    return np.array([text.endswith("!") for text in log.texts], dtype=float)


# -- noise --------------------------------------------------------------------
def test_replicates_tell_how_overdispersed_counts_are():
    dispersion = measure_dispersion(read_trial(make_counts(phi=2.0), COUNTS))
    assert dispersion.degrees == 550 * 4  # one a replicated arm, broken tests left out
    assert abs(dispersion.scale - 2.0) < 4 * dispersion.error
    plain = measure_dispersion(read_trial(make_counts(phi=1.0001), COUNTS))
    assert abs(plain.scale - 1.0) < 4 * plain.error


def test_single_measurements_have_their_pooled_variance():
    dispersion = measure_dispersion(read_trial(make_responses(), RESPONSES))
    assert dispersion.degrees == 60_000 - 60
    assert abs(dispersion.scale - (1 + SLOPE**2)) < 4 * dispersion.error


def test_standard_errors_pass_an_a_a_control():
    """Split every arm into its two runs: their difference over its standard error has variance 1."""
    trial = read_trial(make_counts(phi=3.0), COUNTS)
    first, second = trial.take(np.arange(0, len(trial), 2)), trial.take(np.arange(1, len(trial), 2))
    tuned = measure_dispersion(trial.take(np.arange(len(trial) // 2)))
    variance = sum(tuned.variances(side.outcomes, side.weights) for side in (first, second))
    z2 = ((first.outcomes - second.outcomes) ** 2 / variance)[len(first) // 2 :]
    # the error of the mean and that of phi, which comes from the other half
    error = np.hypot(z2.std() / np.sqrt(len(z2)), tuned.error / tuned.scale)
    assert abs(z2.mean() - 1) < 4 * error


# -- splits -------------------------------------------------------------------
def test_no_text_is_on_both_sides_and_broken_tests_on_neither(one_a_test, rejected):
    for world in (one_a_test, rejected):
        assert not set(world.logged.texts) & set(world.held.texts)
        assert not set(world.draw().log.texts) & set(world.queries().texts)
    assert len(one_a_test.logged) + len(one_a_test.held) == 550 * 8


def test_groups_that_share_a_text_stay_together():
    table = make_counts(tests=100)
    headlines = table.column("headline").to_pylist()
    shared = [f"Shared by {i // 16}" if i % 8 == 0 else text for i, text in enumerate(headlines)]
    table = table.set_column(1, "headline", pa.array(shared))
    world = make_corpus_world(table, COUNTS, STREAMS)
    assert not set(world.logged.texts) & set(world.held.texts)
    one = table.set_column(1, "headline", pa.array(["The same"] * len(shared)))
    with pytest.raises(UsageError, match="cannot be split"):
        make_corpus_world(one, COUNTS, STREAMS)


def test_one_row_a_test_is_logged(one_a_test):
    draw = one_a_test.draw()
    groups = draw.truth.column("group").to_numpy()
    assert len(np.unique(groups)) == len(groups) == one_a_test.n_rows
    assert set(groups) == set(one_a_test.logged.groups)


def test_a_longer_log_begins_with_the_shorter(rejected):
    long, short = rejected.draw(200).log.table, rejected.draw(100).log.table
    assert long.slice(0, 100).equals(short)
    with pytest.raises(UsageError, match="rows"):
        rejected.draw(10**6)


# -- thinning -----------------------------------------------------------------
def slope_of_log_odds(world):
    """What a standard deviation of age adds to the log odds of an exclamation in the log, and its error."""
    log, trial = world.draw().log, world.logged
    loud = exclamation(log)
    z = (log.numbers("covariate.age") - trial.covariates.mean()) / trial.covariates.std()
    design, beta = np.column_stack([np.ones_like(z), z]), np.zeros(2)
    for _ in range(20):  # Newton's method
        p = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (p * (1 - p))[:, None])
        beta += np.linalg.solve(information, design.T @ (loud - p))
    return beta[1], np.sqrt(np.linalg.inv(information)[1, 1])


def test_rejection_makes_the_propensity_asked_for_and_keeps_the_people(rejected):
    log, trial = rejected.draw().log, rejected.logged
    age = log.numbers("covariate.age")
    assert abs(age.mean() - trial.covariates.mean()) < 4 * 10 / np.sqrt(len(age))
    slope, error = slope_of_log_odds(rejected)
    assert abs(slope - 1.5) < 4 * error


@pytest.mark.parametrize("tilt", [0.0, 0.5, 2.5])
def test_other_tilts_are_met_too(tilt):
    thinning = Thinning("exclamation", strength=tilt, score={"age": 1.0})
    world = make_corpus_world(make_responses(), RESPONSES, STREAMS, thinning)
    slope, error = slope_of_log_odds(world)
    assert abs(slope - tilt) < 4 * error
    # rows are accepted with probability w / M, and w has mean 1
    share, m = world.n_rows / len(world.logged), world.thinned.bound
    assert abs(share - 1 / m) <= 4 * np.sqrt(share * (1 - share) / len(world.logged))


def test_the_naive_contrast_is_confounded_and_the_covariate_identifies(rejected):
    log, held = rejected.draw().log, rejected.held
    loud, age, y = exclamation(log), log.numbers("covariate.age"), log.outcomes
    truth = [m.endswith("!") for m in held.texts]
    # effects of the messages' own come with the side of the split they are on: compare on the log's side
    rct_loud = np.array([m.endswith("!") for m in rejected.logged.texts])
    rct_y = rejected.logged.outcomes
    experiment = rct_y[rct_loud].mean() - rct_y[~rct_loud].mean()
    error = np.sqrt(rct_y.var() * 4 / len(rct_y))
    assert 0.3 < np.mean(truth) < 0.7
    naive = y[loud == 1].mean() - y[loud == 0].mean()
    assert naive - experiment > 1.0
    design = np.column_stack([np.ones_like(age), loud, age - 40])
    adjusted = np.linalg.lstsq(design, y, rcond=None)[0][1]
    own = np.sqrt(1.1 / (len(y) * loud.var() * 0.6))
    assert abs(adjusted - experiment) < 4 * np.hypot(error, own)
    weights = log.numbers("target_propensity") / log.numbers("propensity")
    means = [np.average(y[loud == v], weights=weights[loud == v]) for v in (1, 0)]
    spread = y.std() * np.sqrt((weights**2).sum()) / weights.sum() * 2
    assert abs(means[0] - means[1] - experiment) < 4 * np.hypot(error, spread)


def test_predicted_outcomes_may_be_the_score():
    """Without weights the score is the regression of the outcome on age, so age confounds as strongly."""
    world = make_corpus_world(make_responses(), RESPONSES, STREAMS, Thinning("exclamation", 1.5))
    assert world.truth.naive_effects[world.domain.attributes.index("exclamation")] > EFFECT + 1.0


# -- answers ------------------------------------------------------------------
def test_pairs_asked_about_differ_and_do_not_say_which_way(one_a_test):
    truth, queries = one_a_test.truth, one_a_test.queries()
    assert len(queries.pairs) == truth.resolved.sum()
    place = {text: i for i, text in enumerate(truth.arms.texts)}
    rows = np.array([place[text] for text in queries.texts])
    pairs = rows[queries.pairs]
    assert (truth.arms.tests[pairs[:, 0]] == truth.arms.tests[pairs[:, 1]]).all()
    d = truth.arms.means[pairs[:, 0]] - truth.arms.means[pairs[:, 1]]
    assert (np.abs(d) >= 2 * np.hypot(*truth.arms.errors[pairs].T)).all()
    assert abs((d > 0).mean() - 0.5) < 4 * 0.5 / np.sqrt(len(d))


def test_pairs_without_a_difference_are_resolved_one_time_in_twenty():
    """All arms equal: 4.55 % of pairs differ by two honest standard errors (normal two-sided)."""
    table, rng = make_counts(tests=900, phi=2.0), np.random.default_rng(3)
    size = 2999 / 1.0 - 1
    clicks = rng.binomial(3000, rng.beta(0.02 * size, 0.98 * size, len(table)))
    truth = make_corpus_world(table.set_column(2, "clicks", pa.array(clicks)), COUNTS, STREAMS).truth
    # pairs of one test share arms: count by test
    by_test = np.bincount(truth.arms.tests[truth.pairs[:, 0]], truth.resolved)
    by_test = by_test[np.unique(truth.arms.tests)] / 6
    assert abs(by_test.mean() - 0.0455) < 4 * by_test.std() / np.sqrt(len(by_test)) + 0.003
    assert truth.spread < 0.3 * np.median(truth.difference_errors)


def test_expected_accuracy_is_that_of_the_true_rates(one_a_test):
    """The rates that made the clicks order resolved pairs as often as the truth says they would."""
    rate = np.random.default_rng(1).uniform(0.01, 0.03, (600, 4))
    truth = one_a_test.truth

    def true_rate(text):
        words = text.rstrip("?").split()
        return rate[int(words[1]), int(words[-1])]

    true = np.array([true_rate(text) for text in truth.arms.texts])
    pairs = truth.pairs[truth.resolved]
    right = np.sign(true[pairs[:, 0]] - true[pairs[:, 1]]) == np.sign(truth.differences[truth.resolved])
    assert abs(right.mean() - truth.expected_accuracy) < 4 * right.std() / np.sqrt(len(right)) + 0.01


def test_the_scorer_takes_measured_truth(rejected):
    queries, truth = rejected.queries(QuerySizes(pairs=400)), rejected.truth
    key = make_key(queries, truth)
    perfect = score_with_key(Predictions(truth.reward(queries.prompts, queries.texts)), key)
    assert perfect["rho"] == 0
    assert perfect["accuracy"] == 1
    guess = np.random.default_rng(0).normal(size=len(queries))
    assert abs(score_with_key(Predictions(guess), key)["accuracy"] - 0.5) < 4 * 0.5 / np.sqrt(
        len(queries.pairs)
    )
    assert np.isnan(perfect["value_kl_1"])  # nobody measured what a policy would write
    with pytest.raises(UsageError, match="never measured"):
        truth.reward(["tax"], ["Made up"])


def test_effects_are_regressions_within_cells():
    rng = np.random.default_rng(5)
    cells, values = np.repeat(np.arange(200), 5), rng.integers(2, size=(1000, 3)).astype(float)
    values[:, 2] = cells % 2  # never varies within a cell
    errors = rng.uniform(0.5, 1.5, 1000)
    y = values @ [1.0, -2.0, 9.0] + 5 * rng.normal(size=200)[cells] + errors * rng.normal(size=1000)
    found, se = fit_within(values, y, cells, errors**-2)
    assert np.abs((found[:2] - [1.0, -2.0]) / se[:2]).max() < 4
    assert found[2] == se[2] == 0


# -- misuse -------------------------------------------------------------------
def test_misuse_is_told():
    table = make_responses(500)
    with pytest.raises(UsageError, match="does not have"):
        make_corpus_world(table, Columns(text="message", test=("poll",), outcome="score"), STREAMS)
    with pytest.raises(UsageError, match="must hold numbers"):
        make_corpus_world(table, Columns(text="message", test=("issue",), outcome="issue"), STREAMS)
    with pytest.raises(UsageError, match="attribute"):
        make_corpus_world(table, RESPONSES, STREAMS, Thinning("exclamtion"))
    with pytest.raises(UsageError, match="covariate"):
        make_corpus_world(table, RESPONSES, STREAMS, Thinning("exclamation", score={"height": 1.0}))
    with pytest.raises(UsageError, match="kept back"):
        make_corpus_world(table, RESPONSES, STREAMS, held_out=1.0)
    with pytest.raises(UsageError, match="measured twice"):
        make_corpus_world(table.slice(0, 8), Columns("message", ("issue",), "score", group="id"), STREAMS)
