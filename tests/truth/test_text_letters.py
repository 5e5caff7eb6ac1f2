"""Letters: the law over passages is enumerable and its draws follow it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import make_rng
from simulators.text import load_domain
from simulators.text.letters import ATTRIBUTE_WEIGHTS, LetterLaw
from simulators.text.letters_passages import PASSAGES


def test_the_law_is_over_two_or_three_of_seven() -> None:
    law = LetterLaw()
    assert law.vectors.shape == (21 + 35, 7)  # 7 choose 2, 7 choose 3
    assert set(law.vectors.sum(axis=1)) == {2, 3}
    assert law.probabilities.sum() == pytest.approx(1)
    # mean number of passages 2 + P(three); by symmetry each attribute has a seventh of it
    assert law.marginals == pytest.approx(np.full(7, 2.49 / 7))


def test_a_tilt_multiplies_odds_within_a_size() -> None:
    tilt = (0.7, 0.0, 0.0, -0.4, 0.0, 0.0, 0.0)
    law = LetterLaw(three=0.25, tilt=tilt)
    sizes = law.vectors.sum(axis=1)
    assert law.probabilities[sizes == 3].sum() == pytest.approx(0.25)
    pair = {tuple(v): p for v, p in zip(law.vectors.tolist(), law.probabilities, strict=True)}
    ratio = pair[1, 1, 0, 0, 0, 0, 0] / pair[0, 1, 0, 1, 0, 0, 0]
    assert ratio == pytest.approx(np.exp(0.7 + 0.4))


def test_draws_follow_the_law() -> None:
    law = LetterLaw(tilt=tuple(0.3 * w for w in ATTRIBUTE_WEIGHTS.values()))
    n = 40_000
    drawn = law.draw(make_rng("test", "letters").random(n))
    codes = 1 << np.arange(7)
    counts = np.bincount(drawn @ codes, minlength=128)[law.vectors @ codes]
    assert counts.sum() == n
    assert chisquare(counts, law.probabilities * n).pvalue > 1e-4
    assert np.exp(law.log_probability(law.vectors)) == pytest.approx(law.probabilities)
    assert law.log_probability(np.ones((1, 7), dtype=int))[0] == -np.inf


def test_impossible_letters_are_never_drawn() -> None:
    assert LetterLaw(three=1.0).draw(np.array([0.0])).sum() == 3
    assert LetterLaw(three=0.0).draw(np.array([np.nextafter(1.0, 0.0)])).sum() == 2


def test_the_probability_of_a_letter_is_a_product_of_uniform_draws() -> None:
    """P^R(letter | prompt) = P(set) * (1/20)^passages * 1/3 salutations; summing over letters gives 1."""
    domain, law = load_domain("letters"), LetterLaw()
    prompts = np.zeros(len(law.vectors), dtype=int)
    wording = domain.wording_log_probability(law.vectors, prompts)
    sizes = law.vectors.sum(axis=1)
    assert wording == pytest.approx(-sizes * np.log(20) - np.log(3))
    letters = 3 * 20.0**sizes
    assert (law.probabilities * np.exp(wording) * letters).sum() == pytest.approx(1)


def test_there_are_twenty_distinct_passages_an_attribute() -> None:
    assert set(PASSAGES) == set(ATTRIBUTE_WEIGHTS)
    written = [passage for passages in PASSAGES.values() for passage in passages]
    assert [len(passages) for passages in PASSAGES.values()] == [20] * 7
    assert len(set(written)) == 140
    assert all(passage[0].isupper() and passage.endswith(".") for passage in written)


def test_laws_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="probability of three"):
        LetterLaw(three=1.5)
    with pytest.raises(UsageError, match="one finite tilt"):
        LetterLaw(tilt=(0.0, 1.0))
