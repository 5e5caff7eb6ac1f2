"""What objectives compute outside a loss: weights, mixtures, references, post-processing."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch
from scipy.special import softmax

from benchmark.contract import make_rng
from benchmark.harness import tabular_harness
from methods.objectives.mixtures import minimax_mixture, regret_matrix, sum_by_unit, update_responsibilities
from methods.objectives.references import clip_references, separation_weights, virtual_reference
from methods.objectives.weights import (
    density_ratio,
    exponential_weights,
    filter_top,
    group_standardise,
    leave_one_out,
    standardise,
    tag_prompts,
)
from methods.posthoc.blocking import draw_blocks
from methods.posthoc.extrapolate import ExPO, extrapolate
from methods.posthoc.mixture import PolicyMixture
from methods.posthoc.select import BestOfN, Tilt


# -- weights ------------------------------------------------------------------
def test_the_top_share_is_taken_overall_or_inside_strata():
    scores = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    np.testing.assert_array_equal(filter_top(scores, 0.4), [1, 0, 1, 0, 0])
    # Strata (5, 1) and (4, 2, 3): half of 2 is 1; half of 3 rounds to 2 (1.5 to the even number).
    np.testing.assert_array_equal(filter_top(scores, 0.5, np.array([7, 7, 9, 9, 9])), [1, 0, 1, 0, 1])
    # A share too small for a stratum still keeps its best.
    np.testing.assert_array_equal(filter_top(scores, 0.01, np.array([7, 7, 9, 9, 9])), [1, 0, 1, 0, 0])


def test_exponential_weights():
    # Around the mean 0: e^-ln 2, e^0, e^ln 2 = 1/2, 1, 2, divided by their mean 7/6.
    scores = np.array([-1.0, 0.0, 1.0]) * log(2)
    np.testing.assert_allclose(exponential_weights(scores), np.array([3, 6, 12]) / 7)
    # Clipped at 1 relative to the mean score: 1/2, 1, 1.
    np.testing.assert_allclose(exponential_weights(scores, clip=1.0), np.array([0.6, 1.2, 1.2]))
    # Neither large scores nor their level overflow.
    assert np.isfinite(exponential_weights(np.array([0.0, 1e5]), clip=None)).all()


def test_standardise_and_tags():
    np.testing.assert_allclose(standardise(np.array([1.0, 3.0])), [-1, 1])
    np.testing.assert_array_equal(standardise(np.ones(3)), np.zeros(3))
    tagged = tag_prompts(np.array(["sell tea"], dtype=object), np.array([1.236]))
    assert tagged[0] == "sell tea <rm_score>: 1.24 "


def test_density_ratio_is_clipped():
    np.testing.assert_allclose(density_ratio(np.array([0.1, 0.75, 0.99])), [0.5, 3.0, 10.0])


def test_group_advantages():
    rewards = np.array([[1.0, 2.0, 6.0]])
    # Others' means: 4, 3.5, 1.5.
    np.testing.assert_allclose(leave_one_out(rewards), [[-3.0, -1.5, 4.5]])
    # Mean 3, squared deviations 4 + 1 + 9 over 2: sd sqrt(7).
    np.testing.assert_allclose(group_standardise(rewards), [np.array([-2, -1, 3]) / (7**0.5 + 1e-4)])


# -- several references -------------------------------------------------------
def test_the_virtual_reference_is_the_weighted_harmonic_mean():
    rng = make_rng("virtual reference")
    probabilities, weights = rng.random((50, 3)), rng.dirichlet(np.ones(3), 50)
    found = virtual_reference(torch.from_numpy(np.log(probabilities)), torch.from_numpy(weights)).exp()
    np.testing.assert_allclose(found, 1 / (weights / probabilities).sum(1), rtol=1e-12)


def test_all_weight_on_one_reference_is_that_reference():
    # The public trainer exchanges the weights and would give .20 here.
    logs = torch.log(torch.tensor([0.03, 0.20], dtype=torch.float64))
    assert virtual_reference(logs, torch.tensor([1.0, 0.0])).exp().item() == pytest.approx(0.03)


def test_the_virtual_reference_bounds_the_weighted_divergences():
    rng = make_rng("jensen")
    policy, first, second = rng.dirichlet(np.ones(5), (3, 500))
    references, a = np.log(np.stack([first, second], -1)), np.array([0.3, 0.7])
    divergence = (policy[..., None] * (np.log(policy)[..., None] - references)).sum(1) @ a
    virtual = virtual_reference(torch.from_numpy(references), torch.from_numpy(a)).numpy()
    assert (divergence <= (policy * (np.log(policy) - virtual)).sum(1) + 1e-12).all()


def test_references_are_clipped_around_the_primary():
    # Means -15 and -5: the chosen side gets 3/4 of epsilon .4, a band of 30 %; the other 10 %.
    chosen, rejected = clip_references(np.array([[-10.0, -20.0]]), np.array([[-6.0, -4.0]]), 0.4)
    np.testing.assert_allclose(chosen, [[-10.0, -13.0]])
    np.testing.assert_allclose(rejected, [[-6.0, -5.4]])


def test_separation_weights():
    # Gaps 1 and 3; none in the second pair.
    found = separation_weights(np.array([[-1.0, -1.0], [-2.0, -3.0]]), np.array([[-2.0, -4.0], [-2.0, -3.0]]))
    np.testing.assert_allclose(found, [[0.25, 0.75], [0.5, 0.5]])


# -- types --------------------------------------------------------------------
def test_responsibilities():
    # Unit 0: likelihoods 1/2 * 1/2 and 1/4 * 1/4 under shares .2, .8: .05 and .05. Unit 1: 1 and 0.
    pairs = np.log(np.array([[0.5, 0.5, 1.0], [0.25, 0.25, 1e-300]]))
    units = sum_by_unit(pairs, np.array([0, 0, 1]), 2)
    gamma, shares = update_responsibilities(units, np.array([0.2, 0.8]))
    np.testing.assert_allclose(gamma, [[0.5, 1.0], [0.5, 0.0]], atol=1e-12)
    np.testing.assert_allclose(shares, [0.75, 0.25])


def test_a_type_without_a_share_is_nobodys():
    gamma, _ = update_responsibilities(np.zeros((2, 3)), np.array([0.0, 1.0]))
    np.testing.assert_allclose(gamma, [[0, 0, 0], [1, 1, 1]])


def test_em_finds_types_that_the_data_separate():
    rng = make_rng("em")
    units = np.repeat(np.arange(60), 8)
    kind = (np.arange(60) < 20).astype(int)
    # Each type answers 90 % of its pairs its own way.
    agree = (rng.random(len(units)) < 0.9) == (kind[units] == 1)
    likelihood = np.log(np.where(agree, [[0.9], [0.1]], [[0.1], [0.9]]))
    shares = np.array([0.5, 0.5])
    for _ in range(30):
        gamma, shares = update_responsibilities(sum_by_unit(likelihood, units, 60), shares)
    assert shares[0] == pytest.approx(20 / 60, abs=0.03)
    assert (np.argmax(gamma, 0) == 1 - kind).mean() > 0.95


def optimistic_hedge(regrets, rounds=60_000, step=0.1):
    """Optimistic Hedge on several games (games, types, policies): average iterates of the mixtures.

    A row of zeros lets the adversary abstain. The paper runs 100,000 rounds at step 5/sqrt(rounds) = .016
    and averages them all, which leaves about 1/(step gap rounds) of a policy that is worse by a small
    gap, and slow cycles: up to .012 on these games. A larger step and the second half alone leave neither.
    """
    games = np.concatenate([regrets, np.zeros_like(regrets[:, :1])], 1)
    back = games.transpose(0, 2, 1).copy()
    paid, gained = np.zeros((*back.shape[:2], 1)), np.zeros((*games.shape[:2], 1))
    last_paid, last_gained, total = np.zeros_like(paid), np.zeros_like(gained), np.zeros_like(paid)
    for t in range(rounds):
        # Weights are relative to the best so far, or the exponential would overflow.
        cost, gain = paid + last_paid, gained + last_gained
        mix = np.exp(-step * (cost - cost.min(1, keepdims=True)))
        adversary = np.exp(step * (gain - gain.max(1, keepdims=True)))
        mix /= mix.sum(1, keepdims=True)
        adversary /= adversary.sum(1, keepdims=True)
        last_paid, last_gained = back @ adversary, games @ mix
        paid, gained = paid + last_paid, gained + last_gained
        total += mix * (2 * t >= rounds)
    return total[..., 0] / (rounds // 2)


def make_games(types, count):
    """Regrets of types whose own policy is the best for them, by Gibbs' inequality."""
    rng = make_rng("minimax", types)
    policies = rng.dirichlet(np.ones(6), (count, types))
    log_ratios = np.log(policies * 6) @ policies.transpose(0, 2, 1)
    return np.stack([regret_matrix(game, rng.uniform(0.5, 2.0, types)) for game in log_ratios])


