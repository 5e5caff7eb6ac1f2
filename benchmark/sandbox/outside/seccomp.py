"""A kernel filter for the sandbox: no new processes, no sockets, no other process's memory.

Methods need threads, files and memory. Everything by which code could start a
process, reach another one, open a channel that the namespaces do not separate
(vsock, keyrings, file locks and leases, file watches, what lies in the page cache,
owner's marks on device files that are shared) or hold memory that the watch cannot
see (memfd, System V) is answered with "operation not permitted".

The program is classic BPF over ``struct seccomp_data`` (seccomp(2)): number at
byte 0, architecture at 4, the low half of argument i at 16 + 8 i.
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
_SECOND_ARGUMENT, _SIXTH_ARGUMENT = 24, 56
# linux/fs.h: answer only what the page cache holds.
_RWF_NOWAIT = 0x08
# linux/fcntl.h: GETLK, SETLK, SETLKW, their OFD kin, SETLEASE, GETLEASE, NOTIFY and CANCELLK.
_LOCKS_AND_LEASES = (5, 6, 7, 36, 37, 38, 1024, 1025, 1026, 1029)

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
    "fadvise64": (221, 223),
    "readahead": (187, 213),
    "mincore": (27, 232),
    "cachestat": (451, 451),
    "io_setup": (206, 0),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
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
    fcntl: int
    preadv2: int


_MACHINES = {
    "x86_64": _Machine(0, 0xC000003E, clone=56, clone3=435, fcntl=72, preadv2=327),
    "aarch64": _Machine(1, 0xC00000B7, clone=220, clone3=435, fcntl=25, preadv2=286),
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
        _step(_EQUAL, known.preadv2, 0, 4),
        _step(_LOAD, _SIXTH_ARGUMENT),
        _step(_ANY_BIT, _RWF_NOWAIT, 0, 1),
        _step(_RETURN, _ERRNO | _EPERM),
        _step(_RETURN, _ALLOW),
        _step(_EQUAL, known.fcntl, 0, len(_LOCKS_AND_LEASES) + 3),
        _step(_LOAD, _SECOND_ARGUMENT),
        *(
            _step(_EQUAL, command, len(_LOCKS_AND_LEASES) - index, 0)
            for index, command in enumerate(_LOCKS_AND_LEASES)
        ),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _ERRNO | _EPERM),
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
