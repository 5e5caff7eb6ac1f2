"""The backbones that a run needs: which are missing, and making them side by side before the first cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmark.runs.plan import Group
from benchmark.tasks.backbones import parse_backbone
from benchmark.tasks.prepare import domain_of
from benchmark.tasks.pretraining import find_backbone, is_readable, make_backbone

Named = tuple[str, str]


def list_backbones(groups: Iterable[Group]) -> tuple[Named, ...]:
    """Backbones that some groups train on and that are not there yet, as (text domain, name).

    A tiny decoder is only needed by methods that train a policy, and by submissions, which are given it
    whatever they train; the few others that ask it something have it made when they ask.
    """
    wanted = {
        (domain_of(cell.scenario), group.backbone)
        for group in groups
        if group.entrant.policy or group.entrant.submission or not parse_backbone(group.backbone).plain
        for cell in group.cells
    }
    return tuple(entry for entry in sorted(wanted) if not is_readable(find_backbone(*entry)))


def make_backbones(missing: Sequence[Named], workers: int = 1) -> None:
    """Make backbones.

    Args:
        missing: (text domain, name) of each.
        workers: How many may be made at a time, each in a process of one thread; 0 stands for this process.
    """
    large = any(parse_backbone(name).large for _, name in missing)
    if workers == 0 or (min(workers, len(missing)) < 2 and not large):
        for entry in missing:
            make_backbone(*entry)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from benchmark.runs.engines.local import environment, worker_settings

    with (
        environment(worker_settings(name for _, name in missing)),
        ProcessPoolExecutor(min(workers, len(missing)), get_context("spawn")) as pool,
    ):
        list(pool.map(make_backbone, *zip(*missing, strict=True)))
