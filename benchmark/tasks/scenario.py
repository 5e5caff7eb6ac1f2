"""Scenarios as text: ``observed[strength=1,n=4000]`` to a value and back.

A scenario names a family, its parameters and how many rows the log has. Its ``id`` is
canonical (parameters sorted, numbers in shortest form, ``n`` last), so that equal
scenarios have equal ids however they were spelled. A value that holds a comma or would be
read as a number is put in double quotes: ``corpus[data="one, two.csv"]``. Nothing here builds a world.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmark.contract.errors import UsageError

Value = bool | int | float | str

_PATTERN = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_-]*)\s*(?:\[(.*)\])?\s*$", re.DOTALL)
# Commas separate parameters unless they stand between double quotes.
_PARTS = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^,])+')
_EXAMPLE = "FAMILY or FAMILY[PARAMETER=VALUE,...,n=ROWS], such as observed[strength=1,n=4000]"


@dataclass(frozen=True)
class Scenario:
    """A family with its parameters set.

    Attributes:
        family: Name of the family.
        settings: Parameters that were set, as sorted (name, value) pairs.
        n: Rows of the log, at least 1, or None where the suite decides.
    """

    family: str
    settings: tuple[tuple[str, Value], ...] = ()
    n: int | None = None

    def __post_init__(self) -> None:
        if self.n is not None:
            check_rows(self.n)

    @classmethod
    def parse(cls, text: str) -> Scenario:
        """Read a scenario.

        Args:
            text: ``FAMILY`` or ``FAMILY[PARAMETER=VALUE,...]``; ``n`` is the number of rows.

        Raises:
            UsageError: If the text is malformed, a parameter is set twice or ``n`` is not positive.
        """
        match = _PATTERN.match(text)
        if match is None:
            raise UsageError("cannot read the scenario", expected=_EXAMPLE, found=repr(text))
        family, inside = match.groups()
        values: dict[str, Value] = {}
        for part in filter(None, (p.strip() for p in _PARTS.findall(inside or ""))):
            name, equals, value = (s.strip() for s in part.partition("="))
            if not (name and equals and value):
                raise UsageError(
                    f"cannot read the parameter {part!r} of scenario {text!r}",
                    expected="PARAMETER=VALUE",
                    found=repr(part),
                    fix=f"write {name or 'strength'}=1",
                )
            if name in values:
                raise UsageError(f"parameter {name!r} is set twice", expected="once", found=repr(text))
            values[name] = parse_value(value)
        rows = values.pop("n", None)
        if rows is not None:
            rows = check_rows(rows)
        return cls(family, tuple(sorted(values.items())), rows)

    @property
    def parameters(self) -> dict[str, Value]:
        """The parameters that were set."""
        return dict(self.settings)

    @property
    def id(self) -> str:
        """The canonical spelling; equal scenarios have equal ids."""
        parts = [f"{name}={format_value(value)}" for name, value in self.settings]
        if self.n is not None:
            parts.append(f"n={self.n}")
        return f"{self.family}[{','.join(parts)}]" if parts else self.family

    @property
    def hash(self) -> str:
        """A short digest of the id, for file names."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]

    def with_rows(self, n: int) -> Scenario:
        """The scenario with ``n`` rows where it does not set its own."""
        return self if self.n is not None else replace(self, n=n)

    def strength(self, defaults: Mapping[str, Value] | None = None) -> float:
        """The confounding strength, or NaN where the family has no such parameter.

        Args:
            defaults: The family's parameter defaults.
        """
        value = self.parameters.get("strength", (defaults or {}).get("strength"))
        return float(value) if isinstance(value, int | float) else math.nan

    def __str__(self) -> str:
        return self.id


def parse_value(text: str) -> Value:
    """A parameter's value: ``true``/``false``, an integer, a float or a word; a word where quoted."""
    if text.startswith('"'):
        return _unquote(text)
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if not math.isfinite(number):
            raise UsageError("a parameter must be finite", expected="a finite number", found=repr(text))
        return int(number) if number == int(number) and abs(number) < 2**53 else number
    return text


def format_value(value: Value) -> str:
    """The shortest spelling that ``parse_value`` reads back as the same value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value) and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, str) and _needs_quotes(value):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def _needs_quotes(word: str) -> bool:
    if not word or word != word.strip() or any(mark in word for mark in ',"'):
        return True
    try:
        return parse_value(word) != word
    except UsageError:
        return True


def _unquote(text: str) -> str:
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        raise UsageError(
            "cannot read a quoted value", expected='"..." with \\" for a quote inside', found=text
        ) from None


def check_rows(n: object) -> int:
    """The number of rows, checked to be a positive integer."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(
            "a log needs a positive number of rows",
            expected="n, an integer of at least 1",
            found=f"n={n}",
            fix="try n=4000",
        )
    return n
