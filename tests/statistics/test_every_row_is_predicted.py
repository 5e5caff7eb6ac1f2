"""Every method of the catalogue has exactly one sourced prediction, and the page shows it."""

from __future__ import annotations

from collections import Counter

import pytest
from causal_predictions import PREDICTIONS as CAUSAL
from predictions_page import PAGE, list_lines, write_page
from standard_predictions import PREDICTIONS as STANDARD

import methods
import simulators

LIMITS = {"table", "annotators"}
FAMILIES = {card.name for card in simulators.list_families()}
CLAIMS = {"wins", "fails", "amplifies", "damps", "no advantage"}


def unpredicted(names, lines) -> dict[str, int]:
    """Methods without exactly one prediction, with how many they have."""
    counts = Counter(line.method for line in lines)
    return {name: counts[name] for name in {*names, *counts} if counts[name] != 1 or name not in names}


def test_every_method_has_exactly_one_prediction():
    assert unpredicted({method.name for method in methods.list_methods()}, list_lines()) == {}


def test_a_row_without_one_is_noticed():
    lines = list_lines()
    names = {line.method for line in lines}
    assert unpredicted({*names, "new-row"}, lines) == {"new-row": 0}
    assert unpredicted(names, [*lines, lines[0]]) == {lines[0].method: 2}
    assert unpredicted(names - {lines[0].method}, lines) == {lines[0].method: 1}


@pytest.mark.parametrize("prediction", [*STANDARD, *CAUSAL], ids=lambda prediction: prediction.method)
def test_a_prediction_is_a_claim_with_a_source_and_a_named_place(prediction):
    assert prediction.claim in CLAIMS
    assert prediction.source.strip()
    assert prediction.scenario.partition("[")[0] in FAMILIES | LIMITS


def test_the_page_is_written_from_what_is_tested():
    assert PAGE.read_text(encoding="utf-8") == write_page(), "run python tests/statistics/predictions_page.py"
