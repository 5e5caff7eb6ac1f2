"""Answers a sandboxed method's questions to the oracle, and keeps the count where it cannot be reset."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmark.contract import BenchError, ContractError, InfrastructureError
from benchmark.sandbox.inside.payload import Message, pack, unpack_question

Oracle = Callable[[np.ndarray, np.ndarray, Mapping[str, np.ndarray]], np.ndarray]


class OracleDesk:
    """Turns messages into questions and outcomes into messages.

    Args:
        oracle: ``(prompts, texts, context) -> outcomes``, one noisy outcome each.
        budget: Outcomes that may be bought in all.
    """

    def __init__(self, oracle: Oracle, budget: int) -> None:
        self._oracle, self._left = oracle, budget

    def __call__(self, message: Message) -> Message:
        """Answer one message.

        Raises:
            ContractError: If it is malformed, cannot be answered, or the budget is spent.
            InfrastructureError: If this machine fails.
        """
        prompts, texts, context = unpack_question(message.body)
        self._left -= len(texts)
        if self._left < 0:
            raise ContractError("the oracle's budget is spent", found=f"{-self._left} questions too many")
        try:
            outcome = np.asarray(self._oracle(prompts, texts, context), dtype=np.float64)
        except BenchError:
            raise
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            if isinstance(error, OSError | MemoryError):
                raise InfrastructureError("the oracle failed", found=found) from error
            raise ContractError("the oracle cannot answer this question", found=found) from error
        return Message("answer", {}, pack({"outcome": outcome}))
