"""What there is to run, as plain data: scenario families, methods, suites and text domains.

Example:
    >>> import benchmark
    >>> "quick" in {suite["name"] for suite in benchmark.list_suites()}
    True
    >>> "naive" in {method["name"] for method in benchmark.list_methods()}
    True
"""

from __future__ import annotations

from typing import Any


def list_scenarios() -> list[dict[str, Any]]:
    """Families with what goes wrong, who should recover, the parameters and what a user must bring."""
    from simulators import list_families

    return [
        {
            "name": card.name,
            "situation": card.situation,
            "log": card.log_kind,
            "strategies": list(card.strategies),
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


def list_graphs() -> dict[str, dict[str, Any]]:
    """The causal graph of each family's world at default parameters; see ``docs/identification.md``.

    Returns:
        ``nodes``, each with ``name``, ``kind`` and the ``role`` of the column that records it (empty where
        none does), and ``edges``, pairs of names with the cause first.
    """
    from simulators import list_families
    from simulators.identification.page import DRAWN, example_graph

    found = {}
    for card in list_families():
        graph = example_graph(card.name, DRAWN.get(card.name))
        nodes = [
            {
                "name": name,
                "kind": node.kind,
                "role": node.columns[0].partition(".")[0] if node.columns else "",
            }
            for name, node in graph.nodes.items()
        ]
        found[card.name] = {"nodes": nodes, "edges": [list(edge) for edge in graph.edges]}
    return found


def list_methods() -> list[dict[str, Any]]:
    """Methods with what they take and claim."""
    import methods

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
        for method in methods.list_methods()
    ]


def list_suites() -> list[dict[str, Any]]:
    """Suites with their size."""
    from benchmark.tasks import suite as suites_of_package

    suites = [suites_of_package.load_suite(name) for name in suites_of_package.list_suites()]
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


def list_domains() -> list[dict[str, Any]]:
    """Text domains with their attributes."""
    from simulators import text

    domains = [text.load_domain(name) for name in text.list_domains()]
    return [
        {
            "name": domain.name,
            "situation": domain.situation,
            "attributes": list(domain.attributes),
            "prompts": len(domain.prompts),
        }
        for domain in domains
    ]
