"""Real randomised experiments as worlds: the log is confounded on purpose, the rest is the truth."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulators.experiments.corpus import CorpusWorld, make_corpus_world
    from simulators.experiments.generated import make_generated_world
    from simulators.experiments.thinning import Thinning
    from simulators.experiments.trial import Columns

_HOMES = {
    "Columns": "trial",
    "CorpusWorld": "corpus",
    "Thinning": "thinning",
    "make_corpus_world": "corpus",
    "make_generated_world": "generated",
}

__all__ = ["Columns", "CorpusWorld", "Thinning", "make_corpus_world", "make_generated_world"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simulators.experiments' has no attribute {name!r}")
    return getattr(import_module(f"simulators.experiments.{_HOMES[name]}"), name)
