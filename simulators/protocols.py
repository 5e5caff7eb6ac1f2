"""What the rest of the project may ask of a world, of its truth and of the domain of its texts.

Simulated worlds, worlds over a pool of generated texts and worlds made of a user's table all offer
this and callers rely on nothing else. A world that cannot do one of these things raises
``Incompatible`` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import UsageError
from benchmark.contract.log import Log
from benchmark.contract.queries import Queries
from simulators.identification.graph import CausalGraph
from simulators.proposals import JudgedPairs, Search
from simulators.text.domain import Detected
from simulators.text.phrasebook import Usage
from simulators.text.prompts import PromptWriter
from simulators.text.reading import Strings

Context = Mapping[str, np.ndarray]
Oracle = Callable[[np.ndarray, np.ndarray, Context], np.ndarray]
"""``(prompts, texts, context) -> outcomes``: one noisy outcome for each text, shape (n,)."""
Reward = Callable[[np.ndarray, np.ndarray, Context], np.ndarray]
"""``(prompts, texts, context) -> rewards``, shape (n,), on any scale."""


@dataclass(frozen=True, eq=False)
class Draw:
    """Rows of a world.

    Attributes:
        log: What a method may see.
        truth: What is true of the same rows, in the same order. Simulated worlds give ``reward``,
            ``log_propensity``, ``attribute.NAME`` and ``hidden.NAME``; for pairs and rankings these
            describe the best text, and columns ending in ``.1`` and ``.2`` the others.
    """

    log: Log
    truth: pa.Table


@dataclass(frozen=True)
class QuerySizes:
    """How many questions are asked of a method.

    Attributes:
        pairs: Pairs of texts with the same prompt, over all prompts.
        contrasts: Single-attribute contrasts for each attribute.
        pool: Reference texts of each prompt.
        samples: Texts that a policy is asked to write for each prompt.
        prompts: How many prompts are asked about; None for all of them, or for 24 where several prompts
            are about one topic.
    """

    pairs: int = 2048
    contrasts: int = 64
    pool: int = 1024
    samples: int = 64
    prompts: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("pairs", 1), ("contrasts", 1), ("pool", 2), ("samples", 0)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"query size {name!r} is too small", expected=f">= {least}", found=getattr(self, name)
                )
        if self.prompts is not None and self.prompts < 1:
            raise UsageError("queries need a prompt", expected=">= 1", found=self.prompts)


class Domain(Protocol):
    """The texts that exist: how they are written, and how their attributes are read from strings."""

    @property
    def name(self) -> str:
        """Name of the domain."""

    @property
    def prompts(self) -> tuple[str, ...]:
        """What a writer can be asked for, P strings: all of it, or an example of each prompt id."""

    @property
    def topic_ids(self) -> np.ndarray:
        """Topic of each prompt, shape (P,): a text fits a prompt whose topic it is about."""

    @property
    def prompt_writer(self) -> PromptWriter:
        """Writes the prompts of rows and reads prompt ids back."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes, K strings."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word of the prompts and texts, sorted."""

    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Uniforms that decide the wording of n texts, shape (n, choices)."""

    def draw_usage(self, share: float, rng: np.random.Generator) -> Usage:
        """The paraphrases that one writer uses: a share of those of each attribute."""

    def write(
        self,
        attributes: np.ndarray,
        prompt_ids: np.ndarray,
        uniforms: np.ndarray,
        usage: Usage | None = None,
    ) -> pa.StringArray:
        """One text a row, shape (n,), from attributes (n, K), prompt ids (n,) and wording uniforms.

        Only paraphrases in ``usage`` are written, or all of them where it is None.
        """

    def wording_log_probability(
        self, attributes: np.ndarray, prompt_ids: np.ndarray, usage: Usage | None = None
    ) -> np.ndarray:
        """``log P(text | attributes, prompt)`` of a text that such a writer wrote, shape (n,)."""

    def choose_phrases(
        self,
        attributes: np.ndarray,
        prompt_ids: np.ndarray,
        uniforms: np.ndarray,
        usage: Usage | None = None,
    ) -> np.ndarray:
        """The phrase that each slot of the texts of ``write`` says, shape (n, slots)."""

    def read_phrases(self, texts: Strings) -> np.ndarray:
        """The phrases of any strings, shape (n, slots); -1 where the domain cannot write the string."""

    def detect(self, texts: Strings) -> Detected:
        """Attributes read back from any strings."""


