"""Folders of cells: a killed process leaves one, and the next cell of anybody removes it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.contract import InfrastructureError
from benchmark.sandbox.outside.folders import PREFIX, make_folder, remove_abandoned
from benchmark.sandbox.outside.privileges import NOBODY, hand_over

WORKS = """
import sys, time
from benchmark.sandbox.outside.folders import make_folder
with make_folder() as folder:
    (folder / "log.parquet").write_text("rows")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_the_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", WORKS]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        remove_abandoned(tmp_path, older_than=-1)
        assert (folder / "log.parquet").exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert folder.exists()
    remove_abandoned(tmp_path, older_than=-1)
    assert not folder.exists()


def test_young_folders_and_links_are_left_alone(tmp_path: Path) -> None:
    young, elsewhere, link = tmp_path / f"{PREFIX}a", tmp_path / "elsewhere", tmp_path / f"{PREFIX}b"
    young.mkdir()
    elsewhere.mkdir()
    link.symlink_to(elsewhere)
    remove_abandoned(tmp_path)
    assert young.exists()
    remove_abandoned(tmp_path, older_than=-1)
    assert not young.exists()
    assert elsewhere.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands folders over")
def test_a_folder_that_root_handed_over_is_removed_too(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}a"
    left.mkdir()
    hand_over(left, NOBODY)
    remove_abandoned(tmp_path, older_than=-1)
    assert not left.exists()


def test_a_folder_is_private_and_ends_with_its_cell() -> None:
    with make_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


def test_a_full_disk_under_the_folder_is_the_machines_fault() -> None:
    with pytest.raises(InfrastructureError, match="No space left"), make_folder():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
