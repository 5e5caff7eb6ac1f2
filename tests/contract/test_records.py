"""The record format stands once: names of files and columns, statuses, plans and bundles."""

import ast
import hashlib
import re
import threading
from pathlib import Path

import pytest

from benchmark.contract import ContractError, Incompatible, InfrastructureError, UsageError
from benchmark.contract import records as format_of
from benchmark.contract.errors import DamagedFile
from benchmark.contract.files import make_once, write_whole
from benchmark.contract.records import ExpectedCell, SuiteIdentity, status_of
from leaderboard.frame import FAILED, REQUIRED

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("benchmark", "leaderboard", "methods", "simulators")
FORMAT = ROOT / "benchmark" / "contract" / "records"
FILE_NAMES = re.compile(r"^(records|predictions|plan|run)-\S*$|^(run|manifest)\.json$|^superseded$")
SUITE = SuiteIdentity("synthetic", "1", "test")


def source_files():
    return [path for part in PARTS for path in sorted((ROOT / part).rglob("*.py"))]


def texts_of(path):
    """String constants of a module, those that stand alone (docstrings) left out."""
    tree = ast.parse(path.read_text("utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in alone)
    return [node.value for node in nodes if isinstance(node.value, str)]


def test_names_of_files_stand_in_the_format_alone():
    said = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in source_files()
        if FORMAT not in path.parents
        for text in texts_of(path)
        if FILE_NAMES.match(text)
    }
    assert said == set()
    assert any(FILE_NAMES.match(text) for path in FORMAT.glob("*.py") for text in texts_of(path))


def test_one_module_writes_whole_files_and_makes_things_once():
    calls = re.compile(r"\b(os\.fsync|mkdtemp|mkstemp|FileLock|flock)\(")
    writers = [path.relative_to(ROOT).as_posix() for path in source_files() if calls.search(path.read_text())]
    # The folders of a cell are locked, by a call that Linux alone has, to tell which were abandoned.
    assert writers == ["benchmark/contract/files.py", "benchmark/sandbox/outside/folders.py"]


def test_the_board_asks_for_columns_and_statuses_that_records_have():
    metrics = [f"{format_of.METRIC_PREFIX}{metric.name}" for metric in format_of.METRICS]
    assert set(REQUIRED) <= {*format_of.COLUMNS, *metrics}
    assert set(FAILED) <= set(format_of.STATUSES)
    assert set(format_of.CELL_IDENTITY) <= set(format_of.COLUMNS)


def test_the_page_on_records_names_every_file():
    page = (ROOT / "docs" / "records.md").read_text("utf-8")
    names = [format_of.name_records("KEY"), format_of.name_predictions("KEY"), format_of.name_run()]
    names += ["plan-DIGEST.json", f"{format_of.SUPERSEDED}/", format_of.MANIFEST, format_of.SOURCE]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_keys_are_found_in_names():
    assert format_of.key_of(Path(format_of.name_records("rest-1.2"))) == "rest-1.2"
    assert format_of.name_run("1/4") == "run-1-of-4.json"


# -- statuses -----------------------------------------------------------------
def test_reasons_are_for_people_and_short():
    assert status_of(Incompatible("needs z")) == ("failed", "declined the log: needs z")
    assert status_of(ZeroDivisionError()) == ("failed", "ZeroDivisionError: ZeroDivisionError")
    assert status_of(MemoryError("4 GiB")) == ("memory", "ran out of memory")
    assert len(status_of(ContractError("x" * 9999))[1]) == format_of.REASON_LENGTH


def test_memory_errors_of_other_libraries_are_known_by_name():
    class OutOfMemoryError(RuntimeError):
        pass

    assert status_of(OutOfMemoryError("CUDA"))[0] == "memory"


def test_submitted_code_cannot_blame_the_machine():
    """Cells that the machine failed are run again; a method must not be able to ask for that."""
    from benchmark.sandbox.inside.runner import _attempt

    def blame():
        raise InfrastructureError("the disk is full")

    assert status_of(InfrastructureError("the disk is full"))[0] == "infrastructure"
    assert _attempt(blame).fields == {"status": "failed", "reason": "the disk is full"}


# -- plans --------------------------------------------------------------------
def expected_cells():
    return [
        ExpectedCell(method, submission, scenario, seed, "tiny")
        for method, submission in (("a", ""), ("b", "f" * 64))
        for scenario in ("observed[strength=1]", "null")
        for seed in (2, 0)
    ]


def test_expected_cells_are_read_back(tmp_path):
    path = format_of.write_expected(tmp_path, SUITE, expected_cells())
    assert format_of.list_plans(tmp_path) == (path,)
    assert sorted(format_of.read_expected(tmp_path, SUITE)) == sorted(expected_cells())
    assert format_of.read_expected(tmp_path, SUITE._replace(season="other")) == ()


def test_shards_write_one_plan_and_other_plans_another(tmp_path):
    cells = expected_cells()
    first = format_of.write_expected(tmp_path, SUITE, cells)
    assert format_of.write_expected(tmp_path, SUITE, reversed(cells)) == first
    assert format_of.write_expected(tmp_path, SUITE, cells[1:]) != first
    assert len(format_of.read_expected(tmp_path, SUITE)) == len(cells)


def test_a_plan_that_cannot_be_read_is_an_error(tmp_path):
    format_of.write_expected(tmp_path, SUITE, expected_cells()).write_text('{"suite": "synthetic"}')
    with pytest.raises(DamagedFile, match=r"plan-\w+\.json' is damaged"):
        format_of.read_expected(tmp_path, SUITE)


# -- bundles ------------------------------------------------------------------
KEY = bytes(range(32))


def make_bundle(folder, method="mine", source=b"METHOD = 1", sha256=None):
    folder.mkdir()
    sha256 = sha256 or hashlib.sha256(source).hexdigest()
    format_of.write_records(folder / format_of.name_records("k"), [{"method": method, "submission": sha256}])
    (folder / format_of.name_predictions("k")).write_bytes(format_of.pack_predictions([None]))
    return format_of.seal_bundle(folder, "mine", source, {"isolation": "none"}, KEY)


def test_a_bundle_is_read_back(tmp_path):
    manifest = make_bundle(tmp_path / "bundle")
    found, records = format_of.read_bundle(tmp_path / "bundle")
    assert found == manifest
    assert set(found["files"]) == {
        format_of.name_records("k"),
        format_of.name_predictions("k"),
        format_of.SOURCE,
    }
    assert records.column("method").to_pylist() == ["mine"]


@pytest.mark.parametrize("other", [{"method": "theirs"}, {"sha256": "0" * 64}])
def test_rows_of_others_break_a_bundle(tmp_path, other):
    make_bundle(tmp_path / "bundle", **other)
    with pytest.raises(UsageError, match="intact bundle"):
        format_of.read_bundle(tmp_path / "bundle")


def test_records_behind_a_link_break_a_bundle(tmp_path):
    """Their digest would be of what the link points to today."""
    make_bundle(tmp_path / "bundle")
    records = tmp_path / "bundle" / format_of.name_records("k")
    records.rename(tmp_path / "elsewhere")
    records.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="a link"):
        format_of.read_bundle(tmp_path / "bundle")


