"""Public functions show an example in their docstring, and it runs."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import benchmark
from benchmark.tasks import pretraining

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(benchmark._HOMES)
# They write into the repository's own pages, or need a store that a test makes.
WITHOUT = {
    "find_standing",
    "publish_leaderboard",
    "add_bundle",
    "build_leaderboard",
    "judge_claims",
    "check_file",
}


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    monkeypatch.setenv("CONFOUNDBENCH_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(pretraining, "PRETRAINING_TEXTS", 600)
    monkeypatch.chdir(ROOT)
    pretraining.hash_backbone.cache_clear()
    yield
    pretraining.hash_backbone.cache_clear()


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    done = doctest.testmod(import_module(name))
    assert done.failed == 0
    assert done.attempted > 0


@pytest.mark.parametrize("name", sorted(set(benchmark.__all__) - WITHOUT))
def test_every_public_function_has_an_example(name):
    function = getattr(benchmark, name)
    module = import_module(function.__module__)
    assert ">>>" in (function.__doc__ or "") or (name.startswith("list_") and ">>>" in module.__doc__)


def test_every_name_is_there_and_no_other():
    assert (
        sorted(benchmark.__all__)
        == sorted(benchmark._MODULES)
        == sorted(set(dir(benchmark)) & set(benchmark._MODULES))
    )
    with pytest.raises(AttributeError, match="nonsense"):
        _ = benchmark.nonsense
