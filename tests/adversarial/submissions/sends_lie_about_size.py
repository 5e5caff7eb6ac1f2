"""Declares an array far larger than what it sends."""

import io
import sys
import zipfile

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


class Attack:
    name = "sends-lie-about-size"
    tags = Tags()

    def fit(self, log, harness):
        head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
        array = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("reward.npy", array)
        channel = find_socket()
        channel.sendall(Message("fitted").encode())
        receive(channel, 1 << 24)  # the question for rewards
        channel.sendall(Message("rewards", {}, buffer.getvalue()).encode())
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
