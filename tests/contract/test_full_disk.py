"""A disk that is full at any moment: a named file, what was stored is kept, and a rerun completes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from fake_bench import FakeBench
from test_run import plan_of

from benchmark.cli.main import invoke
from benchmark.contract import InfrastructureError
from benchmark.contract import files as writing
from benchmark.contract.files import TEMPORARY, make_once, write_whole
from benchmark.contract.records import status_of
from benchmark.runs.engines.base import run_inline
from benchmark.runs.execute import execute
from benchmark.runs.store import Store

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def disk(monkeypatch):
    """A disk whose n-th flush fails; ``disk(None)`` is one with space."""
    flush, counted = os.fsync, {"left": None}

    def fail_at_last(handle):
        if counted["left"] is not None:
            counted["left"] -= 1
            if counted["left"] <= 0:
                raise FULL
        flush(handle)

    monkeypatch.setattr(writing.os, "fsync", fail_at_last)
    return lambda number: counted.update(left=number)


@pytest.mark.parametrize("moment", range(1, 11))
def test_a_disk_that_fills_up_at_any_of_ten_moments(tmp_path, disk, moment):
    """Three groups take six files, of which each is flushed and then its folder."""
    (tmp_path / "diary").mkdir()
    store = Store.open(tmp_path / "store")
    engine = partial(run_inline, factory=partial(FakeBench, tmp_path / "diary"))
    plan = plan_of("a", "b", "c")
    disk(moment)
    with pytest.raises(InfrastructureError) as caught:
        execute(plan, store, engine)
    said = str(caught.value)
    assert str(store.folder) in said
    assert "No space left" in said
    kept = len(store.read_index().statuses)
    assert not store.read_index().damaged
    assert not list(store.folder.glob(f"{TEMPORARY}*"))
    disk(None)
    summary = execute(plan, store, engine)
    assert summary.skipped == sum(len(group.cells) for group in plan.groups[:kept])
    assert store.read_records().num_rows == plan.n_cells


def test_the_command_line_says_which_file_and_what_to_do(tmp_path, disk, capsys):
    arguments = ["run", "--store", str(tmp_path / "store"), "--method", "naive", "--scenario", "null[n=100]"]
    arguments += ["--seeds", "1", "--workers", "0", "--device", "cpu"]
    disk(7)  # run.json, the plan and the first group's predictions have come through
    assert invoke(arguments) == 5
    said = capsys.readouterr().err
    assert "records-" in said
    assert "0 groups of cells are stored and kept" in said
    assert "free some space" in said
    disk(None)
    assert invoke(arguments) == 0


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path):
    def make(scratch: Path) -> None:
        (scratch / "weights").write_text("half")
        raise FULL

    with pytest.raises(InfrastructureError, match="thing"):
        make_once(tmp_path / "thing", make, Path.exists)
    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]


def test_other_errors_of_files_are_not_called_a_full_disk(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "file" / "below", b"")


def test_a_full_disk_is_not_the_methods_fault():
    assert status_of(FULL)[0] == "infrastructure"
    assert status_of(OSError(errno.ENOENT, "no such file"))[0] == "failed"


REAL = """
import sys
from functools import partial
from pathlib import Path
from benchmark.contract import InfrastructureError
from benchmark.runs.engines.base import run_inline
from benchmark.runs.execute import execute
from benchmark.runs.store import Store
from fake_bench import FakeBench
from test_run import plan_of

folder = Path(sys.argv[1])
engine = partial(run_inline, factory=partial(FakeBench, folder / "diary"))
try:
    execute(plan_of("a", "b", "c"), Store.open(folder / "small" / "store"), engine)
except InfrastructureError as error:
    print(error)
print(sorted(path.name[:8] for path in (folder / "small" / "store").iterdir()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk in a namespace of its own")
def test_a_disk_that_is_really_full(tmp_path):
    (tmp_path / "diary").mkdir()
    (tmp_path / "small").mkdir()
    (tmp_path / "script.py").write_text(REAL)
    shell = 'mount -t tmpfs -o size=48k none "$1/small" && exec "$2" "$1/script.py" "$1"'
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", shell, "-", tmp_path, sys.executable],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert "No space left" in done.stdout
    assert TEMPORARY[:8] not in done.stdout.splitlines()[-1]
