"""The crossed table of methods and encoders, on records whose orders are known."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmark.contract.errors import IncompleteError
from benchmark.tasks.suite import load_suite

PATH = Path(__file__).resolve().parents[2] / "examples" / "encoder_order.py"
SPEC = importlib.util.spec_from_file_location("encoder_order", PATH)
assert SPEC is not None
assert SPEC.loader is not None
encoder_order = importlib.util.module_from_spec(SPEC)
sys.modules["encoder_order"] = encoder_order
SPEC.loader.exec_module(encoder_order)

METHODS = ("a", "b", "c", "d")
WORDS, STATES, ORACLE = "loglinear", "loglinear[encoder=states]", "tiny[encoder=attributes]"


def records(**regrets: tuple[float, ...]) -> pd.DataFrame:
    rows = [
        {
            "scenario": scenario, "seed": seed, "method": method, "backbone": backbone,
            "status": "ok", "role": "", "canary": False,
            "metric.rho": rho + 0.001 * seed + (0.1 if scenario == "hard" else 0.0),
        }
        for backbone, order in zip((WORDS, STATES, ORACLE), regrets.values(), strict=False)
        for method, rho in zip(METHODS, order, strict=True)
        for scenario in ("easy", "hard")
        for seed in range(3)
    ]  # fmt: skip
    controls = [{**row, "method": "ceiling", "role": "ceiling", "metric.rho": 0.0} for row in rows[::8]]
    canaries = [{**row, "method": "canary-random", "canary": True} for row in rows[::8]]
    return pd.DataFrame([*rows, *controls, *canaries])


def test_taus_are_those_of_the_orders():
    # words: a b c d. states: b a c d, one of six pairs swapped: tau = (5 - 1) / 6. oracle: reversed, -1.
    found = encoder_order.compare_encoders(
        records(words=(0.1, 0.2, 0.3, 0.4), states=(0.2, 0.1, 0.3, 0.4), oracle=(0.4, 0.3, 0.2, 0.1))
    )
    tau = found.tau.set_index(["first", "second"])
    assert tau.loc[("states", "words"), "tau"] == pytest.approx(2 / 3)
    assert tau.loc[("attributes", "words"), "tau"] == pytest.approx(-1.0)
    # Orders that are the same at every seed leave nothing uncertain.
    assert (tau["low"] == tau["high"]).all()
    assert set(found.regret.index) == set(METHODS)
    assert list(found.regret.columns) == ["attributes", "states", "words"]
    # Mean over the easy and the hard cells and three seeds: .1 + .05 + .001.
    assert found.regret.loc["a", "words"] == pytest.approx(0.151)


def test_cells_that_an_encoder_lacks_count_for_none():
    both = records(words=(0.1, 0.2, 0.3, 0.4), states=(0.1, 0.2, 0.3, 0.4))
    lacking = both[~((both["backbone"] == STATES) & (both["scenario"] == "hard"))]
    regret = encoder_order.compare_encoders(lacking).regret
    assert regret.loc["a", "words"] == pytest.approx(0.101)
    failed = both.assign(status=["failed" if b == STATES else "ok" for b in both["backbone"]])
    with pytest.raises(IncompleteError, match="encoders cannot be compared"):
        encoder_order.compare_encoders(failed)


def test_the_suite_crosses_every_encoder_with_the_same_cells():
    suite = load_suite("encoders")
    assert {encoder_order.name_encoder(name) for name in suite.backbones} == {
        "words", "states", "minilm", "attributes",
    }  # fmt: skip
    assert len({(product.scenarios, product.methods, product.seeds) for product in suite.cells}) == 1
