"""PIDs, process groups, sessions, user and group ids, capabilities."""

from __future__ import annotations

import sys
from ctypes import byref, c_uint32

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.ahead import setting_capabilities
from nscore.linux.calls.syscall import getter, syscall
from nscore.linux.numbers import NUMBERS
from nscore.linux.structs import cap_user_data, cap_user_header

if TYPE_CHECKING:
    from collections.abc import Sequence

_GETPID, _GETTID, _GETPPID = NUMBERS["getpid"], NUMBERS["gettid"], NUMBERS["getppid"]
_GETUID, _GETEUID, _GETGID, _GETEGID = NUMBERS["getuid"], NUMBERS["geteuid"], NUMBERS["getgid"], NUMBERS["getegid"]


def getpid() -> int:
    """getpid(2) cannot fail."""
    return getter(_GETPID)


def gettid() -> int:
    """gettid(2) cannot fail."""
    return getter(_GETTID)


def getppid() -> int:
    """getppid(2) cannot fail."""
    return getter(_GETPPID)


def getpgid(pid: int = 0) -> int:
    """getpgid(2); getpgrp(2) is missing on newer architectures."""
    return syscall("getpgid", pid)


def setpgid(pid: int, pgid: int) -> None:
    """setpgid(2)"""
    syscall("setpgid", pid, pgid)


def getsid(pid: int = 0) -> int:
    """getsid(2)"""
    return syscall("getsid", pid)


def setsid() -> None:
    """setsid(2); the result is the caller's PID, which os.setsid drops too."""
    syscall("setsid")


def getuid() -> int:
    """getuid(2), unsigned: a 32-bit long would show the upper half as negative."""
    return getter(_GETUID) & 0xFFFFFFFF


def geteuid() -> int:
    """geteuid(2), unsigned."""
    return getter(_GETEUID) & 0xFFFFFFFF


def getgid() -> int:
    """getgid(2), unsigned."""
    return getter(_GETGID) & 0xFFFFFFFF


def getegid() -> int:
    """getegid(2), unsigned."""
    return getter(_GETEGID) & 0xFFFFFFFF


def setuid(uid: int) -> None:
    """setuid(2): the calling thread alone, where the C library's goes to every thread."""
    syscall("setuid", uid)


def setgid(gid: int) -> None:
    """setgid(2): the calling thread alone."""
    syscall("setgid", gid)


def setreuid(ruid: int, euid: int) -> None:
    """setreuid(2): the calling thread alone."""
    syscall("setreuid", ruid, euid)


def setregid(rgid: int, egid: int) -> None:
    """setregid(2): the calling thread alone."""
    syscall("setregid", rgid, egid)


def setresuid(ruid: int, euid: int, suid: int) -> None:
    """setresuid(2): the calling thread alone."""
    syscall("setresuid", ruid, euid, suid)


def setresgid(rgid: int, egid: int, sgid: int) -> None:
    """setresgid(2): the calling thread alone."""
    syscall("setresgid", rgid, egid, sgid)


def getgroups() -> tuple[int, ...]:
    """getgroups(2): with size 0 for their number, and again for the groups; sorted here."""
    count = syscall("getgroups", 0, None)
    groups = (c_uint32 * count)()
    syscall("getgroups", count, groups)
    return tuple(sorted(groups))


def setgroups(groups: Sequence[int]) -> None:
    """setgroups(2): the calling thread alone; gid_t is 32 bits wide."""
    syscall("setgroups", len(groups), (c_uint32 * len(groups))(*groups))


def capget(pid: int = 0) -> tuple[int, int, int]:
    """capget(2), version 3: two structures, the second for capabilities from 32 on."""
    data = (cap_user_data * 2)()
    syscall("capget", byref(cap_user_header(0x20080522, pid)), data)
    low, high = data
    return (
        low.effective | high.effective << 32,
        low.permitted | high.permitted << 32,
        low.inheritable | high.inheritable << 32,
    )


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2), version 3: the calling thread alone."""
    syscall(*setting_capabilities(effective, permitted, inheritable))
