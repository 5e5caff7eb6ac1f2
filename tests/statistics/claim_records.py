"""The cells that the suite ``claims`` plans, and records in which a claim is true or false by design."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from benchmark.contract.records import METRICS
from benchmark.runs.entrants import list_entrants
from benchmark.runs.plan import make_plan
from benchmark.tasks.prepare import strength_of
from benchmark.tasks.suite import load_suite
from leaderboard.claims import EVERY, Claim, Part
from leaderboard.claims.cells import choose_cells

LIMITS = {metric.name: (max(metric.low, -5.0), min(metric.high, 5.0)) for metric in METRICS}


@cache
def planned_cells() -> pd.DataFrame:
    """One row a planned cell, with every column that decides which part it serves."""
    plan = make_plan(load_suite("claims"), list_entrants())
    rows = [
        {
            "suite": "claims", "suite_version": "1", "season": "test", "reason": "", "backbone": "loglinear",
            "scenario": cell.scenario.id, "family": cell.scenario.family, "n": cell.scenario.n,
            "strength": strength_of(cell.scenario), "seed": cell.seed, "method": group.entrant.name,
            "track": group.entrant.track, "kind": "outcome", "status": "ok", "role": group.entrant.role,
            "adjusts": group.entrant.adjusts, "policy": group.entrant.policy, "submission": "",
            "canary": False, "fitted_on": group.fitted_on, "board": "recorded", "cell_naive_rho": 0.3,
            "cell_effect_scale": 1.0, "cell_roles": "", "metric.rho": 0.3,
        }
        for group in plan.groups
        for cell in group.cells
    ]  # fmt: skip
    return pd.DataFrame(rows)


def members_of(part: Part) -> list[str]:
    """The methods that a part is about, as planned."""
    if part.method not in EVERY:
        return [part.method]
    cells = choose_cells(planned_cells(), part.family, part.where)
    wanted = (cells["role"] == "method") & (cells["track"] == "log")
    return sorted(set(cells[wanted & (cells["adjusts"] == (part.method == EVERY[0]))]["method"]))


def terms_of(part: Part, method: str) -> tuple[dict[tuple[str, str, str], float], float]:
    """A part's statistic as a linear form: weights of (scenario, method, column), and a constant."""
    weights: dict[tuple[str, str, str], float] = {}
    constant = 0.0
    kind, _, name = part.against.partition(":")
    column = f"{part.metric}²" if part.truth else part.metric
    for sign, where in ((1.0, part.where), (-1.0, part.minus)):
        if where is None:
            continue
        cells = choose_cells(planned_cells(), part.family, where)
        cells = cells[cells["method"] == method]
        for scenario, count in cells["scenario"].value_counts().items():
            share = sign * count / len(cells)
            sides = [((str(scenario), method, column), share)]
            if kind == "value":
                constant -= share * part.times * float(name)
            elif kind == "metric":
                other = f"{name}²" if part.truth else name
                sides.append(((str(scenario), method, other), -share * part.times))
            else:
                sides.append(((str(scenario), part.against, column), -share * part.times))
            for key, weight in sides:
                weights[key] = weights.get(key, 0.0) + weight
    return weights, constant


def design(claim: Claim, failing: int | None = None) -> tuple[dict[tuple[str, str, str], float], float]:
    """Values of every number that a claim is about, at which it is true, or one of its parts is false.

    A linear programme finds the values with the greatest margin from the thresholds, within the limits
    of the metrics.

    Args:
        claim: The claim.
        failing: Number of the part that is to fail; None makes all parts hold.

    Returns:
        Values by (scenario, method, column), and the margin, which is negative where there are none.
    """
    rows, edges = [], []
    for index, part in enumerate(claim.parts):
        if failing not in (None, index):
            continue
        for method in members_of(part)[: 1 if failing is not None else None]:
            weights, constant = terms_of(part, method)
            centre = part.target if part.relation == "equal" else 0.0
            above = (weights, 1.0, centre + part.threshold - constant)  # weights @ x <= edge
            below = (weights, -1.0, part.threshold - centre + constant)
            if part.relation == "greater":
                below = (weights, -1.0, constant - part.threshold)
            if failing is None:
                wanted = {"equal": (above, below), "less": (above,), "greater": (below,)}[part.relation]
            elif part.relation == "less":
                wanted = ((weights, -1.0, constant - part.threshold),)
            elif part.relation == "greater":
                wanted = ((weights, 1.0, part.threshold - constant),)
            else:
                wanted = ((weights, -1.0, constant - part.threshold - centre),)
            for form, sign, edge in wanted:
                rows.append({key: sign * weight for key, weight in form.items()})
                edges.append(edge)
    keys = sorted({key for row in rows for key in row})
    matrix = np.array([[row.get(key, 0.0) for key in keys] + [1.0] for row in rows])
    bounds = [_limits(key[2]) for key in keys] + [(-10.0, 0.2)]
    found = linprog(np.r_[np.zeros(len(keys)), -1.0], matrix, edges, bounds=bounds)
    return dict(zip(keys, found.x, strict=False)), float(found.x[-1])


def _limits(column: str) -> tuple[float, float]:
    if column.endswith("²"):
        return 0.0, 5.0
    return LIMITS.get(column, (-5.0, 5.0))


def simulate(claim: Claim, values: dict[tuple[str, str, str], float], noise: float) -> pd.DataFrame:
    """Records of the planned cells, ten seeds each, with some values and independent noise."""
    cells = planned_cells()
    cells = cells[cells["seed"] < 10].reset_index(drop=True)
    scenarios, methods = {key[0] for key in values}, {key[1] for key in values}
    cells = cells[cells["scenario"].isin(scenarios) & cells["method"].isin(methods)].reset_index(drop=True)
    truths = {part.truth for part in claim.parts if part.truth}
    added: dict[str, Any] = {_column(name): np.zeros(len(cells)) for name in truths}
    rng = np.random.default_rng([len(claim.name), len(cells)])
    for column in sorted({key[2] for key in values}):
        places = zip(cells["scenario"], cells["method"], strict=True)
        mean = [values.get((scenario, method, column), np.nan) for scenario, method in places]
        drawn = np.array(mean) + noise * rng.standard_normal(len(cells))
        square = column.endswith("²")
        added[_column(column.rstrip("²"))] = np.sqrt(np.maximum(drawn, 0)) if square else drawn
    return cells.assign(**added)


def _column(name: str) -> str:
    return name if name.startswith("diagnostic.") else f"metric.{name}"
