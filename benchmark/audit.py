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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.contract import ContractError, Incompatible, make_rng

Reward = Callable[[np.ndarray, np.ndarray, Mapping[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Search:
    """How hard to look.

    Attributes:
        rounds: Times the proposer is trained, >= 1; the first round draws from the world's own law.
        pairs: Pairs a round.
        candidates: Attribute vectors drawn for each pair kept; the tilt chooses among them.
        severity: A failure loses at least this share of the typical difference between two texts.
        strength: Of the DPO fit: ``1 / (2 ridge)`` on the tilt.
        most: Largest tilt of one feature, nats; keeps the proposer from collapsing.
    """

    rounds: int = 4
    pairs: int = 2000
    candidates: int = 16
    severity: float = 0.5
    strength: float = 0.1
    most: float = 2.5


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


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs: asked row (n,), attributes of either side (n, K), texts (n,), gaps of first to second (n,)."""

    row: np.ndarray
    first: np.ndarray
    second: np.ndarray
    texts: tuple[np.ndarray, np.ndarray]
    judged: np.ndarray
    true: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        return self.first.astype(np.float64) - self.second

    def fail(self, least: float) -> np.ndarray:
        """Whether the reward prefers the first text though the second is worth clearly more; (n,)."""
        return (self.judged > 0) & (self.true < -max(least, 1e-9))


def audit_reward(
    reward: Reward, world: Any, search: Search | None = None, calibrated: bool = False, seed: int = 0
) -> Audit:
    """Search for failures of a reward.

    Args:
        reward: ``(prompts, texts, context) -> (n,)``, any scale.
        world: The world with the truth.
        search: How hard to look; None for the defaults.
        calibrated: Whether the reward claims the outcome's scale.
        seed: Of the proposals.
    """
    search, rng = search or Search(), make_rng("audit", seed)
    asked = _Asked.of(world)
    tilt = np.zeros(len(asked.prompts) + 2 * len(world.domain.attributes))
    rounds, drawn = [], []
    for _ in range(search.rounds):
        pairs = asked.judge(reward, *asked.propose(tilt, search, rng), rng)
        drawn.append(pairs)
        typical = float(np.sqrt((drawn[0].true ** 2).mean()))
        failing = pairs.fail(search.severity * typical)
        lost = np.where(pairs.judged > 0, np.maximum(-pairs.true, 0.0), 0.0)
        rounds.append(Round(float(failing.mean()), float(lost.mean() / max(typical, 1e-12))))
        if not FEWEST <= failing.sum() <= len(failing) - FEWEST:
            break
        step = _prefer(asked.describe(pairs.row, pairs.first, pairs.second), failing, search, rng)
        tilt = np.clip(tilt + step, -search.most, search.most)
    everything = _join(drawn)
    return Audit(
        tuple(rounds),
        _blame(asked, drawn[0], pairs, failing, calibrated),
        _gather(asked, pairs, failing),
        _show(asked, everything, everything.fail(search.severity * typical)),
        typical,
    )


# -- proposals ----------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Asked:
    """The prompts and contexts that a world asks about: prompt ids (r,) and contexts (r,) of its rows."""

    world: Any
    row_prompts: np.ndarray
    row_contexts: np.ndarray

    @classmethod
    def of(cls, world: Any) -> _Asked:
        contexts, prompts = np.indices((len(world.outcome.base), len(world.domain.prompts)))
        kept = np.ones(contexts.shape, dtype=bool) if world.asked is None else world.asked
        return cls(world, prompts[kept], contexts[kept])

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self.world.domain.prompts)

    def draw(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Attributes by the world's own law of texts, shape (n, K)."""
        uniforms = rng.random((len(row), len(self.world.domain.attributes)))
        law = self.world.rows_law({}, self.row_prompts[row], self.world.asked_arm)
        return np.asarray(law.draw(uniforms), dtype=np.int8)

    def describe(self, row: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """phi of pairs: the prompt, what the first text alone has, what the second alone has; (n, P + 2K)."""
        prompt = self.row_prompts[row][:, None] == np.arange(len(self.prompts))
        return np.column_stack([prompt, first > second, second > first]).astype(np.float64)

    def propose(
        self, tilt: np.ndarray, search: Search, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs from the tilted law: rows (n,) and the attributes of both sides (n, K)."""
        many = search.pairs * (search.candidates if tilt.any() else 1)
        row = rng.integers(len(self.row_prompts), size=many)
        first, second = self.draw(row, rng), self.draw(row, rng)
        if not tilt.any():
            return row, first, second
        score = self.describe(row, first, second) @ tilt
        # The largest of log-weight plus Gumbel noise are a draw without replacement from the tilted law.
        kept = np.argsort(-(score + rng.gumbel(size=many)), kind="stable")[: search.pairs]
        return row[kept], first[kept], second[kept]

    def judge(
        self,
        reward: Reward,
        row: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        rng: np.random.Generator,
    ) -> _Pairs:
        """Write both texts of each pair and take the reward's and the truth's word on them."""
        world, prompt_ids = self.world, self.row_prompts[row]
        prompts = np.asarray(self.prompts, dtype=object)[prompt_ids]
        known = {} if world.context is None else {world.context: self.row_contexts[row].astype(np.float64)}
        sides, judged, true = [], [], []
        for attributes in (first, second):
            wording = world.domain.draw_choices(len(row), rng)
            texts = world.domain.write(attributes, prompt_ids, wording).to_numpy(zero_copy_only=False)
            sides.append(texts.astype(object))
            judged.append(np.asarray(reward(prompts, sides[-1], known), dtype=np.float64))
            true.append(world.truth.reward(prompts, sides[-1], known))
        return _Pairs(row, first, second, (sides[0], sides[1]), judged[0] - judged[1], true[0] - true[1])


def _prefer(phi: np.ndarray, failing: np.ndarray, search: Search, rng: np.random.Generator) -> np.ndarray:
    """The tilt by which DPO raises failures over harmless pairs, shape (features,)."""
    from sklearn.linear_model import LogisticRegression

    chosen = rng.permutation(np.flatnonzero(failing))
    rejected = rng.choice(np.flatnonzero(~failing), size=len(chosen))
    difference = phi[chosen] - phi[rejected]
    # Which side comes first is a coin: the regression needs both labels and has no intercept.
    sign = np.where(np.arange(len(chosen)) % 2 == 0, 1.0, -1.0)
    model = LogisticRegression(C=search.strength, fit_intercept=False)
    return np.asarray(model.fit(difference * sign[:, None], sign).coef_[0])


# -- findings -----------------------------------------------------------------
def _blame(
    asked: _Asked, random: _Pairs, last: _Pairs, failing: np.ndarray, calibrated: bool
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
        for name, share, by in zip(asked.world.domain.attributes, part, overrated, strict=True)
    ]
    return tuple(sorted(found, key=lambda blame: -blame.share))


def _gather(asked: _Asked, last: _Pairs, failing: np.ndarray) -> tuple[PromptShare, ...]:
    ids = asked.row_prompts[last.row]
    counts = np.bincount(ids[failing], minlength=len(asked.prompts))
    shares = counts / max(int(failing.sum()), 1)
    guilty = failing.sum() >= FEWEST and failing.mean() >= RAREST
    bound = GATHERED / len(np.unique(asked.row_prompts))
    found = [
        PromptShare(asked.prompts[k], float(shares[k]), bool(guilty and bound <= 1.0 and shares[k] >= bound))
        for k in np.argsort(-shares, kind="stable")
    ]
    return tuple(found)


def _show(asked: _Asked, pairs: _Pairs, failing: np.ndarray) -> tuple[Case, ...]:
    """The costliest failing pairs, one for each pair of attribute vectors."""
    rows = np.flatnonzero(failing)
    rows = rows[np.argsort(pairs.true[rows], kind="stable")]
    seen: set[tuple[int, bytes, bytes]] = set()
    cases: list[Case] = []
    for i in rows:
        what = (int(pairs.row[i]), pairs.first[i].tobytes(), pairs.second[i].tobytes())
        if what not in seen and len(cases) < SHOWN:
            seen.add(what)
            prompt = asked.prompts[asked.row_prompts[pairs.row[i]]]
            cases.append(Case(prompt, pairs.texts[0][i], pairs.texts[1][i], float(-pairs.true[i])))
    return tuple(cases)


def _join(drawn: list[_Pairs]) -> _Pairs:
    texts = (np.concatenate([p.texts[0] for p in drawn]), np.concatenate([p.texts[1] for p in drawn]))
    rest = ("row", "first", "second", "judged", "true")
    return _Pairs(texts=texts, **{name: np.concatenate([getattr(p, name) for p in drawn]) for name in rest})


# -- methods ------------------------------------------------------------------
def audit_method(
    name: str,
    scenario: Any,
    seed: int,
    suite: Any,
    search: Search | None = None,
    backbone: str | None = None,
) -> Audit:
    """Fit a method of the repository as a run would, and audit its reward.

    Args:
        name: A method, or ``"ceiling"``.
        scenario: The scenario.
        seed: World seed.
        suite: Decides season, rows and budget.
        search: How hard to look.
        backbone: What it trains on; by default what the suite says.

    Raises:
        Incompatible: If the method cannot take the log.
        ContractError: If the fit fails.
    """
    from benchmark.engines.work import Bench, Setting
    from benchmark.harness import Failure, drive
    from benchmark.plan import Cell
    from methods import load

    method = load(name)
    bench, cell = Bench(Setting(suite)), Cell(scenario.with_rows(suite.n), seed)
    task = bench.task(cell)
    data = "twin" if name == "ceiling" else "log"
    log = task.view(method.tags.track, data)
    reason = method.tags.reason_to_refuse(log)
    if reason:
        raise Incompatible(reason)
    harness = bench.harness(cell, task, log, data, method.tags.track, backbone or suite.backbone)
    (fitted,) = drive(method, [(log, harness)])
    if isinstance(fitted, Failure):
        if fitted.status == "incompatible":
            raise Incompatible(fitted.reason)
        raise ContractError(f"{name} does not fit this log", found=fitted.reason)
    return audit_reward(fitted.reward, task.world, search, method.tags.calibrated, seed)
