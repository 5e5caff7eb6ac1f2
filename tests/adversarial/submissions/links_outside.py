"""Puts links where outputs might be read from."""

import os

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "links-outside"
    tags = Tags()

    def fit(self, log, harness):
        for folder in ("/in", "/out", "/", "/tmp"):
            for name in ("predictions.npz", "status.json"):
                try:
                    os.symlink("@SECRET_FILE@", f"{folder}/{name}")
                except OSError:
                    continue
                if folder in ("/in", "/"):
                    raise RuntimeError(f"leak: wrote into {folder}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
