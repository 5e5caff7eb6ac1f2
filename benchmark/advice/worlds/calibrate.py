"""Finds worlds like a log, and writes them as a suite that ``run --suite`` takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.advice.reading import OwnLog, read_log
from benchmark.advice.worlds.posterior import Posterior, find_posterior
from benchmark.advice.worlds.prior import RANGES, Setting, make_scenario
from benchmark.advice.worlds.reference import SEASON, WORLDS, Reference, load_reference
from benchmark.advice.worlds.summaries import NAMES, REPEATS, summarise
from benchmark.contract import Streams, UsageError, make_rng
from benchmark.contract.files import write_whole
from benchmark.tasks.prepare import build_world
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import Suite, check_suite

FEWEST_WORLDS = 20
MOST_ROWS = 4_000
FAR = 0.05
ROUNDS = 10


@dataclass(frozen=True, eq=False)
class Calibration:
    """Worlds like a log.

    Attributes:
        own: The log.
        setting: What of the worlds the log itself decides.
        posterior: Families and parameters.
        scenarios: The worlds.
        rows: Rows of their logs.
        summaries: Summary statistics of the log by name.
    """

    own: OwnLog
    setting: Setting
    posterior: Posterior
    scenarios: tuple[Scenario, ...]
    rows: int
    summaries: dict[str, float]

    @property
    def is_far(self) -> bool:
        """Whether hardly any simulated world resembles the log."""
        return self.posterior.distance < FAR

    @property
    def suite(self) -> Suite:
        """The worlds as a suite of reward methods."""
        return check_suite(self._content(), "calibrated")

    def write(self, path: str | Path) -> None:
        """Write the suite as TOML."""
        content = self._content()
        cells = content.pop("cells")
        queries = content.pop("queries")
        lines = [
            "# Worlds like a log of yours, drawn from the posterior; see docs/your-log.md.",
            *(f"{name} = {json.dumps(value)}" for name, value in content.items()),
            "",
            "[queries]",
            *(f"{name} = {value}" for name, value in queries.items()),
        ]
        for product in cells:
            quoted = ",\n  ".join(json.dumps(text) for text in product["scenarios"])
            lines += [
                "",
                "[[cells]]",
                f"scenarios = [\n  {quoted},\n]",
                f"methods = {json.dumps(product['methods'])}",
            ]
            lines.append("policies = false")
        write_whole(Path(path), ("\n".join(lines) + "\n").encode())

    def as_dict(self) -> dict[str, Any]:
        """The calibration as plain data."""
        return {
            "families": self.posterior.families,
            "parameters": {
                name: dict(zip(("median", "low", "high"), self.posterior.describe(name), strict=True))
                for name in RANGES
            },
            "summaries": self.summaries,
            "typical": self.posterior.distance,
            "rows": self.rows,
            "scenarios": [scenario.id for scenario in self.scenarios],
        }

    def _content(self) -> dict[str, Any]:
        return {
            "name": "calibrated",
            "version": "1",
            "season": SEASON,
            "description": "worlds like a log of yours",
            "seeds": 1,
            "n": self.rows,
            "group_size": 4,
            "backbone": "loglinear",
            "queries": {"pairs": 1024, "contrasts": 32, "pool": 64, "samples": 1},
            "cells": [{"scenarios": [s.id for s in self.scenarios], "methods": ["*"], "policies": False}],
        }


def calibrate(
    log: Any,
    out: str | Path | None = None,
    *,
    worlds: int = 24,
    reference: int = WORLDS,
    on_worlds: Callable[[int], None] | None = None,
    **options: Any,
) -> Calibration:
    """Find simulated worlds that resemble a log.

    Summary statistics of the log are compared with those of worlds drawn from a prior, by regression-adjusted
    approximate Bayesian computation. How much was not recorded cannot be read off a log, so that part of the
    worlds follows the prior.

    Args:
        log: An ``OwnLog``, or any table that ``read_log`` takes.
        out: TOML file to write the worlds to as a suite.
        worlds: How many worlds to draw, at least 20.
        reference: How many worlds of the prior the log is compared with; they are simulated once and kept.
        on_worlds: Called with numbers of reference worlds as they are made ready.
        **options: Arguments of ``read_log``, such as ``outcome="clicks"``.

    Raises:
        UsageError: If the table cannot be read, is too small or too uniform, or too few worlds are asked for.

    Example:
        >>> import benchmark
        >>> log = benchmark.simulate("observed[strength=1]", n=500).log
        >>> table = log.table.drop_columns(["propensity", "target_propensity"])
        >>> found = benchmark.calibrate(table, reference=20)
        >>> len(found.scenarios), round(sum(found.posterior.families.values()), 6)
        (24, 1.0)
    """
    if worlds < FEWEST_WORLDS:
        raise UsageError(
            "too few worlds to judge methods by", expected=f"at least {FEWEST_WORLDS} worlds", found=worlds
        )
    own = log if isinstance(log, OwnLog) else read_log(log, **options)
    setting = Setting.of(own.log)
    summaries = summarise(own.log, REPEATS)
    table = load_reference(setting, reference, on_part=on_worlds)
    made = calibrate_to(own, setting, table, summaries, worlds)
    if out is not None:
        made.write(out)
    return made


def calibrate_to(
    own: OwnLog, setting: Setting, table: Reference, summaries: np.ndarray, worlds: int
) -> Calibration:
    """Worlds of a reference table that resemble a log with these summary statistics."""
    rng = make_rng("advice", "posterior", summaries.round(9).tolist())
    rows = min(own.rows, MOST_ROWS)
    scenarios: list[Scenario] = []
    drawn: list[tuple[str, dict[str, float]]] = []
    for _ in range(ROUNDS):
        found = find_posterior(table, summaries, worlds, rng)
        for family, values in found.drawn:
            scenario = make_scenario(family, values, setting)
            if len(scenarios) < worlds and scenario not in scenarios and _exists(scenario, rows):
                scenarios.append(scenario)
                drawn.append((family, values))
        if len(scenarios) == worlds:
            break
    if len(scenarios) < worlds:
        raise UsageError(
            "too few worlds like this log can be built", expected=f"{worlds} worlds", found=len(scenarios)
        )
    posterior = Posterior(found.families, tuple(drawn), found.distance)
    named = dict(zip(NAMES, summaries.tolist(), strict=True))
    return Calibration(own, setting, posterior, tuple(scenarios), rows, named)


def _exists(scenario: Scenario, rows: int) -> bool:
    """Whether the world can be built: not every strength can be reached in every world."""
    try:
        build_world(scenario.with_rows(rows), Streams(SEASON, scenario.family, 0))
        return True
    except UsageError:
        return False
