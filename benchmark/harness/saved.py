"""Reading a backbone from its folder, whatever it is made of.

The folder of a plain tiny decoder holds that alone; in any other, ``reference.json`` says what the policy
and the encoder are. What this part does not know, such as the oracle encoder, it cannot load.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.contract import unknown_name
from benchmark.harness.decoder.backbone import Backbone
from benchmark.harness.encoders.sentences import SentenceEncoder
from benchmark.harness.encoders.states import StateEncoder
from benchmark.harness.encoders.words import TextEncoder
from benchmark.harness.loglinear.backbone import LogLinearBackbone
from benchmark.harness.tokenizer import Tokenizer

SETTINGS_FILE = "reference.json"
Readers = Mapping[str, Callable[[dict[str, Any]], Any]]


def read_settings(folder: Path) -> dict[str, Any] | None:
    """What a folder says of its backbone: "policy" and "encoder"; None where it holds a plain tiny one."""
    path = folder / SETTINGS_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def load_saved(folder: str | Path, more_encoders: Readers | None = None) -> Any:
    """The backbone of a folder.

    Args:
        folder: As ``make_backbone`` writes it.
        more_encoders: Encoders by kind, beside those of the harness; each is made from its settings.

    Raises:
        UsageError: If the backbone, its network or its encoder cannot be read.
    """
    folder = Path(folder)
    settings = read_settings(folder)
    if settings is None:
        return Backbone.load(folder)
    policy, encoder = settings["policy"], load_encoder(settings["encoder"], more_encoders)
    if policy["kind"] == "loglinear":
        return LogLinearBackbone.load(folder, encoder)
    if policy["kind"] == "tiny":
        return replace(Backbone.load(policy["folder"]), encoder=encoder)
    from benchmark.harness.hf.backbone import HFBackbone

    return HFBackbone.load(policy["folder"], encoder, digest=policy["digest"], **policy["options"])


def load_encoder(settings: Mapping[str, Any], more_encoders: Readers | None = None) -> Any:
    """The encoder that some settings describe; arguments as for ``load_saved``.

    Raises:
        UsageError: If nothing here can make an encoder of this kind.
    """
    readers: Readers = {
        "words": _read_words,
        "states": lambda data: StateEncoder(Backbone.load(data["folder"])),
        "sentences": SentenceEncoder.from_dict,
        **(more_encoders or {}),
    }
    kind = settings["kind"]
    if kind not in readers:
        raise unknown_name("encoder", kind, readers)
    return readers[kind]({name: value for name, value in settings.items() if name != "kind"})


def _read_words(data: dict[str, Any]) -> TextEncoder:
    return TextEncoder.from_dict(Tokenizer(tuple(data["words"])), data)
