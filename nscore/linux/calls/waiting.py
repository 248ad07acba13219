"""waitid and wait4."""

from __future__ import annotations

import sys
from ctypes import byref, c_int

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.structs import siginfo_t


def waitid(idtype: int, id: int, options: int) -> tuple[int, int, int, int, int] | None:
    """waitid(2) has a fifth argument, a struct rusage *; with WNOHANG and no child ready si_signo stays 0."""
    info = siginfo_t()
    syscall("waitid", idtype, id, byref(info), options, None)
    if not info.si_signo:
        return None
    return info.si_pid, info.si_uid, info.si_signo, info.si_status, info.si_code


def waitpid(pid: int, options: int = 0) -> tuple[int, int]:
    """wait4(2) without its struct rusage *; 0 and an untouched status with WNOHANG and no child ready."""
    status = c_int()
    child = syscall("wait4", pid, byref(status), options, None)
    return child, status.value


wait4 = waitpid
