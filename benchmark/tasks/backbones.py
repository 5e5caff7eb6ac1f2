"""What a run trains on, as text: ``tiny``, ``loglinear``, ``smollm2-135m[lora=8]``, a folder or a Hub id.

A backbone is a policy and an encoder of texts; either may be swapped. This part names
them, hashes what they are made from, and writes and reads the folder of a finished one.
It draws no texts: whoever prepares a backbone hands them in.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract import UsageError, unknown_name
from benchmark.contract.files import make_once

TINY, LOGLINEAR = "tiny", "loglinear"
WORDS, STATES, ATTRIBUTES = "words", "states", "attributes"
MADE_HERE = (TINY, LOGLINEAR, WORDS, STATES, ATTRIBUTES)
"""Policies and encoders that are made from a domain's texts, not found in files."""
MODELS_FOLDER = "models"
ENCODER_TEXTS = 1000
_PATTERN = re.compile(r"^\s*([^\[\]\s]+)\s*(?:\[(.*)\])?\s*$")


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone and its options.

    Attributes:
        name: ``"tiny"``, ``"loglinear"``, a packaged model, a folder or a Hub id.
        encoder: Features for reward heads and log-linear policies: ``"words"`` (counts), ``"states"`` (of the
            tiny decoder), ``"attributes"`` (the oracle), or a sentence encoder by name, folder or id.
        lora: Rank of the adapters; 0 trains all weights.
        checkpoint: Rows whose activations are held at a time in training; 0 holds all.
        chat: Whether prompts go through the chat template; None where there is one.
        longest: Most tokens a sampled text may have.
        rate: Default step size, or None for the harness's.
        adapt: Steps of training on the domain's texts before anything else; 0 leaves the model as it comes.
        budget: What the suite's steps of training are multiplied by, to see what the budget costs. It is a
            part of the name so that fits with different budgets are never ranked together.
    """

    name: str = TINY
    encoder: str = WORDS
    lora: int = 8
    checkpoint: int = 0
    chat: bool | None = None
    longest: int = 64
    rate: float | None = None
    adapt: int = 0
    budget: int = 1

    def __str__(self) -> str:
        """The shortest text that is read back as this."""
        options = [
            f"{f.name}={str(value).lower() if isinstance(value, bool) else value}"
            for f in fields(self)[1:]
            if (value := getattr(self, f.name)) != f.default
        ]
        return f"{self.name}[{','.join(options)}]" if options else self.name

    @property
    def plain(self) -> bool:
        """Whether this is the tiny decoder as it comes."""
        return replace(self, budget=1) == BackboneSpec()

    @property
    def light(self) -> bool:
        """Whether nothing is pretrained to make it."""
        return self.name == LOGLINEAR and not self.needs_tiny

    @property
    def large(self) -> bool:
        """Whether its policy is a pretrained language model."""
        return self.name not in MADE_HERE

    @property
    def needs_tiny(self) -> bool:
        """Whether the domain's tiny decoder is a part of it."""
        return not self.plain and (self.name == TINY or self.encoder == STATES)

    @property
    def contained(self) -> bool:
        """Whether its folder holds all of it and nothing that methods may not know: what a sandbox is given.

        The oracle encoder is for reference rows; it is never given to a submission.
        """
        return self.name in (TINY, LOGLINEAR) and self.encoder == WORDS and self.budget == 1

    @cached_property
    def sources(self) -> dict[str, Path]:
        """Files of the pretrained parts: "policy" and "encoder", where they are not made here.

        Raises:
            UsageError: If one is nowhere to be found.
        """
        from benchmark.harness.hf.sources import find_source

        named = {"policy": self.name, "encoder": self.encoder}
        return {part: find_source(name) for part, name in named.items() if name not in MADE_HERE}

    def describe(self) -> dict[str, Any]:
        """Everything about it that could change results, as plain data; contents, not places."""
        from benchmark.harness.hf.sources import hash_source

        digests = {part: hash_source(source) for part, source in self.sources.items()}
        if self.encoder in (STATES, ATTRIBUTES):
            digests["encoder"] = self.encoder
        options: dict[str, Any] = {
            "longest": self.longest,
            "rate": self.rate,
            "chat": self.chat,
            "lora": self.lora,
        }
        if self.adapt:
            from benchmark.harness.hf.adapt import describe_recipe

            options["adapt"] = describe_recipe(self.adapt)
        return digests | (options if "policy" in digests else {})


