"""Lets code on this side call the reward of a method that was fitted in a sandbox, as often as it likes.

The sandbox answers one message at a time, while a search calls a function. The search therefore runs in a
thread of its own, and each call of the reward becomes a question that waits for its answer.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np

from benchmark.contract import ContractError
from benchmark.contract.queries import as_finite
from benchmark.sandbox.inside.payload import CONTEXT, END, FITTED, REWARDS, Message, pack, unpack
from benchmark.sandbox.outside.cell import CellResult

Found = TypeVar("Found")
Reward = Callable[[np.ndarray, np.ndarray, Mapping[str, np.ndarray] | None], np.ndarray]


class Conversation(Generic[Found]):
    """Answers the messages of a fitted method with the questions of a function that calls its reward.

    Args:
        talk: Called with the reward once the method is fitted; what it returns is kept.
    """

    def __init__(self, talk: Callable[[Reward], Found]) -> None:
        self._talk = talk
        self._questions: queue.Queue[Message] = queue.Queue()
        self._answers: queue.Queue[np.ndarray | None] = queue.Queue()
        self._found: list[Found] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Conversation[Found]:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.put(None)  # whoever still waits for an answer gets none

    def __call__(self, message: Message) -> Message:
        """The next question.

        Raises:
            ContractError: If the message is not the answer that was asked for.
        """
        if message.kind == FITTED and not self._thread.ident:
            self._thread.start()
        elif message.kind == REWARDS and self._thread.ident:
            self._answers.put(np.array(unpack(message.body)[REWARDS], dtype=np.float64))
        else:
            raise ContractError(f"unexpected message {message.kind[:40]!r} from the sandbox")
        return self._questions.get()

    def read(self, ended: CellResult) -> Found:
        """What the function returned.

        Raises:
            ContractError: If the method failed before.
        """
        if self._error is not None and not isinstance(self._error, _Unanswered):
            raise self._error
        if not self._found:
            raise ContractError(
                "the method cannot be asked",
                expected="a fit and answers",
                found=f"{ended.status}: {ended.reason}",
            )
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._talk(self._reward))
        except BaseException as error:  # it belongs to whoever reads the result
            self._error = error
        self._questions.put(Message(END))

    def _reward(
        self, prompts: np.ndarray, texts: np.ndarray, context: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        columns = {CONTEXT + name: np.asarray(values) for name, values in (context or {}).items()}
        self._questions.put(Message(REWARDS, {}, pack({"prompts": prompts, "texts": texts} | columns)))
        answer = self._answers.get()
        if answer is None:
            raise _Unanswered
        answer = as_finite(answer, "reward")
        if answer.shape != (len(texts),):
            raise ContractError("reward has the wrong shape", expected=(len(texts),), found=answer.shape)
        return answer


class _Unanswered(Exception):
    """The sandbox ended before it answered."""
