"""Checks on which logs a method takes, and what it may do to them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from benchmark.contract import Incompatible, Log
from methods.checks.subject import CheckFailed, CheckSkipped, Subject, distance
from methods.checks.toy import draw_toy


def fits_every_declared_kind(subject: Subject) -> None:
    """A fit on each declared kind gives something with a reward."""
    for kind in subject.kinds:
        try:
            fitted = subject.fitted(kind)
        except Incompatible as refusal:
            raise CheckFailed(f"the method declares {kind} logs, yet declines: {refusal.reason}") from refusal
        if not callable(getattr(fitted, "reward", None)):
            raise CheckFailed(f"the result for {kind} logs has no reward(prompts, texts, context)")


def declares_what_it_reads(subject: Subject) -> None:
    """A log with the declared roles and no others is fitted: what a method reads, its tags name."""
    if "covariate" in subject.method.tags.needs:
        raise CheckSkipped("the logs of the other checks hold no role that is not declared")
    try:
        rewards = subject.ask(subject.fit(subject.log(drop=["covariate"])))
    except Incompatible as refusal:
        raise CheckFailed(f"the method declines a log of the declared roles: {refusal.reason}") from refusal
    if not np.isfinite(rewards).all():
        raise CheckFailed("rewards are not finite on a log of the declared roles alone")


def leaves_log_unchanged(subject: Subject) -> None:
    """A fit changes no cell of the log, nor the arrays it hands out."""
    log = subject.log()
    before = log.table.to_pydict()
    subject.fit(log)
    if log.table.to_pydict() != before:
        raise CheckFailed("the log's table differs after the fit")
    fresh = Log(log.table, log.feedback)
    for name in ("prompts", "covariates", *(("texts", "outcomes") if log.kind == "outcome" else ())):
        if not np.array_equal(getattr(log, name), getattr(fresh, name)):
            raise CheckFailed(f"the fit writes into log.{name}")


def ignores_row_order(subject: Subject) -> str:
    """Shuffled rows give the same answer, up to the difference that another seed makes."""
    log = subject.log()
    order = np.random.Generator(np.random.PCG64(7)).permutation(len(log))
    original = subject.ask(subject.fitted())
    moved = distance(original, subject.ask(subject.fit(log.take(order))))
    noise = distance(original, subject.ask(subject.fitted(seed=1)))
    if moved > 3.0 * noise + 1e-6:
        raise CheckFailed(
            f"shuffling rows moves rewards by {moved:.2g} of their spread, a seed by {noise:.2g}"
        )
    return f"moved {moved:.2g}, seed noise {noise:.2g}"


def ignores_covariate_names(subject: Subject) -> None:
    """Renaming covariate columns, in the same order, changes nothing."""
    log = subject.log()
    names = {name: f"covariate.v{k}" for k, name in enumerate(log.names("covariate"))}
    table = log.table.rename_columns(
        [names.get(column.partition(".")[2], column) if column.startswith("covariate.") else column
         for column in log.table.column_names]
    )  # fmt: skip
    renamed = Log(table, log.feedback)
    moved = distance(subject.ask(subject.fitted()), subject.ask(subject.fit(renamed)))
    if moved > 1e-6:
        raise CheckFailed(f"renaming covariates moves rewards by {moved:.2g} of their spread")


def survives_one_row(subject: Subject) -> str:
    """The method fits or declines a log of one row."""
    return _fits_or_refuses(subject, subject.log().take(np.array([0])))


def survives_constant_outcome(subject: Subject) -> str:
    """The method fits or declines a log whose outcome never varies."""
    if "outcome" not in subject.method.tags.kinds:
        raise CheckSkipped("the method takes no outcome logs")
    log = subject.log("outcome")
    place = log.table.column_names.index("outcome")
    table = log.table.set_column(place, "outcome", pa.array(np.full(len(log), 2.5)))
    return _fits_or_refuses(subject, Log(table, log.feedback))


def survives_one_prompt(subject: Subject) -> str:
    """The method fits or declines a log of a single prompt."""
    log = subject.log(toy=draw_toy(300, seed=3))
    return _fits_or_refuses(subject, log.take(np.flatnonzero(log.prompts == log.prompts[0])))


def _fits_or_refuses(subject: Subject, log: Log) -> str:
    try:
        fitted = subject.fit(log)
    except Incompatible as refusal:
        if not refusal.reason.strip():
            raise CheckFailed("the method declines the log without a reason") from refusal
        return f"declined: {refusal.reason}"
    rewards = subject.ask(fitted)
    if not np.isfinite(rewards).all():
        raise CheckFailed("rewards are not finite")
    return "fitted"


LOG_CHECKS = (
    fits_every_declared_kind,
    declares_what_it_reads,
    leaves_log_unchanged,
    ignores_row_order,
    ignores_covariate_names,
    survives_one_row,
    survives_constant_outcome,
    survives_one_prompt,
)
