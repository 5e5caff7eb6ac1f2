"""Alignment methods: compositions that learn from logs and never see what made them.

Names are resolved on first use, so that importing the package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.contract import Fitted, Log, Method, Tags
    from methods.checks import check_method
    from methods.recipe import Recipe
    from methods.registry import list_methods, load, match

VERSION = "2"
"""Part of every result's key: raised whenever a method of the catalogue would answer otherwise."""

_HOMES = {
    "Fitted": "benchmark.contract",
    "Log": "benchmark.contract",
    "Method": "benchmark.contract",
    "Tags": "benchmark.contract",
    "Recipe": "methods.recipe",
    "check_method": "methods.checks",
    "list_methods": "methods.registry",
    "load": "methods.registry",
    "match": "methods.registry",
}

__all__ = [
    "VERSION",
    "Fitted",
    "Log",
    "Method",
    "Recipe",
    "Tags",
    "check_method",
    "list_methods",
    "load",
    "match",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'methods' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
