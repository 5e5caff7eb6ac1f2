"""Suites: scenarios x seeds x methods pinned as data, read from TOML and checked.

A suite decides how long logs are, what is asked of a fitted method and what a fit
may spend, equally for all methods. It never says what a right answer is.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from benchmark.contract import PUBLIC_SEASON, Budget, UsageError, unknown_name
from benchmark.tasks.scenario import Scenario

FOLDER = Path(__file__).resolve().parents[1] / "suites"
MAXIMUM_GROUP = 64

Count = Annotated[int, Field(ge=1)]
Seeds = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BudgetSettings(_Strict):
    """What one fit may spend; see ``benchmark.contract.Budget``."""

    steps: Count = 60
    batch_size: Count = 32
    trainings: Count = 32
    samples: Count = 8192
    asks: Annotated[int, Field(ge=0)] = 0

    def freeze(self) -> Budget:
        """The budget as the contract's own type."""
        return Budget(**self.model_dump())


class QuerySettings(_Strict):
    """How much is asked of a fitted method.

    Attributes:
        pairs: Same-prompt pairs in all.
        contrasts: Single-attribute contrasts for each attribute.
        pool: Common reference texts for each prompt.
        samples: Texts a policy samples for each prompt.
    """

    pairs: Count = 1024
    contrasts: Count = 64
    pool: Count = 1024
    samples: Count = 64


class CellProduct(_Strict):
    """A product of scenarios, methods and seeds.

    Attributes:
        scenarios: Scenarios, each as text.
        methods: Method names or patterns (``*`` matches anything); the suite's where left out.
        policies: Whether methods that train a policy are among them.
        rewards: Whether methods that train none are among them.
        seeds: World seeds; the suite's where left out.
        backbone: What methods train on; the suite's where left out.
        reason: Why these cells are in the suite, one sentence.
        own_twin: Whether methods are also fitted on the randomised twin; as the suite says where left out.
        control: Whether the scenarios are controls, whatever identifies their effects.
    """

    scenarios: Annotated[tuple[str, ...], Field(min_length=1)]
    methods: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    reason: str = ""
    own_twin: bool | None = None
    control: bool = False
    policies: bool = True
    rewards: bool = True
    seeds: Seeds | None = None
    backbone: str | None = None

    @field_validator("seeds", mode="before")
    @classmethod
    def _spell_out(cls, value: object) -> object:
        return spell_out_seeds(value)


class Suite(_Strict):
    """A benchmark suite.

    Attributes:
        name: Name of the suite.
        version: Changes whenever a number on the board could change.
        season: Which draw of worlds; a new season is a fresh draw of everything.
        description: One sentence for the list of suites.
        seeds: World seeds (an integer m means 0 .. m - 1).
        n: Rows of a log whose scenario does not say.
        group_size: Cells of one method that are run, stored and resumed together.
        seconds_per_cell: A cell that takes longer is stopped and recorded as a timeout.
        backbone: What methods train on unless told otherwise; see ``benchmark.tasks.backbones``.
        megabytes_per_worker: Memory that a worker on a CPU may allocate; beyond it a cell's status is memory.
        budget: What one fit may spend.
        queries: How much is asked of a fitted method.
        methods: Names or patterns of the methods of every product that names none.
        own_twin: Whether every method is also fitted on its own view of the randomised twin, so that the
            board can tell what confounding costs from what the budget costs.
        cells: The suite's cells, as products of scenarios, methods and seeds.
    """

    name: str
    version: str
    season: str = PUBLIC_SEASON
    description: str = ""
    seeds: Seeds = (0, 1, 2)
    n: Count = 4000
    group_size: Annotated[int, Field(ge=1, le=MAXIMUM_GROUP)] = MAXIMUM_GROUP
    seconds_per_cell: Annotated[float, Field(gt=0)] = 120.0
    backbone: str = "tiny"
    megabytes_per_worker: Count = 8192
    budget: BudgetSettings = BudgetSettings()
    queries: QuerySettings = QuerySettings()
    methods: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    own_twin: bool = False
    cells: Annotated[tuple[CellProduct, ...], Field(min_length=1)]

    @field_validator("seeds", mode="before")
    @classmethod
    def _spell_out(cls, value: object) -> object:
        return spell_out_seeds(value)

    @property
    def sizes(self) -> dict[str, Any]:
        """Everything that decides a cell's result beside its scenario, seed and method."""
        return {
            "season": self.season,
            "queries": self.queries.model_dump(),
            "budget": self.budget.model_dump(),
        }

    @property
    def backbones(self) -> tuple[str, ...]:
        """Every backbone of the suite, its own first, each once."""
        return tuple(
            dict.fromkeys((self.backbone, *(product.backbone for product in self.cells if product.backbone)))
        )

    def train_on(self, backbone: str) -> Suite:
        """The suite with one backbone throughout."""
        products = tuple(product.model_copy(update={"backbone": None}) for product in self.cells)
        return self.model_copy(update={"backbone": backbone, "cells": products})

    @property
    def reasons(self) -> dict[str, str]:
        """Why each scenario is in the suite, by its id with its number of rows, where the suite says so."""
        return {
            Scenario.parse(text).with_rows(self.n).id: product.reason
            for product in reversed(self.cells)  # of several reasons the first is kept
            if product.reason
            for text in product.scenarios
        }

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Every scenario of the suite, with its number of rows, in order and once."""
        parsed = (
            Scenario.parse(text).with_rows(self.n) for product in self.cells for text in product.scenarios
        )
        return tuple(dict.fromkeys(parsed))


def spell_out_seeds(value: object) -> object:
    """Seeds as a list; an integer m stands for 0 .. m - 1."""
    return list(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value


def list_suites() -> tuple[str, ...]:
    """Names of the suites that come with the package."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_suite(name: str | Path) -> Suite:
    """Read a suite by name or from a TOML file.

    Raises:
        UsageError: If it is unknown, not TOML, or does not describe a suite.
    """
    path = Path(name)
    if path.suffix != ".toml":
        if str(name) not in list_suites():
            raise unknown_name("suite", str(name), list_suites())
        path = FOLDER / f"{name}.toml"
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read the suite {str(path)!r}", expected="a TOML file", found=error
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the suite {str(path)!r} is not TOML", expected="TOML", found=error) from error
    return check_suite(content, str(path))


def check_suite(content: dict[str, Any], source: str = "suite") -> Suite:
    """A suite from plain data.

    Raises:
        UsageError: Naming every key that is unknown, missing or wrong.
    """
    if "block" in content:
        raise UsageError(
            f"the suite {source!r} uses the old key 'block'", expected="[[cells]]", found="[[block]]",
            fix="rename [[block]] to [[cells]]",
        )  # fmt: skip
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        problems = error.errors()
        where = [".".join(str(part) for part in problem["loc"]) for problem in problems]
        unknown = [
            key for key, problem in zip(where, problems, strict=True) if problem["type"] == "extra_forbidden"
        ]
        raise UsageError(
            f"the suite {source!r} is malformed",
            expected="name, version, [[cells]] with scenarios and methods; optional "
            + ", ".join(key for key in Suite.model_fields if key not in ("name", "version", "cells")),
            found="; ".join(f"{key}: {problem['msg']}" for key, problem in zip(where, problems, strict=True)),
            fix=f"remove or rename {', '.join(unknown)}" if unknown else "correct the keys named above",
        ) from error
    _ = suite.scenarios
    return suite
