"""The harness handed to a method: models to start from, encodings, streams, and fitted wrappers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from benchmark import contract
from benchmark.contract import Budget, ContractError, UsageError, make_rng
from benchmark.harness.cache import Cache, digest_numbers, digest_strings
from benchmark.harness.device import BFLOAT16, FLOAT32
from benchmark.harness.loglinear.tabular import make_table
from benchmark.harness.meters import Meter
from benchmark.harness.training.heads import HIDDEN_RATE, LINEAR_RATE, RewardHead
from benchmark.harness.training.model import Model

Oracle = Callable[[np.ndarray, np.ndarray, Mapping[str, np.ndarray]], np.ndarray]
DECODER_FEATURES, LOGLINEAR_FEATURES = "decoder", "loglinear"
ENCODING, PROMPT_ENCODING = "encoding", "prompt encoding"
SCORES, SAMPLES = "scores", "samples"


class Encoder(Protocol):
    """Texts and prompts as features: word counts, sentence embeddings, or a decoder's states.

    Attributes:
        centre: Corpus mean of each column, shape (d,).
        spread: Root mean squared length of the centred rows of the corpus.
        hash: A content hash.
    """

    centre: np.ndarray
    spread: float
    hash: str

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features of texts, shape (n, d), float64."""
        ...

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Features of prompts alone, shape (n, d'), float64."""
        ...


class Reference(Protocol):
    """A backbone: a tiny decoder, pools of texts, or a transformers model."""

    hash: str
    encoder: Encoder

    def policy(self, device: str) -> Any:
        """The architecture of the reference policy."""
        ...

    def reference_weights(self, device: str) -> Tensor:
        """The reference's weights, shape (1, P)."""
        ...


@dataclass(frozen=True, eq=False)
class Harness:
    """What a method trains on.

    Attributes:
        backbone: The pretrained reference.
        budget: What one fit may spend.
        path: Address of the method's own random streams.
        device: "cpu" or a CUDA device.
        oracle: ``(prompts, texts, context) -> outcomes``; the oracle track alone has one.
        cache: Encodings and reference log-probabilities by content; may be shared.
        meter: Counts tokens and operations.
        precision: Of products; see ``benchmark.harness.device.check_precision``.
    """

    backbone: Any
    budget: Budget = field(default_factory=Budget)
    path: tuple[str, ...] = ("harness",)
    device: str = "cpu"
    oracle: Oracle | None = None
    cache: Cache = field(default_factory=Cache)
    meter: Meter = field(default_factory=Meter)
    precision: str = FLOAT32

    def __post_init__(self) -> None:
        if self.cache is None:
            object.__setattr__(self, "cache", Cache())

    # -- streams and encodings ------------------------------------------------
    def rng(self, part: str) -> np.random.Generator:
        """The method's own generator of a part; the same part gives the same stream."""
        return make_rng(*self.path, part)

    def encode(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Features of texts, shape (n, d), float64, read-only (see ``TextEncoder``)."""
        prompts, texts = as_strings(prompts), as_strings(texts)
        key = (ENCODING, self.backbone.hash, digest_strings(prompts, texts))
        return self.cache.array(key, lambda: self.backbone.encoder.encode(prompts, texts))

    def encode_prompts(self, prompts: np.ndarray) -> np.ndarray:
        """Features of prompts alone under the same encoder, shape (n, d'), float64, read-only."""
        prompts = as_strings(prompts)
        key = (PROMPT_ENCODING, self.backbone.hash, digest_strings(prompts))
        return self.cache.array(key, lambda: self.backbone.encoder.encode_prompts(prompts))

    # -- models ---------------------------------------------------------------
    def policy(self) -> Model:
        """The reference policy, as a starting point."""
        architecture = self.backbone.policy(self.device)
        if architecture.name == "loglinear":
            architecture = architecture.finding(self._loglinear_features)
        if self.precision == BFLOAT16:
            if architecture.name != "decoder":
                raise UsageError(
                    f"a {architecture.name} policy has one precision",
                    expected="the tiny decoder",
                    found=self.precision,
                )
            architecture = replace(architecture, precision=self.precision)
        return Model(architecture, self.backbone.reference_weights(self.device))

    def reward_head(
        self,
        hidden: int = 0,
        *,
        outputs: int = 1,
        adversary: int = 0,
        features: str = ENCODING,
        seed: int = 0,
    ) -> Model:
        """A fresh reward head; see ``benchmark.contract.Harness`` for the arguments and errors."""
        if features == ENCODING:
            encoder = self.backbone.encoder
            source, encode, centre, spread = "", self.encode, encoder.centre, encoder.spread
        elif features == DECODER_FEATURES and hasattr(self.backbone, "spread"):
            source, encode = features, self._decoder_features
            centre, spread = self.backbone.centre, self.backbone.spread
        else:
            raise UsageError(
                "this backbone has no such features",
                expected="'encoding', or 'decoder' on a decoder backbone",
                found=repr(features),
            )
        head = RewardHead(
            source + self.backbone.hash, len(centre), hidden, outputs, adversary, self.device,
            learning_rate=HIDDEN_RATE if hidden else LINEAR_RATE, encode=encode, centre=centre, spread=spread,
        )  # fmt: skip
        return Model(head, head.initial(self.rng(f"reward_head/{hidden}/{outputs}/{adversary}/{seed}")))

    def _loglinear_features(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        key = (LOGLINEAR_FEATURES, self.backbone.hash, digest_strings(prompts, texts))
        return self.cache.array(key, lambda: self.backbone.find_features(prompts, texts))

    def _decoder_features(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        key = (DECODER_FEATURES, self.backbone.hash, digest_strings(prompts, texts))
        model = self.policy()
        return self.cache.array(key, lambda: model.architecture.features(model.weights, prompts, texts))

    # -- use ------------------------------------------------------------------
    def score(self, model: contract.Model, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Log-probabilities (policies) or rewards (heads) of texts, shape (n,), float64.

        The reference's own log-probabilities are kept by text, those of other decoders by column,
        so that fits that train the same model score it once.
        """
        prompts, texts = as_strings(prompts), as_strings(texts)
        architecture = model.architecture
        if len(prompts) != len(texts):
            raise ContractError(
                "every text needs a prompt", expected=f"{len(texts)} prompts", found=len(prompts)
            )
        if not len(texts):
            return np.zeros(0)

        def compute(some_prompts: np.ndarray, some_texts: np.ndarray) -> np.ndarray:
            tokens = count_tokens(architecture, some_prompts, some_texts)
            self.meter.count(tokens, architecture.count_flops(tokens, train=False))
            return architecture.score(model.weights, some_prompts, some_texts)

        if architecture.policy and not model.trained:
            store = f"{self.backbone.hash}/{self.device}/{self.precision}"
            return self.cache.numbers(store, prompts, texts, compute)
        if not is_kept(model):
            return compute(prompts, texts)
        tokens = count_tokens(architecture, prompts, texts)
        self.meter.count(tokens, architecture.count_flops(tokens, train=False))
        key = (SCORES, architecture.signature, digest_model(model), digest_strings(prompts, texts))
        return self.cache.array(
            key, lambda: architecture.score(model.weights, prompts, texts), self.meter.reuse
        )

    def reference(self, prompts: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Log-probabilities of texts under the reference policy, shape (n,), float64."""
        return self.score(self.policy(), prompts, texts)

    def divergence(self, model: contract.Model, prompts: np.ndarray) -> np.ndarray:
        """KL(pi || pi_ref) of a log-linear policy for each prompt in nats, exact over its pool, shape (n,).

        Raises:
            ContractError: If the model is of another kind, whose KL only samples tell.
        """
        if model.architecture.name != "loglinear":
            raise ContractError(
                "the KL of this model is not known exactly",
                expected="a log-linear policy",
                found=f"a {model.architecture.name} model",
            )
        return np.asarray(model.architecture.divergence(model.weights, as_strings(prompts)))

    def sample(
        self,
        model: contract.Model,
        prompts: np.ndarray,
        n: int,
        *,
        temperature: float = 1.0,
        part: str = "fitted",
    ) -> np.ndarray:
        """Sample n texts a prompt, shape (len(prompts), n).

        A text depends on its prompt, its place among the texts of that prompt, and ``part``:
        the same part gives the same texts.

        Raises:
            ContractError: If the model cannot sample or the numbers are out of range.
        """
        architecture = model.architecture
        if not architecture.policy:
            raise ContractError("only a policy can sample", found=f"a {architecture.name} model")
        if n < 1 or not 0 < temperature < np.inf:
            raise ContractError(
                "sampling needs at least one text and a positive temperature",
                expected="n >= 1, temperature > 0",
                found=f"n={n}, temperature={temperature}",
            )
        prompts = as_strings(prompts)
        if not len(prompts):
            return np.empty((0, n), dtype=object)

        def draw() -> np.ndarray:
            uniforms = self.uniforms(part, prompts, n, architecture.draws)
            return architecture.sample(model.weights, prompts, uniforms, temperature)

        if is_kept(model):
            texts = self.cache.array(
                self.sample_key(model, prompts, n, temperature, part), draw, self.meter.reuse
            )
        else:
            texts = draw()
        tokens = count_tokens(architecture, np.repeat(prompts, n), texts.ravel())
        self.meter.count(tokens, architecture.count_flops(tokens, train=False))
        return texts

    def sample_key(
        self, model: contract.Model, prompts: np.ndarray, n: int, temperature: float, part: str
    ) -> tuple[Any, ...]:
        """Everything that sampled texts follow from."""
        address = (model.architecture.signature, digest_model(model), self.path, part)
        return (SAMPLES, *address, digest_strings(prompts), n, temperature)

    def uniforms(self, part: str, prompts: np.ndarray, n: int, steps: int) -> np.ndarray:
        """Uniform numbers, shape (m, n, steps), addressed by prompt and by which of its repeats a row is."""
        distinct, which, repeats = np.unique(prompts.astype(str), return_inverse=True, return_counts=True)
        order = np.argsort(which, kind="stable")
        uniforms = np.empty((len(prompts), n, steps))
        drawn = [
            make_rng(*self.path, "sample", part, prompt).random((count, n, steps))
            for prompt, count in zip(distinct, repeats, strict=True)
        ]
        uniforms[order] = np.concatenate(drawn)
        return uniforms

    # -- results --------------------------------------------------------------
    def fitted_policy(
        self, model: contract.Model, diagnostics: Mapping[str, float] | None = None
    ) -> FittedPolicy:
        """A ``Fitted`` whose reward is log pi - log pi_ref, and which can sample."""
        return FittedPolicy(self, model, dict(diagnostics or {}))

    def fitted_head(
        self, model: contract.Model, diagnostics: Mapping[str, float] | None = None
    ) -> FittedHead:
        """A ``Fitted`` whose reward is the head's value."""
        return FittedHead(self, model, dict(diagnostics or {}))


@dataclass(frozen=True, eq=False)
class FittedPolicy:
    """A trained policy as a method's result.

    Attributes:
        harness: Where it was trained.
        model: The policy.
        diagnostics: Named numbers to report.
    """

    harness: Harness
    model: contract.Model
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    def reward(
        self, prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """log pi - log pi_ref, shape (n,)."""
        return self.harness.score(self.model, prompts, texts) - self.harness.reference(prompts, texts)

    def sample(self, prompts: np.ndarray, n: int) -> np.ndarray:
        """Texts, shape (len(prompts), n)."""
        return self.harness.sample(self.model, prompts, n)

    def divergence(self, prompts: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """KL(pi || pi_ref) of each prompt in nats, shape (m,).

        Exact for a log-linear policy; for any other the mean log ratio over its own samples.

        Args:
            prompts: Shape (m,).
            samples: Texts that the policy wrote for them, shape (m, n).
        """
        if self.model.architecture.name == "loglinear":
            return self.harness.divergence(self.model, prompts)
        rewards = self.reward(np.repeat(prompts, samples.shape[1]), samples.ravel())
        return rewards.reshape(samples.shape).mean(axis=1)


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A trained reward head as a method's result; attributes as in ``FittedPolicy``."""

    harness: Harness
    model: contract.Model
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    def reward(
        self, prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """The head's value, shape (n,)."""
        return self.harness.score(self.model, prompts, texts)


def tabular_harness(
    prompts: np.ndarray,
    texts: np.ndarray,
    reference_logits: np.ndarray | None = None,
    path: tuple[str, ...] = ("tabular",),
    budget: Budget | None = None,
) -> Harness:
    """A harness whose policy is an exact table over enumerated texts, in float64.

    Args:
        prompts: Distinct prompts, shape (m,).
        texts: Shape (m, t), or (t,) for the same texts under every prompt.
        reference_logits: Logits of the reference, shape (m, t); uniform by default.
        path: Address of the method's random streams.
        budget: What one fit may spend.
    """
    return Harness(make_table(prompts, texts, reference_logits), budget or Budget(), path)


def as_strings(values: Any) -> np.ndarray:
    """A 1-d object array of strings.

    Raises:
        ContractError: If the shape is not (n,).
    """
    array = np.asarray(values, dtype=object)
    if array.ndim != 1:
        raise ContractError("texts come as one column", expected="shape (n,)", found=array.shape)
    return array


def is_kept(model: contract.Model) -> bool:
    """Whether what a model answers is kept: decoders are small enough to be told apart by content."""
    return bool(model.architecture.name == "decoder")


def digest_model(model: contract.Model) -> str:
    """A content hash of a model's weights."""
    return digest_numbers(model.weights.detach().cpu().numpy())


def count_tokens(architecture: Any, prompts: np.ndarray, texts: np.ndarray) -> float:
    """Tokens of some texts and their prompts; heads on fixed encodings read texts whole."""
    if architecture.name in ("head", "loglinear"):
        return float(len(texts))
    spaces = sum(text.count(" ") for text in texts) + sum(prompt.count(" ") for prompt in prompts)
    return float(spaces + 3 * len(texts))
