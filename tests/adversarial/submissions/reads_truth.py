"""Reads the truth, the store or the repository from disk."""

import os

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "reads-truth"
    tags = Tags()

    def fit(self, log, harness):
        for path in ("@SECRET_FILE@", "@STORE@", "@REPOSITORY@/simulators", "@REPOSITORY@/.git"):
            if os.path.exists(path):
                raise RuntimeError(f"leak: {path}")
        for _, folders, files in os.walk("/", onerror=None):
            found = {"truth.json", "card.json", ".git", "simulators"} & {*folders, *files}
            if found:
                raise RuntimeError(f"leak: {found}")
            folders[:] = [f for f in folders if f not in ("proc", "usr", "dev")]
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
