"""Real randomised experiments as worlds: the log is confounded on purpose, the rest is the truth."""

from simulators.experiments.corpus import CorpusWorld, make_corpus_world
from simulators.experiments.thinning import Thinning
from simulators.experiments.trial import Columns

__all__ = ["Columns", "CorpusWorld", "Thinning", "make_corpus_world"]
