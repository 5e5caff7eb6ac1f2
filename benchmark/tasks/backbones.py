"""What a run trains on, as text: ``tiny``, ``smollm2-135m[lora=8]``, a folder or a Hub id, with options.

A backbone is a policy and an encoder of texts; either may be swapped. This part names
them, hashes what they are made from, and writes and reads the folder of a finished one.
It draws no texts: whoever prepares a backbone hands them in.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.contract import UsageError, unknown_name
from benchmark.contract.files import make_once

TINY, WORDS = "tiny", "words"
SETTINGS_FILE = "reference.json"
MODELS_FOLDER = "models"
ENCODER_TEXTS = 1000
_PATTERN = re.compile(r"^\s*([^\[\]\s]+)\s*(?:\[(.*)\])?\s*$")


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone and its options.

    Attributes:
        name: ``"tiny"``, a packaged model, a folder or a Hub id.
        encoder: Features for reward heads: ``"words"`` (counts), or a sentence encoder by name, folder or id.
        lora: Rank of the adapters; 0 trains all weights.
        checkpoint: Rows whose activations are held at a time in training; 0 holds all.
        chat: Whether prompts go through the chat template; None where there is one.
        longest: Most tokens a sampled text may have.
        rate: Default step size, or None for the harness's.
        adapt: Steps of training on the domain's texts before anything else; 0 leaves the model as it comes.
    """

    name: str = TINY
    encoder: str = WORDS
    lora: int = 8
    checkpoint: int = 0
    chat: bool | None = None
    longest: int = 64
    rate: float | None = None
    adapt: int = 0

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
        return self == BackboneSpec()

    @cached_property
    def sources(self) -> dict[str, Path]:
        """Files of the pretrained parts: "policy" and "encoder", where they are not made here.

        Raises:
            UsageError: If one is nowhere to be found.
        """
        from benchmark.harness.hf.sources import find_source

        named = {"policy": self.name, "encoder": self.encoder}
        return {part: find_source(name) for part, name in named.items() if name not in (TINY, WORDS)}

    def describe(self) -> dict[str, Any]:
        """Everything about it that could change results, as plain data; contents, not places."""
        from benchmark.harness.hf.sources import hash_source

        digests = {part: hash_source(source) for part, source in self.sources.items()}
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
    known = ("encoder",) if name == TINY else tuple(f.name for f in fields(BackboneSpec)[1:])
    values: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in (inside or "").split(","))):
        option, _, value = (s.strip() for s in part.partition("="))
        if option not in known:
            raise unknown_name(f"option of backbone {name}", option, known)
        values[option] = _read_option(option, value)
    return BackboneSpec(name, **values)


def _check_name(name: str) -> None:
    from benchmark.harness.hf.sources import PACKAGES

    known = (TINY, *PACKAGES)
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
        if option in ("lora", "checkpoint", "longest", "adapt") and int(value) >= (option == "longest"):
            return int(value)
    except (ValueError, KeyError):
        pass
    raise UsageError(
        f"bad value for the backbone's {option}",
        expected="lora, checkpoint and adapt: an integer of at least 0; longest: of at least 1; "
        "chat: true or false; rate: a number above 0; encoder: a name",
        found=repr(value),
    )


def write_backbone(
    spec: BackboneSpec,
    folder: Path,
    prompts: np.ndarray,
    texts: np.ndarray,
    vocabulary: tuple[str, ...],
    tiny: Path | None = None,
) -> None:
    """Write a backbone that is not plain into a folder: where its network lies, and its fitted encoder.

    Args:
        spec: The backbone.
        folder: An empty folder beside the other backbones; converted models are kept beside it too.
        prompts: Prompts of the domain's pretraining corpus, shape (n,).
        texts: Its texts, shape (n,).
        vocabulary: Words of the domain.
        tiny: Folder of the domain's tiny backbone, where the policy is that.

    Raises:
        UsageError: If a pretrained part cannot be found or read.
    """
    from benchmark.harness.hf.sources import hash_source

    models = folder.parent / MODELS_FOLDER
    if tiny is not None:
        policy: dict[str, Any] = {"kind": TINY, "folder": str(tiny.resolve())}
    else:
        network = _ready_policy(spec, models, prompts, texts)
        policy = {
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
    encoder = _fit_encoder(spec, models, prompts, texts, vocabulary)
    content = {"policy": policy, "encoder": encoder}
    (folder / SETTINGS_FILE).write_text(json.dumps(content), encoding="utf-8")


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


def _fit_encoder(
    spec: BackboneSpec, models: Path, prompts: np.ndarray, texts: np.ndarray, vocabulary: tuple[str, ...]
) -> dict[str, Any]:
    if spec.encoder == WORDS:
        from benchmark.harness import TextEncoder, Tokenizer

        tokenizer = Tokenizer.of(vocabulary, prompts, texts)
        fitted = TextEncoder.fit(tokenizer, prompts, texts)
        return {"kind": WORDS, "words": list(tokenizer.words), **fitted.as_dict()}
    from benchmark.harness.encoders.sentences import SentenceEncoder
    from benchmark.harness.hf.sources import hash_source, ready_model

    source = spec.sources["encoder"]
    few = slice(None, ENCODER_TEXTS)
    folder = ready_model(source, models).resolve()
    return {
        "kind": "sentences",
        **SentenceEncoder.fit(folder, hash_source(source), prompts[few], texts[few]).as_dict(),
    }


def read_settings(folder: Path) -> dict[str, Any] | None:
    """What ``write_backbone`` wrote, or None where the folder holds a plain tiny backbone."""
    path = folder / SETTINGS_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def is_complete(folder: Path) -> bool:
    """Whether the networks that a folder written by ``write_backbone`` points to are still there."""
    try:
        settings = read_settings(folder) or {}
        parts = [settings["policy"], settings["encoder"]]
    except (OSError, ValueError, KeyError):
        return False
    return all(Path(part["folder"]).is_dir() for part in parts if "folder" in part)


def load_backbone(folder: Path) -> Any:
    """The backbone of a folder, tiny or not.

    Raises:
        UsageError: If it or its network cannot be read.
    """
    from benchmark.harness import Backbone

    settings = read_settings(folder)
    if settings is None:
        return Backbone.load(folder)
    policy, encoder = settings["policy"], _load_encoder(dict(settings["encoder"]))
    if policy["kind"] == TINY:
        from dataclasses import replace

        return replace(Backbone.load(policy["folder"]), encoder=encoder)
    from benchmark.harness.hf.backbone import HFBackbone

    return HFBackbone.load(policy["folder"], encoder, digest=policy["digest"], **policy["options"])


def _load_encoder(data: dict[str, Any]) -> Any:
    if data.pop("kind") == WORDS:
        from benchmark.harness import TextEncoder, Tokenizer

        return TextEncoder.from_dict(Tokenizer(tuple(data.pop("words"))), data)
    from benchmark.harness.encoders.sentences import SentenceEncoder

    return SentenceEncoder.from_dict(data)
