"""Truth and naive limits at drawn settings against brute force: z-scores of groups of drawn rows.

    python tests/truth/brute_force.py 200000 60 [FIRST]

draws sixty settings of all families, half of them textured, and 200,000 rows of each setting's log and twin.
Rewards are compared with the outcomes of the twin, naive limits with the outcomes of the log; of pairs, the
naive limits are compared by the score equations of a Bradley-Terry regression. Where everything is exact,
no z-score lies beyond 4 and their standard deviation is about 1.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from worlds import make_world, taken_at_face_value

import simulators
from benchmark.contract import UsageError, make_rng

# Attributes of letters are listed vectors and impossible has one latent bit: both have tests of their own.
WITHOUT = ("letters", "impossible")
CARDS = {card.name: card for card in simulators.list_families() if card.name not in WITHOUT}
TEXTURE = ("texture", "signal", "surface", "wording", "noise", "prompts", "phrases")
LEAST_ROWS = 200


@dataclass(frozen=True)
class Setting:
    """A family at drawn parameters."""

    family: str
    seed: int
    parameters: tuple[tuple[str, object], ...]

    def __str__(self):
        return f"{self.family}[{','.join(f'{name}={value}' for name, value in self.parameters)}]"


def draw_settings(stop, start=0):
    """Settings and their worlds; every family comes once before any comes twice."""
    order = make_rng("brute force").permutation(list(CARDS))
    for place in range(start, stop):
        rng = make_rng("brute force", place)
        while True:
            setting = draw_setting(str(order[place % len(order)]), place, rng)
            try:
                world = make_world(setting.family, seed=setting.seed, **dict(setting.parameters))
            except UsageError:  # drawn parameters may contradict one another
                continue
            yield setting, world
            break


def draw_setting(family, place, rng):
    card, given = CARDS[family], {}
    for parameter in card.parameters:
        if parameter.name in TEXTURE:
            continue
        if parameter.choices:
            given[parameter.name] = str(rng.choice(parameter.choices))
        elif isinstance(parameter.default, bool):
            given[parameter.name] = bool(rng.random() < 0.3)
        elif isinstance(parameter.default, float):
            value = parameter.default * rng.uniform(0.6, 1.4)
            low, high = parameter.low, parameter.high
            given[parameter.name] = round(min(max(value, low or 0.0), high or np.inf), 3)
    known = {parameter.name: parameter for parameter in card.parameters}
    if place % 2 and "surface" in known:
        surface, wording = rng.uniform(0, 0.45, 2).round(3)
        given |= {"surface": float(surface), "wording": float(wording), "noise": round(rng.uniform(1, 2), 3)}
        given |= {
            "prompts": str(rng.choice(known["prompts"].choices)),
            "phrases": round(rng.uniform(0.4, 1), 3),
        }
    return Setting(family, int(rng.integers(1000)), tuple(given.items()))


def measure(world, n):
    """z-scores of rewards and of naive limits, shape (groups,)."""
    return np.concatenate([compare_rewards(world, n), compare_naive(world, n)])


def compare_rewards(world, n):
    rows = world.draw_rows(0, n, "twin")
    context = None if world.context is None else {world.context: rows.contexts}
    noise = np.euler_gamma if world.feedback.slots > 1 else 0.0
    if world.feedback.misreports:  # what is felt, not what is written down
        drawn = world.streams.draw_rows("noise", 0, n, lambda rng, size: rng.random(size))
        outcomes = world.feedback.draw(rows.index[0], drawn)
    else:
        outcomes = rows.outcomes[0]
    rest = outcomes - noise - world.truth.reward(prompts_of(world, rows), texts_of(rows, 0), context)
    return score_groups(rest, list_groups(world, rows, np.arange(n)))


def compare_naive(world, n):
    rows = world.draw_rows(0, n)
    if world.feedback.slots > 1:
        return score_pairs(world, rows)
    values, seen = taken_at_face_value(world, rows)
    rest = values - world.truth.naive_reward(prompts_of(world, rows), texts_of(rows, 0))
    return score_groups(rest[seen], list_groups(world, rows, seen))


def score_pairs(world, rows):
    """Score equations of Bradley-Terry regression on attributes, in classes of prompts."""
    worth = np.stack([world.truth.naive_reward(prompts_of(world, rows), texts_of(rows, k)) for k in (0, 1)])
    missed = (rows.outcomes[0] > rows.outcomes[1]) - expit(worth[0] - worth[1])
    moved = missed[:, None] * (rows.attributes[0].astype(float) - rows.attributes[1])
    classes = world.prompt_law.classes[rows.prompt_ids]
    parts = [moved[classes == c] for c in np.unique(classes)]
    found = [part.mean(axis=0) / np.maximum(part.std(axis=0), 1e-12) * np.sqrt(len(part)) for part in parts]
    return np.concatenate(found)


def list_groups(world, rows, kept):
    """Rows with an attribute, with some two attributes, of the first topic, and with better wording."""
    shown = rows.attributes[0][kept] == 1
    groups = [*shown.T, *(shown[:, i] & shown[:, j] for i, j in ((0, 1), (1, 3), (2, 4)))]
    groups.append(world.domain.topic_ids[rows.prompt_ids[kept]] == 0)
    if world.wording is not None:
        groups.append(world.wording.shift(rows.phrases[0][kept]) > 0)
    return groups


def score_groups(rest, groups):
    """z-scores of mean residuals, of groups that are large enough."""
    parts = [rest[group] for group in groups]
    return np.array(
        [p.mean() / p.std() * np.sqrt(len(p)) for p in parts if len(p) > LEAST_ROWS and p.std() > 0]
    )


def prompts_of(world, rows):
    return np.asarray(world.domain.prompts, dtype=object)[rows.prompt_ids]


def texts_of(rows, slot):
    return rows.texts[slot].to_numpy(zero_copy_only=False)


def main(n_rows, stop, start=0):
    every = []
    for setting, world in draw_settings(stop, start):
        scores = measure(world, n_rows)
        every.append(scores)
        line = f"{np.abs(scores).max():5.2f} {scores.std():5.2f} {len(scores):3d}  {setting}"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    every = np.concatenate(every)
    sys.stdout.write(
        f"{stop - start} settings of {n_rows} rows, {len(every)} scores: largest {np.abs(every).max():.2f}, "
        f"standard deviation {every.std():.3f}\n"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
