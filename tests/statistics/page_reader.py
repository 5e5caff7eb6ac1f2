"""Reads a page as a browser does: what is open, which ids there are, where links lead, what is said."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """A page that was read; ``open`` is empty where every tag was closed in order.

    Attributes:
        open: Tags that are still open.
        ids: Every id, in order.
        links: Where links lead.
        loaded: What is loaded to show the page.
        tags: Every tag.
        text: What is said.
    """

    VOID = ("meta", "br", "img", "link", "input", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    @classmethod
    def read(cls, path: Path) -> Page:
        return cls(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"]] if values.get("id") else []
        self.links += [values["href"]] if tag == "a" and values.get("href") else []
        self.loaded += [values[k] for k in ("src", "href") if tag != "a" and values.get(k)]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
