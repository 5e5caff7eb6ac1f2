"""The page on real data runs as it is written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmark.cli.main import invoke
from benchmark.tasks.suite import load_suite

PAGE = Path(__file__).resolve().parents[2] / "docs" / "real-data.md"


def test_the_page_on_real_data_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 4
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), scope)
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    rho, accuracy = map(float, said["naive"].split())
    assert rho < 0.3  # asking helps by two fifths whatever the story, so the log at face value finds it
    assert accuracy > 0.7
    assert abs(float(said["canary-random"].split()[1]) - 0.5) < 0.15
    truth, naive = re.findall(r"-?[0-9.]+", said["truth"])
    assert abs(float(truth) - 3) < 4 * 0.45  # standard error on the card
    assert float(naive) > float(truth) + 3


def commands() -> list[list[str]]:
    """Every call of the command line on the page, as arguments; a call goes on to the next program's name."""
    blocks = re.findall(r"(?:^    .*\n)+", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    found: list[list[str]] = []
    for block in blocks:
        if "confoundbench" not in block:
            continue
        words = shlex.split(block.replace("\\\n", " "), comments=True)
        starts = [i for i, word in enumerate(words) if word in ("confoundbench", "pip")]
        calls = [words[i:j] for i, j in zip(starts, [*starts[1:], None], strict=True)]
        found += [call[1:] for call in calls if call[0] == "confoundbench"]
    return found


SUITE = """name = "mine"
version = "1"
[[cells]]
scenarios = ["corpus[data=trial.csv,text=note,test=poll,outcome=agree]"]
methods = ["naive"]
"""


def test_the_commands_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The language model's apart, which need its weights; runs are planned, not run."""
    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)
    for table in real_data.glob("*.csv.gz"):
        (tmp_path / table.name).symlink_to(table)
    rows = "".join(f"Note {i}.,poll {i // 2},{i + 3 * j}\n" for i in range(8) for j in range(2))
    (tmp_path / "trial.csv").write_text(f"note,poll,agree\n{rows}")
    (tmp_path / "mine.toml").write_text(SUITE)
    assert load_suite(tmp_path / "mine.toml").scenarios
    called = commands()
    assert [call[0] for call in called] == ["simulate", "simulate", "run", "run", "simulate", "simulate"]
    for call in called:
        if "generated" not in call[1]:
            assert invoke([*call, "--dry-run"] if call[0] == "run" else call) == 0, call
    page = PAGE.read_text(encoding="utf-8")
    for name in ("upworthy", "persuasion"):
        written = len(pq.read_table(tmp_path / "build" / name / "log.parquet"))
        assert f"{written:,}" in page
