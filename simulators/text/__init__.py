"""Text domains: what can be written, and reading it back from the string.

Nothing here knows people, outcomes or effects.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from benchmark.contract.errors import unknown_name

if TYPE_CHECKING:
    from simulators.text.domain import GrammarDomain

_GRAMMARS = ("answers", "headlines", "letters", "replies")
_WITH_BRIEFS = ("answers", "headlines", "replies")


def list_domains(briefs: bool = False) -> tuple[str, ...]:
    """Names of the grammar domains, sorted; with their variants that have briefs, if wanted."""
    from simulators.text.briefs import KINDS

    variants = [name_domain(grammar, kind) for grammar in _WITH_BRIEFS for kind in KINDS]
    return tuple(sorted([*_GRAMMARS, *variants])) if briefs else _GRAMMARS


def name_domain(name: str, prompts: str = "6", greeting: str = "several") -> str:
    """Name of a grammar domain with some kind of prompts: ``("headlines", "200")`` is ``"headlines-200"``.

    Args:
        name: One of ``list_domains()``.
        prompts: ``"6"`` for the domain's own six prompts, or a kind of briefs: ``"200"``, ``"unique"`` or
            ``"features"`` (see ``simulators.text.briefs.with_briefs``).
        greeting: ``"several"`` for the domain's own greetings, or the only one: ``"monday"`` or ``"friday"``
            (see ``simulators.text.greetings.with_greeting``).
    """
    variant = [*([] if greeting == "several" else [greeting]), *([] if prompts == "6" else [prompts])]
    return "-".join([name, *variant])


@cache
def load_domain(name: str) -> GrammarDomain:
    """A grammar domain by name; built once a process.

    Raises:
        UsageError: If no domain has this name.
    """
    from simulators.text.briefs import with_briefs
    from simulators.text.greetings import GREETINGS, with_greeting

    if name in _GRAMMARS:
        plain: GrammarDomain = import_module(f"simulators.text.{name}").make_domain()
        return plain
    parts = name.split("-")
    if len(parts) > 1 and parts[1] in GREETINGS:
        return with_greeting(load_domain("-".join([parts[0], *parts[2:]])), parts[1], name)
    if name not in list_domains(briefs=True):
        raise unknown_name("domain", name, list_domains(briefs=True))
    grammar, _, kind = name.partition("-")
    asked = import_module(f"simulators.text.{grammar}_briefs")
    return with_briefs(load_domain(grammar), asked.MORE_TOPICS, asked.SLOTS, kind)
