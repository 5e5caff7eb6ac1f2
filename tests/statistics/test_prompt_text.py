"""Adjusters for the prompt's text, where every prompt is its own and what it says moves text and outcome.

A prompt names each of six things or not, among words that say nothing. Linear confounding is how many of
three are named; curved confounding is whether the first two are named alike. Errors are root mean squared
errors of eight effects; claims are tested on differences paired by seed, one-sided at 1 %.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit
from test_wide_covariates import EFFECTS, PROBES, WORDS, WordHarness, assert_less, write

import methods
from benchmark.contract import Incompatible, Log, make_rng
from benchmark.harness import tabular_harness
from methods.adjust.prompt_text import read_states
from methods.checks.harness import tiny_harness
from methods.checks.toy import draw_toy

SEEDS, THINGS, FILLERS = range(7), 6, 20
NAMES = (
    "prompt-partial-out",
    *(
        pytest.param(row, marks=pytest.mark.slow)
        for row in ("causal-embedding", "causal-embedding-latent", "text-cause")
    ),
)


class PromptHarness(WordHarness):
    """Counts the words of a prompt as well."""

    def encode_prompts(self, prompts):
        said = np.array([[prompt.count(f"thing{k} ") for k in range(THINGS)] for prompt in prompts])
        filled = np.array([[prompt.count(f"filler{k} ") for k in range(FILLERS)] for prompt in prompts])
        return np.column_stack([said, filled]).astype(float)


@cache
def draw_briefs(curved, seed, n=1500):
    """P(form | prompt) = expit(+-u) of four words and Y = effects + 2 u + noise, u the confounder."""
    rng = make_rng("briefs", curved, seed)
    named = rng.integers(0, 2, (n, THINGS))
    fillers = rng.integers(0, 2, (n, FILLERS))
    alike = 2.0 * (named[:, 0] == named[:, 1]) - 1.0
    confounder = alike if curved else 3.0 * (named[:, :3].mean(axis=1) - 0.5)
    directions = np.array([-1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    forms = (rng.random((n, WORDS)) < expit(np.outer(confounder, directions))).astype(int)
    prompts = [
        "".join(
            [f"thing{k} " for k in np.flatnonzero(said)] + [f"filler{k} " for k in np.flatnonzero(filled)]
        )
        for said, filled in zip(named, fillers, strict=True)
    ]
    outcome = forms @ EFFECTS + 2.0 * confounder + rng.standard_normal(n)
    columns = {"prompt": np.array(prompts, dtype=object), "text": write(forms), "outcome": outcome}
    return Log(pa.table(columns))


@cache
def errors(name, curved):
    found = []
    for seed in SEEDS:
        fitted = methods.load(name).fit(draw_briefs(curved, seed), PromptHarness(seed))
        reward = fitted.reward(np.full(len(PROBES), "thing0 ", dtype=object), write(PROBES))
        found.append(np.sqrt(np.mean((reward[1:] - reward[0] - EFFECTS) ** 2)))
    return np.array(found)


@pytest.mark.parametrize("name", NAMES)
def test_the_prompts_text_is_adjusted_for(name):
    assert_less(errors(name, False), 0.5 * errors("naive", False))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["causal-embedding", "text-cause"])
def test_curved_forms_find_what_no_linear_one_does(name):
    assert_less(errors(name, True), 0.8 * errors("prompt-partial-out", True))


@pytest.mark.slow
def test_a_model_of_both_sides_beats_one_of_the_outcome():
    assert_less(errors("causal-embedding", True), errors("text-cause", True))


def test_states_of_the_decoder_tell_what_was_asked():
    log = draw_toy(400).log("outcome", ("prompt",))
    states = read_states(log, tiny_harness())
    _, index = np.unique(log.prompts.astype(str), return_inverse=True)
    assert states.shape[0] == len(log)
    means = np.stack([states[index == k].mean(axis=0) for k in range(index.max() + 1)])
    assert np.allclose(states, means[index], atol=1e-5)  # rows of one prompt agree
    assert np.abs(means[:, None] - means[None]).max(axis=2)[~np.eye(len(means), dtype=bool)].min() > 0.1


def test_states_need_a_decoder():
    harness = tabular_harness(np.array(["p"], dtype=object), np.array(["a", "b"], dtype=object))
    with pytest.raises(Incompatible, match="no decoder"):
        read_states(draw_toy(40).log("outcome", ("prompt",)), harness)
