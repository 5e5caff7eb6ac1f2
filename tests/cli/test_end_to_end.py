"""From a suite to scores and a board, with real worlds, methods and harness, made small."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from benchmark.cli.main import invoke
from benchmark.runs.store import Store
from benchmark.tasks import pretraining

SUITE = """
name = "small"
version = "1"
n = 1500
seeds = 2
[budget]
steps = 3
[queries]
pairs = 256
contrasts = 16
pool = 64
samples = 4
[[cells]]
scenarios = ["observed[strength=2]", "null"]
methods = ["covariate-regression", "canary-constant", "dpo-raw"]
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a suite that was run once, in this process, on small backbones."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "small.toml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONFOUNDBENCH_BUILD", str(folder / "build"))
        patch.setattr(pretraining, "PRETRAINING_TEXTS", 1500)
        pretraining.hash_backbone.cache_clear()
        yield folder, run(folder)
    pretraining.hash_backbone.cache_clear()


def run(folder, *more):
    where = ["--suite", folder / "small.toml", "--store", folder / "store", "--workers", 0, "--device", "cpu"]
    return invoke(["run", *map(str, where), *more])


def records(folder):
    return Store.existing(folder / "store").read_records().to_pandas()


def test_a_run_measures_every_cell(finished):
    folder, code = finished
    assert code == 0
    table = records(folder)
    # five methods (naive and ceiling included), two scenarios, two seeds
    assert len(table) == 5 * 2 * 2
    assert set(table["status"]) == {"ok"}
    assert set(table["role"]) == {"method", "naive", "ceiling", "canary"}
    observed = table[table["family"] == "observed"].set_index(["method", "seed"])["metric.rho"].unstack()
    assert (observed.loc["canary-constant"] == 0.5).all()
    assert (observed.loc["ceiling"] < observed.loc["naive"]).all()
    assert (observed.loc["covariate-regression"] < observed.loc["naive"]).all()
    assert table[table["family"] == "null"]["metric.rho"].isna().all()
    policy = table[table["method"] == "dpo-raw"]
    assert policy["metric.value_samples"][policy["family"] == "observed"].notna().all()
    assert policy["metric.off_grammar_rate"].between(0, 1).all()
    assert (policy["meter.tokens"] > 0).all()
    assert (table["meter.wall_s"] > 0).all()


def test_provenance_lies_beside_the_records(finished):
    folder, _ = finished
    told = json.loads((folder / "store" / "run.json").read_text())
    assert {"packages", "components", "platform", "suite", "device", "engine"} <= set(told)
    assert told["precision"] == "float32"


def test_running_again_runs_nothing(finished, capsys):
    folder, _ = finished
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "store").glob("*-*")}
    assert run(folder, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ran"], told["skipped"]) == (0, 20)
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "store").glob("*-*")} == before


def test_stored_predictions_give_the_same_scores_again(finished, capsys):
    folder, _ = finished
    before = records(folder)
    arguments = ["score", "--suite", str(folder / "small.toml"), "--store", str(folder / "store"), "--json"]
    assert invoke(arguments) == 0
    assert json.loads(capsys.readouterr().out)["scored"] == 20
    assert records(folder).equals(before)


def test_the_board_and_the_claims_read_the_store(finished, capsys):
    folder, _ = finished
    store = str(folder / "store")
    code = invoke(
        [
            "leaderboard",
            "build",
            "--store",
            store,
            "--suite",
            "small",
            "--out",
            str(folder / "board"),
            "--json",
        ]
    )
    told = json.loads(capsys.readouterr().out)
    assert code == (0 if told["complete"] else 3)
    assert told["files"]
    assert all((folder / "board" / name).exists() for name in told["files"])
    assert invoke(["claims", "--store", store, "--suite", "small", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["claims"]


def test_a_method_whose_records_are_lost_is_missed(finished, capsys, tmp_path):
    folder, _ = finished
    shutil.copytree(folder / "store", tmp_path / "store")
    store = Store.existing(tmp_path / "store")
    lost = [key for key in store.list_keys() if store.read_rows(key)[0]["method"] == "dpo-raw"]
    for key in lost:
        (store.folder / f"records-{key}.parquet").unlink()
    assert (
        invoke(["leaderboard", "build", "--store", str(store.folder), "--out", str(tmp_path / "board")]) == 3
    )
    page = (tmp_path / "board" / "leaderboard.md").read_text()
    assert (
        "4 cells are missing: dpo-raw on null[n=1500] (2); dpo-raw on observed[strength=2,n=1500] (2)" in page
    )


def test_a_store_is_no_worse_than_itself(finished, capsys):
    folder, _ = finished
    code = invoke(["compare", str(folder / "store"), str(folder / "store"), "--json"])
    assert code in (0, 3)
    assert json.loads(capsys.readouterr().out)
    assert invoke(["compare", str(folder / "store"), str(folder / "absent")]) == 2


def test_a_worse_store_is_a_regression(finished, tmp_path, capsys):
    folder, _ = finished
    worse = Store.open(tmp_path / "worse")
    for key in Store.existing(folder / "store").list_keys():
        rows = Store.existing(folder / "store").read_rows(key)
        for row in rows:
            row["metric.rho"] = min(1.0, row["metric.rho"] + 0.3 + 0.001 * row["seed"])
        worse.write_group(key, rows, [None] * len(rows))
    code = invoke(["compare", str(folder / "store"), str(tmp_path / "worse"), "--json"])
    assert code == 1, capsys.readouterr().out


def test_records_hold_no_arrays_of_truth(finished):
    folder, _ = finished
    for path in (folder / "store").glob("records-*.parquet"):
        schema = pq.read_schema(path)
        assert all(str(field.type) in ("string", "double", "int64", "bool") for field in schema)
