"""generated: a language model wrote the texts, once; who is shown which, and what follows, is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import Streams
from simulators.dials import DialValue
from simulators.experiments.generated import CARD, PROMPTS, make_pool_world, pool_texts
from simulators.family import Family, FamilyCard
from simulators.text.corpus import digest_pool
from simulators.text.generated import Writing, write_texts
from simulators.world import World


def _compose(card: FamilyCard, dials: Mapping[str, DialValue], streams: Streams) -> World:
    """A world; the dial ``model`` is the folder of one here."""
    writing = Writing(
        prompts=_read_prompts(str(dials["prompts"])),
        texts_per_prompt=int(dials["texts"]),
        max_new_tokens=int(dials["tokens"]),
        temperature=float(dials["temperature"]),
        seed=int(dials["writing"]),
    )
    table = write_texts(Path(str(dials["model"])), writing, Path(str(dials["cache"])))
    domain = pool_texts(table)
    # texts tell what a backbone is to be trained on, so they are what names the domain
    domain = replace(domain, name=f"{card.name}-{digest_pool(domain)}")
    return make_pool_world(domain, streams, dials)


def _read_prompts(path: str) -> tuple[str, ...]:
    if not path:
        return PROMPTS
    try:
        lines = Path(path).expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read the prompts {path!r}", expected="a text file, one prompt a line", found=error
        ) from error
    prompts = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not prompts:
        raise UsageError(f"{path!r} holds no prompts", expected="one prompt a line", found="an empty file")
    return prompts


FAMILY = Family(CARD, _compose)
