"""Asks a fitted method the queries, one kind after another, so that it sees none before it has to answer it.

While it fits, a method holds its log alone. Then it is sent texts to be given rewards, in an order that says
nothing of what they are for. Pools are never sent. Contrasts, and pairs if it can abstain, are sent once the
rewards are in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from benchmark.contract import ContractError, Contrasts, PairTexts, Predictions, Queries
from benchmark.sandbox.inside.payload import (
    ABSTAINS,
    CONTEXT,
    DIAGNOSTIC,
    END,
    FITTED,
    INTERVALS,
    REWARDS,
    SAMPLES,
    Message,
    pack,
    unpack,
)

Desk = Callable[[Message], Message]


class Interview:
    """Turns messages of one cell into the next question, and keeps the answers.

    Args:
        queries: What is asked.
        oracle: Answers oracle questions while the method fits; without it they are refused.
    """

    def __init__(self, queries: Queries, oracle: Desk | None = None) -> None:
        self._queries, self._oracle = queries, oracle
        self._questions: Iterator[Message] = iter(())
        self._open: str | None = None
        self._fitted = False
        self._answers: dict[str, np.ndarray] = {}

    def __call__(self, message: Message) -> Message:
        """The reply to one message.

        Raises:
            ContractError: If it is malformed or not what was asked.
            InfrastructureError: If the oracle fails.
        """
        if message.kind == "ask" and not self._fitted and self._oracle is not None:
            return self._oracle(message)
        if message.kind == FITTED and not self._fitted:
            self._fitted = True
            self._questions = _list_questions(self._queries, message.fields)
        elif message.kind == self._open:
            answer = unpack(message.body)
            if message.kind not in answer:
                raise ContractError(
                    f"the answer holds no {message.kind}", found=", ".join(answer) or "nothing"
                )
            self._answers[message.kind] = np.array(answer[message.kind])
        else:
            raise ContractError(f"unexpected message {message.kind[:40]!r} from the sandbox")
        question = next(self._questions, Message(END))
        self._open = question.kind
        return question

    def read_predictions(self, ending: bytes) -> Predictions:
        """All answers, validated against what was asked.

        Args:
            ending: Body of the last message: diagnostics.

        Raises:
            ContractError: If anything is missing, misshapen, NaN, infinite or not data.
        """
        if self._open != END:
            raise ContractError("it ended before it had answered", expected="an answer to every question")
        diagnostics = {
            name.removeprefix(DIAGNOSTIC): float(value)
            for name, value in (unpack(ending) if ending else {}).items()
            if name.startswith(DIAGNOSTIC) and value.shape == () and value.dtype.kind in "biuf"
        }
        found = Predictions(
            self._answers[REWARDS],
            self._answers.get(SAMPLES),
            self._answers.get(INTERVALS),
            self._answers.get(ABSTAINS),
            diagnostics,
        )
        return found.validate(self._queries)


def _list_questions(queries: Queries, offered: Mapping[str, object]) -> Iterator[Message]:
    """The questions to a method that offers more than rewards, each made when it is its turn."""
    context = {CONTEXT + name: np.asarray(values) for name, values in queries.context.items()}
    yield Message(REWARDS, {}, pack({"prompts": queries.prompts, "texts": queries.texts} | context))
    if offered.get(SAMPLES) is True and queries.n_samples and len(queries.generate):
        yield Message(SAMPLES, {"n": queries.n_samples}, pack({"prompts": queries.generate}))
    if offered.get(INTERVALS) is True and queries.n_contrasts:
        asked = Contrasts.of(queries)
        names = ("ids", "prompts", "on", "off")
        yield Message(INTERVALS, {}, pack({name: getattr(asked, name) for name in names}))
    if offered.get(ABSTAINS) is True and len(queries.pairs):
        pairs = PairTexts.of(queries)
        context = {CONTEXT + name: values for name, values in pairs.context.items()}
        texts = {"prompts": pairs.prompts, "first": pairs.first, "second": pairs.second}
        yield Message(ABSTAINS, {}, pack(texts | context))
