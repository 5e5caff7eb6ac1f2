"""A world: compose the parts, draw logs and randomised twins, and tell the truth.

``World = Domain x Population x Assignment x Outcome x Feedback x Recording``. Text law:
prompt given person, attributes given person, wording given attributes and prompt, uniform
over paraphrases. The twin shares people, prompts, wording draws and outcome noise with the
log and draws attributes from ``P_int(a | p) = prod_k P_log(a_k | p)``, or, where vectors are
listed, from the log's own law of vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import UsageError
from benchmark.contract.log import Log
from benchmark.contract.queries import Queries
from benchmark.contract.seeding import Streams
from simulators.card import FamilyCard
from simulators.identification import CausalGraph, build_graph, describe_strategies, find_strategies
from simulators.law.assignment import IndependentLaw, PromptLaw, RowsLaw, Rule, TextLaw
from simulators.law.codes import encode
from simulators.law.comparison import measure_borda_regret
from simulators.law.diagnostics import measure_confounding, regress_additively
from simulators.law.exact import reward_table
from simulators.law.feedback import Feedback
from simulators.law.outcome import Outcome
from simulators.law.population import People, Population, read_contexts
from simulators.law.recording import LogEdits, Recording, Rows
from simulators.law.roles import Roles
from simulators.law.selection import Selection
from simulators.law.tabulated import TabulatedLaw, TabulatedRule, worst_elsewhere
from simulators.law.worded import Worded
from simulators.law.wording import Wording
from simulators.oracle import make_oracle
from simulators.parameters import Value
from simulators.proposer import TiltedProposer
from simulators.protocols import Domain, Draw, Oracle, Proposer, QuerySizes
from simulators.queries import AskedTexts, QueryLaw, draw_queries
from simulators.tables import tabulate
from simulators.text.phrasebook import Usage
from simulators.texture import Texture
from simulators.truth import ExactTruth

DATA = ("log", "twin")
ORDINALS = {1: ("text",), 2: ("chosen", "rejected"), 3: ("first", "second", "third")}


@dataclass(frozen=True, eq=False)
class SimulatedWorld:
    """A simulated world; every field is data.

    Attributes:
        family: The card of its family.
        parameters: The values of the family's parameters.
        streams: Its random streams.
        domain: What can be written.
        roles: What each attribute does.
        population: Who there is.
        prompt_law: Who asks for what.
        rule: Who is shown what.
        outcome: What follows.
        feedback: How it is measured.
        recording: What reaches the log.
        context: Factor whose value is the context v, or None.
        latent: Factor whose value is a latent group, for worst-group values, or None.
        selection: Whose outcomes are recorded, or None where all are.
        query_law: What is asked about, where it is not every text of every prompt.
        edits: What is done to the log besides.
        texture: Interactions and effects of paraphrases; None where attributes alone count, each by itself.
        usage: The paraphrases that the writers of the log and of its twin use; None for all of them.
    """

    family: FamilyCard
    parameters: Mapping[str, Value]
    streams: Streams
    domain: Domain
    roles: Roles
    population: Population
    prompt_law: PromptLaw
    rule: Rule
    outcome: Outcome
    feedback: Feedback
    recording: Recording
    context: str | None = None
    latent: str | None = None
    selection: Selection | None = None
    query_law: QueryLaw = field(default_factory=QueryLaw)
    edits: LogEdits = field(default_factory=LogEdits)
    texture: Texture | None = None
    usage: Usage | None = None

    # -- exact ----------------------------------------------------------------
    @cached_property
    def law(self) -> TextLaw | TabulatedLaw:
        """The logging rule integrated over people."""
        return self.rule.integrate(self.population, self.prompt_law)

    @cached_property
    def marginals(self) -> np.ndarray:
        """P_int(a_k = 1 | p), shape (P, K)."""
        return self.law.marginals[self.prompt_law.classes]

    @cached_property
    def text_law(self) -> np.ndarray:
        """P_int(code | p), shape (P, 2**K)."""
        return self.law.by_code[self.prompt_law.classes]

    @property
    def tabulated(self) -> bool:
        """Whether attribute vectors are listed, not independent."""
        return isinstance(self.rule, TabulatedRule)

    def rows_law(self, people: People, prompt_ids: np.ndarray, data: str) -> RowsLaw:
        """The law by which rows of the log, or of its twin, are shown their attributes."""
        classes = self.prompt_law.classes[prompt_ids]
        if data == "log":
            return self.rule.rows_law(people, classes)
        if isinstance(self.law, TabulatedLaw):
            return self.law.randomised(classes)
        return IndependentLaw(self.marginals[prompt_ids])

    def contexts_of(self, people: People) -> np.ndarray:
        """Context index of people, shape (n,), int64."""
        return read_contexts(people, self.context)

    @cached_property
    def _textured(self) -> tuple[Outcome, Wording | None]:
        if self.texture is None:
            return self.outcome, None
        contexts = np.bincount(self.contexts_of(self.law.people), weights=self.law.weights.sum(axis=1))
        return self.texture.apply(self.outcome, self.marginals, contexts)

    @property
    def mechanism(self) -> Outcome:
        """What follows a text whose wording has no effect: the outcome with its interactions."""
        return self._textured[0]

    @property
    def wording(self) -> Wording | None:
        """Effects of phrases; None where they have none."""
        return self._textured[1]

    @property
    def biasable(self) -> np.ndarray:
        """Attributes whose naive limit may differ from their effect, shape (K,), bool."""
        return self.rule.responds | (False if self.selection is None else self.selection.selects)

    @cached_property
    def truth(self) -> ExactTruth:
        """The causal truth, exact."""
        contexts = self.contexts_of(self.law.people)
        total = self.law.weights.sum(axis=1)
        values = tabulate(
            self.law,
            self.prompt_law,
            self.mechanism,
            self.feedback,
            contexts,
            selection=self.selection,
            recorded_mean=self.edits.recorded_mean,
            wording=self.wording,
        )
        rewards, naive, worded = values.rewards, values.naive, values.worded_rewards
        if self.tabulated:
            rewards, naive = worst_elsewhere(rewards, self.text_law), worst_elsewhere(naive, self.text_law)
        groups, shares, worded_groups = None, None, tuple[Worded, ...]()
        if self.latent is not None:
            labels = self.law.people[self.latent].astype(int)
            shares = np.bincount(labels, weights=total)
            groups = np.stack([self._rewards_of(labels == g) for g in range(len(shares))])
            worded_groups = () if worded is None else tuple(replace(worded, index=g) for g in groups)
        return ExactTruth(
            domain=self.domain,
            roles=self.roles.names,
            marginals=self.marginals,
            rewards=rewards,
            naive_rewards=naive,
            context=self.context,
            context_weights=np.bincount(contexts, weights=total),
            groups=groups,
            group_weights=shares,
            text_law=self.text_law if self.tabulated else None,
            worded_rewards=worded,
            worded_naive=values.worded_naive,
            worded_groups=worded_groups,
        )

    def _rewards_of(self, chosen: np.ndarray) -> np.ndarray:
        weights = self.law.weights * chosen[:, None]
        law = replace(self.law, weights=weights)
        return reward_table(law, self.prompt_law, self.mechanism, self.feedback, self.contexts_of(law.people))

    @property
    def n_rows(self) -> None:
        """None: as many rows can be drawn as are wanted."""
        return None

    @cached_property
    def asked_texts(self) -> AskedTexts:
        """The texts that questions are about."""
        shape, law = self.outcome.base.shape[:2], self.query_law
        data = "log" if law.as_logged else "twin"
        return AskedTexts(
            self.domain,
            self.context,
            np.ones(shape, dtype=bool) if law.asked is None else law.asked,
            lambda prompt_ids: self.rows_law({}, prompt_ids, data),
            self.text_law if self.tabulated else None,
            law.pair_weights,
        )

    def queries(self, sizes: QuerySizes | None = None) -> Queries:
        """Queries from the interventional text law, independent of the truth, strength and n."""
        return draw_queries(self.asked_texts, self.streams, sizes or QuerySizes())

    def oracle(self) -> Oracle:
        """An oracle that asks fresh random people; see ``simulators.oracle``."""
        return make_oracle(
            self.domain,
            self.population,
            self.mechanism,
            self.feedback,
            self.context,
            self.streams,
            self.wording,
            self.prompt_law,
        )

    def proposer(self) -> Proposer:
        """The proposer of an audit of this world; see ``simulators.proposer``."""
        return TiltedProposer(self.asked_texts, self.truth)

    def graph(self) -> CausalGraph:
        """What the generator does, found by probing it."""
        return build_graph(self)

    def card(self) -> dict[str, Any]:
        """How hard the world is and why, as plain data. It holds the truth, so methods never see it."""
        truth, law, card = self.truth, self.law, self.family
        naive, effects = truth.naive_effects, truth.effects
        additive = None if self.feedback.slots > 1 else regress_additively(*self._shown_texts())

        def named(values: Any) -> dict[str, Any]:
            return dict(zip(truth.attributes, values, strict=True))

        return {
            "family": card.name,
            "situation": card.situation,
            "parameters": dict(self.parameters),
            "domain": self.domain.name,
            "feedback": self.feedback.kind,
            "roles": named(truth.roles),
            "effects": named(map(float, effects)),
            "naive_limit": named(map(float, naive)),
            "additive_limit": None if additive is None else named(map(float, additive)),
            "strength": self._show_strength(naive),
            "additive_strength": None if additive is None else self._show_strength(additive),
            "responds": [name for name, responds in named(law.responds).items() if responds],
            "effective_share": law.effective_share,
            "minimum_propensity": law.minimum_propensity,
            "confounding_share": measure_confounding(
                law, self.mechanism, self.feedback, self.text_law, truth.context_weights
            ),
            "delta": self.outcome.delta,
            "sign_flips": int(np.sum(np.sign(np.round(naive, 9)) * np.sign(np.round(effects, 9)) < 0)),
            "borda_regret": None
            if self.feedback.slots == 1
            else measure_borda_regret(law, self.prompt_law, self.mechanism, self.contexts_of(law.people)),
            "recorded": [column.role for column in self.recording.columns],
            "identified_by": describe_strategies(find_strategies(self.graph())),
            "should_recover": card.recover,
            "should_fail": card.fail,
        }

    def _shown_texts(self) -> tuple[np.ndarray, np.ndarray]:
        """E[Y | p, a] and P(code | p) among recorded rows of the log, each of shape (P, 2**K)."""
        law, everything = self.law, np.arange(len(self.roles.names))
        recorded = 1.0 if self.selection is None else self.selection.by_vector(law.people, everything)
        shown = np.stack(
            [
                (law.weights[:, [c]] * law.given(everything, c) * recorded).sum(axis=0)
                for c in range(law.weights.shape[1])
            ]
        )
        shown = shown / shown.sum(axis=1, keepdims=True)
        naive = np.tensordot(self.truth.context_weights, self.truth.naive_rewards, axes=1)
        return naive, shown[self.prompt_law.classes]

    def _show_strength(self, limits: np.ndarray) -> float | None:
        """The worst decoy's limit in units of the largest effect; None where there is no such decoy."""
        decoys, unit = self.biasable & (self.roles.effects == 0), self.truth.effects.max()
        return float(limits[decoys].max() / unit) if decoys.any() and unit > 1e-9 else None

    # -- rows -----------------------------------------------------------------
    def draw(self, n: int | None, data: str = "log", start: int = 0, complete: bool = False) -> Draw:
        """Rows ``start : start + n``; a longer log begins with the shorter one.

        Args:
            n: How many rows, at least 1.
            data: ``"log"``, or ``"twin"`` for the randomised twin of the same rows, whose outcomes are
                all recorded, as they were measured.
            start: First row.
            complete: Record every driver of the outcome, correctly measured (for the ceiling alone).

        Raises:
            UsageError: If an argument is out of range.
        """
        if data not in DATA:
            raise UsageError("a world has no such data", expected=" or ".join(DATA), found=repr(data))
        for name, value, least in (("n", n, 1), ("start", start, 0)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise UsageError(
                    f"cannot draw with {name} = {value!r}",
                    expected=f"a whole number >= {least}",
                    found=repr(value),
                )
        rows = self.draw_rows(start, start + int(n), data)  # type: ignore[arg-type]
        return Draw(self._record(rows, data, complete), self._tabulate_truth(rows))

    def draw_rows(self, start: int, stop: int, data: str = "log") -> Rows:
        """Everything that is true of rows ``start:stop``."""
        streams, n_attributes = self.streams, len(self.domain.attributes)
        people = self.population.draw(streams, start, stop)
        by_class, within = (
            streams.draw_rows(f"prompts{part}", start, stop, _uniforms) for part in (".class", "")
        )
        prompt_ids = self.prompt_law.choose(people, by_class, within)
        contexts = self.contexts_of(people)
        target = self.rows_law(people, prompt_ids, "twin")
        law = target if data == "twin" else self.rows_law(people, prompt_ids, data)
        suffixes = [f".{slot}" if slot else "" for slot in range(self.feedback.slots)]
        attributes, uniforms, choices, index, outcomes = [], [], [], [], []
        for suffix in suffixes:
            part = f"attributes{'-twin' if data == 'twin' else ''}{suffix}"
            drawn = streams.draw_rows(part, start, stop, lambda rng, m: rng.random((m, n_attributes)))
            shown = law.draw(drawn)
            if self.edits.wording is None:
                choices.append(streams.draw_rows(f"wording{suffix}", start, stop, self._draw_wording))
            else:
                choices.append(self.edits.wording[prompt_ids, encode(shown)])
            index.append(self.mechanism.index(people, contexts, prompt_ids, encode(shown)))
            if self.wording is not None:
                phrases = self.domain.choose_phrases(shown, prompt_ids, choices[-1], self.usage)
                index[-1] = index[-1] + self.wording.shift(phrases)
            noise = streams.draw_rows(f"noise{suffix}", start, stop, _uniforms)
            outcomes.append(self.feedback.draw(index[-1], noise))
            attributes.append(shown)
            uniforms.append(drawn)
        measured = np.stack(outcomes)
        if self.feedback.misreports:
            measured = self.feedback.misreport(measured, streams.draw_rows("reports", start, stop, _uniforms))
        written = np.stack(attributes)
        if self.edits.rewrite is not None and data == "log":
            written = self.edits.rewrite(written, measured, np.stack(uniforms))
        texts, said, propensity, targets = [], [], [], []
        for shown, chosen in zip(written, choices, strict=True):
            if self.edits.wording is None:
                used = self.domain.wording_log_probability(shown, prompt_ids, self.usage)
                every = self.domain.wording_log_probability(shown, prompt_ids)
            else:
                used = every = np.zeros(len(shown))
            texts.append(self.domain.write(shown, prompt_ids, chosen, self.usage))
            if self.wording is not None:
                said.append(self.domain.choose_phrases(shown, prompt_ids, chosen, self.usage))
            propensity.append(law.log_probability(shown) + used)
            targets.append(target.log_probability(shown) + every)
        return Rows(
            people,
            contexts,
            prompt_ids,
            written,
            tuple(texts),
            np.stack(index),
            measured,
            np.stack(propensity),
            np.stack(targets),
            start,
            np.stack(said) if said else None,
        )

    def _draw_wording(self, rng: np.random.Generator, n: int) -> np.ndarray:
        return self.domain.draw_choices(n, rng)

    def _record(self, rows: Rows, data: str, complete: bool) -> Log:
        writer, stop = self.domain.prompt_writer, rows.start + len(rows)
        choices = self.streams.draw_rows(
            "briefs", rows.start, stop, lambda rng, n: writer.draw_choices(n, rng)
        )
        prompts = writer.write(rows.prompt_ids, choices)
        columns: dict[str, Any] = {"prompt": prompts}
        slots = self.feedback.slots
        if slots == 1:
            written = None if complete or data == "twin" else self.recording.outcome
            columns["text"] = rows.texts[0]
            columns["outcome"] = rows.outcomes[0] if written is None else written(rows)
        else:
            for name, texts in zip(ORDINALS[slots], _by_rank(rows), strict=True):
                columns[name] = texts
        if complete:
            columns |= self.recording.record_complete(rows, self.outcome.features, self.outcome.prognostic)
        else:
            columns |= self.recording.record(rows, every_outcome=data == "twin")
        return Log(pa.table(columns), self.feedback.kind)

    def _tabulate_truth(self, rows: Rows) -> pa.Table:
        """The truth of rows, best text first."""
        order = np.argsort(-rows.outcomes, axis=0, kind="stable")
        at = np.arange(len(rows))
        columns: dict[str, Any] = {}
        for rank in range(self.feedback.slots):
            suffix = f".{rank}" if rank else ""
            slot = order[rank]
            shown = rows.attributes[slot, at]
            phrases = None if rows.phrases is None else rows.phrases[slot, at]
            columns[f"reward{suffix}"] = self.truth.rewards_of(
                rows.contexts, rows.prompt_ids, encode(shown), phrases
            )
            columns[f"log_propensity{suffix}"] = rows.log_propensity[slot, at]
            for k, name in enumerate(self.domain.attributes):
                columns[f"attribute.{name}{suffix}"] = shown[:, k]
        columns |= {f"hidden.{name}": values for name, values in rows.people.items()}
        return pa.table(columns)


def _uniforms(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.random(n)


def _by_rank(rows: Rows) -> list[pa.Array]:
    """Texts ordered by what was measured, best first."""
    order = np.argsort(-rows.outcomes, axis=0, kind="stable")
    stacked = pa.chunked_array(list(rows.texts)).combine_chunks()
    n = len(rows)
    return [stacked.take(pa.array(slot * n + np.arange(n))) for slot in order]
