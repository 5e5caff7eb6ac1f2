"""The reference that learns from true labels, and the canaries that look at the surface of texts."""

from __future__ import annotations

import numpy as np
import pytest

import methods
from benchmark.runs.entrants import TRUE_LABELS, Entrant, list_entrants
from benchmark.runs.plan import make_plan
from benchmark.tasks.prepare import make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite, load_suite
from methods.catalogue.canaries import list_phrases

SUITE = load_suite("quick")


def rewards(task, log, column):
    context = {name: log.numbers(f"context.{name}") for name in log.names("context")} or None
    return task.truth.reward(log.prompts, log.strings(column), context)


@pytest.mark.parametrize(
    ("scenario", "columns"),
    [
        ("observed[n=300]", ("text",)),
        ("observed[feedback=binary,n=300]", ("text",)),
        ("selection[n=300]", ("text",)),
        ("objective[n=300]", ("chosen", "rejected")),
        ("heterogeneous[n=300]", ("first", "second", "third")),
        ("heterogeneous[feedback=preference,ties=0.5,n=300]", ("chosen", "rejected")),
    ],
)
def test_true_labels_order_the_same_texts_by_the_truth(scenario, columns) -> None:
    task = make_task(Scenario.parse(scenario), 0, SUITE)
    raw, labelled = task.view(), task.view(data="labelled log")
    assert labelled.kind == raw.kind
    texts = [sorted(row) for row in zip(*(raw.strings(column) for column in columns), strict=True)]
    assert texts == [sorted(row) for row in zip(*(labelled.strings(c) for c in columns), strict=True)]
    true = np.stack([rewards(task, labelled, column) for column in columns])
    if raw.kind == "outcome":
        assert labelled.outcomes == pytest.approx(true[0])
    else:
        assert (np.diff(true, axis=0) <= 0).all()
        assert (np.diff(np.stack([rewards(task, raw, column) for column in columns]), axis=0) > 0).any()
    twin = task.view(data="labelled twin")
    assert twin.table.num_rows == task.view(data="twin").table.num_rows


def test_only_the_reference_of_the_repository_is_shown_true_labels() -> None:
    suite = check_suite(
        {"name": "s", "version": "1", "cells": [{"scenarios": ["observed"], "methods": ["*"]}]}
    )
    forged = Entrant(name=TRUE_LABELS, submission="abc")
    plan = make_plan(suite, (*list_entrants(), forged))
    labelled = {group.entrant for group in plan.groups if group.data.startswith("labelled")}
    assert {(entrant.name, entrant.role, entrant.submission) for entrant in labelled} == {
        (TRUE_LABELS, "canary", "")
    }
    assert TRUE_LABELS not in {method.name for method in methods.list_methods()}


def test_canaries_of_the_surface() -> None:
    log = make_task(Scenario.parse("observed[n=300]"), 0, SUITE).view()
    longest = methods.load("canary-longest").fit(log, None)
    assert longest.reward(np.array(["p", "p"]), np.array(["long text", "text"])).tolist() == [9.0, 4.0]
    frequent = methods.load("canary-most-frequent").fit(log, None)
    texts, counts = np.unique(log.strings("text").astype(str), return_counts=True)
    common, never = str(texts[counts.argmax()]), "words that nobody wrote"
    assert list_phrases(never) == [("words", "that"), ("that", "nobody"), ("nobody", "wrote")]
    found = frequent.reward(np.array(["p"] * 3), np.array([common, never, "word"]))
    assert found[0] > found[1] == found[2] == 0
