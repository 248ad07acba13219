"""World.run: a program as PID 1 of a namespace below the machine's, and what keeps it from outliving its driver.

Four processes make it.  The guard is the driver's child: it is the program's parent and waits for it, and kills it when the driver is gone
or has lost patience.  The leader begins a session, so that kill(0) in the program reaches nobody else, and joins the machine.  The door,
the leader's child in the machine's PID namespace, can clone into one below, which the leader cannot: NEWPID is EINVAL after setns.  Both
clone with CLONE_PARENT and end before the program begins.  The door has a number of its own choice, so that the machine's next number is
the program's.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.interface.backend import Body
from nscore.linux.afterfork import forget
from nscore.linux.agent import Process
from nscore.linux.calls import close_range, poll, received, setns
from nscore.linux.calls.creation import NEWPID, PARENT, PIDFD, SIGCHLD, helper, raw
from nscore.linux.init import reset_signals
from nscore.linux.program import LinuxTask, finish, flush

POLLIN = 0x1
ESRCH = 3
#: In the order in which they can be joined: the rights over the others come with the first.
NAMESPACES = ("user", "mnt", "uts", "ipc", "pid")
#: A user's interruptions, which are for the driver to answer.
INTERRUPTIONS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def run(proc: int, body: Body) -> int:
    """Run body in the machine whose /proc is proc, to its end: subprocess's returncode."""
    flush()
    driver = os.pidfd_open(os.getpid())
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        gc.freeze()  # what the driver has dropped must not close, by its number, a descriptor of the program's
        forked(guard, theirs.fileno(), driver, proc, body)
    theirs.close()
    os.close(driver)
    try:
        data = ours.recv(1 << 16)
    finally:
        ours.close()  # the guard takes it as the order to kill
        with suppress(ChildProcessError):  # the application's waitpid(-1) may have met it
            os.waitpid(pid, 0)
    if not data:
        raise RuntimeError("run: the guard of the program has been killed")
    number, result = marshal.loads(data)
    if number:
        raise OSError(number, f"run: {result}: {os.strerror(number)}")
    assert isinstance(result, int)
    return result


def forked(play: Callable[..., NoReturn], *args: Any) -> NoReturn:
    """Run what a fork is for.  Whatever happens, a copy of the driver must not go on as if it were the driver."""
    try:
        play(*args)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def guard(report: int, driver: int, proc: int, body: Body) -> NoReturn:
    """The program's parent."""
    signal.set_wakeup_fd(-1)
    reset_signals(None)
    for interruption in INTERRUPTIONS:
        signal.signal(interruption, signal.SIG_IGN)
    close_others(report, driver, proc)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ready, go = os.pipe()
    leader = os.fork()
    if leader == 0:
        forked(lead, theirs, ready, proc, body)
    theirs.close()
    data, fds, _, _ = socket.recv_fds(ours, 1 << 16, 1)
    number: int
    result: Any
    number, result = marshal.loads(data) if data else (3, "joining the machine")
    os.waitpid(leader, 0)
    if not number:
        result = attend(fds[0], result, go, driver, report)
    with suppress(BrokenPipeError):
        os.write(report, marshal.dumps((number, result)))
    os._exit(0)


def attend(pidfd: int, door: int, go: int, driver: int, report: int) -> int:
    """Let the program begin and wait for its end; its returncode.  Without a driver there is nobody to wait for."""
    os.waitpid(door, 0)
    os.write(go, b"0")
    for fd, _ in poll([(pidfd, POLLIN), (driver, POLLIN), (report, POLLIN)]):
        if fd != pidfd:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    assert ended is not None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def lead(theirs: socket.socket, ready: int, proc: int, body: Body) -> NoReturn:
    """Begin a session, join the machine, and have the door opened."""
    step = "setsid"
    doors: list[int] = []

    def door() -> int:
        pid = opened()
        doors.append(pid)
        return pid

    try:
        os.setsid()
        fds = [os.open(f"1/ns/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc) for name in NAMESPACES]
        if os.fstat(fds[0]).st_ino == os.stat("/proc/self/ns/user").st_ino:
            del fds[0]  # EINVAL: nobody joins his own
        for name, fd in zip(NAMESPACES[-len(fds) :], fds):
            step = name
            setns(fd)
        step = "clone"
        pid, pidfd = helper(NEWPID | PIDFD, SIGCHLD, (), door)
    except (OSError, Unavailable) as error:
        # Without a number it is the clone's helper, which dies with the machine.
        theirs.send(marshal.dumps((error.errno if isinstance(error, OSError) else ESRCH, step)))
        os._exit(0)
    if pid == 0:
        begin(ready, body)
    socket.send_fds(theirs, [marshal.dumps((0, doors[0]))], [pidfd or 0])
    os._exit(0)


def opened() -> int:
    """Clone the door, with a number near the end if there is one free: those that are chosen do not move the next."""
    with open("/proc/sys/kernel/pid_max") as file:
        last = int(file.read()) - 1
    for number in (last, last - 1, 299, 298):
        with suppress(FileExistsError):
            try:
                return raw(PARENT, 0, (number,))[0]
            except OSError as error:
                if error.errno != 22:  # EINVAL: beyond the machine's own pid_max
                    raise
    return raw(PARENT, 0, ())[0]


def begin(ready: int, body: Body) -> NoReturn:
    """In the program: have nothing of the driver's but its memory and its 0 to 2, and begin when all who made it are gone."""
    if not os.read(ready, 1):
        os._exit(0)
    close_range(3, 0x7FFFFFFF)
    forget()
    received()
    reset_signals(None)
    for name, fd in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if descriptor(getattr(sys, name)) != fd:  # somebody collects output, in memory or in a file that is closed now
            setattr(sys, name, os.fdopen(fd, "r" if fd == 0 else "w", closefd=False))
    finish(body, LinuxTask(Process("")))


def descriptor(stream: Any) -> int | None:
    """What a standard stream writes to, None where it is none or a file in memory."""
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def close_others(*keep: int) -> None:
    """Close all descriptors from 3 on but these."""
    first = 3
    for fd in sorted(keep):
        if fd > first:
            close_range(first, fd - 1)
        first = fd + 1
    close_range(first, 0x7FFFFFFF)
