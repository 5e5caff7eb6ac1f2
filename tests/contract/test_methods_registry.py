"""The catalogue: what is listed, how it is looked up, and that importing the package is light."""

from __future__ import annotations

import subprocess
import sys

import pytest

import methods
from benchmark.contract import Method, UsageError
from benchmark.contract.method import TRACKS
from benchmark.contract.roles import GROUPS, LOG_KINDS, NUMBER_ROLES, TEXT_ROLES
from methods.registry import NEW_NAMES

FOUNDING = {
    "naive", "bradley-terry", "covariate-regression", "residual-marginal", "residual-partial-out",
    "ipw-logged", "ipw-estimated", "doubly-robust", "sft", "dpo-raw", "dpo-matched", "dpo-residual", "cpo",
    "oo-rlhf", "dr-cpo", "canary-constant", "canary-random", "canary-copy-naive",
}  # fmt: skip


def test_the_catalogue_holds_what_suites_name():
    assert {method.name for method in methods.list_methods()} >= FOUNDING


@pytest.mark.parametrize("method", methods.list_methods(), ids=lambda method: method.name)
def test_every_method_declares_itself(method):
    assert isinstance(method, Method)
    tags = method.tags
    assert tags.kinds
    assert tags.kinds <= set(LOG_KINDS)
    assert tags.needs <= {*GROUPS, *NUMBER_ROLES, *TEXT_ROLES}
    assert tags.track in TRACKS
    assert tags.summary.endswith(".")
    assert tags.paper or tags.canary or method.name == "naive"
    needs_track = {"propensity", "target_propensity", "observation_propensity"} & tags.needs
    assert (tags.track == "propensity") == bool(needs_track)
    assert (tags.track == "slice") == ("randomised" in tags.needs)


def test_the_ceiling_is_loaded_but_not_listed():
    assert methods.load("ceiling").name == "ceiling"
    assert "ceiling" not in {method.name for method in methods.list_methods()}


def test_lookups_suggest():
    with pytest.raises(UsageError, match="did you mean 'doubly-robust'"):
        methods.load("doubly-robus")
    with pytest.raises(UsageError, match="did you mean 'naive'"):
        methods.match(["naiv"])
    with pytest.raises(UsageError, match="fits the pattern"):
        methods.match(["zzz*"])


@pytest.mark.parametrize("look_up", [methods.load, lambda name: methods.match([name])])
def test_an_old_name_is_answered_with_the_new_one(look_up):
    with pytest.raises(UsageError, match="'dpo-residual'"):
        look_up("dpo-p3")


def test_an_old_pattern_is_answered_with_the_new_names():
    with pytest.raises(UsageError, match=r"'dpo-raw'.*'dpo-matched'"):
        methods.match(["dpo-p*"])


def test_every_new_name_exists_and_no_old_one():
    names = {method.name for method in methods.list_methods()}
    assert set(NEW_NAMES.values()) <= names
    assert not set(NEW_NAMES) & names


def test_patterns_match_without_repetition():
    names = [method.name for method in methods.match(["dpo-ra*", "dpo-mat*", "dpo-raw", "naive"])]
    assert names == sorted(set(names))
    assert {"dpo-raw", "dpo-matched", "naive"} <= set(names)


def test_importing_methods_is_light():
    heavy = "any(name in sys.modules for name in ('torch', 'sklearn', 'scipy', 'benchmark'))"
    code = f"import sys, methods; sys.exit({heavy})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_broken_catalogue_file_is_an_error(tmp_path, monkeypatch):
    import methods.catalogue
    from methods import registry

    (tmp_path / "broken_paper.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.setattr(methods.catalogue, "__path__", [*methods.catalogue.__path__, str(tmp_path)])
    registry._catalogue.cache_clear()
    try:
        with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
            registry.list_methods()
    finally:
        monkeypatch.undo()
        registry._catalogue.cache_clear()
        assert registry.list_methods()
