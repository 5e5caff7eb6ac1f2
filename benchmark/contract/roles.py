"""The column names of a log and what each means.

A column's name is its role: a bare name (``outcome``) or a group and a name
(``covariate.weekday``). A method learns what a column is for from here alone.
"""

from __future__ import annotations

TEXT_ROLES = {
    "prompt": "what the writer was asked for",
    "text": "the text that was shown",
    "chosen": "the preferred text of a pair",
    "rejected": "the other text of a pair",
    "first": "best text of a ranking of three",
    "second": "middle text of a ranking of three",
    "third": "worst text of a ranking of three",
}
NUMBER_ROLES = {
    "outcome": "what was measured after the text was shown",
    "unit": "integer id of the person or annotator",
    "time": "when the row was logged, increasing",
    "arm": "integer id of a reusable text",
    "slot": "position in which the text was shown, 0 first",
    "propensity": "P(text | prompt, covariates) under the logging policy",
    "target_propensity": "P(text | prompt) under the interventional text law",
    "observed": "1 where the outcome was recorded, 0 where it is missing",
    "observation_propensity": "P(outcome recorded | row)",
    "randomised": "1 where the text was assigned at random",
    "judge": "score given by an automatic judge",
    "tie": "1 where the two texts of a pair were judged equal",
}
GROUPS = {
    "covariate": "recorded before the text was chosen",
    "proxy": "noisy measurement of something unrecorded",
    "instrument": "moves the text or the confounder, the outcome only through it",
    "context": "what the text is for: an objective or a segment",
    "attribute": "a property of the text, logged as a column",
    "mediator": "recorded after the text was shown",
    "shadow": "moves the outcome, not whether it is recorded",
}
LOG_KINDS = {
    "outcome": ("text", "outcome"),
    "pairs": ("chosen", "rejected"),
    "rankings": ("first", "second", "third"),
}
FEEDBACK_KINDS = ("scalar", "binary", "count", "rating", "preference", "ranking")


def role_of(column: str) -> str | None:
    """The role of a column name (its group, or the bare name), or None if it has none."""
    if column in TEXT_ROLES or column in NUMBER_ROLES:
        return column
    group, dot, name = column.partition(".")
    return group if dot and name and group in GROUPS else None
