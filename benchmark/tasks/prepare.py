"""Prepares what methods are given: tasks from worlds.

The only part that turns a world into a log. A task holds the truth beside the log;
``Task.view`` is all that a method ever receives of it.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from benchmark.contract import Log, Queries, Streams, make_rng, unknown_name
from benchmark.contract.method import TRACKS
from benchmark.contract.records import LOG, TWIN
from benchmark.scoring.score import AnswerKey, make_key
from benchmark.tasks.corpora import is_pool, keep_pool
from benchmark.tasks.labels import label_truly
from benchmark.tasks.placement import place_world
from benchmark.tasks.scenario import Scenario, Value
from benchmark.tasks.suite import Suite
from benchmark.tasks.user_data import locate, uses_user_data
from simulators.parameters import find_parameter
from simulators.protocols import Truth, World

DEFAULT_DOMAIN = "headlines"


@dataclass(frozen=True, eq=False)
class Task:
    """One world, packaged: what a method may see, and what only the scorer may.

    Attributes:
        scenario: The scenario.
        seed: World seed.
        log: The log with everything recorded, rows shuffled.
        queries: What fitted methods are asked.
        world: The world; its truth stays on this side of the wall.
        season: Which draw of worlds.
        secret: Key of a verified season.
    """

    scenario: Scenario
    seed: int
    log: Log
    queries: Queries
    world: World = field(repr=False)
    season: str = ""
    secret: bytes | None = field(default=None, repr=False)

    @cached_property
    def twin_log(self) -> Log:
        """The randomised twin of the log: as many rows, and the same columns of them.

        Texts are assigned at random and every outcome is recorded as it was measured.
        """
        draw = self.world.draw(len(self.log), "twin")
        return shuffle_rows(draw.log, *self._path, "twin", secret=self.secret)

    @cached_property
    def complete_twin_log(self) -> Log:
        """The randomised twin with every driver of the outcome recorded correctly; for the ceiling alone.

        As many rows as the log; of a table, every randomised row that the log was thinned from.
        """
        rows = None if self.world.n_rows is not None else len(self.log)
        return shuffle_rows(self.world.draw(rows, "twin", complete=True).log, *self._path)

    @cached_property
    def board(self) -> str:
        """The board that the world belongs to, one of ``benchmark.contract.records.BOARDS``."""
        return place_world(self.world, self.log.kind)

    @cached_property
    def key(self) -> AnswerKey:
        """The answer key, made on first use and shared by every method."""
        return make_key(self.queries, self.world.truth)

    @property
    def truth(self) -> Truth:
        """The world's truth."""
        return self.world.truth

    @property
    def domain(self) -> str:
        """Name of the text domain."""
        return str(self.world.domain.name)

    @property
    def _path(self) -> tuple[object, ...]:
        return (self.season, self.scenario.family, self.seed)

    def view(self, track: str = "log", data: str = "log") -> Log:
        """The log as a method of a track sees it.

        Args:
            track: One of ``benchmark.contract.method.TRACKS``.
            data: ``"log"``, ``"twin"``, ``"complete"`` for the twin that the ceiling sees, or
                ``"labelled log"`` and ``"labelled twin"`` for the same texts with true labels.
        """
        views = {"log": "log", "twin": "twin_log", "complete": "complete_twin_log"}
        labels, _, source = data.rpartition(" ")
        shown = view_track(getattr(self, views[source]), track)
        return label_truly(shown, self.truth) if labels else shown


