"""Randomised experiments on texts as this comparison needs them: rows for logs, and pairs for the truth.

A split of an experiment has two parts without a common row. From one, logs are made. The other says which of
two texts did better, with a standard error; pairs that differ by less than two of them are not asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RESOLVED = 2.0
HEADLINE_COLUMNS = [
    *("clickability_test_id", "eyecatcher_id", "test_week", "srm_risk_window_derived", "headline"),
    *("impressions", "clicks"),
]
HELD_TESTS = 0.35
SCORE_SHARE = 0.25  # of the clicks


@dataclass(frozen=True, eq=False)
class Split:
    """One split of an experiment.

    Attributes:
        prompts: What a text was about, shape (n,).
        texts: Texts that were shown, shape (n,).
        score: What makes outcomes higher whatever the text, standardised, shape (n,).
        outcome: Shares no noise with the score, shape (n,).
        others: Columns that say little of the score, shape (n, d).
        pair_prompts: Prompt of each held-out pair, shape (m,).
        first: One text of each pair, shape (m,).
        second: The other, shape (m,).
        difference: How much better the first did, shape (m,).
        cluster: Test of each pair, shape (m,).
    """

    prompts: np.ndarray
    texts: np.ndarray
    score: np.ndarray
    outcome: np.ndarray
    others: np.ndarray
    pair_prompts: np.ndarray
    first: np.ndarray
    second: np.ndarray
    difference: np.ndarray
    cluster: np.ndarray


def split_headlines(path: Path, rng: np.random.Generator) -> Split:
    """A split of the Upworthy archive: tests for logs, and other tests for the truth.

    Clicks are divided by binomial fission: a quarter gives the click rate of each test, which is the score,
    the others the outcome of each row, so that score and outcome share no noise.
    """
    table = pd.read_csv(path, usecols=HEADLINE_COLUMNS)
    table = table[~table["srm_risk_window_derived"].astype(bool) & (table["impressions"] > 0)].dropna()
    table["test"] = table.groupby(["clickability_test_id", "eyecatcher_id"]).ngroup()
    tests = table["clickability_test_id"].unique()
    held = (
        table["clickability_test_id"].isin(rng.permutation(tests)[: int(HELD_TESTS * len(tests))]).to_numpy()
    )
    truth = table[held]
    rows = table[~held & ~table["headline"].isin(truth["headline"]).to_numpy()]  # some were run in two tests
    scored = rng.binomial(rows["clicks"].to_numpy(), SCORE_SHARE)
    views = rows["impressions"].to_numpy()
    test = rows.groupby("clickability_test_id").ngroup().to_numpy()
    rate = (np.bincount(test, scored) / np.bincount(test, views))[test]
    outcome = (rows["clicks"].to_numpy() - scored) / views
    same = truth.groupby(["test", "headline"], as_index=False)[["clicks", "impressions"]].sum()
    prompt = np.array(["Write a headline."] * len(rows), object)
    mean = (same["clicks"] + 0.5) / (same["impressions"] + 1)
    # replicated arms vary by 1.8 times the binomial variance (../docs/real-data.md)
    error = np.sqrt(1.8 * mean * (1 - mean) / same["impressions"])
    pairs = _pair(same["test"].to_numpy(), mean.to_numpy(), error.to_numpy())
    texts = same["headline"].to_numpy(object)
    return Split(
        prompt,
        rows["headline"].to_numpy(object),
        _standard(rate),
        _standard(outcome),
        np.column_stack([_standard(rows["test_week"].to_numpy(float)), _standard(views)]),
        np.array(["Write a headline."] * len(pairs), object),
        texts[pairs[:, 0]],
        texts[pairs[:, 1]],
        (mean.to_numpy()[pairs[:, 0]] - mean.to_numpy()[pairs[:, 1]]),
        same["test"].to_numpy()[pairs[:, 0]],
    )


def split_persuasion(folder: Path, rng: np.random.Generator) -> Split:
    """A split of respondents who read a message: half for logs, half for the truth about the same messages.

    The score is the attitude that party, ideology and knowledge predict within an issue, fitted on the half
    that is kept for the truth.
    """
    answers = pd.read_csv(folder / "persuasion_responses.csv.gz").dropna(subset=["message_id"])
    messages = pd.read_csv(folder / "persuasion_messages.csv.gz")[["message_id", "message_text"]]
    table = answers.merge(messages, on="message_id").dropna()
    held = rng.random(len(table)) < 0.5
    columns = ["party", "ideology", "knowledge"]
    score = np.zeros(len(table))
    issue = table.groupby("issue").ngroup().to_numpy()
    design = np.column_stack([np.ones(len(table)), table[columns].to_numpy(float)])
    y = table["dv_response_mean"].to_numpy(float)
    for k in np.unique(issue):
        fit = np.linalg.lstsq(design[held & (issue == k)], y[held & (issue == k)], rcond=None)[0]
        inside = issue == k
        score[inside] = design[inside] @ fit - (design[inside] @ fit).mean()
    truth, rows = table[held], table[~held]
    means = truth.groupby(["issue", "message_text"], as_index=False)["dv_response_mean"].agg(["mean", "size"])
    means = means[means["size"] >= 3]
    within = truth["dv_response_mean"] - truth.groupby(["issue", "message_text"])[
        "dv_response_mean"
    ].transform("mean")
    deviation = float(np.sqrt((within**2).sum() / max(len(truth) - len(means), 1)))
    group = means.groupby("issue").ngroup().to_numpy()
    pairs = _pair(group, means["mean"].to_numpy(), (deviation / np.sqrt(means["size"])).to_numpy())
    texts, average = means["message_text"].to_numpy(object), means["mean"].to_numpy()
    return Split(
        rows["issue"].to_numpy(object),
        rows["message_text"].to_numpy(object),
        _standard(score[~held]),
        _standard(rows["dv_response_mean"].to_numpy(float)),
        _standard(rows["knowledge"].to_numpy(float))[:, None],
        means["issue"].to_numpy(object)[pairs[:, 0]],
        texts[pairs[:, 0]],
        texts[pairs[:, 1]],
        average[pairs[:, 0]] - average[pairs[:, 1]],
        group[pairs[:, 0]],
    )


def _pair(group: np.ndarray, mean: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Pairs of one group that differ by two standard errors, shape (m, 2)."""
    found: list[Any] = []
    order = np.argsort(group, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        first, second = np.triu_indices(len(part), 1)
        a, b = part[first], part[second]
        clear = np.abs(mean[a] - mean[b]) >= RESOLVED * np.hypot(error[a], error[b])
        found.append(np.column_stack([a, b])[clear])
    return np.concatenate(found)


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / (values.std() or 1.0)
