"""Whether the order of methods depends on the encoder: a crossed table and Kendall's tau.

    confoundbench run --suite encoders
    python examples/encoder_order.py build/store/encoders

Rows of the table are methods, columns encoders, entries mean normalised regret over the cells that every
method has under every encoder (0 perfect, .5 a coin). Tau compares two encoders' orders of methods; its
interval resamples seeds.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from benchmark.contract import make_rng
from benchmark.contract.errors import IncompleteError
from benchmark.contract.records import read_records

DRAWS, LEVEL = 400, 0.95
ENCODER = re.compile(r"encoder=([^,\]]+)")


@dataclass(frozen=True, eq=False)
class EncoderOrder:
    """Methods under encoders.

    Attributes:
        regret: Mean normalised regret, methods by encoders.
        tau: Columns ``first``, ``second`` (encoders), ``tau``, ``low``, ``high``; one row a pair.
    """

    regret: pd.DataFrame
    tau: pd.DataFrame


def name_encoder(backbone: str) -> str:
    """The encoder of a backbone, ``"words"`` where it names none."""
    found = ENCODER.search(backbone)
    return found.group(1) if found else "words"


def compare_encoders(records: pd.DataFrame) -> EncoderOrder:
    """Cross methods with encoders.

    Args:
        records: Columns ``scenario``, ``seed``, ``method``, ``backbone``, ``status``, ``role``, ``canary``
            and ``metric.rho``; the ceiling and canaries are left out.

    Raises:
        IncompleteError: If no cell was done by two methods under two encoders.
    """
    done = records[(records["status"] == "ok") & records["metric.rho"].notna()]
    done = done[(done["role"] != "ceiling") & ~done["canary"].astype(bool)]
    done = done.assign(encoder=done["backbone"].map(name_encoder))
    # A cell counts where it was done under every encoder, so that all columns average the same cells.
    cells = done.pivot_table(index=["seed", "method", "scenario"], columns="encoder", values="metric.rho")
    common = cells.dropna()
    names = common.index.get_level_values("method").unique()
    if len(common.columns) < 2 or len(names) < 2:
        raise IncompleteError(
            "encoders cannot be compared",
            expected="two methods or more, done on the same cells under two encoders or more",
            found=f"{len(names)} such methods, encoders {', '.join(cells.columns) or 'none'}",
        )
    by_seed = [part.droplevel("seed") for _, part in common.groupby(level="seed")]
    rng = make_rng("encoder order")
    draws = [
        find_taus(average(pd.concat([by_seed[i] for i in rng.integers(len(by_seed), size=len(by_seed))])))
        for _ in range(DRAWS)
    ]
    low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    regret = average(common)
    pairs = pd.DataFrame(combinations(regret.columns, 2), columns=["first", "second"])
    return EncoderOrder(regret, pairs.assign(tau=find_taus(regret), low=low, high=high))


def average(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean over cells, methods by encoders, the best under the first encoder on top."""
    means = cells.groupby(level="method").mean()
    return means.sort_values(means.columns[0])


def find_taus(regret: pd.DataFrame) -> list[float]:
    """Kendall's tau of every two encoders' orders of methods, in the order of ``combinations``."""
    return [float(kendalltau(a, b).statistic) for a, b in combinations(regret.to_numpy().T, 2)]


def main(folder: str) -> None:
    order = compare_encoders(read_records(Path(folder)).to_pandas())
    sys.stdout.write(f"{order.regret.round(3)}\n\n{order.tau.round(2).to_string(index=False)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
