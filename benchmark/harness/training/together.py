"""Answering one kind of question to many decoders at once, on the ensemble axis.

Answers are put where each harness keeps what it knows by content, so that whoever asks
next finds them there. On a CPU a decoder is bound by arithmetic and nothing is stacked.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch

from benchmark.contract import Model, Queries
from benchmark.harness.cache import digest_strings
from benchmark.harness.harness import SCORES, FittedPolicy, Harness, as_strings, digest_model, is_kept


@dataclass(frozen=True, eq=False)
class Question:
    """Something asked of one decoder.

    Attributes:
        harness: Whose cache takes the answer.
        model: The decoder.
        prompts: Shape (n,) with texts, (m,) without.
        texts: Texts to score, shape (n,); None to sample.
        n: Texts to sample for each prompt.
        temperature: Of sampling.
        part: Name of the stream of sampling.
    """

    harness: Harness
    model: Model
    prompts: np.ndarray
    texts: np.ndarray | None = None
    n: int = 0
    temperature: float = 1.0
    part: str = "fitted"

    @property
    def signature(self) -> Hashable:
        """Questions of equal signature may be answered together."""
        shape = () if self.texts is not None else (len(self.prompts), self.n, self.temperature)
        return (self.model.architecture.signature, self.texts is None, *shape)

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Where the harness looks for the answer."""
        if self.texts is None:
            return self.harness.sample_key(self.model, self.prompts, self.n, self.temperature, self.part)
        digest = digest_strings(self.prompts, self.texts)
        return (SCORES, self.model.architecture.signature, digest_model(self.model), digest)


def answer_together(questions: Iterable[Question], stack: int | None = None) -> None:
    """Answer questions in stacks and leave the answers in the caches of those who ask.

    Args:
        questions: Whatever is about to be asked; models that are not kept are passed over.
        stack: Most members at once; by default 1 on a CPU and what fits into memory elsewhere.
    """
    groups: dict[Hashable, list[Question]] = {}
    for question in questions:
        # The reference's scores are kept text by text, for all fits.
        known = question.texts is not None and not question.model.trained
        if is_kept(question.model) and len(question.prompts) and not known:
            groups.setdefault(question.signature, []).append(question)
    for group in groups.values():
        size = stack if stack is not None else _count_members(group[0])
        for start in range(0, len(group) if size > 1 else 0, size):
            _answer(group[start : start + size])


def answer_queries(fitted: Sequence[Any], queries: Sequence[Queries], stack: int | None = None) -> None:
    """Answer what ``predict`` is about to ask of fitted policies, however they are wrapped."""
    questions = []
    for result, asked in zip(fitted, queries, strict=True):
        for policy in _policies(result):
            questions.append(Question(policy.harness, policy.model, asked.prompts, asked.texts))
        for policy in _policies(result)[:1]:
            if asked.n_samples and len(asked.generate):
                questions.append(Question(policy.harness, policy.model, asked.generate, n=asked.n_samples))
    answer_together(questions, stack)


def _policies(result: Any) -> list[FittedPolicy]:
    """Fitted policies in a result and in its fields."""
    if isinstance(result, FittedPolicy):
        return [result]
    if not is_dataclass(result):
        return []
    found = (getattr(result, field.name) for field in fields(result))
    return [value for value in found if isinstance(value, FittedPolicy)]


def _count_members(question: Question) -> int:
    architecture = question.model.architecture
    if architecture.device == "cpu":
        return 1
    rows = len(question.texts) if question.texts is not None else len(question.prompts) * question.n
    return int(architecture.count_members(rows, 2 * architecture.longest, train=False))


def _answer(group: Sequence[Question]) -> None:
    architecture = group[0].model.architecture
    weights = torch.cat([question.model.weights for question in group])
    prompts = [as_strings(question.prompts) for question in group]
    answers: Iterable[np.ndarray]
    if group[0].texts is None:
        uniforms = [
            question.harness.uniforms(question.part, own, question.n, architecture.draws)
            for question, own in zip(group, prompts, strict=True)
        ]
        answers = architecture.sample_together(weights, prompts, uniforms, group[0].temperature)
    else:
        texts = [as_strings(question.texts) for question in group]
        answers = architecture.score_together(weights, list(zip(prompts, texts, strict=True)))
    for question, answer in zip(group, answers, strict=True):
        question.harness.cache.array(question.key, answer.copy)
