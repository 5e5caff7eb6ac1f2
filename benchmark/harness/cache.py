"""Results kept by content: encodings, trainings, scores, samples, and reference log-probabilities of texts.

Knows nothing of what is cached; a key is made of the content alone, so a hit can
never change an answer.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa


def digest_strings(*columns: np.ndarray) -> str:
    """A content hash of arrays of strings, each of shape (n,)."""
    digest = hashlib.sha256()
    for column in columns:
        values = pa.array(column, type=pa.large_string())
        digest.update(len(values).to_bytes(8, "big"))
        for buffer in values.buffers()[1:]:
            if buffer is not None:
                digest.update(buffer)
    return digest.hexdigest()


def digest_numbers(*arrays: np.ndarray) -> str:
    """A content hash of number arrays of any shape."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_columns(columns: Mapping[str, np.ndarray]) -> str:
    """A content hash of named number columns, in the order of their names."""
    names = sorted(columns)
    return ",".join(names) + digest_numbers(*(np.asarray(columns[name]) for name in names))


@dataclass(frozen=True, eq=False)
class Kept:
    """An array and the seconds it took to make."""

    array: np.ndarray
    seconds: float


@dataclass(frozen=True, eq=False)
class Cache:
    """Bounded stores shared by the harnesses of one process.

    Attributes:
        max_bytes: Size above which the oldest arrays are dropped.
        max_texts: Number of single-text values above which a store is emptied.
    """

    max_bytes: int = 512 * 2**20
    max_texts: int = 1_000_000
    _arrays: OrderedDict[tuple[Hashable, ...], Kept] = field(default_factory=OrderedDict, repr=False)
    _numbers: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict, repr=False)

    def array(
        self,
        key: tuple[Hashable, ...],
        make: Callable[[], np.ndarray],
        reused: Callable[[float], None] | None = None,
    ) -> np.ndarray:
        """The read-only array of a key, made on the first call.

        Args:
            key: What it is made of.
            make: Makes it.
            reused: Told the seconds that making it took, where it is not made again.
        """
        if key in self._arrays:
            self._arrays.move_to_end(key)
            kept = self._arrays[key]
            if reused is not None:
                reused(kept.seconds)
            return kept.array
        begun = time.perf_counter()
        made = make()
        made.flags.writeable = False
        self._arrays[key] = Kept(made, time.perf_counter() - begun)
        while len(self._arrays) > 1 and sum(k.array.nbytes for k in self._arrays.values()) > self.max_bytes:
            self._arrays.popitem(last=False)
        return made

    def numbers(
        self,
        store: str,
        prompts: np.ndarray,
        texts: np.ndarray,
        make: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """One number for each (prompt, text), shape (n,); unknown ones are made together, once each.

        Args:
            store: Name of what is computed, including the hash of whatever computes it.
            prompts: Shape (n,).
            texts: Shape (n,).
            make: Called with the distinct unknown prompts and texts; returns their numbers.
        """
        known = self._numbers.setdefault(store, {})
        if len(known) > self.max_texts:
            known.clear()
        keys = list(zip(prompts, texts, strict=True))
        unknown = list(dict.fromkeys(key for key in keys if key not in known))
        if unknown:
            pairs = np.array(unknown, dtype=object).reshape(-1, 2)
            known.update(zip(unknown, make(pairs[:, 0], pairs[:, 1]).tolist(), strict=True))
        return np.fromiter((known[key] for key in keys), dtype=np.float64, count=len(keys))
