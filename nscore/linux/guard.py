"""The process that kills, when its caller dies, the commands that are their own inits.

Their namespaces are not below the keeper's, which could not even signal them: this one lives in the caller's PID namespace.  Commands
come as pidfds through a socket that wakes nobody up: it is looked into when it is full, and when the caller has died.

A caller that is killed in the middle of a birth has no pidfd to send, and what it has forked goes on to exec.  So each birth is announced,
and what was born then without a word of it is looked for in /proc: an orphan, as this process is one, of the caller's session, which began
since then and is the first of a namespace in ours.
"""

from __future__ import annotations

import os
import select
import struct
import sys
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import close, pidfd_open, pidfd_send_signal, recvmsg
from nscore.linux.init import SIGKILL
from nscore.linux.wire import FAULT, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, described, receive_descriptors, send_descriptors
from nscore.linux.zygote import lift_limit, settle_down

#: What comes with a command, or before it: which, the thread that makes it; the session that it will be of; when, in clock ticks since the
#: boot of the machine.
MESSAGE = struct.Struct("=ciiq")
EXPECTED, BORN = b"e", b"b"
#: For a session of the command's own.  0 is one that began outside the caller's PID namespace, as in a container.
OWN_SESSION = -1


def main(control: int, caller: int) -> None:
    """Leave the caller's session and children, and serve until it is gone.

    Args:
        control: The socket whose first message brings the commands' socket, and whose others say that that one is full.
        caller: A pidfd of the caller.
    """
    try:
        os.setsid()
        if os.fork():
            os._exit(0)  # the caller's wait() never meets it
        control, caller = settle_down(control, caller, "nscore-guard")
        lift_limit()
        send_descriptors(control, (0, None), ())
        _, descriptors = receive_descriptors(control)
        if descriptors:
            serve(control, caller, descriptors[0])
    except BrokenPipeError:
        pass
    except BaseException:
        send_descriptors(control, (FAULT, described()), ())
    os._exit(0)


def serve(control: int, caller: int, commands: int) -> None:
    """Hold the commands that live, and kill them in the end."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(caller, select.POLLIN)
    living: list[int] = []
    expected: dict[int, tuple[int, int]] = {}
    alive = True
    while alive:
        events = [fd for fd, _ in poll.poll()]
        alive = caller not in events and bool(recvmsg(control, 1, MSG_CMSG_CLOEXEC)[0])
        living = [*those_alive(living), *those_alive(received(commands, expected))]
    kill(living)
    if expected and dead(caller):
        for session, begun in expected.values():
            kill(unspoken(session, begun))


def kill(pidfds: list[int]) -> None:
    """Kill what may have ended meanwhile."""
    for command in pidfds:
        with suppress(ProcessLookupError):
            pidfd_send_signal(command, SIGKILL)


def dead(caller: int) -> bool:
    """Whether the caller has ended, whose descriptors are closed before its children become orphans; or does so within a second."""
    poll = select.poll()
    poll.register(caller, select.POLLIN)
    return bool(poll.poll(1000))


def received(commands: int, expected: dict[int, tuple[int, int]]) -> list[int]:
    """The pidfds that wait in the socket; what is expected from each thread is kept."""
    found: list[int] = []
    with suppress(BlockingIOError, ConnectionResetError):
        while True:
            data, descriptors, _, _ = recvmsg(commands, MESSAGE.size, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)
            if not data:
                break
            found.extend(descriptors)
            if len(data) < MESSAGE.size:  # of a command that has told of itself, before it began
                continue
            kind, thread, session, begun = MESSAGE.unpack(data)
            if kind == EXPECTED:
                expected[thread] = session, begun
            else:
                expected.pop(thread, None)
    return found


def those_alive(pidfds: list[int]) -> list[int]:
    """Those of processes that have not ended; the others are closed."""
    poll = select.poll()
    for fd in pidfds:
        poll.register(fd, select.POLLIN)
    ended = {fd for fd, _ in poll.poll(0)}
    for fd in ended:
        close(fd)
    return [fd for fd in pidfds if fd not in ended]


def unspoken(session: int, begun: int) -> list[int]:
    """Pidfds of what the caller made after that tick and did not live to tell of; all its threads have ended, so there will be no more."""
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        if is_unspoken(pid, session, begun):
            with suppress(ProcessLookupError):
                command = pidfd_open(pid)
                if is_unspoken(pid, session, begun):  # not another one, which has got its number since
                    found.append(command)
                else:
                    close(command)
    return found


def is_unspoken(pid: int, session: int, begun: int) -> bool:
    """Whether it is an orphan of that session, PID 1 of a namespace in ours, and not older."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        own = pid if session == OWN_SESSION else session
        if int(fields[1]) != os.getppid() or int(fields[3]) != own or int(fields[19]) < begun:
            return False
        return numbers(pid)[len(numbers(os.getpid())) :] == [b"1"]
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # refused by hidepid=1: another user's, and no command of ours
        return False


def numbers(pid: int) -> list[bytes]:
    """Those of a process, in our namespace and in each one below."""
    with open(f"/proc/{pid}/status", "rb") as file:
        return next(line for line in file if line.startswith(b"NSpid:")).split()[1:]
