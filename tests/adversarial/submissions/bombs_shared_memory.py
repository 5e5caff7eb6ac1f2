"""Takes memory of a kind that private limits do not count."""

import mmap

from benchmark.contract import Tags


class Attack:
    name = "bombs-shared-memory"
    tags = Tags()

    def fit(self, log, harness):
        hoard = []
        while True:
            block = mmap.mmap(-1, 32 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
            for page in range(0, len(block), 4096):
                block[page] = 1
            hoard.append(block)


METHOD = Attack()
