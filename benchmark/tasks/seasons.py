"""Verified seasons: worlds drawn with a secret that nobody knows while the season runs.

The season's name carries a commitment to the secret, so that publishing the secret later proves which
worlds were drawn.
"""

from __future__ import annotations

import hashlib

from benchmark.contract import UsageError
from benchmark.tasks.suite import Suite


def open_season(suite: Suite, secret: bytes | None) -> Suite:
    """The suite in its verified season where there is a secret, else as it is.

    Raises:
        UsageError: If the secret is too short.
    """
    if secret is None:
        return suite
    return suite.model_copy(update={"season": name_season(suite.season, secret)})


def name_season(season: str, secret: bytes) -> str:
    """The name of a verified season: it carries the commitment to the secret that draws its worlds."""
    if len(secret) < 16:
        raise UsageError("the season's secret is too short", expected="at least 16 bytes", found=len(secret))
    return f"{season}-verified-{commit_to(secret)[:16]}"


def commit_to(secret: bytes) -> str:
    """What is published of a secret while its season runs: SHA-256, hexadecimal."""
    return hashlib.sha256(secret).hexdigest()
