"""One published or derived prediction for each causal row of the catalogue, as data, and its check.

Two kinds of place. "table" is the tabular limit: eight texts, a decoy greeting and a causal price, one binary
confounder, policies exact. Everything else is a scenario of the suite, reward models alone, with
an encoder and no decoder. The measure is regret: normalised pairwise regret in a scenario; in the table,
how much of the reward's spread goes to the decoy.

Claims, on differences paired by seed, one-sided at 1 %:
wins          regret is below the comparator's;
fails         regret is above the comparator's;
no advantage  less than a fifth of the comparator's regret is removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

import methods
import simulators
from benchmark.contract import Budget, Log, Streams, make_rng
from benchmark.harness import Failure, Harness, drive, predict, pretrain, tabular_harness
from benchmark.score import score
from methods.catalogue.prompted import CausalDPO, SignedPolicy, sign_words
from simulators import QuerySizes

SIGNIFICANCE = 0.01
REMOVED = 0.2


@dataclass(frozen=True)
class Prediction:
    """What is expected of a method.

    Attributes:
        method: Name in the catalogue.
        claim: "wins", "fails" or "no advantage".
        against: Name of the comparator.
        scenario: "table", or a family.
        source: Who says so, or why it follows.
        dials: Of the family.
    """

    method: str
    claim: str
    against: str
    scenario: str
    source: str
    dials: Mapping[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.method}-{self.scenario}{''.join(f'-{k}-{v}' for k, v in self.dials.items())}"


OBJECTIVE = "Kobalczyk & van der Schaar 2025, table 2: Base < Multihead < Adversarial for rho in [.5, .9]"
JUDGED = "CJE, arXiv 2512.11150: the raw judge is biased, calibration on people's scores is not"
ARMS = "Kiyohara et al. 2025: with a large stock of texts, kernels beat inverse propensities by arm"
STYLE = "back-door adjustment: attributes respond to the covariates and to nothing else"
LOSSES = "no loss corrects confounding by itself: labels pass through"
STOCK = "invariance throws the cause out where confounder and cause are entangled (DeconfoundLM's example)"
AIM = "counterfactual pairs are an actuator without an estimator: the aim decides"
BINARY = {"feedback": "binary"}

PREDICTIONS = (
    Prediction("told-head", "fails", "multi-head", "objective", OBJECTIVE),
    Prediction("single-head", "fails", "told-head", "objective", "users differ by objective"),
    Prediction("multi-head", "wins", "single-head", "objective", OBJECTIVE),
    Prediction("adversarial-head", "wins", "multi-head", "objective", OBJECTIVE),
    Prediction(
        "adversarial-head", "no advantage", "multi-head", "objective",
        "the adversary takes the type for spurious; where it is causal, erasing it cannot help",
        {"causal_type": True},
    ),
    Prediction("dso-arms", "wins", "ips-arms", "position", ARMS),
    Prediction("snips-arms", "wins", "naive", "position", "Swaminathan & Joachims 2015; slots logged"),
    Prediction("ips-arms", "fails", "snips-arms", "position", "Swaminathan & Joachims 2015: variance of IPS"),
    Prediction("attribute-dml", "wins", "attribute-correlation", "style", STYLE),
    Prediction("attribute-aipw", "wins", "attribute-correlation", "style", STYLE),
    Prediction("attribute-plr", "wins", "attribute-correlation", "style", STYLE),
    Prediction("attribute-correlation", "no advantage", "naive", "style", STYLE),
    Prediction("judge-raw", "fails", "judge-calibrated", "judge", JUDGED),
    Prediction("judge-calibrated", "wins", "judge-raw", "judge", JUDGED),
    Prediction("judge-debiased", "wins", "judge-raw", "judge", "Dubois et al. 2024: length-controlled rates"),
    Prediction("odin", "no advantage", "bradley-terry", "entangled", STOCK),
    Prediction("mmd-invariant", "no advantage", "naive", "entangled", STOCK),
    Prediction(
        "rrm", "no advantage", "bradley-terry", "observed",
        "off-prompt texts cancel what ignores the prompt; people's part is tied to wording on every prompt",
    ),
    Prediction(
        "factored-reward", "no advantage", "bradley-terry", "observed",
        "the causal part is whatever predicts labels, confounded wording included",
    ),
    Prediction(
        "positive-unlabelled", "wins", "positive-or-disliked", "observed",
        "ImplicitRM 2026: an unlabelled row is no dislike, who acts must be modelled", BINARY,
    ),
    Prediction(
        "positive-or-disliked", "no advantage", "naive", "observed", "the same data at face value", BINARY
    ),
    Prediction("mrpo", "no advantage", "dpo-p1", "table", LOSSES),
    Prediction("drpo", "no advantage", "dpo-p1", "table", LOSSES),
    Prediction("causal-dpo-corrected", "wins", "dpo-p1", "table", "back-door formula with own u"),
    Prediction("counterfactual-enc", "wins", "counterfactual-enc-correlated", "table", AIM),
    Prediction("counterfactual-con", "wins", "counterfactual-con-correlated", "table", AIM),
    Prediction("counterfactual-dis", "wins", "dpo-p1", "table", AIM),
    Prediction("counterfactual-enc-correlated", "fails", "counterfactual-enc", "table", AIM),
    Prediction("counterfactual-con-correlated", "fails", "counterfactual-con", "table", AIM),
)  # fmt: skip


# -- scenarios ----------------------------------------------------------------
SIZES = QuerySizes(pairs=1024, contrasts=16, pool=64, samples=1)
WORLDS = range(5)
ROWS = 3000


@cache
def encoding_backbone():
    """Reward models use the text encoder alone, so the decoder is left untrained."""
    from simulators.text import load_domain

    domain, rng, n = load_domain("headlines"), make_rng("predictions", "corpus"), 6000
    attributes = (rng.random((n, len(domain.attributes))) < 0.5).astype(np.int8)
    prompt_ids = rng.integers(len(domain.prompts), size=n)
    texts = np.array(domain.realise(attributes, prompt_ids, rng).texts.to_pylist(), dtype=object)
    return pretrain(np.array(domain.prompts, dtype=object)[prompt_ids], texts, domain.vocabulary, steps=1)


@cache
def task(family, dials, seed):
    world = simulators.build(family, dict(dials), Streams("predictions", family, seed))
    return world.draw(ROWS).log, world.queries(SIZES), world.truth


@cache
def regrets_in_worlds(method, family, dials):
    found = []
    for seed in WORLDS:
        log, queries, truth = task(family, dials, seed)
        harness = Harness(encoding_backbone(), budget=Budget(), path=("predictions", method, str(seed)))
        (fitted,) = drive(methods.load(method), [(log, harness)])
        assert not isinstance(fitted, Failure), fitted
        found.append(score(predict(fitted, queries), queries, truth)["rho"])
    return np.array(found)


# -- the tabular limit --------------------------------------------------------
GREETING = (("well then", "so now"), ("hello there", "good day"))
PRICE = (("steep cost", "dear indeed"), ("cheap deal", "great bargain"))
CODES = np.array([(g, p, v) for g in (0, 1) for p in (0, 1) for v in (0, 1)])
TEXTS = np.array([f"{GREETING[g][v]} {PRICE[p][v]}" for g, p, v in CODES], dtype=object)
WORDS = sorted({word for text in TEXTS for word in text.split()})
TABLES = range(10)


def draw_table(seed, strength=3.0, n=3000):
    """Z ~ B(1/2); P(greeting | Z) = .2, .8; price a coin; Y = price + strength Z + N(0, 1).

    The greeting is worth nothing and seems worth .6 strength: at 3, 1.8 times the price's effect.
    """
    rng = make_rng("predictions", "table", seed, strength)
    z = rng.integers(0, 2, n)
    greeting = (rng.random(n) < np.where(z == 1, 0.8, 0.2)).astype(int)
    price, version = rng.integers(0, 2, (2, n))
    outcome = price + strength * z + rng.standard_normal(n)
    columns = {
        "prompt": np.full(n, "p", dtype=object),
        "text": TEXTS[4 * greeting + 2 * price + version],
        "outcome": outcome,
        "covariate.z": z.astype(float),
        "attribute.greeting": greeting.astype(float),
        "attribute.price": price.astype(float),
    }
    return Log(pa.table(columns))


def shuffle_covariate(log, seed):
    """The placebo: the confounder's values dealt out anew."""
    dealt = make_rng("predictions", "placebo", seed).permutation(log.numbers("covariate.z"))
    place = log.table.column_names.index("covariate.z")
    return Log(log.table.set_column(place, "covariate.z", pa.array(dealt)))


