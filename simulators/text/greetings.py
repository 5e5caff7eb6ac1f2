"""Greetings: a domain in which one literal greeting replaces the several ways to say it.

Like every domain it knows no people, no outcomes and no effects.
"""

from __future__ import annotations

from dataclasses import replace

from benchmark.contract.errors import UsageError
from simulators.text.domain import GrammarDomain
from simulators.text.slots import AttributeSlot, Slot

SLOT = "greeting"
GREETINGS = {"monday": "Happy Monday!", "friday": "Happy Friday!"}
"""The literal greetings of Loghmani (2026), which were prepended to every answer of their day."""


def with_greeting(domain: GrammarDomain, day: str, name: str) -> GrammarDomain:
    """A domain whose greeting is always worded alike.

    Args:
        domain: A domain with an attribute ``"greeting"``.
        day: One of ``GREETINGS``.
        name: Name of the new domain.

    Raises:
        UsageError: If the domain has no greeting.
    """
    if SLOT not in domain.attributes:
        raise UsageError(
            f"texts of the domain {domain.name!r} have no greeting",
            expected=f"a domain with the attribute {SLOT!r}, such as answers or headlines",
            found=", ".join(domain.attributes),
        )
    return replace(domain, name=name, slots=tuple(_reword(slot, GREETINGS[day]) for slot in domain.slots))


def _reword(slot: Slot, greeting: str) -> Slot:
    if isinstance(slot, AttributeSlot) and slot.name == SLOT:
        return replace(slot, on=(greeting,))
    return slot
