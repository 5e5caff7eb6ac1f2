"""What submitted code may see: an allow-list of files, and proof that nothing of ours that knows is on it.

Shown: shared libraries, the standard library, installed packages other than ours,
``methods``, ``benchmark.contract``, ``benchmark.harness`` and ``benchmark.sandbox.inside``. Never shown:
simulators, results, the leaderboard, the rest of ``benchmark``, the repository, home folders.
"""

from __future__ import annotations

import importlib.util
import os
import site
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmark.contract import InfrastructureError

OURS = ("benchmark", "leaderboard", "methods", "simulators")
STAGED = (
    "benchmark/__init__.py",
    "benchmark/contract",
    "benchmark/harness",
    "benchmark/sandbox/__init__.py",
    "benchmark/sandbox/inside",
    "methods",
)
OUR_FOLDER = "/opt/bench"
SITE_FOLDER = "/opt/site"
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64", "/lib32")
LINKER = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")


@dataclass(frozen=True)
class Layout:
    """The visible file system.

    Attributes:
        binds: (place outside, place inside), read-only.
        links: (target, place inside), symbolic links.
        hidden: Places inside that are covered by an empty folder.
        masked: Files inside that cannot be opened.
        python: The interpreter, outside and inside.
        search_path: What ``sys.path`` gains inside, in order.
    """

    binds: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]
    masked: tuple[str, ...]
    python: str
    search_path: tuple[str, ...]


@cache
def find_layout() -> Layout:
    """The layout of this installation.

    Raises:
        InfrastructureError: If something that must stay hidden lies inside something shown.
    """
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    binds: list[tuple[str, str]] = []
    links: list[tuple[str, str]] = []
    for place in LIBRARIES:
        if os.path.islink(place):
            links.append((os.readlink(place), place))
        elif os.path.isdir(place):
            binds.append((place, place))
    binds += [(place, place) for place in (*LINKER, *_interpreter_files(python)) if os.path.exists(place)]
    sites, search_path = _site_binds()
    staged = [(str(source), f"{OUR_FOLDER}/{inside}") for inside, source in _staged_sources()]
    hidden = _packages_beside_the_library([outside for outside, _ in binds])
    traces = [trace for outside, inside in sites for trace in _traces_of_installation(outside, inside)]
    layout = Layout(
        binds=_drop_nested(binds) + tuple(sites + staged),
        links=tuple(links),
        hidden=(*hidden, *(place for place, is_folder in traces if is_folder)),
        masked=tuple(place for place, is_folder in traces if not is_folder),
        python=python,
        search_path=(OUR_FOLDER, *search_path),
    )
    _check_nothing_leaks(layout)
    return layout


def source_of(package: str) -> Path:
    """Where the source of one of our packages lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InfrastructureError(
            f"the package {package!r} is not installed", fix="install the project: pip install -e ."
        )
    return Path(os.path.realpath(next(iter(spec.submodule_search_locations))))


def _staged_sources() -> list[tuple[str, Path]]:
    return [
        (inside, source_of(inside.partition("/")[0]).parent / inside)
        for inside in STAGED
    ]  # fmt: skip


def _interpreter_files(python: str) -> list[str]:
    library = Path(sysconfig.get_config_var("LIBDIR") or "/nowhere")
    shared = library / (sysconfig.get_config_var("INSTSONAME") or "nothing")
    return [
        python,
        os.path.realpath(sysconfig.get_path("stdlib")),
        os.path.realpath(sysconfig.get_path("platstdlib", vars={"platbase": sys.base_prefix})),
        str(shared),
    ]


def _site_folders() -> list[Path]:
    places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        places.append(site.getusersitepackages())
    real = (Path(os.path.realpath(place)) for place in places)
    return list(dict.fromkeys(place for place in real if place.is_dir()))


def _site_binds() -> tuple[list[tuple[str, str]], list[str]]:
    binds: list[tuple[str, str]] = []
    search_path: list[str] = []
    for index, folder in enumerate(_site_folders()):
        inside = f"{SITE_FOLDER}/{index}"
        search_path.append(inside)
        if not any((folder / name).exists() for name in OURS):
            binds.append((str(folder), inside))
        else:  # installed beside everything else: show each entry but ours
            entries = sorted(entry.name for entry in folder.iterdir())
            shown = [e for e in entries if e not in OURS and not e.startswith("confoundbench")]
            binds += [(str(folder / entry), f"{inside}/{entry}") for entry in shown]
    return binds, search_path


def _traces_of_installation(outside: str, inside: str) -> list[tuple[str, bool]]:
    """What an installer wrote about where our source lies: (place inside, whether it is a folder)."""
    found = [*Path(outside).glob("__editable__*confoundbench*"), *Path(outside).glob("confoundbench*-info")]
    return [(f"{inside}/{path.name}", path.is_dir()) for path in sorted(found)]


def _packages_beside_the_library(shown: list[str]) -> tuple[str, ...]:
    """Package folders inside what is shown: they are bound elsewhere, without our packages."""
    folders = [str(folder) for folder in _site_folders()]
    return tuple(folder for folder in folders if any(_inside(folder, place) for place in shown))


def _drop_nested(binds: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    places = list(dict.fromkeys(binds))
    return tuple(b for b in places if not any(b != o and _inside(b[0], o[0]) for o in places))


def _check_nothing_leaks(layout: Layout) -> None:
    for name in ("simulators", "leaderboard"):
        secret = str(source_of(name))
        for outside, inside in layout.binds:
            exposed = inside + secret.removeprefix(os.path.realpath(outside))
            covered = any(_inside(exposed, cover) for cover in layout.hidden)
            if _inside(secret, os.path.realpath(outside)) and not covered:
                raise InfrastructureError(
                    f"the sandbox would show {name}, which must stay hidden from submitted code",
                    found=f"{secret} lies inside {outside}",
                    fix="move the repository out of the library folders",
                )


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
