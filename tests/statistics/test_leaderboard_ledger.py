"""Bundles come in whole or not at all, attempts are counted, and the README table is kept up to date."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from leaderboard_records import METHODS, make_records, write_store

from benchmark.contract import IncompleteError, UsageError
from leaderboard import admission
from leaderboard.admission import Claim, admit
from leaderboard.board import make_board
from leaderboard.frame import read
from leaderboard.ledger import Entry, Ledger
from leaderboard.publish import BEGIN, END, adopt_store, publish_results
from leaderboard.render.markdown import render_table


@dataclass(frozen=True)
class Submitted:
    """A bundle whose records were made again: a claim, rows and a folder with the file."""

    claim: Claim
    rows: list[dict]
    folder: Path


def submit(
    folder: Path, source: str = "v1", change=None, method: str = "theirs", owner: str = "me", **facts
) -> Submitted:
    digest = hashlib.sha256(source.encode()).hexdigest()
    facts = {"share": 0.8, "adjusts": True, "submission": digest, "isolation": "bubblewrap", **facts}
    records = make_records({method: facts})
    records = records if change is None else change(records)
    folder.mkdir()
    (folder / "method.py").write_text(source)
    (folder / "manifest.json").write_text("{}")
    claim = Claim(method, digest, f"code of {source}", owner, facts["isolation"])
    return Submitted(claim, records.to_dict("records"), folder)


def add(submitted: Submitted, results: Path) -> Entry:
    return admit(submitted.claim, submitted.rows, submitted.folder, results)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_store(make_records(), tmp_path / "results")


def test_a_bundle_is_added_once_and_attempts_are_counted(tmp_path: Path, results: Path) -> None:
    first = submit(tmp_path / "one")
    assert add(first, results).attempt == 1
    with pytest.raises(UsageError, match="this very file"):
        add(first, results)
    assert add(submit(tmp_path / "two", "v2"), results).attempt == 2
    frame = read(results)
    assert frame.attempts == {"theirs": 2}
    # The newer file replaces the older one on the board; its count does not go away.
    assert frame.records["submission"].replace("", None).nunique() == 1
    assert [entry.attempt for entry in Ledger(results).read()] == [1, 2]


def test_attempts_follow_the_author_and_not_the_name(tmp_path: Path, results: Path) -> None:
    add(submit(tmp_path / "one"), results)
    assert add(submit(tmp_path / "two", "v2", method="renamed"), results).attempt == 2
    assert add(submit(tmp_path / "three", "v3", method="other", owner="you"), results).attempt == 1
    assert read(results).attempts == {"theirs": 2, "renamed": 2, "other": 1}


def test_the_ledger_shows_when_it_was_edited(tmp_path: Path, results: Path) -> None:
    for version in ("v1", "v2", "v3"):
        add(submit(tmp_path / version, version), results)
    path = results / "attempts.jsonl"
    lines = path.read_text().splitlines()
    for edited in (lines[1:], lines[:2], [lines[0], lines[2]], [lines[0].replace("theirs", "x"), *lines[1:]]):
        path.write_text("\n".join(edited) + "\n")
        with pytest.raises(UsageError, match="edited"):
            read(results)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda r: r.assign(season="other"), UsageError, "other worlds"),
        (lambda r: r.assign(cell_naive_rho=r["cell_naive_rho"] + 0.1), UsageError, "other truths"),
        (lambda r: r[r["seed"] != 3], IncompleteError, "lacks 7 cells"),
        (lambda r: pd.concat([r, r[r["seed"] == 0].assign(seed=99)]), UsageError, "board has not"),
        (lambda r: r.assign(status="failed"), IncompleteError, "no cell of the bundle is ok"),
    ],
)
def test_rows_that_are_not_the_boards_are_refused(tmp_path: Path, results: Path, change, error, said) -> None:
    with pytest.raises(error, match=said):
        add(submit(tmp_path / "bundle", change=change), results)
    assert not (results / "attempts.jsonl").exists()


def test_rows_that_break_the_board_are_refused(tmp_path: Path, results: Path, monkeypatch) -> None:
    """Whatever a renderer cannot draw is found before anything is kept."""

    def fail(frame):
        raise ValueError("no such glyph")

    monkeypatch.setattr(admission, "make_board", fail)
    with pytest.raises(UsageError, match="cannot be made with these rows"):
        add(submit(tmp_path / "bundle"), results)
    monkeypatch.setattr(admission, "make_board", lambda frame: SimpleNamespace(problems=("INVALID: a leak",)))
    with pytest.raises(UsageError, match="INVALID: a leak"):
        add(submit(tmp_path / "another", "v2"), results)
    assert not (results / "attempts.jsonl").exists()


def test_a_submission_without_isolation_is_shown_as_such(tmp_path: Path, results: Path) -> None:
    shown = {}
    for isolation in ("bubblewrap", "none"):
        add(submit(tmp_path / isolation, isolation, isolation=isolation), results)
        ranking = next(table for table in make_board(read(results)).tables if table.name == "ranking")
        shown[isolation] = render_table(ranking), " ".join(ranking.notes)
    assert "theirs (not isolated)" in shown["none"][0]
    assert "ran without isolation" in shown["none"][1]
    assert not any("isolat" in text for text in shown["bubblewrap"])


def test_publish_replaces_the_table_alone_and_twice_gives_the_same(tmp_path: Path, results: Path) -> None:
    readme, site = tmp_path / "README.md", tmp_path / "site"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    publish_results(results, site, readme)
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "(site/index.html)" in text
    (site / "tables" / "stale.csv").write_text("gone")
    publish_results(results, site, readme)
    assert readme.read_text() == text
    assert not (site / "tables" / "stale.csv").exists()


def test_publish_needs_its_markers(tmp_path: Path, results: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("no markers")
    with pytest.raises(UsageError, match="no place"):
        publish_results(results, tmp_path / "site", readme)


def test_methods_of_the_repository_stay_when_a_submission_comes(tmp_path: Path, results: Path) -> None:
    add(submit(tmp_path / "bundle"), results)
    assert set(read(results).records["method"]) == {*METHODS, "theirs"}


def test_a_store_takes_the_place_of_published_records_but_not_of_submissions(tmp_path: Path) -> None:
    results = write_store(make_records(seeds=2), tmp_path / "results", files=1)
    mine = make_records({"mine": {"share": 0.5, "submission": "ab" * 32}}, seeds=2)
    write_store(mine, tmp_path / "mine", files=1)
    (tmp_path / "mine" / "records-0.parquet").rename(results / "records-mine.parquet")
    (results / "plan-old.json").write_text("{}")
    store = write_store(make_records(seeds=3), tmp_path / "store", files=4)
    assert adopt_store(store, results) == 1
    found = sorted(path.name for path in results.iterdir())
    assert found == ["records-mine.parquet", "records-synthetic-recorded.parquet"]
    assert set(read(results).records["seed"]) == {0, 1, 2}


def test_an_incomplete_store_is_not_published(tmp_path: Path) -> None:
    results = write_store(make_records(seeds=2), tmp_path / "results")
    before = {path.name: path.read_bytes() for path in results.iterdir()}
    store = write_store(make_records(seeds=3).drop(index=5), tmp_path / "store")
    with pytest.raises(IncompleteError, match="only a complete store"):
        adopt_store(store, results)
    assert {path.name: path.read_bytes() for path in results.iterdir()} == before
