"""What a family publishes about itself: its parameters, who should recover the truth and who should fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmark.contract.seeding import Streams
from simulators.identification.strategies import STRATEGIES
from simulators.parameters import Parameter, Value
from simulators.protocols import World


@dataclass(frozen=True)
class FamilyCard:
    """The public description of a family.

    Attributes:
        name: Name used in scenarios.
        situation: What goes wrong, in one plain sentence.
        parameters: Parameters with ranges and defaults.
        strategies: Names of the strategies that its causal graph allows at default parameters; a test derives
            them from the generator. None where nothing in the log identifies the effect.
        recover: Who should recover the truth.
        fail: Who should fail.
        log_kind: What a row of the log holds: "outcome", "pairs" or "rankings".
        user_data: What a user must bring, in one phrase; "" where the package alone makes the world.
    """

    name: str
    situation: str
    parameters: tuple[Parameter, ...]
    strategies: tuple[str, ...]
    recover: str
    fail: str
    log_kind: str = "outcome"
    user_data: str = ""

    @property
    def identified_by(self) -> str:
        """What identifies the effect, in words."""
        return "; ".join(STRATEGIES[name] for name in self.strategies) or "nothing in the log"

    @property
    def defaults(self) -> dict[str, Value]:
        """Default of every parameter."""
        return {parameter.name: parameter.default for parameter in self.parameters}


@dataclass(frozen=True)
class Family:
    """A card and the function that composes its worlds."""

    card: FamilyCard
    compose: Callable[[FamilyCard, Mapping[str, Value], Streams], World]
