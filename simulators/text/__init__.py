"""Text domains: what can be written, and reading it back from the string.

Nothing here knows people, outcomes or effects.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from benchmark.contract.errors import unknown_name

if TYPE_CHECKING:
    from simulators.text.domain import Domain

_GRAMMARS = ("answers", "headlines", "letters", "replies")


def list_domains() -> tuple[str, ...]:
    """Names of the grammar domains, sorted."""
    return _GRAMMARS


@cache
def load_domain(name: str) -> Domain:
    """A grammar domain by name; built once a process.

    Raises:
        UsageError: If no domain has this name.
    """
    if name not in _GRAMMARS:
        raise unknown_name("domain", name, _GRAMMARS)
    return import_module(f"simulators.text.{name}").make_domain()
