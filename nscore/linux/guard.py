"""The process that kills, when its caller dies, the commands that are their own inits.

Their namespaces are not below the keeper's, which could not even signal them: this one lives in the caller's PID namespace.  Commands
come as pidfds through a socket that wakes nobody up: it is looked into when it is full, and when the caller has died.
"""

from __future__ import annotations

import os
import resource
import select
import sys
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import close, pidfd_send_signal, recvmsg
from nscore.linux.init import SIGKILL
from nscore.linux.wire import FAULT, MSG_CMSG_CLOEXEC, described, receive_descriptors, send_descriptors
from nscore.linux.zygote import settle_down

MSG_DONTWAIT = 0x40


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
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
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
    alive = True
    while alive:
        events = [fd for fd, _ in poll.poll()]
        alive = caller not in events and bool(recvmsg(control, 1, MSG_CMSG_CLOEXEC)[0])
        living = [*those_alive(living), *those_alive(received(commands))]
    for command in living:
        with suppress(ProcessLookupError):
            pidfd_send_signal(command, SIGKILL)


def received(commands: int) -> list[int]:
    """The pidfds that wait in the socket."""
    found: list[int] = []
    with suppress(BlockingIOError, ConnectionResetError):
        while True:
            data, descriptors, _, _ = recvmsg(commands, 1, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)
            if not data:
                break
            found.extend(descriptors)
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
