"""``confoundbench list``."""

from __future__ import annotations

from typing import Any

import typer

import benchmark
from benchmark.cli.options import JSON
from benchmark.cli.output import emit, show_table
from benchmark.contract.errors import unknown_name

COLUMNS = {
    "scenarios": ("name", "situation", "recover", "fail", "parameters"),
    "methods": ("name", "track", "kinds", "needs", "summary"),
    "suites": ("name", "version", "scenarios", "seeds", "n", "description"),
    "domains": ("name", "situation", "attributes", "prompts"),
}


def list_things(
    kind: str = typer.Argument("scenarios", help="scenarios, methods, suites or domains"),
    as_json: bool = JSON,
) -> None:
    """List scenario families with their parameters, methods, suites or text domains.

    Examples: confoundbench list methods; confoundbench list scenarios --json
    """
    if kind not in COLUMNS:
        raise unknown_name("list", kind, COLUMNS)
    items = getattr(benchmark, f"list_{kind}")()
    if as_json:
        emit({kind: items})
        return
    show_table(kind, COLUMNS[kind], [[_cell(_shown(item)[name]) for name in COLUMNS[kind]] for item in items])


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    needed = item.get("user_data")
    return item | {"situation": f"{item['situation']}\nYou bring: {needed}"} if needed else item


def _cell(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "\n".join(f"{item['name']}={item['default']}  ({item['accepted']})" for item in value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
