"""What every file of the catalogue writes its rows with: the tags of a row, and its twin on residuals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from benchmark.contract import Tags
from benchmark.contract.roles import LOG_KINDS
from methods.adjust.partial import Joint

ALL_KINDS = tuple(LOG_KINDS)
OUTCOME = ("outcome",)
LOGGED = ("propensity", "target_propensity")
# Whoever needs one of these columns is ranked on the track of that column.
TRACK_OF = {
    "propensity": "propensity",
    "target_propensity": "propensity",
    "observation_propensity": "propensity",
    "randomised": "slice",
}

Row = TypeVar("Row", bound=Any)


def make_tags(
    summary: str,
    paper: str = "",
    *needs: str,
    kinds: Iterable[str] = OUTCOME,
    adjusts: bool | None = None,
    track: str | None = None,
    **claims: bool,
) -> Tags:
    """The tags of a row.

    Example:
        >>> make_tags("DPO learns from pairs.", "Rafailov et al. 2023", "covariate", policy=True).adjusts
        True

    Args:
        summary: One sentence for the catalogue.
        paper: Source of the method.
        needs: Column roles that it cannot do without.
        kinds: Log kinds that it fits.
        adjusts: Whether it claims to remove confounding; by default whether it needs a column.
        track: By default the track of the columns that it needs.
        claims: ``policy``, ``intervals``, ``calibrated`` and ``canary``, as in ``Tags``.
    """
    found = {TRACK_OF[role] for role in needs if role in TRACK_OF}
    return Tags(
        kinds=frozenset(kinds),
        needs=frozenset(needs),
        track=track or min(found, default="log"),
        adjusts=bool(needs) if adjusts is None else adjusts,
        paper=paper,
        summary=summary,
        **claims,
    )


def on_residuals(row: Row, summary: str, paper: str | None = None) -> Row:
    """The same method on outcomes less the covariates' joint effect, as the row ``NAME-residual``.

    Args:
        row: A dataclass with ``name``, ``adjust`` and ``tags``.
        summary: One sentence for the catalogue.
        paper: Source of the method; by default the row's own.
    """
    tags = replace(
        row.tags,
        kinds=frozenset(OUTCOME),
        needs=row.tags.needs | {"covariate"},
        adjusts=True,
        paper=row.tags.paper if paper is None else paper,
        summary=summary,
    )
    return replace(row, name=f"{row.name}-residual", adjust=Joint(), tags=tags)
