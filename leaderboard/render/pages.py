"""The site: an index, a page a board, a method and a family, and one with all tables.

It reads the tables that ``leaderboard.render.page_tables`` describes, and the catalogue. The templates escape
everything that comes from records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import jinja2
from markupsafe import Markup

from leaderboard.catalogue import Catalogue
from leaderboard.render import chooser, method_page
from leaderboard.render.graph import describe_graph, draw_graph
from leaderboard.render.heatmap import first_tracks, format_percent, is_resolved, make_heatmaps, show_removed
from leaderboard.render.page_tables import BOARDS, downloads_of, group_rows, rows_of
from leaderboard.render.papers import find_links
from leaderboard.render.stacks import draw_panels, make_stack, scale_of
from leaderboard.render.table_view import view_table
from leaderboard.tables import LONGEST, Board, Span, Table, format_count, format_number

TEMPLATES = Path(__file__).parent / "templates"
CARD_ROWS = 6
FOR_A_BOARD = {"family": "", "status": "ok"}
Row = Mapping[str, Any]


def render_pages(board: Board, catalogue: Catalogue) -> dict[str, str]:
    """Every page by its path in the site."""
    return Site(board, catalogue).render()


@dataclass(frozen=True, eq=False)
class Site:
    """A board and its catalogue, with what several pages share."""

    board: Board
    catalogue: Catalogue

    def render(self) -> dict[str, str]:
        """Every page by its path in the site."""
        pages = {
            "index.html": self._page("index.html", "", **self.index()),
            "tables.html": self._page("tables.html", "", tables=self.all_tables()),
            "style.css": (TEMPLATES / "style.css").read_text("utf-8"),
        }
        for key in self.boards:
            pages[f"boards/{key}.html"] = self._page("board.html", "../", **self.one_board(key))
        for name in self.methods:
            pages[f"methods/{self.files[name]}.html"] = self._page("method.html", "../", **self.method(name))
        for name in self.families:
            path = f"families/{self.family_files[name]}.html"
            pages[path] = self._page("family.html", "../", **self.family(name))
        return pages

    # -- what pages share -----------------------------------------------------
    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        """Rows of the table ``parts``."""
        return [_drop_share(row) for row in rows_of(self.board, "parts") if row["board"] in BOARDS]

    @cached_property
    def family_parts(self) -> list[dict[str, Any]]:
        """Rows of the table ``family-parts``."""
        rows = rows_of(self.board, "family-parts")
        return [{"ranks": None, **_drop_share(row)} for row in rows if row["board"] in BOARDS]

    @cached_property
    def _parts_of(self) -> dict[Any, list[dict[str, Any]]]:
        return group_rows(self.parts, "entrant")

    @cached_property
    def _family_parts_of(self) -> dict[Any, list[dict[str, Any]]]:
        return group_rows(self.family_parts, "entrant")

    @cached_property
    def _curves(self) -> dict[str, dict[Any, list[dict[str, Any]]]]:
        """Rows of the table ``curves`` by backbone and entrant."""
        found = group_rows(rows_of(self.board, "curves"), "backbone")
        return {backbone: group_rows(rows, "entrant") for backbone, rows in found.items()}

    @cached_property
    def _values_of(self) -> dict[Any, list[dict[str, Any]]]:
        return group_rows(rows_of(self.board, "value-kl"), "entrant")

    @cached_property
    def _favourites_of(self) -> dict[Any, list[dict[str, Any]]]:
        return group_rows(rows_of(self.board, "favourites"), "entrant", "backbone")

    @cached_property
    def _reasons_of(self) -> dict[Any, list[dict[str, Any]]]:
        return group_rows(rows_of(self.board, "reasons"), "entrant")

    @cached_property
    def boards(self) -> list[str]:
        """Keys of the boards that have rows, in order."""
        found = {row["board"] for row in self.parts}
        return [key for key in BOARDS if key in found]

    @cached_property
    def backbone(self) -> str:
        """The backbone on which most was measured; figures are about it where they show one."""
        names = [str(row["backbone"]) for row in self.family_parts]
        return max(sorted(set(names)), key=names.count, default="")

    @cached_property
    def methods(self) -> list[str]:
        """Entrants, sorted."""
        return sorted({str(row["entrant"]) for row in (*self.parts, *self.family_parts)})

    @cached_property
    def families(self) -> list[str]:
        """Families with records, sorted."""
        return sorted({str(row["family"]) for row in self.family_parts})

    @cached_property
    def files(self) -> dict[str, str]:
        """File name of each entrant's page, without ending."""
        return name_files(self.methods)

    @cached_property
    def family_files(self) -> dict[str, str]:
        """File name of each family's page, without ending."""
        return name_files(self.families)

    @cached_property
    def _environment(self) -> jinja2.Environment:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        environment.filters |= {
            "removed": show_removed,
            "percent": lambda span: (
                f"{format_percent(span.value)}\N{NO-BREAK SPACE}%" if isinstance(span, Span) else "–"
            ),
            "number": format_number,
            "links": find_links,
        }
        return environment

    def _page(self, template: str, root: str, **view: Any) -> str:
        """One page; ``root`` leads from its folder to the site's."""
        return self._environment.get_template(template).render(
            site=self, board=self.board, root=root, titles=BOARDS, **view
        )

    def group_bars(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Rows as bars, apart for each board, backbone, kind of log and track; the largest group first."""
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            if isinstance(row["rho"], Span):
                place = (row["board"], row["backbone"], row["kind"], row["track"])
                groups.setdefault(place, []).append(row)
        several = len({board for board, *_ in groups}) > 1
        found = []
        for key, own in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
            board, backbone, kind, track = key
            if all(row["role"] in ("naive", "ceiling") for row in own):
                continue
            own = sorted(own, key=lambda row: (row["rho"].value, str(row["entrant"])))
            title = f"{KINDS.get(kind, kind)}, {TRACKS.get(track, track)}, backbone {backbone}"
            found.append({"title": f"{BOARDS[board]}: {title}" if several else title, "bars": self.bars(own)})
        return found

    def bars(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows with their bar and page."""
        scale = scale_of(rows)
        return [
            {"row": row, "stack": make_stack(row, scale), "file": self.files.get(str(row["entrant"]))}
            for row in rows
        ]

    # -- pages ----------------------------------------------------------------
    def index(self) -> dict[str, Any]:
        """What the index shows."""
        claims = [row for row in rows_of(self.board, "claims") if row["claim"]]
        verdicts = [str(row["verdict"]) for row in claims]
        counts = [(name, verdicts.count(name)) for name in ("reproduced", "not reproduced", "undetermined")]
        main = [row for row in self.family_parts if row["backbone"] == self.backbone]
        return {
            "cards": [self.card(key) for key in self.boards if key != "controls"],
            "rankings": [view_table(t) for t in self.board.tables if t.name.startswith("ranking")],
            "answers": chooser.make_answers(main, self.catalogue),
            "kinds": chooser.KINDS,
            "held": chooser.HELD,
            "heatmaps": make_heatmaps(self.family_parts, [key for key in BOARDS if key != "controls"]),
            "claims": claims,
            "counts": counts,
            "downloads": downloads_of(self.board),
        }

    def card(self, key: str) -> dict[str, Any]:
        """One board on the index: its line and its best rows."""
        rows = select_rows([row for row in self.parts if row["board"] == key])
        families = sorted({str(row["family"]) for row in self.family_parts if row["board"] == key})
        entrants = {row["entrant"] for row in self.parts if row["board"] == key and row["role"] == "method"}
        return {
            "key": key,
            "line": describe_board(key, [row for row in self.parts if row["board"] == key]),
            "bars": self.bars(rows),
            "families": families,
            "methods": format_count(len(entrants), "method"),
        }

    def figure(self) -> str:
        """The boards in one drawing, for a place that has no style of its own; empty without boards."""
        rows_on = {key: [row for row in self.parts if row["board"] == key] for key in self.boards}
        lines = describe_boards(self.board)
        keys = [key for key in self.boards if key != "controls"]
        panels = [(title, select_rows(rows_on[key])) for (title, _), key in zip(lines, keys, strict=True)]
        return draw_panels(panels) if panels else ""

    def one_board(self, key: str) -> dict[str, Any]:
        """The page of one board."""
        rows = [row for row in self.parts if row["board"] == key]
        kinds = tuple(f"{kind}-{key}-" for kind in ("ranking", "harm"))
        more = [table for table in self.board.tables if table.name == key or table.name.startswith(kinds)]
        return {
            "key": key,
            "line": describe_board(key, rows),
            "groups": self.group_bars(rows),
            "tables": [view_table(table) for table in (*more, *self.worlds_on(key))],
        }

    def worlds_on(self, key: str) -> list[Table]:
        """The table of worlds with those of one board."""
        table = self.board.table("worlds")
        if table is None:
            return []
        place = [column.name for column in table.columns].index("board")
        return [replace(table, rows=tuple(row for row in table.rows if row[place] == key), emphasis=())]

    def method(self, name: str) -> dict[str, Any]:
        """The page of one method."""
        rows = first_tracks(self._family_parts_of.get(name, []))
        on = first_tracks([row | FOR_A_BOARD for row in self._parts_of.get(name, [])])
        backbones = sorted({str(row["backbone"]) for row in rows if row["status"] == "ok"})
        backbone = self.backbone if self.backbone in backbones or not backbones else backbones[0]
        here = [row for row in rows if row["backbone"] == backbone]
        charts = method_page.draw_curves(name, self._curves.get(backbone, {}))
        return {
            "name": name,
            "label": str((rows or on)[0]["label"]),
            "about": self.catalogue.method(name),
            "backbone": backbone,
            "boards_of": self.bars(
                sorted(on, key=lambda row: (list(BOARDS).index(row["board"]), row["backbone"]))
            ),
            "sorted": method_page.sort_families(here),
            "rows": self.bars(
                sorted(rows, key=lambda row: (list(BOARDS).index(row["board"]), row["family"]))
            ),
            "charts": [(family, Markup(svg)) for family, svg in charts],
            "value": Markup(method_page.draw_value(name, self._values_of.get(name, []))),
            "favourites": method_page.read_favourites(self._favourites_of.get((name, backbone), [])),
            "reasons": self._reasons_of.get(name, []),
        }

    def family(self, name: str) -> dict[str, Any]:
        """The page of one family."""
        about = self.catalogue.family(name)
        rows = [row for row in self.family_parts if row["family"] == name]
        graph = about.get("graph")
        declined = sorted({str(row["label"]) for row in rows if row["status"] == "incompatible"})
        return {
            "name": name,
            "about": about,
            "key": str(rows[0]["board"]),
            "graph": Markup(draw_graph(graph, f"Causal graph of {name}")) if graph else "",
            "arrows": describe_graph(graph) if graph else [],
            "best": chooser.find_best([row for row in rows if row["backbone"] == self.backbone]),
            "groups": self.group_bars(rows),
            "declined": declined,
            "worlds": [row for row in rows_of(self.board, "worlds") if row["family"] == name],
        }

    def all_tables(self) -> list[dict[str, Any]]:
        """Tables that are short enough to be read on a page."""
        return [view_table(table) for table in downloads_of(self.board) if len(table.rows) <= LONGEST]


KINDS = {"outcome": "Logs of outcomes", "pairs": "Logs of preference pairs", "rankings": "Logs of rankings"}
TRACKS = {
    "log": "the log alone",
    "propensity": "with logged probabilities of texts",
    "slice": "with a mark for randomised rows",
    "oracle": "with outcomes that may be bought",
}


def _drop_share(row: dict[str, Any]) -> dict[str, Any]:
    """A row; on controls there is no confounding of which a share could be removed."""
    return row | {"removed": None} if row["board"] == "controls" else row


def name_files(names: Iterable[str]) -> dict[str, str]:
    """File names that are safe and distinct whatever the names are.

    Example:
        >>> name_files(["dpo-raw", "../x", "x"])
        {'dpo-raw': 'dpo-raw', '../x': 'x', 'x': 'x-2'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80] or "entrant"
        file, number = stem, 1
        while file in taken:
            number += 1
            file = f"{stem}-{number}"
        taken.add(file)
        found[name] = file
    return found


def select_rows(rows: Sequence[Row]) -> list[Row]:
    """The rows of a board that the first picture shows: its best methods, naive and the ceiling."""
    main = main_group(rows)
    methods = [row for row in main if row["role"] == "method"]
    methods.sort(key=lambda row: (row["rho"].value, str(row["entrant"])))
    shown = methods[:CARD_ROWS]
    references = [row for row in main if row["role"] in ("naive", "ceiling")]
    return sorted((*shown, *references), key=lambda row: (row["rho"].value, str(row["entrant"])))


def main_group(rows: Sequence[Row]) -> list[Row]:
    """The rows of the largest group that may be ranked together, with a regret."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if isinstance(row["rho"], Span):
            groups.setdefault((row["backbone"], row["kind"], row["track"]), []).append(row)
    order = sorted(groups, key=lambda key: (-len(groups[key]), key))
    return groups[order[0]] if order else []


def describe_board(key: str, rows: Sequence[Row]) -> str:
    """One line on a board: who leads, and how many cannot be told apart from the leader.

    Where nothing identifies the effect nobody leads; the line says whether anybody helps at all.
    """
    methods = [row for row in main_group(rows) if row["role"] == "method"]
    known = [row["removed"] for row in methods if isinstance(row["removed"], Span)]
    if not methods:
        return "No method was measured on every world of this board."
    if key == "controls":
        return "There is nothing to remove in these logs, or nothing to find; a method can only do harm."
    if key == "unidentified":
        sure = sum(is_resolved(span) and span.low > 0 for span in known)
        middle = format_percent(median(span.value for span in known)) if known else "–"
        return (
            f"{sure} of {format_count(len(methods), 'method')} surely {'removes' if sure == 1 else 'remove'} "
            f"some of the confounding; the median method removes {middle}\N{NO-BREAK SPACE}%."
        )
    best = min(methods, key=lambda row: (row["rho"].value, str(row["entrant"])))
    share = show_removed(best["removed"]) if isinstance(best["removed"], Span) else "an unknown share"
    tied = sum(str(row["ranks"] or "").partition("–")[0] == "1" for row in methods)
    line = f"{best['label']} has the least regret and removes {share} of the confounding"
    if tied > 1:
        return f"{line}; {tied} of {len(methods)} methods may be the best."
    return f"{line}, the least of {format_count(len(methods), 'method')}."


def describe_boards(board: Board) -> list[tuple[str, str]]:
    """Title and line of each board that methods are measured on, controls left out."""
    parts = rows_of(board, "parts")
    found = {row["board"] for row in parts} - {"controls"}
    return [
        (title, describe_board(key, [row for row in parts if row["board"] == key]))
        for key, title in BOARDS.items()
        if key in found
    ]
