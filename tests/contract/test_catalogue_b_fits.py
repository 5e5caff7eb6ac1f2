"""Causal rows of the catalogue fit every kind of log they declare and answer with finite numbers."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import methods
from benchmark.contract import Incompatible
from methods.checks import Subject
from methods.checks.harness import tiny_harness
from methods.checks.toy import EFFECTS, draw_toy

NAMES = (
    "conditioned-head", "single-head", "multi-head", "adversarial-head", "drpo", "factored-reward", "mrpo",
    "em-dpo", "em-dpo-mmra", "causal-dpo-released", "causal-dpo-corrected", "counterfactual-encourage",
    "counterfactual-discourage", "counterfactual-contrast", "counterfactual-negate", "positive-unlabelled",
    "unlabelled-as-negative", "ips-arms", "snips-arms", "dso-arms", "odin", "mmd-invariant", "rrm",
    "judge-raw", "judge-debiased", "judge-calibrated", "attribute-dml", "attribute-aipw",
    "attribute-correlation", "cpo-released", "oo-rlhf-released", "dr-cpo-released", "instrumented-texts",
    "residual-instrumented",
)  # fmt: skip
KINDS = [(name, kind) for name in NAMES for kind in sorted(methods.load(name).tags.kinds)]


@cache
def subject(name: str) -> Subject:
    return Subject(methods.load(name), tiny_harness)


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=["-".join(pair) for pair in KINDS])
def test_fits_and_answers_with_finite_numbers(name, kind):
    made = subject(name)
    fitted = made.fitted(kind)
    rewards = made.ask(fitted)
    assert rewards.shape == (48,)
    assert np.isfinite(rewards).all()
    assert rewards.std() > 0
    if made.method.tags.policy:
        prompts = made.questions[0][:2]
        texts = fitted.sample(prompts, 3)
        assert texts.shape == (2, 3)
        assert all(isinstance(text, str) for text in texts.ravel())


@pytest.mark.parametrize("name", [name for name in NAMES if methods.load(name).tags.needs])
def test_declines_a_log_without_what_it_needs(name):
    made = subject(name)
    for role in made.method.tags.needs:
        with pytest.raises(Incompatible, match=role):
            made.fit(made.log(drop=[role]))


def test_a_reward_told_its_context_differs_by_context():
    made = subject("conditioned-head")
    prompts, texts = made.questions
    fitted = made.fitted()
    by = [fitted.reward(prompts, texts, {"segment": np.full(len(texts), value)}) for value in (0.0, 1.0)]
    assert np.abs((by[0] - by[0].mean()) - (by[1] - by[1].mean())).max() > 1e-4
    assert np.allclose(fitted.reward(prompts, texts), (by[0] + by[1]) / 2, atol=1e-6)


@pytest.mark.parametrize("name", ["attribute-aipw", "attribute-dml"])
def test_intervals_cover_at_their_level(name):
    """Level .9 over 25 logs and 4 attributes: 100 trials, binomial standard error .03."""
    from methods.checks.answers import toy_contrasts
    from methods.checks.harness import EncodingHarness

    contrasts, covered = toy_contrasts(), []
    for seed in range(25):
        log = draw_toy(800, seed).log(roles=("covariate", "attribute"))
        fitted = methods.load(name).fit(log, EncodingHarness(seed))
        low, high = fitted.effect_interval(contrasts, 0.9).T
        covered.append((low <= EFFECTS) & (high >= EFFECTS))
    assert abs(np.mean(covered) - 0.9) < 3 * 0.03
