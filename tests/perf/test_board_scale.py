"""A board of 100,000 records: 160 methods on the log and on their twins, over four boards, in a minute."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.contract.records import make_table, write_packs
from leaderboard import build_board

METHODS, SEEDS = 160, 5
FAMILIES = {"recorded": 28, "auxiliary": 16, "preferences": 8, "unidentified": 6, "controls": 6}
SECONDS, GIGABYTES = 60.0, 2.0


def make_store(folder: Path) -> int:
    """Records of entrants with a floor, learning costs and confounding costs of their own, in packs."""
    rng = np.random.default_rng(0)
    names = ["naive", "ceiling", *(f"method-{i:03d}" for i in range(METHODS))]
    learning, share = rng.uniform(0, 0.2, len(names)), rng.uniform(-0.2, 1, len(names))
    learning[:2], share[:2] = 0, (0, 1)
    parts = []
    for board, families in FAMILIES.items():
        for family in range(families):
            for seed in range(SEEDS):
                naive, floor = rng.uniform(0.2, 0.4), 0.05
                if board == "controls":
                    naive = floor
                cost = (naive - floor) * (1 - share) * rng.normal(1, 0.1, len(names))
                for on in ("log", "twin"):
                    rho = floor + learning + (cost if on == "log" else 0) + rng.normal(0, 0.01, len(names))
                    kept = [i for i in range(len(names)) if (names[i] == "ceiling") <= (on == "twin")]
                    rho = np.clip(rho, 0, 1)
                    parts.append(
                        pd.DataFrame(
                            {
                                "suite": "large",
                                "suite_version": "1",
                                "season": "s",
                                "scenario": f"{board}-{family}[n=4000]",
                                "family": f"{board}-{family}",
                                "strength": 2.0,
                                "n": 4000,
                                "seed": seed,
                                "method": [names[i] for i in kept],
                                "label": [names[i] for i in kept],
                                "track": "log",
                                "kind": "pairs" if board == "preferences" else "outcome",
                                "backbone": "loglinear",
                                "device": "cpu",
                                "precision": "float32",
                                "status": "ok",
                                "reason": "",
                                "adjusts": True,
                                "policy": False,
                                "canary": False,
                                "role": [names[i] if i < 2 else "method" for i in kept],
                                "submission": "",
                                "isolation": "",
                                "fitted_on": on,
                                "board": board,
                                "cell_naive_rho": naive if board != "controls" else 0.0,
                                "cell_effect_scale": 1.0,
                                "cell_roles": "covariate outcome prompt text",
                                "metric.rho": rho[kept],
                                "metric.effect_cosine": 0.9,
                                "metric.value_kl_1": 0.4,
                                "meter.wall_s": 1.0,
                            }
                        )
                    )
    records = pd.concat(parts, ignore_index=True)
    write_packs(folder, make_table(records.to_dict("records")))
    return len(records)


@pytest.mark.slow
def test_everything_is_regenerated_from_many_records(tmp_path):
    count = make_store(tmp_path / "results")
    assert count > 100_000
    begun = time.process_time()
    board = build_board(tmp_path / "results", tmp_path / "site")
    spent = time.process_time() - begun
    assert {row[0] for row in board.table("parts").rows} == set(FAMILIES)
    assert spent < SECONDS
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20 < GIGABYTES
