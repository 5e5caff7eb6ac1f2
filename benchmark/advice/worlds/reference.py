"""The reference table: worlds drawn from the prior, and the summary statistics of their logs.

It depends on the setting of a log and not on its rows, so it is kept in the build folder and used again. It
is made in parts, and an interrupted one goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.advice.worlds.prior import RANGES, Setting, draw_family, draw_values, make_scenario
from benchmark.advice.worlds.summaries import NAMES, ROWS, summarise
from benchmark.contract import Log, Streams, UsageError, make_rng
from benchmark.contract.files import write_json
from benchmark.runs.provenance import component_versions
from benchmark.tasks.prepare import build_world
from benchmark.tasks.user_data import build_folder

WORLDS = 320
PART = 20
SEASON = "calibration-1"
HIDDEN_COLUMNS = ("propensity", "target_propensity", "observation_propensity", "randomised")
OnPart = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Reference:
    """Simulated worlds.

    Attributes:
        families: Family of each, shape (m,).
        values: Parameters in the order of ``RANGES``, shape (m, 5).
        summaries: Shape (m, 12).
    """

    families: np.ndarray
    values: np.ndarray
    summaries: np.ndarray


def load_reference(
    setting: Setting, worlds: int = WORLDS, folder: Path | None = None, on_part: OnPart | None = None
) -> Reference:
    """The reference table of a setting; what is missing of it is simulated.

    Args:
        setting: What the log decides.
        worlds: How many worlds.
        folder: Where tables are kept; by default the build folder.
        on_part: Called with the number of worlds of each finished part.
    """
    place = (folder or build_folder() / "calibration") / _digest(setting)
    rows: list[dict[str, Any]] = []
    for part in range(-(-worlds // PART)):
        path = place / f"part-{part:03d}.json"
        found = _read(path)
        if found is None:
            found = [simulate_world(setting, number) for number in range(part * PART, (part + 1) * PART)]
            write_json(path, {"worlds": found})
        rows.extend(found)
        if on_part is not None:
            on_part(PART)
    rows = rows[:worlds]
    return Reference(
        np.array([row["family"] for row in rows]),
        np.array([[row["values"][name] for name in RANGES] for row in rows]),
        np.array([row["summaries"] for row in rows]),
    )


def simulate_world(setting: Setting, number: int) -> dict[str, Any]:
    """One world of the prior and the summary statistics of its log; drawn anew where it cannot be built."""
    for attempt in range(20):
        rng = make_rng(SEASON, json.dumps(asdict(setting)), number, attempt)
        family, values = draw_family(rng, setting), draw_values(rng)
        try:
            log = draw_log(family, values, setting, number)
            return {"family": family, "values": values, "summaries": summarise(log).tolist()}
        except UsageError:
            continue  # a strength that this world cannot have, or texts without phrases
    raise UsageError("no world of the prior can be built", expected="a world", found=str(setting))


def draw_log(family: str, values: dict[str, float], setting: Setting, seed: int, rows: int = ROWS) -> Log:
    """The log of a world, without columns that an own log seldom has."""
    world = build_world(make_scenario(family, values, setting, rows), Streams(SEASON, family, seed))
    log = world.draw(rows).log
    kept = [name for name in log.table.column_names if name not in HIDDEN_COLUMNS]
    return Log(log.table.select(kept), log.feedback)


def _digest(setting: Setting) -> str:
    content = [asdict(setting), NAMES, ROWS, RANGES, SEASON, component_versions().get("simulators")]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _read(path: Path) -> list[dict[str, Any]] | None:
    try:
        return list(json.loads(path.read_text("utf-8"))["worlds"])
    except (OSError, ValueError, KeyError):
        return None
