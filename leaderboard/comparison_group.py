"""A comparison group: the methods that may be ranked together, and their scores on one fixed set of cells.

The cells are fixed by the suite (through the naive record of each cell) and by what their logs
record, never by who entered, so that a score does not change when somebody else does. A track
that is about a column, such as logged propensities, is ranked on the worlds that record it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from benchmark.contract.method import TRACK_COLUMNS
from benchmark.contract.records import BOARDS
from leaderboard.frame import CELL, FAILED, Frame
from leaderboard.intervals import Clusters, Estimate, estimate

HARMLESS = 0.05
COIN = 0.5
CONTROLS = ("impossible",)
UNRANKED = ("unidentified", "controls")
DIGITS = 6
KINDS = {"outcome": "logs of outcomes", "pairs": "logs of preference pairs", "rankings": "logs of rankings"}
TRACKS = {
    "log": "methods that use the log alone",
    "propensity": "methods that also use logged propensities",
    "slice": "methods that also use a flag for randomised rows",
    "oracle": "methods that may buy outcomes",
}


@dataclass(frozen=True, eq=False)
class ComparisonGroup:
    """Scores of entrants on cells.

    Attributes:
        track: What the entrants may see.
        kind: Kind of log.
        backbone: What they trained on.
        cells: One row a cell: ``scenario``, ``family``, ``strength``, ``seed``, ``backbone``,
            ``cell_naive_rho``, ``naive`` and ``ceiling`` (their rho, NaN where not measured) and
            ``naive_twin`` (the rho of naive on its own twin).
        entrants: One row an entrant, index ``entrant``: ``label``, ``role``, ``adjusts``,
            ``policy``, ``canary``, ``submission``, ``isolation``.
        rho: Shape (entrants, cells); NaN where not measured or declined.
        status: Shape (entrants, cells), object; ``"missing"`` where there is no record,
            ``"unplanned"`` where the entrant has no record of the whole scenario.
        planned: One row a cell of the whole group, whichever of them ``cells`` keeps: the columns of
            ``CELL`` and ``family``, in the order of ``cells``.
        twin: Rho on the entrant's own view of the randomised twin, shape (entrants, cells); NaN where it was
            not measured.
        board: Board of the cells, one of ``benchmark.contract.records.BOARDS``; "" in old records.
    """

    track: str
    kind: str
    backbone: str
    cells: pd.DataFrame
    entrants: pd.DataFrame
    rho: np.ndarray
    status: np.ndarray
    planned: pd.DataFrame
    twin: np.ndarray
    board: str = ""

    @property
    def name(self) -> str:
        """A name for files, such as ``recorded-log-outcome-tiny``."""
        return "-".join(filter(None, (self.board, self.track, self.kind, self.backbone)))

    @property
    def description(self) -> str:
        """Board, logs and track in words, such as ``logs of outcomes, methods that use the log alone``."""
        board = f"{BOARDS[self.board]}, " if self.board else ""
        return board + f"{KINDS.get(self.kind, 'logs')}, {TRACKS.get(self.track, 'methods')}"

    @property
    def names(self) -> list[str]:
        """Names of the entrants, in order."""
        return list(self.entrants.index)

    @property
    def names_of_unguarded(self) -> list[str]:
        """Submissions that ran without isolation."""
        return list(self.entrants.index[self.entrants["isolation"] == "none"])

    def where(self, cells: np.ndarray) -> ComparisonGroup:
        """The group on some of the cells (a boolean mask)."""
        kept = self.cells[cells].reset_index(drop=True)
        return replace(
            self, cells=kept, rho=self.rho[:, cells], status=self.status[:, cells], twin=self.twin[:, cells]
        )

    def only(self, entrants: np.ndarray) -> ComparisonGroup:
        """The group among some of the entrants (a boolean mask)."""
        kept = self.entrants[entrants]
        return replace(
            self,
            entrants=kept,
            rho=self.rho[entrants],
            status=self.status[entrants],
            twin=self.twin[entrants],
        )

    @property
    def is_ranked(self) -> bool:
        """Whether methods are ranked here: nobody can do well where nothing identifies the effect."""
        return self.board not in UNRANKED

    # -- which cells ----------------------------------------------------------
    @property
    def counted(self) -> np.ndarray:
        """Cells of the board: those of the headline, or of controls every one; shape (cells,), bool."""
        return self.is_comparable if self.board == "controls" else self.confounded

    @property
    def confounded(self) -> np.ndarray:
        """Cells of the headline: the log misleads, and naive was measured; shape (cells,), bool."""
        return self.is_comparable & (self.cells["cell_naive_rho"] >= HARMLESS).to_numpy()

    @property
    def harmless(self) -> np.ndarray:
        """Cells where the log taken at face value is right, so that a method can only do harm; bool."""
        return self.is_comparable & (self.cells["cell_naive_rho"] < HARMLESS).to_numpy()

    @property
    def is_comparable(self) -> np.ndarray:
        """Cells on which entrants are compared: naive was measured, and they do not test for leaks; bool."""
        return (~self.cells["family"].isin(CONTROLS) & self.cells["naive"].notna()).to_numpy()

    # -- scores ---------------------------------------------------------------
    @cached_property
    def imputed(self) -> np.ndarray:
        """Which scores stand in for a failure, shape (entrants, cells), bool."""
        return np.isin(self.status, FAILED) & self.cells["naive"].notna().to_numpy()

    @cached_property
    def filled(self) -> np.ndarray:
        """Rho with each failure replaced by ``max(rho_naive, .5, worst valid seed)``; (entrants, cells)."""
        filled = self.rho.copy()
        naive = self.cells["naive"].to_numpy()
        scenario = pd.factorize(self.cells["scenario"])[0]
        for row, cell in np.argwhere(self.imputed):
            valid = self.rho[row, scenario == scenario[cell]]
            worst = valid[np.isfinite(valid)].max(initial=COIN)
            filled[row, cell] = max(naive[cell], COIN, worst)
        return filled

    @property
    def is_rankable(self) -> np.ndarray:
        """Which entrants have a score, measured or imputed, on every cell; shape (entrants,), bool."""
        return np.isfinite(self.filled).all(axis=1)

    @property
    def takes_harmless(self) -> np.ndarray:
        """Which entrants have a score, measured or imputed, in every harmless cell; bool."""
        return self.where(self.harmless).is_rankable

    @cached_property
    def clusters(self) -> Clusters:
        """One cluster for each (family, seed)."""
        return self.clusters_of(np.ones(len(self.cells), dtype=bool))

    def clusters_of(self, counted: np.ndarray) -> Clusters:
        """The clusters of some of the cells.

        A seed of a scenario that is here stays a cluster when a rule on its score left out all its cells.

        Args:
            counted: Which cells count, shape (cells,), bool.
        """
        planned = self.planned[self.planned["scenario"].isin(self.cells["scenario"])]
        cells = pd.MultiIndex.from_frame(self.cells.loc[counted, CELL])
        kept = pd.MultiIndex.from_frame(planned[CELL]).isin(cells)
        return Clusters.of(planned["family"].to_numpy(), planned["seed"].to_numpy(), kept)

    def improvement(self) -> Estimate:
        """Mean of ``rho_naive - rho_method`` over the cells, rounded; needs complete entrants."""
        return round_means(estimate(self.cells["naive"].to_numpy() - self.filled, self.clusters))

    def improvement_and_room(self) -> Estimate:
        """As ``improvement`` on cells with a ceiling; the last mean is ``rho_naive - rho_ceiling``."""
        part = self.where(self.cells["ceiling"].notna().to_numpy())
        naive, ceiling = part.cells["naive"].to_numpy(), part.cells["ceiling"].to_numpy()
        values = np.vstack([naive - part.filled, naive - ceiling])
        return round_means(estimate(values, part.clusters))


def round_means(estimates: Estimate, digits: int = DIGITS) -> Estimate:
    """Means rounded before anything is ranked, so that the last bits of a machine decide nothing."""
    return Estimate(np.round(estimates.mean, digits) + 0.0, estimates.influence, estimates.clusters)


def make_comparison_groups(frame: Frame) -> Iterator[ComparisonGroup]:
    """Every comparison group in a store: one a board, track, kind of log and backbone that has an entrant.

    Naive, ceiling and canaries are entered as reference lines wherever they are.
    """
    keys = ["board", "kind", "backbone"]
    on_twin = dict(list(frame.twins.groupby(keys))) if len(frame.twins) else {}
    places = {board: place for place, board in enumerate(("", *BOARDS))}
    parts = sorted(frame.records.groupby(keys), key=lambda item: (places[item[0][0]], *item[0][1:]))
    for (board, kind, backbone), part in parts:
        twins = on_twin.get((board, kind, backbone), frame.twins.head(0))
        cells = _collect_cells(part, twins)
        able = part[part["status"] != "incompatible"]
        for track in sorted(set(able["track"])):
            if not ((able["track"] == track) & (able["role"] == "method")).any():
                continue
            inside = (part["role"] == "canary") | ((part["track"] == track) & (part["role"] == "method"))
            chosen = part[inside & part["entrant"].isin(able["entrant"]) & _has_track_column(part, track)]
            yield _make_group(
                track,
                str(kind),
                str(backbone),
                cells[_has_track_column(cells, track)].reset_index(drop=True),
                chosen,
                twins,
                str(board),
            )


def _has_track_column(rows: pd.DataFrame, track: str) -> pd.Series:
    """Whether the log of a row's cell records what a track is about."""
    column = TRACK_COLUMNS.get(track)
    granted = [column is None or column in roles.split() for roles in rows["cell_roles"]]
    return pd.Series(granted, index=rows.index, dtype=bool)


