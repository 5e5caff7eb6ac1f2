"""Reward models on real headlines: frozen sentence embeddings against word counts.

The table is the Upworthy Research Archive (Matias, Munger and Aubin Le Quere 2021, CC BY 4.0) or any
table with the same columns: python examples/real_headlines.py upworthy_headlines.csv.gz
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyarrow import csv
from rich.console import Console
from rich.table import Table

import methods
from benchmark.contract import Streams
from benchmark.harness import Failure, Harness, TextEncoder, Tokenizer, drive, predict
from benchmark.harness.encoders.sentences import SentenceEncoder
from benchmark.harness.hf.sources import find_source, hash_source
from benchmark.scoring.score import make_key, score_with_key
from simulators import QuerySizes
from simulators.experiments import Columns, make_corpus_world

COLUMNS = Columns(
    text="headline",
    test=("clickability_test_id", "eyecatcher_id"),
    outcome="clicks",
    weight="impressions",
    covariates=("test_week",),
    exclude="srm_risk_window_derived",
)
ENTRANTS = ("naive", "covariate-regression", "bradley-terry", "ceiling", "canary-random")


@dataclass(frozen=True, eq=False)
class Features:
    """A backbone without a policy: an encoder is all that reward models need."""

    encoder: TextEncoder | SentenceEncoder

    @property
    def hash(self) -> str:
        """Of the encoder."""
        return self.encoder.hash


def compare(path: Path, seeds: int = 3) -> list[tuple[str, str, int, float, float]]:
    """(encoder, method, seed, rho, accuracy) on headlines kept back."""
    table = csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True))
    source = find_source("minilm")
    rows = []
    for seed in range(seeds):
        streams = Streams("real", "corpus", seed)
        world = make_corpus_world(table, COLUMNS, streams, name="upworthy", task="Write a headline.")
        log, twin, queries = world.draw().log, world.draw(data="twin").log, world.queries(QuerySizes())
        key = make_key(queries, world.truth)
        tokenizer = Tokenizer.of((), log.texts)
        encoders = {
            "word counts": TextEncoder.fit(tokenizer, log.prompts, log.texts),
            "sentence embeddings": SentenceEncoder.fit(source, hash_source(source), log.prompts, log.texts),
        }
        for label, encoder in encoders.items():
            harness = Harness(Features(encoder), path=("headlines", str(seed)))
            for name in ENTRANTS:
                given = twin if name == "ceiling" else log
                fitted = drive(methods.load(name), [(given, harness)])[0]
                if isinstance(fitted, Failure):
                    raise SystemExit(f"{name}: {fitted.reason}")
                scores = score_with_key(predict(fitted, queries), key)
                rows.append((label, name, seed, scores["rho"], scores["accuracy"]))
    return rows


def main() -> None:
    """Compare and show."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    rows = compare(Path(sys.argv[1]))
    shown = Table("encoder", "method", "rho", "rho by seed", "pair accuracy")
    for label, name in dict.fromkeys(row[:2] for row in rows):
        found = np.array([row[3:] for row in rows if row[:2] == (label, name)])
        each = " ".join(f"{rho:.3f}" for rho in found[:, 0])
        shown.add_row(label, name, f"{found[:, 0].mean():.3f}", each, f"{found[:, 1].mean():.3f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
