"""Worlds like a log are found, methods are ranked on them, and rows are counted, by cases worked by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

import benchmark
from benchmark.advice.reading import OwnLog
from benchmark.advice.worlds.calibrate import Calibration
from benchmark.advice.worlds.posterior import Posterior, find_posterior, from_free, to_free
from benchmark.advice.worlds.power import find_rows, make_curve
from benchmark.advice.worlds.prior import RANGES, Setting, draw_values, make_scenario
from benchmark.advice.worlds.recommend import CANDIDATES, list_allowed, rank
from benchmark.advice.worlds.reference import Reference
from benchmark.advice.worlds.regrets import Regrets
from benchmark.advice.worlds.summaries import NAMES, summarise
from benchmark.contract import Log, UsageError
from benchmark.tasks.prepare import check_scenario
from benchmark.tasks.suite import load_suite

SETTING = Setting((("hidden", 0.5), ("observed", 0.5)), "6", "scalar", 12)
VALUES = {"strength": 1.0, "overlap": 0.4, "surface": 0.1, "wording": 0.1, "noise": 1.0}


def own_log(scenario="observed[strength=1]", n=400):
    log = benchmark.simulate(scenario, n=n).log
    kept = [name for name in log.table.column_names if "propensity" not in name]
    log = Log(log.table.select(kept), log.feedback)
    return OwnLog("a table", log, n, (), (), {})


def a_calibration(worlds=24):
    rng = np.random.default_rng(0)
    drawn = tuple(("observed", draw_values(rng)) for _ in range(worlds))
    scenarios = tuple(make_scenario(family, values, SETTING) for family, values in drawn)
    return Calibration(own_log(), SETTING, Posterior({"observed": 1.0}, drawn, 0.5), scenarios, 400, {})


def a_reference(rng, worlds=600):
    """A table in which one statistic tells the strength and another the family."""
    families = rng.choice(["hidden", "observed"], worlds)
    values = np.array([list(draw_values(rng).values()) for _ in range(worlds)])
    summaries = 0.1 * rng.normal(size=(worlds, len(NAMES)))
    recorded = families == "observed"
    summaries[:, 0] += np.where(recorded, values[:, 0], 0.0)
    summaries[:, 1] += np.where(recorded, 1.0, -1.0)
    return Reference(families, values, summaries)


# -- the prior -----------------------------------------------------------------------
def test_every_world_of_the_prior_has_known_parameters():
    rng = np.random.default_rng(1)
    families = (
        *dict(SETTING.families),
        "nonlinear",
        "interaction",
        "robust",
        "drift",
        "selection",
        "wide",
        "brief",
    )
    for family in (*families, "instrument"):
        check_scenario(make_scenario(family, draw_values(rng), SETTING))


def test_the_setting_is_read_off_the_log():
    assert Setting.of(own_log().log).prompts == "6"
    assert "wide" in dict(Setting.of(own_log("wide[covariates=14]").log).families)
    assert "instrument" in dict(Setting.of(own_log("instrument").log).families)
    assert set(dict(Setting.of(own_log("brief").log).families)) == {"brief", "hidden"}
    assert sum(dict(Setting.of(own_log("drift").log).families).values()) == pytest.approx(1)


def test_parameters_survive_the_change_of_scale():
    rng = np.random.default_rng(2)
    values = np.array([list(draw_values(rng).values()) for _ in range(50)])
    assert from_free(to_free(values)) == pytest.approx(values, abs=1e-9)
    ends = np.array(list(RANGES.values()))
    assert from_free(np.full((1, 5), -9.0))[0] == pytest.approx(ends[:, 0])
    assert from_free(np.full((1, 5), 9.0))[0] == pytest.approx(ends[:, 1])


# -- the posterior -----------------------------------------------------------------------
@pytest.mark.parametrize("strength", [0.5, 1.5, 2.5])
def test_the_posterior_finds_what_a_statistic_tells(strength):
    rng = np.random.default_rng(3)
    target = np.zeros(len(NAMES))
    target[:2] = strength, 1.0
    found = find_posterior(a_reference(rng), target, 200, rng)
    assert found.families["observed"] > 0.85
    middle, low, high = found.describe("strength")
    assert low < strength < high
    assert abs(middle - strength) < 0.25
    low, middle, high = np.quantile([values["overlap"] for _, values in found.drawn], (0.1, 0.5, 0.9))
    assert high - low > 0.4, "what no statistic tells stays as wide as the prior"


def test_strength_stays_unknown_where_no_statistic_tells_it():
    rng = np.random.default_rng(4)
    target = np.zeros(len(NAMES))
    target[1] = -1.0
    found = find_posterior(a_reference(rng), target, 200, rng)
    assert found.families["hidden"] > 0.85
    _, low, high = found.describe("strength")
    assert high - low > 2.0


def test_a_log_unlike_any_world_is_told():
    rng = np.random.default_rng(5)
    assert find_posterior(a_reference(rng), np.full(len(NAMES), 30.0), 20, rng).distance == 0.0


def test_summaries_tell_confounded_worlds_from_randomised_ones():
    confounded = summarise(own_log("observed[strength=2]", 1500).log)
    randomised = summarise(own_log("randomised", 1500).log)
    told = dict(zip(NAMES, confounded - randomised, strict=True))
    assert told["text_by_covariates"] > 0.01
    assert told["moved_by_adjusting"] > 0.01
    nonlinear = dict(zip(NAMES, summarise(own_log("nonlinear", 1500).log), strict=True))
    assert (
        nonlinear["curvature_of_outcome"]
        > 0.05
        > dict(zip(NAMES, randomised, strict=True))["curvature_of_outcome"]
    )


# -- the suite -----------------------------------------------------------------------------
def test_the_suite_is_one_that_run_takes(tmp_path):
    made = a_calibration()
    made.write(tmp_path / "mine.toml")
    suite = load_suite(tmp_path / "mine.toml")
    assert len(suite.scenarios) == 24
    assert suite == made.suite
    json.dumps(made.as_dict())
    planned = benchmark.plan(suite, methods=["covariate-regression"], device="cpu")
    assert planned.plan.n_cells == 3 * 24


def test_too_few_worlds_are_refused():
    with pytest.raises(UsageError, match="too few worlds"):
        benchmark.calibrate(own_log(), worlds=5)


# -- the ranking ---------------------------------------------------------------------------
def regrets(experiment=0.1, worlds=24):
    rng = np.random.default_rng(6)
    noise = 0.01 * rng.normal(size=worlds)
    columns = {
        "ceiling": experiment + noise,
        "covariate-regression": 0.14 + noise,
        "doubly-robust-corrected": 0.15 + noise,
        "naive": 0.30 + noise,
    }
    return Regrets(tuple(columns), np.column_stack(list(columns.values())), 400)


def test_methods_are_ranked_with_probabilities():
    found = rank(a_calibration(), regrets())
    assert [advice.method for advice in found.ranking] == [
        "covariate-regression", "doubly-robust-corrected", "naive"
    ]  # fmt: skip
    first, second, naive = found.ranking
    assert (first.best, second.best, naive.best) == (1.0, 0.0, 0.0)
    assert (first.close, second.close, naive.close) == (1.0, 1.0, 0.0)
    # (0.30 - 0.14) / (0.30 - 0.10), the same in every world
    assert first.removed.value == pytest.approx(0.8)
    assert first.removed.low == pytest.approx(0.8)
    assert "recorded" in first.assumes
    assert "at random" in naive.assumes
    assert not found.advises_experiment
    assert "covariate-regression" in found.answer


def test_an_experiment_is_advised_where_it_does_much_better():
    measured = {200: 0.06, 100: 0.12, 50: 0.2}
    found = rank(a_calibration(), regrets(0.03), lambda rows: replace(regrets(measured[rows]), rows=rows))
    assert found.experiment_is_better == 1.0
    assert found.rows == 100, (
        "half and a quarter of the rows do as well as the best method (.14), an eighth does not"
    )
    assert found.answer.startswith("None: run an experiment of 100 rows")


def test_methods_that_the_log_does_not_allow_are_left_out():
    log = own_log().log
    allowed = list_allowed(log)
    assert "covariate-regression" in allowed
    assert "residual-instrumented" not in allowed
    assert set(allowed) < set(CANDIDATES)
    with pytest.raises(UsageError, match="allows none"):
        list_allowed(log, ["residual-instrumented"])
    with pytest.raises(UsageError, match="unknown method"):
        list_allowed(log, ["covariate-regresion"])


# -- power ------------------------------------------------------------------------------------
def test_rows_are_read_off_a_rising_curve():
    sizes = np.array([100.0, 200.0, 400.0, 800.0])
    # half-way between 200 and 400 on a logarithmic scale
    assert find_rows(sizes, np.array([0.0, 0.7, 0.9, 1.0])) == round(200 * 2**0.5)
    assert find_rows(sizes, np.array([0.9, 0.95, 1.0, 1.0])) == 100
    assert find_rows(sizes, np.array([0.1, 0.2, 0.3, 0.7])) is None
    # a dip is noise: 0.85 and 0.75 are pooled to 0.8
    assert find_rows(sizes, np.array([0.5, 0.85, 0.75, 1.0])) == 200


def test_the_curve_counts_worlds_that_meet_the_target():
    measured = [replace(regrets(level), rows=n) for n, level in ((100, 0.3), (200, 0.1), (400, 0.0))]
    curve = make_curve(measured, "experiment", "ceiling", 0.15)
    assert [point.power for point in curve.points] == [0.0, 1.0, 1.0]
    # 80 % of the way from 100 to 200 on a logarithmic scale
    assert curve.needed == round(100 * 2**0.8)
    assert make_curve(measured, "log", "naive", 0.15).needed is None


@pytest.mark.parametrize("bad", [{"target": 0.7}, {"rows": [100]}, {"rows": [10, 20]}])
def test_impossible_questions_of_power_are_refused(bad):
    with pytest.raises(UsageError):
        benchmark.power(own_log(), calibration=a_calibration(), **bad)


# -- all of it, from the command line -----------------------------------------------------------
@pytest.mark.slow
def test_a_table_goes_through_all_verbs(tmp_path, monkeypatch, capsys):
    from benchmark.cli.main import invoke

    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)
    own = own_log("observed[strength=1]", 300)
    names = [name.replace("covariate.", "") for name in own.log.table.column_names]
    own.log.table.rename_columns(names).to_pandas().to_csv("log.csv", index=False)
    few = ["log.csv", "--reference", "20", "--worlds", "20", "--json"]
    assert invoke(["calibrate", *few, "--out", "mine.toml"]) == 0
    assert len(json.loads(capsys.readouterr().out)["scenarios"]) == 20
    assert len(load_suite(tmp_path / "mine.toml").scenarios) == 20
    assert invoke(["recommend", *few, "--method", "covariate-regression", "--report", "page"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {advice["method"] for advice in told["ranking"]} == {"covariate-regression", "naive"}
    page = (tmp_path / "page" / "report.html").read_text("utf-8")
    assert told["answer"].split(":")[0] in page
    for needed in ("<script", "<link", "<img", "src=", "url(http"):
        assert needed not in page, "the page needs nothing else"
    json.loads((tmp_path / "page" / "report.json").read_text("utf-8"))
    found = benchmark.power("log.csv", 0.3, rows=[100, 200], worlds=20, reference=20, method="naive")
    assert [point.rows for point in found.curves[0].points] == [100, 200]