def make_task(
    scenario: Scenario, seed: int, suite: Suite, secret: bytes | None = None, fitted_on: str = LOG
) -> Task:
    """Draw a world and package it.

    Args:
        scenario: The scenario; the suite's number of rows applies where it sets none. A world that is
            made of a table has no more rows than the table yields.
        seed: World seed.
        suite: Decides the season, the rows and how much is asked.
        secret: Key of a verified season.
        fitted_on: What the cell is fitted on, ``"log"`` or ``"twin"``.
    """
    import simulators

    scenario = scenario.with_rows(suite.n)
    assert scenario.n is not None
    # Public seasons share streams across strengths; a verified one draws every cell on its own, so that two
    # cells that found a way to talk would learn nothing from each other.
    season = suite.season
    if secret is not None:
        season += f"/{scenario.id}" + ("/twin" if fitted_on == TWIN else "")
    world = build_world(scenario, Streams(season, scenario.family, seed, secret))
    rows = scenario.n if world.n_rows is None else min(scenario.n, world.n_rows)
    log = shuffle_rows(world.draw(rows).log, season, scenario.family, seed, secret=secret)
    queries = world.queries(simulators.QuerySizes(**suite.queries.model_dump()))
    return Task(scenario, seed, log, queries, world, season, secret)


def build_world(scenario: Scenario, streams: Streams) -> World:
    """The world of a scenario; unknown families, unknown parameters and bad values are usage errors."""
    import simulators

    world = simulators.build(scenario.family, locate(scenario), streams, scenario.n or simulators.ROWS)
    if is_pool(world.domain):
        keep_pool(world.domain)
    return world


def view_track(log: Log, track: str) -> Log:
    """The log without the columns that a track does not grant.

    Propensities are granted from the propensity track on, the flag that marks randomised
    rows on the slice track alone.
    """
    if track not in TRACKS:
        raise unknown_name("track", track, TRACKS)
    hidden = {"propensity", "target_propensity"} if track == "log" else set()
    if track != "slice":
        hidden.add("randomised")
    kept = [name for name in log.table.column_names if name not in hidden]
    return log if len(kept) == len(log.table.column_names) else Log(log.table.select(kept), log.feedback)


def shuffle_rows(log: Log, *path: object, secret: bytes | None = None) -> Log:
    """The log with its rows in a random order, so that their order tells nothing."""
    return log.take(make_rng(*path, "packaging", secret=secret).permutation(len(log)))


def digest_log(log: Log) -> str:
    """SHA-256 of a log's file; a method's own streams start from it, so they tell it nothing new."""
    buffer = io.BytesIO()
    log.write(buffer)  # type: ignore[arg-type]
    return hashlib.sha256(buffer.getvalue()).hexdigest()


# -- families -----------------------------------------------------------------
@lru_cache(maxsize=1)
def family_defaults() -> dict[str, dict[str, Value]]:
    """Default parameters of every family."""
    import simulators

    cards = simulators.list_families(user_data=True)
    return {card.name: card.defaults for card in cards}


def check_scenario(scenario: Scenario) -> None:
    """Reject an unknown family, an unknown parameter or a value out of range without building a world."""
    import simulators

    cards = {card.name: card for card in simulators.list_families(user_data=True)}
    if scenario.family not in cards:
        raise unknown_name("family", scenario.family, cards)
    parameters = cards[scenario.family].parameters
    for name, value in scenario.settings:
        find_parameter(scenario.family, parameters, name, ("n",)).read(value)


def strength_of(scenario: Scenario) -> float:
    """The confounding strength of a scenario, or NaN where its family has no such parameter."""
    return scenario.strength(family_defaults().get(scenario.family))


def domain_of(scenario: Scenario) -> str:
    """Name of the text domain of a scenario; where a user gave its texts, they are read or written first."""
    if uses_user_data(scenario):
        return _user_data_domain(scenario)
    from simulators import list_families
    from simulators.parameters import apply_preset
    from simulators.text import name_domain

    defaults = family_defaults().get(scenario.family, {})
    cards = {card.name: card.parameters for card in list_families(user_data=True)}
    chosen = {**defaults, **apply_preset(scenario.parameters, cards.get(scenario.family, ()))}
    return name_domain(
        str(chosen.get("domain", DEFAULT_DOMAIN)),
        str(chosen.get("prompts", "6")),
        str(chosen.get("greeting", "several")),
    )


@lru_cache(maxsize=64)
def _user_data_domain(scenario: Scenario) -> str:
    # Texts do not depend on the seed.
    return str(build_world(scenario, Streams("", scenario.family, 0)).domain.name)
