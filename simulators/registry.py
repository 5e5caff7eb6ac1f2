"""Families are found here, by walking ``simulators/families``, and worlds are built by name.

A family is a module or a package in that folder which holds ``FAMILY``. A module that cannot be
imported is an error and is never skipped.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module

from benchmark.contract.errors import unknown_name
from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.parameters import read_parameters
from simulators.protocols import World
from simulators.signal import solve_signal

ROWS = 4000
"""Rows of a log where nobody says how many."""


@lru_cache(maxsize=1)
def find_families() -> dict[str, Family]:
    """Every family by name, sorted."""
    package = import_module("simulators.families")
    found = [
        import_module(f"simulators.families.{module.name}").FAMILY
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]
    return {family.card.name: family for family in sorted(found, key=lambda family: family.card.name)}


def list_families(user_data: bool = False) -> tuple[FamilyCard, ...]:
    """The cards of the families, sorted by name.

    Args:
        user_data: Also the families whose worlds are made of something a user brings, such as a table.
    """
    cards = (family.card for family in find_families().values())
    return tuple(card for card in cards if user_data or not card.user_data)


def build(family: str, parameters: Mapping[str, object], streams: Streams, n: int = ROWS) -> World:
    """A world of a family.

    Args:
        family: Name of a family.
        parameters: Parameters to set; the others take their defaults.
        streams: The world's random streams.
        n: Rows of the logs to be drawn, to which the parameter ``signal`` refers.

    Raises:
        UsageError: For an unknown family or parameter, a value out of range, or a combination
            of parameters that no world satisfies.
    """
    known = find_families()
    if family not in known:
        raise unknown_name("family", family, known)
    chosen = known[family]
    values = read_parameters(family, chosen.card.parameters, parameters)
    if not values.get("signal"):
        return chosen.compose(chosen.card, values, streams)
    return solve_signal(
        lambda noise: chosen.compose(chosen.card, {**values, "noise": noise}, streams),  # type: ignore[arg-type, return-value]
        float(values["signal"]),
        n,
    )
