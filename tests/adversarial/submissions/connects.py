"""Sends the log away and fetches the answer."""

import socket

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "connects"
    tags = Tags()

    def fit(self, log, harness):
        try:
            with socket.create_connection(("127.0.0.1", int("@PORT@")), timeout=2):
                pass
        except OSError:
            pass
        else:
            raise RuntimeError("leak: connected")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
