"""An audit: searches for the prompts and texts where a method's reward and the truth part most.

A proposer draws pairs of texts; a pair is a failure where the reward prefers the text that is worth clearly
less. The proposer is then trained by direct preference optimisation, failures chosen and harmless pairs
rejected, and draws again. On the scorer's side alone: it reads the truth, and no method can reach it.

Source: ReverseGen (Li et al. 2025, arXiv 2410.16736), whose proposer is a language model that writes
prompts and whose failure signal is a task metric. Here the proposer is a tilt of the world's own law over
prompts and attributes of the two texts, ``pi(pair) = P_int(pair) exp(u . phi(pair))``, for which the DPO loss
is a logistic regression; wording is drawn afresh. Pairs make the audit blind to the reward's scale
and to whatever is added to all texts of a prompt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.contract import make_rng
from simulators.proposals import JudgedPairs, Search, join_pairs, prefer_failures
from simulators.protocols import Proposer, Reward, World


@dataclass(frozen=True)
class Round:
    """One round of proposals.

    Attributes:
        failures: Share of pairs that fail, 0 to 1.
        lost: Mean worth lost a pair by following the reward, in typical differences.
    """

    failures: float
    lost: float


@dataclass(frozen=True)
class Blame:
    """What one attribute has to do with the failures of the last round.

    Attributes:
        attribute: Its name.
        share: Part of the failing pairs' misjudged difference that it explains; about 0 where it is innocent.
        overrated: By how much the reward overrates it beside the truth, on the outcome's scale.
        accused: Whether the audit holds it responsible.
    """

    attribute: str
    share: float
    overrated: float
    accused: bool


@dataclass(frozen=True)
class PromptShare:
    """A prompt's part in the failures.

    Attributes:
        prompt: The prompt.
        share: Of the last round's failures.
        accused: Whether failures gather there: at least four times the average prompt's share.
    """

    prompt: str
    share: float
    accused: bool


@dataclass(frozen=True)
class Case:
    """A failing pair.

    Attributes:
        prompt: The prompt of both.
        preferred: The text that the reward prefers.
        better: The text that is worth more.
        lost: By how much, on the outcome's scale.
    """

    prompt: str
    preferred: str
    better: str
    lost: float


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        rounds: Round by round; the first is what random pairs show.
        attributes: Blame by attribute, the largest share first.
        prompts: Prompts by share, the largest first.
        worst: Failing pairs, the costliest first.
        typical: Root mean square difference in worth of random pairs: the unit of ``Round.lost``.
    """

    rounds: tuple[Round, ...]
    attributes: tuple[Blame, ...]
    prompts: tuple[PromptShare, ...]
    worst: tuple[Case, ...]
    typical: float

    @property
    def accused(self) -> tuple[str, ...]:
        """Attributes and prompts held responsible."""
        named = [(blame.attribute, blame.accused) for blame in self.attributes]
        named += [(prompt.prompt, prompt.accused) for prompt in self.prompts]
        return tuple(name for name, accused in named if accused)


# An accusation needs this many failures, this share of pairs failing in the last round, and this share of
# the misjudged difference.
FEWEST, RAREST, LEAST_SHARE, GATHERED = 20, 0.02, 0.2, 4.0
SHOWN = 10


