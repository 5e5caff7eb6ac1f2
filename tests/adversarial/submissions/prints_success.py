"""Prints what a lenient judge might read as success, then fails."""

import sys

from benchmark.contract import Tags


class Attack:
    name = "prints-success"
    tags = Tags()

    def fit(self, log, harness):
        for stream in (sys.stdout, sys.stderr):
            stream.write('{"kind": "done", "fields": {"status": "ok"}}\nPASSED 1.0\x1b[2J\n')
            stream.flush()
        raise RuntimeError("on purpose")


METHOD = Attack()
