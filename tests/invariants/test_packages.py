"""Packages: what they export exists, no name means two things, and each part states its version."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

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
