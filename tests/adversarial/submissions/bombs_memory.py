"""Takes memory until there is none."""

from benchmark.contract import Tags


class Attack:
    name = "bombs-memory"
    tags = Tags()

    def fit(self, log, harness):
        hoard = []
        while True:
            hoard.append(bytearray(64 << 20))


METHOD = Attack()
