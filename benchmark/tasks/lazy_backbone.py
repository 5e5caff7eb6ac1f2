"""A tiny backbone whose decoder is trained when it is first needed: reward regressions only need its encoder.

Everything it gives equals what the pretrained backbone of the same texts gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmark.harness import Backbone, TextEncoder


@dataclass(frozen=True, eq=False)
class LazyBackbone:
    """A tiny backbone; see ``benchmark.harness.Backbone`` for what its parts mean.

    Attributes:
        encoder: Features of texts.
        hash: Digest of what it is made from.
        pretrain: Makes the whole backbone.
    """

    encoder: TextEncoder
    hash: str
    pretrain: Callable[[], Backbone] = field(repr=False)

    @classmethod
    def of(cls, prompts: np.ndarray, texts: np.ndarray, vocabulary: Iterable[str] = ()) -> LazyBackbone:
        """A backbone of some texts.

        Args:
            prompts: Shape (n,).
            texts: Shape (n,).
            vocabulary: Words that its encoder and decoder know beside those of the texts.
        """
        from benchmark.harness import pretrain
        from benchmark.harness.cache import digest_strings

        words = tuple(vocabulary)
        encoder, digest = fit_encoder(prompts, texts, words), digest_strings(prompts, texts)
        return cls(encoder, digest, lambda: pretrain(prompts, texts, words))

    @cached_property
    def whole(self) -> Backbone:
        """The pretrained backbone."""
        return self.pretrain()

    @property
    def tokenizer(self) -> Any:
        """Words to ids."""
        return self.whole.tokenizer

    @property
    def centre(self) -> np.ndarray:
        """Mean of the decoder's features, shape (width,)."""
        return self.whole.centre

    @property
    def spread(self) -> float:
        """Root mean squared length of the decoder's centred features."""
        return self.whole.spread

    def policy(self, device: str) -> Any:
        """The architecture of the reference policy."""
        return self.whole.policy(device)

    def reference_weights(self, device: str) -> Any:
        """The reference's weights, shape (1, P)."""
        return self.whole.reference_weights(device)


def fit_encoder(prompts: np.ndarray, texts: np.ndarray, vocabulary: tuple[str, ...]) -> TextEncoder:
    """The encoder that a tiny backbone of these texts has."""
    from benchmark.harness import TextEncoder, Tokenizer

    return TextEncoder.fit(Tokenizer.of(vocabulary, prompts, texts), prompts, texts)
