"""Truth: what texts are worth and what their attributes do, as tables over attribute vectors.

Methods never see this. It scores any string: attributes are read from the text, and a text
off the grammar, or about another topic than its prompt's, is worth the worst on-grammar
text of its prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import UsageError
from simulators.law.codes import encode, mean_contrasts, product_law, toggled_contrasts
from simulators.law.worded import Worded
from simulators.protocols import Context, Detected, Domain, Strings


@dataclass(frozen=True, eq=False)
class ExactTruth:
    """The causal truth of a world.

    Attributes:
        domain: Reads attributes from strings.
        roles: "beneficial", "harmful", "decoy" or "inert" for each attribute, shape (K,).
        marginals: P_int(a_k = 1 | p), shape (P, K).
        rewards: r*(v, p, a), shape (V, P, 2**K), on the outcome's scale.
        naive_rewards: E[Y | v, p, a] under the log, same shape.
        context: Name of the context column, or None.
        context_weights: Share of each context in the target population, shape (V,).
        groups: Rewards by latent group, shape (G, V, P, 2**K), or None where all people agree.
        group_weights: Shares of the groups, shape (G,).
        mcse: Monte-Carlo standard error of the effects, shape (K,); 0 where exact.
        worded_rewards: Rewards by wording, of which ``rewards`` is the average; None where it does nothing.
        worded_naive: The same of the naive limit.
        worded_groups: The same of the rewards within each latent group.
        text_law: P_int(code | p), shape (P, 2**K), where attributes are not independent; effects are
            then contrasts of texts that can be written (``simulators.law.codes.toggled_contrasts``). None
            where P_int is the product of the marginals.
    """

    domain: Domain
    roles: tuple[str, ...]
    marginals: np.ndarray
    rewards: np.ndarray
    naive_rewards: np.ndarray
    context: str | None = None
    context_weights: np.ndarray = field(default_factory=lambda: np.ones(1))
    groups: np.ndarray | None = None
    group_weights: np.ndarray | None = None
    mcse: np.ndarray | None = None
    text_law: np.ndarray | None = None
    worded_rewards: Worded | None = None
    worded_naive: Worded | None = None
    worded_groups: tuple[Worded, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names, in the order of the effects."""
        return self.domain.attributes

    # -- effects --------------------------------------------------------------
    @property
    def conditional_effects(self) -> np.ndarray:
        """Effects within each context, shape (V, K)."""
        return self._contrast(self.rewards)

    @property
    def effects(self) -> np.ndarray:
        """tau: effect of each attribute, averaged over P_int, prompts and contexts, shape (K,)."""
        return self.context_weights @ self.conditional_effects

    @property
    def effects_mcse(self) -> np.ndarray:
        """Monte-Carlo standard errors of the effects, shape (K,)."""
        return np.zeros(len(self.roles)) if self.mcse is None else self.mcse

    @property
    def naive_effects(self) -> np.ndarray:
        """L: each attribute's contrast in E[Y | p, x], what a perfect reward model learns, shape (K,)."""
        return self.context_weights @ self._contrast(self.naive_rewards)

    def _contrast(self, table: np.ndarray) -> np.ndarray:
        if self.text_law is not None:
            return toggled_contrasts(table, self.text_law)
        return mean_contrasts(table, self.marginals).mean(axis=1)

    # -- values ---------------------------------------------------------------
    @property
    def value_reference(self) -> float:
        """V_ref: mean reward of the interventional text law."""
        law = product_law(self.marginals) if self.text_law is None else self.text_law
        return float(self.context_weights @ (self.rewards * law).sum(axis=-1).mean(axis=1))

    @property
    def value_optimal(self) -> float:
        """V_opt: mean over prompts and contexts of the best text's reward."""
        best = self.rewards if self.worded_rewards is None else self.worded_rewards.ends[1]
        return float(self.context_weights @ best.max(axis=-1).mean(axis=1))

    # -- texts ----------------------------------------------------------------
    def detect(self, texts: Strings) -> Detected:
        """Attributes (n, K), whether on the grammar (n,), and topics (n,), read from the strings."""
        return self.domain.detect(texts)

    def reward(
        self,
        prompts: Strings,
        texts: Strings,
        context: Context | None = None,
    ) -> np.ndarray:
        """r* of texts, shape (n,); averaged over contexts where none is given.

        Raises:
            UsageError: If a prompt or a context value is unknown.
        """
        return self._look_up(self.rewards, self.worded_rewards, prompts, texts, context)

    def naive_reward(
        self,
        prompts: Strings,
        texts: Strings,
        context: Context | None = None,
    ) -> np.ndarray:
        """E[Y | p, x] of texts under the log, shape (n,): the limit of a perfect reward model."""
        return self._look_up(self.naive_rewards, self.worded_naive, prompts, texts, context)

    def group_rewards(self, prompts: Strings, texts: Strings) -> np.ndarray:
        """Rewards within each latent group, shape (G, n); one group where all people agree."""
        if self.groups is None:
            return self.reward(prompts, texts)[None]
        worded = self.worded_groups or (None,) * len(self.groups)
        return np.stack(
            [self._look_up(*group, prompts, texts, None) for group in zip(self.groups, worded, strict=True)]
        )

    def rewards_of(
        self, contexts: np.ndarray, prompt_ids: np.ndarray, codes: np.ndarray, phrases: np.ndarray | None
    ) -> np.ndarray:
        """r* of texts of the domain, shape (n,).

        Args:
            contexts: Shape (n,).
            prompt_ids: Shape (n,).
            codes: Attribute vectors, shape (n,).
            phrases: Phrase of each slot, shape (n, slots); None where wording does nothing.
        """
        if self.worded_rewards is None or phrases is None:
            return np.asarray(self.rewards[contexts, prompt_ids, codes])
        return self.worded_rewards.at(contexts, prompt_ids, codes, phrases)

    def tables(self) -> dict[str, pa.Table]:
        """No tables: row by row, a draw holds what is true."""
        return {}

    def _look_up(
        self,
        table: np.ndarray,
        worded: Worded | None,
        prompts: Strings,
        texts: Strings,
        context: Context | None,
    ) -> np.ndarray:
        prompt_ids = self._prompt_ids(prompts)
        read = self.detect(texts)
        codes = encode(read.attributes)
        written = read.on_grammar & (read.topics == self.domain.topic_ids[prompt_ids])
        lowest = table if worded is None else worded.ends[0]
        shares = np.ones(1)
        if self.context is None or context is None or self.context not in context:
            shares, contexts = self.context_weights, np.zeros(len(codes), dtype=np.int64)
            lowest, table = (np.tensordot(shares, values, axes=1)[None] for values in (lowest, table))
        else:
            contexts = self._contexts(context[self.context])
        if worded is None:
            values = table[contexts, prompt_ids, codes]
        else:
            phrases = self.domain.read_phrases(texts)
            each = [worded.at(contexts + v, prompt_ids, codes, phrases) for v in range(len(shares))]
            values = shares @ np.stack(each)
        return np.where(written, values, lowest.min(axis=-1)[contexts, prompt_ids])

    def _prompt_ids(self, prompts: Strings) -> np.ndarray:
        ids = self.domain.prompt_writer.read(prompts)
        if (ids < 0).any():
            raise UsageError(
                "the world has no such prompt",
                expected=f"a prompt of domain {self.domain.name!r}, such as {self.domain.prompts[0]!r}",
                found=repr(str(prompts[int(ids.argmin())])),
            )
        return ids

    def _contexts(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, dtype=np.float64)
        if not np.isin(values, np.arange(len(self.rewards))).all():
            raise UsageError(
                f"unknown value of context {self.context!r}",
                expected=f"whole numbers from 0 to {len(self.rewards) - 1}",
                found=np.unique(values)[:5],
            )
        return values.astype(np.int64)
