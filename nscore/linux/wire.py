"""Packets between a driver and its agents: marshal over AF_UNIX SOCK_SEQPACKET, a packet a command and a packet a reply.

A command is (name, arguments).  A reply is (0, result), (an errno, None), (FAULT, a traceback) or (REFUSED, (reason, remedy)); the first
packet of a process, its hello, is a reply too.  A packet of LIMIT bytes says that another one follows.  Marshal is safe here because both
ends are ours: the descriptor is close-on-exec, so that no other program ever has it.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import close, fcntl, recvmsg, sendmsg

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

LIMIT = 1 << 13
#: Marshal's, which knows no references to what was there before: to look for them costs as much as all the rest.
VERSION = 2
FAULT, REFUSED = -1, -2

#: Descriptors from here on are an agent's own, and closed as far as its calls can tell; CONTROL is the end of its driver's socket.
RESERVED, CONTROL = 1000, 1023

MSG_DONTWAIT, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC = 0x40, 0x4000, 0x40000000
SEQPACKET_CLOEXEC = 5 | 0o2000000
F_DUPFD_CLOEXEC = 1030

#: errno.errorcode has one name a number, and for these not the one of the man pages.
PREFERRED = {errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EDEADLK: "EDEADLK", errno.EAGAIN: "EAGAIN"}


def errno_name(number: int) -> str:
    """The name of an errno; E524 where the C library knows none."""
    return PREFERRED.get(number) or errno.errorcode.get(number, f"E{number}")


def packets(message: Any) -> Sequence[bytes]:
    """The packets of a message, nearly always one."""
    data = marshal.dumps(message, VERSION)
    if len(data) < LIMIT:
        return (data,)
    if len(data) % LIMIT == 0:
        data += b"\0"  # marshal.loads passes over it; an empty packet would be an end of file
    return [data[at : at + LIMIT] for at in range(0, len(data), LIMIT)]


def send(fd: int, message: Any) -> None:
    """Send a message, waiting until there is room."""
    for packet in packets(message):
        os.write(fd, packet)


def receive(fd: int) -> Any:
    """The next message, or None at the end of file."""
    data = os.read(fd, LIMIT)
    if len(data) < LIMIT:
        return marshal.loads(data) if data else None
    parts = [data]
    while len(parts[-1]) == LIMIT:
        parts.append(os.read(fd, LIMIT))
    return marshal.loads(b"".join(parts))


def send_descriptors(fd: int, message: Any, descriptors: Sequence[int]) -> None:
    """Send a message of one packet with descriptors; a reader that is gone is BrokenPipeError and no signal."""
    data = marshal.dumps(message, VERSION)
    while True:
        try:
            sendmsg(fd, data, tuple(descriptors), None, MSG_NOSIGNAL)
            return
        except InterruptedError:
            continue


def receive_descriptors(fd: int, flags: int = 0) -> tuple[Any, tuple[int, ...]]:
    """The next message, of one packet, and the descriptors that came with it, close-on-exec; None at the end of file."""
    while True:
        try:
            data, descriptors, _, _ = recvmsg(fd, LIMIT, MSG_CMSG_CLOEXEC | flags)
        except (InterruptedError, ConnectionResetError):
            continue  # after the reset comes what was said before it
        return (marshal.loads(data) if data else None), descriptors


def described() -> str:
    """The exception at hand with its traceback, for a reply of FAULT.  The module is imported here: no agent should need it."""
    import traceback

    return traceback.format_exc()[-LIMIT // 2 :]


def reserve(fd: int, floor: int = RESERVED) -> int:
    """Move a descriptor to where the agent's own lie, unless it is there."""
    if fd >= floor:
        return fd
    try:
        return fcntl(fd, F_DUPFD_CLOEXEC, floor)
    finally:
        close(fd)


def above_standard(fd: int) -> int:
    """The descriptor where no child's standard input, output or error is put over it."""
    return reserve(fd, 3)
