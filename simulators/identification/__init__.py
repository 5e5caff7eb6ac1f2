"""What identifies the effects of a world's texts, derived from what its generator does.

``build`` probes a world's functions and writes its causal graph; ``strategies`` reads from the graph,
by d-separation, which ways of estimating the effect a log allows. Nothing here is typed by hand.
"""

from simulators.identification.build import build_graph
from simulators.identification.graph import CausalGraph, Node
from simulators.identification.strategies import STRATEGIES, Strategy, describe_strategies, find_strategies

__all__ = [
    "STRATEGIES",
    "CausalGraph",
    "Node",
    "Strategy",
    "build_graph",
    "describe_strategies",
    "find_strategies",
]
