"""No two objectives share six copied lines: what they have in common is called, not written again."""

from __future__ import annotations

import io
import tokenize
from collections import defaultdict
from pathlib import Path

import methods.objectives

FOLDER = Path(methods.objectives.__path__[0])
RUN = 6
SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source: str) -> list[str]:
    """Lines of code without white space, comments, docstrings, imports and lone punctuation."""
    lines: dict[int, list[str]] = defaultdict(list)
    opens = True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in SILENT:
            opens = opens or token.type != tokenize.COMMENT
            continue
        if not (opens and token.type == tokenize.STRING):
            lines[token.start[0]].append(token.string)
        opens = False
    kept = ["".join(words) for _, words in sorted(lines.items())]
    return [
        line for line in kept if any(c.isalnum() for c in line) and not line.startswith(("from", "import"))
    ]


def copied_runs(sources: dict[str, str]) -> list[str]:
    """Runs of ``RUN`` lines that stand in two places."""
    places = defaultdict(list)
    for name, source in sources.items():
        lines = code_lines(source)
        for start in range(len(lines) - RUN + 1):
            places[tuple(lines[start : start + RUN])].append(f"{name}, code line {start + 1}")
    return [" and ".join(found) for found in places.values() if len(found) > 1]


def test_no_two_objectives_share_six_lines():
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py"))}
    assert sum(len(code_lines(source)) for source in sources.values()) > 300
    assert copied_runs(sources) == []


def test_a_copy_is_found_whatever_stands_around_it():
    """Another docstring, another comment, another indentation: a copy all the same."""
    body = [f"    value_{k} = scores[{k}] + batch[{k}]\n" for k in range(RUN)]
    first = 'def one(scores, batch):\n    """First."""\n' + "".join(body)
    lines = "".join(f"    {line}        # why {k}\n" for k, line in enumerate(body))
    second = f'class Two:\n    """Second."""\n\n    def two(self, scores, batch):\n{lines}'
    assert len(copied_runs({"one": first, "two": second})) == 1
    assert copied_runs({"one": first, "two": second.replace("value_3", "other")}) == []
