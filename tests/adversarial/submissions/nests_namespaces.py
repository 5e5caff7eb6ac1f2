"""Makes namespaces of its own, mounts, and traces."""

import ctypes

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "nests-namespaces"
    tags = Tags()

    def fit(self, log, harness):
        library = ctypes.CDLL(None, use_errno=True)
        new_user, new_mount, attach = 0x10000000, 0x00020000, 16
        calls = {
            "unshare": lambda: library.unshare(new_user | new_mount),
            "mount": lambda: library.mount(b"none", b"/tmp", b"tmpfs", 0, None),
            "ptrace": lambda: library.ptrace(attach, 1, None, None),
            "setuid": lambda: library.setuid(0),
            "vsock": lambda: library.socket(40, 1, 0),
            "memfd": lambda: library.memfd_create(b"hidden", 0),
        }
        for name, call in calls.items():
            if call() != -1:
                raise RuntimeError(f"leak: {name}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
