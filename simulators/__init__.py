"""Simulators: worlds whose causal truth is known exactly. Methods never import this package."""

from simulators.card import FamilyCard
from simulators.protocols import Domain, Draw, Oracle, QuerySizes, Truth, World
from simulators.registry import ROWS, build, list_families

VERSION = "4"
"""Part of every result's key: raised whenever a world, its truth or its texts would come out otherwise."""

__all__ = [
    "ROWS",
    "VERSION",
    "Domain",
    "Draw",
    "FamilyCard",
    "Oracle",
    "QuerySizes",
    "Truth",
    "World",
    "build",
    "list_families",
]
