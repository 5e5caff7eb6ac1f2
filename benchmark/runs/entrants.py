"""Entrants: methods as a plan names them, and the description that tells one recipe from another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from benchmark.contract import Method

CEILING, NAIVE = "ceiling", "naive"
# DPO on labels that the truth gives: what a budget alone costs. A reference row, no entrant.
TRUE_LABELS = "dpo-true-labels"


@dataclass(frozen=True)
class Entrant:
    """A method as a plan names it.

    Attributes:
        name: Name under which it is loaded.
        role: "method", "naive", "ceiling" or "canary".
        fingerprint: Description of the resolved recipe; equal recipes, equal fingerprints.
        label: Name shown on the board.
        track: What it may see.
        policy: Whether fitting it trains a policy (also used to order work and estimate cost).
        adjusts: Whether it claims to remove confounding.
        calibrated: Whether its rewards are on the outcome's scale.
        submission: SHA-256 of a submitted file, or "".
    """

    name: str
    role: str = "method"
    fingerprint: str = ""
    label: str = ""
    track: str = "log"
    policy: bool = False
    adjusts: bool = False
    calibrated: bool = False
    submission: str = ""


def list_entrants() -> tuple[Entrant, ...]:
    """Every method of the repository as a plan names it, the ceiling included."""
    from methods import list_methods, load

    return tuple(describe_entrant(method) for method in (*list_methods(), load(CEILING), load(TRUE_LABELS)))


def describe_entrant(method: Method) -> Entrant:
    """A method of the repository as a plan names it."""
    role = method.name if method.name in (NAIVE, CEILING) else "canary" if method.tags.canary else "method"
    return Entrant(
        name=method.name,
        role=role,
        fingerprint=describe_recipe(method),
        label=str(getattr(method, "label", "") or method.name),
        track=method.tags.track,
        policy=method.tags.policy,
        adjusts=method.tags.adjusts,
        calibrated=method.tags.calibrated,
    )


def describe_recipe(value: Any) -> str:
    """A description of a recipe that is equal exactly when the recipe is.

    Dataclasses are spelled out field by field and functions by their qualified names
    (``repr`` would show addresses); any ``VERSION`` or ``version`` they carry is added.
    """
    kind = type(value)
    if is_dataclass(value) and not isinstance(value, type):
        inside = ",".join(f"{f.name}={describe_recipe(getattr(value, f.name))}" for f in fields(value))
        version = getattr(kind, "VERSION", "")
        return f"{kind.__module__}.{kind.__qualname__}{f'@{version}' if version else ''}({inside})"
    if isinstance(value, Mapping):
        items = sorted((str(k), describe_recipe(v)) for k, v in value.items())
        return "{" + ",".join(f"{k}:{v}" for k, v in items) + "}"
    if isinstance(value, frozenset | set):
        return "{" + ",".join(sorted(describe_recipe(v) for v in value)) + "}"
    if isinstance(value, tuple | list):
        return "(" + ",".join(describe_recipe(v) for v in value) + ")"
    if isinstance(value, np.ndarray):
        return f"array{value.shape}:{hashlib.sha256(value.tobytes()).hexdigest()[:16]}"
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    name = getattr(value, "__qualname__", kind.__qualname__)
    module = getattr(value, "__module__", kind.__module__)
    state = describe_recipe(vars(value)) if not callable(value) and hasattr(value, "__dict__") else ""
    return f"{module}.{name}@{getattr(value, 'VERSION', getattr(value, 'version', ''))}{state}"
