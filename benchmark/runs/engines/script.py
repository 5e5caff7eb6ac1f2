"""Finds a script that would start itself again: worker processes import the script that started them."""

from __future__ import annotations

import ast
import multiprocessing
import sys
from pathlib import Path
from types import FrameType

from benchmark.contract import UsageError


def check_script() -> None:
    """Refuse to start processes for a script that does so at its top level.

    Raises:
        UsageError: If this process was started by such a script, or the script that runs here calls without a
            guard.
    """
    restarted = getattr(multiprocessing.current_process(), "_inheriting", False)
    line = None if restarted else _find_call()
    if restarted or line is not None:
        raise UsageError(
            "a script that starts worker processes would be run again by each of them",
            expected='the call under `if __name__ == "__main__":`',
            found="a call at the top level" + (f", line {line}" if line else ""),
            fix="move the call under that line, or pass workers=0",
        )


def _find_call() -> int | None:
    """Line of the main script's statement that led here, unless it asks for its own name; None elsewhere."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if file is None or not file.endswith(".py"):
        return None  # a notebook, a console or a command
    frame: FrameType | None = sys._getframe()
    while frame is not None and not (frame.f_globals is vars(main) and frame.f_code.co_name == "<module>"):
        frame = frame.f_back
    if frame is None:
        return None
    try:
        statements = ast.parse(Path(file).read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return None
    for statement in statements:
        if statement.lineno <= frame.f_lineno <= (statement.end_lineno or statement.lineno):
            return None if _asks_for_name(statement) else frame.f_lineno
    return None


def _asks_for_name(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement.test)
    )
