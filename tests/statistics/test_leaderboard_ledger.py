"""Bundles come in whole or not at all, attempts are counted, and the README table is kept up to date."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
from leaderboard_records import METHODS, make_records, write_store

from benchmark.contract import IncompleteError, UsageError
from leaderboard.board import make_board
from leaderboard.frame import read
from leaderboard.ledger import Ledger, add_bundle
from leaderboard.publish import BEGIN, END, adopt_store, publish_results
from leaderboard.render.markdown import render_table


def make_bundle(folder: Path, source: str = "v1", change=None, **facts) -> Path:
    """A bundle as ``confoundbench submit`` writes it."""
    digest = hashlib.sha256(source.encode()).hexdigest()
    isolation = {"submission": digest, "isolation": "bubblewrap"}
    records = make_records({"theirs": {"share": 0.8, "adjusts": True, **isolation, **facts}})
    records = records if change is None else change(records)
    write_store(records, folder, files=1)
    (folder / "records-0.parquet").rename(folder / f"records-{digest[:8]}.parquet")
    (folder / "method.py").write_bytes(source.encode())
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    manifest = {"format": 1, "method": "theirs", "sha256": digest, "files": files}
    manifest["isolation"] = facts.get("isolation", "bubblewrap")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_store(make_records(), tmp_path / "results")


def test_a_bundle_is_added_once_and_attempts_are_counted(tmp_path: Path, results: Path) -> None:
    first = make_bundle(tmp_path / "one")
    assert add_bundle(first, results).attempt == 1
    with pytest.raises(UsageError, match="added before"):
        add_bundle(first, results)
    assert add_bundle(make_bundle(tmp_path / "two", source="v2"), results).attempt == 2
    frame = read(results)
    assert frame.attempts == {"theirs": 2}
    # The newer file replaces the older one on the board; its count does not go away.
    assert frame.records["submission"].replace("", None).nunique() == 1
    assert [entry["attempt"] for entry in Ledger(results).read()] == [1, 2]


def test_the_ledger_shows_when_it_was_edited(tmp_path: Path, results: Path) -> None:
    for version in ("v1", "v2", "v3"):
        add_bundle(make_bundle(tmp_path / version, source=version), results)
    path = results / "attempts.jsonl"
    lines = path.read_text().splitlines()
    for edited in (lines[1:], [lines[0], lines[2]], [lines[0].replace("theirs", "others"), *lines[1:]]):
        path.write_text("\n".join(edited) + "\n")
        with pytest.raises(UsageError, match="edited"):
            Ledger(results).read()


@pytest.mark.parametrize("damage", ["records", "source", "extra"])
def test_a_damaged_bundle_is_refused(tmp_path: Path, results: Path, damage: str) -> None:
    folder = make_bundle(tmp_path / "bundle")
    if damage == "records":
        path = next(folder.glob("records-*.parquet"))
        frame = pd.read_parquet(path)
        frame["metric.rho"] = 0.0
        frame.to_parquet(path)
    elif damage == "source":
        (folder / "method.py").write_text("other")
    else:
        (folder / "records-more.parquet").write_bytes(b"")
    with pytest.raises(UsageError, match="intact"):
        add_bundle(folder, results)
    assert not (results / "attempts.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda r: r.assign(role="ceiling"), UsageError, "role of its own"),
        (lambda r: r.assign(**{"metric.rho": r["metric.rho"] - 1}), UsageError, "outside"),
        (lambda r: r.assign(isolation="none"), UsageError, "manifest denies"),
        (lambda r: r.assign(season="other"), UsageError, "other worlds"),
        (lambda r: r.assign(cell_naive_rho=r["cell_naive_rho"] + 0.1), UsageError, "other truths"),
        (lambda r: r[r["seed"] != 3], IncompleteError, "lacks 7 cells"),
        (lambda r: pd.concat([r, r[r["seed"] == 0].assign(seed=99)]), UsageError, "board has not"),
    ],
)
def test_implausible_rows_are_refused(tmp_path: Path, results: Path, change, error, said) -> None:
    with pytest.raises(error, match=said):
        add_bundle(make_bundle(tmp_path / "bundle", change=change), results)


def test_a_submission_without_isolation_is_shown_as_such(tmp_path: Path, results: Path) -> None:
    shown = {}
    for isolation in ("bubblewrap", "none"):
        add_bundle(make_bundle(tmp_path / isolation, source=isolation, isolation=isolation), results)
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
    add_bundle(make_bundle(tmp_path / "bundle"), results)
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
