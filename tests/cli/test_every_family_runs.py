"""Every verb works on every family, user tables included, or refuses with a reason and an exit code."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

import benchmark
import simulators
from benchmark.cli.main import invoke
from benchmark.tasks import pretraining

ROWS = 80
SUITE = """
name = "all"
version = "1"
n = {rows}
seeds = 1
[queries]
pairs = 32
contrasts = 4
pool = 32
samples = 2
[[cells]]
scenarios = {scenarios}
methods = ["covariate-regression"]
"""
FAMILIES = [card.name for card in simulators.list_families(user_data=True)]
# It writes its texts with a language model, which a plain install does not bring.
REFUSED = {"generated"}


def write_trial(path):
    """A randomised table: three notes in each of 60 polls; an exclamation mark is worth 1."""
    rng = np.random.default_rng(0)
    poll, note, loud = np.repeat(np.arange(60), 12), np.arange(720) // 4, (np.arange(720) // 4) % 3 == 0
    texts = [f"note {number} of today{'!' if mark else ''}" for number, mark in zip(note, loud, strict=True)]
    agree = loud + rng.normal(scale=0.3, size=720)
    csv.write_csv(pa.table({"text": texts, "test": [f"poll {p}" for p in poll], "outcome": agree}), path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a trial, a suite of every family that was run once, and a small build folder."""
    folder = tmp_path_factory.mktemp("families")
    write_trial(folder / "trial.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CONFOUNDBENCH_BUILD", str(folder / "build"))
        patch.setattr(pretraining, "PRETRAINING_TEXTS", 600)
        pretraining.hash_backbone.cache_clear()
        scenarios = [scenario_of(name) for name in FAMILIES if name not in REFUSED]
        (folder / "all.toml").write_text(SUITE.format(rows=ROWS, scenarios=json.dumps(scenarios)))
        summary = benchmark.run_suite("all.toml", "store", workers=0, device="cpu")
        yield summary
    pretraining.hash_backbone.cache_clear()


def scenario_of(family):
    return "corpus[data=trial.csv]" if family == "corpus" else family


def call(capsys, *arguments):
    code = invoke([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def refuses(code, told):
    return code in (2, 3, 4) and bool(told["what"]) and "unexpected" not in told["what"]


@pytest.mark.parametrize("family", FAMILIES)
def test_simulate(place, family, capsys, tmp_path):
    rows = [] if family == "corpus" else ["--n", str(ROWS)]  # a table has the rows that it has
    arguments = ["simulate", scenario_of(family), *rows, "--twin", "--with-truth"]
    code, told = call(capsys, *arguments, "--out", str(tmp_path))
    if family in REFUSED:
        assert refuses(code, told)
    else:
        assert code == 0
        assert {"log.parquet", "twin.parquet", "truth.json"} <= set(told["files"])


@pytest.mark.parametrize("family", FAMILIES)
def test_audit(place, family, capsys):
    arguments = ["audit", "naive", "--scenario", scenario_of(family), "--n", str(ROWS), "--rounds", "1"]
    code, told = call(capsys, *arguments)
    assert refuses(code, told) or (code == 0 and len(told["rounds"]) == 1)


def test_run(place):
    records = benchmark.read_records(place.store)
    assert set(records["family"]) == set(FAMILIES) - REFUSED
    others = records[~records["status"].isin(["ok", "incompatible"])]
    assert others.empty, others[["family", "method", "reason"]].to_string()
    assert set(records[records["method"] == "ceiling"]["status"]) == {"ok"}
    assert (records[records["status"] == "incompatible"]["reason"] != "").all()


def test_a_model_that_is_not_there_is_refused(place, capsys):
    code, told = call(capsys, "run", "--suite", "all.toml", "--scenario", "generated", "--dry-run")
    assert refuses(code, told)


def test_compare(place, capsys):
    code, told = call(capsys, "compare", str(place.store), str(place.store))
    assert code in (0, 3)
    assert told
