"""The pages say what the tables say, link only to what is there, and show markup from records as text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from page_board import FAMILIES, HOSTILE, make_page_board
from page_reader import Page

from leaderboard.catalogue import Catalogue
from leaderboard.publish import render_short
from leaderboard.render import render_board, write_board
from leaderboard.render.chooser import HELD, find_best
from leaderboard.render.curves import Line, draw_lines
from leaderboard.render.graph import describe_graph, draw_graph
from leaderboard.render.heatmap import make_cell, make_heatmaps
from leaderboard.render.markdown import escape_markdown
from leaderboard.render.method_page import read_favourites, sort_families
from leaderboard.render.page_tables import BOARDS, downloads_of, rows_of
from leaderboard.render.pages import Site, name_files
from leaderboard.render.papers import find_links
from leaderboard.render.stacks import make_stack, scale_of
from leaderboard.tables import Span

SHOWN = [key for key in BOARDS if key != "controls"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    board, catalogue = make_page_board()
    write_board(board, folder, catalogue)
    return folder


def test_every_page_is_well_formed_and_every_link_leads_somewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert {path.parent.name for path in pages} == {site.name, "boards", "methods", "families"}
    for path in pages:
        page = Page.read(path)
        assert page.open == [], path
        assert len(page.ids) == len(set(page.ids)), path
        assert all(re.match(r"(data:,|(\.\./)?style\.css$)", name) for name in page.loaded), path
        for link in page.links:
            file, _, target = unquote(link).partition("#")
            if re.match(r"https://(arxiv|doi)\.org/|\.\./\.\./(docs/|README)", link):
                continue
            place = (path.parent / file).resolve() if file else path
            assert place.exists(), (path, link)
            assert not target or target in Page.read(place).ids, (path, link)


def test_there_is_a_page_for_each_method_family_and_board(site: Path) -> None:
    assert {path.stem for path in (site / "families").iterdir()} == set(FAMILIES)
    assert {path.stem for path in (site / "boards").iterdir()} == set(BOARDS)
    assert {"naive", "ceiling", "canary-constant", "method-0"} <= {
        p.stem for p in (site / "methods").iterdir()
    }


def test_the_same_board_gives_the_same_bytes() -> None:
    assert render_board(*make_page_board()) == render_board(*make_page_board())


def test_markup_in_records_is_shown_and_never_read(tmp_path: Path) -> None:
    """A label, a reason, a claim and a text hold a script or a tag; scripts are our own and one a page."""
    board, catalogue = make_page_board(hostile=True)
    files = render_board(board, catalogue)
    for name, text in files.items():
        if name.endswith((".html", ".svg", ".md")):
            assert "<script>alert" not in text, name
            assert "<b>Hello" not in text, name
    assert HOSTILE in Page(files["methods/method-1.html"]).text
    assert HOSTILE in Page(files["index.html"]).text
    assert "<b>Hello</b>" in Page(files["methods/method-0.html"]).text
    assert "<script" not in render_short(board, "site")


def test_markdown_shows_links_and_markup_as_text() -> None:
    said = escape_markdown("<img src=x> [a](javascript:x) https://a.b | `c`\nd")
    assert said == "&lt;img src=x&gt; [a]\\(javascript:x) https:&#47;/a.b \\| \\`c\\` d"


def test_names_become_distinct_files_inside_their_folder() -> None:
    names = ["a b", "a-b", "../../etc/passwd", "..", "A B", "x" * 500]
    files = name_files(names)
    assert len(set(files.values())) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]{1,90}", file) for file in files.values())


def test_a_board_without_these_tables_still_has_pages() -> None:
    board, _ = make_page_board()
    bare = type(board)(board.suite, board.version, board.season, board.header, board.tables[-1:])
    files = render_board(bare, Catalogue())
    assert {"index.html", "tables.html", "style.css"} <= set(files)
    assert "figures/boards.svg" not in files


# -- what is said ---------------------------------------------------------------
def span(value: float, spread: float = 0.01) -> Span:
    return Span(value, value - spread, value + spread)


def test_a_bar_is_as_long_as_its_parts() -> None:
    """.1 + .1 + .2 on a scale of .5: 20, 20 and 40 percent, side by side."""
    row = {"rho": span(0.4), "floor": span(0.1), "learning": span(0.1), "confounding": span(0.2)}
    assert scale_of([row]) == 0.5
    stack = make_stack(row, 0.5)
    assert stack is not None
    assert [(s.part, s.left, s.width) for s in stack.segments] == [
        ("floor", 0.0, 20.0),
        ("learning", 20.0, 20.0),
        ("confounding", 40.0, 40.0),
    ]


def test_a_cost_below_zero_is_drawn_back_from_the_end() -> None:
    row = {"rho": span(0.15), "floor": span(0.1), "learning": span(0.1), "confounding": span(-0.05)}
    stack = make_stack(row, 0.5)
    assert stack is not None
    last = stack.segments[-1]
    assert (last.negative, last.left, last.width) == (True, 30.0, 10.0)


def make_row(removed: Span | None, status: str = "ok", **more: object) -> dict:
    return {"status": status, "removed": removed, "board": "recorded", "family": "observed", **more}


@pytest.mark.parametrize(
    ("row", "style", "text"),
    [
        (make_row(Span(1.0, 0.9, 1.1)), "p4", "100"),
        (make_row(Span(-0.5, -0.6, -0.4)), "n2", "−50"),
        (make_row(Span(-3.0, -4.0, -2.0)), "n4", "≤−100"),
        (make_row(Span(0.5, -0.1, 1.1)), "p2 unresolved", "50"),
        (make_row(Span(0.5, -float("inf"), float("inf"))), "p2 unresolved", "50"),
        (make_row(Span(0.5, 0.2, 0.4, outside=True)), "p2 unresolved", "50"),
        (make_row(None, "incompatible"), "incompatible", ""),
        (None, "missing", ""),
    ],
)
def test_a_cell_of_the_heatmap(row: dict | None, style: str, text: str) -> None:
    cell = make_cell(row, "observed")
    assert (cell.style, cell.text) == (style, text)


def test_the_heatmap_holds_every_method_and_family_once() -> None:
    board, _ = make_page_board()
    (heatmap,) = make_heatmaps(rows_of(board, "family-parts"), SHOWN)
    assert {row.name for row in heatmap.rows} == {
        "naive",
        "canary-constant",
        *(f"method-{i}" for i in range(12)),
    }
    assert [key for _, key in heatmap.families] == sorted(
        (key for _, key in heatmap.families), key=SHOWN.index
    )
    assert all(len(row.cells) == len(FAMILIES) - 1 for row in heatmap.rows)  # without the control


def test_wins_and_failures_need_the_whole_interval() -> None:
    rows = [
        make_row(Span(0.9, 0.6, 1.2), family="a"),
        make_row(Span(0.9, 0.4, 1.4), family="b"),
        make_row(Span(0.3, -0.1, 0.7), family="c"),
        make_row(Span(-0.3, -0.4, -0.2), family="d"),
        make_row(None, "incompatible", family="e"),
    ]
    assert sort_families(rows) == {"most": ["a"], "some": ["b"], "open": ["c"], "worse": ["d"]}


def test_the_chooser_recommends_methods_alone_and_only_what_surely_helps() -> None:
    """Who learns little has little confounding to show, so that regret decides among those who help."""
    removed = {
        "ceiling": Span(1.0, 0.9, 1.1),
        "noisy": Span(0.9, -0.1, 1.9),
        "learns-little": Span(1.0, 0.9, 1.1),
        "sure": Span(0.5, 0.4, 0.6),
    }
    regret = {"ceiling": 0.1, "noisy": 0.1, "learns-little": 0.4, "sure": 0.2}
    rows = [
        make_row(
            span,
            entrant=name,
            label=name,
            role="ceiling" if name == "ceiling" else "method",
            rho=Span(regret[name]),
        )
        for name, span in removed.items()
    ]
    assert [name for name, _, _ in find_best(rows)] == ["sure", "learns-little"]


def test_every_strategy_of_the_worlds_can_be_chosen() -> None:
    from simulators.identification.strategies import STRATEGIES

    assert set(HELD) == {*STRATEGIES, "none"}


def test_the_picture_and_the_lines_of_the_readme_name_the_best_method() -> None:
    """method-N with the highest drawn share is first on every board, and the picture holds it."""
    board, catalogue = make_page_board()
    best = min(
        (row for row in rows_of(board, "parts") if row["role"] == "method" and row["board"] == "recorded"),
        key=lambda row: row["rho"].value,
    )
    short = render_short(board, "leaderboard/site")
    assert short.startswith("![")
    assert f"- **{BOARDS['recorded']}.** {best['label']} has the least regret" in short
    assert short.count("\n- **") == 4
    drawing = ElementTree.fromstring(Site(board, catalogue).figure())
    assert best["label"] in list(drawing.itertext())


def test_favourites_that_are_malformed_are_left_out() -> None:
    told = [
        {"entrant": "a", "family": str(i), "scenario": "s", "favourites": text}
        for i, text in enumerate(["{", "[]", '{"prompt": "p", "texts": [["t", 7]]}', '{"prompt": 1}'])
    ]
    assert read_favourites(told[1:]) == [{"scenario": "s", "prompt": "p", "texts": [("t", 1.0)]}]


def test_nodes_that_are_alike_share_a_box_and_unrecorded_ones_are_dashed() -> None:
    nodes = [{"name": name, "kind": "factor", "role": "covariate"} for name in ("a", "b", "c", "d", "e")]
    nodes += [{"name": "mood", "kind": "factor", "role": ""}]
    nodes += [{"name": name, "kind": name, "role": name} for name in ("text", "outcome")]
    edges = [[node["name"], end] for node in nodes[:6] for end in ("text", "outcome")] + [["text", "outcome"]]
    drawing = ElementTree.fromstring(draw_graph({"nodes": nodes, "edges": edges}, "g"))
    assert [g.get("class") for g in drawing.iter("g")].count("factor hidden") == 1
    assert len(list(drawing.iter("rect"))) == 4
    assert len(list(drawing.iter("line"))) == 5
    said = describe_graph({"nodes": nodes, "edges": edges})
    assert said[0].startswith("a, b, and 3 more → text, outcome")
    assert "mood (not recorded) → text, outcome" in said


def test_papers_are_linked_by_their_numbers() -> None:
    assert (
        find_links("Chen, Owen & Shi 2015, doi 10.1214/15-EJS1027")[0][1]
        == "https://doi.org/10.1214/15-EJS1027"
    )
    assert find_links("baseline") == ()


def test_every_table_is_to_be_had_as_csv_and_json(site: Path) -> None:
    board, _ = make_page_board()
    for table in downloads_of(board):
        content = json.loads((site / "tables" / f"{table.name}.json").read_text("utf-8"))
        assert len(content["rows"]) == len(table.rows)
        assert (site / "tables" / f"{table.name}.csv").exists()


def test_a_chart_of_zeros_is_drawn():
    """A constant reward is worth nothing at any distance from the reference."""
    flat = Line("constant", "method", tuple((kl, Span(0.0, 0.0, 0.0)) for kl in (0.25, 1.0)))
    drawn = draw_lines("Value of constant", [flat], "KL", "value")
    assert "nan" not in drawn
    assert len(ElementTree.fromstring(drawn).findall(".//{*}circle")) == 2
