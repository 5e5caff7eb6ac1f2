"""Prepares what methods are given: tasks from worlds and pretrained backbones from domains.

The only part that turns a world into a log, and the only maker of backbones. A task
holds the truth beside the log; ``Task.view`` is all that a method ever receives of it.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract import Log, Queries, Streams, make_rng, unknown_name
from benchmark.contract.files import make_once
from benchmark.contract.method import TRACKS
from benchmark.scoring.score import AnswerKey, make_key
from benchmark.tasks.backbones import SETTINGS_FILE, TINY, is_complete, parse_backbone, write_backbone
from benchmark.tasks.corpora import find_pool, is_pool, keep_pool, repeat_pool
from benchmark.tasks.scenario import Scenario, Value
from benchmark.tasks.suite import Suite
from benchmark.tasks.user_data import build_folder, is_given, locate

PRETRAINING_TEXTS = 20_000
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
    """

    scenario: Scenario
    seed: int
    log: Log
    queries: Queries
    world: Any = field(repr=False)
    season: str = ""

    @cached_property
    def twin_log(self) -> Log:
        """The complete, correctly measured randomised twin; for the ceiling alone.

        As many rows as the log; of a table, every randomised row that the log was thinned from.
        """
        rows = None if is_finite(self.world) else len(self.log)
        return shuffle_rows(self.world.draw(rows, arm="twin", complete=True).log, *self._path)

    @cached_property
    def key(self) -> AnswerKey:
        """The answer key, made on first use and shared by every method."""
        return make_key(self.queries, self.world.truth)

    @property
    def truth(self) -> Any:
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
            data: ``"log"``, or ``"twin"`` for the ceiling.
        """
        return view_track(self.twin_log if data == "twin" else self.log, track)


def make_task(scenario: Scenario, seed: int, suite: Suite, secret: bytes | None = None) -> Task:
    """Draw a world and package it.

    Args:
        scenario: The scenario; the suite's number of rows applies where it sets none. A world that is
            made of a table has no more rows than the table yields.
        seed: World seed.
        suite: Decides the season, the rows and how much is asked.
        secret: Key of a verified season.
    """
    import simulators

    scenario = scenario.with_rows(suite.n)
    assert scenario.n is not None
    # Public seasons share streams across strengths; a verified one draws every cell on its own.
    season = suite.season if secret is None else f"{suite.season}/{scenario.id}"
    world = build_world(scenario, Streams(season, scenario.family, seed, secret))
    rows = min(scenario.n, len(world)) if is_finite(world) else scenario.n
    log = shuffle_rows(world.draw(rows).log, season, scenario.family, seed, secret=secret)
    queries = world.queries(simulators.QuerySizes(**suite.queries.model_dump()))
    return Task(scenario, seed, log, queries, world, season)


def build_world(scenario: Scenario, streams: Streams) -> Any:
    """The world of a scenario; unknown families, unknown dials and bad values are usage errors."""
    import simulators

    world = simulators.build(scenario.family, locate(scenario), streams)
    if is_pool(world.domain):
        keep_pool(world.domain)
    return world


def is_finite(world: Any) -> bool:
    """Whether a world has only so many rows, as one made of a table."""
    return hasattr(world, "__len__")


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
    """Dial defaults of every family."""
    import simulators

    cards = simulators.list_families(given=True)
    return {card.name: {dial.name: dial.default for dial in card.dials} for card in cards}


def check_scenario(scenario: Scenario) -> None:
    """Reject an unknown family, an unknown dial or a value out of range without building a world."""
    import simulators

    cards = {card.name: card for card in simulators.list_families(given=True)}
    if scenario.family not in cards:
        raise unknown_name("family", scenario.family, cards)
    dials = {dial.name: dial for dial in cards[scenario.family].dials}
    for name, value in scenario.settings:
        if name not in dials:
            raise unknown_name(f"dial of {scenario.family}", name, [*dials, "n"])
        dials[name].read(value)


def strength_of(scenario: Scenario) -> float:
    """The confounding strength of a scenario, or NaN where its family has no such dial."""
    return scenario.strength(family_defaults().get(scenario.family))


def domain_of(scenario: Scenario) -> str:
    """Name of the text domain of a scenario; where a user gave its texts, they are read or written first."""
    if is_given(scenario):
        return _given_domain(scenario)
    defaults = family_defaults().get(scenario.family, {})
    return str(scenario.dials.get("domain", defaults.get("domain", DEFAULT_DOMAIN)))


@lru_cache(maxsize=64)
def _given_domain(scenario: Scenario) -> str:
    # Texts do not depend on the seed.
    return str(build_world(scenario, Streams("", scenario.family, 0)).domain.name)


# -- backbones ----------------------------------------------------------------
@lru_cache(maxsize=32)
def hash_backbone(domain: str, backbone: str = "tiny") -> str:
    """Digest of everything a backbone is made from: domain content, texts and pretraining settings.

    Known without training, so that plans can be keyed by it.
    """
    import benchmark.harness as harness

    spec = parse_backbone(backbone)
    content: dict[str, Any] = {
        "backbone": TINY if spec.name == TINY else "hf",
        "domain": _describe_texts(domain),
        "texts": PRETRAINING_TEXTS,
        "pretraining": str(inspect.signature(harness.pretrain)),
        "version": getattr(harness, "VERSION", "0"),
    }
    if not spec.plain:
        content["parts"] = spec.describe()
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _describe_texts(domain: str) -> list[Any]:
    """Everything that decides what a domain's texts are."""
    from simulators.text import load_domain

    if find_pool(domain) is not None:
        return [domain]  # the name of a pool is a hash of its texts
    loaded = load_domain(domain)
    return [loaded.name, loaded.prompts, loaded.attributes, [repr(slot) for slot in loaded.slots]]