def _collect_cells(part: pd.DataFrame, twins: pd.DataFrame) -> pd.DataFrame:
    """The cells of one kind of log with the scores of naive and ceiling, sorted."""
    facts = part.sort_values("role", kind="stable").drop_duplicates(CELL)
    columns = [*CELL, "family", "strength", "n", "cell_roles"]
    cells = facts[columns].merge(
        part.groupby(CELL, as_index=False)["cell_naive_rho"].first(), on=CELL, how="left"
    )
    for name, role, fits in (
        ("naive", "naive", part), ("ceiling", "ceiling", part), ("naive_twin", "naive", twins)
    ):  # fmt: skip
        if not len(fits):
            cells[name] = np.nan
            continue
        scores = fits[(fits["role"] == role) & (fits["status"] == "ok")]
        scores = scores.groupby(CELL, as_index=False)["metric.rho"].first()
        cells = cells.merge(scores.rename(columns={"metric.rho": name}), on=CELL, how="left")
    return cells.sort_values(["family", "strength", "scenario", "seed"], ignore_index=True)


def _make_group(
    track: str,
    kind: str,
    backbone: str,
    cells: pd.DataFrame,
    chosen: pd.DataFrame,
    twins: pd.DataFrame,
    board: str,
) -> ComparisonGroup:
    facts = ["label", "role", "adjusts", "policy", "canary", "submission", "isolation"]
    entrants = chosen.drop_duplicates("entrant").set_index("entrant")[facts].sort_index()
    keys = pd.MultiIndex.from_frame(cells[CELL])
    shape = (len(entrants), len(cells))
    rho, status = np.full(shape, np.nan), np.full(shape, "missing", dtype=object)
    column = keys.get_indexer(pd.MultiIndex.from_frame(chosen[CELL]))
    row = entrants.index.get_indexer(chosen["entrant"])
    good = (chosen["status"] == "ok").to_numpy()
    rho[row[good], column[good]] = chosen["metric.rho"].to_numpy()[good]
    status[row, column] = chosen["status"].to_numpy()
    scenario = pd.factorize(cells["scenario"])[0]
    for code in range(scenario.max(initial=-1) + 1):
        inside = scenario == code
        never = (status[:, inside] == "missing").all(axis=1)
        status[np.ix_(never, inside)] = "unplanned"
    twin = np.full(shape, np.nan)
    if len(twins):
        measured = twins[(twins["status"] == "ok") & twins["entrant"].isin(entrants.index)]
        column = keys.get_indexer(pd.MultiIndex.from_frame(measured[CELL]))
        row, rho_twin = entrants.index.get_indexer(measured["entrant"]), measured["metric.rho"].to_numpy()
        twin[row[column >= 0], column[column >= 0]] = rho_twin[column >= 0]
    planned = cells[[*CELL, "family"]]
    return ComparisonGroup(track, kind, backbone, cells, entrants, rho, status, planned, twin, board)
