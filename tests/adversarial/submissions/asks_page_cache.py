"""Tries what carries a signal between cells through files that both can read: the page cache and locks."""

import ctypes
import fcntl
import mmap
import os
import struct

from benchmark.contract import RewardFunction, Tags

SHARED = os.__file__
LIBRARY = ctypes.CDLL(None, use_errno=True)
F_GETLEASE, F_NOTIFY = 1025, 1026


def probe(file):
    """What was allowed, by name."""
    page = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    shared_lock = struct.pack("hhqqi", fcntl.F_RDLCK, 0, 0, 0, 0)
    yield "fadvise", lambda: os.posix_fadvise(file, 0, 4096, os.POSIX_FADV_WILLNEED)
    yield "preadv2", lambda: os.preadv(file, [bytearray(1)], 0, os.RWF_NOWAIT)
    yield "fcntl lock", lambda: fcntl.fcntl(file, fcntl.F_SETLK, shared_lock)
    yield "open file lock", lambda: fcntl.fcntl(file, 37, shared_lock)
    yield "lease", lambda: fcntl.fcntl(file, F_GETLEASE)
    folder = os.open(os.path.dirname(SHARED), os.O_RDONLY)
    yield "notify", lambda: fcntl.fcntl(folder, F_NOTIFY, 1)
    yield "mincore", lambda: call("mincore", address, 4096, ctypes.create_string_buffer(1))
    yield "readahead", lambda: call("readahead", file, 0, 4096)


def call(name, *arguments):
    if getattr(LIBRARY, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


class Attack:
    name = "asks-page-cache"
    tags = Tags()

    def fit(self, log, harness):
        file = os.open(SHARED, os.O_RDONLY)
        if fcntl.fcntl(file, fcntl.F_GETFL) < 0 or not os.preadv(file, [bytearray(1)], 0):
            raise RuntimeError("what honest code calls was refused")
        for name, attempt in probe(file):
            try:
                attempt()
            except OSError:
                continue
            raise RuntimeError(f"leak: {name} is allowed")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
