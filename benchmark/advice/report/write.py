"""Writes a report: one page that needs nothing else, and all of its numbers as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from benchmark.advice.inspection import Inspection
from benchmark.advice.report import figures
from benchmark.advice.worlds.power import Power
from benchmark.advice.worlds.recommend import Recommendation
from benchmark.contract import UsageError
from benchmark.contract.files import write_json, write_whole

TEMPLATES = Path(__file__).parent


def write_report(
    folder: str | Path,
    inspection: Inspection,
    recommendation: Recommendation | None = None,
    power: Power | None = None,
) -> Path:
    """Write ``report.html`` and ``report.json``.

    Args:
        folder: Folder to write to.
        inspection: What the log is like.
        recommendation: Which method to trust on it.
        power: How many rows are needed.

    Returns:
        The page.

    Raises:
        UsageError: If the folder cannot be written to.

    Example:
        >>> import benchmark, tempfile
        >>> log = benchmark.simulate("observed[strength=1]", n=400).log
        >>> found = benchmark.inspect_log(log.table.drop_columns(["propensity", "target_propensity"]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     benchmark.write_report(folder, found).name
        'report.html'
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    drawn = {
        "effects": inspection.disagreement and figures.draw_effects(inspection.disagreement),
        "assignment": inspection.assignment and figures.draw_assignment(inspection.assignment),
        "tilts": inspection.tilts and figures.draw_tilts(inspection.tilts),
        "ranking": recommendation and figures.draw_ranking(recommendation),
        "power": power and figures.draw_power(power),
    }
    page = environment.get_template("page.html").render(
        inspection=inspection,
        recommendation=recommendation,
        power=power,
        figures={name: Markup(svg) if svg else "" for name, svg in drawn.items()},
    )
    numbers: dict[str, Any] = {"inspection": inspection.as_dict()}
    if recommendation is not None:
        numbers["recommendation"] = recommendation.as_dict()
    if power is not None:
        numbers["power"] = power.as_dict()
    place = Path(folder)
    try:
        write_whole(place / "report.html", page.encode())
        write_json(place / "report.json", _finite(numbers))
    except OSError as error:
        raise UsageError(
            f"cannot write to {str(place)!r}", expected="a folder that can be written to", found=error
        ) from error
    return place / "report.html"


def _finite(value: Any) -> Any:
    """Plain data without numbers that JSON cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
