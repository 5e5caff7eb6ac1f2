"""Random streams addressed by path: the only place where generators are made.

A stream is named, never numbered: ``(season, family, world seed, part, block)``.
Rows are drawn in blocks of ``BLOCK`` so that a longer log starts with the shorter
one. Method, suite, row count and strength are not part of any world path, so
every method sees the same people, prompts and noise (common random numbers).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BLOCK = 4096
PUBLIC_SEASON = "public-1"


def digest_path(path: tuple[object, ...], secret: bytes | None = None) -> bytes:
    """A 32-byte digest of a path; unambiguous because every part is length-prefixed."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (str(p).encode() for p in path))
    if secret is None:
        return hashlib.sha256(message).digest()
    return hmac.new(secret, message, hashlib.sha256).digest()


def make_rng(*path: object, secret: bytes | None = None) -> np.random.Generator:
    """The generator that belongs to a path.

    Args:
        *path: Parts of the address; each is compared by its ``str``.
        secret: Key of a verified season; without it the stream is public.
    """
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest_path(path, secret), "big")))


@dataclass(frozen=True)
class Streams:
    """The streams of one world.

    Attributes:
        season: Name of the season; a new season is a fresh draw of everything.
        family: Scenario family.
        seed: World seed, at least 0.
        secret: Key of a verified season, or None for public seeds.
    """

    season: str
    family: str
    seed: int
    secret: bytes | None = None

    def rng(self, part: str, block: int = 0) -> np.random.Generator:
        """The generator of one part of the world and one block of rows."""
        return make_rng(self.season, self.family, self.seed, part, block, secret=self.secret)

    def draw_rows(
        self, part: str, start: int, stop: int, draw: Callable[[np.random.Generator, int], np.ndarray]
    ) -> np.ndarray:
        """Rows ``start:stop`` of a part; whole blocks are drawn and cut.

        Args:
            part: Name of the part, such as ``"people"``.
            start: First row.
            stop: One past the last row.
            draw: Called with a generator and ``BLOCK``; returns an array with ``BLOCK`` rows.

        Returns:
            Array of shape ``(stop - start, ...)``.
        """
        first, last = start // BLOCK, max(start // BLOCK, (stop - 1) // BLOCK)
        blocks = [draw(self.rng(part, block), BLOCK) for block in range(first, last + 1)]
        rows = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
        return rows[start - first * BLOCK : stop - first * BLOCK]
