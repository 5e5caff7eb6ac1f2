"""What a family publishes about itself, and how families are found.

A family is one small file in ``simulators/families``: parts, dials, who should recover
the truth and who should fail. Files are found by walking the package; a broken one is
an error, never skipped.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from benchmark.contract.errors import unknown_name
from benchmark.contract.seeding import Streams
from simulators.dials import Dial, DialValue, read_dials

if TYPE_CHECKING:
    from simulators.experiments.corpus import CorpusWorld
    from simulators.world import World


@dataclass(frozen=True)
class FamilyCard:
    """The public description of a family.

    Attributes:
        name: Name used in scenarios.
        situation: What goes wrong, in one plain sentence.
        dials: Parameters with ranges and defaults.
        identified_by: What identifies the effect, and through which roles.
        recover: Who should recover the truth.
        fail: Who should fail.
        feedback: Kind of log: "outcome", "pairs" or "rankings".
        given: What a user must bring, in one phrase; "" where the package alone makes the world.
    """

    name: str
    situation: str
    dials: tuple[Dial, ...]
    identified_by: str
    recover: str
    fail: str
    feedback: str = "outcome"
    given: str = ""

    @property
    def defaults(self) -> dict[str, DialValue]:
        """Default of every dial."""
        return {dial.name: dial.default for dial in self.dials}


@dataclass(frozen=True)
class Family:
    """A card and the function that composes its worlds."""

    card: FamilyCard
    compose: Callable[[FamilyCard, Mapping[str, DialValue], Streams], World | CorpusWorld]


@lru_cache(maxsize=1)
def all_families() -> dict[str, Family]:
    """Every family by name, sorted."""
    package = import_module("simulators.families")
    found = [
        import_module(f"simulators.families.{module.name}").FAMILY
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]
    return {family.card.name: family for family in sorted(found, key=lambda family: family.card.name)}


def list_families(given: bool = False) -> tuple[FamilyCard, ...]:
    """The cards of the families, sorted by name.

    Args:
        given: Also those whose worlds are made of something a user brings, such as a table.
    """
    cards = (family.card for family in all_families().values())
    return tuple(card for card in cards if given or not card.given)


def build(family: str, dials: Mapping[str, object], streams: Streams) -> World | CorpusWorld:
    """A world.

    Args:
        family: Name of a family.
        dials: Dials to set; the rest take their defaults.
        streams: The world's random streams.

    Raises:
        UsageError: For an unknown family or dial, a value out of range, or a combination
            of dials that no world satisfies.
    """
    known = all_families()
    if family not in known:
        raise unknown_name("family", family, known)
    chosen = known[family]
    return chosen.compose(chosen.card, read_dials(family, chosen.card.dials, dials), streams)
