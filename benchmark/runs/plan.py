"""Plans: which cells a run holds, in groups that never depend on what is missing.

A cell is (scenario, seed, method, backbone), fitted on the log or on its twin. Up to 64 cells of
one method form a group, the unit of work, storage, resume, sharding and retry. A group's key
digests everything that could change its results, so that stale results are never reused.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmark.contract import UsageError, unknown_name
from benchmark.contract.records import LOG, TWIN
from benchmark.runs.entrants import CEILING, TRUE_LABELS, Entrant
from benchmark.tasks.scenario import Scenario
from benchmark.tasks.suite import CellProduct, Suite

KEY_LENGTH = 20
POLICY_SECONDS, REWARD_SECONDS = 3.0, 0.3


@dataclass(frozen=True)
class Cell:
    """One world for one method to learn from."""

    scenario: Scenario
    seed: int


@dataclass(frozen=True)
class Group:
    """Cells of one method that are run and stored together.

    Attributes:
        entrant: The method.
        cells: At most 64 cells.
        backbone: Name of what the method trains on.
        chunk: Number of the chunk of cells; groups with equal numbers hold the same worlds.
        key: Digest of everything that could change the results.
        fitted_on: What the method is fitted on, ``"log"`` or ``"twin"``.
        control: Whether the cells are controls, whatever identifies their effects.
    """

    entrant: Entrant
    cells: tuple[Cell, ...]
    backbone: str
    chunk: int
    key: str
    fitted_on: str = LOG
    control: bool = False

    @property
    def data(self) -> str:
        """What a method of the group is shown, as ``Task.view`` calls it."""
        if self.entrant.role == CEILING:
            return "complete"
        labelled = self.entrant.name == TRUE_LABELS and not self.entrant.submission
        return f"labelled {self.fitted_on}" if labelled else self.fitted_on

    @property
    def seconds(self) -> float:
        """A rough cost on one core, for ordering and for the dry run."""
        return len(self.cells) * (POLICY_SECONDS if self.entrant.policy else REWARD_SECONDS)


@dataclass(frozen=True)
class Plan:
    """What a run is to do.

    Attributes:
        suite: The suite.
        groups: Every group, in the order of work: chunk by chunk, and inside a chunk long ones first.
        device: Class of the device it is for, such as ``"cpu"``; goes into the records.
        precision: Floating-point precision of products; goes into the records.
    """

    suite: Suite
    groups: tuple[Group, ...]
    device: str = "cpu"
    precision: str = "float32"

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return sum(len(group.cells) for group in self.groups)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Scenarios of the plan, each once."""
        return tuple(dict.fromkeys(cell.scenario for group in self.groups for cell in group.cells))

    def shard(self, text: str) -> Plan:
        """The ``i``-th of ``n`` parts; the parts hold every group exactly once.

        Args:
            text: ``i/n`` with 1 <= i <= n.

        Raises:
            UsageError: If it is not of that form.
        """
        index, slash, count = text.partition("/")
        if not (slash and index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
            raise UsageError(
                "cannot read the shard", expected="i/n with 1 <= i <= n", found=repr(text), fix="try 1/4"
            )
        return replace(self, groups=self.groups[int(index) - 1 :: int(count)])


def make_plan(
    suite: Suite,
    entrants: Sequence[Entrant],
    *,
    scenarios: Sequence[str] = (),
    methods: Sequence[str] = (),
    seeds: int | None = None,
    context: Mapping[str, Any] | None = None,
) -> Plan:
    """Plan a run.

    The naive and ceiling entrants and submissions join every product of the suite, whatever its patterns say.

    Args:
        suite: The suite.
        entrants: Every method that could be planned, naive and ceiling included.
        scenarios: Patterns or ids to restrict to, or to add where the suite lacks them.
        methods: Patterns to restrict to.
        seeds: Use seeds 0 .. seeds - 1 instead of the suite's.
        context: Whatever else could change results: versions, device class, precision, backbone hashes.

    Raises:
        UsageError: If a pattern matches nothing.
    """
    if seeds is not None and seeds < 1:
        raise UsageError("a run needs at least one seed", expected="--seeds of at least 1", found=seeds)
    names = [entrant.name for entrant in entrants]
    for pattern in methods:
        if not fnmatch.filter(names, pattern):
            raise unknown_name("method", pattern, names)
    products = list(_list_products(suite, scenarios, seeds))
    groups: list[Group] = []
    first = 0
    for product, cells, trained_on in products:
        shared = json.dumps({"sizes": suite.sizes, "backbone": trained_on, **(context or {})}, sort_keys=True)
        chunks = [cells[start : start + suite.group_size] for start in range(0, len(cells), suite.group_size)]
        own_twin = suite.own_twin if product.own_twin is None else product.own_twin
        content = ["\n".join(f"{cell.scenario.id}\t{cell.seed}" for cell in chunk) for chunk in chunks]
        for entrant in entrants:
            chosen = product.methods or suite.methods
            wanted = _is_wanted(entrant, chosen, product.policies, product.rewards)
            if not wanted or not _is_wanted(entrant, methods or ("*",)):
                continue
            for fitted_on in _list_data(entrant, own_twin):
                for offset, (chunk, described) in enumerate(zip(chunks, content, strict=True)):
                    parts = (entrant.fingerprint, entrant.role, entrant.submission, shared, described)
                    key = _key(*parts, fitted_on, str(product.control))
                    group = Group(
                        entrant, tuple(chunk), trained_on, first + offset, key, fitted_on, product.control
                    )
                    groups.append(group)
        first += len(chunks)
    if not groups:
        raise UsageError("the plan is empty", expected="at least one cell", found="no method matches")
    unique = {group.key: group for group in reversed(groups)}
    ordered = sorted(unique.values(), key=lambda g: (g.chunk, -g.seconds, g.entrant.name, g.fitted_on, g.key))
    return Plan(suite, tuple(ordered))


def _list_products(
    suite: Suite, patterns: Sequence[str], seeds: int | None
) -> Iterator[tuple[CellProduct, list[Cell], str]]:
    """Each product that holds any cells, its cells and its backbone; seeds vary fastest."""
    used: set[str] = set()
    for product in suite.cells:
        chosen = []
        for text in product.scenarios:
            scenario = Scenario.parse(text).with_rows(suite.n)
            matched = [p for p in patterns if matches_scenario(p, scenario, suite.n)]
            used.update(matched)
            if matched or not patterns:
                chosen.append(scenario)
        numbers = range(seeds) if seeds is not None else (product.seeds or suite.seeds)
        cells = [Cell(scenario, seed) for scenario in dict.fromkeys(chosen) for seed in numbers]
        if cells:
            yield product, cells, product.backbone or suite.backbone
    extra = [pattern for pattern in patterns if pattern not in used]
    for pattern in extra:
        if any(mark in pattern for mark in "*?"):
            raise unknown_name("scenario", pattern, [s.id for s in suite.scenarios])
    if extra:
        added = [Scenario.parse(text).with_rows(suite.n) for text in extra]
        numbers = range(seeds) if seeds is not None else suite.seeds
        product = CellProduct(scenarios=tuple(extra), methods=("*",))
        yield product, [Cell(scenario, seed) for scenario in added for seed in numbers], suite.backbone


def _list_data(entrant: Entrant, own_twin: bool) -> tuple[str, ...]:
    """What an entrant is fitted on; the ceiling sees a complete twin and never a log."""
    if entrant.role == CEILING:
        return (TWIN,)
    return (LOG, TWIN) if own_twin else (LOG,)


def matches_scenario(pattern: str, scenario: Scenario, n: int) -> bool:
    """Whether a pattern names a scenario: by family, by ``*`` and ``?``, or by its exact id."""
    if fnmatch.fnmatchcase(scenario.family, pattern):
        return True
    if any(mark in pattern for mark in "*?"):
        # Square brackets are part of an id here, never a character class.
        return fnmatch.fnmatchcase(scenario.id, pattern.replace("[", "[[]"))
    return Scenario.parse(pattern).with_rows(n) == scenario


def _is_wanted(
    entrant: Entrant, patterns: Iterable[str], policies: bool = True, rewards: bool = True
) -> bool:
    # A submission's name is in no suite; it enters every product, as the reference rows do.
    if entrant.role in ("naive", "ceiling") or entrant.submission:
        return True
    if not (policies if entrant.policy else rewards):
        return False
    return any(fnmatch.fnmatchcase(entrant.name, pattern) for pattern in patterns)


def _key(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:KEY_LENGTH]
