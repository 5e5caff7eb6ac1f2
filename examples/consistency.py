"""Whether the estimator that each world's causal graph calls for gets to the truth as logs grow.

    python examples/consistency.py run build/consistency.jsonl 4000 32000
    python examples/consistency.py page build/consistency.jsonl > docs/consistency.md

Texts are read as their attributes, except where the words of prompts matter, so that what is left of a regret
is confounding and noise. The ceiling is the regression that is given the complete randomised twin. ``run``
adds to the file what is not there yet.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import methods
from benchmark.contract import Log, RewardFunction
from benchmark.harness import Harness, drive, predict
from benchmark.scoring.score import score
from benchmark.tasks.backbones import load_backbone
from benchmark.tasks.prepare import Task, make_task, view_track
from benchmark.tasks.pretraining import make_backbone
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import load_suite

SEEDS = range(2)
ORACLE, WORDS = "loglinear[encoder=attributes]", "loglinear"


@dataclass(frozen=True)
class Estimator:
    """An estimator that uses a strategy.

    Attributes:
        strategy: One of ``simulators.identification.strategies.STRATEGIES``.
        method: A row of the catalogue.
        backbone: What reads texts and prompts.
        renamed: Columns that the estimator knows under another name; None where it is not shown them.
    """

    strategy: str
    method: str
    backbone: str = ORACLE
    renamed: tuple[tuple[str, str | None], ...] = ()


LATE = (("covariate.dwell", None), ("covariate.shares", None))
TWO_MEASUREMENTS = (
    ("instrument.placement", "proxy.a.placement"),
    ("covariate.popularity", "proxy.b.popularity"),
)

IDENTIFIED = {
    "badcontrol": Estimator("back-door", "covariate-regression"),
    "badcontrol[labelled=false]": Estimator("back-door", "covariate-regression", renamed=LATE),
    "brief": Estimator("back-door", "prompt-partial-out", WORDS),
    "correlated": Estimator("randomised", "naive"),
    "corrupt": Estimator("slice", "slice-only"),
    "drift": Estimator("back-door", "time-regression"),
    "entangled": Estimator("confounder-instrument", "residual-instrumented"),
    "entangled[reaction=0.5]": Estimator("proxies", "proximal", renamed=TWO_MEASUREMENTS),
    "heterogeneous": Estimator("randomised", "naive"),
    "instrument": Estimator("instrument", "instrumented-texts"),
    "interaction": Estimator("back-door", "outcome-model-averaged"),
    "judge": Estimator("randomised", "judge-calibrated"),
    "letters": Estimator("back-door", "covariate-regression"),
    "marker": Estimator("back-door", "covariate-regression"),
    "mixture": Estimator("slice", "slice-only"),
    "nonlinear": Estimator("back-door", "outcome-model-averaged"),
    "objective": Estimator("randomised", "multi-head"),
    "observed": Estimator("back-door", "covariate-regression"),
    "observed[strength=0]": Estimator("randomised", "naive"),
    "overlap": Estimator("back-door", "covariate-regression"),
    "position": Estimator("back-door", "slot-regression"),
    "proxy": Estimator("proxies", "proximal"),
    "randomised": Estimator("randomised", "naive"),
    "robust": Estimator("back-door", "outcome-model-averaged"),
    "selection": Estimator("selection-weights", "observation-weighted"),
    "selection[rule=extreme]": Estimator("shadow", "observation-weighted-shadow"),
    "style": Estimator("back-door", "covariate-regression"),
    "wide": Estimator("back-door", "covariate-regression"),
}
UNIDENTIFIED = (
    "entangled[endogeneity=1]",
    "hidden",
    "impossible",
    "instrument[direct=1]",
    "instrument[dependent=1]",
    "marker[rule=deterministic]",
    "overlap[correlation=1]",
    "prefix",
)
# No text is better than another here, so there is no order to find.
WITHOUT_ORDER = ("null",)
INSTRUMENTS = "two-stage-nonlinear"
TRIED = (
    "naive", "bradley-terry", "covariate-regression", "covariate-regression-boosted", "residual-marginal",
    "residual-partial-out", "residual-instrumented", "outcome-model-averaged", "doubly-robust-corrected",
    "ipw-estimated", "instrumented-texts", "proximal", "insider-responses", INSTRUMENTS,
)  # fmt: skip


def fit_nonlinear_instruments(log: Log, harness: Harness) -> RewardFunction:
    """Two-stage least squares that takes every recorded number, its square and all products for instruments.

    It would find the effects if what was recorded moved the outcome through the text alone, however it did.
    """
    names = [name for name in log.table.column_names if "." in name]
    z = np.column_stack([log.numbers(name) for name in names])
    z = (z - z.mean(axis=0)) / np.maximum(z.std(axis=0), 1e-12)
    first, second = np.triu_indices(z.shape[1])
    instruments = np.column_stack([np.ones(len(z)), z, z[:, first] * z[:, second], np.tanh(2 * z)])
    texts = harness.encode(log.prompts, log.texts)
    stage = np.linalg.lstsq(instruments, texts, rcond=1e-9)[0]
    predicted = instruments @ stage
    design = np.column_stack([np.ones(len(z)), predicted])
    effects = np.linalg.lstsq(design, log.outcomes, rcond=1e-6)[0][1:]
    return RewardFunction(lambda prompts, asked: harness.encode(prompts, asked) @ effects)


def rename(log: Log, renamed: tuple[tuple[str, str | None], ...]) -> Log:
    """The log with columns under other names, or without them."""
    table, names = log.table, dict(renamed)
    kept = [name for name in table.column_names if names.get(name, name) is not None]
    return Log(pa.table({str(names.get(name, name)): table.column(name) for name in kept}), log.feedback)


def regret(task: Task, method: str, backbone: str, log: Log) -> float:
    """Normalised regret of a method fitted on a log; NaN where it cannot take it."""
    suite_backbone = load_backbone(make_backbone(task.domain, backbone))
    harness = Harness(suite_backbone, budget=BUDGET, path=("consistency", method, str(task.seed)))
    if method == INSTRUMENTS:
        if log.kind != "outcome" or not any("." in name for name in log.table.column_names):
            return float("nan")
        fitted = fit_nonlinear_instruments(log, harness)
    else:
        loaded = methods.load(method)
        if loaded.tags.reason_to_refuse(log):
            return float("nan")
        fitted = drive(loaded, [(log, harness)])[0]
        if not hasattr(fitted, "reward"):
            raise SystemExit(f"{method} on {task.scenario.id}: {fitted}")
    return float(score(predict(fitted, task.queries), task.queries, task.truth)["rho"])


def measure(scenario: str, n: int, seed: int) -> Iterator[tuple[str, float]]:
    """Names and regrets on one world: the ceiling, then the estimator, or all that are tried."""
    task = make_task(Scenario.parse(scenario).with_rows(n), seed, SUITE)
    estimator = IDENTIFIED.get(scenario)
    backbone = ORACLE if estimator is None else estimator.backbone
    yield "ceiling", regret(task, "ceiling", backbone, task.view("log", "complete"))
    for method in TRIED if estimator is None else (estimator.method,):
        track = "log" if method == INSTRUMENTS else methods.load(method).tags.track
        log = view_track(task.log, track)
        yield method, regret(task, method, backbone, rename(log, estimator.renamed) if estimator else log)


def run(path: Path, sizes: list[int]) -> None:
    """Measure what the file lacks, a line for each world."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    done = {(row["scenario"], row["n"], row["seed"]) for row in map(json.loads, lines)}
    for n in sizes:
        for scenario in (*IDENTIFIED, *UNIDENTIFIED):
            for seed in SEEDS:
                if (scenario, n, seed) not in done:
                    row = {
                        "scenario": scenario,
                        "n": n,
                        "seed": seed,
                        "rho": dict(measure(scenario, n, seed)),
                    }
                    with path.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")


