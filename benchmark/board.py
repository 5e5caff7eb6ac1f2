"""What is done with records: reading them, building and publishing a leaderboard, comparing two stores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from leaderboard import Catalogue

PUBLISHED, SITE, README = Path("leaderboard/results"), Path("leaderboard/site"), Path("README.md")


def read_records(store: str | Path) -> pd.DataFrame:
    """Every record of a store, one row a cell; ``docs/records.md`` describes the columns.

    Args:
        store: Folder of the records: a run's store, a bundle, or ``leaderboard/results``.

    Raises:
        UsageError: If there is no such folder.

    Example:
        >>> import benchmark
        >>> records = benchmark.read_records("leaderboard/results")
        >>> {"method", "scenario", "seed", "status", "metric.rho"} <= set(records.columns)
        True
    """
    from benchmark.runs.store import Store

    return Store.existing(store).read_records().to_pandas()


def build_leaderboard(
    store: str | Path | None = None, out: str | Path | None = None, *, suite: str | None = None
) -> tuple[Any, Path]:
    """Write the board of a store as markdown, csv, json and pages.

    Args:
        store: Folder of the records; by default the store of ``suite``.
        out: Folder to write to; by default ``build/leaderboard``.
        suite: Name of a suite; by default the store's own, or quick.

    Returns:
        A ``leaderboard.Board`` (``files``, ``header``, ``problems``, ``is_complete``) and the folder.

    Raises:
        UsageError: If there is no such store or suite.
    """
    from benchmark.tasks.user_data import build_folder
    from leaderboard import build_board

    folder = Path(out or build_folder() / "leaderboard")
    about = _read_catalogue()
    return build_board(_store(store, suite), folder, suite=suite, catalogue=about), folder


def publish_leaderboard(
    store: str | Path | None = None,
    *,
    published: str | Path = PUBLISHED,
    site: str | Path = SITE,
    readme: str | Path = README,
) -> Any:
    """Write the published records' boards into the README and their pages into the site.

    Args:
        store: Records that replace those published; by default they stay as they are.
        published: Folder of published records.
        site: Folder of the published page.
        readme: File whose table is replaced.

    Returns:
        A ``leaderboard.Board``.
    """
    from leaderboard import adopt_store, publish_results

    if store is not None:
        adopt_store(Path(store), Path(published))
    about = _read_catalogue()
    return publish_results(Path(published), Path(site), Path(readme), catalogue=about)


def add_bundle(
    bundle: str | Path,
    store: str | Path = PUBLISHED,
    *,
    suite: str | Path | None = None,
    secret: bytes | None = None,
    on_start: Callable[[int], None] | None = None,
    on_row: Callable[[], None] | None = None,
) -> Any:
    """Add a submission's bundle to a board, after its scores were computed again from its predictions.

    Args:
        bundle: Folder that ``submit_file`` wrote.
        store: Folder of the board's records.
        suite: The board's suite, where neither the folder nor the package holds it.
        secret: Key of a verified season.
        on_start: Called once with the number of records to score.
        on_row: Called after each record.

    Returns:
        A ``leaderboard.Entry``: the line of the ledger, with what was checked.

    Raises:
        UsageError: If the bundle is not intact, its name is taken, or it states what does not follow from its
            predictions; nothing is written then.
        IncompleteError: If it lacks cells of the board, or none of its cells is ``ok``.
    """
    import leaderboard
    from benchmark.contract.records import SuiteIdentity
    from benchmark.runs.board_cells import find_suite
    from benchmark.sandbox.outside.admission import open_bundle, rebuild_rows
    from leaderboard.frame import from_table, read

    opened = open_bundle(bundle)
    claim = leaderboard.Claim(
        opened.submission.name, opened.submission.sha256, opened.code, opened.owner, opened.isolation
    )
    leaderboard.check_claim(claim, store)
    board = read(store)
    leaderboard.check_cells(from_table(opened.table), board)
    identity = SuiteIdentity(board.suite, board.version, board.season)
    known = find_suite(store, identity, suite, secret)
    if on_start is not None:
        on_start(opened.table.num_rows)
    rows = rebuild_rows(opened, known, secret=secret, on_row=on_row)
    checked = (
        "files agree with their digests and the signature",
        "the name is the author's",
        f"{len(rows)} cells are the board's",
        "scores follow from the predictions",
    )
    return leaderboard.admit(claim, rows, bundle, store, checked)


def find_standing(bundle: str | Path, store: str | Path = PUBLISHED) -> Sequence[Any]:
    """Where a bundle would stand on a board; nothing is written.

    Args:
        bundle: Folder that ``submit_file`` wrote.
        store: Folder of the board's records.

    Returns:
        A ``leaderboard.Standing`` for each ranking that it would be in: ``ranks``, ``methods``, ``regret``.
    """
    import leaderboard
    from benchmark.runs.store import Store

    return leaderboard.find_standing(Store.existing(bundle).read_records(), Path(store))


def compare(
    base: str | Path,
    head: str | Path,
    *,
    margin: float = 0.02,
    suite: str | None = None,
    out: str | Path | None = None,
) -> Any:
    """Check that no method got worse: paired non-inferiority per method, corrected by Holm.

    Args:
        base: Store before a change.
        head: Store after it.
        margin: Largest rise in mean regret that is tolerated.
        suite: Name of a suite, where a store holds several.
        out: Folder for ``compare.md``, ``compare.xml`` and ``compare.json``; by default nothing is written.

    Returns:
        A ``leaderboard.Comparison``: ``data``, ``markdown`` and ``exit_code``.

    Raises:
        UsageError: If there is no such store.

    Example:
        >>> import benchmark
        >>> same = benchmark.compare("leaderboard/results", "leaderboard/results")
        >>> same.exit_code != 1  # nothing got worse than itself
        True
    """
    from leaderboard import compare_stores

    comparison = compare_stores(Path(base), Path(head), margin, suite)
    if out is not None:
        comparison.write(Path(out))
    return comparison


def judge_claims(
    store: str | Path | None = None, *, suite: str | None = None, names: Iterable[str] = ()
) -> Sequence[Any]:
    """Verdicts on published claims: reproduced, not reproduced or undetermined.

    Args:
        store: Folder of the records; by default the store of ``suite``.
        suite: Name of a suite; by default the store's own, or quick.
        names: Names or patterns of claims; every claim where none is given.

    Returns:
        One verdict for each claim that some record is about.

    Raises:
        UsageError: For a name that no claim has; a former name is answered with the new one.
    """
    import leaderboard
    from leaderboard.claims import find_claims
    from leaderboard.frame import read

    chosen = find_claims(names)
    verdicts = leaderboard.judge_claims(read(_store(store, suite), suite), chosen)
    return [verdict for verdict in verdicts if any(finding.cells for finding in verdict.findings)]


@cache
def _read_catalogue() -> Catalogue:
    """What this version says of its families and methods."""
    from benchmark.tasks.listing import list_graphs, list_methods, list_scenarios
    from leaderboard import Catalogue

    graphs = list_graphs()
    families = {f["name"]: {**f, "graph": graphs.get(f["name"])} for f in list_scenarios()}
    return Catalogue(families, {method["name"]: method for method in list_methods()})


def _store(store: str | Path | None, suite: str | None) -> Path:
    """A store that was named, or where ``run`` puts the results of a suite."""
    from benchmark.runs.run import default_store
    from benchmark.tasks.suite import load_suite

    return default_store(load_suite(suite or "quick")) if store is None else Path(store)
