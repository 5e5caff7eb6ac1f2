"""A method in a file is run, compared with its next version and audited as a method of the repository is."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmark
from benchmark.cli.main import invoke
from benchmark.contract import ContractError, UsageError
from leaderboard.compare import compare_frames
from leaderboard.frame import from_table

pytestmark = pytest.mark.slow
SUITE = """
name = "guard"
version = "1"
n = 400
seeds = 6
[queries]
pairs = 256
contrasts = 4
pool = 16
samples = 2
[[cells]]
scenarios = ["observed[strength=1]"]
methods = ["naive"]
"""
# Ridge regression on words and covariates; NOISE spoils its rewards by that share of their spread.
METHOD = """
import numpy as np
from sklearn.linear_model import Ridge

from benchmark.contract import RewardFunction, Tags

NOISE = 0.0


class Mine:
    name = "mine"
    tags = Tags(needs=frozenset({"covariate"}), adjusts=True, calibrated=True)

    def fit(self, log, harness):
        features = harness.encode(log.prompts, log.texts)
        model = Ridge(alpha=3.0).fit(np.hstack([features, log.covariates]), log.outcomes)
        weights = model.coef_[: features.shape[1]]
        weights = weights + NOISE * weights.std() * harness.rng("noise").normal(size=len(weights))
        return RewardFunction(lambda prompts, texts: harness.encode(prompts, texts) @ weights)


METHOD = Mine()
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the suite, the method, and a store of its first version."""
    folder = tmp_path_factory.mktemp("guard")
    (folder / "guard.toml").write_text(SUITE)
    (folder / "mine.py").write_text(METHOD)
    assert run(folder, "mine.py", "base") == 0
    return folder


def run(folder, file, store, *more):
    arguments = ["--suite", folder / "guard.toml", "--method", folder / file, "--store", folder / store]
    return invoke(["run", *map(str, arguments), "--workers", "0", "--isolation", "none", *more])


def compare(folder, capsys, *more):
    capsys.readouterr()
    code = invoke(["compare", str(folder / "base"), str(folder / "head"), "--json", *more])
    return code, {row["entrant"]: row for row in json.loads(capsys.readouterr().out)["rows"]}


def test_a_file_is_run_beside_naive_and_ceiling(place):
    records = benchmark.read_records(place / "base")
    assert records.groupby("method").size().to_dict() == {"naive": 6, "ceiling": 6, "mine": 6}
    assert set(records["status"]) == {"ok"}
    mine = records[records["method"] == "mine"]
    assert set(mine["isolation"]) == {"none"}
    assert mine["submission"].nunique() == 1


def test_a_planted_loss_fails_and_a_harmless_edit_passes(place, capsys):
    (place / "edited.py").write_text(METHOD + "# the same\n")
    assert run(place, "edited.py", "head") == 0
    code, rows = compare(place, capsys)
    assert (code, rows["mine"]["verdict"], rows["mine"]["lost"]) == (0, "no worse", None)
    # The next version takes the place of the one before it in the same store.
    (place / "worse.py").write_text(METHOD.replace("NOISE = 0.0", "NOISE = 1.2"))
    assert run(place, "worse.py", "head") == 0
    code, rows = compare(place, capsys)
    assert rows["mine"]["rise"]["value"] > 0.05
    assert (code, rows["mine"]["verdict"]) == (1, "worse")


def test_scoring_a_file_again_changes_nothing(place):
    before = benchmark.read_records(place / "base")
    assert before.loc[before["method"] == "mine", "metric.effect_rmse"].notna().all()
    assert benchmark.score(place / "guard.toml", place / "base") == 18
    pd.testing.assert_frame_equal(benchmark.read_records(place / "base"), before)


def test_a_dry_run_counts_the_file(place, capsys):
    assert run(place, "mine.py", "other", "--dry-run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["methods"]["mine"]["cells"] == 6
    assert not (place / "other").exists()


def test_two_versions_in_one_store_are_not_compared(place, tmp_path):
    records = benchmark.read_records(place / "base")
    mine = records[records["method"] == "mine"].assign(submission="0" * 64)
    both = from_table(pd.concat([records, mine], ignore_index=True))
    with pytest.raises(UsageError, match="several files named 'mine'"):
        compare_frames(from_table(records), both)


def test_a_file_is_audited(place, capsys):
    arguments = ["audit", str(place / "mine.py"), "--suite", str(place / "guard.toml"), "--rounds", "2"]
    assert invoke([*arguments, "--isolation", "none", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["rounds"]) == 2
    assert all(np.isfinite(row["failures"]) for row in told["rounds"])


def test_an_audited_file_that_fails_says_so(place, tmp_path):
    path = tmp_path / "fails.py"
    path.write_text(METHOD.replace("model = Ridge", "raise RuntimeError('no luck')\n        model = Ridge"))
    with pytest.raises(ContractError, match="no luck"):
        benchmark.audit(str(path), suite=place / "guard.toml", isolation="none")


def test_a_file_that_is_missing_is_a_usage_error(place):
    assert run(place, "nothing.py", "other") == 2
    assert not Path(place / "other").exists()
