"""Tables of what regret is made of: by board, by family and by strength; and what each world shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from leaderboard.comparison_group import FAILED, ComparisonGroup
from leaderboard.decomposition import Parts, decompose, decompose_role
from leaderboard.intervals import estimate
from leaderboard.producers.evidence import Evidence, emphasis_of, span_of_cells
from leaderboard.producers.headline import rank_methods, rank_text
from leaderboard.ranks import rank
from leaderboard.tables import Column, Table, make_table

BEST = 10
SEPARATION = 2.0
TEXT = (
    "ρ = floor + learning cost + confounding cost. The floor is the regret of the ceiling. The learning cost "
    "is what the method adds to it when it learns from its own view of the randomised twin. The confounding "
    "cost is what it adds to that when it learns from the log."
)
PARTS = (
    Column("rho", "Regret ρ", 3),
    Column("floor", "Floor", 3, "ρ of the ceiling, a regression on the complete randomised twin"),
    Column("learning", "Learning cost", 3, "ρ on the method's own view of the twin, minus the floor"),
    Column(
        "confounding", "Confounding cost", 3, "ρ on the log, minus ρ on the method's own view of the twin"
    ),
    Column(
        "removed",
        "Confounding removed",
        2,
        "1 − confounding cost / confounding cost of naive, with its 95 % Fieller set",
    ),
    Column("cells", "Cells"),
)
PLACE = (
    Column("board", "Board"), Column("kind", "Logs"), Column("backbone", "Backbone"), Column("track", "Track")
)  # fmt: skip
WHO = (Column("entrant", "Entrant"), Column("label", "Method"), Column("role", "Role"))
Row = tuple[Any, ...]


def make_parts(evidence: Evidence) -> list[Table]:
    """The parts of every entrant's regret, over the cells that count on a board."""
    rows = []
    for group in _with_twins(evidence):
        part = group.where(group.counted)
        ranks = _rank_texts(evidence, part)
        for name, label, role, parts in _list_parts(part):
            if parts is not None:
                who = (*_place(part), name, label, role)
                rows.append((*who, ranks.get(name), *_numbers(parts)))
    columns = (*PLACE, *WHO, Column("ranks", "Rank set"), *PARTS)
    return _table("parts", "What regret is made of", columns, rows, TEXT)


def make_family_parts(evidence: Evidence) -> list[Table]:
    """The same for each family, over all of its cells; a family that an entrant cannot take says so."""
    rows = []
    for group in _with_twins(evidence):
        for family in sorted(set(group.cells["family"])):
            part = group.where((group.cells["family"] == family).to_numpy() & group.is_comparable)
            for name, label, role, parts in _list_parts(part):
                status = "ok" if parts is not None else _status(part, name)
                numbers = (None,) * len(PARTS) if parts is None else _numbers(parts)
                rows.append((family, *_place(part), name, label, role, status, *numbers))
    columns = (Column("family", "Family"), *PLACE, *WHO, Column("status", "Status"), *PARTS)
    return _table("family-parts", "What regret is made of, by family", columns, rows, TEXT)


def make_curves(evidence: Evidence) -> list[Table]:
    """Regret and confounding cost at each strength, of families that have several."""
    rows = []
    for group in _with_twins(evidence):
        for family, inside in group.cells.groupby("family", sort=True):
            strengths = sorted(set(inside["strength"].dropna()))
            for strength in strengths if len(strengths) > 1 else ():
                chosen = (group.cells["family"] == family) & (group.cells["strength"] == strength)
                part = group.where(chosen.to_numpy() & group.is_comparable)
                for name, label, role, parts in _list_parts(part):
                    if parts is not None:
                        where = (family, *_place(part), name, label, role, float(strength))
                        rows.append((*where, parts.rho, parts.confounding))
    columns = (
        *(Column("family", "Family"), *PLACE, *WHO, Column("strength", "Strength", 2)),
        *(Column("rho", "Regret ρ", 3), Column("confounding", "Confounding cost", 3)),
    )
    return _table("curves", "Regret by strength of confounding", columns, rows)


