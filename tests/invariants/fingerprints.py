"""Fingerprints of what the components compute, kept with the version that computed it.

A result's key holds the versions of simulators, methods and harness, so that a change of what one of
them computes must raise its VERSION: otherwise stored results would pass for those of the new code.
``fingerprints.json`` holds a few numbers of every family, of every method that trains nothing and of the
harness. Run this file to write it anew; a component whose outputs changed at an unchanged version is
refused. (Delete the file to start over before any results are published.)
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness_corpus import PairMethod, make_corpus, make_log

from benchmark.runs.provenance import component_versions

FILE = Path(__file__).with_name("fingerprints.json")
COMMAND = "python tests/invariants/fingerprints.py"
# Other processors and library versions round and sum in another order; a change of method moves more.
RELATIVE, DIGITS = 1e-3, 8
SEASON, ROWS, SHOWN = "fingerprint", 64, 6
RESTS_ON = {
    "simulators": ("simulators",),
    "benchmark.harness": ("benchmark.harness",),
    "methods": ("methods", "benchmark.harness"),
}
Outputs = dict[str, Any]


def describe_simulators() -> Outputs:
    """Truth, first rows and texts of every family at its defaults."""
    import simulators
    from benchmark.contract import Streams

    found: Outputs = {}
    for card in simulators.list_families():
        world = simulators.build(card.name, {}, Streams(SEASON, card.name, 0))
        drawn = world.draw(ROWS)
        texts = [name for name in ("text", "chosen", "first") if drawn.log.has(name)]
        found |= {
            f"{card.name}/effects": numbers(world.truth.effects),
            f"{card.name}/naive": numbers(world.truth.naive_effects),
            f"{card.name}/rewards": numbers(drawn.truth["reward"].to_numpy()[:SHOWN]),
            f"{card.name}/texts": digest(drawn.log.strings(texts[0])),
        }
        if drawn.log.has("outcome"):
            found[f"{card.name}/outcomes"] = numbers(drawn.log.outcomes[:SHOWN])
    return found


def describe_methods() -> Outputs:
    """Rewards that every method which trains nothing gives to a few texts of a toy log."""
    from methods import list_methods, load
    from methods.checks.harness import EncodingHarness
    from methods.checks.subject import Subject

    found: Outputs = {}
    for method in (*list_methods(), load("ceiling")):
        subject = Subject(method, EncodingHarness)
        for kind in subject.kinds:
            if not method.tags.policy:
                fitted = fit_at_once(method, subject.log(kind))
                if fitted is not None:
                    found[f"{method.name}/{kind}"] = numbers(subject.ask(fitted, np.arange(SHOWN)))
    return found


def fit_at_once(method: Any, log: Any) -> Any:
    """The fit of a method, or None if it asks the harness to train something."""
    from methods.checks.harness import EncodingHarness

    try:
        fitting = method.fit(log, EncodingHarness())
        if not hasattr(fitting, "send"):
            return fitting
        next(fitting)
        fitting.close()
    except StopIteration as done:
        return done.value
    except AttributeError as error:
        if not isinstance(error.obj, EncodingHarness):  # the light harness has no models to train
            raise
    return None


def describe_harness() -> Outputs:
    """Encodings, a short pretraining, its samples, and one small training of a policy and of a head."""
    from benchmark.contract import Budget
    from benchmark.harness import Harness, drive
    from benchmark.harness.decoder.pretrain import pretrain

    corpus = make_corpus(400)
    backbone = pretrain(
        corpus.prompts, corpus.texts, corpus.vocabulary, steps=6, batch_size=32, width=16, heads=2
    )
    harness = Harness(backbone, Budget(steps=4, batch_size=8, samples=64), ("fingerprint",))
    some = corpus.prompts[:SHOWN], corpus.texts[:SHOWN]
    weights = harness.policy().weights
    found: Outputs = {
        "encodings": numbers(harness.encode(*some).sum(axis=0)[:SHOWN]),
        "weights": numbers(np.asarray(weights.detach().cpu()).ravel()[:SHOWN]),
        "pretraining": numbers([backbone.report["held_out_nats"]]),
    }
    for name in ("policy", "head"):
        fitted: Any = drive(PairMethod(name), [(make_log(60, 1), harness)])[0]
        found[f"{name}/rewards"] = numbers(fitted.reward(*some))
        if hasattr(fitted, "sample"):
            found[f"{name}/samples"] = digest(np.ravel(fitted.sample(corpus.prompts[:2], 4)))
    return found


DESCRIBE: dict[str, Callable[[], Outputs]] = {
    "simulators": describe_simulators,
    "benchmark.harness": describe_harness,
    "methods": describe_methods,
}


def numbers(values: Any) -> list[float | None]:
    """Numbers as JSON keeps them."""
    return [
        float(f"{v:.{DIGITS}g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=float).ravel()
    ]


def digest(texts: Any) -> str:
    """A short digest of texts."""
    return hashlib.sha256("\n".join(map(str, texts)).encode()).hexdigest()[:16]


def is_same(stored: Any, now: Any) -> bool:
    """Whether outputs agree, numbers up to rounding."""
    if isinstance(stored, str) or isinstance(now, str) or len(stored) != len(now):
        return stored == now
    first, second = (np.array(values, dtype=float) for values in (stored, now))
    scale = float(np.nanmax(np.abs(first), initial=0.0))
    return bool(np.allclose(first, second, rtol=RELATIVE, atol=RELATIVE * scale + 1e-9, equal_nan=True))


def read() -> dict[str, Any]:
    """The stored fingerprints."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def versions_of(component: str) -> dict[str, str]:
    """Versions that a component's outputs follow from: its own, and those of what it trains on."""
    return {part: component_versions()[part] for part in RESTS_ON[component]}


def find_changes(component: str, now: Outputs) -> tuple[list[str], list[str]]:
    """Outputs that changed though no version was raised, and outputs stored or made but not both."""
    stored = read().get(component, {"versions": {}, "outputs": {}})
    if stored["versions"] != versions_of(component):
        return [], sorted(now)
    before = stored["outputs"]
    changed = [name for name in sorted({*before} & {*now}) if not is_same(before[name], now[name])]
    return changed, sorted({*before} ^ {*now})


def main() -> int:
    """Write the fingerprints of every component; 1 if a version must be raised first."""
    stored, refused = read(), 0
    for component, describe in DESCRIBE.items():
        now = describe()
        changed, _ = find_changes(component, now)
        if changed and component in stored:
            refused += 1
            sys.stderr.write(f"{component}: outputs changed, raise its VERSION: {', '.join(changed)}\n")
            continue
        stored[component] = {"versions": versions_of(component), "outputs": now}
    lines = json.dumps(stored, indent=1, sort_keys=True)
    FILE.write_text(lines + "\n", encoding="utf-8")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