def parse_backbone(text: str) -> BackboneSpec:
    """Read ``NAME`` or ``NAME[OPTION=VALUE,...]``.

    Raises:
        UsageError: If it is malformed, or an option is unknown, bad or means nothing here.
    """
    match = _PATTERN.match(text)
    if match is None:
        raise UsageError(
            "cannot read the backbone", expected="NAME or NAME[OPTION=VALUE,...]", found=repr(text)
        )
    name, inside = match.groups()
    _check_name(name)
    known = ("encoder", "budget") if name in MADE_HERE else tuple(f.name for f in fields(BackboneSpec)[1:])
    values: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in (inside or "").split(","))):
        option, _, value = (s.strip() for s in part.partition("="))
        if option not in known:
            raise unknown_name(f"option of backbone {name}", option, known)
        values[option] = _read_option(option, value)
    return BackboneSpec(name, **values)


def _check_name(name: str) -> None:
    from benchmark.harness.hf.sources import PACKAGES

    known = (TINY, LOGLINEAR, *PACKAGES)
    if name not in known and "/" not in name and not Path(name).expanduser().is_dir():
        error = unknown_name("backbone", name, known)
        raise UsageError(
            error.what, expected=f"{error.expected}, a folder, or a Hub id", found=error.found, fix=error.fix
        )


def _read_option(option: str, value: str) -> Any:
    try:
        if option == "encoder" and value:
            return value
        if option == "chat":
            return {"true": True, "false": False}[value.lower()]
        if option == "rate" and 0 < float(value) < float("inf"):
            return float(value)
        whole = ("lora", "checkpoint", "longest", "adapt", "budget")
        if option in whole and int(value) >= (option in ("longest", "budget")):
            return int(value)
    except (ValueError, KeyError):
        pass
    raise UsageError(
        f"bad value for the backbone's {option}",
        expected="lora, checkpoint and adapt: an integer of at least 0; longest and budget: of at least 1; "
        "chat: true or false; rate: a number above 0; encoder: a name",
        found=repr(value),
    )


@dataclass(frozen=True, eq=False)
class Corpus:
    """What backbones of a domain are made from; it bears no outcome.

    Attributes:
        domain: Name of the domain.
        prompts: Shape (n,), object dtype.
        texts: Shape (n,), object dtype: draws from the reference law.
        vocabulary: Words of the domain.
        topics: Prompts of one topic ask for the same texts, shape (n,).
    """

    domain: str
    prompts: np.ndarray
    texts: np.ndarray
    vocabulary: tuple[str, ...]
    topics: np.ndarray


def write_backbone(spec: BackboneSpec, folder: Path, corpus: Corpus, tiny: Path | None = None) -> None:
    """Write a backbone that is not plain into a folder: where its network lies, and its fitted encoder.

    Args:
        spec: The backbone.
        folder: An empty folder beside the other backbones; converted models are kept beside it too.
        corpus: The domain's pretraining corpus.
        tiny: Folder of the domain's tiny backbone, where that is a part.

    Raises:
        UsageError: If a pretrained part cannot be found or read.
    """
    from benchmark.harness.saved import SETTINGS_FILE

    models = folder.parent / MODELS_FOLDER
    encoder = _fit_encoder(spec, models, corpus, tiny)
    policy: dict[str, Any]
    if spec.name == TINY:
        assert tiny is not None
        policy = {"kind": TINY, "folder": str(tiny.resolve())}
    elif spec.name == LOGLINEAR:
        from benchmark.harness.loglinear.backbone import LogLinearBackbone
        from benchmark.harness.loglinear.pools import Pools

        pools = Pools.draw(corpus.prompts, corpus.texts, corpus.topics)
        LogLinearBackbone.fit(pools, _load_encoder(encoder)).save(folder)
        policy = {"kind": LOGLINEAR}
    else:
        policy = _describe_network(spec, models, corpus)
    content = {"policy": policy, "encoder": encoder}
    (folder / SETTINGS_FILE).write_text(json.dumps(content), encoding="utf-8")


