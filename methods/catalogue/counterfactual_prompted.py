"""Counterfactual DPO (Butcher 2024) with a prompted reference: the model's own answers under an instruction.

Three prompts: plain, with the wanted style, with the unwanted one; the policy learns to prefer the answer to
one of them to the answer to another. A pretrained instruction model is told the style in words. A small
decoder follows no words, so it is first taught a control token: its own texts, each under the token of
the style it happens to have. What a perfectly taught token would write, ``counterfactual`` picks from the
reference's samples directly; here the teaching's imperfection is part of the method, as prompting's is.

Encouraging (ENC) is the paper's; discouraging (DIS), contrasting (CON) and negating (NEG) are
reconstructions. The method estimates nothing: the log tells which attribute to aim at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import Fitting, Harness, Incompatible, Log, Method, Sample, Tags, Texts, Train
from methods.adjust.attributes import attribute_effects
from methods.adjust.ridge import fit_ridge
from methods.adjust.scored import Scored, score_at_face_value
from methods.catalogue.counterfactual import SIDES
from methods.catalogue.prompted import prefix, sign_words
from methods.objectives.pairwise import DPO
from methods.objectives.unpaired import SFT
from methods.rows import make_tags

STYLES = ("wanted", "unwanted")


@dataclass(frozen=True)
class PromptedCounterfactual:
    """DPO on what the reference answers under one prompt and under another.

    Attributes:
        name: Name on the board.
        tags: What it takes and claims.
        variant: One of "encourage", "discourage", "contrast", "negate".
        beta: As in DPO.
    """

    name: str
    tags: Tags
    variant: str
    beta: float = 0.1

    def fit(self, log: Log, harness: Harness) -> Fitting:
        """Learn from a log."""
        scored = score_at_face_value(log, harness)
        effects = attribute_effects(scored, harness)
        aims = {"wanted": int(effects.argmax()), "unwanted": int(effects.argmin())}
        prompts = np.unique(log.prompts.astype(str)).astype(object)
        each = max(4, min(harness.budget.samples // (4 * len(prompts)), 256))
        own = yield Sample(harness.policy(), prompts, each)
        if follows_words(harness):
            asked = {style: instruct(prompts, log.names("attribute")[k]) for style, k in aims.items()}
            speaker = harness.policy()
        else:
            tokens = dict(zip(STYLES, sign_words(scored.log, len(STYLES)), strict=True))
            asked = {style: prefix(np.full(len(prompts), word), prompts) for style, word in tokens.items()}
            lesson = _lesson(scored, prompts, np.asarray(own, dtype=object), asked, aims)
            weight = np.ones(len(lesson))
            speaker = yield Train(harness.policy(), {"text": lesson}, {"weight": weight}, SFT())
        answers = {"plain": np.asarray(own, dtype=object)}
        for style in STYLES:
            if style in SIDES[self.variant]:
                drawn = yield Sample(speaker, asked[style], each)
                answers[style] = np.asarray(drawn, dtype=object)
        rng, wanted = harness.rng("counterfactual pairs"), harness.budget.steps * harness.budget.batch_size
        row = rng.integers(len(prompts), size=wanted)
        # NEG is trained under the instruction that is to be ignored, the others under the plain prompt.
        trained_on = asked["unwanted"] if self.variant == "negate" else prompts
        fields = {
            name: Texts(trained_on[row], answers[side][row, rng.integers(each, size=wanted)])
            for name, side in zip(("chosen", "rejected"), SIDES[self.variant], strict=True)
        }
        model = yield Train(harness.policy(), fields, {}, DPO(self.beta))
        return harness.fitted_policy(model)


def follows_words(harness: Harness) -> bool:
    """Whether the backbone is a pretrained language model, which an instruction in words can steer."""
    from benchmark.harness.hf.policy import HFPolicy

    return isinstance(harness.policy().architecture, HFPolicy)


def instruct(prompts: np.ndarray, attribute: str) -> np.ndarray:
    """Prompts that ask for a style by its name, shape (n,)."""
    return prompts + f" Write it so that this is true of the text: {attribute.replace('_', ' ')}."


def _lesson(
    scored: Scored,
    prompts: np.ndarray,
    own: np.ndarray,
    asked: dict[str, np.ndarray],
    aims: dict[str, int],
) -> Texts:
    """The reference's own texts, each under the token of a style that it has."""
    reader = fit_ridge(scored.texts, scored.log.matrix("attribute"))
    has = reader.predict(scored.features(np.repeat(prompts, own.shape[1]), own.ravel())) > 0.5
    has = has.reshape(*own.shape, -1)
    places = {style: np.nonzero(has[:, :, k]) for style, k in aims.items()}
    if not all(len(row) for row, _ in places.values()):
        raise Incompatible("the reference writes no text with the attribute")
    shown = np.concatenate([asked[style][row] for style, (row, _) in places.items()])
    return Texts(shown, np.concatenate([own[place] for place in places.values()]))


def _row(variant: str, summary: str) -> PromptedCounterfactual:
    paper = "Butcher 2024, arXiv 2401.09566" + ("" if variant == "encourage" else " (reconstruction)")
    tags = make_tags(summary, paper, "attribute", "covariate", policy=True)
    return PromptedCounterfactual(f"counterfactual-{variant}-prompted", tags, variant)


METHODS: tuple[Method, ...] = (
    _row("encourage", "DPO prefers answers prompted for the best attribute to unprompted answers."),
    _row("discourage", "DPO prefers unprompted answers to answers prompted for the worst attribute."),
    _row("contrast", "DPO prefers answers prompted for the best attribute to those for the worst."),
    _row("negate", "Under a prompt for the worst attribute, DPO prefers answers written without it."),
)
