"""The texts that a reward likes most, with what the truth says of them, for readers of a record."""

from __future__ import annotations

import json

import numpy as np

from benchmark.scoring.score import AnswerKey

TEXTS = 5
LONGEST = 240


def describe_favourites(reward: np.ndarray, key: AnswerKey, texts: int = TEXTS) -> str:
    """The reference texts of the first prompt that a reward likes most, as JSON.

    Args:
        reward: A method's reward of each item, shape (n,).
        key: The answer key of the items.
        texts: How many different texts are described.

    Returns:
        ``{"prompt": p, "texts": [[text, share], ...]}``, best liked first. The share, in [0, 1], is that of
        the prompt's reference texts which are truly worse, where ties count half: 1 is the best text and .5
        a middling one. Empty where no reference texts are asked about.
    """
    pools = key.queries.pools
    if not pools.size:
        return ""
    pool, true = pools[0], key.pool_reward[0]
    written = key.queries.texts[pool]
    chosen: dict[str, int] = {}
    for place in np.argsort(-reward[pool], kind="stable"):
        chosen.setdefault(str(written[place]), int(place))
        if len(chosen) == texts:
            break
    found = [
        [text[:LONGEST], round(float((true < true[i]).mean() + (true == true[i]).mean() / 2), 3)]
        for text, i in chosen.items()
    ]
    return json.dumps({"prompt": str(key.queries.generate[0])[:LONGEST], "texts": found}, ensure_ascii=False)
