"""Descriptors, paths, pipes, polls and sockets, with what travels beside the data."""

from __future__ import annotations

import errno
import os
import sys
from ctypes import addressof, byref, c_int, c_int64, sizeof

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import (
    ARCH,
    FCNTL_COMMANDS,
    OPEN_FLAGS,
    POINTER,
    SIGSET_SIZE,
    SOCKET_OPTIONS,
    reverse,
    socket_type,
    translate,
)
from nscore.linux.structs import (
    buffer,
    cmsghdr,
    f_owner_ex,
    filled,
    first,
    fsdecode,
    fsencode,
    iovec,
    linux_dirent64,
    msghdr,
    pollfds,
    sigset,
    statx,
    timespec,
    ucred,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AT_FDCWD, _AT_NO_AUTOMOUNT, _AT_EMPTY_PATH = -100, 0x800, 0x1000
_PATH_MAX = 4096
#: STATX_BASIC_STATS: what stat(2) has.
_STATX_BASIC = 0x7FF
_F_GETFL, _F_SETFL, _F_GETOWN, _F_GETOWN_EX, _F_OWNER_PGRP = 3, 4, 9, 16, 2
_FCNTL = FCNTL_COMMANDS.get(ARCH, {})
_O = OPEN_FLAGS.get(ARCH, {})
_O_GENERIC = reverse(_O)
#: A 64-bit kernel sets it in every open file of a 64-bit process.
_O_LARGEFILE = 0o100000 if POINTER == 4 else 0
_O_LISTDIR = 0o200000 | 0o2000000
_OPTIONS = SOCKET_OPTIONS.get(ARCH, {})
_SOL_SOCKET = _OPTIONS.get((1, 16), (1, 16))[0]
_SCM_RIGHTS, _SCM_CREDENTIALS, _MSG_CTRUNC = 1, 2, 8
#: As many descriptors as interface.files promises to take.
_MAX_RIGHTS = 64


def open(path: str, flags: int = 0, mode: int = 0o777) -> int:
    """openat(2) from the current directory; open(2) is missing on newer architectures."""
    return openat(_AT_FDCWD, path, flags, mode)


def openat(dirfd: int, path: str, flags: int = 0, mode: int = 0o777) -> int:
    """openat(2)"""
    return syscall("openat", dirfd, fsencode(path), translate(_O, flags | _O_LARGEFILE), mode)


def close(fd: int) -> None:
    """close(2)"""
    syscall("close", fd)


def read(fd: int, n: int) -> bytes:
    """read(2)"""
    data = buffer(n)
    return first(syscall("read", fd, data, n), data)


def write(fd: int, data: bytes) -> int:
    """write(2)"""
    return syscall("write", fd, data, len(data))


def pread(fd: int, n: int, offset: int) -> bytes:
    """pread64(2): the offset is one register or two, and arm wants those in an even pair."""
    data = buffer(n)
    return first(syscall("pread64", fd, data, n, *_halves(offset)), data)


def _halves(offset: int) -> tuple[int, ...]:
    if POINTER == 8:
        return (offset,)
    # All 32-bit architectures here are little-endian: the low half goes first.
    low, high = offset & 0xFFFFFFFF, offset >> 32
    return (0, low, high) if ARCH == "arm" else (low, high)


def lseek(fd: int, pos: int, whence: int = 0) -> int:
    """lseek(2), on 32-bit architectures _llseek(2): the high half first, and the result through a pointer."""
    if POINTER == 8:
        return syscall("lseek", fd, pos, whence)
    result = c_int64()
    syscall("_llseek", fd, pos >> 32, pos & 0xFFFFFFFF, byref(result), whence)
    return result.value


def fstat(fd: int) -> tuple[int, int, int, int, int, int, int]:
    """statx(2) of the descriptor itself: AT_EMPTY_PATH."""
    return _stat(fd, b"", _AT_EMPTY_PATH)


def stat(path: str) -> tuple[int, int, int, int, int, int, int]:
    """statx(2), whose structure is the same everywhere, where each architecture has a stat(2) of its own."""
    return _stat(_AT_FDCWD, fsencode(path), 0)


def _stat(dirfd: int, path: bytes, flags: int) -> tuple[int, int, int, int, int, int, int]:
    st = statx()
    syscall("statx", dirfd, path, flags | _AT_NO_AUTOMOUNT, _STATX_BASIC, byref(st))
    major, minor = st.stx_dev_major, st.stx_dev_minor
    # As the C library's makedev has it, for all 32 bits of both.
    dev = minor & 0xFF | (major & 0xFFF) << 8 | (minor & ~0xFF) << 12 | (major & ~0xFFF) << 32
    return dev, st.stx_ino, st.stx_mode, st.stx_nlink, st.stx_uid, st.stx_gid, st.stx_size


def readlink(path: str) -> str:
    """readlinkat(2): no NUL, and what does not fit is cut off without a word; no link is longer than PATH_MAX."""
    target = buffer(_PATH_MAX)
    return fsdecode(first(syscall("readlinkat", _AT_FDCWD, fsencode(path), target, _PATH_MAX), target))


def listdir(path: str) -> tuple[str, ...]:
    """openat(2), getdents64(2) until it returns 0, close(2)."""
    fd = open(path, _O_LISTDIR)
    names: list[str] = []
    entries = buffer(1 << 15)
    try:
        while size := syscall("getdents64", fd, entries, len(entries)):
            names += linux_dirent64(first(size, entries))
    finally:
        close(fd)
    return tuple([name for name in names if name not in (".", "..")])


def access(path: str, mode: int) -> int:
    """faccessat(2), which has no flags and so asks for the real ids; 1, or 0 for every error."""
    try:
        syscall("faccessat", _AT_FDCWD, fsencode(path), mode)
    except OSError:
        return 0
    return 1


def mkdir(path: str, mode: int = 0o777) -> None:
    """mkdirat(2); mkdir(2) is missing on newer architectures."""
    syscall("mkdirat", _AT_FDCWD, fsencode(path), mode)


def unlink(path: str) -> None:
    """unlinkat(2); unlink(2) is missing on newer architectures."""
    syscall("unlinkat", _AT_FDCWD, fsencode(path), 0)


def chdir(path: str) -> None:
    """chdir(2)"""
    syscall("chdir", fsencode(path))


def getcwd() -> str:
    """getcwd(2): the length includes the NUL, and what is not below the root begins with "(unreachable)", no error to the kernel."""
    cwd = buffer(_PATH_MAX)
    path = first(syscall("getcwd", cwd, _PATH_MAX) - 1, cwd)
    if not path.startswith(b"/"):
        raise OSError(errno.ENOENT, f"getcwd: {os.strerror(errno.ENOENT)}")
    return fsdecode(path)


def chroot(path: str) -> None:
    """chroot(2)"""
    syscall("chroot", fsencode(path))


def dup(fd: int) -> int:
    """dup(2)"""
    return syscall("dup", fd)


def dup3(fd: int, fd2: int, flags: int = 0) -> int:
    """dup3(2); dup2(2) is missing on newer architectures."""
    return syscall("dup3", fd, fd2, translate(_O, flags))


def fcntl(fd: int, cmd: int, arg: int = 0) -> int:
    """fcntl(2), on 32-bit architectures fcntl64(2).

    F_GETOWN goes by F_GETOWN_EX: a group is a negative number, which syscall(2) could not tell from an error.
    """
    if cmd == _F_GETOWN:
        owner = f_owner_ex()
        syscall("fcntl", fd, _F_GETOWN_EX, byref(owner))
        pid: int = owner.pid
        return -pid if owner.type == _F_OWNER_PGRP else pid
    if cmd == _F_GETFL:
        return translate(_O_GENERIC, syscall("fcntl", fd, cmd, 0))
    return syscall("fcntl", fd, _FCNTL.get(cmd, cmd), translate(_O, arg) if cmd == _F_SETFL else arg)


def pipe2(flags: int = 0) -> tuple[int, int]:
    """pipe2(2)"""
    fds = (c_int * 2)()
    syscall("pipe2", fds, translate(_O, flags))
    return fds[0], fds[1]


def poll(fds: Sequence[tuple[int, int]], milliseconds: int = -1) -> tuple[tuple[int, int], ...]:
    """ppoll(2); poll(2) is missing on newer architectures."""
    return ppoll(fds, None if milliseconds < 0 else milliseconds * 1_000_000)


def ppoll(
    fds: Sequence[tuple[int, int]], nanoseconds: int | None = None, sigmask: Sequence[int] | None = None
) -> tuple[tuple[int, int], ...]:
    """ppoll(2) and the size of a set: sigmask, if any, is the thread's mask while it sleeps and until a signal is delivered."""
    polled = pollfds(fds)
    limit = None if nanoseconds is None else byref(timespec(*divmod(nanoseconds, 1_000_000_000)))
    mask = None if sigmask is None else byref(sigset(sigmask))
    if not syscall("ppoll", polled, len(fds), limit, mask, SIGSET_SIZE):
        return ()
    return tuple([(entry.fd, entry.revents) for entry in polled if entry.revents])


def close_range(first: int, last: int, flags: int = 0) -> None:
    """close_range(2), since Linux 5.9: CLOSE_RANGE_UNSHARE is 2, CLOSE_RANGE_CLOEXEC 4."""
    syscall("close_range", first, last, flags)


def _aligned(size: int) -> int:
    """CMSG_ALIGN: to a long."""
    return -(-size // POINTER) * POINTER


def _message(kind: int, data: bytes) -> bytes:
    """One control message and its padding."""
    header = bytes(cmsghdr(sizeof(cmsghdr) + len(data), _SOL_SOCKET, kind))
    return (header + data).ljust(_aligned(sizeof(cmsghdr) + len(data)), b"\0")


def _messages(control: bytes) -> Iterator[tuple[int, bytes]]:
    """The control messages of the socket level: (type, data)."""
    at = 0
    while at + sizeof(cmsghdr) <= len(control):
        header = cmsghdr.from_buffer_copy(control, at)
        if header.cmsg_level == _SOL_SOCKET:
            yield header.cmsg_type, control[at + sizeof(cmsghdr) : at + header.cmsg_len]
        at += _aligned(header.cmsg_len)


_CONTROL_SIZE = len(_message(_SCM_RIGHTS, bytes(4 * _MAX_RIGHTS)) + _message(_SCM_CREDENTIALS, bytes(sizeof(ucred))))


def socketpair(family: int = 1, type: int = 1, proto: int = 0) -> tuple[int, int]:
    """socketpair(2)"""
    fds = (c_int * 2)()
    syscall("socketpair", family, socket_type(type, ARCH), proto, fds)
    return fds[0], fds[1]


def sendmsg(fd: int, data: bytes, rights: Sequence[int] = (), credentials: tuple[int, int, int] | None = None, flags: int = 0) -> int:
    """sendmsg(2): one iovec, and a control message each for descriptors and credentials."""
    control = _message(_SCM_RIGHTS, bytes((c_int * len(rights))(*rights))) if rights else b""
    if credentials is not None:
        control += _message(_SCM_CREDENTIALS, bytes(ucred(*credentials)))
    payload, beside = filled(data), filled(control)
    part = iovec(addressof(payload), len(data))
    header = msghdr(msg_iov=addressof(part), msg_iovlen=1, msg_control=addressof(beside), msg_controllen=len(control))
    return syscall("sendmsg", fd, byref(header), flags)


def recvmsg(fd: int, n: int, flags: int = 0) -> tuple[bytes, tuple[int, ...], tuple[int, int, int] | None, int]:
    """recvmsg(2): the data, descriptors, credentials and msg_flags."""
    payload, beside = buffer(n), buffer(_CONTROL_SIZE)
    part = iovec(addressof(payload), n)
    header = msghdr(msg_iov=addressof(part), msg_iovlen=1, msg_control=addressof(beside), msg_controllen=_CONTROL_SIZE)
    size = syscall("recvmsg", fd, byref(header), flags)
    rights: tuple[int, ...] = ()
    credentials = None
    for kind, content in _messages(first(header.msg_controllen, beside)):
        if kind == _SCM_RIGHTS:
            rights += tuple((c_int * (len(content) // 4)).from_buffer_copy(content))
        elif kind == _SCM_CREDENTIALS:
            sender = ucred.from_buffer_copy(content)
            credentials = sender.pid, sender.uid, sender.gid
    for surplus in rights[_MAX_RIGHTS:]:
        # The room for credentials that did not come was filled with descriptors.
        close(surplus)
    truncated = _MSG_CTRUNC if len(rights) > _MAX_RIGHTS else 0
    # MSG_TRUNC as a flag makes the size that of the whole packet.
    return first(min(size, n), payload), rights[:_MAX_RIGHTS], credentials, header.msg_flags | truncated


def setsockopt(fd: int, level: int, option: int, value: int) -> None:
    """setsockopt(2) of an int."""
    level, option = _OPTIONS.get((level, option), (level, option))
    syscall("setsockopt", fd, level, option, byref(c_int(value)), sizeof(c_int))
