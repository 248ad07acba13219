"""unshare, setns and the ioctls of nsfs."""

from __future__ import annotations

import sys
from ctypes import byref, c_uint32

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import ARCH, ioc

#: NSIO, the type of nsfs's ioctls.  linux/nsfs.h
_NSIO = 0xB7
_NS_GET_USERNS = ioc(0, _NSIO, 1, 0, ARCH)
_NS_GET_PARENT = ioc(0, _NSIO, 2, 0, ARCH)
_NS_GET_NSTYPE = ioc(0, _NSIO, 3, 0, ARCH)
_NS_GET_OWNER_UID = ioc(0, _NSIO, 4, 0, ARCH)
_NS_GET_PID_FROM_PIDNS = ioc(1, _NSIO, 6, 4, ARCH)
_NS_GET_TGID_FROM_PIDNS = ioc(1, _NSIO, 7, 4, ARCH)
_NS_GET_PID_IN_PIDNS = ioc(1, _NSIO, 8, 4, ARCH)
_NS_GET_TGID_IN_PIDNS = ioc(1, _NSIO, 9, 4, ARCH)


def unshare(flags: int) -> None:
    """unshare(2): flags is an unsigned long, without an exit signal in its low byte."""
    syscall("unshare", flags)


def setns(fd: int, nstype: int = 0) -> None:
    """setns(2)"""
    syscall("setns", fd, nstype)


def ns_get_parent(fd: int) -> int:
    """NS_GET_PARENT: a new descriptor, close-on-exec."""
    return syscall("ioctl", fd, _NS_GET_PARENT, 0)


def ns_get_userns(fd: int) -> int:
    """NS_GET_USERNS: a new descriptor, close-on-exec."""
    return syscall("ioctl", fd, _NS_GET_USERNS, 0)


def ns_get_nstype(fd: int) -> int:
    """NS_GET_NSTYPE: the type is the result."""
    return syscall("ioctl", fd, _NS_GET_NSTYPE, 0)


def ns_get_owner_uid(fd: int) -> int:
    """NS_GET_OWNER_UID writes a uid_t."""
    uid = c_uint32()
    syscall("ioctl", fd, _NS_GET_OWNER_UID, byref(uid))
    return uid.value


def ns_get_pid_from_pidns(fd: int, id: int) -> int:
    """NS_GET_PID_FROM_PIDNS: its number says that it reads an int, but the PID is the argument and the result."""
    return syscall("ioctl", fd, _NS_GET_PID_FROM_PIDNS, id)


def ns_get_tgid_from_pidns(fd: int, id: int) -> int:
    """NS_GET_TGID_FROM_PIDNS, likewise."""
    return syscall("ioctl", fd, _NS_GET_TGID_FROM_PIDNS, id)


def ns_get_pid_in_pidns(fd: int, id: int) -> int:
    """NS_GET_PID_IN_PIDNS, likewise."""
    return syscall("ioctl", fd, _NS_GET_PID_IN_PIDNS, id)


def ns_get_tgid_in_pidns(fd: int, id: int) -> int:
    """NS_GET_TGID_IN_PIDNS, likewise."""
    return syscall("ioctl", fd, _NS_GET_TGID_IN_PIDNS, id)
