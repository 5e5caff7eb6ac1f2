"""Parts of the standard set: mined edits, token losses, segments, paraphrases, combined adjustments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log1p

import methods
from benchmark.contract import Sample, make_rng
from benchmark.harness import drive
from benchmark.harness.training.model import Batch, FieldScores, Output, Scores
from methods.adjust.combined import Combined
from methods.adjust.partial import Joint, Raw
from methods.adjust.weights import EstimatedWeights
from methods.catalogue.fine_grained import mark_edits
from methods.catalogue.self_play import draw_window, splice
from methods.checks.conduct import Watched
from methods.checks.harness import EncodingHarness, tiny_harness
from methods.checks.toy import draw_toy
from methods.objectives.tokens import TokenEdits
from methods.pairing.near_duplicates import NearDuplicates, nearest_texts
from methods.pairing.rules import Pairs, SamePrompt


@pytest.fixture
def scored():
    return Raw()(draw_toy(400).log(), EncodingHarness())


def shared_words(scored, pairs):
    texts = scored.log.texts
    both = zip(texts[pairs.chosen], texts[pairs.rejected], strict=True)
    return np.mean([len(set(a.split()) & set(b.split())) / len(set(a.split())) for a, b in both])


def test_near_duplicates_share_a_prompt_and_most_words(scored):
    pairs = NearDuplicates()(scored, make_rng("near"), 500)
    log = scored.log
    assert (log.prompts[pairs.chosen] == log.prompts[pairs.rejected]).all()
    assert (log.texts[pairs.chosen] != log.texts[pairs.rejected]).all()
    assert (log.outcomes[pairs.chosen] > log.outcomes[pairs.rejected]).all()
    # Texts of the toy log are drawn apart from each other: two of a prompt differ in most phrases,
    # while among 130 of them one that differs in a phrase or so can be found.
    anyone = SamePrompt()(scored, make_rng("any"), 500)
    assert shared_words(scored, pairs) > 0.6 > shared_words(scored, anyone)


def test_partners_are_not_a_chosen_few(scored):
    """Equal distances are broken at random, so that no row serves as everyone's neighbour."""
    near = nearest_texts(scored, 3, make_rng("near"))
    assert len(np.unique(near)) > len(near) / 2


def test_a_prompt_with_one_text_has_no_neighbours(scored):
    alone = Raw()(scored.log.take(np.zeros(5, dtype=int)), EncodingHarness())
    assert (nearest_texts(alone, 3, make_rng("near")) == -1).all()


def test_edits_are_the_words_that_differ(scored):
    texts = np.array(["it broke apart soon", "it never broke"], dtype=object)
    table = scored.log.take(np.arange(2)).table
    place = table.column_names.index("text")
    log = replace(scored.log, table=table.set_column(place, "text", [texts.tolist()]))
    pairs = Pairs(np.array([1]), np.array([0]), np.ones(1), np.ones(1))
    marks = mark_edits(replace(scored, log=log), pairs)
    # "it" and "broke" stay; "never" came in, "apart soon" went out, marked where it begins.
    assert marks["chosen_edited"].tolist() == [[0.0, 1.0, 0.0, 0.0, 0.0]]
    assert marks["rejected_edited"].tolist() == [[0.0, 0.0, 1.0, 0.0, 0.0]]


def test_token_edits_is_likelihood_and_unlikelihood_of_edited_words_alone():
    chosen = torch.tensor([[[-0.5, -1.0, -2.0]]], dtype=torch.float64, requires_grad=True)
    rejected = torch.tensor([[[-0.5, -0.7, -9.0]]], dtype=torch.float64, requires_grad=True)
    length = torch.full((1, 1), 3.0)
    fields = {
        name: FieldScores(Output(tokens.sum(-1), tokens=tokens), length)
        for name, tokens in (("chosen", chosen), ("rejected", rejected))
    }
    marks = {"chosen_edited": [0.0, 1.0, 0.0, 0.0], "rejected_edited": [0.0, 1.0, 1.0, 0.0]}
    batch = Batch({name: torch.tensor([[row]], dtype=torch.float64) for name, row in marks.items()})
    loss = TokenEdits(strength=2.0)(Scores(fields, {}), batch)
    # -(-1) for the word that came in; -2 log(1 - p) for those that went out, the second held at -8.
    expected = 1.0 - 2.0 * (log1p(-np.exp(-0.7)) + log1p(-np.exp(-8.0)))
    assert loss.item() == pytest.approx(expected, rel=1e-9)
    loss.sum().backward()
    assert chosen.grad.ravel().tolist() == [0.0, -1.0, 0.0]
    untouched, lowered, bounded = rejected.grad.ravel().tolist()
    assert (untouched, bounded) == (0.0, 0.0)
    assert lowered > 0


def test_windows_cut_a_text_into_three():
    words = list("abcdef")
    rng = make_rng("windows")
    cuts = [draw_window(words, 0.5, rng) for _ in range(200)]
    assert all([*before, *window, *after] == words for before, window, after in cuts)
    assert {len(window) for _, window, _ in cuts} == {1, 2, 3}
    assert draw_window(["a"], 0.5, rng)[1] == ["a"]


def test_a_rewriting_that_ends_early_drops_the_rest():
    assert splice(["a"], ["b", "c"], ["d"], "x y z") == "a x y d"
    assert splice(["a"], ["b", "c"], ["d"], "x") == "a x"
    assert splice(["a"], ["b"], ["d"], "") == "a"


def test_combined_takes_the_value_of_one_and_the_weight_of_the_other():
    log, harness = draw_toy(400).log(), EncodingHarness()
    both = Combined(Joint(), EstimatedWeights())(log, harness)
    assert (both.value == Joint()(log, harness).value).all()
    np.testing.assert_allclose(both.weight, EstimatedWeights()(log, harness).weight)


class Recorded(Watched):
    """A method whose sample requests are kept."""

    def _count(self, request, harness):
        if isinstance(request, Sample):
            self.spent.setdefault("requests", []).append(request)


def test_paraphrases_leave_their_source_at_a_blocked_word(monkeypatch):
    """Every paraphrase begins as its source does and differs from it; the log's own rows stay."""
    from methods.recipe import Recipe

    seen = []
    monkeypatch.setattr(Recipe, "fit", lambda self, log, harness: seen.append(log) or Constant())
    log = draw_toy(200).log()
    drive(methods.load("regression-paraphrased"), [(log, tiny_harness())])
    (augmented,) = seen
    assert (augmented.texts[: len(log)] == log.texts).all()
    assert len(augmented) > len(log) + 20
    sources = {(p, y): t for p, y, t in zip(log.prompts, log.outcomes, log.texts, strict=True)}
    for row in range(len(log), len(augmented)):
        source = sources[augmented.prompts[row], augmented.outcomes[row]].split()
        written = augmented.texts[row].split()
        assert written[0] == source[0]
        assert written != source


def test_self_play_asks_for_continuations_of_good_texts():
    log, spent = draw_toy(200).log(), {}
    drive(Recorded(methods.load("sapo"), spent), [(log, tiny_harness())])
    good = set(log.texts[np.argsort(-log.outcomes)[: round(0.2 * len(log))]])
    begun = [p for request in spent["requests"] for p in request.prompts]
    starts = {" ".join([p, *t.split()[:k]]) for p in set(log.prompts) for t in good for k in range(20)}
    assert set(begun) <= starts


class Constant:
    """Rewards every text alike."""

    def reward(self, prompts, texts, context=None):
        """Zeros."""
        return np.zeros(len(texts))
