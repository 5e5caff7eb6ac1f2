"""Signal: the outcome noise at which a regression on words, given randomised rows, misses by so much.

The reference is the ceiling of every board: a ridge regression on counts of words that is given the
complete randomised twin. Its regret is predicted from texts of the world in closed form
(``simulators.law.signal``) and the parameter ``noise`` is solved for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import UsageError
from simulators.law.codes import encode
from simulators.law.feedback import KINDS
from simulators.law.recording import Rows
from simulators.law.signal import Learnable, centre_within, solve_noise
from simulators.text.counts import count_terms
from simulators.text.reading import as_strings, read_words
from simulators.world import SimulatedWorld

TEXTS, PEOPLE = 8192, 64
# information of a row about differences in utility, in units of a regression's: a pair, a ranking of three
PAIR, RANKING = 1 / 2, 7 / 6


def solve_signal(compose: Callable[[float], SimulatedWorld], target: float, n: int) -> SimulatedWorld:
    """The world whose noise gives the ceiling a regret.

    Args:
        compose: Noise to the world; 1 is a family's own.
        target: Normalised regret of the ceiling, in (0, 1/2).
        n: Rows of the ceiling's log.

    Raises:
        UsageError: If even without noise the ceiling misses by more, for what words cannot express.
    """
    world = compose(1.0)
    rows = world.draw_rows(0, TEXTS, "twin")
    # where a context changes what texts are worth, rows of its first setting stand for all
    kept = rows.contexts == 0
    prompt_ids, merits, index = rows.prompt_ids[kept], _merits(world, rows)[kept], rows.index[0][kept]
    if centre_within(merits, prompt_ids).std() < 1e-9:
        return world  # nothing to learn, nothing to miss
    pairs = _pair(prompt_ids)
    read = centre_within(_read(world, rows)[kept], prompt_ids)
    plain = Learnable(read, centre_within(merits, prompt_ids), pairs)
    learnt = int(n * kept.mean())

    def regret(noise: float) -> float:
        if world.feedback.slots > 1:
            return plain.regret(noise**2 * _comparing(world, merits / noise, pairs), learnt)
        if world.feedback.linear:
            return plain.regret(noise**2 + _modified(world, rows), learnt)
        feedback = KINDS[world.feedback.kind](noise)
        others = (index - merits)[:: len(merits) // PEOPLE]
        rewards = np.mean([feedback.mean(merits + other) for other in others], axis=0)
        drawn = feedback.draw(index, world.streams.rng("signal").random(len(index)))
        variance = float(((drawn - feedback.mean(index)) ** 2).mean())
        return plain.about(centre_within(rewards, prompt_ids)).regret(variance, learnt)

    least = 1.0 if world.feedback.kind == "count" else 1e-3
    noise = solve_noise(regret, target, least)
    if noise is None:
        raise UsageError(
            f"signal {target:g} cannot be reached in this world",
            expected=f"at least {regret(least):.2f}, by which a regression on words misses without noise",
            found=f"{target:g}",
            fix="raise signal, or lower surface: words cannot express interactions",
        )
    return compose(noise)


def _merits(world: SimulatedWorld, rows: Rows) -> np.ndarray:
    """What the texts add to the index, shape (n,)."""
    merits = world.mechanism.base[rows.contexts, rows.prompt_ids, encode(rows.attributes[0])]
    return (
        merits
        if world.wording is None or rows.phrases is None
        else merits + world.wording.shift(rows.phrases[0])
    )


def _read(world: SimulatedWorld, rows: Rows) -> np.ndarray:
    known = world.domain.vocabulary
    longest = max(len(text.split(" ")) for text in rows.texts[0].to_pylist())
    return count_terms(read_words(as_strings(rows.texts[0]), pa.array(known), longest), len(known))


def _pair(prompt_ids: np.ndarray) -> np.ndarray:
    """Neighbouring rows of one prompt, shape (pairs, 2)."""
    order = np.argsort(prompt_ids, kind="stable")
    same = prompt_ids[order][1:] == prompt_ids[order][:-1]
    return np.stack([order[:-1][same], order[1:][same]], axis=1)


def _comparing(world: SimulatedWorld, utilities: np.ndarray, pairs: np.ndarray) -> float:
    """Variance of a regression's noise that leaves as much doubt about utilities as a comparison does."""
    chance = world.feedback.prefers(utilities[pairs[:, 0]] - utilities[pairs[:, 1]])
    information = PAIR if world.feedback.slots == 2 else RANKING
    return float(1 / (information * 4 * (chance * (1 - chance)).mean()))


def _modified(world: SimulatedWorld, rows: Rows) -> float:
    """Variance of effects that differ between people, which looks like noise to an average effect."""
    modifiers = world.outcome.modifiers(rows.people)
    if modifiers is None:
        return 0.0
    centred = rows.attributes[0] - world.marginals[rows.prompt_ids]
    return float(((world.outcome.delta * (centred * modifiers).sum(axis=1)) ** 2).mean())
