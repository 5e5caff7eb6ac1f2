"""``simulate`` writes each family, its twin and its truth; ``list scenarios`` shows them all."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import simulators
import simulators.text
from benchmark.cli.main import invoke

CARDS = simulators.list_families()
ROWS = 200


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_simulate_writes_log_twin_and_truth(card, tmp_path):
    out = tmp_path / card.name
    assert invoke(["simulate", card.name, "--n", str(ROWS), "--out", str(out), "--with-truth", "--twin"]) == 0
    log, twin, told, twin_told = (
        pq.read_table(out / f"{name}.parquet") for name in ("log", "twin", "truth", "twin_truth")
    )
    assert {len(table) for table in (log, twin, told, twin_told)} == {ROWS}
    truth, shown = json.loads((out / "truth.json").read_text()), json.loads((out / "card.json").read_text())
    effects = truth["effects"]
    assert set(effects) == set(truth["naive_limit"]) == set(shown["roles"])
    assert {f"attribute.{name}" for name in effects} <= set(told.column_names)
    assert truth["value_optimal"] >= truth["value_reference"] - 1e-9
    # the truth is row-aligned: the first text's attributes are those its detector reads
    domain = simulators.text.load_domain(shown["domain"])
    first = {"outcome": "text", "pairs": "chosen", "rankings": "first"}[card.log_kind]
    read = domain.detect(log.column(first).to_pylist()).attributes
    for k, name in enumerate(domain.attributes):
        assert np.array_equal(read[:, k], told.column(f"attribute.{name}").to_numpy())
    assert not any(name.startswith(("hidden.", "reward")) for name in log.column_names + twin.column_names)


def test_list_scenarios_shows_every_family_parameter_and_situation(capsys):
    assert invoke(["list", "scenarios", "--json"]) == 0
    text = capsys.readouterr().out
    listed = json.loads(text)["scenarios"]
    cards = simulators.list_families(user_data=True)
    for card in cards:
        assert card.name in text
        for parameter in card.parameters:
            assert parameter.name in text
    assert len(listed) == len(cards) > len(CARDS)
    situations = json.dumps(listed)
    assert all(json.dumps(card.situation)[1:-1] in situations for card in cards)
