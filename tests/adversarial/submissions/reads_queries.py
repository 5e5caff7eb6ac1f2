"""Looks for what it will be asked while it fits, in its files and among its objects."""

import gc
import os

from benchmark.contract import Queries, RewardFunction, Tags


class Attack:
    name = "reads-queries"
    tags = Tags()

    def fit(self, log, harness):
        found = [name for name in os.listdir("/in") if "quer" in name]
        if found or any(type(thing) is Queries for thing in gc.get_objects()):
            raise RuntimeError(f"leak: queries are here before the fit is over {found}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