def audit_reward(
    reward: Reward, world: World, search: Search | None = None, calibrated: bool = False, seed: int = 0
) -> Audit:
    """Search for failures of a reward.

    Args:
        reward: ``(prompts, texts, context) -> (n,)``, any scale.
        world: The world with the truth.
        search: How hard to look; None for the defaults.
        calibrated: Whether the reward claims the outcome's scale.
        seed: Of the proposals.

    Raises:
        Incompatible: If the world knows nothing of texts that it did not measure.
    """
    search, rng = search or Search(), make_rng("audit", seed)
    proposer = world.proposer()
    tilt = np.zeros(len(proposer.prompts) + 2 * len(proposer.attributes))
    rounds, drawn = [], []
    for _ in range(search.rounds):
        pairs = proposer.judge(reward, *proposer.propose(tilt, search, rng), rng)
        drawn.append(pairs)
        typical = float(np.sqrt((drawn[0].true ** 2).mean()))
        failing = pairs.fail(search.severity * typical)
        lost = np.where(pairs.judged > 0, np.maximum(-pairs.true, 0.0), 0.0)
        rounds.append(Round(float(failing.mean()), float(lost.mean() / max(typical, 1e-12))))
        if not FEWEST <= failing.sum() <= len(failing) - FEWEST:
            break
        step = prefer_failures(proposer.describe(pairs.row, pairs.first, pairs.second), failing, search, rng)
        tilt = np.clip(tilt + step, -search.most, search.most)
    everything = join_pairs(drawn)
    return Audit(
        tuple(rounds),
        _blame(proposer, drawn[0], pairs, failing, calibrated),
        _gather(proposer, pairs, failing),
        _show(proposer, everything, everything.fail(search.severity * typical)),
        typical,
    )


# -- findings -----------------------------------------------------------------
def _blame(
    proposer: Proposer, random: JudgedPairs, last: JudgedPairs, failing: np.ndarray, calibrated: bool
) -> tuple[Blame, ...]:
    """How much of the failing pairs' misjudged difference each attribute explains.

    Attributes' effects, judged and true, are projections over random pairs; the reward is first put on the
    outcome's scale, by the median ratio over the attributes that matter, which a few bad ones do not move.
    """
    judged, true = (
        np.linalg.lstsq(random.difference, gap, rcond=None)[0] for gap in (random.judged, random.true)
    )
    matters = np.abs(true) > 0.1 * np.abs(true).max(initial=0.0)
    scale = 1.0
    if not calibrated and matters.any():
        ratio = float(np.median(judged[matters] / true[matters]))
        spread = float(random.judged.std() / max(random.true.std(), 1e-12))
        scale = 1.0 / (ratio if ratio > 1e-12 else max(spread, 1e-12))
    overrated = scale * judged - true
    part, total = np.zeros(len(true)), 0.0
    if failing.any():
        total = float((scale * last.judged - last.true)[failing].mean())
        part = (last.difference[failing] * overrated).mean(axis=0) / total
    guilty = failing.sum() >= FEWEST and failing.mean() >= RAREST
    found = [
        Blame(name, float(share), float(by), bool(guilty and share >= LEAST_SHARE))
        for name, share, by in zip(proposer.attributes, part, overrated, strict=True)
    ]
    return tuple(sorted(found, key=lambda blame: -blame.share))


def _gather(proposer: Proposer, last: JudgedPairs, failing: np.ndarray) -> tuple[PromptShare, ...]:
    ids = proposer.row_prompts[last.row]
    counts = np.bincount(ids[failing], minlength=len(proposer.prompts))
    shares = counts / max(int(failing.sum()), 1)
    guilty = failing.sum() >= FEWEST and failing.mean() >= RAREST
    bound = GATHERED / len(np.unique(proposer.row_prompts))
    found = [
        PromptShare(
            proposer.prompts[k], float(shares[k]), bool(guilty and bound <= 1.0 and shares[k] >= bound)
        )
        for k in np.argsort(-shares, kind="stable")
    ]
    return tuple(found)


def _show(proposer: Proposer, pairs: JudgedPairs, failing: np.ndarray) -> tuple[Case, ...]:
    """The costliest failing pairs, one for each pair of attribute vectors."""
    rows = np.flatnonzero(failing)
    rows = rows[np.argsort(pairs.true[rows], kind="stable")]
    seen: set[tuple[int, bytes, bytes]] = set()
    cases: list[Case] = []
    for i in rows:
        what = (int(pairs.row[i]), pairs.first[i].tobytes(), pairs.second[i].tobytes())
        if what not in seen and len(cases) < SHOWN:
            seen.add(what)
            prompt = proposer.prompts[proposer.row_prompts[pairs.row[i]]]
            cases.append(Case(prompt, pairs.texts[0][i], pairs.texts[1][i], float(-pairs.true[i])))
    return tuple(cases)
