"""A new user's path as the pages write it: from a file to a rank, and on to a CI job that finds a loss."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import benchmark
from benchmark.cli.main import invoke
from benchmark.contract import UsageError
from benchmark.runs.board_cells import BoardCells, join_board
from benchmark.sandbox.outside import probe_bubblewrap
from benchmark.tasks.suite import load_suite

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"<!-- example:(\w+) -->\n```\w+\n(.*?)```", re.DOTALL)
CELLS = ("--scenario", "nonlinear[strength=2,texture=lifelike]", "--seeds", "2", "--workers", "0")
LINE = "weights = model.coef_[: features.shape[1]]"
# Noise of this size costs .05 of regret in the mean over the six worlds of the guard's suite.
LOSS = " + 0.52 * model.coef_.std() * harness.rng('loss').normal(size=features.shape[1])"


def commands(page, kind):
    (script,) = (text for found, text in EXAMPLE.findall((ROOT / page).read_text("utf-8")) if found == kind)
    return script.splitlines()


def run(line):
    """A line of a page; confoundbench is called in this process."""
    program, *arguments = shlex.split(line, comments=True)
    if program != "confoundbench":
        subprocess.run(line, shell=True, check=True)
        return 0
    words = [str(found) for word in arguments for found in expand(word)]
    return invoke(words)


def expand(word):
    return sorted(Path().glob(word)) or [word] if word.endswith("*") else [word]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a copy of a board of two cells and the examples."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copytree(ROOT / "examples", folder / "examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CONFOUNDBENCH_BUILD", str(folder / "build"))
        patch.setenv("CONFOUNDBENCH_KEY", str(folder / "author.key"))
        method = ("--method", "covariate-regression", "--store", "leaderboard/results")
        assert invoke(["run", *CELLS, *method]) == 0
        yield folder


def test_four_commands_lead_to_a_rank_and_four_more_to_a_guard(place, capsys):
    if not (probe := probe_bubblewrap()).works:
        pytest.skip(f"bubblewrap does not work here: {probe.problem}")
    path = commands("docs/submit.md", "path")
    assert len(path) == 4
    for line in path:
        assert run(line) == 0, line
    told = capsys.readouterr().err
    assert "running the 2 cells of the board in leaderboard/results" in told
    assert "100% done" in told
    assert re.search(r"rank \S+ of 2, regret 0\.\d+", told)
    assert "next: confoundbench leaderboard add submissions/my-adjusted-ridge-" in told
    assert "checked: scores follow from the predictions" in told
    board = benchmark.read_records("leaderboard/results")
    assert set(board["method"]) == {"naive", "ceiling", "covariate-regression", "my-adjusted-ridge"}
    guard(capsys)


def guard(capsys):
    """The commands of the page pass on an edit that changes nothing and fail on a loss of .05."""
    path = commands("docs/ci.md", "ci")
    assert len(path) == 4
    git = "git -c user.name=me -c user.email=me@example.com"
    subprocess.run(
        f"git init -q && git add my_method.py && {git} commit -qm first"
        " && git update-ref refs/remotes/origin/main HEAD",
        shell=True,
        check=True,
    )
    method = Path("my_method.py")
    source = method.read_text()
    method.write_text(source + "\n# the same\n")
    assert [run(line) for line in path] == [0, 0, 0, 0]
    method.write_text(source.replace(LINE, LINE + LOSS))
    assert [run(line) for line in path] == [0, 0, 0, 1]
    found = benchmark.compare("build/base", "build/head").data["rows"]
    (row,) = (row for row in found if row["entrant"] == "my-adjusted-ridge")
    assert row["rise"]["value"] == pytest.approx(0.05, abs=0.01)
    assert row["verdict"] == "worse"


def test_an_interrupted_submission_says_how_to_go_on(place, tmp_path):
    command = [sys.executable, "-m", "benchmark.cli.main", "submit", "examples/my_method.py"]
    command += ["--isolation", "none", "--board", "leaderboard/results", "--out", str(tmp_path)]
    log = tmp_path / "log"
    with log.open("w") as file:
        # A shell that starts the tests in the background lets its children ignore the signal.
        process = subprocess.Popen(
            command, cwd=place, stderr=file, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        )
        until = time.monotonic() + 300
        while "50% done" not in log.read_text() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130, log.read_text()
    assert "run the same command again" in log.read_text()
    seen: list[int] = []
    done = benchmark.submit_file(
        place / "examples" / "my_method.py",
        "quick",
        tmp_path,
        isolation="none",
        board=place / "leaderboard" / "results",
        on_plan=lambda planned: seen.append(planned.missing_cells),
    )
    assert 0 < seen[0] < 4
    assert done.statuses == {"ok": 4}


def test_a_submission_without_an_ok_cell_says_so(place, tmp_path, capsys):
    source = (place / "examples" / "my_method.py").read_text()
    (tmp_path / "fails.py").write_text(source.replace("log.covariates", "log.covariate_matrix"))
    arguments = ["submit", str(tmp_path / "fails.py"), "--isolation", "none", "--out", str(tmp_path)]
    assert invoke(arguments) == 3
    told = capsys.readouterr().err
    assert told.count("AttributeError") == 1
    assert "4 cells failed: AttributeError: 'Log' object has no attribute 'covariate_matrix'" in told
    assert "(method.py:" in told
    assert "cannot be added to a board" in told
    assert "next: confoundbench check" in told


@pytest.mark.parametrize("verb", ["submit", "check", "run"])
def test_a_mistyped_role_is_found_before_anything_runs(place, tmp_path, capsys, verb):
    source = (place / "examples" / "my_method.py").read_text()
    path = tmp_path / "mistyped.py"
    path.write_text(source.replace('frozenset({"covariate"})', 'frozenset({"covariates"})'))
    options = {"run": ["--method", str(path), "--store", str(tmp_path / "s")], "check": [str(path)]}
    more = options.get(verb, [str(path), "--out", str(tmp_path / "out")])
    assert invoke([verb, *more, "--isolation", "none"]) == 4
    both = capsys.readouterr()
    told = " ".join((both.err + both.out).split())
    assert "unknown role 'covariates'" in told
    assert "did you mean 'covariate'?" in told
    assert not (tmp_path / "out").exists()


def test_a_board_of_other_worlds_is_not_joined(place, tmp_path, monkeypatch):
    suite, board = load_suite("quick"), place / "leaderboard" / "results"
    joined, where, why = join_board(suite, board)
    assert where == board
    assert sum(len(product.seeds or ()) for product in joined.cells) == 2
    monkeypatch.setattr(BoardCells, "is_current", lambda *_: False)
    with pytest.raises(UsageError, match="another version of the worlds"):
        join_board(suite, board)
    assert join_board(suite)[1] is None  # the published board is joined only where that is possible
    assert why == f"the 2 cells of the board in {board}"