def table_harness(*path):
    prompts = np.array(["p", *(f"{word} p" for word in WORDS)], dtype=object)
    return tabular_harness(prompts, TEXTS, path=("predictions", *map(str, path)))


def fit_table(method, log, seed):
    harness = table_harness(getattr(method, "name", method), seed)
    (fitted,) = drive(methods.load(method) if isinstance(method, str) else method, [(log, harness)])
    assert not isinstance(fitted, Failure), fitted
    return fitted


def effects(fitted):
    """Mean reward with less without the greeting, and with less without the price."""
    reward = fitted.reward(np.full(len(TEXTS), "p", dtype=object), TEXTS)
    return np.array([reward[CODES[:, k] == 1].mean() - reward[CODES[:, k] == 0].mean() for k in (0, 1)])


def decoy_share(fitted):
    """How much of the reward's spread is the greeting's, plus whatever points away from the price."""
    greeting, price = effects(fitted)
    return (abs(greeting) + max(-price, 0.0)) / (abs(greeting) + abs(price) + 1e-12)


@cache
def regrets_in_table(method):
    return np.array([decoy_share(fit_table(method, draw_table(seed), seed)) for seed in TABLES])


# -- checks -------------------------------------------------------------------
def regrets(method, prediction):
    if prediction.scenario == "table":
        return regrets_in_table(method)
    return regrets_in_worlds(method, prediction.scenario, tuple(prediction.dials.items()))


