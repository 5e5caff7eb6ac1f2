"""The examples of the README run as they are written."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

import benchmark
from benchmark.cli.main import invoke
from benchmark.sandbox.outside import probe_bubblewrap
from benchmark.tasks import pretraining

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
EXAMPLE = re.compile(r"<!-- example:(\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture(autouse=True)
def _place(monkeypatch, tmp_path):
    if not (probe := probe_bubblewrap()).works:
        pytest.skip(f"bubblewrap does not work here: {probe.problem}")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(pretraining, "PRETRAINING_TEXTS", 1500)
    pretraining.hash_backbone.cache_clear()
    yield
    pretraining.hash_backbone.cache_clear()


def examples(kind):
    return [text for found, text in EXAMPLE.findall((ROOT / "README.md").read_text("utf-8")) if found == kind]


def check_store():
    records = benchmark.read_records("build/mine")
    assert set(records["method"]) == {"naive", "ceiling", "covariate-regression", "my-adjusted-ridge"}
    assert set(records["status"]) == {"ok"}
    # Two seeds: three methods on the log and on its twin, and the ceiling once.
    assert len(records) == 2 * (3 * 2 + 1)


def test_python(capsys):
    exec("\n".join(examples("python")), {"__name__": "__main__"})
    assert "my-adjusted-ridge" in capsys.readouterr().out
    check_store()


def test_shell():
    (script,) = examples("shell")
    for line in script.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "confoundbench"
        expanded = [name for word in arguments for name in expand(word)]
        # A board of two contenders lacks the controls of the suite, which is said with exit code 3.
        assert invoke(expanded) in ((0, 3) if expanded[:2] == ["leaderboard", "build"] else (0,)), line
    check_store()
    assert Path("build/leaderboard/leaderboard.md").exists()


def expand(word):
    """What a shell makes of an unquoted pattern of file names."""
    return [str(path) for path in sorted(Path().glob(word))] or [word] if word.endswith("*") else [word]
