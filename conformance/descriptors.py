"""What cases read of descriptors, and who cases ask to do what needs a permission."""

from __future__ import annotations

from conformance.steps import drop
from conformance.views import read
from nscore import Calls, FcntlCommand, MessageFlag, PidfdNamespace, PollEvent, Process

#: SO_PASSCRED of setsockopt(2), with its level.
PASSCRED = (1, 16)


def fdinfo(calls: Calls, fd: int, of: str = "/proc/self") -> dict[str, str]:
    """/proc/PID/fdinfo/FD, line by line."""
    return dict(line.split(":\t", 1) for line in read(calls, f"{of}/fdinfo/{fd}").splitlines())


def pid_and_numbers(calls: Calls, fd: int, of: str = "/proc/self") -> tuple[int, ...]:
    """The numbers of a pidfd's process in the procfs at hand, its own level last; they begin with Pid."""
    info = fdinfo(calls, fd, of)
    numbers = tuple(int(number) for number in info["NSpid"].split())
    assert numbers[0] == int(info["Pid"]), info
    return numbers


def ready(calls: Calls, fd: int, events: int = PollEvent.IN) -> int:
    """What poll(2) finds at once."""
    return dict(calls.poll(((fd, events),), 0)).get(fd, 0)


def is_cloexec(calls: Calls, fd: int) -> bool:
    """FD_CLOEXEC."""
    return calls.fcntl(fd, FcntlCommand.GETFD) == 1


def inode(calls: Calls, fd: int) -> tuple[int, int]:
    """Which file a descriptor refers to."""
    st = calls.fstat(fd)
    return st.st_dev, st.st_ino


def is_in(calls: Calls, pidfd: int, kind: PidfdNamespace, fd: int) -> bool:
    """Whether fd refers to the namespace of that kind of pidfd's process."""
    mine = calls.pidfd_get_namespace(pidfd, kind)
    same = inode(calls, mine) == inode(calls, fd)
    calls.close(mine)
    return same


def powerless(parent: Process) -> Process:
    """A child of the same ids without a capability: it may look into nobody who has one."""
    child = parent.fork()
    drop(child)
    return child


def hand(sender: Calls, socket: int, fd: int) -> None:
    """Send a descriptor."""
    sender.sendmsg(socket, b"x", (fd,))


def take(receiver: Calls, socket: int, flags: int = 0) -> int:
    """Receive a descriptor that was sent."""
    (fd,) = receiver.recvmsg(socket, 1, flags | MessageFlag.DONTWAIT).rights
    return fd


def fill(process: Process) -> int:
    """Open descriptors until there is no free one; the highest."""
    a, b = process.socketpair()
    highest = b
    while True:
        process.sendmsg(a, b"x", (0,) * 64)
        message = process.recvmsg(b, 1)
        highest = max((highest, *message.rights))
        if message.flags & MessageFlag.CTRUNC:
            return highest
