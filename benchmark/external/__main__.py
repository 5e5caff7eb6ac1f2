"""``python -m benchmark.external --headlines FILE --persuasion FOLDER``: measures and writes the tables."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.advice.worlds.calibrate import calibrate
from benchmark.contract import make_rng
from benchmark.external.agreement import Agreement, compare_boards
from benchmark.external.boards import measure_real, measure_synthetic
from benchmark.external.mechanisms import COUNTERPARTS, confound, draw_index
from benchmark.external.page import write_page
from benchmark.external.tables import Split, split_headlines, split_persuasion
from benchmark.tasks.user_data import build_folder
from simulators.text.detectors import Detectors

STRENGTHS = (0, 1, 2)
KINDS = ("plain", "lifelike", "calibrated")
SYNTHETIC_ROWS = 2_000
REFERENCE = 80


def list_cells(tables: list[str], splits: int, worlds: int) -> list[dict[str, Any]]:
    """What is to be measured, ordered so that whatever is finished by some time is balanced."""
    boards = [*((table, splits) for table in tables), *((kind, worlds) for kind in KINDS[:2])]
    boards += [(f"calibrated to {table}", worlds) for table in tables]
    cells = [
        {"board": board, "mechanism": mechanism, "strength": strength, "cluster": number}
        for board, most in boards
        for number in range(most)
        for mechanism in COUNTERPARTS
        for strength in STRENGTHS
        if strength > 0 or mechanism == "recorded"
    ]

    def order(cell: dict[str, Any]) -> tuple[int, bool]:
        late = (cell["strength"] == 0) + str(cell["board"]).startswith("calibrated")
        return cell["cluster"] + late, cell["strength"] != 1

    return sorted(cells, key=order)


class Experiments:
    """The tables that were given, split on demand, and worlds that resemble their logs."""

    def __init__(self, headlines: Path | None, persuasion: Path | None) -> None:
        self._sources = {"headlines": headlines, "persuasion": persuasion}
        self._values: dict[tuple[str, int], Any] = {}

    @property
    def names(self) -> list[str]:
        """Names of the tables that were given."""
        return [name for name, source in self._sources.items() if source is not None]

    def split(self, name: str, number: int) -> Split:
        """A split of a table."""
        make = {"headlines": split_headlines, "persuasion": split_persuasion}[name]
        source = self._sources[name]
        assert source is not None
        return make(source, make_rng("external", name, number))

    def like(self, name: str, strength: int, number: int) -> dict[str, float]:
        """Parameters of a world like the log of a table whose score is recorded."""
        key = (name, strength)
        if key not in self._values:
            split, rng = self.split(name, 0), make_rng("external", name, "calibration", strength)
            detectors = Detectors(word_limit=10.0)
            log = confound(split, "recorded", strength, draw_index(split.texts, detectors, rng), rng)
            table = log.table.rename_columns([c.replace("covariate.", "") for c in log.table.column_names])
            names = [
                c.removeprefix("covariate.") for c in log.table.column_names if c.startswith("covariate.")
            ]
            columns: dict[str, Any] = {
                "text": "text",
                "outcome": "outcome",
                "prompt": "prompt",
                "covariates": names,
            }
            self._values[key] = calibrate(table, reference=REFERENCE, **columns).posterior.drawn
        drawn = self._values[key]
        return dict(drawn[number % len(drawn)][1])


def measure(cell: dict[str, Any], experiments: Experiments) -> dict[str, float]:
    """Regrets of the methods in one cell."""
    board, mechanism, strength, number = (cell[key] for key in ("board", "mechanism", "strength", "cluster"))
    path = (board, mechanism, str(strength), str(number))
    if board in experiments.names:
        split = experiments.split(board, number)
        return measure_real(split, mechanism, float(strength), make_rng("external", *path), path)
    family = COUNTERPARTS[mechanism].rstrip("]").replace("[", ",").split(",")
    values: dict[str, Any] = {"strength": strength}
    if board == "lifelike":
        values["texture"] = "lifelike"
    elif board != "plain":
        like = experiments.like(board.removeprefix("calibrated to "), strength, number)
        values = {name: f"{value:.3g}" for name, value in like.items()}
        if family[0] == "selection":
            values.pop("overlap")
    settings = ",".join([*family[1:], *(f"{name}={value}" for name, value in values.items())])
    return measure_synthetic(f"{family[0]}[{settings}]", number, SYNTHETIC_ROWS)


def run(experiments: Experiments, store: Path, splits: int, worlds: int, minutes: float) -> pd.DataFrame:
    """Measure what the store lacks, as long as there is time, and return all of it, one row a method."""
    store.parent.mkdir(parents=True, exist_ok=True)
    found = [json.loads(line) for line in store.read_text("utf-8").splitlines()] if store.exists() else []
    done = {json.dumps(row["cell"], sort_keys=True) for row in found}
    start = time.monotonic()
    for cell in list_cells(experiments.names, splits, worlds):
        if json.dumps(cell, sort_keys=True) in done:
            continue
        if time.monotonic() - start > 60 * minutes:
            break
        try:
            row: dict[str, Any] = {"cell": cell, "rho": measure(cell, experiments)}
        except Exception as error:
            row = {"cell": cell, "rho": {}, "problem": f"{type(error).__name__}: {error}"}
        found.append(row)
        with store.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, sort_keys=True) + "\n")
        print(f"{len(found)} cells, {time.monotonic() - start:.0f} s", flush=True)  # noqa: T201
    return pd.DataFrame(
        [{**row["cell"], "method": name, "rho": rho} for row in found for name, rho in row["rho"].items()]
    )


def compare(regrets: pd.DataFrame, tables: list[str]) -> pd.DataFrame:
    """Agreement of each real board with each synthetic one, for each mechanism and pooled."""
    rows = []
    regrets = regrets.assign(stratum=regrets["mechanism"] + " " + regrets["strength"].astype(str))
    for table in tables:
        real = regrets[regrets["board"] == table]
        for kind in KINDS:
            name = f"calibrated to {table}" if kind == "calibrated" else kind
            synthetic = regrets[regrets["board"] == name]
            pools: dict[str, list[str]] = {mechanism: [mechanism] for mechanism in COUNTERPARTS}
            pools |= {"recorded + nonlinear": ["recorded", "nonlinear"], "all": list(COUNTERPARTS)}
            for pool, members in pools.items():
                chosen = [
                    board[board["mechanism"].isin(members) & (board["strength"] > 0)]
                    for board in (real, synthetic)
                ]
                both = set(chosen[0]["stratum"]) & set(chosen[1]["stratum"])
                if {stratum.split()[0] for stratum in both} != set(members):
                    continue
                chosen = [board[board["stratum"].isin(both)] for board in chosen]
                rng = make_rng("external", table, kind, pool)
                agreement: Agreement = compare_boards(chosen[0], chosen[1], rng)
                rows.append({"table": table, "worlds": kind, "mechanism": pool, **vars(agreement)})
    return pd.DataFrame(rows)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--headlines", type=Path, help="upworthy_headlines.csv.gz")
    parser.add_argument(
        "--persuasion", type=Path, help="folder of persuasion_responses.csv.gz and _messages.csv.gz"
    )
    parser.add_argument("--splits", type=int, default=6, help="splits of each table")
    parser.add_argument("--worlds", type=int, default=4, help="seeds of each synthetic world")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop measuring after so many minutes")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of external-validity.md")
    options = parser.parse_args()
    folder = (
        options.persuasion.parent
        if options.persuasion and options.persuasion.is_file()
        else options.persuasion
    )
    experiments = Experiments(options.headlines, folder)
    store = build_folder() / "external" / "regrets.jsonl"
    regrets = run(experiments, store, options.splits, options.worlds, options.minutes)
    write_page(compare(regrets, experiments.names), regrets, options.out)


if __name__ == "__main__":
    main()