def make_worlds(evidence: Evidence) -> list[Table]:
    """For each scenario: its board, what confounding costs naive, and whether it tells methods apart."""
    rows: dict[str, Row] = {}
    for group in sorted(_with_twins(evidence), key=lambda group: group.track != "log"):
        for scenario in sorted(set(group.cells["scenario"])):
            part = group.where((group.cells["scenario"] == scenario).to_numpy())
            if scenario not in rows and len(part.cells):
                rows[scenario] = _describe_world(evidence, part, scenario)
    columns = (
        Column("scenario", "Scenario"),
        Column("family", "Family"),
        Column("board", "Board"),
        Column("reason", "Why it is in the suite"),
        Column("exact", "Exact ρ of the confounded limit", 3, "what a perfect reward model of the log has"),
        Column("cost", "Confounding cost of naive", 3),
        Column("spread", f"Spread of the best {BEST}", 3, "difference in ρ of the best and the last of them"),
        Column("resolvable", "Resolvable difference", 3, "found with 80 % power among them"),
        Column("separates", "Separates", note=f"whether the spread is {SEPARATION:g} resolvable differences"),
    )
    ordered = sorted(rows.values(), key=lambda row: (row[2], row[1], row[0]))
    return _table("worlds", "What each world shows", columns, ordered)


def _describe_world(evidence: Evidence, part: ComparisonGroup, scenario: str) -> Row:
    cells = part.cells
    cost = span_of_cells(part, cells["naive"] - cells["naive_twin"])
    exact = cells["cell_naive_rho"].mean()
    spread, resolvable = separate_best(evidence, part, scenario)
    known = spread is not None and resolvable is not None
    return (
        scenario,
        str(cells["family"].iloc[0]),
        part.board,
        evidence.frame.reasons.get(scenario),
        None if np.isnan(exact) else round(float(exact), 6),
        cost,
        spread,
        resolvable,
        bool(spread >= SEPARATION * resolvable) if known else None,  # type: ignore[operator]
    )


def separate_best(
    evidence: Evidence, part: ComparisonGroup, *path: object
) -> tuple[float | None, float | None]:
    """How far the best ten methods of some cells are apart, and which difference could be seen among them."""
    measured = part.where(part.cells["naive"].notna().to_numpy())
    methods = measured.only(measured.is_rankable & (measured.entrants["role"] == "method").to_numpy())
    if not len(methods.cells) or len(methods.entrants) < 2:
        return None, None
    means = np.round(methods.filled.mean(axis=1), 6)
    best = np.sort(np.lexsort((np.array(methods.names), means))[:BEST])
    ranking = rank(
        estimate(-methods.filled[best], methods.clusters), evidence.rng("separation", part.name, *path)
    )
    spread = round(float(means[best].max() - means[best].min()), 6)
    return spread, round(ranking.resolvable, 6) if np.isfinite(ranking.resolvable) else None


def _with_twins(evidence: Evidence) -> list[ComparisonGroup]:
    return [group for group in evidence.groups if np.isfinite(group.twin).any()]


def _list_parts(part: ComparisonGroup) -> Iterator[tuple[str, str, str, Parts | None]]:
    """Name, label, role and parts of naive, the ceiling and every entrant."""
    for role in ("naive", "ceiling"):
        parts = decompose_role(part, role)
        if parts is not None:
            yield role, role, role, parts
    for name in part.names:
        facts = part.entrants.loc[name]
        yield name, str(facts["label"]) or name, str(facts["role"]), decompose(part, name)


def _rank_texts(evidence: Evidence, part: ComparisonGroup) -> dict[str, str]:
    if not part.is_ranked or not len(part.cells):
        return {}
    able = part.only(part.is_rankable & (part.entrants["role"] == "method").to_numpy())
    if not len(able.entrants):
        return {}
    ranking = rank_methods(evidence, able, f"ranking{evidence.table_suffix(part)}")
    return {name: rank_text(ranking.best[i], ranking.worst[i]) for i, name in enumerate(able.names)}


def _place(group: ComparisonGroup) -> Row:
    return group.board or None, group.kind, group.backbone, group.track


def _numbers(parts: Parts) -> Row:
    return parts.rho, parts.floor, parts.learning, parts.confounding, parts.removed, parts.cells


def _status(part: ComparisonGroup, name: str) -> str:
    """Why an entrant has no parts in a family: the most telling status of its cells."""
    found = set(part.status[part.names.index(name)])
    if found <= {"incompatible", "unplanned"}:
        return "incompatible" if "incompatible" in found else "missing"
    return "failed" if found & set(FAILED) else "missing"


def _table(
    name: str, title: str, columns: tuple[Column, ...], rows: list[Row], text: str = ""
) -> list[Table]:
    if not rows:
        return []
    roles = [column.name for column in columns]
    emphasis = tuple(emphasis_of(str(row[roles.index("role")])) for row in rows) if "role" in roles else ()
    return [make_table(name, title, columns, rows, text=text, emphasis=emphasis)]
