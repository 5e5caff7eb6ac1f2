"""An inspection finds what was put in: formulas of papers, known mechanisms, simulated worlds."""

import json

import numpy as np
import pandas as pd
import pytest

import benchmark
from benchmark.advice.inspection.design import make_design
from benchmark.advice.inspection.effects import regress
from benchmark.advice.inspection.gamma import find_gamma, make_comparison
from benchmark.advice.inspection.robustness import robustness_value
from benchmark.contract import UsageError

PROPENSITIES = ("propensity", "target_propensity")


def without_propensities(log):
    return log.table.drop_columns([name for name in log.table.column_names if name in PROPENSITIES])


def emails(n, confounding, seed=0, hidden=0.0):
    """Emails with a greeting whose chance depends on age, and on a mood that nobody records; effect 1."""
    rng = np.random.default_rng(seed)
    age, mood = rng.normal(size=n), rng.choice([-1.0, 1.0], n)
    greeting = rng.random(n) < 1 / (1 + np.exp(-confounding * age - hidden * mood))
    ask = rng.random(n) < 0.5
    text = [
        f"{'Happy Monday, ' if g else ''}dear reader, {'will you come?' if a else 'come'}"
        for g, a in zip(greeting, ask, strict=True)
    ]
    clicks = 1.0 * greeting - 0.5 * ask + 2 * confounding * age + hidden * mood + rng.normal(size=n)
    return pd.DataFrame({"message": text, "revenue": clicks, "age": age, "previous_revenue": 2 * age + mood})


# -- formulas ------------------------------------------------------------------------
def test_robustness_value_of_the_paper():
    # Cinelli and Hazlett 2020, table 1: t = 4.18, 783 degrees of freedom, RV = 13.9 %
    assert robustness_value(4.18, 783) == pytest.approx(0.139, abs=0.0005)
    # a confounder of that strength on both sides brings the estimate to zero: RV^2 / (1 - RV) = f^2
    value = robustness_value(4.18, 783)
    assert value**2 / (1 - value) == pytest.approx(4.18**2 / 783)


def test_regression_equals_statsmodels_with_robust_errors():
    import statsmodels.api as sm

    design = make_design(benchmark.read_log(emails(800, 1.0)))
    fit = regress(design, design.basis)
    columns = np.column_stack([design.texts, design.basis])
    other = sm.OLS(design.outcome, columns).fit(cov_type="HC0")
    k = design.texts.shape[1]
    assert fit.coefficient == pytest.approx(other.params[:k], abs=1e-6)
    # n / (n - p) is HC1's correction, and clusters of one row have m / (m - 1)
    correction = np.sqrt(len(design) / fit.freedom * len(design) / (len(design) - 1))
    assert fit.errors == pytest.approx(other.bse[:k] * correction, rel=1e-6)


@pytest.mark.parametrize("binary", [False, True])
def test_bounds_hold_the_effect_and_are_sharp(binary):
    """With a binary confounder of known odds the truth is inside the bounds, near the end that it reaches."""
    rng, n, odds = np.random.default_rng(3), 40_000, 2.0
    u = rng.random(n) < 0.5
    # P(D | u) is such that the odds given u differ from the odds overall (1) by the factor 2 each way
    held = (rng.random(n) < np.where(u, odds, 1 / odds) / (1 + np.where(u, odds, 1 / odds))).astype(float)
    lift = 0.2 * held
    y = (
        (rng.random(n) < 0.3 + 0.3 * u + lift) * 1.0
        if binary
        else 3.0 * u + 0.2 * held + 0.1 * rng.normal(size=n)
    )
    comparison = make_comparison(held, y, np.zeros((n, 0)), binary)
    naive, _ = comparison.bound(1.0, False)
    confounded = (0.3 if binary else 3.0) * (2 / 3 - 1 / 3)
    assert naive == pytest.approx(0.2 + confounded, abs=4 * comparison.bound(1.0, False)[1])
    low, error = comparison.bound(odds, False)
    assert low < 0.2 + 4 * error, "the truth is inside"
    if not binary:  # the outcome is nearly the confounder, so the least favourable confounder is the real one
        assert low == pytest.approx(0.2, abs=0.1)
    # Gamma 1 gives no room, and room grows with Gamma
    assert comparison.bound(1.0, True)[0] == pytest.approx(naive)
    assert comparison.bound(4.0, False)[0] < low < naive


def test_binary_bounds_equal_the_closed_form():
    """Without covariates the upper bound is P(D) p + (1 - P(D)) min(G p, 1 - (1 - p) / G)."""
    rng, n, gamma = np.random.default_rng(4), 60_000, 1.5
    held = (rng.random(n) < 0.4).astype(float)
    y = (rng.random(n) < 0.3 + 0.1 * held) * 1.0
    comparison = make_comparison(held, y, np.zeros((n, 0)), True)
    p, share = y[held == 1].mean(), held.mean()
    expected = share * p + (1 - share) * min(gamma * p, 1 - (1 - p) / gamma)
    assert comparison.treated.bound(gamma, True).mean() == pytest.approx(expected, abs=1e-3)


def test_gamma_of_an_effect_that_is_not_there_is_one():
    rng, n = np.random.default_rng(5), 2000
    held = (rng.random(n) < 0.5).astype(float)
    found = find_gamma("nothing", make_comparison(held, rng.normal(size=n), rng.normal(size=(n, 2)), False))
    assert found.low == 1.0
    assert found.gamma < 1.2


