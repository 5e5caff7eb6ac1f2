"""Names, paths and links on the pages exist, and the glossary holds words that the pages use."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"`([^`\n]+)`")
NAME = re.compile(r"(benchmark|simulators|methods|leaderboard)(\.\w+)*")
PLACE = re.compile(r"(benchmark|simulators|methods|leaderboard|tests|docs|examples)/[\w./-]*")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([\w-]+))?\)")
WORDS_AT_MOST = 30
# Written by runs and by benchmarks; a fresh clone has none of it.
WRITTEN_LATER = ("leaderboard/results/gpu",)


def read(page):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def mentions(page, pattern):
    """Inline code of a page, up to a bracket or blank, where it has this form."""
    heads = (re.split(r"[(\[{\s]", code)[0] for code in CODE.findall(read(page)))
    return sorted({head for head in heads if pattern.fullmatch(head)})


def resolve(name):
    """The object that a dotted name stands for: modules as far as they go, then attributes."""
    parts, found = name.split("."), None
    for k, part in enumerate(parts):
        try:
            found = import_module(".".join(parts[: k + 1]))
        except ModuleNotFoundError:
            found = getattr(found, part)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_and_every_path_exists(page):
    missing = []
    for name in mentions(page, NAME):
        try:
            resolve(name)
        except AttributeError as error:
            missing.append(f"{name}: {error}")
    places = (place.rstrip("/") for place in mentions(page, PLACE))
    missing += [place for place in places if place not in WRITTEN_LATER and not (ROOT / place).exists()]
    assert not missing


def test_the_architecture_page_names_code():
    assert len(mentions(ROOT / "docs" / "architecture.md", NAME)) > 50
    assert len(mentions(ROOT / "docs" / "architecture.md", PLACE)) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    broken = []
    for target, heading in LINK.findall(read(page)):
        if target.startswith(("http:", "https:")):
            continue
        goal = page.parent / target
        if not goal.exists() or (heading and heading not in headings(goal)):
            broken.append(f"{target}#{heading}")
    assert not broken


def headings(page):
    """The anchors of a page's headings, as they are made from their text."""
    lines = (line.lstrip("# ") for line in read(page).splitlines() if line.startswith("#"))
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def test_the_glossary_is_short_and_its_words_are_used():
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    words = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", glossary, flags=re.MULTILINE)
    assert 0 < len(words) <= WORDS_AT_MOST
    text = " ".join(
        " ".join(page.read_text("utf-8").lower().split()) for page in PAGES if page.name != "glossary.md"
    )
    assert [word for word, _ in words if word.split(" (")[0].lower() not in text] == []
    assert [sentence for _, sentence in words if not re.fullmatch(r"[A-Z].*[^.]\.", sentence)] == []
