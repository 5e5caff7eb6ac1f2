"""Synthetic records: methods whose true improvement over naive is chosen, not learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SCENARIOS = {
    "observed[strength=0.5,n=4000]": ("observed", 0.5, 0.18),
    "observed[strength=1,n=4000]": ("observed", 1.0, 0.3),
    "observed[strength=2,n=4000]": ("observed", 2.0, 0.42),
    "marker[n=4000]": ("marker", 1.0, 0.25),
    "hidden[n=4000]": ("hidden", 1.0, 0.3),
    "randomised[n=4000]": ("randomised", 0.0, 0.01),
    "null[n=4000]": ("null", 1.0, np.nan),
}
# Share of the way from naive to ceiling that a method goes, and what it claims.
METHODS: dict[str, dict[str, Any]] = {
    "naive": {"share": 0.0, "role": "naive"},
    "ceiling": {"share": 1.0, "role": "ceiling"},
    "good": {"share": 0.9, "adjusts": True},
    "fair": {"share": 0.5, "adjusts": True},
    "poor": {"share": -0.2, "policy": True},
    "canary-constant": {"share": None, "role": "canary"},
}
CEILING_RHO = 0.03


def make_records(
    methods: Mapping[str, Mapping[str, Any]] = METHODS,
    seeds: int = 6,
    noise: float = 0.02,
    stream: int = 0,
    scenarios: Mapping[str, tuple[str, float, float]] = SCENARIOS,
) -> pd.DataFrame:
    """Records in which ``rho = naive - share * (naive - ceiling) + noise``, shared noise by (family, seed).

    A method's noise depends on its name alone, so that entrants do not disturb each other.
    """
    rows = []
    for name, facts in methods.items():
        for scenario, (family, _, level) in scenarios.items():
            for seed in range(seeds):
                path = (stream, *f"{family}{seed}".encode())
                common = np.random.default_rng(path).normal(0, 2 * noise)
                own = np.random.default_rng((*path, *f"{name}{scenario}".encode())).normal(0, noise)
                naive = level + common
                share = facts.get("share", 0.0)
                rho = naive - (share or 0.0) * (naive - CEILING_RHO) + (own if name != "naive" else 0.0)
                rho = 0.5 if share is None else float(np.clip(rho, 0, 1))
                rows.append(_row(name, facts, scenario, seed, rho if np.isfinite(level) else np.nan))
    return pd.DataFrame(rows)


def _row(name: str, facts: Mapping[str, Any], scenario: str, seed: int, rho: float) -> dict[str, Any]:
    family, strength, level = SCENARIOS.get(scenario, (scenario.partition("[")[0], 1.0, 0.3))
    role = facts.get("role", "method")
    return {
        "suite": "synthetic",
        "suite_version": "1",
        "season": "test",
        "scenario": scenario,
        "family": family,
        "strength": strength,
        "n": 4000,
        "seed": seed,
        "method": name,
        "label": name,
        "track": facts.get("track", "log"),
        "kind": "outcome",
        "backbone": "tiny",
        "device": "cpu",
        "precision": "float32",
        "status": "ok",
        "reason": "",
        "adjusts": facts.get("adjusts", False),
        "policy": facts.get("policy", False),
        "canary": role == "canary",
        "role": role,
        "submission": facts.get("submission", ""),
        "fitted_on": facts.get("fitted_on", "twin" if role == "ceiling" else "log"),
        "board": facts.get("board", "recorded"),
        "isolation": facts.get("isolation", ""),
        "cell_naive_rho": level,
        "cell_effect_scale": 1.0,
        "cell_roles": "covariate outcome prompt text"
        + (" propensity target_propensity" if family != "hidden" else ""),
        "metric.rho": rho,
        "metric.effect_cosine": 0.9,
        "metric.marker_rate": 0.5 if facts.get("policy") else np.nan,
        "metric.reference_marker_rate": 0.5,
        "metric.value_kl_1": 0.4,
        "meter.wall_s": 1.0,
    }


def write_store(records: pd.DataFrame, folder: Path, files: int = 2) -> Path:
    """Records as the files of a store, split in an arbitrary way."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(files):
        part = records.iloc[index::files]
        table = pa.Table.from_pandas(part, preserve_index=False)
        kinds = [pa.string() if pa.types.is_large_string(f.type) else f.type for f in table.schema]
        plain = pa.schema(zip(table.column_names, kinds, strict=True))
        pq.write_table(table.cast(plain), folder / f"records-{index}.parquet")
    return folder


def add_twins(
    records: pd.DataFrame, learning: Mapping[str, float], noise: float = 0.005, stream: int = 0
) -> pd.DataFrame:
    """Records with one fit on the own twin for each fit on a log.

    Args:
        records: As ``make_records`` makes them.
        learning: Learning cost of each method; 0 where it is not named. ``rho`` on the twin is
            ``CEILING_RHO`` plus that plus noise.
        noise: Standard deviation of the noise.
        stream: Other streams have other noise.
    """
    twins = records[records["role"] != "ceiling"].copy()
    rng = np.random.default_rng((stream, 77))
    level = CEILING_RHO + twins["method"].map(lambda name: learning.get(name, 0.0))
    drawn = level + rng.normal(0, noise, len(twins))
    constant = twins["method"] == "canary-constant"
    twins["metric.rho"] = np.where(twins["metric.rho"].isna(), np.nan, np.where(constant, 0.5, drawn))
    twins["fitted_on"] = "twin"
    return pd.concat([records, twins], ignore_index=True)
