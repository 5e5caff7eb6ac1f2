"""Pools: the texts of domains that no grammar writes, kept so that a backbone can be trained on them.

A pool's name follows from its texts, so whoever holds the name of a domain finds what it says; worlds
that split or thin the same table differently share one pool, hence one backbone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.contract.files import write_table
from benchmark.tasks.user_data import build_folder
from simulators.protocols import Domain
from simulators.text.corpus import CorpusDomain

WORDS = 400_000
"""About as many as a grammar's pretraining texts have."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Texts that a domain without a grammar holds.

    Attributes:
        name: Name of the domain; it follows from the texts.
        prompts: Shape (n,), object dtype.
        texts: Shape (n,), object dtype.
    """

    name: str
    prompts: np.ndarray
    texts: np.ndarray


def is_pool(domain: Domain) -> TypeGuard[CorpusDomain]:
    """Whether a domain is a pool of texts, not a grammar."""
    return isinstance(domain, CorpusDomain)


def keep_pool(domain: CorpusDomain) -> None:
    """Keep the texts of a domain that no grammar writes, under the domain's name."""
    path = _pool_file(domain.name)
    if path.exists():
        return
    prompts = pa.array(domain.prompts, pa.string()).take(pa.array(domain.tests))
    table = pa.table({"prompt": prompts, "text": domain.texts})
    write_table(path, table)


def find_pool(name: str) -> Pool | None:
    """The pool of a domain, or None where there is none of this name."""
    path = _pool_file(name)
    if not path.exists():
        return None
    columns: Mapping[str, list[str]] = pq.read_table(path).to_pydict()
    return Pool(name, *(np.array(columns[part], dtype=object) for part in ("prompt", "text")))


def _pool_file(name: str) -> Path:
    return build_folder() / "pools" / f"{name}.parquet"


def repeat_pool(
    pool: Pool, rng: np.random.Generator, most: int
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """A pool's texts in random order, over and over, as a corpus to pretrain on.

    Args:
        pool: The pool.
        rng: Decides the order.
        most: How many texts, fewer where they are long (``WORDS`` in all); the whole pool at least.

    Returns:
        Prompts, texts and vocabulary.
    """
    words = [text.split(" ") for text in (*dict.fromkeys(pool.prompts), *pool.texts)]
    fitting = int(WORDS * len(words) / sum(map(len, words)))
    n = max(len(pool.texts), min(most, fitting))
    orders = [rng.permutation(len(pool.texts)) for _ in range(-(-n // len(pool.texts)))]
    rows = np.concatenate(orders)[:n]
    vocabulary = {word for line in words for word in line if word}
    return pool.prompts[rows], pool.texts[rows], tuple(sorted(vocabulary))
