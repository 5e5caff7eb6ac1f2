"""Answers, then keeps sending better answers from a thread."""

import sys
import threading
import time

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
    name = "writes-late"
    tags = Tags()

    def fit(self, log, harness):
        connection = find_socket()

        def insist():
            while True:
                time.sleep(3)
                connection.sendall(Message("done", {"status": "invalid", "reason": "late"}).encode())

        def answer(prompts, texts):
            threading.Thread(target=insist, daemon=False).start()
            return [len(text) for text in texts]

        return RewardFunction(answer)


METHOD = Attack()
