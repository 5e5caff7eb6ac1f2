"""Leaves modules where a later import would find them."""

import os
import sys

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "shadows-modules"
    tags = Tags()

    def fit(self, log, harness):
        for folder in {*sys.path, os.getcwd()}:
            try:
                with open(os.path.join(folder, "simulators.py"), "w") as file:
                    file.write("raise SystemExit")
            except OSError:
                continue
            if folder != "/tmp/empty":
                raise RuntimeError(f"leak: wrote {folder}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
