"""A real randomised experiment as a world: part of it, thinned, is the log; the rest is the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import Incompatible, UsageError, unknown_name
from benchmark.contract.log import Log
from benchmark.contract.queries import Queries
from benchmark.contract.seeding import Streams
from simulators.experiments.answers import MeasuredTruth, ask_about, fit_within
from simulators.experiments.precision import Arms, Dispersion, measure_dispersion, merge_arms
from simulators.experiments.thinning import (
    Thinned,
    Thinning,
    hold_out,
    keep_one_a_group,
    reject_rows,
    score_rows,
)
from simulators.experiments.trial import Columns, Trial, number_of, read_trial
from simulators.identification import CausalGraph, Node, describe_strategies, find_strategies
from simulators.protocols import Draw, Oracle, Proposer, QuerySizes
from simulators.text.corpus import CorpusDomain, make_corpus
from simulators.text.detectors import Reader

ONE_A_GROUP = "Each story or test ran one of its texts, and what was run where decided both text and outcome."
REJECTED = "People who score differently anyway were shown some texts more often, and why is recorded."


@dataclass(frozen=True, eq=False)
class CorpusWorld:
    """A world made of an experiment; what it can draw is what was measured.

    Attributes:
        domain: All of its texts.
        logged: Randomised rows from which the log is thinned.
        held: Randomised rows kept back.
        thinned: Which of ``logged`` the log keeps.
        dispersion: How noisy arms are.
        feedback: Kind of the log's outcome.
        streams: Its random streams.
    """

    domain: CorpusDomain
    logged: Trial
    held: Trial
    thinned: Thinned
    dispersion: Dispersion
    feedback: str
    streams: Streams

    @property
    def n_rows(self) -> int:
        """Rows of the log."""
        return len(self.thinned.rows)

    @cached_property
    def truth(self) -> MeasuredTruth:
        """What the rows kept back say."""
        log, rows = self.logged, self.thinned.rows
        values = self.domain.detectors.detect(log.texts[rows]).astype(np.float64)
        naive, _ = fit_within(values, log.outcomes[rows], number_of([log.prompts[rows]]), np.ones(len(rows)))
        return MeasuredTruth(self.domain, _keep_best_measured(merge_arms(self.held, self.dispersion)), naive)

    def draw(self, n: int | None = None, data: str = "log", start: int = 0, complete: bool = False) -> Draw:
        """Rows ``start : start + n`` of the log, or of the randomised rows it was thinned from.

        Outcomes of the twin are taken within tests where the log has one row a group: tests
        differ in what no text decides.

        Args:
            n: How many rows; by default all.
            data: ``"log"``, or ``"twin"``.
            start: First row.
            complete: Changes nothing: what was recorded is all there is.

        Raises:
            UsageError: If there are fewer rows.
        """
        if data not in ("log", "twin"):
            raise UsageError("a world has no such data", expected="log or twin", found=repr(data))
        rows = self.thinned.rows if data == "log" else self._twin_rows
        stop = len(rows) if n is None else start + n
        if not 0 <= start < stop <= len(rows):
            raise UsageError(
                f"the {data} of corpus {self.domain.name!r} has {len(rows)} rows",
                expected=f"n from 1 to {len(rows)}",
                found=f"rows {start} to {stop}",
                fix=f"set n to at most {len(rows)}",
            )
        chosen = self.logged.take(rows[start:stop])
        outcomes = chosen.outcomes
        if data == "twin" and self.thinned.propensity is None:
            centre = np.bincount(self.logged.tests, self.logged.totals)
            centre = centre / np.bincount(self.logged.tests, self.logged.weights).clip(1e-300)
            outcomes = outcomes - centre[chosen.tests] + self.logged.outcomes.mean()
        columns: dict[str, Any] = {
            "prompt": pa.array(chosen.prompts, pa.string()),
            "text": pa.array(chosen.texts, pa.string()),
            "outcome": outcomes,
        }
        for i, name in enumerate(chosen.covariate_names):
            columns[f"covariate.{name}"] = chosen.covariates[:, i]
        if chosen.times is not None:
            columns["time"] = chosen.times
        if data == "log" and self.thinned.propensity is not None and self.thinned.target is not None:
            columns["propensity"] = self.thinned.propensity[start:stop]
            columns["target_propensity"] = self.thinned.target[start:stop]
        facts: dict[str, Any] = {"test": chosen.tests, "group": chosen.groups}
        values = self.domain.detectors.detect(chosen.texts)
        facts |= {f"attribute.{name}": values[:, k] for k, name in enumerate(self.domain.attributes)}
        return Draw(Log(pa.table(columns), self.feedback), pa.table(facts))

    @cached_property
    def _twin_rows(self) -> np.ndarray:
        return self.streams.rng("twin").permutation(len(self.logged))

    def queries(self, sizes: QuerySizes | None = None) -> Queries:
        """Resolved pairs and toggled pairs of the texts kept back."""
        return ask_about(self.truth, sizes or QuerySizes(), self.streams.rng("queries"))

    def graph(self) -> CausalGraph:
        """Who was shown what, and why: by the recorded score, or by what else distinguishes groups."""
        rejected = self.thinned.propensity is not None
        nodes = {"text": Node("text", ("text",)), "outcome": Node("outcome", ("outcome",))}
        nodes |= {name: Node("factor", (f"covariate.{name}",)) for name in self.logged.covariate_names}
        if not rejected:
            nodes["group"] = Node("factor")
        edges = [
            (name, end)
            for name, node in nodes.items()
            if node.kind == "factor"
            for end in ("text", "outcome")
        ]
        if rejected:
            nodes["propensity"] = Node("column", ("propensity",))
            edges.append(("text", "propensity"))
        return CausalGraph(nodes, (*edges, ("text", "outcome")))

    def oracle(self) -> Oracle:
        """A table has no oracle.

        Raises:
            Incompatible: Always, because the people of a table were asked once.
        """
        raise Incompatible(f"corpus {self.domain.name!r} is a table: nobody can be asked about a text anew")

    def proposer(self) -> Proposer:
        """A table has no proposer.

        Raises:
            Incompatible: Always, because an audit needs the truth about texts of its own choosing.
        """
        raise Incompatible(
            f"corpus {self.domain.name!r} is a table: only its own texts were measured, so no others can be "
            "proposed"
        )

    def card(self) -> dict[str, Any]:
        """What it is made of, as plain data."""
        truth, rejected = self.truth, self.thinned.propensity is not None
        names = truth.attributes

        def named(values: np.ndarray) -> dict[str, float]:
            return dict(zip(names, map(float, values), strict=True))

        return {
            "family": "corpus",
            "situation": REJECTED if rejected else ONE_A_GROUP,
            "domain": self.domain.name,
            "feedback": self.feedback,
            "rows": self.n_rows,
            "randomised_rows": len(self.logged),
            "acceptance": self.n_rows / len(self.logged),
            "bound": self.thinned.bound,
            "held_out_texts": len(truth.arms),
            "pairs": len(truth.pairs),
            "resolved_pairs": int(truth.resolved.sum()),
            "expected_accuracy": truth.expected_accuracy,
            "dispersion": self.dispersion.scale,
            "dispersion_error": self.dispersion.error,
            "replicate_degrees": self.dispersion.degrees,
            "effects": named(truth.effects),
            "effects_error": named(truth.effects_mcse),
            "naive_limit": named(truth.naive_effects),
            "identified_by": describe_strategies(find_strategies(self.graph())),
        }


def make_corpus_world(
    table: pa.Table,
    columns: Columns,
    streams: Streams,
    thinning: Thinning | None = None,
    *,
    name: str = "corpus",
    task: str = "Write a text.",
    held_out: float = 0.5,
    feedback: str = "scalar",
    patterns: Mapping[str, str] | None = None,
    reader: Reader | None = None,
) -> CorpusWorld:
    """A world over any table with a text, an outcome and a randomised arm.

    Args:
        table: One row an arm or a measurement.
        columns: What its columns are.
        streams: Decides the split, the thinning and the queries.
        thinning: Which rows the log keeps; by default one a group.
        name: Name of the domain.
        task: The prompt of every text where no column holds one.
        held_out: Share of the rows kept back for the truth.
        feedback: Kind of the log's outcome.
        patterns: Attribute name to regular expression; the built-in ones by default.
        reader: Reads the attributes instead, such as ``simulators.text.embedding.fit_directions``.

    Raises:
        UsageError: If the table does not have what is named, or does not suffice.
    """
    if not 0 < held_out < 1:
        raise UsageError("part of the rows is kept back", expected="held_out in (0, 1)", found=held_out)
    thinning = thinning or Thinning()
    trial = read_trial(table, columns, task)
    pool = pa.table({"text": pa.array(trial.texts, pa.string()), "prompt": pa.array(trial.prompts)})
    domain = make_corpus(pool, text="text", test="prompt", name=name, patterns=patterns)
    if reader is not None:
        domain = replace(domain, detectors=reader)
    held = hold_out(trial, held_out, streams.rng("split").random(len(trial) + len(pool)))
    logged, kept_back = trial.take(np.flatnonzero(~held)), trial.take(np.flatnonzero(held))
    rng = streams.rng("thinning")
    if thinning.attribute is None:
        thinned = keep_one_a_group(logged, rng)
    else:
        if thinning.attribute not in domain.attributes:
            raise unknown_name("attribute", thinning.attribute, domain.attributes)
        k = domain.attributes.index(thinning.attribute)
        score = score_rows(logged, kept_back, thinning.score)
        treated = domain.detectors.detect(logged.texts)[:, k].astype(np.float64)
        thinned = reject_rows(logged, treated, score, thinning.strength, rng)
    return CorpusWorld(domain, logged, kept_back, thinned, measure_dispersion(trial), feedback, streams)


def _keep_best_measured(arms: Arms) -> Arms:
    """Arms without a second test of the same prompt and text: the best measured one stays."""
    order = np.argsort(-arms.weights, kind="stable")
    _, first = np.unique(number_of([arms.prompts, arms.texts])[order], return_index=True)
    rows = np.sort(order[first])
    names = ("texts", "prompts", "tests", "groups", "means", "weights", "errors")
    return Arms(*(getattr(arms, name)[rows] for name in names))
