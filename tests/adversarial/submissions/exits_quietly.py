"""Leaves with success and without an answer."""

import os

from benchmark.contract import Tags


class Attack:
    name = "exits-quietly"
    tags = Tags()

    def fit(self, log, harness):
        os._exit(0)


METHOD = Attack()