def _describe_network(spec: BackboneSpec, models: Path, corpus: Corpus) -> dict[str, Any]:
    from benchmark.harness.hf.sources import hash_source

    network = _ready_policy(spec, models, corpus.prompts, corpus.texts)
    return {
        "kind": "hf",
        "folder": str(network.resolve()),
        "digest": hash_source(network if spec.adapt else spec.sources["policy"]),
        "options": {
            "lora_rank": spec.lora,
            "checkpoint": spec.checkpoint,
            "chat": spec.chat,
            "longest": spec.longest,
            "learning_rate": spec.rate,
        },
    }


def _ready_policy(spec: BackboneSpec, models: Path, prompts: np.ndarray, texts: np.ndarray) -> Path:
    """Folder of the network; adapted ones are kept by what they are made from, for any other options."""
    from benchmark.harness.hf.sources import hash_source, is_model, ready_model

    source = spec.sources["policy"]
    network = ready_model(source, models)
    if not spec.adapt:
        return network
    from benchmark.harness.cache import digest_strings
    from benchmark.harness.hf.adapt import adapt_model, describe_recipe

    made_from = (hash_source(source), digest_strings(prompts, texts), describe_recipe(spec.adapt), spec.chat)
    key = hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]
    return make_once(
        models / f"adapted-{key}",
        lambda folder: adapt_model(network, folder, prompts, texts, steps=spec.adapt, chat=spec.chat),
        is_model,
    )


def _fit_encoder(spec: BackboneSpec, models: Path, corpus: Corpus, tiny: Path | None) -> dict[str, Any]:
    prompts, texts = corpus.prompts, corpus.texts
    if spec.encoder == WORDS:
        from benchmark.harness import TextEncoder, Tokenizer

        tokenizer = Tokenizer.of(corpus.vocabulary, prompts, texts)
        words = TextEncoder.fit(tokenizer, prompts, texts)
        return {"kind": WORDS, "words": list(tokenizer.words), **words.as_dict()}
    if spec.encoder == STATES:
        assert tiny is not None
        return {"kind": STATES, "folder": str(tiny.resolve())}
    if spec.encoder == ATTRIBUTES:
        from benchmark.tasks.attributes import AttributeEncoder

        return {"kind": ATTRIBUTES, **AttributeEncoder.fit(corpus.domain, prompts, texts).as_dict()}
    from benchmark.harness.encoders.sentences import SentenceEncoder
    from benchmark.harness.hf.sources import hash_source, ready_model

    source = spec.sources["encoder"]
    few = slice(None, ENCODER_TEXTS)
    sentences = SentenceEncoder.fit(
        ready_model(source, models).resolve(), hash_source(source), prompts[few], texts[few]
    )
    return {"kind": "sentences", **sentences.as_dict()}


def is_complete(folder: Path) -> bool:
    """Whether the networks that a folder written by ``write_backbone`` points to are still there."""
    from benchmark.harness.saved import read_settings

    try:
        settings = read_settings(folder) or {}
        parts = [settings["policy"], settings["encoder"]]
    except (OSError, ValueError, KeyError):
        return False
    return all(Path(part["folder"]).is_dir() for part in parts if "folder" in part)


def load_backbone(folder: Path) -> Any:
    """The backbone of a folder, tiny or not, under the oracle encoder where it was made with that.

    Raises:
        UsageError: If it or its network cannot be read.
    """
    from benchmark.harness.saved import load_saved

    return load_saved(folder, {ATTRIBUTES: _load_attributes})


def _load_encoder(data: dict[str, Any]) -> Any:
    from benchmark.harness.saved import load_encoder

    return load_encoder(data, {ATTRIBUTES: _load_attributes})


def _load_attributes(data: dict[str, Any]) -> Any:
    from benchmark.tasks.attributes import AttributeEncoder

    return AttributeEncoder.from_dict(data)
