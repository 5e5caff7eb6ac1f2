"""A kernel filter for the sandbox: no new processes, no sockets, no other process's memory.

Methods need threads, files and memory. Everything by which code could start a
process, reach another one, open a channel that the namespaces do not separate
(vsock, keyrings, file locks, file watches) or hold memory that the watch cannot
see (memfd, System V) is answered with "operation not permitted".

The program is classic BPF over ``struct seccomp_data`` (seccomp(2)): number at
byte 0, architecture at 4, first argument at 16.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16

# System call: its number on x86-64 and on 64-bit ARM (None where it does not exist).
_DENIED: dict[str, tuple[int, int | None]] = {
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "socket": (41, 198),
    "flock": (73, 32),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
}


@dataclass(frozen=True)
class _Machine:
    column: int
    audit_number: int
    clone: int
    clone3: int


_MACHINES = {
    "x86_64": _Machine(column=0, audit_number=0xC000003E, clone=56, clone3=435),
    "aarch64": _Machine(column=1, audit_number=0xC00000B7, clone=220, clone3=435),
}


def build_filter(machine: str | None = None) -> bytes | None:
    """The filter program for a machine, or None where none is known.

    Args:
        machine: Architecture as ``platform.machine()`` names it; default this one.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    program = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, known.audit_number, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if known.column == 0:  # the x32 interface of x86-64 has the same calls under other numbers
        program += [_step(_AT_LEAST, 0x40000000, 0, 1), _step(_RETURN, _ERRNO | _EPERM)]
    for numbers in _DENIED.values():
        number = numbers[known.column]
        if number is not None:
            program += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ERRNO | _EPERM)]
    program += [
        # The flags of clone3 lie behind a pointer; without it the C library uses clone.
        _step(_EQUAL, known.clone3, 0, 1),
        _step(_RETURN, _ERRNO | _ENOSYS),
        _step(_EQUAL, known.clone, 0, 3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_THREAD, 1, 0),
        _step(_RETURN, _ERRNO | _EPERM),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
