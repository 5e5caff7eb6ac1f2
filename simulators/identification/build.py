"""Writes the causal graph of a world by probing its functions: what changes when one factor is drawn anew.

Nothing is read from a family's card. A factor moves the text when other people are shown other texts, it
moves the outcome when the structural equation changes with it, and a column holds what its function reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from simulators.identification.graph import OUTCOME, PROMPT, SELECTED, TEXT, CausalGraph, Node
from simulators.law.assignment import PromptLaw, RowsLaw
from simulators.law.codes import encode
from simulators.law.outcome import Outcome
from simulators.law.population import Features, People, Population
from simulators.law.recording import LogEdits, Recording, Rows


class Generator(Protocol):
    """The parts of a simulated world that are probed; see ``simulators.world.SimulatedWorld``."""

    @property
    def population(self) -> Population:
        """Who there is."""

    @property
    def prompt_law(self) -> PromptLaw:
        """Who asks for what."""

    @property
    def rule(self) -> Any:
        """Who is shown what."""

    @property
    def outcome(self) -> Outcome:
        """What follows."""

    @property
    def recording(self) -> Recording:
        """What reaches the log."""

    @property
    def edits(self) -> LogEdits:
        """What is done to the log besides."""

    @property
    def context(self) -> str | None:
        """Factor that is the context, or None."""

    @property
    def law(self) -> Any:
        """The logging rule integrated over people."""

    def rows_law(self, people: People, prompt_ids: np.ndarray, data: str) -> RowsLaw:
        """The law by which rows are shown their attributes."""

    def draw_rows(self, start: int, stop: int, data: str = "log") -> Rows:
        """Everything that is true of rows ``start:stop``."""


ROWS = 512
LEAST_SHARE = 1e-9


def build_graph(world: Generator) -> CausalGraph:
    """The causal graph of a world, as its generator has it.

    Args:
        world: A world; its first rows are drawn and probed.
    """
    rows = world.draw_rows(0, ROWS)
    graph = _Probe(world, rows, tuple(factor.name for factor in world.population.factors)).graph()
    flags = [column for column in world.recording.columns if column.role == "randomised"]
    if not flags:
        return graph
    rows = world.draw_rows(0, 16 * ROWS)
    flag = flags[0].value
    marked = _Probe(world, rows, tuple(factor.name for factor in world.population.factors))
    free = tuple(name for name in marked.factors if not _differ(flag(rows), flag(marked.perturb(name))))
    return replace(graph, slice=_Probe(world, _take(rows, np.asarray(flag(rows)) == 1), free).graph())


@dataclass(frozen=True)
class _Probe:
    """Rows of a world, and what changes in them when a factor does.

    Attributes:
        world: The world.
        rows: Rows of its log.
        factors: Names of the factors that are drawn anew.
    """

    world: Generator
    rows: Rows
    factors: tuple[str, ...]

    def graph(self) -> CausalGraph:
        """The graph of these rows."""
        nodes = {name: Node("factor") for name in self.factors}
        nodes |= {TEXT: Node("text", ("text",)), OUTCOME: Node("outcome", ("outcome",))}
        edges: list[tuple[str, str]] = []
        features: dict[str, np.ndarray] = {}
        self._add_prompt(nodes, edges)
        self._add_moves(OUTCOME, self._outcome_features(), nodes, edges, features)
        self._add_moves(TEXT, self._text_features(), nodes, edges, features)
        self._add_other_factors(edges, features)
        if self.world.context is not None and np.ptp(self.world.outcome.base, axis=0).any():
            edges.append((self.world.context, OUTCOME))
        if np.ptp(self.world.outcome.base, axis=-1).any():
            edges.append((TEXT, OUTCOME))
        faithful = self._add_selected(nodes, edges)
        self._add_columns(nodes, edges, features)
        return CausalGraph(
            nodes,
            tuple(dict.fromkeys(edges)),
            positive=self.world.law.effective_share > LEAST_SHARE,
            edited=self.world.edits.rewrite is not None,
            faithful=faithful,
        )

    # -- probing --------------------------------------------------------------
    def perturb(self, factor: str) -> Rows:
        """The same rows with one factor drawn anew, everything else, texts included, as it was."""
        return replace(self.rows, people=self._redraw(factor))

    def _redraw(self, factor: str) -> People:
        kind = next(f for f in self.world.population.factors if f.name == factor)
        even = (0.5 + np.arange(len(self.rows)) * (np.sqrt(5) - 1) / 2) % 1.0
        return {**self.rows.people, factor: kind.transform(even)}

    def _readers(self, read: Callable[[Rows], np.ndarray]) -> list[str]:
        """Factors that change what a function of rows reads."""
        before = read(self.rows)
        return [name for name in self.factors if _differ(before, read(self.perturb(name)))]

    # -- people to text and outcome -------------------------------------------
    def _outcome_features(self) -> list[tuple[Features, np.ndarray]]:
        outcome = self.world.outcome
        used = outcome.coefficients != 0
        if outcome.modification is not None:
            used = used | (outcome.modification != 0).any(axis=1)
        used = used & (outcome.delta != 0)
        return [(outcome.features, used), (outcome.prognostic, outcome.prognosis != 0)]

    def _text_features(self) -> list[tuple[Features, np.ndarray]]:
        rule = getattr(self.world.rule, "rule", self.world.rule)
        if not hasattr(rule, "features") or not np.asarray(rule.responds).any():
            return []
        return [(rule.features, (rule.weights != 0).any(axis=0))]

    def _add_moves(
        self,
        target: str,
        movers: Sequence[tuple[Features, np.ndarray]],
        nodes: dict[str, Node],
        edges: list[tuple[str, str]],
        features: dict[str, np.ndarray],
    ) -> None:
        """Edges into a target from factors, and from functions of several factors as nodes of their own."""
        moved = set(self._readers(self._shown if target == TEXT else self._index))
        for mover, used in movers:
            values = mover(self.rows.people)
            for column in np.flatnonzero(used).tolist():
                causes = [name for name in self.factors if _differ(values, mover(self._redraw(name)), column)]
                causes = [name for name in causes if name in moved]
                if len(causes) == 1:
                    edges.append((causes[0], target))
                elif causes:
                    name = _name_feature(mover.names[column], values[:, column], nodes, features)
                    nodes[name] = Node("feature")
                    edges += [(cause, name) for cause in causes] + [(name, target)]

    def _add_other_factors(self, edges: list[tuple[str, str]], features: dict[str, np.ndarray]) -> None:
        """Edges that no named feature explains, such as a flag that marks randomised rows."""
        for target, read in ((TEXT, self._shown), (OUTCOME, self._index)):
            through = {cause for cause, effect in edges if effect in features and (effect, target) in edges}
            for name in self._readers(read):
                if (name, target) not in edges and name not in through and name != self.world.context:
                    edges.append((name, target))

    def _shown(self, rows: Rows) -> np.ndarray:
        law = self.world.rows_law(rows.people, self.rows.prompt_ids, "log")
        return law.log_probability(self.rows.attributes[0])

    def _index(self, rows: Rows) -> np.ndarray:
        codes = encode(self.rows.attributes[0])
        return self.world.outcome.index(rows.people, self.rows.contexts, self.rows.prompt_ids, codes)

    def _add_prompt(self, nodes: dict[str, Node], edges: list[tuple[str, str]]) -> None:
        nodes[PROMPT] = Node("prompt", ("prompt",))
        world, rows = self.world, self.rows
        edges += [(n, PROMPT) for n in self._readers(lambda r: world.prompt_law.probabilities(r.people))]
        edges += [(name, PROMPT) for name in world.prompt_law.told]
        other = np.roll(rows.prompt_ids, 1)
        here, there = (world.rows_law(rows.people, ids, "log") for ids in (rows.prompt_ids, other))
        if _differ(here.log_probability(rows.attributes[0]), there.log_probability(rows.attributes[0])):
            edges.append((PROMPT, TEXT))
        if np.ptp(world.outcome.base, axis=1).any():
            edges.append((PROMPT, OUTCOME))

    # -- what is recorded -----------------------------------------------------
    def _add_selected(self, nodes: dict[str, Node], edges: list[tuple[str, str]]) -> bool:
        """Whether an outcome is recorded, and by what; returns whether what is recorded is the outcome."""
        written = self.world.recording.outcome
        if written is None:
            return True
        values = written(self.rows)
        seen = ~np.isnan(values)
        if not seen.all():
            nodes[SELECTED] = Node("selected")
            edges += [(cause, SELECTED) for cause in self._causes(lambda rows: np.isnan(written(rows)))]
        return bool(np.allclose(values[seen], self.rows.outcomes[0][seen]))

    def _causes(self, read: Callable[[Rows], np.ndarray]) -> list[str]:
        """Factors, text, outcome and prompt, as far as a function of rows reads them."""
        causes, before, rows = self._readers(read), read(self.rows), self.rows
        flipped = replace(rows, attributes=1 - rows.attributes, log_propensity=rows.log_propensity - 1)
        moved = replace(rows, outcomes=rows.outcomes + 1.5, index=rows.index + 1.5)
        changed = ((TEXT, flipped), (OUTCOME, moved))
        causes += [name for name, other in changed if _differ(before, read(other))]
        return causes

    def _add_columns(
        self, nodes: dict[str, Node], edges: list[tuple[str, str]], features: dict[str, np.ndarray]
    ) -> None:
        repeated = [f.name for f in self.world.population.factors if f.repeat > 1 and f.name in self.factors]
        causes = {column.role: self._causes(column.value) for column in self.world.recording.columns}
        held: list[str] = []
        for factor in self.factors:
            alone = [c for c in self.world.recording.columns if causes[c.role] == [factor]]
            columns = self._columns_that_hold(factor, {c.role: np.asarray(c.value(self.rows)) for c in alone})
            columns = columns or (("prompt",) if factor in self.world.prompt_law.told else ())
            nodes[factor] = Node("factor", columns)
            held += columns
        for column in self.world.recording.columns:
            if (
                column.role == "unit" and not causes["unit"]
            ):  # rows of one unit share what is drawn once a unit
                nodes |= {name: Node("factor", ("unit",)) for name in repeated if not nodes[name].columns}
            elif column.role == "observed" and SELECTED in nodes:
                nodes[SELECTED] = Node("selected", ("observed",))
            elif column.role not in held:
                name = f"{column.role} (recorded)" if column.role in nodes else column.role
                nodes[name] = Node("column", (column.role,))
                through = self._through_features(column.value, causes[column.role], edges, features)
                edges += [(cause, name) for cause in through]

    def _columns_that_hold(self, factor: str, columns: dict[str, np.ndarray]) -> tuple[str, ...]:
        """Columns from which a factor's value can be told: one of them, all of them, or none."""
        if not columns:
            return ()
        known = np.round(np.asarray(self.rows.people[factor], dtype=np.float64), 12)
        for chosen in (*((role,) for role in columns), tuple(columns)):
            seen = np.stack([np.round(np.asarray(columns[role], dtype=np.float64), 12) for role in chosen])
            values = len(np.unique(seen, axis=1).T)
            if len(np.unique(np.vstack([known, seen]), axis=1).T) == len(np.unique(known)) == values:
                return chosen
        return ()

    def _through_features(
        self,
        read: Callable[[Rows], np.ndarray],
        causes: list[str],
        edges: list[tuple[str, str]],
        features: dict[str, np.ndarray],
    ) -> list[str]:
        """Causes of a column, a feature in place of its factors where the column measures the feature."""
        for feature, values in features.items():
            parts = [cause for cause, effect in edges if effect == feature]
            if not set(parts) <= set(causes):
                continue
            rest = {
                name: np.zeros(len(self.rows))
                for name in causes
                if name in self.factors and name not in parts
            }
            measured = np.asarray(
                read(replace(self.rows, people={**self.rows.people, **rest})), dtype=np.float64
            )
            slope = np.polynomial.polynomial.polyfit(values, measured, 1)
            if np.allclose(measured, np.polynomial.polynomial.polyval(values, slope), atol=1e-9):
                return [feature, *(name for name in causes if name not in parts)]
        return causes


