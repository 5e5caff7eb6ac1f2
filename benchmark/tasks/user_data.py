"""User data of a scenario, a table or a model: named by its content, and found again by that name.

``corpus[data=trial.csv]`` is pinned to ``corpus[data=sha256-...]``: equal tables make equal scenarios
wherever they lie, and a changed table makes another one. Where a content lies is noted in the
build folder, by each machine for itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.contract import UsageError
from benchmark.contract.files import write_json
from benchmark.tasks.scenario import Scenario, Value

if TYPE_CHECKING:
    from benchmark.tasks.suite import Suite

PREFIX = "sha256-"
WILD = frozenset("*?")


def build_folder() -> Path:
    """Where what is made is kept: ``$CONFOUNDBENCH_BUILD`` or ``build`` here."""
    return Path(os.environ.get("CONFOUNDBENCH_BUILD", "build"))


# -- scenarios ----------------------------------------------------------------
def pin(scenario: Scenario) -> Scenario:
    """The scenario with the content of files in place of their paths; other scenarios stay as they are.

    Raises:
        UsageError: If a file or model does not exist.
    """
    pinned: dict[str, Value] = {}
    for name, value in scenario.settings:
        place = _places(scenario.family).get(name, "")
        if place != "folder":
            pinned[name] = _pin(str(value), place) if place else value
    return replace(scenario, settings=tuple(sorted(pinned.items())))


def pin_text(text: str) -> str:
    """A scenario as text, pinned; a pattern, or a scenario without user data, stays as it is."""
    if WILD & set(text):
        return text
    scenario = Scenario.parse(text)
    return pin(scenario).id if uses_user_data(scenario) else text


def pin_suite(suite: Suite) -> Suite:
    """The suite with every scenario pinned."""
    pinned = [tuple(map(pin_text, product.scenarios)) for product in suite.cells]
    if pinned == [product.scenarios for product in suite.cells]:
        return suite
    products = zip(suite.cells, pinned, strict=True)
    return suite.model_copy(
        update={"cells": tuple(p.model_copy(update={"scenarios": names}) for p, names in products)}
    )


def name_scenarios(texts: Sequence[str], suite: Suite) -> list[Scenario]:
    """The scenarios that a user named without a pattern.

    A family without its required parameters stands for the suite's scenarios of that family.
    """
    parsed = [Scenario.parse(text).with_rows(suite.n) for text in texts if not WILD & set(text)]
    held = {scenario.family for scenario in suite.scenarios}
    return [scenario for scenario in parsed if scenario.family not in held or not lacks_user_data(scenario)]


def locate(scenario: Scenario) -> dict[str, Value]:
    """The scenario's parameters with paths in the place of contents, as ``simulators.build`` takes them."""
    parameters = scenario.parameters
    for name, place in _places(scenario.family).items():
        value = str(parameters.get(name, _default(scenario.family, name)))
        if place == "folder":
            parameters.setdefault(name, str(build_folder() / "texts"))
        elif place == "model":
            parameters[name] = str(_ready(value))
        elif place == "file" and value.startswith(PREFIX):
            parameters[name] = str(_look_up(value))
    return parameters


def uses_user_data(scenario: Scenario) -> bool:
    """Whether a scenario's worlds are made of a user's table or model."""
    return bool(_places(scenario.family))


def lacks_user_data(scenario: Scenario) -> bool:
    """Whether a required parameter is not set."""
    return any(p.required and p.name not in scenario.parameters for p in _parameters(scenario.family))


def _parameters(family: str) -> tuple[Any, ...]:
    import simulators

    return {card.name: card.parameters for card in simulators.list_families(user_data=True)}.get(family, ())


def _places(family: str) -> dict[str, str]:
    return {parameter.name: parameter.place for parameter in _parameters(family) if parameter.place}


def _default(family: str, name: str) -> Value:
    return next(parameter.default for parameter in _parameters(family) if parameter.name == name)


# -- files and models ---------------------------------------------------------
def _pin(value: str, place: str) -> str:
    if not value or value.startswith(PREFIX):
        return value
    if place == "model":
        return _pin_model(value)
    path = Path(value).expanduser()
    if not path.is_file():
        raise UsageError(
            f"there is no file {value!r}",
            expected="the path of a file",
            found="a folder" if path.is_dir() else "nothing there",
            fix=f"the working directory is {str(Path.cwd())!r}; put a path with commas in double quotes",
        )
    return _note(path.resolve())


def _pin_model(value: str) -> str:
    from benchmark.harness.hf.sources import PACKAGES, find_source, hash_source

    source = find_source(value)  # an unknown name, or a package that is not installed, ends here
    return value if value in PACKAGES else _note(source.resolve(), hash_source(source))


def _ready(value: str) -> Path:
    """The folder of a model that ``transformers`` loads."""
    from benchmark.harness.hf.sources import find_source, ready_model

    source = _look_up(value) if value.startswith(PREFIX) else find_source(value)
    return ready_model(source, build_folder() / "backbones" / "models")


def _note(path: Path, digest: str | None = None) -> str:
    """The name of a content, having noted where it lies."""
    digest = digest or hash_file(path)
    write_json(_where(digest), {"path": str(path)})
    return f"{PREFIX}{digest}"


def _where(digest: str) -> Path:
    return build_folder() / "user-data" / f"{digest}.json"


def _look_up(name: str) -> Path:
    """Where the content of a name lies.

    Raises:
        UsageError: If it was never noted here, is gone, or has changed.
    """
    digest = name.removeprefix(PREFIX)
    try:
        path = Path(json.loads(_where(digest).read_text("utf-8"))["path"])
        now = _hash(path)
    except (OSError, ValueError, KeyError):
        raise UsageError(
            f"no file or model with the content {name} is known here",
            expected=f"a file or model noted in {str(build_folder())!r} by an earlier command",
            found="no note of where it lies",
            fix="name the file by its path once, such as data=trial.csv",
        ) from None
    if now != digest:
        raise UsageError(
            f"{str(path)!r} has changed since the scenario was made",
            expected=name,
            found=now,
            fix="restore the file, or name it by its path: the new content makes another scenario",
        )
    return path


def _hash(path: Path) -> str:
    if path.is_dir():
        from benchmark.harness.hf.sources import hash_source

        return hash_source(path)
    return hash_file(path) if path.is_file() else "nothing there"


def hash_file(path: Path) -> str:
    """A content hash of a file, 16 hex digits."""
    status = path.stat()
    return _hash_file(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash_file(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
