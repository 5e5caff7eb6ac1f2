"""Answers the first question twice, as if to replace its rewards once it has seen what comes next."""

import sys

import numpy as np

from benchmark.contract import RewardFunction, Tags
from benchmark.sandbox.inside.payload import Message, pack


def find_socket():
    import benchmark.sandbox.inside.runner

    frame = sys._getframe()
    while frame is not None:
        if "connection" in frame.f_locals:
            return frame.f_locals["connection"]
        frame = frame.f_back
    raise RuntimeError(f"no channel found from {benchmark.sandbox.inside.runner.__name__}")


class Attack:
    name = "answers-twice"
    tags = Tags()

    def fit(self, log, harness):
        def answer(prompts, texts):
            zeros = pack({"rewards": np.zeros(len(texts))})
            find_socket().sendall(Message("rewards", {}, zeros).encode())
            return [len(text) for text in texts]

        return RewardFunction(answer)


METHOD = Attack()
