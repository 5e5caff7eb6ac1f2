"""The page ``docs/identification.md`` and the drawings beside it, written from the worlds themselves."""

from __future__ import annotations

from pathlib import Path

from benchmark.contract.seeding import Streams
from simulators.identification.draw import draw_graph
from simulators.identification.graph import CausalGraph
from simulators.identification.strategies import STRATEGIES, find_strategies
from simulators.parameters import Value
from simulators.registry import build, list_families

PAGE, DRAWINGS = Path("docs/identification.md"), Path("docs/graphs")
NOT_ON_THE_LOG = ("propensity", "target_propensity", "randomised")
"""Columns that the log track is not shown."""

SETTINGS: tuple[tuple[str, dict[str, Value]], ...] = (
    ("observed", {"strength": 0.0}),
    ("overlap", {"correlation": 1.0}),
    ("instrument", {"direct": 1.0}),
    ("instrument", {"dependent": 1.0}),
    ("entangled", {"endogeneity": 1.0}),
    ("entangled", {"reaction": 0.5}),
    ("selection", {"rule": "extreme"}),
    ("badcontrol", {"labelled": False}),
    ("marker", {"rule": "deterministic"}),
)
"""Settings beside the defaults that change, or might be thought to change, what identifies the effect."""

DRAWN: dict[str, dict[str, Value]] = {"wide": {"covariates": 12, "confounders": 2}}
"""Settings that are drawn in place of the defaults, where these are too large to be looked at."""

HEADER = """# What identifies each world

This page says for each world how the effect of a text can be estimated from its log. It is derived from the
code. `world.graph()` redraws the random factors of the generator one at a time and notes what each of them
changes; the result is a causal graph. `simulators.identification.find_strategies` reads from the graph, by
d-separation, which strategies are valid. A method may only use the columns that its track shows. The log
track shows neither logged propensities nor the flag of randomised rows, so the last column of the table
lists the strategies that these two make valid besides those of the log alone. A valid strategy would find
the effect in an infinitely long log; in a real one it may need many rows, which
[consistency.md](consistency.md) measures.
`python -m simulators.identification.page` writes the page.

A world in the table is a family, with its parameters at their defaults except those in brackets. The names
of the strategies are explained below the table.

"""


def example_graph(family: str, parameters: dict[str, Value] | None = None) -> CausalGraph:
    """The causal graph of a family's world at given parameters, others at their defaults."""
    return build(family, parameters or {}, Streams("identification", family, seed=0)).graph()


def describe_identification() -> str:
    """The whole page, as markdown."""
    defaults: list[tuple[str, dict[str, Value]]] = [(card.name, {}) for card in list_families()]
    cases = [*defaults, *SETTINGS]
    rows = [_row(family, parameters) for family, parameters in sorted(cases, key=lambda case: case[0])]
    table = "| world | by the log alone | added by propensities and flags |\n|---|---|---|\n" + "\n".join(
        rows
    )
    words = "\n".join(f"- **{name}**: {sentence}." for name, sentence in STRATEGIES.items())
    graphs = "\n\n".join(
        f"### `{card.name}`\n\n{card.situation}\n\n![causal graph of {card.name}](graphs/{card.name}.svg)"
        for card in list_families()
    )
    intro = "The effect can be estimated by:"
    legend = "A variable that the log does not record has a dashed outline."
    strategies = f"## The strategies\n\n{intro}\n\n{words}"
    return f"{HEADER}{table}\n\n{strategies}\n\n## The graphs\n\n{legend}\n\n{graphs}\n"


def _row(family: str, parameters: dict[str, Value]) -> str:
    graph = example_graph(family, parameters)
    alone, every = find_strategies(graph, NOT_ON_THE_LOG), find_strategies(graph)
    more = [found.name for found in every if found not in alone]
    named = ",".join(f"{name}={value}" for name, value in parameters.items())
    world = f"`{family}[{named}]`" if named else f"`{family}`"
    return f"| {world} | {', '.join(found.name for found in alone) or 'nothing'} | {', '.join(more)} |"


def write_page() -> None:
    """Write the page and a drawing for each family."""
    DRAWINGS.mkdir(exist_ok=True)
    PAGE.write_text(describe_identification(), encoding="utf-8")
    for card in list_families():
        drawing = draw_graph(example_graph(card.name, DRAWN.get(card.name)), card.name)
        (DRAWINGS / f"{card.name}.svg").write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    write_page()