SUITE = load_suite("quick")
BUDGET = SUITE.budget.freeze()


def describe(path: Path) -> str:
    """The page, as markdown: means over seeds, an estimator or the best of all that were tried a row."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    sizes = sorted({row["n"] for row in rows})
    head = " | ".join(f"n = {n:,}" for n in sizes)
    identified = [
        f"| `{scenario}` | {own.strategy} | `{own.method}` | "
        + " | ".join(_compare(rows, scenario, n, (own.method,)) for n in sizes)
        + " |"
        for scenario, own in IDENTIFIED.items()
    ]
    unidentified = [
        f"| `{scenario}` | " + " | ".join(_compare(rows, scenario, n, TRIED) for n in sizes) + " |"
        for scenario in UNIDENTIFIED
    ]
    return PAGE.format(
        identified="\n".join(
            [f"| world | strategy | estimator | {head} |", _rule(3 + len(sizes)), *identified]
        ),
        unidentified="\n".join([f"| world | {head} |", _rule(1 + len(sizes)), *unidentified]),
        tried=", ".join(f"`{name}`" for name in TRIED if name != INSTRUMENTS),
    )


def _rule(columns: int) -> str:
    return "|" + "---|" * columns


def _compare(rows: list[dict[str, Any]], scenario: str, n: int, names: tuple[str, ...]) -> str:
    """Mean regret of the best of some methods, the ceiling's in brackets; "" where nothing was measured."""
    own = [row for row in rows if row["scenario"] == scenario]
    common = set.intersection(*({row["seed"] for row in own if row["n"] == m} for m in {r["n"] for r in own}))
    found = [row["rho"] for row in own if row["n"] == n and row["seed"] in common]
    if not found:
        return ""
    means = {name: float(np.mean([regrets[name] for regrets in found])) for name in names if name in found[0]}
    best = min((name for name in means if means[name] == means[name]), key=lambda name: means[name])
    ceiling = np.mean([regrets["ceiling"] for regrets in found])
    named = f"`{best}` " if len(names) > 1 else ""
    return f"{named}{means[best]:.3f} ({ceiling:.3f})"


