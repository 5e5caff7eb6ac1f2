"""Methods that write a sign into the prompt: conditional alignment, and CDPO released and corrected.

Signs are ordinary words of the texts, put before the prompt, since a small vocabulary has no
special tokens to spare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from benchmark.contract import Fitting, Harness, Log, Method, Tags, Texts, Train
from methods.adjust.partial import Raw
from methods.adjust.scored import Adjust
from methods.catalogue.invariance import confounder_index
from methods.objectives.pairwise import DPO
from methods.objectives.unpaired import SFT
from methods.pairing.rules import SamePrompt, order_pairs, partners
from methods.recipe import take_texts
from methods.rows import make_tags, on_residuals


def sign_words(log: Log, n: int) -> np.ndarray:
    """The n commonest words of the texts, shape (n,); fewer where there are fewer."""
    counts = Counter(word for text in log.texts[:2000] for word in text.split())
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return np.array((ranked * n)[:n], dtype=object)


def prefix(words: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Prompts with a word before each, shape (n,)."""
    return words + " " + prompts


def bins_of(values: np.ndarray, n: int) -> np.ndarray:
    """Quantile bin of each value, 0 to n - 1."""
    return np.searchsorted(np.quantile(values, np.linspace(0, 1, n + 1)[1:-1]), values)


@dataclass(frozen=True, eq=False)
class SignedPolicy:
    """A policy asked with signs before the prompt, mixed by their shares.

    Attributes:
        harness: Supplies scores and the reference.
        model: The trained policy.
        words: Signs, shape (k,).
        shares: Probability of each sign, shape (k,).
    """

    harness: Harness
    model: Any
    words: np.ndarray
    shares: np.ndarray

    def reward(
        self,
        prompts: np.ndarray,
        texts: np.ndarray,
        context: Mapping[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """``log sum_u p(u) pi(text | u, prompt) - log pi_ref(text | prompt)``, shape (n,)."""
        asked = np.asarray(prompts, dtype=object)
        scores = [
            self.harness.score(self.model, prefix(np.full(len(asked), word, dtype=object), asked), texts)
            for word in self.words
        ]
        mixed = logsumexp(np.stack(scores), axis=0, b=self.shares[:, None])
        return mixed - self.harness.reference(prompts, texts)

    def sample(self, prompts: np.ndarray, n: int) -> np.ndarray:
        """Texts of shape (len(prompts), n); signs take turns by their shares."""
        counts = np.diff(np.round(np.r_[0, np.cumsum(self.shares)] * n).astype(int))
        asked = np.asarray(prompts, dtype=object)
        parts = [
            self.harness.sample(
                self.model, prefix(np.full(len(asked), word, dtype=object), asked), int(count)
            )
            for word, count in zip(self.words, counts, strict=True)
            if count
        ]
        return np.concatenate(parts, axis=1)

    def divergence(self, prompts: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """KL to the reference of each prompt in nats, the mean log ratio of its own samples; shape (m,)."""
        rewards = self.reward(np.repeat(prompts, samples.shape[1]), samples.ravel())
        return rewards.reshape(samples.shape).mean(axis=1)


@dataclass(frozen=True)
class ConditionalSFT:
    """Conditional alignment (CA): likelihood given a sign of the score's bin; the best is then asked for.

    Conditioning on the outcome imitates what was used where outcomes were high. Source: Hu et al.
    2023 (arXiv 2308.12050), who write the standardised score; bins stand for it here.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        adjust: Adjustment of the outcome.
        bins: Quantile bins.
    """

    name: str
    tags: Tags
    adjust: Adjust
    bins: int = 5

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scored = self.adjust(log, harness)
        words = sign_words(scored.log, self.bins)
        signs = words[bins_of(scored.value, self.bins)]
        texts = Texts(prefix(signs, scored.log.prompts), scored.log.texts)
        model = yield Train(harness.policy(), {"text": texts}, {"weight": scored.weight}, SFT())
        return SignedPolicy(harness, model, words[-1:], np.ones(1))


@dataclass(frozen=True)
class CausalDPO:
    """CDPO (Le et al. 2026): DPO with a confounder token before the prompt.

    As released, the token is drawn at random, whatever the row's own confounder: in the limit plain
    DPO with a random prefix, sampled without it. Corrected, pairs are made inside a stratum of the
    confounder and carry its sign, and the result is the mean policy over strata.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        corrected: Use the row's own stratum and average over strata.
        strata: Quantile bins of the confounders' index.
        beta: As in DPO.
    """

    name: str
    tags: Tags
    corrected: bool
    strata: int = 6
    beta: float = 0.1

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scored = Raw()(log, harness)
        rng, wanted = harness.rng("pairs"), harness.budget.steps * harness.budget.batch_size
        words = sign_words(scored.log, self.strata)
        if self.corrected:
            stratum = bins_of(confounder_index(scored), self.strata)
            cell = scored.log.prompts + " " + stratum.astype(str).astype(object)
            first = rng.integers(len(cell), size=2 * wanted)
            pairs = order_pairs(scored, first, partners(cell, first, rng), wanted)
            signs = words[stratum[pairs.chosen]]
        else:
            pairs = SamePrompt()(scored, rng, wanted)
            signs = words[rng.integers(len(words), size=len(pairs.chosen))]
        texts = Texts(scored.log.prompts, scored.log.texts)
        sides = {"chosen": pairs.chosen, "rejected": pairs.rejected}
        fields = {}
        for name, rows in sides.items():
            taken = take_texts(texts, rows)
            fields[name] = Texts(prefix(signs, taken.prompts), taken.texts)
        model = yield Train(harness.policy(), fields, {"weight": pairs.weight}, DPO(self.beta))
        if not self.corrected:
            return harness.fitted_policy(model)
        shares = np.bincount(stratum, minlength=self.strata) / len(stratum)
        return SignedPolicy(harness, model, words, shares)


CDPO = "Le et al. 2026 (CDPO, Findings of EACL)"
OFFLINE = "Hu et al. 2023, arXiv 2308.12050 (reconstruction)"
CONDITIONAL = ConditionalSFT(
    "conditional-sft",
    make_tags(
        "SFT learns texts given the outcome's bin and is asked for the best one.", OFFLINE, policy=True
    ),
    Raw(),
)

METHODS: tuple[Method, ...] = (
    CONDITIONAL,
    on_residuals(CONDITIONAL, "SFT learns texts given the residual's bin and is asked for the best one."),
    CausalDPO(
        "causal-dpo-released",
        make_tags(
            "Causal DPO as released puts a random confounder token before the prompt.",
            CDPO + ", code",
            "covariate",
            policy=True,
        ),
        corrected=False,
    ),
    CausalDPO(
        "causal-dpo-corrected",
        make_tags(
            "Causal DPO, corrected, makes pairs inside strata of the confounder and averages over strata.",
            CDPO + ", corrected",
            "covariate",
            policy=True,
        ),
        corrected=True,
    ),
)
