"""Which cells a part of a claim is about, chosen by the parameters in the name of the scenario."""

from __future__ import annotations

import re

import pandas as pd

from leaderboard.claims.model import Value, Where

SETTING = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,\]]*)')


def choose_cells(records: pd.DataFrame, family: str, where: Where) -> pd.DataFrame:
    """The records of a family whose scenarios have some parameters.

    Args:
        records: One row a cell.
        family: Name of the family.
        where: Parameters; see ``leaderboard.claims.model.Part``.
    """
    rows = records[records["family"] == family]
    if not where or not len(rows):
        return rows
    first = rows.drop_duplicates("scenario")
    settings = {
        scenario: {"strength": strength, "n": n} | read_settings(scenario)
        for scenario, strength, n in zip(first["scenario"], first["strength"], first["n"], strict=True)
    }
    fits = {
        scenario: all(name in found and _fits(found[name], value) for name, value in where.items())
        for scenario, found in settings.items()
    }
    return rows[rows["scenario"].map(fits)]


def read_settings(scenario: str) -> dict[str, Value]:
    """The parameters that a scenario's name sets.

    Example:
        >>> read_settings("objective[agreement=0.9,causal_type=true,n=4000]")
        {'agreement': 0.9, 'causal_type': True, 'n': 4000.0}
    """
    return {name: _read(value) for name, value in SETTING.findall(scenario)}


def _read(text: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text.strip('"')


def _fits(found: Value, wanted: Value | tuple[float, float] | tuple[str, ...]) -> bool:
    if not isinstance(wanted, tuple):
        return found == wanted
    if isinstance(wanted[0], str):
        return found in wanted
    return not isinstance(found, str) and wanted[0] <= found <= float(wanted[-1])
