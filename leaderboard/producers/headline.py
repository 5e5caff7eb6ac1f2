"""The headline: who improves on taking the log at face value, by how much, and who is tied with whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from leaderboard.comparison_group import DIGITS, ComparisonGroup
from leaderboard.intervals import ratio_of
from leaderboard.producers.evidence import Evidence, emphasis_of, span_at, span_of_cells, span_of_ratio
from leaderboard.ranks import DRAWS, Ranking, rank
from leaderboard.tables import Column, Span, Table, format_count, make_span, make_table

MAXIMUM_SUBBOARDS = 12
MANY, FEWER_DRAWS = 60, 400
FEW = 0.2

COLUMNS = (
    Column(
        "ranks",
        "Rank set",
        note="the ranks that the method may truly have, at 95 % confidence for all methods together",
    ),
    Column(
        "tier",
        "Tier",
        note="no method is certainly better than those of tier 1; each of tier 2 is certainly worse than one "
        "of tier 1, and so on",
    ),
    Column("entrant", "Method"),
    Column(
        "equivalence",
        "A/B equivalence",
        2,
        "0 is as good as the log taken at face value, 1 is as good as the experiment",
    ),
    Column("improvement", "Improvement D", 3, "ρ(naive) − ρ(method), averaged over cells"),
    Column(
        "rho",
        "Regret ρ",
        3,
        "share of reward lost by choosing as the method does: 0 is perfect, .5 is a coin toss",
    ),
    Column(
        "leave_one_out", "D without one family", 3, "the least and the greatest D when one family is left out"
    ),
    Column("adjusts", "Adjusts", note="whether the method claims to remove confounding"),
    Column("policy", "Policy", note="whether the method's result writes texts"),
    Column(
        "imputed",
        "Imputed",
        note="cells that failed; each counts as max(ρ(naive), .5, ρ of the worst valid seed)",
    ),
)
# Left out where they hold nothing.
OPTIONAL = ("leave_one_out", "imputed")


def make_headlines(evidence: Evidence) -> list[Table]:
    """The main board of each comparison group."""
    tables = []
    for group in evidence.groups:
        full = group.where(group.confounded)
        if len(full.cells) and group.is_ranked:
            name, title = f"ranking{evidence.table_suffix(group)}", f"Ranking{evidence.title_suffix(group)}"
            # Declining the cells in which a method can only do harm would hide that it does.
            declines = ~group.takes_harmless & (group.entrants["role"] == "method").to_numpy()
            table = _board(evidence, full.only(~declines), name, title)
            note = "These methods are not ranked here, because they decline cells in which the log is right: "
            named = ", ".join(group.only(declines).names)
            tables.append(replace(table, notes=(*table.notes, note + named + ".")) if named else table)
    return tables


def make_partial_boards(evidence: Evidence) -> list[Table]:
    """Boards of some scenarios, for methods that cannot take all; every method that takes them is ranked."""
    tables = []
    for group in evidence.groups:
        full = group.where(group.confounded)
        supported = _supported_sets(full) if group.is_ranked else []
        shown = supported[:MAXIMUM_SUBBOARDS]
        for number, scenarios in enumerate(shown, start=1):
            part = full.where(full.cells["scenario"].isin(scenarios).to_numpy())
            families = ", ".join(sorted(set(part.cells["family"])))
            name = f"ranking{evidence.table_suffix(group)}-part-{number}"
            title = f"Ranking on {families}{evidence.title_suffix(group)}"
            text = f"This table ranks every method that takes all of these scenarios: {', '.join(scenarios)}."
            table = _board(evidence, part, name, title, text)
            left = len(supported) - len(shown)
            if left and number == len(shown):
                note = (
                    f"{format_count(left, 'smaller set')} of scenarios that some methods take have no table."
                )
                table = replace(table, notes=(*table.notes, note))
            tables.append(table)
    return tables


def _supported_sets(full: ComparisonGroup) -> list[tuple[str, ...]]:
    """Distinct sets of scenarios that entrants unable to take all of them can take, largest first."""
    names = full.cells["scenario"].to_numpy()
    scenarios = sorted(set(names))
    found: set[tuple[str, ...]] = set()
    for row, complete in zip(np.isfinite(full.filled), full.is_rankable, strict=True):
        if not complete:
            found.add(tuple(s for s in scenarios if row[names == s].all()))
    return sorted(found - {()}, key=lambda s: (-len(s), s))


def _board(evidence: Evidence, full: ComparisonGroup, name: str, title: str, text: str = "") -> Table:
    part = full.only(full.is_rankable)
    if not (part.entrants["role"] == "method").any():
        text = "No method takes every cell. The tables below rank methods on some of the families."
        return make_table(name, title, COLUMNS, [], text=text)
    estimates, with_room = part.improvement(), part.improvement_and_room()
    is_method = (part.entrants["role"] == "method").to_numpy()
    ranking = rank_methods(evidence, part, name)
    place = {entrant: index for index, entrant in enumerate(part.only(is_method).names)}
    spread = leave_one_family_out(part)
    rows, emphasis = [], []
    for index in np.lexsort((np.array(part.names), -estimates.mean)):
        entrant = part.names[index]
        seat = place.get(entrant)
        rows.append(
            (
                None if seat is None else rank_text(ranking.best[seat], ranking.worst[seat]),
                None if seat is None else int(ranking.tiers[seat]),
                str(part.entrants.loc[entrant, "label"]) or entrant,
                span_of_ratio(ratio_of(with_room, index, -1)),
                span_at(estimates, index),
                round(float(part.filled[index].mean()), DIGITS),
                spread[index],
                bool(part.entrants.loc[entrant, "adjusts"]),
                bool(part.entrants.loc[entrant, "policy"]),
                _count(part.imputed[index]),
            )
        )
        emphasis.append(emphasis_of(part.entrants.loc[entrant, "role"]))
    for role in ("naive", "ceiling"):
        rows.append(_reference(part, role))
        emphasis.append(role)
    order = sorted(range(len(rows)), key=lambda i: (-rows[i][4].value, i))
    notes = _notes(part, ranking, full)
    kept = [
        k for k, column in enumerate(COLUMNS) if column.name not in OPTIONAL or any(row[k] for row in rows)
    ]
    return make_table(
        name,
        title,
        [COLUMNS[k] for k in kept],
        [[rows[i][k] for k in kept] for i in order],
        text=text,
        notes=tuple(notes),
        emphasis=tuple(emphasis[i] for i in order),
    )


def rank_methods(evidence: Evidence, part: ComparisonGroup, *path: object) -> Ranking:
    """Rank sets of a group's methods; canaries are shown and have no rank.

    The time of a resample grows with the number of pairs, so that many methods have fewer of them.
    """
    key = (part.name, *path)
    if key not in evidence.rankings:
        methods = part.only((part.entrants["role"] == "method").to_numpy())
        draws = DRAWS if len(methods.entrants) <= MANY else FEWER_DRAWS
        evidence.rankings[key] = rank(methods.improvement(), evidence.rng("ranks", *key), draws=draws)
    return evidence.rankings[key]


def leave_one_family_out(part: ComparisonGroup) -> list[Span | None]:
    """For each entrant the least and greatest mean improvement when one family is left out."""
    families = part.cells["family"].to_numpy()
    names = sorted(set(families))
    if len(names) < 2:
        return [None] * len(part.entrants)
    gains = part.cells["naive"].to_numpy() - part.filled
    means = np.stack([gains[:, families != family].mean(axis=1) for family in names])
    whole = gains.mean(axis=1)
    return [make_span(whole[i], means[:, i].min(), means[:, i].max()) for i in range(len(whole))]


def _reference(part: ComparisonGroup, role: str) -> tuple:
    """The row of naive or ceiling."""
    naive, scores = part.cells["naive"].to_numpy(), part.cells[role].to_numpy()
    gap = span_of_cells(part, naive - scores) or Span(float("nan"))
    known = scores[np.isfinite(scores)]
    rho = round(float(known.mean()), DIGITS) if len(known) else None
    if role == "naive":
        return (None, None, "naive (log at face value)", Span(0.0), Span(0.0), rho, None, False, False, None)
    return (None, None, "ceiling (the experiment)", Span(1.0), gap, rho, None, False, False, None)


def rank_text(best: int, worst: int) -> str:
    """A rank set in words, such as ``2–5``."""
    return f"{best}" if best == worst else f"{best}–{worst}"


def _count(flags: np.ndarray) -> str | None:
    total = int(flags.sum())
    return f"†{total} ({100 * total / flags.size:.0f} %)" if total else None


def _notes(part: ComparisonGroup, ranking: Ranking, full: ComparisonGroup) -> list[str]:
    seeds = part.cells.groupby("family")["seed"].nunique()
    notes = [
        f"The ranking covers {format_count(len(part.cells), 'cell')} of "
        f"{format_count(len(seeds), 'family', 'families')}: "
        + ", ".join(f"{family} ({format_count(count, 'seed')})" for family, count in seeds.items())
        + "."
    ]
    if np.isnan(part.improvement().error).any():
        notes.append("A family has a single seed, so that no interval can be given and all methods are tied.")
    elif np.isfinite(ranking.resolvable):
        notes.append(
            f"A difference in D below about {ranking.resolvable:.2g} cannot be resolved "
            "(80 % power, all pairs tested at once)."
        )
    count = len(ranking.better)
    told, pairs = int(ranking.better.sum()), count * (count - 1) // 2
    if pairs:
        few = (
            f" {format_count(int(seeds.max()), 'seed')} cannot rank these methods."
            if told < FEW * pairs
            else ""
        )
        notes.append(f"{told} of {format_count(pairs, 'pair')} of methods can be told apart.{few}")
    open_ones = part.names_of_unguarded
    if open_ones:
        notes.append(
            "These submissions ran without isolation, so that their scores rest on their authors' word: "
            + ", ".join(open_ones)
            + "."
        )
    left = [n for n, complete in zip(full.names, full.is_rankable, strict=True) if not complete]
    if left:
        notes.append(
            "These methods are not ranked here, because they lack some of the cells: " + ", ".join(left) + "."
        )
    return notes
