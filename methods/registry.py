"""The catalogue by name. Modules of ``methods.catalogue`` are found by walking the package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache

from benchmark.contract import ContractError, Method, UsageError, unknown_name

# Names that rows had before, and what they are called now.
NEW_NAMES = {
    "dpo-p0": "dpo-cross",
    "dpo-p1": "dpo-raw",
    "dpo-p2": "dpo-matched",
    "dpo-p3": "dpo-residual",
    "dpo-p4": "dpo-modelled",
    "dpo-p5": "dpo-weighted",
    "dpo-p5-logged": "dpo-weighted-logged",
    "rloo-residual": "rloo-residual-partial-out",
    "ipo-p3": "ipo-residual",
    "cdpo-p3": "cdpo-residual",
    "rdpo-p3": "rdpo-residual",
    "hinge-p3": "hinge-residual",
    "slic-p3": "slic-residual",
    "simpo-p3": "simpo-residual",
    "orpo-p3": "orpo-residual",
    "expo-p3": "expo-residual",
    "selm-offline-p3": "selm-offline-residual",
    "token-reward-p3": "token-reward-residual",
    "token-supervision-p3": "token-supervision-residual",
    "fa": "filtered-sft",
    "fa-residual": "filtered-sft-residual",
    "fa-residual-weighted": "filtered-sft-residual-weighted",
    "fa-stratified": "filtered-sft-stratified",
    "ca": "conditional-sft",
    "ca-residual": "conditional-sft-residual",
    "ca-residual-weighted": "conditional-sft-residual-weighted",
    "cpo-code": "cpo-released",
    "oo-rlhf-code": "oo-rlhf-released",
    "dr-cpo-code": "dr-cpo-released",
    "told-head": "conditioned-head",
    "positive-or-disliked": "unlabelled-as-negative",
    "counterfactual-enc": "counterfactual-encourage",
    "counterfactual-enc-correlated": "counterfactual-encourage-correlated",
    "counterfactual-enc-prompted": "counterfactual-encourage-prompted",
    "counterfactual-dis": "counterfactual-discourage",
    "counterfactual-dis-prompted": "counterfactual-discourage-prompted",
    "counterfactual-con": "counterfactual-contrast",
    "counterfactual-con-correlated": "counterfactual-contrast-correlated",
    "counterfactual-con-prompted": "counterfactual-contrast-prompted",
    "counterfactual-neg": "counterfactual-negate",
    "counterfactual-neg-prompted": "counterfactual-negate-prompted",
}


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
    """Every method of the catalogue, by name; the ceiling and DPO on true labels are none."""
    return tuple(method for _, method in sorted(_catalogue().items()))


def load(name: str) -> Method:
    """The method of a name; ``"ceiling"`` gives what the plan fits on the complete twin, and
    ``"dpo-true-labels"`` what it fits on labels that the truth gives.

    Raises:
        UsageError: If there is no such method.
    """
    from methods.catalogue.preference import TRUE_LABELS
    from methods.catalogue.reference import CEILING

    for reference in (CEILING, TRUE_LABELS):
        if name == reference.name:
            return reference
    if name not in _catalogue():
        raise _no_such(name)
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
            raise _no_such(pattern)
        chosen.update(fits)
    return tuple(method for _, method in sorted(chosen.items()))


def _no_such(pattern: str) -> UsageError:
    """The error for a name or pattern without a method: it tells a new name, or the nearest ones."""
    renamed = {old: new for old, new in NEW_NAMES.items() if fnmatchcase(old, pattern)}
    if renamed:
        return UsageError(
            f"no method is called {pattern!r} any more",
            expected=", ".join(f"{new!r} (was {old!r})" for old, new in renamed.items()),
            found=repr(pattern),
            fix="use the new name",
        )
    if any(sign in pattern for sign in "*?["):
        return UsageError(
            f"no method fits the pattern {pattern!r}",
            expected="a pattern such as 'dpo-*'",
            found=repr(pattern),
            fix="`confoundbench list methods` shows every name",
        )
    return unknown_name("method", pattern, _catalogue())
