"""``confoundbench leaderboard``, ``compare`` and ``claims``."""

from __future__ import annotations

import typer

from benchmark.commands.output import JSON

app = typer.Typer(help="Build, publish and extend the leaderboard.")


@app.command("build")
def build(as_json: bool = JSON) -> int:
    """Render."""
    raise NotImplementedError


def compare(base: str, head: str, as_json: bool = JSON) -> int:
    """Compare."""
    raise NotImplementedError


def claims(as_json: bool = JSON) -> int:
    """Claims."""
    raise NotImplementedError
