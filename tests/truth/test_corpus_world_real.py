"""Real experiments as worlds: headlines that were A/B tested, and messages that people were randomised to."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from benchmark.contract import Predictions, Streams
from benchmark.scoring.score import make_key, score_with_key
from simulators.experiments import Columns, Thinning, make_corpus_world
from simulators.experiments.precision import measure_dispersion
from simulators.experiments.trial import read_trial

STREAMS = Streams("tests", "corpus", 0)
LINES = csv.ParseOptions(newlines_in_values=True)
HEADLINES = Columns(
    text="headline",
    test=("clickability_test_id", "eyecatcher_id"),
    outcome="clicks",
    weight="impressions",
    time="test_week",
    exclude="srm_risk_window_derived",
)
MESSAGES = Columns(
    text="message_text",
    test=("issue",),
    outcome="dv_response_mean",
    group="message_id",
    prompt="issue",
    covariates=("party", "ideology", "knowledge"),
)


@pytest.fixture(scope="module")
def headlines(real_data):
    return csv.read_csv(real_data / "upworthy_headlines.csv.gz", parse_options=LINES)


@pytest.fixture(scope="module")
def upworthy(headlines):
    return make_corpus_world(headlines, HEADLINES, STREAMS, name="upworthy", task="Write a headline.")


@pytest.fixture(scope="module")
def persuasion(real_data):
    messages = csv.read_csv(real_data / "persuasion_messages.csv.gz", parse_options=LINES)
    responses = csv.read_csv(real_data / "persuasion_responses.csv.gz")
    table = responses.join(messages.select(["message_id", "message_text"]), "message_id")
    table = table.filter(pc.greater(pc.field("message_id"), 0)).sort_by("respondent_row")
    thinning = Thinning("long", strength=1.0)
    return make_corpus_world(
        table, MESSAGES, STREAMS, thinning, name="persuasion", feedback="rating", held_out=0.5
    )


def test_duplicate_headlines_are_overdispersed_as_stated_with_the_data(headlines):
    dispersion = measure_dispersion(read_trial(headlines, HEADLINES))
    assert abs(dispersion.scale - 1.79) < 3 * dispersion.error
    assert dispersion.degrees > 1000


def test_no_headline_is_on_both_sides(upworthy):
    assert not set(upworthy.logged.texts) & set(upworthy.held.texts)
    assert len(np.unique(upworthy.logged.groups)) > 800
    assert len(upworthy.draw().log) == len(np.unique(upworthy.logged.groups))


def test_risky_dates_are_left_out(headlines, upworthy):
    kept = pc.sum(pc.invert(headlines.column("srm_risk_window_derived"))).as_py()
    assert len(upworthy.logged) + len(upworthy.held) == kept


def test_resolved_headline_pairs_are_many_and_better_than_noise(upworthy):
    """More pairs differ by two honest standard errors than the 4.55 % of equal headlines."""
    truth = upworthy.truth
    assert truth.resolved.sum() > 300
    assert truth.resolved.mean() > 2 * 0.0455
    assert 0.75 < truth.expected_accuracy < 1


def test_headlines_at_face_value_beat_a_coin_and_miss_much(upworthy):
    """A regression on ten attributes across stories carries over to stories kept back, in part."""
    queries, truth = upworthy.queries(), upworthy.truth
    key = make_key(queries, truth)
    coin = 0.5 / np.sqrt(len(queries.pairs))
    naive = score_with_key(Predictions(truth.naive_reward(queries.prompts, queries.texts)), key)
    oracle = score_with_key(Predictions(truth.reward(queries.prompts, queries.texts)), key)
    assert oracle["rho"] == 0
    assert 0.5 + 2 * coin < naive["accuracy"] < 0.8
    assert key.naive_rho == pytest.approx(naive["rho"])


def test_length_is_confounded_in_the_thinned_log_and_adjusting_mends_it(persuasion):
    """Respondents were randomised, so the unthinned rows hold the truth on the same messages."""
    log, trial = persuasion.draw().log, persuasion.logged
    k = persuasion.domain.attributes.index("long")
    limit = persuasion.domain.detectors

    def estimate(texts, prompts, outcomes, covariates):
        long = limit.detect(texts)[:, k].astype(float)
        issues = (np.asarray(prompts)[:, None] == np.unique(prompts)).astype(float)
        by_issue = [issues * column[:, None] for column in covariates.T]
        design = np.column_stack([long, issues, *by_issue])
        inverse = np.linalg.pinv(design.T @ design)
        fitted = inverse @ design.T @ outcomes
        rest = outcomes - design @ fitted
        return fitted[0], np.sqrt((rest**2).sum() / (len(rest) - design.shape[1]) * inverse[0, 0])

    none = np.zeros((len(trial), 0))
    experiment, error = estimate(trial.texts, trial.prompts, trial.outcomes, none)
    naive, naive_error = estimate(log.texts, log.prompts, log.outcomes, np.zeros((len(log), 0)))
    adjusted, adjusted_error = estimate(log.texts, log.prompts, log.outcomes, log.covariates)
    assert (naive - experiment) / np.hypot(error, naive_error) > 6
    # party, ideology and knowledge enter the score linearly within an issue, as they do here
    assert abs(adjusted - experiment) < 4 * np.hypot(error, adjusted_error)
    assert persuasion.truth.naive_effects[k] == pytest.approx(naive, abs=2.5)


def test_propensities_of_messages_are_valid_and_weigh_back(persuasion):
    log = persuasion.draw().log
    weights = log.numbers("target_propensity") / log.numbers("propensity")
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(len(weights)))
    card = persuasion.card()
    assert card["acceptance"] == pytest.approx(
        1 / card["bound"], abs=4 * 0.5 / np.sqrt(card["randomised_rows"])
    )


def test_worlds_of_real_data_are_the_same_for_the_same_seed(headlines, upworthy):
    again = make_corpus_world(headlines, HEADLINES, STREAMS, name="upworthy", task="Write a headline.")
    other = make_corpus_world(
        headlines, HEADLINES, Streams("tests", "corpus", 1), name="upworthy", task="Write a headline."
    )
    assert again.draw().log.table.equals(upworthy.draw().log.table)
    assert np.array_equal(again.queries().pairs, upworthy.queries().pairs)
    assert not other.draw(50).log.table.equals(upworthy.draw(50).log.table)
