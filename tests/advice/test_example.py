"""The example script goes through a small table, and its page says what was put in."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

import benchmark

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "your_log.py"


def test_the_greeting_of_the_example_is_seen_through():
    table = runpy.run_path(str(EXAMPLE))["make_table"](3000)
    found = benchmark.inspect_log(table)
    assert found.own.log.feedback == "binary"
    assert found.assignment.is_predicted
    greeting = next(p for p in found.disagreement.phrases if "monday" in p.phrase)
    assert greeting.naive.low > 0.03, "at face value the greeting earns clicks"
    assert greeting.adjusted.low < 0.0 < greeting.adjusted.high
    assert "rows have no text" in " ".join(found.own.notes)


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "your_log.py",
            "--out",
            str(tmp_path / "out"),
            "--reference",
            "20",
            "--method",
            "covariate-regression",
        ],
    )
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert "subject_line: text" in capsys.readouterr().out
    told = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert set(told) == {"inspection", "recommendation", "power"}
    assert (tmp_path / "out" / "worlds.toml").exists()


def test_the_page_on_own_logs_runs_as_written(capsys):
    page = (EXAMPLE.parents[1] / "docs" / "your-log.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    exec(compile(block, "your-log.md", "exec"), {})
    assert "subject_line text" in capsys.readouterr().out
