"""``confoundbench list``: what there is to run, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from benchmark.cli.output import JSON, emit, show_table
from benchmark.contract.errors import unknown_name


def list_things(
    kind: str = typer.Argument("scenarios", help="scenarios, methods, suites or domains"),
    as_json: bool = JSON,
) -> None:
    """List scenario families with their parameters, methods, suites or text domains.

    Examples: confoundbench list methods; confoundbench list scenarios --json
    """
    if kind not in LISTS:
        raise unknown_name("list", kind, LISTS)
    columns, make = LISTS[kind]
    items = make()
    if as_json:
        emit({kind: items})
        return
    show_table(kind, columns, [[_cell(_shown(item)[column]) for column in columns] for item in items])


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    needed = item.get("user_data")
    return item | {"situation": f"{item['situation']}\nUser data: {needed}"} if needed else item


def _cell(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "\n".join(f"{item['name']}={item['default']}  ({item['accepted']})" for item in value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def list_scenarios() -> list[dict[str, Any]]:
    """Families with what goes wrong, who should recover, the parameters and what a user must bring."""
    from simulators import list_families

    return [
        {
            "name": card.name,
            "situation": card.situation,
            "log": card.log_kind,
            "identified_by": card.identified_by,
            "recover": card.recover,
            "fail": card.fail,
            "user_data": card.user_data,
            "parameters": [
                {
                    "name": d.name,
                    "default": "(must be given)" if d.required else d.default,
                    "accepted": d.accepted,
                    "summary": d.summary,
                }
                for d in card.parameters
            ],
        }
        for card in list_families(user_data=True)
    ]


def list_method_tags() -> list[dict[str, Any]]:
    """Methods with what they take and claim."""
    from methods import list_methods

    return [
        {
            "name": method.name,
            "track": method.tags.track,
            "kinds": sorted(method.tags.kinds),
            "needs": sorted(method.tags.needs),
            "adjusts": method.tags.adjusts,
            "policy": method.tags.policy,
            "intervals": method.tags.intervals,
            "canary": method.tags.canary,
            "summary": method.tags.summary,
            "paper": method.tags.paper,
        }
        for method in list_methods()
    ]


def describe_suites() -> list[dict[str, Any]]:
    """Suites with their size."""
    from benchmark.tasks.suite import list_suites, load_suite

    suites = [load_suite(name) for name in list_suites()]
    return [
        {
            "name": suite.name,
            "version": suite.version,
            "scenarios": [scenario.id for scenario in suite.scenarios],
            "seeds": len(suite.seeds),
            "n": suite.n,
            "description": suite.description,
        }
        for suite in suites
    ]


def describe_domains() -> list[dict[str, Any]]:
    """Text domains with their attributes."""
    from simulators.text import list_domains, load_domain

    domains = [load_domain(name) for name in list_domains()]
    return [
        {
            "name": domain.name,
            "situation": domain.situation,
            "attributes": list(domain.attributes),
            "prompts": len(domain.prompts),
        }
        for domain in domains
    ]


LISTS: dict[str, tuple[tuple[str, ...], Callable[[], list[dict[str, Any]]]]] = {
    "scenarios": (("name", "situation", "recover", "fail", "parameters"), list_scenarios),
    "methods": (("name", "track", "kinds", "needs", "summary"), list_method_tags),
    "suites": (("name", "version", "scenarios", "seeds", "n", "description"), describe_suites),
    "domains": (("name", "situation", "attributes", "prompts"), describe_domains),
}
