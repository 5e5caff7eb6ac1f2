"""A board with every table that the page reads, of methods and costs that are drawn and not learned."""

from __future__ import annotations

from typing import Any

from benchmark.contract import make_rng
from leaderboard.catalogue import Catalogue
from leaderboard.tables import Board, Column, Span, Table, make_table

FAMILIES = {
    "observed": "recorded",
    "nonlinear": "recorded",
    "instrument": "auxiliary",
    "proxy": "auxiliary",
    "objective": "preferences",
    "hidden": "unidentified",
    "randomised": "controls",
}
NAIVE_COST, FLOOR = 0.25, 0.05
STRENGTHS = (0.5, 1.0, 2.0)
HOSTILE = "<script>alert(1)</script>"
GRAPH = {
    "nodes": [
        {"name": "engagement", "kind": "factor", "role": "covariate"},
        {"name": "mood", "kind": "factor", "role": ""},
        {"name": "text", "kind": "text", "role": "text"},
        {"name": "outcome", "kind": "outcome", "role": "outcome"},
    ],
    "edges": [["engagement", "text"], ["engagement", "outcome"], ["mood", "outcome"], ["text", "outcome"]],
}


def make_catalogue(methods: int) -> Catalogue:
    """Descriptions of the families and methods of ``make_page_board``."""
    families = {
        name: {
            "name": name,
            "situation": f"What drove the choice of a text also drove its outcome ({name}).",
            "log": "pairs" if board == "preferences" else "outcome",
            "strategies": {"recorded": ["back-door"], "auxiliary": ["instrument"]}.get(board, []),
            "identified_by": "comparing texts while holding fixed what was recorded before the text",
            "recover": "methods that adjust",
            "fail": "methods that take the log at face value",
            "parameters": [{"name": "strength", "default": 1.0, "accepted": "0 to 20", "summary": "bias"}],
            "graph": GRAPH,
        }
        for name, board in FAMILIES.items()
    }
    known = {name: describe_method(name) for name in name_methods(methods)}
    return Catalogue(families, known)


def describe_method(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "summary": "It adjusts for everything that was recorded before the text.",
        "paper": "Lin, Ben-Michael & Morency, UAI 2024",
        "needs": ["covariate"],
        "kinds": ["outcome"],
        "track": "log",
        "adjusts": True,
        "policy": name.endswith("0"),
        "intervals": False,
        "canary": False,
    }


def name_methods(methods: int) -> list[str]:
    return [f"method-{number}" for number in range(methods)]


def make_page_board(methods: int = 12, hostile: bool = False) -> tuple[Board, Catalogue]:
    """A board and the descriptions that go with it.

    Args:
        methods: How many methods there are beside naive, ceiling and a canary.
        hostile: Whether a label, a reason, a claim and a text hold markup.
    """
    names = ["naive", "ceiling", "canary-constant", *name_methods(methods)]
    labels = dict(zip(names, names, strict=True))
    if hostile:
        labels["method-1"] = HOSTILE
    parts, family_parts, curves, favourites = [], [], [], []
    for name in names:
        rng = make_rng("page", name)
        removed = {"naive": 0.0, "ceiling": 1.0, "canary-constant": 0.0}.get(name, rng.uniform(-0.4, 1.05))
        learning = 0.0 if name == "ceiling" else rng.uniform(0.01, 0.15)
        for family, board in FAMILIES.items():
            own = removed + rng.normal(0, 0.2) * (name not in ("naive", "ceiling"))
            status = "ok" if rng.random() < 0.9 or name in ("naive", "ceiling") else "incompatible"
            numbers = _numbers(own, learning) if status == "ok" else (None,) * 5
            lead = (family, board, *_identity(name, labels[name]))
            family_parts.append((*lead, status, *numbers, 5))
            if board != "controls" and status == "ok":
                for strength in STRENGTHS:
                    rho, *_, cost, _ = _numbers(own, learning, NAIVE_COST * strength)
                    curves.append((family, "outcome", "loglinear", "log", name, strength, rho, cost))
                texts = ['{"prompt": "Write", "texts": [["<b>Hello</b>", 0.9], ["Bye", 0.2]]}']
                favourites += [(name, family, f"{family}[strength=1]", "loglinear", texts[0])]
        for board in dict.fromkeys(FAMILIES.values()):
            rank = None if name in names[:3] else "1–3" if removed > 0.8 else "4–9"
            parts.append((board, *_identity(name, labels[name]), rank, *_numbers(removed, learning), 10))
    tables = (
        _table("parts", "board kind backbone track entrant label role ranks", parts),
        _table("family-parts", "family board kind backbone track entrant label role status", family_parts),
        make_table(
            "curves",
            "Regret against strength",
            _columns("family kind backbone track entrant strength rho confounding"),
            curves,
        ),
        make_table(
            "favourites",
            "Favourite texts",
            _columns("entrant family scenario backbone favourites"),
            favourites,
        ),
        make_table(
            "worlds",
            "Worlds",
            _columns("scenario family board separates reason"),
            [(f"{f}[strength=1]", f, b, f != "proxy", "It is the plain case.") for f, b in FAMILIES.items()],
        ),
        make_table(
            "value-kl",
            "Value against KL",
            _columns("entrant backbone kl value own"),
            [("method-0", "loglinear", kl, _span(0.2 * kl), False) for kl in (0.25, 0.5, 1.0, 2.0)],
        ),
        make_table(
            "claims",
            "Published claims",
            _columns("claim statement source verdict statistic found decided_by cells part_verdict"),
            [
                _claim("a-claim", HOSTILE if hostile else "Adjusting helps.", "reproduced"),
                _claim("another", "Nothing helps.", "undetermined"),
            ],
        ),
        make_table(
            "reasons",
            "Declined and failed cells",
            _columns("status entrant family reason cells"),
            [("failed", "method-1", "proxy", HOSTILE if hostile else "It needs a proxy.", 2)],
        ),
    )
    board = Board(
        suite="synthetic",
        version="1",
        season="test",
        header=("Suite synthetic 1, season test",),
        tables=tables,
    )
    return board, make_catalogue(methods)


def _claim(name: str, statement: str, verdict: str) -> tuple:
    return (name, statement, "a paper", verdict, "rho(a) − b < 0", _span(-0.1), None, 10, verdict)


def _identity(name: str, label: str) -> tuple:
    role = {"naive": "naive", "ceiling": "ceiling", "canary-constant": "canary"}.get(name, "method")
    return ("outcome", "loglinear", "log", name, label, role)


def _numbers(removed: float, learning: float, naive: float = NAIVE_COST) -> tuple[Span, ...]:
    cost = (1 - removed) * naive
    spread = 0.9 if abs(removed) < 0.05 else 0.1
    share = Span(round(removed, 6), round(removed - spread, 6), round(removed + 1.3 * spread, 6))
    return (_span(FLOOR + learning + cost), _span(FLOOR), _span(learning), _span(cost), share)


def _span(value: float) -> Span:
    return Span(round(value, 6), round(value - 0.02, 6), round(value + 0.02, 6))


def _columns(names: str) -> list[Column]:
    return [Column(name, name.replace("_", " ").capitalize()) for name in names.split()]


def _table(name: str, lead: str, rows: list) -> Table:
    columns = _columns(f"{lead} rho floor learning confounding removed cells")
    return make_table(name, name.capitalize(), columns, rows)
