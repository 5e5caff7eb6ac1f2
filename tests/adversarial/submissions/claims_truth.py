"""Asks the other side for what it knows."""

import sys

from benchmark.contract import RewardFunction, Tags
from benchmark.sandbox.inside.payload import Message


def find_socket():
    import benchmark.sandbox.inside.runner

    frame = sys._getframe()
    while frame is not None:
        if "connection" in frame.f_locals:
            return frame.f_locals["connection"]
        frame = frame.f_back
    raise RuntimeError(f"no channel found from {benchmark.sandbox.inside.runner.__name__}")


class Attack:
    name = "claims-truth"
    tags = Tags()

    def fit(self, log, harness):
        find_socket().sendall(Message("truth", {}).encode())
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
