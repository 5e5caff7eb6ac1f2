"""Looks for paths of the machine where the sandbox's first process and the installer leave them."""

import sys
from pathlib import Path

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "reads-paths"
    tags = Tags()

    def fit(self, log, harness):
        for name in ("cmdline", "environ", "mountinfo", "mem"):
            try:
                with open(f"/proc/1/{name}", "rb") as file:
                    file.read(0)
            except OSError:
                continue
            raise RuntimeError(f"leak: {name} of the first process can be read")
        folders = [Path(place) for place in sys.path if Path(place).is_dir()]
        traces = [path for folder in folders for path in folder.glob("*confoundbench*")]
        for path in [*traces, *(inner for trace in traces if trace.is_dir() for inner in trace.iterdir())]:
            try:
                text = path.read_text(errors="replace") if path.is_file() else ""
            except OSError:
                continue
            if "@REPOSITORY@" in text:
                raise RuntimeError(f"leak: {path}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
