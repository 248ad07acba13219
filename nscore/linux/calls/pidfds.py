"""The pidfd_* calls and the ioctls of pidfs."""

from __future__ import annotations

import errno
import os
import sys
from ctypes import byref

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import ARCH, OPEN_FLAGS, ioc, translate
from nscore.linux.structs import pidfd_info, siginfo_t

#: PIDFS_IOCTL_MAGIC.  linux/pidfd.h
_PIDFS = 0xFF
_PIDFD_GET_INFO = ioc(3, _PIDFS, 11, 64, ARCH)
#: PIDFD_INFO_PID, _CREDS, _CGROUPID and _EXIT.
_INFO_EXIT = 8
_INFO_WANTED = 1 | 2 | 4 | _INFO_EXIT
_O = OPEN_FLAGS.get(ARCH, {})


def pidfd_open(pid: int, flags: int = 0) -> int:
    """pidfd_open(2): PIDFD_NONBLOCK is O_NONBLOCK and PIDFD_THREAD is O_EXCL."""
    return syscall("pidfd_open", pid, translate(_O, flags))


def pidfd_send_signal(fd: int, sig: int, siginfo: tuple[int, int, int, int, int, int] | None = None, flags: int = 0) -> None:
    """pidfd_send_signal(2): a siginfo goes to the receiver as it is, si_pid and si_uid too."""
    if siginfo is None:
        syscall("pidfd_send_signal", fd, sig, None, flags)
        return
    signo, code, pid, uid, status, value = siginfo
    info = siginfo_t(si_signo=signo, si_code=code, si_pid=pid, si_uid=uid)
    # One place in the structure: a signal has the one or the other.
    info.si_value = value or status
    syscall("pidfd_send_signal", fd, sig, byref(info), flags)


def pidfd_getfd(fd: int, targetfd: int, flags: int = 0) -> int:
    """pidfd_getfd(2): flags must be 0 so far."""
    return syscall("pidfd_getfd", fd, targetfd, flags)


def pidfd_get_info(fd: int) -> tuple[int | None, ...]:
    """PIDFD_GET_INFO: the size is part of the number, and mask says on the way in what is asked for, on the way out what is there."""
    info = pidfd_info(mask=_INFO_WANTED)
    syscall("ioctl", fd, _PIDFD_GET_INFO, byref(info))
    fields = tuple([getattr(info, name) for name, _ in pidfd_info._fields_[:-1]])
    return (*fields, info.exit_code if info.mask & _INFO_EXIT else None)


def pidfd_get_namespace(fd: int, kind: int) -> int:
    """PIDFD_GET_*_NAMESPACE, kind being the number in the ioctl's low byte: a new descriptor; the argument must be 0."""
    if not 0 <= kind < 256:
        # What is beyond a byte would make another ioctl of it.
        raise OSError(errno.ENOTTY, f"ioctl: {os.strerror(errno.ENOTTY)}")
    return syscall("ioctl", fd, ioc(0, _PIDFS, kind, 0, ARCH), 0)