# -- whole files --------------------------------------------------------------
def test_writers_of_one_file_do_not_meet(tmp_path):
    contents = [bytes([index]) * 200_000 for index in range(8)]
    threads = [threading.Thread(target=write_whole, args=(tmp_path / "file", data)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() in contents


def test_a_folder_is_made_by_one_and_seen_whole_by_all(tmp_path):
    made, seen = [], []
    everyone = threading.Barrier(4)

    def make(scratch):
        made.append(scratch)
        (scratch / "first").write_text("1")
        (scratch / "second").write_text("2")

    def ask():
        everyone.wait()
        folder = make_once(tmp_path / "thing", make, lambda path: (path / "second").exists())
        seen.append((folder / "second").read_text())

    (tmp_path / ".making-thing-left").mkdir()
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["2"] * 4
    assert len(made) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"thing", "thing.lock"}


def test_a_folder_that_is_not_whole_is_made_anew_and_a_failure_leaves_nothing(tmp_path):
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "half").write_text("")

    def fail(scratch):
        (scratch / "half").write_text("")
        raise OSError("no space left")

    def is_whole(path):
        return (path / "whole").exists()

    with pytest.raises(OSError, match="no space"):
        make_once(tmp_path / "thing", fail, is_whole)
    assert {path.name for path in tmp_path.iterdir()} == {"thing", "thing.lock"}
    make_once(tmp_path / "thing", lambda scratch: (scratch / "whole").write_text(""), is_whole)
    assert [path.name for path in (tmp_path / "thing").iterdir()] == ["whole"]
