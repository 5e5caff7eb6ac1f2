"""The texts that each method likes most, as its records describe them."""

from __future__ import annotations

from leaderboard.producers.evidence import Evidence
from leaderboard.tables import Column, Table, make_table

SCENARIOS = 3


def make_favourites(evidence: Evidence) -> list[Table]:
    """For each method and backbone the favourite texts in a few scenarios, one a family."""
    records = evidence.frame.records
    if "favourites" not in records:
        return []
    told = records[records["favourites"].fillna("") != ""]
    told = told.sort_values(["entrant", "backbone", "family", "scenario"], kind="stable")
    told = told.drop_duplicates(["entrant", "backbone", "family"])
    told = told.groupby(["entrant", "backbone"], sort=True).head(SCENARIOS)
    names = ("entrant", "family", "scenario", "backbone", "favourites")
    titles = (
        "Method",
        "Family",
        "Scenario",
        "Backbone",
        "Texts, best liked first, and share of texts truly worse",
    )
    columns = [Column(name, title) for name, title in zip(names, titles, strict=True)]
    rows = [tuple(row) for row in told[list(names)].itertuples(index=False)]
    return [make_table("favourites", "Texts that methods like most", columns, rows)] if rows else []
