"""Exact regret of the confounded limit in many worlds of each board, for simulations of coverage.

``python tests/statistics/exact_limits.py`` builds the worlds and writes ``exact_limits.json`` beside this
file: for every scenario the exact rho of naive's limit on the queries' pairs, one number a seed. No method
is fitted.
Run it again after the version of ``simulators`` was raised.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
SEEDS = 60
PAIRS = 2048
# Two strengths a family, so that a seed's cells are correlated as on a board.
BOARDS: dict[str, tuple[str, ...]] = {
    "recorded": (
        *("observed", "nonlinear", "interaction", "overlap", "drift", "badcontrol", "wide", "robust"),
        "brief",
    ),
    "auxiliary": ("instrument", "entangled", "proxy", "mixture", "selection", "judge", "position"),
    "preferences": (
        *("objective[agreement=0.6]", "objective[agreement=0.9]", "correlated[correlation=0.9]", "prefix"),
        *("heterogeneous", "heterogeneous[feedback=preference,flips=0.2]"),
    ),
    "unidentified": ("hidden", "overlap[correlation=1]", "impossible"),
}
STRENGTHS = (1.0, 2.0)


def list_scenarios(family: str) -> tuple[str, ...]:
    """The scenarios of a family's cells, one for each strength where it has that parameter."""
    import simulators

    name, _, settings = family.rstrip("]").partition("[")
    known = {p.name for card in simulators.list_families() if card.name == name for p in card.parameters}
    fixed = [settings] if settings else []
    varied = [[*fixed, f"strength={value:g}"] for value in STRENGTHS] if "strength" in known else [fixed]
    return tuple(f"{name}[{','.join(chosen)}]" if chosen else name for chosen in varied)


def compute_limit(scenario: str, seed: int) -> float:
    """Exact rho of the confounded limit of one world; 0 where no pair has a true difference."""
    import simulators
    from benchmark.contract import Streams
    from benchmark.scoring.score import make_key
    from benchmark.tasks.prepare import build_world
    from benchmark.tasks.scenario import Scenario

    parsed = Scenario.parse(scenario).with_rows(4000)
    world = build_world(parsed, Streams("coverage", parsed.family, seed))
    sizes = simulators.QuerySizes(pairs=PAIRS, contrasts=1, pool=2, samples=1)
    return round(float(np.nan_to_num(make_key(world.queries(sizes), world.truth).naive_rho)), 6)


def read_limits() -> dict[str, dict[str, list[float]]]:
    """Rho by board and scenario, one number a seed."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def main() -> None:
    """Build every world and write the file."""
    found = {
        board: {
            scenario: [compute_limit(scenario, seed) for seed in range(SEEDS)]
            for family in families
            for scenario in list_scenarios(family)
        }
        for board, families in BOARDS.items()
    }
    PATH.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
