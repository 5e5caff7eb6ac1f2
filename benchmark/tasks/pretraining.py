"""Makes the backbones of text domains: pretrained on first use, kept in a folder, found by a digest.

The only maker of backbones. It draws a domain's texts; it knows no world and no log.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract import make_rng
from benchmark.contract.files import make_once
from benchmark.tasks.backbones import (
    LOGLINEAR,
    TINY,
    Corpus,
    is_complete,
    load_backbone,
    parse_backbone,
    write_backbone,
)
from benchmark.tasks.corpora import find_pool, repeat_pool
from benchmark.tasks.lazy_backbone import LazyBackbone, fit_encoder
from benchmark.tasks.user_data import build_folder

PRETRAINING_TEXTS = 20_000


@lru_cache(maxsize=32)
def hash_backbone(domain: str, backbone: str = "tiny") -> str:
    """Digest of everything a backbone is made from: domain content, texts and pretraining settings.

    Known without training, so that plans can be keyed by it.
    """
    import benchmark.harness as harness

    spec = parse_backbone(backbone)
    content: dict[str, Any] = {
        "backbone": spec.name if spec.name in (TINY, LOGLINEAR) else "hf",
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
    slots = [repr(slot) for slot in (*loaded.slots, *loaded.prompt_writer.slots)]
    return [loaded.name, loaded.prompts, loaded.attributes, slots]


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
    # A tiny decoder that is a part of it is the domain's own; it is made first, outside the lock.
    tiny = make_backbone(domain, TINY, folder) if spec.needs_tiny else None

    def write(scratch: Path) -> None:
        if spec.plain:
            pretrain_on(domain).save(scratch)
        else:
            prompts, texts, vocabulary = draw_corpus(domain)
            topics = find_topics(domain, prompts, texts)
            write_backbone(spec, scratch, Corpus(domain, prompts, texts, vocabulary, topics), tiny)

    return make_once(find_backbone(domain, backbone, folder), write, is_readable)


def open_backbone(domain: str, backbone: str = TINY, folder: Path | None = None) -> Any:
    """A domain's backbone, ready to train on.

    A tiny decoder that was not pretrained yet is pretrained when something first needs it; its encoder is
    there at once.
    """
    if not parse_backbone(backbone).plain or is_readable(find_backbone(domain, backbone, folder)):
        return load_backbone(make_backbone(domain, backbone, folder))
    return LazyBackbone(
        fit_encoder(*draw_corpus(domain)),
        hash_backbone(domain, backbone),
        lambda: load_backbone(make_backbone(domain, backbone, folder)),
    )


def is_readable(folder: Path) -> bool:
    """Whether a folder holds a backbone that this version can load."""
    from benchmark.harness import Backbone
    from benchmark.harness.saved import SETTINGS_FILE

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
    texts = loaded.realise(attributes, prompt_ids, rng)
    writer = loaded.prompt_writer
    prompts = writer.write(prompt_ids, writer.draw_choices(PRETRAINING_TEXTS, rng))
    prompts = prompts.to_numpy(zero_copy_only=False).astype(object)
    texts = texts.to_numpy(zero_copy_only=False).astype(object)
    return prompts, texts, tuple(loaded.vocabulary)


def find_topics(domain: str, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """What decides the texts of a prompt, shape (n,): the topic in a grammar, the prompt itself in a pool."""
    from simulators.text import load_domain

    if find_pool(domain) is not None:
        return prompts
    return np.asarray(load_domain(domain).detect(texts).topics)


def draw_attributes(domain: Any, rng: np.random.Generator, n: int) -> np.ndarray:
    """Attribute vectors with every attribute on in half of them, within the domain's support."""
    if domain.support is not None:
        support = np.array(domain.support, dtype=np.int8)
        return support[rng.integers(len(support), size=n)]
    return rng.integers(2, size=(n, len(domain.attributes)), dtype=np.int8)