def find_backbone(domain: str, backbone: str = "tiny", folder: Path | None = None) -> Path:
    """Where a domain's backbone lies once it is made; arguments as in ``make_backbone``."""
    return (folder or build_folder() / "backbones") / f"{domain}-{hash_backbone(domain, backbone)}"


def make_backbone(domain: str, backbone: str = "tiny", folder: Path | None = None) -> Path:
    """The folder of a domain's pretrained backbone; made on first use, by one process at a time.

    Args:
        domain: Name of the text domain.
        backbone: A backbone as text; see ``benchmark.tasks.backbones``.
        folder: Parent folder; by default ``backbones`` in ``build_folder()``.
    """
    spec = parse_backbone(backbone)
    # The tiny decoder under another encoder is the domain's own; it is made first, outside the lock.
    tiny = make_backbone(domain, TINY, folder) if spec.name == TINY and not spec.plain else None

    def write(scratch: Path) -> None:
        if spec.plain:
            pretrain_on(domain).save(scratch)
        else:
            prompts, texts, vocabulary = draw_corpus(domain)
            write_backbone(spec, scratch, prompts, texts, vocabulary, tiny)

    return make_once(find_backbone(domain, backbone, folder), write, is_readable)


def is_readable(folder: Path) -> bool:
    """Whether a folder holds a backbone that this version can load."""
    from benchmark.harness import Backbone

    if not folder.exists():
        return False
    if (folder / SETTINGS_FILE).exists():
        return is_complete(folder)
    try:
        Backbone.load(folder)
    except Exception:  # damaged, or written by another version: it is made anew
        return False
    return True


def pretrain_on(domain: str) -> Any:
    """A tiny backbone trained on the corpus of a domain."""
    from benchmark.harness.decoder.pretrain import pretrain

    return pretrain(*draw_corpus(domain))


def draw_corpus(domain: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Prompts, texts and vocabulary of a domain.

    Of a grammar, every attribute is on in half of the texts; of a pool, every text comes equally often.
    """
    from simulators.text import load_domain

    if (pool := find_pool(domain)) is not None:
        return repeat_pool(pool, make_rng("pretraining", domain), PRETRAINING_TEXTS)
    loaded = load_domain(domain)
    rng = make_rng("pretraining", domain)
    attributes = draw_attributes(loaded, rng, PRETRAINING_TEXTS)
    prompt_ids = rng.integers(len(loaded.prompts), size=PRETRAINING_TEXTS)
    written = loaded.realise(attributes, prompt_ids, rng)
    prompts = np.array(loaded.prompts, dtype=object)[prompt_ids]
    texts = written.texts.to_numpy(zero_copy_only=False).astype(object)
    return prompts, texts, tuple(loaded.vocabulary)


def draw_attributes(domain: Any, rng: np.random.Generator, n: int) -> np.ndarray:
    """Attribute vectors with every attribute on in half of them, within the domain's support."""
    if domain.support is not None:
        support = np.array(domain.support, dtype=np.int8)
        return support[rng.integers(len(support), size=n)]
    return rng.integers(2, size=(n, len(domain.attributes)), dtype=np.int8)
