"""Which ways of estimating the effect of texts a causal graph allows, by d-separation.

It reads graphs alone. A strategy that is found is available to an estimator that knows every
probability; whether a log of n rows suffices is another question.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from simulators.identification.graph import OUTCOME, PROMPT, SELECTED, TEXT, CausalGraph

BEFORE = ("covariate", "context", "time", "slot", "unit", "prompt", "proxy", "instrument", "shadow")
"""Roles that are recorded before the text, so that a method may hold them fixed."""

STRATEGIES = {
    "randomised": "random assignment, so that the log can be taken at face value",
    "back-door": "comparing texts while holding fixed what was recorded before the text",
    "propensity": "weighting by the logged probability of the text",
    "instrument": "recorded columns (instruments) that move the text, and the outcome through the text alone",
    "confounder-instrument": "an instrument that gives the measured confounder's effect, which is subtracted",
    "proxies": "two measurements of the confounder whose errors are independent of each other",
    "slice": "the rows that are marked as randomised",
    "selection-weights": "weighting by the logged probability that the outcome is recorded",
    "shadow": "a recorded column (shadow variable) that moves the outcome but not whether it is recorded",
}
"""Ways to the effect of a text, and each in words."""

Shown = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Strategy:
    """One way to the effect.

    Attributes:
        name: One of ``STRATEGIES``.
        columns: Columns of the log that it uses.
    """

    name: str
    columns: tuple[str, ...] = ()


def find_strategies(graph: CausalGraph, hidden: Collection[str] = ()) -> tuple[Strategy, ...]:
    """Every strategy that a graph allows, simplest first; none where nothing identifies the effect.

    Args:
        graph: What the generator does.
        hidden: Columns, or roles, that the reader of the log is not shown.
    """
    shown = graph.recorded(hidden)
    if graph.edited or not graph.faithful:
        in_slice = None if graph.edited else _find_slice(graph, shown)
        return () if in_slice is None else (in_slice,)
    after = graph.descendants(TEXT)
    before = [
        name
        for name, columns in shown.items()
        if name not in after and all(column.partition(".")[0] in BEFORE for column in columns)
    ]
    found = [
        _find_adjustment(graph, before),
        _find_propensity(graph, shown),
        _find_instruments(graph, before),
        _find_confounder_instrument(graph, before),
        _find_proxies(graph, before),
        _find_slice(graph, shown),
        _find_selection_weights(graph, shown),
        _find_shadow(graph, before, shown),
    ]
    return tuple(strategy for strategy in found if strategy is not None)


def _conditions(graph: CausalGraph) -> set[str]:
    """What every log is conditioned on: its prompts, and being recorded."""
    return {name for name in (PROMPT, SELECTED) if name in graph.nodes}


def _blocks(graph: CausalGraph, known: Collection[str]) -> bool:
    """Whether known nodes identify the effect: no back-door path, and recording tells no more."""
    given = set(known) | _conditions(graph)
    if not graph.separates(given, TEXT, OUTCOME, graph.digraph(without_effects_of=TEXT)):
        return False
    if SELECTED not in graph.nodes:
        return True
    return graph.separates((given - {SELECTED}) | {TEXT}, OUTCOME, SELECTED)


def _find_adjustment(graph: CausalGraph, before: list[str]) -> Strategy | None:
    """The back-door criterion (Pearl 1993); every ancestor that is recorded will do, then as few as will."""
    if _blocks(graph, ()):
        return Strategy("randomised")
    ancestors = set().union(*(_ancestors(graph, name) for name in (TEXT, OUTCOME)))
    known = [name for name in before if name in ancestors or graph.nodes[name].kind == "column"]
    if not graph.positive or not _blocks(graph, known):
        return None
    for name in tuple(known):
        fewer = [other for other in known if other != name]
        if _blocks(graph, fewer):
            known = fewer
    return Strategy("back-door", _columns(graph, known))


def _find_propensity(graph: CausalGraph, shown: Shown) -> Strategy | None:
    if ("propensity",) in shown.values() and graph.positive and SELECTED not in graph.nodes:
        return Strategy("propensity", ("propensity",))
    return None


def _find_instruments(graph: CausalGraph, before: list[str]) -> Strategy | None:
    """Columns that move the text and are independent of the outcome but through it (Pearl 2009, 7.4.1)."""
    if _blocks(graph, ()):
        return None
    severed = graph.digraph(without_effects_of=TEXT)
    found = []
    for name in before:
        others = [other for other in before if other != name]
        for known in ((), others):
            given = set(known) | _conditions(graph)
            relevant = not graph.separates(given, name, TEXT)
            if relevant and graph.separates(given, name, OUTCOME, severed):
                found.append(name)
                break
    return Strategy("instrument", _columns(graph, found)) if found else None


def _find_confounder_instrument(graph: CausalGraph, before: list[str]) -> Strategy | None:
    """An instrument of a measured confounder, through which alone text and outcome are confounded."""
    for confounder in graph.parents(OUTCOME):
        if graph.nodes[confounder].kind not in ("factor", "feature") or confounder in before:
            continue
        edge = (confounder, OUTCOME)
        alone = graph.digraph(without_effects_of=TEXT, without_edge=edge)
        if not graph.separates(_conditions(graph), TEXT, OUTCOME, alone):  # something else confounds too
            continue
        measured = [name for name in before if confounder in graph.parents(name)]
        for name in before:
            if name in measured or graph.separates(_conditions(graph), name, confounder):
                continue
            excluded = graph.separates(_conditions(graph), name, OUTCOME, graph.digraph(without_edge=edge))
            if measured and excluded:
                return Strategy("confounder-instrument", _columns(graph, [name, measured[0]]))
    return None


def _find_proxies(graph: CausalGraph, before: list[str]) -> Strategy | None:
    """Two measurements of one unrecorded confounder (Miao, Geng and Tchetgen Tchetgen 2018)."""
    severed = graph.digraph(without_effects_of=TEXT)
    moving = _ancestors(graph, TEXT) | _ancestors(graph, OUTCOME)
    kinds = ("factor", "feature")
    latent = [
        name
        for name, node in graph.nodes.items()
        if name in moving and node.kind in kinds and not node.columns
    ]
    for confounder in latent:
        for first, second in combinations(before, 2):
            rest = set(before) - {first, second} | _conditions(graph)
            given = rest | {confounder}
            if not graph.separates(given, TEXT, OUTCOME, severed):
                continue
            measured = not any(graph.separates(rest, name, confounder) for name in (first, second))
            apart = graph.separates(given, first, second)
            unmoved = graph.separates(given, first, OUTCOME, severed) and graph.separates(given, second, TEXT)
            if measured and apart and unmoved:
                return Strategy("proxies", _columns(graph, [first, second]))
    return None


def _find_slice(graph: CausalGraph, shown: Shown) -> Strategy | None:
    if (
        ("randomised",) in shown.values()
        and graph.slice is not None
        and graph.slice.faithful
        and _blocks(graph.slice, ())
    ):
        return Strategy("slice", ("randomised",))
    return None


def _find_selection_weights(graph: CausalGraph, shown: Shown) -> Strategy | None:
    """The recording's own probability, where texts are not confounded in all rows (Horvitz and Thompson)."""
    everyone = _without(graph, SELECTED)
    if ("observation_propensity",) in shown.values() and _blocks(everyone, ()):
        return Strategy("selection-weights", ("observation_propensity",))
    return None


