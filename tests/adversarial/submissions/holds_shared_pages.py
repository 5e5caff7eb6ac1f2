"""Holds two gigabytes of shared pages that are not resident, so that counting resident memory misses them."""

import mmap

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "holds-shared-pages"
    tags = Tags()

    def fit(self, log, harness):
        self.hoard = []
        for _ in range(32):
            block = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
            for page in range(0, len(block), mmap.PAGESIZE):
                block[page] = 1
            block.madvise(mmap.MADV_DONTNEED)
            self.hoard.append(block)
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
