"""The command line: verbs, exit codes and what an error says."""

import json
import resource
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from benchmark.cli.main import invoke
from benchmark.contract import Log

VERBS = ("list", "simulate", "run", "score", "check", "submit", "leaderboard", "compare", "claims", "doctor")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path / "build"))


def call(capsys, *arguments):
    """Exit code, output and errors of a command."""
    code = invoke([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def call_json(capsys, *arguments):
    code, out, _ = call(capsys, *arguments, "--json")
    return code, json.loads(out)


def suite_file(tmp_path, **more):
    text = 'name = "small"\nversion = "1"\nn = 200\nseeds = 1\n'
    text += "".join(f"{name} = {value}\n" for name, value in more.items())
    text += "[queries]\npairs = 32\ncontrasts = 4\npool = 16\nsamples = 2\n"
    text += '[[cells]]\nscenarios = ["observed"]\nmethods = ["naive"]\n'
    path = tmp_path / "small.toml"
    path.write_text(text)
    return path


def test_help_is_quick_and_imports_nothing_heavy():
    heavy = "{'torch', 'pydantic', 'sklearn', 'scipy', 'pandas', 'transformers'}"
    code = f"import sys, benchmark.cli.main; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Processor time, because wall time says more about the neighbours than about us.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "benchmark.cli.main", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 0.5


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(capsys, verb):
    code, out, _ = call(capsys, verb, "--help")
    assert code == 0
    flat = " ".join(out.split())
    assert "--json" in flat or verb == "leaderboard"
    assert f"confoundbench {verb}" in flat


def test_help_shows_the_parameters_of_its_examples(capsys):
    """Square brackets are markup to the library that renders help."""
    _, out, _ = call(capsys, "simulate", "--help")
    assert "marker[strength=2]" in "".join(out.split())


def test_no_arguments_show_the_help_and_no_error(capsys):
    code, out, err = call(capsys)
    assert code == 0
    assert "Usage" in out
    assert err == ""
    assert call(capsys, "-h")[1] == out


def test_version_and_completion(capsys):
    code, out, _ = call(capsys, "--version")
    assert code == 0
    assert out.startswith("confoundbench 0.")
    assert "--install-completion" in call(capsys, "--help")[1]


def test_an_old_option_is_answered_with_the_new_one(capsys):
    code, _, err = call(capsys, "leaderboard", "add", "bundle", "--results", "somewhere")
    assert code == 2
    assert "--store somewhere" in err


def test_an_unknown_method_is_answered_with_the_guess_and_not_with_all_names(capsys):
    code, _, err = call(capsys, "run", "--method", "naiv", "--dry-run")
    assert code == 2
    assert "did you mean 'naive'" in err
    assert len(err) < 400


def test_a_run_with_a_scenario_of_its_own_has_a_store_of_its_own(capsys):
    stores = [
        call_json(capsys, "run", "--dry-run", "--seeds", 1, "--method", "naive", *more)[1]["store"]
        for more in ((), ("--scenario", "observed"), ("--scenario", "observed[strength=1.25]"))
    ]
    assert stores[0] == stores[1]
    assert stores[2].startswith(f"{stores[0]}-with-")


@pytest.mark.parametrize("kind", ["scenarios", "methods", "suites", "domains"])
def test_lists(capsys, kind):
    code, found = call_json(capsys, "list", kind)
    assert code == 0
    assert found[kind]
    code, out, _ = call(capsys, "list", kind)
    assert code == 0
    assert found[kind][0]["name"][:8] in out


USAGE_ERRORS = [
    (["list", "scenaros"], "scenarios"),
    (["simulate", "obsrved", "--out", "x"], "observed"),
    (["simulate", "observed[strenth=1]", "--out", "x"], "strength"),
    (["simulate", "observed[strength=-1]", "--out", "x"], None),
    (["simulate", "observed", "--n", "-4", "--out", "x"], None),
    (["simulate", "observed", "--n", "0", "--out", "x"], None),
    (["simulate", "observed", "--seed", "-1", "--out", "x"], None),
    (["simulate", "observed[", "--out", "x"], None),
    (["run", "--suite", "quik", "--dry-run"], "quick"),
    (["run", "--method", "naiv", "--dry-run"], "naive"),
    (["run", "--scenario", "obsrved", "--dry-run"], "observed"),
    (["run", "--shard", "3/2", "--dry-run"], None),
    (["run", "--seeds", "0", "--dry-run"], None),
    (["run", "--device", "cuda:77", "--dry-run"], None),
    (["run", "--engine", "lokal"], "local"),
    (["run", "--workers", "-1"], None),
    (["run", "--workers", "-1", "--dry-run"], None),
    (["run", "--retry", "timout"], "timeout"),
    (["run", "--backbone", "tyny", "--dry-run"], "tiny"),
    (["score", "--store", "absent"], None),
    (["run", "--nonsense"], None),
    (["nonsense"], None),
]


@pytest.mark.parametrize(
    ("arguments", "meant"), USAGE_ERRORS, ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_usage_errors_exit_2_and_say_what_to_do(capsys, arguments, meant):
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert "Traceback" not in err
    if arguments[-1] not in ("--nonsense", "nonsense"):
        assert "expected" in err
        assert "found" in err
    if meant:
        assert f"did you mean '{meant}'" in err
    code, found = call_json(capsys, *arguments)
    assert code == found["exit_code"] == 2
    assert found["what"]


def test_a_malformed_suite_names_its_keys(capsys, tmp_path):
    code, found = call_json(capsys, "run", "--suite", suite_file(tmp_path, colour=3), "--dry-run")
    assert code == 2
    assert "colour" in found["found"]
    assert "colour" in found["fix"]


def test_an_unwritable_store_is_a_usage_error(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, found = call_json(
        capsys, "run", "--suite", suite_file(tmp_path), "--store", tmp_path / "file" / "s"
    )
    assert code == 2
    assert "--store" in found["fix"]
    code, _, err = call(capsys, "simulate", "observed", "--n", 10, "--out", tmp_path / "file")
    assert code == 2
    assert "cannot write" in err


def test_unexpected_errors_are_short_unless_asked(capsys, monkeypatch):
    import benchmark.tasks.simulate

    def broken(*_):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(benchmark.tasks.simulate, "build_world", broken)
    code, _, err = call(capsys, "simulate", "observed", "--out", "x")
    assert code == 5
    assert "a defect" in err
    assert "--traceback" in err
    with pytest.raises(ZeroDivisionError):
        invoke(["simulate", "observed", "--out", "x", "--traceback"])


def test_simulate_writes_a_log_and_no_truth(capsys, tmp_path):
    code, found = call_json(capsys, "simulate", "observed[strength=1]", "--n", 500, "--out", tmp_path / "o")
    assert code == 0
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["card.json", "log.parquet"]
    log = Log.read(tmp_path / "o" / "log.parquet")
    assert len(log) == 500 == found["n"]
    assert log.has("covariate")
    card = json.loads((tmp_path / "o" / "card.json").read_text())
    assert card["family"] == "observed"
    assert not {"effects", "roles"} & set(card)


def test_simulate_with_twin_and_truth(capsys, tmp_path):
    folder = tmp_path / "o"
    code, _, _ = call(capsys, "simulate", "observed[n=300]", "--twin", "--with-truth", "--out", folder)
    assert code == 0
    names = ["card.json", "log.parquet", "truth.json", "truth.parquet", "twin.parquet", "twin_truth.parquet"]
    assert sorted(p.name for p in folder.iterdir()) == names
    truth = json.loads((folder / "truth.json").read_text())
    assert {"effects", "effects_mcse", "naive_limit", "value_reference", "value_optimal"} <= set(truth)
    for arm, name in (("log", "truth"), ("twin", "twin_truth")):
        rows = pq.read_table(folder / f"{name}.parquet")
        assert rows.num_rows == pq.read_metadata(folder / f"{arm}.parquet").num_rows == 300
        assert {"reward", "log_propensity"} <= set(rows.column_names)
        assert {f"attribute.{attribute}" for attribute in truth["effects"]} <= set(rows.column_names)


def test_long_logs_are_streamed_and_begin_with_short_ones(capsys, tmp_path, monkeypatch):
    from benchmark.tasks import simulate

    call(capsys, "simulate", "observed", "--n", 9000, "--out", tmp_path / "whole")
    monkeypatch.setattr(simulate, "ROWS_AT_A_TIME", 4096)
    call(capsys, "simulate", "observed", "--n", 9000, "--out", tmp_path / "parts")
    call(capsys, "simulate", "observed", "--n", 100, "--out", tmp_path / "short")
    whole, parts, short = (
        pq.read_table(tmp_path / name / "log.parquet") for name in ("whole", "parts", "short")
    )
    assert whole.equals(parts)
    assert whole.slice(0, 100).equals(short)
    assert pq.read_metadata(tmp_path / "parts" / "log.parquet").num_row_groups == 3


def test_dry_run_counts_and_touches_nothing(capsys, tmp_path):
    code, found = call_json(capsys, "run", "--suite", suite_file(tmp_path), "--dry-run", "--workers", 2)
    assert code == 0
    # naive and the ceiling, one scenario, one seed
    assert found["cells"] == found["missing_cells"] == 2
    assert set(found["methods"]) == {"naive", "ceiling"}
    assert found["core_seconds"] == pytest.approx(2 * found["seconds"])
    assert not (tmp_path / "build").exists()
    code, out, err = call(capsys, "run", "--suite", suite_file(tmp_path), "--dry-run")
    assert code == 0
    assert "naive" in out
    assert "2 cells" in err


def test_doctor(capsys):
    code, found = call_json(capsys, "doctor")
    assert code == (0 if found["healthy"] else 5)
    names = {check["name"] for check in found["checks"]}
    assert {"python", "torch", "threads", "sandbox", "disk", "backbones"} <= names


def test_json_never_holds_what_json_cannot():
    from benchmark.cli.output import _plain

    assert _plain({"a": float("nan"), "b": [float("inf"), 1.5], "c": (True, None)}) == {
        "a": None,
        "b": [None, 1.5],
        "c": [True, None],
    }