def p_value(differences):
    """Of a mean at or below zero."""
    return stats.ttest_1samp(differences, 0.0, alternative="greater").pvalue


@pytest.mark.parametrize("prediction", PREDICTIONS, ids=lambda prediction: prediction.label)
def test_prediction(prediction):
    own, other = (regrets(name, prediction) for name in (prediction.method, prediction.against))
    shown = f"{prediction.method} {own.round(3)}, {prediction.against} {other.round(3)}"
    difference = {
        "wins": other - own,
        "fails": own - other,
        "no advantage": own - (1 - REMOVED) * other,
    }[prediction.claim]
    assert p_value(difference) < SIGNIFICANCE, shown


def test_every_prediction_is_sourced_and_its_methods_exist():
    for prediction in PREDICTIONS:
        assert prediction.source
        methods.load(prediction.method)
        methods.load(prediction.against)


# -- Causal DPO ---------------------------------------------------------------
CAUSAL = {name: methods.load(f"causal-dpo-{name}") for name in ("released", "corrected")}


def signed_effects(method: CausalDPO, log: Log, seed: int) -> np.ndarray:
    """Effects under the tokens themselves, averaged over them alike: what the released training learns.

    The released method is served without a token, of which a table knows nothing.
    """
    fitted = fit_table(method, log, seed)
    if isinstance(fitted, SignedPolicy):
        return effects(fitted)
    words = sign_words(log, method.strata)
    return effects(SignedPolicy(fitted.harness, fitted.model, words, np.full(len(words), 1 / len(words))))


@pytest.mark.parametrize("strength", [0.0, 1.5, 3.0])
def test_causal_dpo_as_released_equals_dpo(strength):
    """Tokens are drawn whatever the row's own confounder: every token sees the same population."""
    gaps = []
    for seed in TABLES:
        log = draw_table(seed, strength)
        dpo = effects(fit_table("dpo-p1", log, seed))
        gaps.append((signed_effects(CAUSAL["released"], log, seed) - dpo) / np.abs(dpo).max())
    # Equality within a tenth of the larger effect, by two one-sided tests.
    low, high = (p_value(0.1 + sign * np.array(gaps)[:, k]) for k in (0,) for sign in (1, -1))
    assert max(low, high) < SIGNIFICANCE, np.round(gaps, 3)


def test_shuffling_the_confounder_changes_the_corrected_version_alone():
    moved = {name: [] for name in CAUSAL}
    for seed in TABLES:
        log = draw_table(seed)
        for name, method in CAUSAL.items():
            own, placebo = (signed_effects(method, x, seed) for x in (log, shuffle_covariate(log, seed)))
            moved[name].append(decoy(placebo) - decoy(own))
    assert np.abs(moved["released"]).max() < 1e-9
    assert p_value(np.array(moved["corrected"]) - 0.2) < SIGNIFICANCE, np.round(moved["corrected"], 3)


def decoy(pair):
    return abs(pair[0]) / np.abs(pair).sum()
