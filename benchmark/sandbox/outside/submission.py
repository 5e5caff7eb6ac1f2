"""A submitted file: read as text here, named and tagged by a process in the sandbox, never imported."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.contract import ContractError, Tags, UsageError
from benchmark.contract.method import TRACKS
from benchmark.contract.roles import LOG_KINDS
from benchmark.sandbox.outside.cell import Sandbox

MAX_SOURCE_BYTES = 256 * 1024
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
RESERVED = frozenset(
    {"naive", "ceiling", "constant", "random", "copy-naive", "twin", "truth", "oracle", "dpo-true-labels"}
)
RESERVED_START = ("canary-", "naive-", "ceiling-")
# A submission is a contender; these tags are the board's to give.
WITHHELD = ("canary",)


@dataclass(frozen=True, eq=False)
class Submission:
    """A file that defines one method.

    Attributes:
        name: The method's name.
        tags: What it takes and claims.
        source: The file's bytes.
    """

    name: str
    tags: Tags
    source: bytes

    @property
    def sha256(self) -> str:
        """Digest of the file, which identifies the submission."""
        return hashlib.sha256(self.source).hexdigest()


def read_source(path: str | Path) -> bytes:
    """The bytes of a submitted file, checked to be Python of a reasonable size.

    Raises:
        UsageError: If it is missing, too large, not UTF-8 or not Python.
    """
    path = Path(path)
    expected = f"one Python file of at most {MAX_SOURCE_BYTES // 1024} KiB"
    try:
        with path.open("rb") as file:
            source = file.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}", expected=expected, found=error) from error
    if len(source) > MAX_SOURCE_BYTES:
        raise UsageError(
            f"{path.name} is too large",
            expected=expected,
            found=f"{path.stat().st_size // 1024} KiB",
            fix="train on the log instead of shipping parameters",
        )
    try:
        ast.parse(source.decode("utf-8"), path.name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{path.name} is not Python", expected=expected, found=error) from error
    return source


def read_submission(path: str | Path, sandbox: Sandbox, taken: Collection[str] = ()) -> Submission:
    """A submission, named by its own code inside the sandbox.

    Args:
        path: The file.
        sandbox: Where its top level runs.
        taken: Names of existing methods.

    Raises:
        UsageError: If the file cannot be read, or its name is malformed or taken.
        ContractError: If loading it fails, or its tags are malformed.
    """
    source = read_source(path)
    described = sandbox.describe(source)
    if described.status != "ok":
        raise ContractError(
            f"{Path(path).name} does not load in the sandbox",
            expected="METHOD = YourMethod() at module level, importing installed packages, "
            "benchmark.contract, benchmark.harness or methods",
            found=described.reason,
            fix=f"run `confoundbench check {path}`",
        )
    name = check_name(described.fields.get("name"), taken)
    return Submission(name, rebuild_tags(described.fields.get("tags")), source)


def check_name(name: Any, taken: Collection[str] = ()) -> str:
    """A method's name, checked for form and collisions."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UsageError(
            "the method's name cannot be used",
            expected="2 to 64 lower-case letters, digits, dots, dashes or underscores",
            found=repr(name)[:80],
        )
    if name in RESERVED or name in taken or name.startswith(RESERVED_START):
        raise UsageError(
            f"the name {name!r} is taken",
            expected="a name that no method of the catalogue and no control has",
            found=name,
            fix=f"rename it, for instance to {'my-' + name!r}",
        )
    return name


def list_catalogue_names() -> frozenset[str]:
    """Names of the repository's methods, which no submission may take."""
    from methods import list_methods

    return frozenset(method.name for method in list_methods())


def digest_code(source: bytes, name: str) -> str:
    """A digest of what a file does: equal for files that differ in comments and in their name alone.

    Args:
        source: The file, as ``read_source`` accepts it.
        name: The name of its method, wherever it stands as a text.

    Raises:
        UsageError: If it is not Python.
    """
    try:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [part for part in body if not _is_remark(part)]  # type: ignore[attr-defined]
            if isinstance(node, ast.Constant) and node.value == name:
                node.value = ""
        return hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).hexdigest()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError("the submitted file is not Python", found=str(error)[:200]) from error


def _is_remark(part: ast.AST) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)


def list_tags(tags: Tags) -> dict[str, Any]:
    """Tags as plain data; ``rebuild_tags`` reads them back."""
    return {name: sorted(v) if isinstance(v, frozenset) else v for name, v in asdict(tags).items()}


def rebuild_tags(plain: Any) -> Tags:
    """Tags from plain data that came out of the sandbox.

    Raises:
        ContractError: If a field is unknown or of the wrong type.
    """
    defaults = Tags()
    known = {field.name: getattr(defaults, field.name) for field in fields(Tags)}
    if not isinstance(plain, Mapping) or set(plain) - set(known):
        raise ContractError("malformed tags", expected=", ".join(known), found=repr(plain)[:200])
    values: dict[str, Any] = {}
    for name, value in plain.items():
        if isinstance(known[name], frozenset):
            good = isinstance(value, list) and all(isinstance(item, str) for item in value)
            values[name] = frozenset(value) if good else None
        else:
            good = isinstance(value, type(known[name]))
            values[name] = value
        if not good:
            raise ContractError(
                f"the tag {name!r} has the wrong type",
                expected=type(known[name]).__name__,
                found=repr(value)[:80],
            )
    tags = Tags(**{name: value for name, value in values.items() if name not in WITHHELD})
    if tags.track not in TRACKS or not tags.kinds <= set(LOG_KINDS):
        raise ContractError(
            "the tags name an unknown track or kind of log",
            expected=f"track in {', '.join(TRACKS)}; kinds in {', '.join(LOG_KINDS)}",
            found=f"{tags.track}; {', '.join(sorted(tags.kinds))}",
        )
    return tags