def _find_shadow(graph: CausalGraph, before: list[str], shown: Shown) -> Strategy | None:
    """A column that moves the outcome and, given outcome and text, not its recording (Miao et al. 2015)."""
    if SELECTED not in graph.nodes or not _blocks(_without(graph, SELECTED), ()):
        return None
    for name in before:
        if shown[name][0].partition(".")[0] != "shadow":
            continue
        moves = not graph.separates({TEXT, PROMPT} & set(graph.nodes), name, OUTCOME)
        if moves and graph.separates({TEXT, OUTCOME}, name, SELECTED):
            return Strategy("shadow", _columns(graph, [name]))
    return None


def _without(graph: CausalGraph, name: str) -> CausalGraph:
    nodes = {other: node for other, node in graph.nodes.items() if other != name}
    return replace(graph, nodes=nodes, edges=tuple(edge for edge in graph.edges if name not in edge))


def _ancestors(graph: CausalGraph, name: str) -> set[str]:
    found, waiting = set(), [name]
    while waiting:
        for cause in graph.parents(waiting.pop()):
            if cause not in found:
                found.add(cause)
                waiting.append(cause)
    return found


def _columns(graph: CausalGraph, names: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for name in names for column in graph.nodes[name].columns))


def describe_strategies(strategies: Sequence[Strategy]) -> list[str]:
    """Each strategy in words, with its columns; "nothing in the log" where there is none."""
    said = [
        STRATEGIES[found.name] + (f" ({', '.join(found.columns)})" if found.columns else "")
        for found in strategies
    ]
    return said or ["nothing in the log"]
