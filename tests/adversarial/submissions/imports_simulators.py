"""Regenerates the world it is judged on."""

import simulators
from benchmark.contract import Tags


class Attack:
    name = "imports-simulators"
    tags = Tags()

    def fit(self, log, harness):
        raise RuntimeError(f"leak: {simulators}")


METHOD = Attack()
