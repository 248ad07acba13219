"""The structures that cross into the kernel.  Models include/uapi/linux and the kernel's own signal_types.h and socket.h.

Their names and fields are C's; of siginfo_t and statx only the members that nscore reads.  Sizes and offsets are asserted at import,
for 64-bit and 32-bit processes.  Where a structure names an address it is a plain int: who fills it in keeps the object alive.
"""

from __future__ import annotations

import sys
from ctypes import (
    Array,
    Structure,
    Union,
    c_byte,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_short,
    c_size_t,
    c_uint,
    c_uint16,
    c_uint32,
    c_uint64,
    c_ulong,
    c_void_p,
    sizeof,
)

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.numbers import ARCH, POINTER, SIGSET_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable


class clone_args(Structure):
    """What clone3 takes; set_tid counts from the innermost namespace outwards."""

    _fields_ = (
        ("flags", c_uint64),
        ("pidfd", c_uint64),
        ("child_tid", c_uint64),
        ("parent_tid", c_uint64),
        ("exit_signal", c_uint64),
        ("stack", c_uint64),
        ("stack_size", c_uint64),
        ("tls", c_uint64),
        ("set_tid", c_uint64),
        ("set_tid_size", c_uint64),
        ("cgroup", c_uint64),
    )


class sigset_t(Structure):
    """The kernel's, not the C library's of 128 bytes: a bit a signal."""

    _fields_ = (("sig", c_ulong * (SIGSET_SIZE // sizeof(c_ulong))),)


class _restorer(Structure):
    """sa_restorer, where the architecture has one.  CONFIG_ARCH_HAS_SA_RESTORER"""

    _fields_ = () if ARCH in ("riscv64", "loongarch64", "mips64el") else (("sa_restorer", c_void_p),)


class kernel_sigaction(Structure):
    """rt_sigaction's own, not the C library's; mips has the flags first, as an int."""

    _anonymous_ = ("restorer",)
    _fields_ = (
        (("sa_flags", c_uint), ("sa_handler", c_void_p), ("restorer", _restorer), ("sa_mask", sigset_t))
        if ARCH == "mips64el"
        else (("sa_handler", c_void_p), ("sa_flags", c_ulong), ("restorer", _restorer), ("sa_mask", sigset_t))
    )


class _si_rest(Union):
    """SIGCHLD has a status where others have a value, sival_int of sigval_t."""

    _fields_ = (("si_status", c_int), ("si_value", c_int))


class siginfo_t(Structure):
    """Its head and the members of kill, SIGCHLD and sigqueue; mips has code and errno the other way round."""

    _anonymous_ = ("rest",)
    _fields_ = (
        ("si_signo", c_int),
        *((("si_code", c_int), ("si_errno", c_int)) if ARCH == "mips64el" else (("si_errno", c_int), ("si_code", c_int))),
        *((("_align", c_int),) if POINTER == 8 else ()),
        ("si_pid", c_int),
        ("si_uid", c_uint),
        ("rest", _si_rest),
        ("_pad", c_byte * (100 if POINTER == 8 else 104)),
    )


class pidfd_info(Structure):
    """The first 64 bytes, which every kernel with PIDFD_GET_INFO knows; exit_code since 6.15."""

    _fields_ = (
        ("mask", c_uint64),
        ("cgroupid", c_uint64),
        ("pid", c_uint32),
        ("tgid", c_uint32),
        ("ppid", c_uint32),
        ("ruid", c_uint32),
        ("rgid", c_uint32),
        ("euid", c_uint32),
        ("egid", c_uint32),
        ("suid", c_uint32),
        ("sgid", c_uint32),
        ("fsuid", c_uint32),
        ("fsgid", c_uint32),
        ("exit_code", c_int32),
    )


class new_utsname(Structure):
    """uname's six names, 64 bytes and a NUL each."""

    _fields_ = tuple([(name, c_char * 65) for name in ("sysname", "nodename", "release", "version", "machine", "domainname")])


class cap_user_header(Structure):
    """version is _LINUX_CAPABILITY_VERSION_3, 0x20080522."""

    _fields_ = (("version", c_uint32), ("pid", c_int))


class cap_user_data(Structure):
    """32 capabilities; version 3 takes two of them."""

    _fields_ = (("effective", c_uint32), ("permitted", c_uint32), ("inheritable", c_uint32))


class timespec(Structure):
    """__kernel_timespec: 64-bit everywhere, as the numbers of 32-bit architectures are those of the 64-bit calls."""

    _fields_ = (("tv_sec", c_int64), ("tv_nsec", c_int64))


class statx(Structure):
    """The members that stat(2) has too."""

    _fields_ = (
        ("stx_mask", c_uint32),
        ("stx_blksize", c_uint32),
        ("stx_attributes", c_uint64),
        ("stx_nlink", c_uint32),
        ("stx_uid", c_uint32),
        ("stx_gid", c_uint32),
        ("stx_mode", c_uint16),
        ("stx_ino", c_uint64),
        ("stx_size", c_uint64),
        ("_times", c_byte * 88),
        ("stx_dev_major", c_uint32),
        ("stx_dev_minor", c_uint32),
        ("_spare", c_byte * 112),
    )


class f_owner_ex(Structure):
    """type is F_OWNER_TID, F_OWNER_PID or F_OWNER_PGRP."""

    _fields_ = (("type", c_int), ("pid", c_int))


class pollfd(Structure):
    """poll.h"""

    _fields_ = (("fd", c_int), ("events", c_short), ("revents", c_short))


class iovec(Structure):
    """uio.h"""

    _fields_ = (("iov_base", c_void_p), ("iov_len", c_size_t))


class msghdr(Structure):
    """The kernel's user_msghdr."""

    _fields_ = (
        ("msg_name", c_void_p),
        ("msg_namelen", c_int),
        ("msg_iov", c_void_p),
        ("msg_iovlen", c_size_t),
        ("msg_control", c_void_p),
        ("msg_controllen", c_size_t),
        ("msg_flags", c_uint),
    )


class cmsghdr(Structure):
    """The data follows, aligned to a long; cmsg_len counts both."""

    _fields_ = (("cmsg_len", c_size_t), ("cmsg_level", c_int), ("cmsg_type", c_int))


class ucred(Structure):
    """What SCM_CREDENTIALS carries."""

    _fields_ = (("pid", c_int), ("uid", c_uint32), ("gid", c_uint32))


class mount_attr(Structure):
    """What mount_setattr takes."""

    _fields_ = (("attr_set", c_uint64), ("attr_clr", c_uint64), ("propagation", c_uint64), ("userns_fd", c_uint64))


#: Structure: (size, offsets of some fields), each for a 64-bit and for a 32-bit process.
LAYOUT: dict[type[Structure], tuple[tuple[int, int], dict[str, tuple[int, int]]]] = {
    clone_args: ((88, 88), {"exit_signal": (32, 32), "tls": (56, 56), "set_tid": (64, 64), "cgroup": (80, 80)}),
    kernel_sigaction: ((32, 20), {"sa_handler": (0, 0), "sa_flags": (8, 4), "sa_restorer": (16, 8), "sa_mask": (24, 12)}),
    siginfo_t: ((128, 128), {"si_code": (8, 8), "si_pid": (16, 12), "si_uid": (20, 16), "si_status": (24, 20), "si_value": (24, 20)}),
    pidfd_info: ((64, 64), {"cgroupid": (8, 8), "pid": (16, 16), "fsgid": (56, 56), "exit_code": (60, 60)}),
    new_utsname: ((390, 390), {"nodename": (65, 65), "domainname": (325, 325)}),
    cap_user_header: ((8, 8), {"pid": (4, 4)}),
    cap_user_data: ((12, 12), {"permitted": (4, 4), "inheritable": (8, 8)}),
    timespec: ((16, 16), {"tv_nsec": (8, 8)}),
    statx: ((256, 256), {"stx_mode": (28, 28), "stx_ino": (32, 32), "stx_size": (40, 40), "stx_dev_major": (136, 136)}),
    f_owner_ex: ((8, 8), {"pid": (4, 4)}),
    pollfd: ((8, 8), {"events": (4, 4), "revents": (6, 6)}),
    iovec: ((16, 8), {"iov_len": (8, 4)}),
    msghdr: ((56, 28), {"msg_iov": (16, 8), "msg_control": (32, 16), "msg_controllen": (40, 20), "msg_flags": (48, 24)}),
    cmsghdr: ((16, 12), {"cmsg_level": (8, 4), "cmsg_type": (12, 8)}),
    ucred: ((12, 12), {"uid": (4, 4), "gid": (8, 8)}),
    mount_attr: ((32, 32), {"propagation": (16, 16), "userns_fd": (24, 24)}),
}

#: What the architecture at hand has otherwise.
ODD: dict[str, dict[type[Structure], tuple[int, dict[str, int]]]] = {
    "riscv64": {kernel_sigaction: (24, {"sa_handler": 0, "sa_flags": 8, "sa_mask": 16})},
    "loongarch64": {kernel_sigaction: (24, {"sa_handler": 0, "sa_flags": 8, "sa_mask": 16})},
    "mips64el": {
        kernel_sigaction: (32, {"sa_flags": 0, "sa_handler": 8, "sa_mask": 16}),
        siginfo_t: (128, {"si_code": 4, "si_errno": 8, "si_pid": 16, "si_uid": 20, "si_status": 24, "si_value": 24}),
    },
}


for _struct, (_sizes, _offsets) in LAYOUT.items():
    _column = 0 if POINTER == 8 else 1
    _size, _at = ODD.get(ARCH, {}).get(_struct, (_sizes[_column], {name: both[_column] for name, both in _offsets.items()}))
    assert sizeof(_struct) == _size, (_struct, sizeof(_struct), _size)
    for _field, _where in _at.items():
        assert getattr(_struct, _field).offset == _where, (_struct, _field, _where)


def buffer(size: int) -> Array[c_char]:
    """So many bytes for the kernel to write to."""
    return (c_char * size)()


def filled(data: bytes) -> Array[c_char]:
    """Bytes that a structure can name the address of."""
    return (c_char * len(data)).from_buffer_copy(data)


def first(size: int, data: Array[c_char]) -> bytes:
    """The first bytes of a buffer, without a copy of the rest."""
    return bytes(memoryview(data)[:size])


def fsencode(path: str) -> bytes:
    """A path's or a name's bytes: UTF-8 whatever the locale, with os.fsdecode's escapes for what is none."""
    return path.encode("utf-8", "surrogateescape")


def fsdecode(path: bytes) -> str:
    """The other way round."""
    return path.decode("utf-8", "surrogateescape")


def strings(values: Iterable[str]) -> Array[c_char_p]:
    """A char *[] that ends in NULL; it keeps its strings alive."""
    encoded = [fsencode(value) for value in values]
    return (c_char_p * (len(encoded) + 1))(*encoded)


def pollfds(fds: Iterable[tuple[int, int]]) -> Array[pollfd]:
    """poll's own, from (fd, events) each."""
    polled = [pollfd(fd, events) for fd, events in fds]
    return (pollfd * len(polled))(*polled)


def sigset(signals: Iterable[int]) -> sigset_t:
    """The set of some signal numbers."""
    made = sigset_t()
    bits = 8 * sizeof(c_ulong)
    for number in signals:
        made.sig[(number - 1) // bits] |= 1 << (number - 1) % bits
    return made


def signals(set: sigset_t) -> tuple[int, ...]:
    """The numbers in a set, sorted."""
    bits = 8 * sizeof(c_ulong)
    return tuple([word * bits + bit + 1 for word, value in enumerate(set.sig) for bit in range(bits) if value >> bit & 1])


#: SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGIO and SIGSYS.
OWN_CODES = frozenset((4, 5, 7, 8, 11, 29, 31))


def siginfo(info: siginfo_t) -> tuple[int, int, int, int, int, int]:
    """si_signo, si_code, si_pid, si_uid, si_status and si_value; a member that such a signal does not have is 0.

    A code between SI_USER and SI_KERNEL is a child's, whatever its exit signal, unless the signal has codes of its own; SI_SIGIO is a
    poll's.
    """
    signo, code = info.si_signo, info.si_code
    if 0 < code < 0x80 and signo not in OWN_CODES:
        return signo, code, info.si_pid, info.si_uid, info.si_status, 0
    if 0 < code < 0x80 or code == -5:
        return signo, code, 0, 0, 0, 0
    return signo, code, info.si_pid, info.si_uid, 0, info.si_value if code < 0 else 0


def linux_dirent64(entries: bytes) -> list[str]:
    """The names in what getdents64 wrote: d_ino, d_off, d_reclen at 16, d_type at 18, d_name at 19 and a NUL."""
    names = []
    at = 0
    while at < len(entries):
        end = at + int.from_bytes(entries[at + 16 : at + 18], sys.byteorder)
        names.append(fsdecode(entries[at + 19 : end].split(b"\0", 1)[0]))
        at = end
    return names
