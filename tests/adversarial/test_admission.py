"""Forged bundles are refused before a byte of the board changes, and honest ones are scored again."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bundles import (
    MINE,
    THEIRS,
    change_manifest,
    change_rows,
    fail_all,
    make_suite,
    make_variant,
    seal_again,
    write_key,
)

import benchmark
from benchmark.contract import BenchError, IncompleteError, UsageError
from benchmark.contract import records as files
from benchmark.contract.records import MANIFEST, SOURCE
from leaderboard.ledger import ATTEMPTS, ENTRY, SUBMISSIONS, Ledger

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_method.py"
NAME = "my-adjusted-ridge"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a board and a bundle for it, of a file that is trusted: this is not about the sandbox."""
    folder = tmp_path_factory.mktemp("made")
    benchmark.run_suite(make_suite(), folder / "board", workers=0, device="cpu")
    done = benchmark.submit_file(
        EXAMPLE, make_suite(), folder / "out", isolation="none", key=write_key(folder, MINE)
    )
    assert done.statuses == {"ok": 4}
    done.folder.rename(folder / "bundle")
    return folder


@pytest.fixture
def board(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "board", tmp_path / "board"))


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "bundle", tmp_path / "bundle"))


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_an_honest_bundle_is_added_with_the_scores_that_were_computed_again(
    board: Path, bundle: Path
) -> None:
    before = content(board)
    entry = benchmark.add_bundle(bundle, board)
    after = content(board)
    assert before.items() <= after.items()
    assert (entry.method, entry.attempt, entry.cells) == (NAME, 1, {"ok": 4})
    assert any("scores follow from the predictions" in text for text in entry.checked)
    stated = benchmark.read_records(bundle).set_index(["fitted_on", "seed"]).sort_index()
    added = benchmark.read_records(board)
    added = added[added["method"] == NAME].set_index(["fitted_on", "seed"]).sort_index()
    np.testing.assert_allclose(added["metric.rho"], stated["metric.rho"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(added["metric.effect_rmse"], stated["metric.effect_rmse"], rtol=1e-9)


def test_adding_a_bundle_leaves_predictions_and_reasons_as_they_are(board: Path, bundle: Path) -> None:
    """A file of the bundle that is named like one of the board's overwrites nothing."""
    theirs = next(board.glob("records-*.parquet"))
    mine = next(bundle.glob("records-*.parquet"))
    (bundle / files.name_predictions(files.key_of(mine))).rename(
        bundle / files.name_predictions(files.key_of(theirs))
    )
    mine.rename(bundle / theirs.name)
    before = theirs.read_bytes()
    benchmark.add_bundle(seal_again(bundle), board)
    assert theirs.read_bytes() == before


def set_column(name, value):
    return lambda bundle: change_rows(bundle, lambda rows: rows.assign(**{name: value}))


def rename(name):
    def forge(bundle):
        change_rows(bundle, lambda rows: rows.assign(method=name, label=name))
        return {"method": name}

    return forge


def drop_predictions(bundle):
    for path in bundle.glob("predictions-*.npz"):
        path.write_bytes(files.pack_predictions([None]))


def remove_predictions(bundle):
    next(bundle.glob("predictions-*.npz")).unlink()


def swap_predictions(bundle):
    first, second = sorted(bundle.glob("predictions-*.npz"))[:2]
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)


def decline_the_worst(bundle):
    worst = max(
        bundle.glob("records-*.parquet"), key=lambda path: pq.read_table(path)["metric.rho"][0].as_py()
    )
    (bundle / files.name_predictions(files.key_of(worst))).write_bytes(files.pack_predictions([None]))
    rows = pq.read_table(worst).to_pandas()
    for name in rows.columns:
        if name.startswith(("metric.", "diagnostic.")):
            rows[name] = np.nan
    pq.write_table(
        pa.Table.from_pandas(
            rows.assign(status="incompatible", reason="hard"),
            pq.read_schema(worst).remove_metadata(),
            preserve_index=False,
        ),
        worst,
    )


def add_rows(bundle):
    path = next(bundle.glob("records-*.parquet"))
    pq.write_table(pa.table({"seed": np.zeros(2_000_000, dtype=np.int64)}), path)


def write_long_text(bundle):
    set_column("reason", "x" * 1_000_000)(bundle)


def inflate(bundle):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.reward.npy", b"\0" * (300 * 2**20))
    next(bundle.glob("predictions-*.npz")).write_bytes(buffer.getvalue())


def claim_shape(bundle):
    """An array that says it has 10^13 rows."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("0.reward.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    next(bundle.glob("predictions-*.npz")).write_bytes(buffer.getvalue())


FORGERIES = {
    "a path as a name": (rename("../../../x"), "cannot be used"),
    "an absolute path": (rename("/tmp/x"), "cannot be used"),
    "the name of a reference": (rename("naive"), "taken"),
    "the name of a control": (rename("canary-mine"), "taken"),
    "the name of a catalogue row": (rename("covariate-regression"), "taken"),
    "better scores": (set_column("metric.rho", 0.0), "metric.rho"),
    "another metric": (set_column("metric.effect_rmse", 0.0), "metric.effect_rmse"),
    "an infinite metric": (set_column("metric.rho", np.inf), "metric.rho"),
    "no score": (set_column("metric.rho", np.nan), "metric.rho"),
    "another family": (set_column("family", "easy"), "family"),
    "another strength": (set_column("strength", 0.5), "strength"),
    "another track": (set_column("track", "oracle"), "track"),
    "another kind": (set_column("kind", "pairs"), "kind"),
    "a role": (set_column("role", "ceiling"), "role"),
    "a control": (set_column("canary", True), "canary"),
    "a label with markup": (set_column("label", "$\\frac$<script>|"), "label"),
    "an isolation": (set_column("isolation", "bubblewrap"), "isolation"),
    "easier truths": (set_column("cell_naive_rho", 0.1), "other truths"),
    "other roles": (set_column("cell_roles", "text outcome"), "cell_roles"),
    "another season": (set_column("season", "mine"), "other worlds"),
    "a device": (set_column("device", "abacus"), "device"),
    "a negative time": (set_column("meter.wall_s", -1.0), "meter.wall_s"),
    "an unknown status": (set_column("status", "excellent"), "unknown status"),
    "an unknown column": (set_column("metric.luck", 1.0), "metric.luck"),
    "empty predictions": (drop_predictions, "predictions"),
    "no predictions": (remove_predictions, "without its predictions"),
    "predictions of another cell": (swap_predictions, "states what does not follow"),
    "declining the worst cell": (decline_the_worst, "status"),
    "two million rows": (add_rows, "2000003 records"),
    "a text of a megabyte": (write_long_text, "a text of"),
    "inflated predictions": (inflate, "300 MiB"),
    "an array without end": (claim_shape, "cannot read the predictions"),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_bundle_changes_nothing(how: str, board: Path, bundle: Path) -> None:
    forge, said = FORGERIES[how]
    changes = forge(bundle) or {}
    seal_again(bundle, **changes)
    before = content(board.parent)
    with pytest.raises(BenchError) as refusal:
        benchmark.add_bundle(bundle, board)
    assert said in refusal.value.describe()
    assert content(board.parent) == before


def put_link(bundle: Path) -> None:
    path = next(bundle.glob("records-*.parquet"))
    path.rename(bundle.parent / "elsewhere.parquet")
    path.symlink_to(bundle.parent / "elsewhere.parquet")


def put_folder(bundle: Path) -> None:
    """A folder of this name would be read as a table of many files, none of which has a digest."""
    path = next(bundle.glob("records-*.parquet"))
    inside = bundle / "records-more.parquet"
    inside.mkdir()
    shutil.copy(path, inside / "part.parquet")


def put_pipe(bundle: Path) -> None:
    os.mkfifo(bundle / "records-pipe.parquet")


DAMAGE = {
    "a link": (put_link, "is a link"),
    "a folder": (put_folder, "a folder"),
    "a pipe": (put_pipe, "a device"),
    "brackets": (lambda b: (b / MANIFEST).write_text("[" * 200_000), MANIFEST),
    "a large manifest": (lambda b: (b / MANIFEST).write_text(" " * 2**23), "larger than"),
    "no signature": (lambda b: change_manifest(b, signature=None), "no signature"),
    "a signature of other content": (lambda b: change_manifest(b, isolation="bubblewrap"), "other content"),
    "another owner": (lambda b: change_manifest(b, owner="00" * 32), "signature"),
    "a changed file": (lambda b: (b / SOURCE).write_bytes(b"METHOD = 1"), "changed"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_bundle_is_named_and_refused(how: str, board: Path, bundle: Path) -> None:
    harm, said = DAMAGE[how]
    harm(bundle)
    before = content(board)
    with pytest.raises(UsageError, match="not an intact bundle") as refusal:
        benchmark.add_bundle(bundle, board)
    assert said in refusal.value.describe()
    assert content(board) == before


# -- whose name it is ---------------------------------------------------------
def change_source(old: str, new: str) -> bytes:
    source = EXAMPLE.read_text()
    assert old in source
    return source.replace(old, new).encode()


@pytest.fixture(scope="module")
def others(made: Path) -> dict[str, Path]:
    """Further bundles: an improved file, the same code under another name, and a file by somebody else."""
    better = change_source("np.logspace(-1, 3, 9)", "np.logspace(-1, 4, 9)")
    renamed = change_source(NAME, "my-new-name").replace(b'"""Credit', b'"""A new idea: credit') + b"# new\n"
    return {
        "better": make_variant(made / "bundle", made / "better", better, NAME),
        "renamed": make_variant(made / "bundle", made / "renamed", renamed, "my-new-name"),
        "theirs": make_variant(made / "bundle", made / "theirs", better, NAME, THEIRS),
    }


def test_a_name_belongs_to_who_registered_it(board: Path, bundle: Path, others: dict[str, Path]) -> None:
    benchmark.add_bundle(bundle, board)
    before = content(board)
    with pytest.raises(UsageError, match="belongs to another author"):
        benchmark.add_bundle(others["theirs"], board)
    with pytest.raises(UsageError, match="this very file"):
        benchmark.add_bundle(bundle, board)
    with pytest.raises(UsageError, match=f"same code is on the board as '{NAME}'"):
        benchmark.add_bundle(others["renamed"], board)
    assert content(board) == before
    assert benchmark.add_bundle(others["better"], board).attempt == 2
    records = benchmark.read_records(board)
    assert records[records["method"] == NAME]["submission"].nunique() == 1


def test_a_new_name_does_not_reset_the_count_of_attempts(board: Path, bundle: Path, tmp_path: Path) -> None:
    benchmark.add_bundle(bundle, board)
    other = change_source(NAME, "my-second").replace(b"np.logspace(-1, 3, 9)", b"np.logspace(0, 3, 9)")
    second = make_variant(bundle, tmp_path / "second", other, "my-second")
    assert benchmark.add_bundle(second, board).attempt == 2


@pytest.mark.parametrize("harm", ["cut", "deleted", "changed", "a copy deleted"])
def test_a_ledger_that_was_cut_is_noticed(
    harm: str, board: Path, bundle: Path, others: dict[str, Path]
) -> None:
    benchmark.add_bundle(bundle, board)
    benchmark.add_bundle(others["better"], board)
    path = board / ATTEMPTS
    lines = path.read_text().splitlines()
    if harm == "cut":
        path.write_text(lines[0] + "\n")
    elif harm == "deleted":
        path.unlink()
    elif harm == "changed":
        path.write_text("\n".join([lines[0].replace('"attempt": 1', '"attempt": 7'), lines[1]]) + "\n")
    else:
        next((board / SUBMISSIONS).glob(f"*/{ENTRY}")).unlink()
    with pytest.raises(UsageError, match="edited, cut or deleted"):
        Ledger(board).read()
    with pytest.raises(UsageError, match="edited, cut or deleted"):
        benchmark.build_leaderboard(board, board.parent / "out")


def test_a_board_with_a_submission_that_no_line_covers_takes_no_bundle(
    board: Path, bundle: Path, others: dict[str, Path]
) -> None:
    benchmark.add_bundle(bundle, board)
    (board / ATTEMPTS).unlink()
    shutil.rmtree(board / SUBMISSIONS)
    with pytest.raises(UsageError, match="without a line in the ledger"):
        benchmark.add_bundle(others["better"], board)


# -- what lacks ---------------------------------------------------------------
def test_a_bundle_without_an_ok_cell_is_refused(board: Path, bundle: Path) -> None:
    fail_all(bundle)
    with pytest.raises(IncompleteError, match="no cell of the bundle is ok"):
        benchmark.add_bundle(seal_again(bundle), board)


def test_a_bundle_that_lacks_cells_is_refused(board: Path, bundle: Path) -> None:
    path = next(bundle.glob("records-*.parquet"))
    (bundle / files.name_predictions(files.key_of(path))).unlink()
    path.unlink()
    with pytest.raises(IncompleteError, match="lacks 1 cell"):
        benchmark.add_bundle(seal_again(bundle), board)


def test_keys_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmark.sandbox.outside.author import load_key

    monkeypatch.setenv("CONFOUNDBENCH_KEY", str(tmp_path / "new" / "author.key"))
    key = load_key()
    assert (tmp_path / "new" / "author.key").stat().st_mode & 0o077 == 0
    assert load_key() == key
    (tmp_path / "bad").write_text("00")
    with pytest.raises(UsageError, match="holds no key"):
        load_key(tmp_path / "bad")


def test_the_manifest_holds_the_public_key_alone(bundle: Path) -> None:
    text = (bundle / MANIFEST).read_text()
    assert MINE.hex() not in text
    assert len(json.loads(text)["owner"]) == 64
