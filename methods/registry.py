"""The catalogue by name. Modules of ``methods.catalogue`` are found by walking the package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache

from benchmark.contract import ContractError, Method, UsageError, unknown_name


@cache
def _catalogue() -> dict[str, Method]:
    import methods.catalogue as package

    found: dict[str, Method] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        name = f"{package.__name__}.{module.name}"
        for method in _methods_of(importlib.import_module(name), name):
            if method.name in found:
                raise ContractError(
                    "two methods share a name", expected="distinct names", found=repr(method.name)
                )
            found[method.name] = method
    return found


def _methods_of(module: object, name: str) -> Iterable[Method]:
    methods = getattr(module, "METHODS", None)
    if not isinstance(methods, tuple):
        raise ContractError(
            f"{name} lists no methods", expected="METHODS: tuple[Method, ...]", found=type(methods).__name__
        )
    return methods


def list_methods() -> tuple[Method, ...]:
    """Every method of the catalogue, by name; the ceiling is not one."""
    return tuple(method for _, method in sorted(_catalogue().items()))


def load(name: str) -> Method:
    """The method of a name; ``"ceiling"`` gives what the plan fits on the complete twin.

    Raises:
        UsageError: If there is no such method.
    """
    from methods.catalogue.reference import CEILING

    if name == CEILING.name:
        return CEILING
    if name not in _catalogue():
        raise unknown_name("method", name, _catalogue())
    return _catalogue()[name]


def match(patterns: Iterable[str]) -> tuple[Method, ...]:
    """Methods whose name fits any of some shell patterns, in order of name.

    Raises:
        UsageError: If a pattern fits no method.
    """
    chosen: dict[str, Method] = {}
    for pattern in patterns:
        fits = {name: m for name, m in _catalogue().items() if fnmatchcase(name, pattern)}
        if not fits:
            raise _no_match(pattern)
        chosen.update(fits)
    return tuple(method for _, method in sorted(chosen.items()))


def _no_match(pattern: str) -> UsageError:
    if any(sign in pattern for sign in "*?["):
        return UsageError(
            f"no method fits the pattern {pattern!r}",
            expected=", ".join(sorted(_catalogue())),
            found=repr(pattern),
            fix="list methods to see every name",
        )
    return unknown_name("method", pattern, _catalogue())
