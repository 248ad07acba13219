"""A seccomp filter that answers some system calls with an errno, for the calling thread and what it makes: it cannot be taken off."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import NUMBERS

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
#: BPF: load a word of seccomp_data, skip unless equal, skip unless bits are set, return.
LOAD, EQUAL, BITS, RETURN = 0x20, 0x15, 0x45, 0x06
NR, FIRST_ARGUMENT = 0, 16
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


class sock_filter(ctypes.Structure):
    """An instruction.  linux/filter.h"""

    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class sock_fprog(ctypes.Structure):
    """A program.  linux/filter.h"""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.POINTER(sock_filter)))


def answer(errno: int, *names: str, flags: int = 0) -> None:
    """Have the calls of these names answered with errno; with flags only where the first argument has one of them, as Docker does."""
    rows = [(LOAD, 0, 0, NR)]
    for name in names:
        if flags:
            rows += [(EQUAL, 0, 4, NUMBERS[name]), (LOAD, 0, 0, FIRST_ARGUMENT), (BITS, 0, 1, flags), (RETURN, 0, 0, ERRNO | errno)]
            rows += [(LOAD, 0, 0, NR)]
        else:
            rows += [(EQUAL, 0, 1, NUMBERS[name]), (RETURN, 0, 0, ERRNO | errno)]
    rows += [(RETURN, 0, 0, ALLOW)]
    program = (sock_filter * len(rows))(*[sock_filter(*row) for row in rows])
    syscall("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    syscall("prctl", PR_SET_SECCOMP, FILTER, ctypes.byref(sock_fprog(len(rows), program)), 0, 0)
