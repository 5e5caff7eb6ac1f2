"""The kernel filter's program, run here step by step for both architectures it knows."""

from __future__ import annotations

import struct

import pytest

from benchmark.sandbox.outside.seccomp import build_filter

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Name: numbers on x86-64 and 64-bit ARM (asm/unistd_64.h, asm-generic/unistd.h).
CALLS = {
    "read": (0, 63), "fcntl": (72, 25), "preadv2": (327, 286), "clone": (56, 220), "clone3": (435, 435),
    "fadvise64": (221, 223), "mincore": (27, 232), "cachestat": (451, 451), "readahead": (187, 213),
    "io_setup": (206, 0), "flock": (73, 32), "fchmodat": (268, 53), "utimensat": (280, 88),
}  # fmt: skip
REFUSED = ["fadvise64", "mincore", "cachestat", "readahead", "io_setup", "flock", "fchmodat", "utimensat"]


def judge(machine: str, call: str, arguments: tuple[int, ...] = (), architecture: int | None = None) -> int:
    """What the filter answers to a call: classic BPF with the five instructions that the filter uses."""
    number = CALLS[call][list(ARCHITECTURES).index(machine)]
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, architecture or ARCHITECTURES[machine], 0, *padded)
    program = build_filter(machine)
    assert program is not None
    steps = list(struct.iter_unpack("=HBBI", program))
    held, at = 0, 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            (held,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:
            return value
        else:
            true = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            at += if_true if true else if_false


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_tells_calls_by_number_and_argument(machine: str) -> None:
    assert judge(machine, "read") == ALLOW
    assert {name: judge(machine, name) for name in REFUSED} == dict.fromkeys(REFUSED, EPERM)
    assert judge(machine, "read", architecture=1) == KILL
    assert judge(machine, "clone3") == ENOSYS
    assert judge(machine, "clone", (0x00010000,)) == ALLOW  # CLONE_THREAD
    assert judge(machine, "clone", (0,)) == EPERM
    assert judge(machine, "preadv2", (3, 0, 1, 0, 0, 0)) == ALLOW
    assert judge(machine, "preadv2", (3, 0, 1, 0, 0, 8)) == EPERM  # RWF_NOWAIT


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_refuses_locks_and_leases_and_nothing_else_of_fcntl(machine: str) -> None:
    refused = {command for command in range(2048) if judge(machine, "fcntl", (3, command)) != ALLOW}
    # GETLK, SETLK, SETLKW; their kin of open file descriptions; SETLEASE, GETLEASE, NOTIFY, CANCELLK.
    assert refused == {5, 6, 7, 36, 37, 38, 1024, 1025, 1026, 1029}
