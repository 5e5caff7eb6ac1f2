"""Verdicts follow from intervals; every claim has cells, and its verdict can come out either way."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from claim_records import design, planned_cells, simulate
from leaderboard_records import METHODS, make_records

import methods
from benchmark.contract import Predictions, UsageError
from benchmark.contract.records import METRICS
from benchmark.scoring.score import score_with_key
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import QuerySettings, load_suite
from leaderboard.claims import CLAIMS, Claim, Part, find_claims
from leaderboard.claims.cells import read_settings
from leaderboard.claims.model import RELATIONS, STAND_IN
from leaderboard.frame import from_table
from leaderboard.tables import Span
from leaderboard.verdicts import (
    NOT_REPRODUCED,
    REPRODUCED,
    UNDETERMINED,
    combine,
    decide,
    judge_claims,
)
from methods.catalogue.value_estimates import value

OLD_NAMES = (
    *("A-C1", "A-C2", "A-C3", "A-C4", "A-C5", "A-C7", "A-C8", "B-C1", "B-C2", "B-C5", "B-C7", "C-2", "C-6"),
    *("D-3", "E-1", "E-2", "E-4", "hidden", "no-loss", "inherit", "null"),
    *("raw-dpo-amplifies-the-marker", "instrument-beats-naive", "residual-pairs-leave-the-marker"),
    *("marginal-residuals-beat-naive", "residuals-need-a-recorded-confounder"),
    *("doubly-robust-removes-the-bias", "doubly-robust-cpo-matches-cpo"),
    *("adversarial-beats-multi-head-beats-base", "representations-fail-when-hidden"),
    "causal-prompts-beat-correlated-ones",
)


def part(relation: str, threshold: float = 0.0, **more) -> Part:
    return Part("observed", "rho", "good", "naive", relation, threshold, **more)


@pytest.mark.parametrize(
    ("span", "statement", "verdict"),
    [
        (Span(0.3, 0.1, 0.5), part("greater"), REPRODUCED),
        (Span(0.3, -0.1, 0.5), part("greater"), UNDETERMINED),
        (Span(-0.3, -0.5, -0.1), part("greater"), NOT_REPRODUCED),
        (Span(0.3, 0.1, 0.5), part("greater", 0.5), NOT_REPRODUCED),
        (Span(-0.3, -0.5, -0.1), part("less"), REPRODUCED),
        (Span(0.3, 0.1, 0.5), part("less"), NOT_REPRODUCED),
        (Span(0.0, -0.04, 0.03), part("equal", 0.05), REPRODUCED),
        (Span(0.0, -0.06, 0.03), part("equal", 0.05), UNDETERMINED),
        (Span(0.2, 0.1, 0.3), part("equal", 0.05), NOT_REPRODUCED),
        (Span(0.2, 0.1, 0.3), part("equal", 0.11, target=0.2), REPRODUCED),
        (Span(0.2), part("greater"), UNDETERMINED),
        (None, part("greater"), UNDETERMINED),
    ],
)
def test_a_verdict_needs_the_whole_interval(span, statement, verdict) -> None:
    assert decide(span, statement) == verdict


def test_failure_needs_the_wider_interval() -> None:
    near, wide = Span(-0.3, -0.5, -0.1), Span(-0.3, -0.7, 0.1)
    assert decide(near, part("greater"), near) == NOT_REPRODUCED
    assert decide(near, part("greater"), wide) == UNDETERMINED
    assert decide(near, part("less"), wide) == REPRODUCED


def test_all_parts_must_hold_and_one_failure_suffices() -> None:
    assert combine([REPRODUCED, REPRODUCED]) == REPRODUCED
    assert combine([REPRODUCED, UNDETERMINED]) == UNDETERMINED
    assert combine([UNDETERMINED, NOT_REPRODUCED]) == NOT_REPRODUCED
    assert combine([]) == UNDETERMINED


def claim_of(*parts: Part) -> Claim:
    return Claim("x", "", "", "", "", parts)


def judge(*parts: Part, methods: dict | None = None) -> str:
    frame = from_table(make_records(methods or METHODS))
    return judge_claims(frame, [claim_of(*parts)])[0].verdict


def test_planted_truths_are_recognised() -> None:
    assert judge(Part("observed", "rho", "good", "naive", "less")) == REPRODUCED
    assert judge(Part("observed", "rho", "poor", "naive", "less")) == NOT_REPRODUCED
    assert judge(Part("observed", "rho", "good", "value:0.2", "less")) == REPRODUCED
    assert judge(Part("observed", "rho", "good", "naive", "less", times=0.6)) == REPRODUCED
    assert judge(Part("observed", "rho", "good", "naive", "less", times=0.1)) == NOT_REPRODUCED
    rates = Part("observed", "marker_rate", "poor", "metric:reference_marker_rate", "equal", 0.1)
    assert judge(rates) == REPRODUCED
    assert judge(Part("observed", "rho", "nobody", "naive", "less")) == UNDETERMINED


def test_a_part_chooses_cells_by_any_parameter() -> None:
    """The gap between naive and good grows with strength, by design of the records."""
    low, high = {"strength": 0.5}, {"strength": (1.0, 2.0)}
    assert judge(Part("observed", "rho", "naive", "good", "less", 0.2, low)) == REPRODUCED
    assert judge(Part("observed", "rho", "naive", "good", "greater", 0.2, high)) == REPRODUCED
    assert judge(Part("observed", "rho", "naive", "good", "greater", where=high, minus=low)) == REPRODUCED
    assert judge(Part("observed", "rho", "naive", "good", "less", where=high, minus=low)) == NOT_REPRODUCED
    for nowhere in ({"overlap": 0.3}, {"strength": 3}, {"n": 1000}):
        assert judge(Part("observed", "rho", "naive", "good", "greater", where=nowhere)) == UNDETERMINED
    assert judge(Part("observed", "rho", "naive", "good", "greater", where={"n": 4000})) == REPRODUCED
    assert read_settings('corpus[data="a,b.csv",tilt=0.5,x=true]') == {
        "data": "a,b.csv",
        "tilt": 0.5,
        "x": True,
    }


def test_squared_errors_compare_spreads() -> None:
    records = make_records(METHODS)
    rng = np.random.default_rng(1)
    records["diagnostic.narrow"] = 1 + 0.1 * rng.standard_normal(len(records))
    records["diagnostic.broad"] = 1 + rng.standard_normal(len(records))
    records["metric.gain"] = 1.0
    for first, second, verdict in (("narrow", "broad", REPRODUCED), ("broad", "narrow", NOT_REPRODUCED)):
        statement = Part(
            "observed", f"diagnostic.{first}", "good", f"metric:diagnostic.{second}", "less", truth="gain"
        )
        assert judge_claims(from_table(records), [claim_of(statement)])[0].verdict == verdict


def test_a_statement_about_every_method_turns_on_the_worst_one() -> None:
    statement = Part("hidden", "rho", "every adjuster", "naive", "greater", -0.1)
    weak = {**METHODS, "good": {"share": 0.1, "adjusts": True}, "fair": {"share": 0.0, "adjusts": True}}
    assert judge(statement, methods=weak) == REPRODUCED
    assert judge(statement, methods={**weak, "fair": {"share": 0.8, "adjusts": True}}) == NOT_REPRODUCED


def test_fits_on_the_twin_and_submissions_are_left_out() -> None:
    records = make_records(METHODS)
    wrong = records[records["method"] == "good"].assign(**{"metric.rho": 1.0})
    statement = claim_of(Part("observed", "rho", "good", "naive", "less"))
    for other in (wrong.assign(fitted_on="twin"), wrong.assign(submission="abc")):
        frame = from_table(pd.concat([records, other]))
        assert judge_claims(frame, [statement])[0].verdict == REPRODUCED


def test_many_true_parts_seldom_fail() -> None:
    """Ten parts on the edge of failing: uncorrected, a fifth of all such claims would be refuted."""
    rng, parts, repeats = np.random.default_rng(7), 10, 100
    base = make_records(
        {"good": METHODS["good"]}, seeds=8, scenarios={"hidden[n=4000]": ("hidden", 1.0, 0.3)}
    )
    noise = rng.standard_normal((len(base), repeats * parts))
    columns = pd.DataFrame(noise, columns=[f"metric.m{k}" for k in range(repeats * parts)])
    statements = [Part("hidden", f"m{k}", "good", "value:0", "greater") for k in range(repeats * parts)]
    claims = [claim_of(*statements[first : first + parts]) for first in range(0, repeats * parts, parts)]
    verdicts = judge_claims(from_table(pd.concat([base, columns], axis=1)), claims)
    refuted = sum(verdict.verdict == NOT_REPRODUCED for verdict in verdicts)
    # at most .05, plus three standard errors of a share
    assert refuted / repeats <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)


# -- the published claims ---------------------------------------------------
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_verdict_can_come_out_either_way(claim) -> None:
    """Ten seeds decide for a claim that is true, and against it whichever part is false."""
    for failing in (None, *range(len(claim.parts))):
        values, margin = design(claim, failing)
        assert margin > 0.003, f"no values within the metrics' limits {'fail' if failing else 'satisfy'} it"
        frame = from_table(simulate(claim, values, margin / 5))
        verdict = judge_claims(frame, [claim])[0]
        if failing is None:
            assert verdict.verdict == REPRODUCED, verdict
        else:
            assert verdict.findings[failing].verdict == NOT_REPRODUCED, verdict.findings[failing]
            assert verdict.verdict == NOT_REPRODUCED


@pytest.fixture(scope="module")
def answered() -> pd.DataFrame:
    """Records of two seeds of every planned cell whose method can take the log, with scores of noise."""
    suite = load_suite("claims").model_copy(
        update={"queries": QuerySettings(pairs=64, contrasts=4, pool=16, samples=4)}
    )
    planned = planned_cells()
    rows = []
    for scenario, group in planned[planned["seed"] == 0].groupby("scenario"):
        task = make_task(Scenario.parse(str(scenario)).with_rows(200), 0, suite)
        for _, row in group.iterrows():
            tags = methods.load(row["method"]).tags
            log = task.view(tags.track, "twin" if row["role"] == "ceiling" else "log")
            if tags.reason_to_refuse(log) is None:
                facts = {**row, "cell_naive_rho": task.key.naive_rho}
                rows += [{**facts, **score_noise(task, tags, seed), "seed": seed} for seed in range(2)]
    return pd.DataFrame(rows)


def score_noise(task, tags, seed: int) -> dict[str, float]:
    """Scores and reported numbers of a method that answers all that its tags say it can."""
    rng, queries = np.random.default_rng(seed), task.queries
    reward = rng.standard_normal(len(queries))
    samples = queries.texts[rng.integers(len(queries), size=(len(queries.generate), queries.n_samples))]
    intervals = np.sort(rng.standard_normal((queries.n_contrasts, 2)), axis=1)
    answers = Predictions(reward, samples if tags.policy else None, intervals if tags.intervals else None)
    scores = {f"metric.{k}": v for k, v in score_with_key(answers, task.key, tags.calibrated).items()}
    ones = np.ones(4)
    models = dict.fromkeys(("adjusted", "raw", "negated", "constant"), (ones, ones))
    names = value(ones, ones, ones, models, ones.astype(bool))
    return scores | {f"diagnostic.gain_{name}": float(rng.normal()) for name in names}


def test_every_part_has_cells_in_which_it_is_measured(answered) -> None:
    """No part waits for a scenario, a method or a metric that the suite ``claims`` cannot make."""
    verdicts = judge_claims(from_table(answered), CLAIMS)
    lacking = [
        (verdict.claim.name, finding.part.statistic)
        for verdict in verdicts
        for finding in verdict.findings
        if not finding.cells
    ]
    assert lacking == []


def test_the_suite_holds_no_cells_but_those_of_claims() -> None:
    used = set()
    for claim in CLAIMS:
        for number in range(len(claim.parts)):
            values, _ = design(Claim(claim.name, "", "", "", "", (claim.parts[number],)))
            used |= {(scenario, method) for scenario, method, _ in values}
    planned = planned_cells()
    planned = planned[planned["role"] == "method"]
    assert set(zip(planned["scenario"], planned["method"], strict=True)) - used == set()


def test_claims_are_well_formed() -> None:
    assert len(CLAIMS) >= 35
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    known = {metric.name for metric in METRICS}
    for claim in CLAIMS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", claim.name)
        assert claim.name.endswith(STAND_IN) == bool(claim.stand_in)
        assert all((claim.statement, claim.source, claim.words, claim.measured, claim.parts)), claim.name
        assert len(claim.words) <= 120
        for statement in claim.parts:
            assert statement.relation in RELATIONS
            assert statement.relation != "equal" or statement.threshold > 0
            assert statement.metric in known or statement.metric.startswith("diagnostic.")
            assert statement.truth in known | {""}


def test_claims_are_found_by_name_and_former_names_are_answered() -> None:
    assert find_claims() == CLAIMS
    assert [claim.name for claim in find_claims(["monday-*"])] == ["monday-greeting-rises"]
    with pytest.raises(UsageError, match="unknown claim") as error:
        find_claims(["mondy-greeting-rises"])
    assert "monday-greeting-rises" in str(error.value.fix)
    names = {claim.name for claim in CLAIMS}
    for old in OLD_NAMES:
        with pytest.raises(UsageError, match="any more") as error:
            find_claims([old])
        assert str(error.value.expected).strip("'").split("'")[0] in names
