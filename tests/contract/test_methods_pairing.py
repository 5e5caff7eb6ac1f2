"""Pairing rules: who may meet, who is chosen, with what weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.contract import Incompatible, make_rng
from methods.adjust.partial import Joint, Raw
from methods.adjust.weights import LoggedWeights
from methods.checks.harness import EncodingHarness
from methods.checks.toy import EFFECTS, draw_toy
from methods.pairing.rules import Cross, Matched, Modelled, SamePrompt

TOY = draw_toy(2000, 4)
PAIRS = 4000


def pair(rule, adjust=None, roles=("covariate",)):
    scored = (adjust or Raw())(TOY.log(roles=roles), EncodingHarness())
    return scored, rule(scored, make_rng("pairs"), PAIRS)


@pytest.mark.parametrize("rule", [Cross(), SamePrompt(), Matched()])
def test_the_higher_value_is_chosen(rule):
    scored, pairs = pair(rule)
    assert (scored.value[pairs.chosen] > scored.value[pairs.rejected]).all()
    np.testing.assert_allclose(pairs.margin, scored.value[pairs.chosen] - scored.value[pairs.rejected])
    assert (scored.log.texts[pairs.chosen] != scored.log.texts[pairs.rejected]).all()
    assert len(pairs.chosen) == PAIRS


@pytest.mark.parametrize("rule", [SamePrompt(), Matched(), Modelled()])
def test_texts_of_a_pair_share_their_prompt(rule):
    scored, pairs = pair(rule)
    assert (scored.log.prompts[pairs.chosen] == scored.log.prompts[pairs.rejected]).all()


def test_matching_brings_covariates_together():
    _, free = pair(SamePrompt())
    _, near = pair(Matched())

    def gap(pairs):
        return np.abs(TOY.people[pairs.chosen] - TOY.people[pairs.rejected]).mean()

    assert gap(near) < 0.15 * gap(free)


def lift(pairs) -> float:
    """How much likelier the greeting is in chosen than in rejected texts."""
    return float((TOY.attributes[pairs.chosen, 0] - TOY.attributes[pairs.rejected, 0]).mean())


def test_adjusted_pairs_do_not_favour_the_decoy_and_raw_pairs_do():
    # A mean of 4,000 differences of spread about .7 has standard error .011; rows are reused, hence .05.
    assert lift(pair(SamePrompt())[1]) > 0.15
    assert abs(lift(pair(Matched())[1])) < 0.05
    assert abs(lift(pair(SamePrompt(), Joint())[1])) < 0.05
    assert abs(lift(pair(Modelled(), Joint())[1])) < 0.1


def test_pair_weights_are_products_and_undo_the_confounding():
    roles = ("propensity", "target_propensity")
    scored, pairs = pair(SamePrompt(weighted=True, clip=1e9), LoggedWeights(), roles)
    product = scored.weight[pairs.chosen] * scored.weight[pairs.rejected]
    np.testing.assert_allclose(pairs.weight, product / product.mean())
    gap = TOY.attributes[pairs.chosen, 0] - TOY.attributes[pairs.rejected, 0]
    assert abs(np.average(gap, weights=pairs.weight)) < 0.5 * lift(pairs)


def test_modelled_pairs_agree_with_the_reward_more_often_than_noisy_ones():
    _, noisy = pair(SamePrompt(), Joint())
    _, modelled = pair(Modelled(), Joint())
    reward = TOY.attributes @ EFFECTS

    def agreement(pairs):
        gap = reward[pairs.chosen] - reward[pairs.rejected]
        return (gap[gap != 0] > 0).mean()

    assert agreement(modelled) > 0.95 > agreement(noisy) > 0.6


def test_pairs_are_refused_where_there_are_none():
    scored = Raw()(TOY.log(), EncodingHarness())
    with pytest.raises(Incompatible, match="differ"):
        SamePrompt()(replace(scored, value=np.zeros(len(scored.value))), make_rng("pairs"), 10)
    with pytest.raises(Incompatible, match="covariates"):
        pair(Matched(), roles=())