# -- what an inspection finds -----------------------------------------------------------
def test_recorded_confounding_is_found_and_removed():
    found = benchmark.inspect_log(emails(3000, 1.0), covariates=["age"])
    assert found.assignment.is_predicted
    assert found.assignment.effective_share.high < 0.9
    greeting = next(p for p in found.disagreement.phrases if "happy" in p.phrase)
    assert greeting.disagrees
    assert greeting.naive.low > 1.5
    assert greeting.adjusted.low < 1 < greeting.adjusted.high


def test_a_randomised_log_is_not_accused():
    found = benchmark.inspect_log(emails(3000, 0.0), covariates=["age"])
    assert not found.assignment.is_predicted
    assert found.assignment.effective_share.value > 0.95
    assert not found.disagreement.disputed
    assert found.disagreement.reversed_pairs.low <= found.disagreement.by_chance


def test_chance_is_judged_by_units():
    """Rows of a person share covariates and texts by accident; that is no prediction."""
    rng = np.random.default_rng(8)
    people = emails(60, 0.0, seed=8)
    repeated = people.loc[np.repeat(np.arange(60), 20)].assign(user=np.repeat(np.arange(60), 20))
    repeated["revenue"] = rng.normal(size=1200)
    by_rows = benchmark.inspect_log(repeated, covariates=["age"], ignore="user").assignment
    by_units = benchmark.inspect_log(repeated, covariates=["age"], unit="user").assignment
    assert by_rows.p_value == 0.01
    assert by_units.p_value > 0.05
    assert by_units.predicted.low < 0 < by_units.predicted.high or by_units.predicted.high < 0


@pytest.mark.parametrize(("hidden", "passes"), [(0.0, True), (1.0, False)])
def test_a_placebo_outcome_shows_what_was_not_recorded(hidden, passes):
    found = benchmark.inspect_log(emails(3000, 0.5, hidden=hidden))
    (placebo,) = found.placebos
    assert placebo.column == "previous_revenue"
    assert placebo.passes is passes


def test_a_random_stretch_is_found():
    early, late = emails(2000, 1.5, seed=1), emails(2000, 0.0, seed=2)
    data = pd.concat([early, late]).drop(columns="previous_revenue")
    data["sent"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(4000), unit="h")
    found = benchmark.inspect_log(data.assign(sent=data["sent"].astype(str)), covariates=["age"])
    parts = {
        stretch.name: stretch.near_random for stretch in found.assignment.stretches if "part" in stretch.name
    }
    assert not any(parts[f"time, part {k} of 10"] for k in (1, 2, 3, 4))
    assert sum(parts[f"time, part {k} of 10"] for k in (7, 8, 9, 10)) >= 2


def test_rows_of_a_unit_count_together():
    data = emails(400, 0.0)
    repeated = pd.concat([data] * 5).assign(user=np.tile(np.arange(400), 5))
    once = benchmark.inspect_log(data, covariates=["age"])
    again = benchmark.inspect_log(repeated, covariates=["age"])
    assert again.own.log.has("unit")
    for one, other in zip(once.robustness[:1], again.robustness[:1], strict=True):
        width = (one.effect.high - one.effect.low) / (other.effect.high - other.effect.low)
        assert 0.85 < width < 1.15, "five copies of a row say no more than one"


def test_an_inspection_gives_the_same_numbers_again_and_large_effects_are_hard_to_undo():
    data = emails(2000, 0.0)
    one, other = (benchmark.inspect_log(data, covariates=["age"]) for _ in range(2))
    assert one.as_dict() == other.as_dict()
    greeting = next(tilt for tilt in one.tilts if "happy" in tilt.about)
    assert greeting.low > 1.5, "an effect of one standard deviation is not undone by little"


@pytest.mark.parametrize("scenario", ["observed[strength=1,texture=lifelike]", "selection", "brief"])
def test_simulated_worlds_are_inspected(scenario):
    table = without_propensities(benchmark.simulate(scenario, n=1200).log)
    found = benchmark.inspect_log(table)
    assert found.findings
    json.dumps(found.as_dict())


def test_a_log_without_covariates_is_inspected():
    found = benchmark.inspect_log(emails(500, 0.0)[["message", "revenue"]])
    assert found.assignment is None
    assert "face value" in found.findings[0]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (emails(90, 0.0), "too few rows"),
        (emails(200, 0.0).assign(revenue=1.0), "the same"),
        (emails(200, 0.0).assign(message="One text for all"), "texts"),
        (emails(200, 0.0).assign(message=[f"x{i} y{i}" for i in range(200)]), "do not differ"),
        (emails(200, 0.0).assign(message="🎉"), "texts"),
    ],
)
def test_logs_that_say_nothing_are_refused(data, word):
    with pytest.raises(UsageError, match=word):
        benchmark.inspect_log(data)


def test_emoji_texts_are_inspected():
    data = emails(600, 0.5)
    data["message"] = [m + (" 🎉" if i % 2 else " — é") for i, m in enumerate(data["message"])]
    assert benchmark.inspect_log(data).phrases


# -- the verb ------------------------------------------------------------------------------
def test_the_verb_shows_roles_and_findings(tmp_path, capsys):
    from benchmark.cli.main import invoke

    path = tmp_path / "mail.csv"
    emails(400, 1.0).to_csv(path, index=False)
    assert invoke(["inspect", str(path), "--covariates", "age"]) == 0
    shown = capsys.readouterr().out
    assert "taken for" in shown
    assert "Gamma" in shown
    assert invoke(["inspect", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["log"]["rows"] == 400
    assert invoke(["inspect", str(path), "--outcome", "revenu"]) == 2
    assert "did you mean 'revenue'" in capsys.readouterr().err
    assert invoke(["inspect", str(tmp_path / "none.csv")]) == 2
