"""Real texts as a domain: arms of randomised tests, attributes read by simple detectors.

A test plays the part of a prompt: its arms are the texts that could have been
shown, and randomisation within it makes their mean outcomes the truth. Texts
can be drawn but not invented, so only the attribute vectors that a test holds
can be realised. Nothing here confounds; that is a family's part.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmark.contract.errors import UsageError
from simulators.text.detectors import Detectors, Reader, count_words
from simulators.text.domain import Detected
from simulators.text.phrasebook import Usage
from simulators.text.prompts import ListedPrompts, PromptWriter
from simulators.text.reading import Strings, as_strings


@dataclass(frozen=True, eq=False)
class CorpusDomain:
    """A pool of texts, grouped by test, one row a distinct text of a test.

    Attributes:
        name: Name of the domain.
        prompts: One a test.
        texts: Shape (m,).
        tests: Test of each text as an index into ``prompts``, shape (m,) int64, non-decreasing.
        outcomes: Mean outcome of each text in its test, shape (m,); NaN where none was measured.
        weights: Measurements behind each mean, shape (m,).
        detectors: What reads the attributes.
    """

    name: str
    prompts: tuple[str, ...]
    texts: pa.StringArray
    tests: np.ndarray
    outcomes: np.ndarray
    weights: np.ndarray
    detectors: Reader

    @cached_property
    def prompt_writer(self) -> PromptWriter:
        """Writes the prompts of rows and reads prompt ids back."""
        return ListedPrompts(self.prompts)

    @property
    def topic_ids(self) -> np.ndarray:
        """Topic of each prompt, shape (P,): every prompt is its own."""
        return np.arange(len(self.prompts))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names."""
        return self.detectors.attributes

    @cached_property
    def values(self) -> np.ndarray:
        """Attributes of the pool's texts, shape (m, K) int8."""
        return self.detectors.detect(self.texts)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word of the prompts and texts, sorted."""
        pool = pa.concat_arrays([self.texts, pa.array(self.prompts, type=pa.string())])
        words = pc.unique(pc.split_pattern(pool, " ").flatten()).to_pylist()
        return tuple(sorted(word for word in words if word))

    def support(self, prompt_id: int) -> np.ndarray:
        """The distinct attribute vectors that a test's texts have, shape (v, K)."""
        return np.unique(self.values[self.tests == prompt_id], axis=0)

    def draw_choices(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Uniforms that decide which of the fitting texts is drawn, shape (n, 1)."""
        return rng.random((n, 1))

    def draw_usage(self, share: float, rng: np.random.Generator) -> Usage:
        """Refused with a ``UsageError``: the texts are whole, no writer could leave out some phrases."""
        raise self._whole()

    def choose_phrases(
        self,
        attributes: np.ndarray,
        prompt_ids: np.ndarray,
        uniforms: np.ndarray,
        usage: Usage | None = None,
    ) -> np.ndarray:
        """Refused with a ``UsageError``: the texts are whole and have no slots."""
        raise self._whole()

    def read_phrases(self, texts: Strings) -> np.ndarray:
        """Refused with a ``UsageError``, as ``choose_phrases`` is."""
        raise self._whole()

    def _whole(self) -> UsageError:
        return UsageError(
            f"domain {self.name!r} has no paraphrases to choose from",
            expected="a domain with a grammar",
            fix="leave the parameters phrases and wording as they are",
        )

    def wording_log_probability(
        self, attributes: np.ndarray, prompt_ids: np.ndarray, usage: Usage | None = None
    ) -> np.ndarray:
        """``log P(text | attributes, prompt)``, shape (n,): uniform over the texts that fit."""
        return -np.log(self._find(attributes, prompt_ids)[1])

    def write(
        self,
        attributes: np.ndarray,
        prompt_ids: np.ndarray,
        uniforms: np.ndarray,
        usage: Usage | None = None,
    ) -> pa.StringArray:
        """Draw a text a row, uniform over those of the test with these attributes, shape (n,).

        Args:
            attributes: Zeros and ones, shape (n, K).
            prompt_ids: Indices into ``prompts``, shape (n,).
            uniforms: What ``draw_choices`` returned, shape (n, 1).
            usage: Without meaning here, because the texts are whole.

        Raises:
            UsageError: If a test has no text with the attributes asked for.
        """
        return self.texts.take(pa.array(self._choose(attributes, prompt_ids, uniforms)))

    def _choose(self, attributes: np.ndarray, prompt_ids: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        first, count = self._find(attributes, prompt_ids)
        if (count == 0).any():
            row = int(np.flatnonzero(count == 0)[0])
            raise UsageError(
                f"corpus {self.name!r} has no such text",
                expected="attribute vectors from support(prompt_id)",
                found=f"{np.asarray(attributes)[row].tolist()} in test {self.prompts[prompt_ids[row]]!r}",
            )
        order, _ = self._by_key
        return order[first + (uniforms[:, 0] * count).astype(np.int64)]

    def _find(self, attributes: np.ndarray, prompt_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the fitting texts begin in the order of ``_by_key``, and how many they are."""
        _, keys = self._by_key
        wanted = self._key(np.asarray(attributes), np.asarray(prompt_ids))
        first = np.searchsorted(keys, wanted, side="left")
        return first, np.searchsorted(keys, wanted, side="right") - first

    def detect(self, texts: Strings) -> Detected:
        """Attributes of any strings; on the grammar means: in the pool.

        A text of several tests has the topic of the first.
        """
        strings = as_strings(texts)
        found = pc.index_in(strings, value_set=self.texts)
        row = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
        return Detected(
            attributes=self.detectors.detect(strings),
            on_grammar=row >= 0,
            topics=np.where(row >= 0, self.tests[row], -1),
        )

    def pairs(self) -> np.ndarray:
        """Every unordered pair of texts of the same test as rows of the pool, shape (p, 2)."""
        starts = np.searchsorted(self.tests, np.arange(len(self.prompts) + 1))
        blocks = [np.zeros((0, 2), dtype=np.int64)]
        for begin, end in pairwise(starts):
            first, second = np.triu_indices(end - begin, 1)
            blocks.append(np.column_stack([first, second]) + begin)
        return np.concatenate(blocks)

    def _key(self, attributes: np.ndarray, prompt_ids: np.ndarray) -> np.ndarray:
        bits = attributes.astype(np.int64) @ (1 << np.arange(len(self.attributes)))
        return (prompt_ids.astype(np.int64) << len(self.attributes)) | bits

    @cached_property
    def _by_key(self) -> tuple[np.ndarray, np.ndarray]:
        keys = self._key(self.values, self.tests)
        order = np.argsort(keys, kind="stable")
        return order, keys[order]


def digest_pool(domain: CorpusDomain) -> str:
    """A content hash of a pool's prompts and texts, 16 hex digits; nothing that was measured enters."""
    digest = hashlib.sha256(json.dumps(domain.prompts).encode())
    digest.update(np.ascontiguousarray(domain.tests, dtype="<i8").tobytes())
    for text in domain.texts.to_pylist():
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def make_corpus(
    table: pa.Table,
    text: str,
    test: str | Sequence[str],
    outcome: str | None = None,
    weight: str | None = None,
    name: str = "corpus",
    patterns: Mapping[str, str] | None = None,
) -> CorpusDomain:
    """A domain made of any table of randomised arms.

    Arms of one test with equal texts are merged. With a weight the outcome column is a total over
    that many measurements (clicks over impressions); without one it is a mean of one measurement.

    Args:
        table: One row an arm.
        text: Column of the texts.
        test: Column or columns whose combination names the randomised test.
        outcome: Column of the outcome, or None where nothing was measured.
        weight: Column of the number of measurements.
        name: Name of the domain.
        patterns: Attribute name to regular expression; the built-in ones by default.

    Raises:
        UsageError: If a column is missing or no row has a text.
    """
    tests = [test] if isinstance(test, str) else list(test)
    columns = [text, *tests, *(c for c in (outcome, weight) if c is not None)]
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise UsageError(
            "the corpus names columns that the table does not have",
            expected=", ".join(table.column_names),
            found=", ".join(missing),
        )
    texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(table.column(text), r"\s+", " "))
    ids = [pc.cast(pc.fill_null(pc.cast(table.column(c), pa.string()), ""), pa.string()) for c in tests]
    label = pc.binary_join_element_wise(*ids, " / ") if len(ids) > 1 else ids[0]
    total = pc.cast(table.column(outcome), pa.float64()) if outcome else pa.nulls(len(table), pa.float64())
    ones = pa.array(np.ones(len(table)))
    arms = pa.table(
        {
            "test": label,
            "text": texts,
            "total": total,
            "weight": pc.cast(table.column(weight), pa.float64()) if weight else ones,
        }
    )
    arms = arms.filter(pc.greater(pc.utf8_length(pc.fill_null(arms.column("text"), "")), 0))
    if not len(arms):
        raise UsageError("the corpus is empty", expected="at least one row with a text", found="none")
    pooled = arms.group_by(["test", "text"]).aggregate([("total", "sum"), ("weight", "sum")])
    pooled = pooled.sort_by([("test", "ascending"), ("text", "ascending")])
    prompts, test_ids = np.unique(np.array(pooled.column("test").to_pylist(), dtype=str), return_inverse=True)
    strings = as_strings(pooled.column("text"))
    weights = pooled.column("weight_sum").to_numpy()
    totals = pc.fill_null(pooled.column("total_sum"), float("nan")).to_numpy()
    limit = float(np.median(count_words(strings)))
    return CorpusDomain(
        name=name,
        prompts=tuple(str(prompt) for prompt in prompts),
        texts=strings,
        tests=test_ids.astype(np.int64),
        outcomes=totals / np.maximum(weights, np.finfo(float).tiny),
        weights=weights,
        detectors=Detectors(word_limit=limit) if patterns is None else Detectors(dict(patterns), limit),
    )