def _name_feature(
    name: str, values: np.ndarray, nodes: dict[str, Node], features: dict[str, np.ndarray]
) -> str:
    """The node of a function of several factors: the one that has these values, or a new one."""
    for known, old in features.items():
        if np.allclose(old, values):
            return known
    name = name if name not in nodes else f"{name} (combined)"
    features[name] = values
    return name


def _differ(first: np.ndarray, second: np.ndarray, column: int | None = None) -> bool:
    if column is not None:
        first, second = first[:, column], second[:, column]
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return not np.allclose(first, second, rtol=1e-9, atol=1e-12, equal_nan=True)


def _take(rows: Rows, chosen: np.ndarray) -> Rows:
    """Some rows; arrays are by row along their first axis, or along their second where texts come first."""
    at = np.flatnonzero(chosen)
    changed = {
        field.name: getattr(rows, field.name)[at]
        for field in fields(rows)
        if field.name in ("contexts", "prompt_ids")
    }
    by_text = ("attributes", "index", "outcomes", "log_propensity", "log_target")
    changed |= {name: getattr(rows, name)[:, at] for name in by_text}
    people = {name: np.asarray(values)[at] for name, values in rows.people.items()}
    return replace(
        rows, people=people, texts=tuple(text.take(pa.array(at)) for text in rows.texts), **changed
    )
