"""Sending, handling, masking and taking signals.  Numbers are the kernel's, 1 to 64: none is kept for the C library."""

from __future__ import annotations

import errno
import os
import sys
from ctypes import byref

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.handler import SA_RESTORER, received, recording
from nscore.linux.calls.identity import getpid, getuid
from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import ARCH, SIGACTION_FLAGS, SIGPROCMASK_HOW, SIGSET_SIZE, reverse, translate
from nscore.linux.structs import kernel_sigaction, siginfo, siginfo_t, signals, sigset, sigset_t, timespec

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "kill",
    "pause",
    "received",
    "sigaction",
    "sigpending",
    "sigprocmask",
    "sigqueue",
    "sigtimedwait",
    "tgkill",
    "tkill",
]

#: flags.Disposition
_DFL, _IGN, _HANDLE = 0, 1, 2
_SA_SIGINFO = 0x4
_SA = SIGACTION_FLAGS.get(ARCH, {})
_SA_GENERIC = reverse(_SA)
_HOW = SIGPROCMASK_HOW.get(ARCH, {})


def kill(pid: int, sig: int) -> None:
    """kill(2)"""
    syscall("kill", pid, sig)


def tkill(tid: int, sig: int) -> None:
    """tkill(2)"""
    syscall("tkill", tid, sig)


def tgkill(tgid: int, tid: int, sig: int) -> None:
    """tgkill(2)"""
    syscall("tgkill", tgid, tid, sig)


def sigqueue(pid: int, sig: int, value: int = 0, code: int = -1) -> None:
    """rt_sigqueueinfo(2): the kernel takes si_pid and si_uid from the caller's structure as they are."""
    info = siginfo_t(si_signo=sig, si_code=code, si_pid=getpid(), si_uid=getuid())
    info.si_value = value
    syscall("rt_sigqueueinfo", pid, sig, byref(info))


def sigaction(sig: int, action: int | None, flags: int = 0) -> tuple[int, int]:
    """rt_sigaction(2) and the size of a set; the action before, as (handler, flags): 2 is any handler, and SA_RESTORER is left out."""
    old = kernel_sigaction()
    new = None if action is None else _action(action, translate(_SA, flags & ~SA_RESTORER))
    syscall("rt_sigaction", sig, None if new is None else byref(new), byref(old), SIGSET_SIZE)
    handler = old.sa_handler or _DFL
    return handler if handler in (_DFL, _IGN) else _HANDLE, translate(_SA_GENERIC, old.sa_flags & ~SA_RESTORER)


def _action(action: int, flags: int) -> kernel_sigaction:
    if action == _HANDLE:
        return recording(flags | translate(_SA, _SA_SIGINFO))
    if action not in (_DFL, _IGN):
        # To the kernel it would be the address of a handler.
        raise OSError(errno.EINVAL, f"rt_sigaction: {os.strerror(errno.EINVAL)}")
    return kernel_sigaction(sa_handler=action, sa_flags=flags)


def sigprocmask(how: int, set: Sequence[int]) -> tuple[int, ...]:
    """rt_sigprocmask(2) and the size of a set: the calling thread alone."""
    old = sigset_t()
    syscall("rt_sigprocmask", _HOW.get(how, how), byref(sigset(set)), byref(old), SIGSET_SIZE)
    return signals(old)


def sigpending() -> tuple[int, ...]:
    """rt_sigpending(2) and the size of a set."""
    pending = sigset_t()
    syscall("rt_sigpending", byref(pending), SIGSET_SIZE)
    return signals(pending)


def sigtimedwait(set: Sequence[int], seconds: int | None = None) -> tuple[int, int, int, int, int, int]:
    """rt_sigtimedwait(2) and the size of a set; seconds are nanoseconds here."""
    info = siginfo_t()
    limit = None if seconds is None else byref(timespec(*divmod(seconds, 1_000_000_000)))
    syscall("rt_sigtimedwait", byref(sigset(set)), byref(info), limit, SIGSET_SIZE)
    return siginfo(info)


def pause() -> None:
    """pause(2) is missing on newer architectures: ppoll(2) of nothing, without a limit, sleeps and ends alike."""
    syscall("ppoll", None, 0, None, None, SIGSET_SIZE)
