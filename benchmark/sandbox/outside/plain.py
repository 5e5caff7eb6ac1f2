"""No isolation: the same runner in an ordinary process, for people who trust the file they run.

Only ever chosen by name and stamped into every record. Limits and the message channel are
the same; the file system, the network and other processes are all within reach.
"""

from __future__ import annotations

from pathlib import Path

from benchmark.sandbox.outside.bubblewrap import inner_environment, runner_command
from benchmark.sandbox.outside.layout import OUR_FOLDER, SITE_FOLDER, Layout

LAYERS = ("rlimits", "memory-watch", "thread-watch")


def build_command(
    layout: Layout, inputs: Path, scratch: Path, socket: int
) -> tuple[list[str], dict[str, str]]:
    """The command and its environment.

    Args:
        layout: What the sandbox would have shown; here a folder of links to the same places.
        inputs: Folder of this cell's input.
        scratch: Empty folder for links, home and temporary files.
        socket: The inherited channel.
    """
    for outside, inside in layout.binds:
        if inside.startswith((OUR_FOLDER, SITE_FOLDER)):
            link = scratch / inside.lstrip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(outside)
    search_path = tuple(str(scratch / place.lstrip("/")) for place in layout.search_path)
    home = {"HOME": str(scratch), "TMPDIR": str(scratch)}
    return runner_command(layout.python, search_path, socket, str(inputs)), inner_environment() | home
