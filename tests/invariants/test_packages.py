"""Packages: exported names exist, no name means two things, imports form no circle, parts state versions."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import grimp
import networkx as nx
import pytest

from benchmark.runs.provenance import COMPONENTS, component_versions

PACKAGES = (
    "benchmark",
    "simulators",
    "methods",
    "leaderboard",
    "benchmark.contract",
    "benchmark.harness",
    "benchmark.sandbox.outside",
)


@pytest.mark.parametrize("name", PACKAGES)
def test_exported_names_exist_and_are_no_modules(name: str) -> None:
    package = import_module(name)
    for _, module, _ in pkgutil.iter_modules(package.__path__):
        import_module(f"{name}.{module}")  # importing a submodule binds its name in the package
    exported = {export: getattr(package, export) for export in package.__all__}
    assert [export for export, value in exported.items() if isinstance(value, ModuleType)] == []


def test_every_component_states_its_version() -> None:
    assert set(component_versions()) == set(COMPONENTS)
    assert all(component_versions().values())


def find_circles(*packages: str) -> list[list[str]]:
    """Groups of modules that import one another, imports for types alone and inside functions included."""
    found = grimp.build_graph(*packages, cache_dir=None)
    imports = nx.DiGraph(
        (module, other)
        for module in found.modules
        for other in found.find_modules_directly_imported_by(module)
    )
    return [sorted(group) for group in nx.strongly_connected_components(imports) if len(group) > 1]


def test_no_modules_of_ours_import_one_another_in_a_circle() -> None:
    assert find_circles("benchmark", "simulators", "methods", "leaderboard") == []


def test_a_circle_for_types_alone_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "twopart"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "first.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from twopart.second import B\n"
    )
    (folder / "second.py").write_text("def f():\n    from twopart import first\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_circles("twopart") == [["twopart.first", "twopart.second"]]
