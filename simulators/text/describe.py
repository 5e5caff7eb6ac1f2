"""The page on the domains, written from the domains themselves.

``python -m simulators.text.describe`` writes the sections on grammars anew and keeps those on pools of
texts, which need a table or a model; ``python -m simulators.text.describe NAME LOG.parquet`` draws the
examples of one of these anew from a log that was simulated.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmark.contract.seeding import make_rng
from simulators.text import list_domains, load_domain, name_domain
from simulators.text.briefs import FreshBriefs
from simulators.text.domain import GrammarDomain
from simulators.text.slots import AttributeSlot

PAGE = Path("docs/domains.md")
POOLS = ("corpus", "generated")

INTRODUCTION = """# Domains

A domain says which texts exist. The domains on this page are grammars. A text is a sequence of slots.
Each attribute belongs to a slot and decides whether one of its *on* phrases or one of its *off* phrases is
written; all paraphrases of a side are equally likely. The probability of every text is therefore known
exactly, and a text's attributes can be read from its words. Texts of one domain differ in length by design.

Two more kinds of domain contain a fixed set of texts. `simulators.text.corpus.make_corpus` makes a domain of
a table of real texts that were randomised against each other; regular expressions read the attributes.
`simulators.text.generated.make_generated` makes a domain of texts that a language model wrote.

This page is written by `python -m simulators.text.describe`; the example texts are random draws (in the
grammars every attribute vector that the domain allows is equally likely).
"""


def draw_examples(domain: GrammarDomain, n: int) -> list[str]:
    """Random texts of a domain, all attribute vectors it allows being equally likely."""
    rng = make_rng("describe", domain.name)
    prompt_ids = rng.integers(len(domain.prompts), size=n)
    if domain.support is None:
        attributes = rng.integers(0, 2, size=(n, len(domain.attributes)))
    else:
        attributes = np.array(domain.support)[rng.integers(len(domain.support), size=n)]
    return domain.realise(attributes, prompt_ids, rng).to_pylist()


def describe_domain(domain: GrammarDomain, n: int = 20) -> str:
    """One section of the page, in markdown."""
    slots = [slot for slot in domain.slots if isinstance(slot, AttributeSlot)]
    rows = [
        f"| `{s.name}` | {s.on[0]} | {s.off[0] or '(nothing)'} | {len(s.on)} / {len(s.off)} |" for s in slots
    ]
    return "\n".join(
        [
            f"## {domain.name}",
            "",
            domain.situation,
            f"{len(domain.attributes)} attributes, {len(domain.vocabulary)} different words,"
            f" at most {domain.width} words a text.",
            "",
            "Prompts: " + " ".join(f"*{prompt}*" for prompt in domain.prompts),
            "",
            "| attribute | on, for example | off, for example | paraphrases |",
            "|---|---|---|---|",
            *rows,
            "",
            *(f"{i}. {text}" for i, text in enumerate(draw_examples(domain, n), start=1)),
            "",
        ]
    )


def describe_briefs(name: str, n: int = 10) -> str:
    """The part of a domain's section on its briefs, in markdown; empty where it has none."""
    if name_domain(name, "unique") not in list_domains(briefs=True):
        return ""
    domain = load_domain(name_domain(name, "unique"))
    assert isinstance(domain.writer, FreshBriefs)
    briefs = domain.writer.briefs
    rng = make_rng("describe", domain.name)
    prompt_ids = rng.integers(len(domain.prompts), size=n)
    prompts = domain.prompt_writer.write(prompt_ids, domain.prompt_writer.draw_choices(n, rng)).to_pylist()
    attributes = rng.integers(0, 2, size=(n, len(domain.attributes)))
    texts = domain.realise(attributes, prompt_ids, rng).to_pylist()
    features = [slot for slot in briefs.grammar.slots if isinstance(slot, AttributeSlot)]
    return "\n".join(
        [
            f"### Briefs for {name}",
            "",
            f"{briefs.count:.1e} different briefs; of n rows about n^2 / {2 * briefs.count:.1e} repeat one.",
            f"With briefs the domain has {len(domain.vocabulary)} different words.",
            "",
            "Topics: " + ", ".join(topic.rstrip(".") for topic in briefs.topics) + ".",
            "",
            "| feature of the brief | on, for example | off, for example |",
            "|---|---|---|",
            *(f"| `{slot.name}` | {slot.on[0]} | {slot.off[0]} |" for slot in features),
            "",
            "Ten briefs, each with a text written for it:",
            "",
            *(f"{i + 1}. *{prompts[i]}*<br>{texts[i]}" for i in range(n)),
            "",
        ]
    )


def describe_domains() -> str:
    """The page without its sections on pools, in markdown."""
    sections = [
        part
        for name in list_domains()
        for part in (describe_domain(load_domain(name)), describe_briefs(name))
    ]
    return "\n".join([INTRODUCTION, *filter(None, sections)])


def read_pools(page: str) -> dict[str, str]:
    """The sections on pools of texts, by name."""
    sections = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return {name: f"## {name}\n{text}" for name, text in sections if name in POOLS}


def refresh_examples(section: str, texts: list[str], n: int = 20) -> str:
    """A section with examples drawn from some texts in the place of the list at its end."""
    distinct = sorted({text for text in texts if text})
    chosen = make_rng("describe", "pool").permutation(len(distinct))[:n]
    examples = [f"{i}. {distinct[k]}" for i, k in enumerate(chosen, start=1)]
    return re.split(r"^1\. ", section, flags=re.MULTILINE)[0] + "\n".join(examples) + "\n"


def main(arguments: list[str]) -> None:
    """Write the page."""
    pools = read_pools(PAGE.read_text(encoding="utf-8"))
    if arguments:
        name, log = arguments
        texts = pq.read_table(log, columns=["text"]).column("text").to_pylist()
        pools[name] = refresh_examples(pools[name], texts)
    body = [describe_domains(), *(pools[name].rstrip() + "\n" for name in POOLS)]
    PAGE.write_text("\n".join(body), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
