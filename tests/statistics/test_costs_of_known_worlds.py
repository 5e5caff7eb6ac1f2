"""Confounding costs where they are known: zero on randomised logs, the exact limit's regret for naive."""

from __future__ import annotations

import numpy as np
import pytest

import benchmark
from benchmark.tasks.suite import check_suite
from leaderboard.comparison_group import make_comparison_groups
from leaderboard.decomposition import decompose, decompose_role
from leaderboard.frame import read
from leaderboard.producers.evidence import span_of

QUERIES = {"pairs": 512, "contrasts": 4, "pool": 64, "samples": 2}


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    suite = check_suite({
        "name": "known", "version": "1", "seeds": 6, "queries": QUERIES, "own_twin": True,
        "backbone": "loglinear",
        "cells": [
            {"scenarios": ["randomised[n=2000]"], "methods": ["dpo-raw"]},
            {"scenarios": ["observed[strength=1,n=16000]"], "methods": ["covariate-regression"]},
        ],
    })  # fmt: skip
    store = tmp_path_factory.mktemp("known")
    benchmark.run_suite(suite, store, workers=0)
    found = {group.board: group for group in make_comparison_groups(read(store))}
    return {board: group.where(group.counted) for board, group in found.items()}


def test_a_policy_pays_nothing_for_confounding_on_randomised_logs(groups):
    parts = decompose(groups["controls"], "dpo-raw")
    assert parts.confounding.low <= 0 <= parts.confounding.high
    assert parts.confounding.high - parts.confounding.low < 0.2
    assert parts.learning.low > 0  # the budget costs something, and the board says so


def test_naive_pays_what_its_exact_limit_predicts(groups):
    """Sampling error spoils the right order of the twin more than the wrong order of the log.

    So the cost lies between the exact regret of the confounded limit and that minus the twin's regret.
    """
    cells = groups["recorded"].cells
    cost = cells["naive"] - cells["naive_twin"]
    gap = span_of(cost - cells["cell_naive_rho"], cells["family"], cells["seed"])
    assert gap.low <= 0
    assert gap.high >= -cells["naive_twin"].mean()
    assert cells["naive_twin"].mean() < 0.05
    assert np.corrcoef(cost, cells["cell_naive_rho"])[0, 1] > 0.9
    assert decompose_role(groups["recorded"], "naive").confounding.low > 0
