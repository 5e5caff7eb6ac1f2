"""Counterfactual DPO asks the reference under a token it was taught, or in words where it follows words."""

from __future__ import annotations

import numpy as np
import pytest

import methods
from benchmark.contract import Sample, Train
from methods.catalogue import counterfactual_prompted
from methods.catalogue.prompted import sign_words
from methods.checks.harness import tiny_harness
from methods.checks.toy import EFFECTS, PROMPTS, draw_toy

BEST, WORST = f"a{EFFECTS.argmax()}", f"a{EFFECTS.argmin()}"
ATTRIBUTES = ("attribute", "covariate")


def list_requests(name, log):
    """What a method asks for, each sample answered with texts of the log, each training with its start."""
    asked, answer, made = methods.load(name).fit(log, tiny_harness()), None, []
    while True:
        try:
            made.append(asked.send(answer))
        except StopIteration:
            return made
        last = made[-1]
        answer = last.model if isinstance(last, Train) else np.resize(log.texts, (len(last.prompts), last.n))


@pytest.fixture(scope="module")
def log():
    return draw_toy(1500, 2).log(roles=ATTRIBUTES)


def test_a_small_decoder_is_taught_tokens_on_its_own_texts(log):
    plain, lesson, wanted, unwanted, last = list_requests("counterfactual-contrast-prompted", log)
    tokens = sign_words(log, 2)
    assert isinstance(lesson, Train)
    assert set(plain.prompts) == set(PROMPTS)
    assert {p.partition(" ")[0] for p in lesson.fields["text"].prompts} == set(tokens)
    assert set(wanted.prompts) == {f"{tokens[0]} {p}" for p in PROMPTS}
    assert set(unwanted.prompts) == {f"{tokens[1]} {p}" for p in PROMPTS}
    # Trained on the plain prompt, from the reference itself.
    assert set(last.fields["chosen"].prompts) <= set(PROMPTS)


def test_what_is_taught_has_the_style_of_its_token(log):
    """The toy's attributes can be read off its phrases."""
    from methods.checks.toy import ON

    lesson = list_requests("counterfactual-encourage-prompted", log)[1].fields["text"]
    token = sign_words(log, 2)[0]
    told = np.array([prompt.startswith(f"{token} ") for prompt in lesson.prompts])
    shown = [any(phrase in text for phrase in ON[EFFECTS.argmax()]) for text in lesson.texts[told]]
    assert np.mean(shown) > 0.95


def test_a_language_model_is_told_in_words(log, monkeypatch):
    monkeypatch.setattr(counterfactual_prompted, "follows_words", lambda harness: True)
    made = list_requests("counterfactual-contrast-prompted", log)
    assert [type(request) for request in made] == [Sample, Sample, Sample, Train]
    for request, attribute in zip(made[1:3], (BEST, WORST), strict=True):
        assert all(f": {attribute}." in prompt for prompt in request.prompts)


def test_neg_is_trained_under_the_instruction(log, monkeypatch):
    monkeypatch.setattr(counterfactual_prompted, "follows_words", lambda harness: True)
    last = list_requests("counterfactual-negate-prompted", log)[-1]
    for side in ("chosen", "rejected"):
        assert all(f": {WORST}." in prompt for prompt in last.fields[side].prompts)


def test_a_tiny_decoder_follows_no_words():
    assert not counterfactual_prompted.follows_words(tiny_harness())
