"""The leaderboard: records in, tables, figures and verdicts out. It sees no world and no method.

Everything is loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "Board": "leaderboard.tables",
    "Claim": "leaderboard.admission",
    "Catalogue": "leaderboard.catalogue",
    "Comparison": "leaderboard.compare",
    "Entry": "leaderboard.ledger",
    "Ledger": "leaderboard.ledger",
    "Standing": "leaderboard.standing",
    "admit": "leaderboard.admission",
    "adopt_store": "leaderboard.publish",
    "build_board": "leaderboard.board",
    "check_cells": "leaderboard.admission",
    "check_claim": "leaderboard.admission",
    "compare_stores": "leaderboard.compare",
    "find_standing": "leaderboard.standing",
    "judge_claims": "leaderboard.verdicts",
    "publish_results": "leaderboard.publish",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
