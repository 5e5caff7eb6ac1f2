"""corpus: a real randomised experiment, from a user's own table; the log is part of it, thinned.

Nothing is simulated but the thinning. ``simulators.experiments`` says how the truth is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.experiments.corpus import make_corpus_world
from simulators.experiments.table import join_tables, read_table
from simulators.experiments.thinning import Thinning
from simulators.experiments.trial import Columns
from simulators.parameters import Parameter, Value
from simulators.protocols import World
from simulators.text.corpus import digest_pool

COLUMN, COLUMNS, NONE = "a column", "a column, or several joined by +", "nothing or a column"
MOST = "several joined by +, or nothing"

CARD = FamilyCard(
    name="corpus",
    situation="A real experiment of which a confounded part is the log: each test ran one of its texts and "
    "tests differ in all else, or people who answer differently anyway were shown some texts more often.",
    parameters=(
        Parameter(
            "data",
            "",
            "the experiment's table",
            form="a csv, tsv or parquet file",
            required=True,
            place="file",
        ),
        Parameter(
            "join",
            "",
            "a second table with columns that the first lacks",
            form="nothing or a file",
            place="file",
        ),
        Parameter("on", "", "the column that both tables have", form=NONE),
        Parameter("text", "text", "the text", form=COLUMN),
        Parameter(
            "test", "test", "rows that agree on these were randomised against each other", form=COLUMNS
        ),
        Parameter(
            "outcome", "outcome", "what was measured; with a weight, the number of successes", form=COLUMN
        ),
        Parameter("weight", "", "how many measurements a row stands for", form=NONE),
        Parameter(
            "group", "", "what is never split between log and truth; by default the first of test", form=NONE
        ),
        Parameter("prompt", "", "what the writer was asked for", form=NONE),
        Parameter("covariates", "", "numbers known before the text was chosen", form=f"a column, {MOST}"),
        Parameter("time", "", "when the row was logged, a number", form=NONE),
        Parameter("exclude", "", "rows where this is true are dropped", form=NONE),
        Parameter(
            "attribute",
            "",
            "nothing: the log is one row of each group; an attribute: rows are kept iff U < w / M, which "
            "makes it go with the score",
            form="nothing or an attribute, such as long or question",
        ),
        Parameter(
            "tilt", 1.0, "log odds of the attribute for each standard deviation of the score", 0.0, 10.0
        ),
        Parameter(
            "score",
            "predicted",
            "what confounds: the outcome that the covariates predict, or weights of covariates",
            form="predicted, or NAME:WEIGHT, several joined by +",
        ),
        Parameter("held_out", 0.5, "share of the rows kept back for the truth", 0.05, 0.95),
        Parameter(
            "feedback", "scalar", "kind of the outcome", choices=("scalar", "binary", "count", "rating")
        ),
        Parameter("task", "Write a text.", "the prompt where no column holds one", form="any text"),
    ),
    strategies=("back-door", "propensity"),
    recover="with an attribute: covariate regression and inverse propensity weights; else no method "
    "in full, and adjustment as far as covariates describe the tests",
    fail="taking the outcome at face value",
    user_data="a table with a text, an outcome and a randomised arm",
)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> World:
    said = {name: str(value) for name, value in parameters.items()}
    table = read_table(said["data"])
    if said["join"]:
        table = join_tables(table, read_table(said["join"]), said["on"])
    optional = {name: said[name] or None for name in ("weight", "group", "prompt", "time", "exclude")}
    columns = Columns(
        said["text"],
        _split(said["test"], table),
        said["outcome"],
        covariates=_split(said["covariates"], table),
        **optional,
    )
    thinning = Thinning(said["attribute"] or None, float(parameters["tilt"]), _weights(said["score"]))
    world = make_corpus_world(
        table,
        columns,
        streams,
        thinning,
        task=said["task"],
        held_out=float(parameters["held_out"]),
        feedback=said["feedback"],
    )
    # texts tell what a backbone is to be trained on, so they are what names the domain
    return replace(world, domain=replace(world.domain, name=f"{card.name}-{digest_pool(world.domain)}"))


def _split(names: str, table: pa.Table) -> tuple[str, ...]:
    """Column names joined by +; a column whose own name has one is meant itself."""
    if names in table.column_names:
        return (names,)
    return tuple(name.strip() for name in names.split("+") if name.strip())


def _weights(score: str) -> dict[str, float] | None:
    if score == "predicted":
        return None
    try:
        pairs = (part.rpartition(":") for part in score.split("+"))
        return {name.strip(): float(weight) for name, _, weight in pairs}
    except ValueError:
        raise UsageError(
            "cannot read the score",
            expected="predicted, or such as age:1+income:0.5",
            found=repr(score),
            fix="write COVARIATE:WEIGHT, several joined by +",
        ) from None


FAMILY = Family(CARD, _compose)
