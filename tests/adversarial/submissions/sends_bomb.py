"""Sends a small archive that unpacks to a gigabyte."""

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
    name = "sends-bomb"
    tags = Tags()

    def fit(self, log, harness):
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("reward.npy", "w") as entry,
        ):
            for _ in range(1024):
                entry.write(bytes(1 << 20))
        channel = find_socket()
        channel.sendall(Message("fitted").encode())
        receive(channel, 1 << 24)  # the question for rewards
        channel.sendall(Message("rewards", {}, buffer.getvalue()).encode())
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
