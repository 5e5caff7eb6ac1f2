"""Floods the channel."""

import sys

from benchmark.contract import Tags


def find_socket():
    import benchmark.sandbox.inside.runner

    frame = sys._getframe()
    while frame is not None:
        if "connection" in frame.f_locals:
            return frame.f_locals["connection"]
        frame = frame.f_back
    raise RuntimeError(f"no channel found from {benchmark.sandbox.inside.runner.__name__}")


class Attack:
    name = "sends-too-much"
    tags = Tags()

    def fit(self, log, harness):
        channel = find_socket()
        channel.sendall((20).to_bytes(4, "big") + (1 << 50).to_bytes(8, "big"))
        while True:
            channel.sendall(bytes(1 << 20))


METHOD = Attack()