class Truth(Protocol):
    """The causal truth of a world: exact where the world is simulated, measured where it is a table."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes, in the order of the effects."""

    @property
    def roles(self) -> tuple[str, ...] | None:
        """ "beneficial", "harmful", "decoy" or "inert" for each attribute; None where roles are unknown."""

    @property
    def groups(self) -> np.ndarray | None:
        """Rewards by latent group of people; None where there are no such groups."""

    @property
    def effects(self) -> np.ndarray:
        """Effect of each attribute, shape (K,)."""

    @property
    def effects_mcse(self) -> np.ndarray:
        """Standard errors of the effects, shape (K,); 0 where they are exact."""

    @property
    def naive_effects(self) -> np.ndarray:
        """What the log at face value says of each attribute, shape (K,)."""

    @property
    def value_reference(self) -> float:
        """Mean reward of texts from the interventional law."""

    @property
    def value_optimal(self) -> float:
        """Mean over prompts of the best text's reward; NaN where it is unknown."""

    def detect(self, texts: Strings) -> Detected:
        """Attributes read from strings."""

    def reward(self, prompts: Strings, texts: Strings, context: Context | None = None) -> np.ndarray:
        """True rewards of texts, shape (n,)."""

    def naive_reward(self, prompts: Strings, texts: Strings, context: Context | None = None) -> np.ndarray:
        """What the log at face value says of texts, shape (n,)."""

    def group_rewards(self, prompts: Strings, texts: Strings) -> np.ndarray:
        """Rewards of texts within each latent group, shape (G, n)."""

    def tables(self) -> dict[str, pa.Table]:
        """Tables that describe the truth further, by name; often none."""


class Proposer(Protocol):
    """Draws pairs of texts for an audit; it reads the truth, so no method may hold one."""

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt of the domain, P strings."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes, K strings."""

    @property
    def row_prompts(self) -> np.ndarray:
        """Prompt id of each row, shape (r,); a row is a prompt and a context that are asked about."""

    def propose(
        self, tilt: np.ndarray, search: Search, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs from the law tilted by ``tilt`` (P + 2K,): rows (n,), attributes of both sides (n, K)."""

    def describe(self, row: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Features of pairs, which the tilt weighs, shape (n, P + 2K)."""

    def judge(
        self,
        reward: Reward,
        row: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        rng: np.random.Generator,
    ) -> JudgedPairs:
        """Write both texts of each pair and ask the reward and the truth about them."""


class World(Protocol):
    """A world: a log, its randomised twin, questions about texts, and the truth behind all of them."""

    @property
    def domain(self) -> Domain:
        """The texts that exist."""

    @property
    def truth(self) -> Truth:
        """The causal truth."""

    @property
    def n_rows(self) -> int | None:
        """How many rows the log has; None where as many can be drawn as are wanted."""

    def draw(self, n: int | None, data: str = "log", start: int = 0, complete: bool = False) -> Draw:
        """Rows ``start : start + n`` of the log or, for ``data="twin"``, of its randomised twin."""

    def queries(self, sizes: QuerySizes | None = None) -> Queries:
        """Questions about texts."""

    def card(self) -> dict[str, Any]:
        """How hard the world is and why, as plain data; it holds the truth."""

    def graph(self) -> CausalGraph:
        """What its generator does, as a causal graph; see ``simulators.identification``."""

    def oracle(self) -> Oracle:
        """Measures texts on fresh people; raises ``Incompatible`` where nobody can be asked."""

    def proposer(self) -> Proposer:
        """Draws pairs of texts for an audit; raises ``Incompatible`` where no pairs can be drawn."""
