"""The board: a tuple of small producers, run over one store and written by every renderer.

The same store gives the same bytes: numbers are rounded before they are ranked, resampling
is seeded by the suite, and run times go to a folder of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from leaderboard.catalogue import Catalogue
from leaderboard.frame import Frame, read
from leaderboard.producers.budgets import make_budget_curves
from leaderboard.producers.comparisons import make_comparisons
from leaderboard.producers.decompositions import make_curves, make_family_parts, make_parts, make_worlds
from leaderboard.producers.details import make_effects, make_policies, make_statuses, make_timings
from leaderboard.producers.evidence import Evidence, strengths_text
from leaderboard.producers.families import make_families, make_harm
from leaderboard.producers.favourites import make_favourites
from leaderboard.producers.headline import make_headlines, make_partial_boards
from leaderboard.producers.unidentified import make_unidentified
from leaderboard.producers.validity import find_problems, make_controls
from leaderboard.producers.values import make_value_curves
from leaderboard.provenance import read_provenance
from leaderboard.render import write_board
from leaderboard.tables import Board, Table, format_count
from leaderboard.verdicts import make_verdicts

Producer = Callable[[Evidence], list[Table]]

PRODUCERS: tuple[Producer, ...] = (
    make_headlines,
    make_parts,
    make_families,
    make_harm,
    make_partial_boards,
    make_unidentified,
    make_comparisons,
    make_effects,
    make_policies,
    make_value_curves,
    make_budget_curves,
    make_verdicts,
    make_controls,
    make_statuses,
    make_family_parts,
    make_curves,
    make_worlds,
    make_favourites,
)


def build_board(
    store: str | Path, out: str | Path, *, suite: str | None = None, catalogue: Catalogue | None = None
) -> Board:
    """Read a store, make every table, and write the tables and the pages.

    Args:
        store: Folder with ``records-*.parquet`` files.
        out: Folder to write to; made if need be.
        suite: Name of the suite, where the store holds several.
        catalogue: Descriptions of families and methods for their pages.

    Returns:
        The board, with the names of the files written.

    Raises:
        UsageError: If the records are malformed or mixed.
        IncompleteError: If there are none.
    """
    board = replace(make_board(read(store, suite)), provenance=read_provenance(Path(store)))
    return replace(board, files=write_board(board, Path(out), catalogue or Catalogue()))


def make_board(frame: Frame) -> Board:
    """The board of some records, as data."""
    evidence = Evidence(frame)
    return Board(
        suite=frame.suite,
        version=frame.version,
        season=frame.season,
        header=_header(evidence),
        tables=tuple(table for produce in PRODUCERS for table in produce(evidence)),
        problems=find_problems(evidence),
        timings=tuple(make_timings(evidence)),
    )


def _header(evidence: Evidence) -> tuple[str, ...]:
    records = evidence.frame.records
    cells = records[["scenario", "seed", "backbone"]].drop_duplicates()
    counts = (
        format_count(records["entrant"].nunique(), "method"),
        format_count(records["family"].nunique(), "family", "families"),
        format_count(records["scenario"].nunique(), "scenario"),
        format_count(len(cells), "cell"),
    )
    facts = [
        f"Suite {evidence.frame.suite} {evidence.frame.version}, season {evidence.frame.season}",
        ", ".join(counts),
    ]
    if len(evidence.groups) == 1:
        facts.append(evidence.groups[0].description.capitalize())
    backbones = {group.backbone for group in evidence.groups} - {""}
    if len(backbones) == 1:
        facts.append(f"Backbone {min(backbones)}")
    strengths = {strengths_text(group) for group in evidence.groups} - {""}
    if strengths:
        facts.append("Confounding strength " + "; ".join(sorted(strengths)))
    return tuple(facts)
