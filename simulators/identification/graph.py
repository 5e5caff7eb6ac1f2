"""A causal graph: nodes that say what they are and under which column they were recorded.

It knows nothing of worlds. Nodes that are functions of their parents alone (``determined``) count as
known once all their parents are, which plain d-separation would miss (Geiger, Verma and Pearl 1990).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import networkx as nx

TEXT, OUTCOME, SELECTED, PROMPT = "text", "outcome", "selected", "prompt"


@dataclass(frozen=True)
class Node:
    """One node.

    Attributes:
        kind: ``"factor"`` (independent of all others), ``"feature"`` (a function of factors through which
            they act), ``"column"`` (recorded, a function of its parents), ``"prompt"``, ``"text"``,
            ``"outcome"`` or ``"selected"`` (whether the outcome was recorded).
        columns: Names of the log's columns that together hold its value; empty where it is not recorded.
    """

    kind: str
    columns: tuple[str, ...] = ()

    @property
    def determined(self) -> bool:
        """Whether it is a function of its parents."""
        return self.kind in ("feature", "column")


@dataclass(frozen=True)
class CausalGraph:
    """A directed acyclic graph of what a log's generator does.

    Attributes:
        nodes: Name to node.
        edges: (cause, effect), each once, in order.
        positive: Whether every text is possible whoever is asked.
        edited: Whether texts were changed after their outcomes were seen.
        faithful: Whether what is recorded as the outcome is the outcome.
        slice: The graph of the rows that a recorded flag marks, or None where no flag is recorded.
    """

    nodes: Mapping[str, Node]
    edges: tuple[tuple[str, str], ...]
    positive: bool = True
    edited: bool = False
    faithful: bool = True
    slice: CausalGraph | None = None

    def digraph(self, without_effects_of: str = "", without_edge: tuple[str, str] = ("", "")) -> nx.DiGraph:
        """The graph as networkx, some edges left out.

        Args:
            without_effects_of: A node whose outgoing edges are cut.
            without_edge: One more edge that is cut.
        """
        graph = nx.DiGraph()
        graph.add_nodes_from(self.nodes)
        graph.add_edges_from(
            edge for edge in self.edges if edge[0] != without_effects_of and edge != without_edge
        )
        return graph

    def recorded(self, hidden: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
        """Node name to column names, for every node whose columns a reader of the log is shown.

        Args:
            hidden: Columns, or groups of columns, that the reader is not shown.
        """
        return {
            name: node.columns
            for name, node in self.nodes.items()
            if node.columns and not any(c in hidden or c.partition(".")[0] in hidden for c in node.columns)
        }

    def parents(self, name: str) -> tuple[str, ...]:
        """Causes of a node."""
        return tuple(cause for cause, effect in self.edges if effect == name)

    def descendants(self, name: str) -> set[str]:
        """Everything a node moves."""
        return set(nx.descendants(self.digraph(), name))

    def complete(self, known: Iterable[str]) -> set[str]:
        """What is known once ``known`` is: itself and every function of known nodes."""
        known = set(known)
        functions = [name for name, node in self.nodes.items() if node.determined and self.parents(name)]
        while True:
            more = {name for name in functions if name not in known and known.issuperset(self.parents(name))}
            if not more:
                return known
            known |= more

    def separates(
        self, known: Iterable[str], first: str, second: str, graph: nx.DiGraph | None = None
    ) -> bool:
        """Whether knowing ``known`` makes two nodes independent.

        Args:
            known: Names of nodes.
            first: A node.
            second: Another node.
            graph: The graph to read it from; by default this one, whole.
        """
        given = self.complete(known) - {first, second}
        whole = self.digraph() if graph is None else graph
        return bool(nx.is_d_separator(whole, {first}, {second}, given))
