"""Verdicts follow from intervals, and each can come out either way."""

from __future__ import annotations

import re

import pytest
from leaderboard_records import METHODS, make_records

from leaderboard.claims import CLAIMS, Claim, Part
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


@pytest.mark.parametrize(
    ("span", "relation", "threshold", "verdict"),
    [
        (Span(0.3, 0.1, 0.5), "greater", 0.0, REPRODUCED),
        (Span(0.3, -0.1, 0.5), "greater", 0.0, UNDETERMINED),
        (Span(-0.3, -0.5, -0.1), "greater", 0.0, NOT_REPRODUCED),
        (Span(0.3, 0.1, 0.5), "greater", 0.5, NOT_REPRODUCED),
        (Span(-0.3, -0.5, -0.1), "less", 0.0, REPRODUCED),
        (Span(0.3, 0.1, 0.5), "less", 0.0, NOT_REPRODUCED),
        (Span(0.0, -0.04, 0.03), "equal", 0.05, REPRODUCED),
        (Span(0.0, -0.06, 0.03), "equal", 0.05, UNDETERMINED),
        (Span(0.2, 0.1, 0.3), "equal", 0.05, NOT_REPRODUCED),
        (Span(0.2), "greater", 0.0, UNDETERMINED),
        (None, "greater", 0.0, UNDETERMINED),
    ],
)
def test_a_verdict_needs_the_whole_interval(span, relation, threshold, verdict) -> None:
    assert decide(span, relation, threshold) == verdict


def test_all_parts_must_hold_and_one_failure_suffices() -> None:
    assert combine([REPRODUCED, REPRODUCED]) == REPRODUCED
    assert combine([REPRODUCED, UNDETERMINED]) == UNDETERMINED
    assert combine([UNDETERMINED, NOT_REPRODUCED]) == NOT_REPRODUCED
    assert combine([]) == UNDETERMINED


def judge(part: Part, methods: dict | None = None) -> str:
    frame = from_table(make_records(methods or METHODS))
    return judge_claims(frame, [Claim("x", "", "", (part,))])[0].verdict


def test_planted_truths_are_recognised() -> None:
    assert judge(Part("observed", "rho", "good", "naive", "less")) == REPRODUCED
    assert judge(Part("observed", "rho", "poor", "naive", "less")) == NOT_REPRODUCED
    assert judge(Part("observed", "rho", "good", "value:0.2", "less")) == REPRODUCED
    assert (
        judge(Part("observed", "marker_rate", "poor", "metric:reference_marker_rate", "equal", 0.1))
        == REPRODUCED
    )
    assert judge(Part("observed", "rho", "nobody", "naive", "less")) == UNDETERMINED


def test_a_statement_about_every_method_turns_on_the_worst_one() -> None:
    part = Part("hidden", "rho", "every adjuster", "naive", "greater", -0.1)
    weak = {**METHODS, "good": {"share": 0.1, "adjusts": True}, "fair": {"share": 0.0, "adjusts": True}}
    assert judge(part, weak) == REPRODUCED
    assert judge(part, {**weak, "fair": {"share": 0.8, "adjusts": True}}) == NOT_REPRODUCED


def test_published_claims_are_well_formed() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", claim.name) for claim in CLAIMS)
    for part in (part for claim in CLAIMS for part in claim.parts):
        assert part.relation in ("greater", "less", "equal")
        assert part.relation != "equal" or part.threshold > 0
