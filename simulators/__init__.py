"""Simulators: worlds whose causal truth is known exactly. Methods never import this package."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulators.family import FamilyCard, build, list_families
    from simulators.query import QuerySizes
    from simulators.truth import Truth
    from simulators.world import Draw, World

VERSION = "2"
"""Part of every result's key: raised whenever a world, its truth or its texts would come out otherwise."""

_HOMES = {
    "FamilyCard": "family",
    "build": "family",
    "list_families": "family",
    "QuerySizes": "query",
    "Truth": "truth",
    "Draw": "world",
    "World": "world",
}

__all__ = ["VERSION", "Draw", "FamilyCard", "QuerySizes", "Truth", "World", "build", "list_families"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simulators' has no attribute {name!r}")
    return getattr(import_module(f"simulators.{_HOMES[name]}"), name)
