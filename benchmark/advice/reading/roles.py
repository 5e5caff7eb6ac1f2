"""Guesses what each column of a table is, says why, and follows the user's corrections."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmark.advice.reading.choices import Choices
from benchmark.advice.reading.profile import (
    BOOLEAN,
    CATEGORY,
    CONSTANT,
    DATE,
    EMPTY,
    IDENTIFIER,
    NUMBER,
    OTHER,
    TEXT,
    Column,
)
from benchmark.contract.errors import UsageError

TEXT_NAMES = (
    r"text|headline|message|subject|title|body|content|copy|response|completion|answer|reply|caption|slogan"
)
PROMPT_NAMES = r"prompt|query|question|brief|instruction|request|context|task"
OUTCOME_NAMES = (
    r"outcomes?|clicks?|clicked|ctr|conversions?|converted|purchased?|purchases|revenue|opened|opens|replied|"
    r"rating|stars?|score|reward|likes?|liked|engagement|upvotes?|dwell|signups?|donation|satisfaction|response"
)
BEFORE_NAMES = r"prev|previous|prior|past|before|lag|last|baseline|pre"
UNIT_NAMES = r"user|customer|person|client|visitor|annotator|respondent|subscriber|reader|unit|member|account"
PROPENSITY_NAMES = r"propensity|logging_prob(ability)?|p_?score|action_prob(ability)?"
PROBABILITY_ROLES = ("target_propensity", "observation_propensity")
FLAG_ROLES = ("observed", "randomised")
COVARIATE, PLACEBO, IGNORED = "covariate", "placebo", "ignored"


@dataclass(frozen=True)
class Role:
    """What a column is taken for.

    Attributes:
        column: Its name.
        role: ``"text"``, ``"outcome"``, ``"prompt"``, ``"covariate"``, ``"instrument"``, ``"propensity"``,
            ``"unit"``, ``"time"``, ``"observed"``, ``"randomised"`` or ``"ignored"``.
        reason: Why, in words.
        placebo: Whether it is an outcome that the text cannot have moved.
    """

    column: str
    role: str
    reason: str
    placebo: bool = False


def guess_roles(columns: Mapping[str, Column], choices: Choices) -> tuple[Role, ...]:
    """The role of every column, in the order of the table.

    Args:
        columns: The columns by name.
        choices: What the user said; it is never overruled.

    Raises:
        UsageError: If no column can be the text or the outcome.
    """
    choices.check(list(columns))
    said = _said(choices)
    found: dict[str, Role] = {name: Role(name, role, "you said so") for name, role in said.items()}
    open_columns = {name: column for name, column in columns.items() if name not in found}
    text = choices.text or _find_text(open_columns)
    if choices.text is None:
        found[text] = Role(text, "text", "it holds the most varied texts")
        open_columns.pop(text)
    if choices.outcome is None:
        outcome, why = _find_outcome(open_columns, set(choices.placebos))
        found[outcome] = Role(outcome, "outcome", why)
        open_columns.pop(outcome)
    taken = {role.role for role in found.values()}
    for name, column in open_columns.items():
        role = _guess(column, taken, choices)
        found[name] = role
        if role.role != COVARIATE:
            taken.add(role.role)
    outcome_name = next(role.column for role in found.values() if role.role == "outcome")
    return tuple(_mark_placebo(found[name], outcome_name, choices) for name in columns)


def _said(choices: Choices) -> dict[str, str]:
    names = {"covariates": COVARIATE, "instruments": "instrument", "placebos": COVARIATE, "ignore": IGNORED}
    return {column: names.get(field, field) for column, field in choices.by_column.items()}


def _mark_placebo(role: Role, outcome: str, choices: Choices) -> Role:
    if role.column in choices.placebos:
        return Role(role.column, COVARIATE, "you said that the text cannot have moved it", True)
    stem = _named(
        f"(?:{BEFORE_NAMES})_?{re.escape(outcome.lower())}|{re.escape(outcome.lower())}_?(?:{BEFORE_NAMES})"
    )
    if role.role == COVARIATE and stem(role.column) and choices.by_column.get(role.column) is None:
        return Role(role.column, COVARIATE, "its name says that it is the outcome from before the text", True)
    return role


def _named(pattern: str) -> Callable[[str], bool]:
    expression = re.compile(rf"(?:^|[^a-z])(?:{pattern})(?:$|[^a-z])")
    return lambda name: bool(expression.search(name.lower()))


def _find_text(columns: Mapping[str, Column]) -> str:
    texts = [c for c in columns.values() if c.kind == TEXT and not _named(PROMPT_NAMES)(c.name)]
    texts = texts or [c for c in columns.values() if c.kind == TEXT]
    texts = texts or [
        c for c in columns.values() if c.kind in (CATEGORY, IDENTIFIER) and _named(TEXT_NAMES)(c.name)
    ]
    if not texts:
        raise UsageError(
            "no column of the table seems to hold texts",
            expected="a column of texts",
            found=", ".join(f"{c.name} ({c.kind})" for c in columns.values()) or "no columns",
            fix="name the column: --text NAME",
        )
    return max(texts, key=lambda c: (_named(TEXT_NAMES)(c.name), c.distinct, c.words)).name


def _find_outcome(columns: Mapping[str, Column], placebos: set[str]) -> tuple[str, str]:
    def fits(column: Column) -> bool:
        two_words = column.kind == CATEGORY and column.distinct == 2
        return column.kind in (NUMBER, BOOLEAN, CONSTANT) or two_words

    candidates = [c for c in columns.values() if fits(c) and c.name not in placebos]
    named = [c for c in candidates if _named(OUTCOME_NAMES)(c.name) and not _named(BEFORE_NAMES)(c.name)]
    if named:
        exact = [c for c in named if c.name.lower() == "outcome"]
        return (exact or named)[0].name, "its name is that of an outcome"
    if len(candidates) == 1:
        return candidates[0].name, "it is the only column that can be an outcome"
    raise UsageError(
        "no column of the table is clearly the outcome",
        expected="a column of numbers with a name such as outcome, clicks, rating or revenue",
        found=", ".join(f"{c.name} ({c.kind})" for c in columns.values()) or "no further column",
        fix="name the column: --outcome NAME",
    )


def _guess(column: Column, taken: set[str], choices: Choices) -> Role:
    name, kind = column.name, column.kind

    def made(role: str, reason: str) -> Role:
        return Role(name, role, reason)

    if kind == EMPTY:
        return made(IGNORED, "it is empty")
    if kind == CONSTANT:
        return made(IGNORED, "it has one value only")
    if kind == OTHER:
        return made(IGNORED, "it holds lists or bytes, which nothing here reads")
    if kind == TEXT:
        if "prompt" not in taken and _named(PROMPT_NAMES)(name):
            return made("prompt", "its name is that of a prompt")
        return made(
            IGNORED, "it is a second text; name it with --prompt if it is what the writer was asked for"
        )
    special = _guess_special(column, taken)
    if special is not None:
        return special
    if kind == IDENTIFIER:
        return made(IGNORED, "almost every row has another value")
    if choices.covariates is not None:
        return made(IGNORED, "you named the covariates, and it is not one")
    if _named(OUTCOME_NAMES)(name) and not _named(BEFORE_NAMES)(name):
        return made(
            IGNORED,
            "it may have been measured after the text was shown; name it with --covariates if it was not",
        )
    if kind == NUMBER and column.distinct == len(column.values) and _is_counter(column.values):
        return made(IGNORED, "it numbers the rows")
    return made(COVARIATE, "nothing says that it came after the text")


def _guess_special(column: Column, taken: set[str]) -> Role | None:
    name, kind = column.name, column.kind
    if "unit" not in taken and _named(rf"(?:{UNIT_NAMES})_?(?:id|number|key)?|(?:id|key)")(name):
        repeated = column.distinct < 0.9 * len(column.values)
        if repeated and (kind in (NUMBER, CATEGORY, IDENTIFIER)) and column.distinct > 20:
            return Role(name, "unit", "its name is that of a person, and its values repeat")
    if "time" not in taken and (kind == DATE or (kind == NUMBER and name.lower() in ("time", "timestamp"))):
        return Role(name, "time", "it holds dates" if kind == DATE else "its name is that of a time")
    if kind in (NUMBER, BOOLEAN):
        values = column.values[~column.missing]
        share = bool(((values > 0) & (values <= 1)).all())
        whole = len(values) == len(column.values)
        if "propensity" not in taken and share and whole and _named(PROPENSITY_NAMES)(name):
            return Role(
                name, "propensity", "its name is that of a propensity, and its values are probabilities"
            )
        if name in PROBABILITY_ROLES and share and whole:
            return Role(name, name, "its name is a role, and its values are probabilities")
        if name in FLAG_ROLES and whole and bool(np.isin(values, (0, 1)).all()):
            return Role(name, name, "its name is a role, and its values are 0 and 1")
    return None


def _is_counter(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return bool(len(steps) and (steps > 0).all() and (values == np.round(values)).all())