@pytest.mark.parametrize("types", [2, 3, 4])
def test_the_linear_programme_agrees_with_hedge(types):
    games = make_games(types, 4)
    hedge, exact = optimistic_hedge(games), np.stack([minimax_mixture(game) for game in games])
    worst = [np.einsum("gij,gj->gi", games, weights).max(1) for weights in (exact, hedge)]
    # Never worse than Hedge, and nowhere better by more than its own error.
    assert (worst[0] <= worst[1] + 1e-9).all()
    np.testing.assert_allclose(worst[0], worst[1], atol=0.003)
    np.testing.assert_allclose(exact, hedge, atol=0.003)


def test_minimax_by_hand():
    # Regrets (0, 1) and (3, 0): serving the first policy with w costs 1 - w and 3 w; equal at w = 1/4.
    np.testing.assert_allclose(minimax_mixture(np.array([[0.0, 1.0], [3.0, 0.0]])), [0.25, 0.75])
    np.testing.assert_allclose(regret_matrix(np.array([[2.0, 1.0], [-1.0, 2.0]])), [[0, 1], [3, 0]])


# -- after fitting ------------------------------------------------------------
PROMPTS = np.array(["p", "q"], dtype=object)
TEXTS = np.array(["a", "b", "c"], dtype=object)


def table():
    return tabular_harness(PROMPTS, TEXTS)


