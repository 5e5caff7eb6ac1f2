"""Never ends, and ignores polite requests to."""

import signal

from benchmark.contract import Tags


class Attack:
    name = "loops-forever"
    tags = Tags()

    def fit(self, log, harness):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        while True:
            pass


METHOD = Attack()
