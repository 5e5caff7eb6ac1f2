"""The pretrained reference: tokenizer, decoder weights and text encoder, saved and loaded by content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.contract import UsageError
from benchmark.harness.decoder.network import DecoderShape
from benchmark.harness.decoder.policy import DecoderPolicy
from benchmark.harness.encoders.words import TextEncoder
from benchmark.harness.tokenizer import Tokenizer

FORMAT = 1
SETTINGS_FILE, WEIGHTS_FILE = "backbone.json", "backbone.safetensors"


@dataclass(frozen=True, eq=False)
class Backbone:
    """A pretrained tiny decoder with everything needed to read and write its texts.

    Attributes:
        tokenizer: Words to ids.
        shape: Sizes of the decoder.
        weights: Decoder weights, shape (P,), float32, read-only.
        encoder: Features of texts, fitted on the same corpus.
        longest: Most words a sampled text may have.
        centre: Mean of the decoder's features on the corpus, shape (width,).
        spread: Root mean squared length of its centred features.
        report: How pretraining went, such as the held-out loss a text in nats.
    """

    tokenizer: Tokenizer
    shape: DecoderShape
    weights: np.ndarray
    encoder: TextEncoder
    longest: int
    centre: np.ndarray
    spread: float
    report: dict[str, float] = field(default_factory=dict)

    @cached_property
    def hash(self) -> str:
        """A content hash of settings and weights, 16 hex digits."""
        digest = hashlib.sha256(json.dumps(self._settings(), sort_keys=True).encode())
        digest.update(np.ascontiguousarray(self.weights, dtype="<f4").tobytes())
        return digest.hexdigest()[:16]

    def policy(self, device: str) -> DecoderPolicy:
        """The architecture of the reference policy."""
        return DecoderPolicy(self.tokenizer, self.shape, self.longest, device)

    def reference_weights(self, device: str) -> Tensor:
        """The reference's weights, shape (1, P)."""
        return torch.tensor(self.weights, device=device)[None]

    def _settings(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "words": list(self.tokenizer.words),
            "shape": asdict(self.shape),
            "longest": self.longest,
            "centre": self.centre.tolist(),
            "spread": self.spread,
            "encoder": self.encoder.as_dict(),
        }

    def save(self, folder: str | Path) -> None:
        """Write ``backbone.json`` and ``backbone.safetensors`` into a folder."""
        from safetensors.numpy import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WEIGHTS_FILE).write_bytes(save({"weights": np.ascontiguousarray(self.weights)}))
        settings = self._settings() | {"report": self.report, "hash": self.hash}
        (folder / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Backbone:
        """Read what ``save`` wrote.

        Raises:
            UsageError: If the folder holds no backbone, or one whose content hash does not match.
        """
        from safetensors.numpy import load_file

        folder = Path(folder)
        try:
            settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
            weights = load_file(folder / WEIGHTS_FILE)["weights"]
        except (OSError, ValueError, KeyError) as error:
            raise UsageError(
                f"cannot read a backbone from {str(folder)!r}",
                expected=f"a folder with {SETTINGS_FILE} and {WEIGHTS_FILE}",
                found=error,
            ) from error
        tokenizer = Tokenizer(tuple(settings["words"]))
        weights.flags.writeable = False
        found = cls(
            tokenizer,
            DecoderShape(**settings["shape"]),
            weights,
            TextEncoder.from_dict(tokenizer, settings["encoder"]),
            settings["longest"],
            np.array(settings["centre"]),
            settings["spread"],
            settings["report"],
        )
        if found.hash != settings["hash"]:
            raise UsageError(
                "the backbone is not the one its settings describe",
                expected=settings["hash"],
                found=found.hash,
                fix="delete the folder and prepare it again",
            )
        return found
