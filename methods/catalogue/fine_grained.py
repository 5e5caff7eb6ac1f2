"""Fine-grained supervision (Xu et al. 2024): evidence for words, from texts that differ in few of them.

The paper has an annotator edit the worse text until it is better. A log holds no edits, so near
duplicates whose outcomes differ are mined instead: a reconstruction, which inherits the log's
confounding unless what orders the pairs is adjusted.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

import numpy as np

from benchmark.contract import Method
from methods.adjust.scored import Scored
from methods.objectives.pairwise import BradleyTerry
from methods.objectives.tokens import TokenEdits
from methods.pairing.near_duplicates import NearDuplicates
from methods.pairing.rules import Pairs
from methods.recipe import Recipe
from methods.rows import make_tags, on_residuals

PAPER = "Xu et al. 2024, arXiv 2406.02756 (reconstruction)"


def mark_edits(scored: Scored, pairs: Pairs) -> dict[str, Any]:
    """Where the words of either side differ from the other's, each of shape (m, longest text + 1).

    All words that came in are marked, but only the first of a run that went out: the text departs there,
    and holding the rest of a phrase against it would unlearn how phrases go on.
    """
    words = [text.split(" ") for text in scored.log.texts]
    width = max(map(len, words)) + 1
    chosen, rejected = np.zeros((2, len(pairs.chosen), width))
    for row, (better, worse) in enumerate(zip(pairs.chosen, pairs.rejected, strict=True)):
        matcher = SequenceMatcher(None, words[worse], words[better], autojunk=False)
        for kind, worse_start, worse_end, better_start, better_end in matcher.get_opcodes():
            if kind != "equal":
                rejected[row, worse_start : min(worse_start + 1, worse_end)] = 1.0
                chosen[row, better_start:better_end] = 1.0
    return {"chosen_edited": chosen, "rejected_edited": rejected}


REWARD = Recipe(
    "token-reward",
    pairing=NearDuplicates(),
    objective=BradleyTerry(),
    model="head",
    tags=make_tags("Near duplicates with differing outcomes teach a reward for each word.", PAPER),
)
SUPERVISION = Recipe(
    "token-supervision",
    pairing=NearDuplicates(),
    objective=TokenEdits(),
    pair_columns=mark_edits,
    tags=make_tags(
        "The better near duplicate's own words become likelier, the other's less likely.", PAPER, policy=True
    ),
)

METHODS: tuple[Method, ...] = (
    REWARD,
    on_residuals(REWARD, "Near duplicates ordered by residual teach a reward for each word."),
    SUPERVISION,
    on_residuals(SUPERVISION, "Token supervision orders near duplicates by residual."),
)