def policy(harness, logits):
    model = harness.policy()
    return model.with_weights(torch.tensor(np.tile(logits, 2), dtype=torch.float64)[None])


def test_extrapolation_goes_on_along_the_line():
    harness = table()
    trained = policy(harness, [1.0, 0.0, -2.0])
    # The start is all zeros: logits times 1.5.
    expected = policy(harness, [1.5, 0.0, -3.0]).weights
    torch.testing.assert_close(extrapolate(trained, harness.policy(), 0.5).weights, expected)
    fitted = ExPO(0.5)(harness.fitted_policy(trained), trained, harness)
    torch.testing.assert_close(fitted.model.weights, expected)


class Alphabet:
    """Rewards 0, 1, 2 for texts a, b, c."""

    def reward(self, prompts, texts, context=None):
        return np.array([ord(text) - ord("a") for text in texts], dtype=float)


def test_best_of_n_and_its_divergence():
    chosen = BestOfN(4)(Alphabet(), None, table())
    texts = chosen.sample(np.repeat(PROMPTS, 1000), 1)
    # The best of 4 from three even texts is c unless all four miss it: 1 - (2/3)^4 = .802.
    assert (texts == "c").mean() == pytest.approx(1 - (2 / 3) ** 4, abs=4 * (0.16 / 2000) ** 0.5)
    np.testing.assert_array_equal(chosen.reward(PROMPTS, np.array(["a", "c"])), [0, 2])


def test_tilting():
    texts = Tilt(beta=1.0, pool=64)(Alphabet(), None, table()).sample(np.repeat(PROMPTS, 1000), 1)
    shares = np.array([(texts == text).mean() for text in TEXTS])
    # softmax(0, 1, 2); 2,000 picks of a pool of 64 (whose own error is of order 1/64).
    np.testing.assert_allclose(shares, softmax(np.arange(3.0)), atol=0.05)


def test_a_mixture_of_policies():
    harness = table()
    members = tuple(harness.fitted_policy(policy(harness, logits)) for logits in ([9.0, 0, 0], [0.0, 0, 9]))
    mixture = PolicyMixture(members, np.array([0.25, 0.75]), make_rng("mixture"))
    one_each = np.exp(mixture.reward(np.repeat(PROMPTS[:1], 3), TEXTS)) / 3  # pi / (1/3)
    parts = [np.exp([9.0, 0, 0]) / np.exp([9.0, 0, 0]).sum(), np.exp([0.0, 0, 9]) / np.exp([0.0, 0, 9]).sum()]
    np.testing.assert_allclose(one_each, 0.25 * parts[0] + 0.75 * parts[1])
    texts = mixture.sample(np.repeat(PROMPTS, 1000), 2)
    assert (texts == "a").mean() == pytest.approx(0.25, abs=4 * (0.19 / 2000) ** 0.5)
    # One member a prompt: both texts of a row agree but for the rare other text.
    assert (texts[:, 0] == texts[:, 1]).mean() > 0.99


def test_dynamic_blocking():
    source = np.array([3, 1, 4, 1])
    np.testing.assert_array_equal(draw_blocks(source, 1.0, make_rng("block")), [[3, 1], [1, 4], [4, 1]])
    assert len(draw_blocks(source, 0.0, make_rng("block"))) == 0
    kept = [len(draw_blocks(np.arange(1001), 0.5, make_rng("block", i))) for i in range(20)]
    assert np.mean(kept) == pytest.approx(500, abs=4 * (250 / 20) ** 0.5)


def test_types_are_weighted_in_the_regret():
    found = regret_matrix(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([2.0, 1.0]))
    np.testing.assert_allclose(found, [[0, 2], [1, 0]])
