"""Counterfactual DPO (Butcher 2024): the reference's own texts with and without an attribute.

The method changes an attribute and estimates nothing: pairs are ``do(attribute)`` on the reference's texts.
The log tells which attribute to aim at, by its causal effect or by its correlation. Texts with an
attribute are picked among the reference's samples, which stand in for a prompted model. Encouraging (ENC) is
the paper's; discouraging (DIS), contrasting (CON) and negating (NEG) are reconstructions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitting, Harness, Incompatible, Log, Method, Sample, Tags, Texts, Train
from methods.adjust.attributes import attribute_effects
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import score_at_face_value
from methods.catalogue.prompted import prefix, sign_words
from methods.objectives.pairwise import DPO
from methods.rows import make_tags

SIDES = {
    "encourage": ("wanted", "plain"),
    "discourage": ("plain", "unwanted"),
    "contrast": ("wanted", "unwanted"),
    "negate": ("plain", "unwanted"),
}


@dataclass(frozen=True)
class Counterfactual:
    """DPO on the reference's own texts, which are chosen and rejected by an attribute.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        variant: One of "encourage", "discourage", "contrast", "negate".
        causal: Aim by covariate-adjusted effects; otherwise by correlation.
        beta: As in DPO.
    """

    name: str
    tags: Tags
    variant: str
    causal: bool = True
    beta: float = 0.1

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scored = score_at_face_value(log, harness)
        effects = attribute_effects(scored, harness, self.causal)
        reader = fit_ridge(scored.texts, scored.log.matrix("attribute"))
        prompts = np.unique(log.prompts.astype(str)).astype(object)
        each = max(4, min(harness.budget.samples // len(prompts), 256))
        drawn = yield Sample(harness.policy(), prompts, each)
        texts = np.asarray(drawn, dtype=object)
        has = reader.predict(scored.features(np.repeat(prompts, each), texts.ravel())) > 0.5
        has = has.reshape(len(prompts), each, -1)
        pools = {
            "plain": np.ones(has.shape[:2], dtype=bool),
            "wanted": has[:, :, effects.argmax()],
            "unwanted": has[:, :, effects.argmin()],
        }
        better, worse = (pools[side] for side in SIDES[self.variant])
        usable = np.flatnonzero(better.any(axis=1) & worse.any(axis=1))
        if not len(usable):
            raise Incompatible("the reference writes no text with the attribute")
        rng = harness.rng("counterfactual pairs")
        row = usable[rng.integers(len(usable), size=harness.budget.steps * harness.budget.batch_size)]
        asked = prompts[row]
        if self.variant == "negate":  # the prompt carries the instruction that is to be ignored
            asked = prefix(np.full(len(row), sign_words(scored.log, 1)[0], dtype=object), asked)
        fields = {
            name: Texts(asked, texts[row, _pick(pool, row, rng)])
            for name, pool in (("chosen", better), ("rejected", worse))
        }
        model = yield Train(harness.policy(), fields, {}, DPO(self.beta))
        return harness.fitted_policy(model)


def _pick(pool: np.ndarray, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random member of each row's pool."""
    return (pool[row] * rng.random((len(row), pool.shape[1]))).argmax(axis=1)


def _row(variant: str, causal: bool, summary: str) -> Counterfactual:
    paper = "Butcher 2024, arXiv 2401.09566" + ("" if variant == "encourage" else " (reconstruction)")
    needs = ("attribute", "covariate") if causal else ("attribute",)
    tags = make_tags(summary, paper, *needs, adjusts=causal, policy=True)
    suffix = "" if causal else "-correlated"
    return Counterfactual(f"counterfactual-{variant}{suffix}", tags, variant, causal)


METHODS: tuple[Method, ...] = (
    _row("encourage", True, "DPO prefers texts with the attribute of greatest causal effect to any text."),
    _row("discourage", True, "DPO prefers any text to texts with the attribute of least causal effect."),
    _row("contrast", True, "DPO prefers the attribute of greatest causal effect to that of least."),
    _row("negate", True, "DPO learns to ignore an instruction to use the attribute of least causal effect."),
    _row("encourage", False, "DPO prefers texts with the attribute of highest correlation to any text."),
    _row("contrast", False, "DPO prefers the attribute of highest correlation to that of lowest."),
)
