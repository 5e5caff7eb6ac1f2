"""Checks on a fitted method's answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmark.contract import Contrasts, Fitted, make_rng
from methods.checks.subject import CheckFailed, CheckSkipped, Subject
from methods.checks.toy import PROMPTS, draw_toy, write_texts
from methods.recipe import Recipe


def gives_finite_rewards(subject: Subject) -> None:
    """Rewards are finite numbers, one a text."""
    for kind in subject.kinds:
        rewards = subject.ask(subject.fitted(kind))
        if rewards.shape != (48,):
            raise CheckFailed(f"48 texts got rewards of shape {rewards.shape}")
        if not np.isfinite(rewards).all():
            raise CheckFailed(f"{int((~np.isfinite(rewards)).sum())} of 48 rewards are not finite")


def repeats_with_same_seed(subject: Subject) -> None:
    """The same log and seed give the same rewards."""
    again = subject.ask(subject.fit(subject.log()))
    if not np.allclose(subject.ask(subject.fitted()), again, rtol=1e-6, atol=1e-9):
        raise CheckFailed("two fits with the same seed differ")


def answers_each_text_alone(subject: Subject) -> None:
    """A reward does not depend on which other texts are asked about, or in which order."""
    fitted = subject.fitted()
    rewards = subject.ask(fitted)
    order = make_rng("check order").permutation(len(rewards))
    close = 1e-6 * max(1.0, float(np.abs(rewards).max()))
    if not np.allclose(subject.ask(fitted, order), rewards[order], rtol=1e-5, atol=close):
        raise CheckFailed("rewards change when questions are reordered")
    some = order[:7]
    if not np.allclose(subject.ask(fitted, some), rewards[some], rtol=1e-5, atol=close):
        raise CheckFailed("rewards change when fewer questions are asked")


def samples_texts(subject: Subject) -> None:
    """A declared policy samples texts."""
    if not subject.method.tags.policy:
        raise CheckSkipped("the method declares no policy")
    fitted: Any = subject.fitted()
    if not callable(getattr(fitted, "sample", None)):
        raise CheckFailed("the method declares a policy, but its result has no sample(prompts, n)")
    texts = np.asarray(fitted.sample(PROMPTS, 2), dtype=object)
    if texts.shape != (len(PROMPTS), 2) or not all(isinstance(text, str) for text in texts.ravel()):
        raise CheckFailed(f"sample({len(PROMPTS)} prompts, 2) gave shape {texts.shape}")


def gives_valid_intervals(subject: Subject) -> None:
    """Declared intervals are finite, ordered, and mirror when on and off change places."""
    if not subject.method.tags.intervals:
        raise CheckSkipped("the method declares no intervals")
    if "outcome" not in subject.kinds:
        raise CheckSkipped("the method takes no outcome logs")
    fitted: Any = subject.fitted("outcome")
    if not callable(getattr(fitted, "effect_interval", None)):
        raise CheckFailed(
            "the method declares intervals, but its result has no effect_interval(contrasts, level)"
        )
    contrasts = toy_contrasts()
    found = np.asarray(fitted.effect_interval(contrasts, 0.9))
    if found.shape != (4, 2) or not np.isfinite(found).all() or (found[:, 0] > found[:, 1]).any():
        raise CheckFailed(f"4 contrasts got intervals {np.round(found, 3).tolist()}")
    mirrored = Contrasts(contrasts.ids, contrasts.prompts, contrasts.off, contrasts.on)
    back = np.asarray(fitted.effect_interval(mirrored, 0.9))
    if not np.allclose(back, -found[:, ::-1], atol=1e-6):
        raise CheckFailed("exchanging on and off does not mirror the intervals")


def abstains_whatever_the_order(subject: Subject) -> None:
    """Whether it abstains from a pair is yes or no, and does not depend on which text is named first."""
    tried = 0
    for kind in subject.kinds:
        abstains = getattr(subject.fitted(kind), "abstains", None)
        if not callable(abstains):
            continue
        tried += 1
        contrasts = toy_contrasts()
        found, back = (
            np.asarray(abstains(contrasts.prompts, *sides))
            for sides in ((contrasts.on, contrasts.off), (contrasts.off, contrasts.on))
        )
        if found.dtype != np.bool_ or found.shape != contrasts.ids.shape:
            raise CheckFailed(f"{len(contrasts.ids)} pairs got {found.dtype} of shape {found.shape}")
        if (found != back).any():
            raise CheckFailed("exchanging the texts of a pair changes whether it abstains")
    if not tried:
        raise CheckSkipped("the result has no abstains(prompts, first, second)")


def finds_no_effect_where_there_is_none(subject: Subject) -> str:
    """A method that claims to adjust finds less than half of what naive finds on a null log."""
    tags = subject.method.tags
    if not tags.adjusts or not tags.calibrated or "outcome" not in tags.kinds:
        raise CheckSkipped("the method claims no adjusted effects on the outcome's scale")
    if {"instrument", "covariate"} <= tags.needs or not tags.needs & {"covariate", "proxy", "instrument"}:
        raise CheckSkipped("the toy log has no confounding of the kind that the method adjusts for")
    null = draw_toy(2000, seed=5, effects=np.zeros(4))
    own, naive = (
        _greeting_effect(subject.fit_many([log], method=method)[0])
        for method, log in (
            (subject.method, null.log("outcome", tags.needs)),
            (Recipe("naive"), null.log("outcome", ())),
        )
    )
    if abs(own) > 0.5 * abs(naive):
        raise CheckFailed(
            f"the method gives an attribute without effect {own:.2f}, naive gives it {naive:.2f}"
        )
    return f"{own:.2f}, naive {naive:.2f}"


def treats_weights_like_repeated_rows(subject: Subject) -> None:
    """In a closed-form recipe a row of weight 2 counts like the row twice."""
    from methods.linear import regress

    method = subject.method
    if not isinstance(method, Recipe) or method.objective is not None or "outcome" not in method.tags.kinds:
        raise CheckSkipped("the method is no closed-form recipe on outcomes")
    scored = method.adjust(subject.log("outcome"), subject.make_harness(0))
    counts = make_rng("check weights").integers(1, 4, size=len(scored.value))
    rows = np.repeat(np.arange(len(counts)), counts)
    per_row = {
        name: value[rows] if value.shape[:1] == (len(counts),) else value
        for name, value in scored.nuisances.items()
    }
    repeated = replace(
        scored,
        log=scored.log.take(rows),
        texts=scored.texts[rows],
        value=scored.value[rows],
        weight=np.ones(len(rows)),
        nuisances=per_row,
    )
    weighted = replace(scored, weight=counts.astype(float))
    if not np.allclose(subject.ask(regress(weighted)), subject.ask(regress(repeated)), atol=1e-7):
        raise CheckFailed("a row of weight 2 and the row twice give different rewards")


def toy_contrasts() -> Contrasts:
    """Contrasts of the four toy attributes, eight of each."""
    rng = make_rng("check contrasts")
    ids = np.repeat(np.arange(4), 8)
    attributes = rng.integers(0, 2, (len(ids), 4))
    sides = []
    for value in (1, 0):
        attributes[np.arange(len(ids)), ids] = value
        sides.append(write_texts(attributes, make_rng("check wording")))
    return Contrasts(ids, PROMPTS[ids % len(PROMPTS)], *sides)


def _greeting_effect(fitted: Fitted) -> float:
    contrasts = toy_contrasts()
    first = contrasts.ids == 0
    prompts = contrasts.prompts[first]
    on = fitted.reward(prompts, contrasts.on[first])
    return float(np.mean(on - fitted.reward(prompts, contrasts.off[first])))


ANSWER_CHECKS = (
    gives_finite_rewards,
    repeats_with_same_seed,
    answers_each_text_alone,
    samples_texts,
    gives_valid_intervals,
    abstains_whatever_the_order,
    finds_no_effect_where_there_is_none,
    treats_weights_like_repeated_rows,
)
