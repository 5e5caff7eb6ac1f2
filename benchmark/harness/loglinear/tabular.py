"""A policy that is a table: the log-linear policy with one indicator for each enumerated text.

Theory lives here: with full batches, training finds the optimum of an objective to
many digits, so closed forms can be checked.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from benchmark.contract import UsageError
from benchmark.harness.encoders.words import TextEncoder
from benchmark.harness.loglinear.backbone import LogLinearBackbone
from benchmark.harness.loglinear.features import OneHot
from benchmark.harness.loglinear.pools import Pools
from benchmark.harness.tokenizer import Tokenizer

RATE, EFFORT = 0.05, (10, 1)


def make_table(
    prompts: np.ndarray, texts: np.ndarray, reference_logits: np.ndarray | None
) -> LogLinearBackbone:
    """A table of texts.

    Args:
        prompts: Distinct prompts, shape (m,).
        texts: Shape (m, t), or (t,) for the same texts under every prompt.
        reference_logits: Shape (m, t); uniform by default.

    Raises:
        UsageError: If shapes disagree or a prompt repeats.
    """
    names = np.array([str(p) for p in prompts], dtype=object)
    table = np.asarray(texts, dtype=object)
    table = np.broadcast_to(table, (len(names), table.shape[-1])) if table.ndim == 1 else table
    if table.shape[0] != len(names) or len(set(names)) != len(names) or not len(names):
        raise UsageError(
            "a tabular harness needs distinct prompts and a row of texts for each",
            expected=f"texts of shape ({len(names)}, t)",
            found=f"{len(set(names))} distinct prompts, texts {table.shape}",
        )
    logits = np.zeros(table.shape) if reference_logits is None else np.asarray(reference_logits, dtype=float)
    if logits.shape != table.shape:
        raise UsageError("reference logits have the wrong shape", expected=table.shape, found=logits.shape)
    table = np.array([[str(text) for text in row] for row in table], dtype=object).reshape(table.shape)
    homes = np.arange(len(names))
    pools = Pools(names, homes, table, log_softmax(logits, axis=1), np.zeros(len(names)))
    # Word counts over the enumerated texts.
    prompts_of, every = np.repeat(names, pools.shape[1]), table.ravel()
    encoder = TextEncoder.fit(Tokenizer.of((), prompts_of, every), prompts_of, every)
    return LogLinearBackbone(pools, OneHot(pools.shape), encoder, RATE, EFFORT)