PAGE = """# Estimators in long logs

This page says whether the estimator that a world's causal graph calls for gets to the truth as logs grow, and
whether any gets there where the graph allows none. [identification.md](identification.md) derives the
strategies. An entry is the mean normalised regret, and in brackets that of the ceiling, a regression on the
complete randomised twin of as many rows. All entries of a row are means over the same worlds, one to three of
them. Texts are read as their attributes, except in `brief`, where prompts and texts are read as words.
`python examples/consistency.py` measures and writes the page.

## Worlds that are identified

{identified}

In `badcontrol[labelled=false]` the two columns that come after the text are left out, as the strategy says.
In `entangled[reaction=0.5]` placement and measured popularity are handed to the estimator as its two proxies.
There the estimator's regret falls slowly and stays above the ceiling's in the longest logs measured. `null`
has no entry: no text is better than another there.

## Worlds that are not

An entry names the best of all estimators that take the log: {tried}, and two-stage least squares that
takes every recorded number, its square, its saturation and all products for instruments
(`two-stage-nonlinear`).

{unidentified}

In `impossible` a coin that is not in the log decides whether texts help or harm, so single worlds come out
well or badly by chance; the mean over many is one half (`tests/truth/test_impossible.py`). In
`marker[rule=deterministic]` no day is seen with and without the greeting. A regression that credits the days
with all that could be the greeting's finds the truth there because the greeting does nothing, and for no
other reason.
"""


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]), [int(size) for size in sys.argv[3:]])
    else:
        sys.stdout.write(describe(Path(sys.argv[2])))
