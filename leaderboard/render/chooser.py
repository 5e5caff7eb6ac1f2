"""From what a log records to the families that are like it, and to who does well there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.catalogue import Catalogue
from leaderboard.tables import Span

KINDS = {
    "outcome": "one text and its outcome, such as clicks or a rating",
    "pairs": "two texts and which of them was preferred",
    "rankings": "several texts in an order of preference",
}
HELD = {
    "back-door": "everything that drove the choice of the text and also moves the outcome",
    "propensity": "the probability with which each text was chosen",
    "slice": "a mark for some rows whose text was chosen at random",
    "instrument": "something that moved the choice of the text and nothing else",
    "confounder-instrument": "the confounder, itself tied to the text, and something that moved only it",
    "proxies": "two or more noisy measurements of what drove the choice",
    "selection-weights": "the probability that the outcome is recorded",
    "shadow": "something that moves the outcome but not whether it is recorded",
    "randomised": "nothing else, because texts were chosen at random",
    "none": "none of these",
}
BEST = 3


@dataclass(frozen=True)
class Answer:
    """A family that is like some logs.

    Attributes:
        family: Its name.
        board: The board it is on.
        situation: What goes wrong, in a sentence.
        kind: Kind of log.
        held: Keys of ``HELD`` that fit, separated by blanks.
        best: Entrant, label and confounding removed of the methods to use; none where nothing identifies
            the effect.
    """

    family: str
    board: str
    situation: str
    kind: str
    held: str
    best: tuple[tuple[str, str, Span], ...]


def make_answers(rows: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> list[Answer]:
    """An answer for each family that is no control, in the order of boards and names.

    Args:
        rows: Of the table ``family-parts``, of one backbone.
        catalogue: Says what each family records.
    """
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["board"] not in (None, "controls") and row["family"] in catalogue.families:
            found.setdefault((str(row["board"]), str(row["family"])), []).append(row)
    return [_answer(family, own, catalogue.family(family)) for (_, family), own in sorted(found.items())]


def _answer(family: str, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> Answer:
    board = str(rows[0]["board"])
    held = " ".join(about["strategies"]) if board != "unidentified" else ""
    best = find_best(rows) if board != "unidentified" else ()
    return Answer(family, board, str(about["situation"]), str(about["log"]), held or "none", best)


def find_best(rows: Sequence[Mapping[str, Any]], most: int = BEST) -> tuple[tuple[str, str, Span], ...]:
    """The methods of a family that surely remove confounding, the least regret first.

    A method that learns little from any log has little confounding to show, so that its regret decides.
    """
    able = [
        row
        for row in rows
        if row["role"] == "method" and isinstance(row["removed"], Span) and not row["removed"].outside
    ]
    sure = [row for row in able if row["removed"].low > 0]
    sure.sort(key=lambda row: (row["rho"].value, str(row["entrant"])))
    return tuple((str(row["entrant"]), str(row["label"]), row["removed"]) for row in sure[:most])
