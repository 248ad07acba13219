"""prctl, uname, reboot and time."""

from __future__ import annotations

import sys
from ctypes import byref, c_int

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.structs import buffer, fsdecode, fsencode, new_utsname, timespec

_CLOCK_MONOTONIC = 1
_PR_GET_NAME = 16
#: PR_GET_PDEATHSIG and PR_GET_CHILD_SUBREAPER write an int; all other PR_GET_* of flags.Prctl return it.
_PR_WRITES_INT = frozenset((2, 37))
_REBOOT_MAGIC1, _REBOOT_MAGIC2 = 0xFEE1DEAD, 672274793


def prctl(option: int, arg: int | str = 0) -> int | str:
    """prctl(2): what its second argument is depends on option; the others are 0, as some options insist."""
    if isinstance(arg, str):
        return syscall("prctl", option, fsencode(arg), 0, 0, 0)
    if option == _PR_GET_NAME:
        name = buffer(16)
        syscall("prctl", option, name, 0, 0, 0)
        return fsdecode(name.value)
    if option in _PR_WRITES_INT:
        value = c_int()
        syscall("prctl", option, byref(value), 0, 0, 0)
        return value.value
    return syscall("prctl", option, arg, 0, 0, 0)


def uname() -> tuple[str, str, str, str, str, str]:
    """uname(2): the number is that of new_uname, with six names of 65 bytes."""
    names = new_utsname()
    syscall("uname", byref(names))
    return (
        fsdecode(names.sysname),
        fsdecode(names.nodename),
        fsdecode(names.release),
        fsdecode(names.version),
        fsdecode(names.machine),
        fsdecode(names.domainname),
    )


def sethostname(name: str) -> None:
    """sethostname(2): bytes and their number, without a NUL."""
    encoded = fsencode(name)
    syscall("sethostname", encoded, len(encoded))


def reboot(cmd: int) -> None:
    """reboot(2): two magic numbers first.  In the initial PID namespace, with CAP_SYS_BOOT, it is the machine that it ends."""
    syscall("reboot", _REBOOT_MAGIC1, _REBOOT_MAGIC2, cmd, None)


def sleep(seconds: int) -> None:
    """clock_nanosleep(2) on CLOCK_MONOTONIC, relative; seconds are nanoseconds here, and what is left of them is not asked for."""
    syscall("clock_nanosleep", _CLOCK_MONOTONIC, 0, byref(timespec(*divmod(seconds, 1_000_000_000))), None)


def monotonic() -> int:
    """clock_gettime(2) of CLOCK_MONOTONIC, in nanoseconds."""
    now = timespec()
    syscall("clock_gettime", _CLOCK_MONOTONIC, byref(now))
    seconds: int = now.tv_sec
    nanoseconds: int = now.tv_nsec
    return seconds * 1_000_000_000 + nanoseconds
