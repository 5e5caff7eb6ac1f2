"""The comparison of two published boards sees a changed value and overlooks a changed name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from published_tables import CLAIMS, METHODS, compare_sites

RANKING = "ranks,group,entrant,improvement\n1,a,dpo-p1,0.25\n2,b,naive,0.0\n"
HEADER = "claim,statement,statistic,found\n"
CLAIM = f"{HEADER}E-1,Old words.,rho(x) − dpo-p1 < 0,0.1\n,,rho(y) − dpo-p1-like < 0,0.2\n"
RENAMED = {
    "ranking.csv": "ranks,letters,entrant,improvement\n2,b,naive,0.0\n1,a,dpo-raw,0.25\n",
    "claims.csv": f"{HEADER}"
    "causal-dpo-beats-dpo,New words.,rho(x) − dpo-raw < 0,0.1\n,,rho(y) − dpo-p1-like < 0,0.2\n",
}


def write_site(folder: Path, tables: dict[str, str], note: str) -> Path:
    (folder / "tables").mkdir(parents=True)
    for name, text in tables.items():
        (folder / "tables" / name).write_text(text, encoding="utf-8")
    content = {"header": ["Suite quick 1"], "problems": [], "tables": {"ranking": {"notes": [note]}}}
    (folder / "leaderboard.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return write_site(tmp_path / "before", {"ranking.csv": RANKING, "claims.csv": CLAIM}, "6 cells of dpo-p1")


def test_new_names_and_another_order_are_no_difference(before: Path, tmp_path: Path) -> None:
    assert compare_sites(before, write_site(tmp_path / "after", RENAMED, "dpo-raw has 6 cells")) == []


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("ranking.csv", "0.25", "0.250001"),
        ("ranking.csv", "2,b", "2,a"),
        ("ranking.csv", "1,a,dpo-raw", "1,a,dpo-residual"),
        ("ranking.csv", "improvement", "gain"),
        ("claims.csv", "0.2\n", "0.3\n"),
        ("claims.csv", "causal-dpo-beats-dpo", "causal-dpo-fails-when-hidden"),
    ],
)
def test_a_changed_value_is_found(before: Path, tmp_path: Path, table: str, old: str, new: str) -> None:
    changed = {**RENAMED, table: RENAMED[table].replace(old, new)}
    assert changed != RENAMED
    assert any(table in line for line in compare_sites(before, write_site(tmp_path / "after", changed, "6")))


def test_a_lost_table_and_a_changed_number_in_a_note_are_found(before: Path, tmp_path: Path) -> None:
    fewer = {"ranking.csv": RENAMED["ranking.csv"]}
    found = compare_sites(before, write_site(tmp_path / "after", fewer, "7 cells"))
    assert any("claims.csv" in line for line in found)
    assert any("notes of ranking" in line for line in found)


def test_no_two_old_names_share_a_new_one() -> None:
    for names in (METHODS, CLAIMS):
        assert len(set(names.values())) == len(names)
