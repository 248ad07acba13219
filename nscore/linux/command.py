"""A command and its namespace, as their caller holds them: to signal the one, to end the other and to be sure of it."""

from __future__ import annotations

import _thread
import os
import select
import sys
import time
from collections import deque
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import pidfd_get_info, pidfd_send_signal
from nscore.linux.init import SIGKILL
from nscore.linux.keepers import Taken

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

#: How often a killed init is looked at before anybody sleeps for it: it is gone after 50 to 80 looks, some 30 µs, or less than a sleep.
LOOKS = 200
#: Seconds after which one that does not end is looked at more closely.
GLANCE = 0.02
ECHILD = 10
#: Seconds after which a thread is not waited for any longer.
LEAVES = 0.5


class Command:
    """What the caller holds of a command and its namespace.

    Attributes:
        pid: The command's number as its caller sees it; 0 before its birth.
        pidfd: The command.
        init: A pidfd of the namespace's init: the command's own, where it is PID 1; -1 where there is none, or nothing is left.
        mask: The caller's mask, where its signals are blocked during the birth.
    """

    #: For __del__, where an interrupt came before the next line.
    init = -1

    def __init__(self) -> None:
        self.pid, self.pidfd, self.init = 0, -1, -1
        self.taken: Taken | None = None
        #: The thread that sleeps until the command has been reaped, and the gate that it sleeps behind; nothing when that is open.
        self.parked: list[tuple[int, _thread.LockType]] = []
        self.mask: tuple[int, ...] | None = None
        #: Whoever uses the descriptors holds it, and they are closed when nobody does: a handler's call may come within another one.
        self._lock = _thread.RLock()
        self._uses, self._over = 0, False

    def born(self, pid: int, pidfd: int, taken: Taken | None) -> None:
        """Take charge of a new-born command and the init that it was given; None where it is its own."""
        self.pid, self.pidfd, self.taken = pid, pidfd, taken
        self.init = pidfd if taken is None else taken.pidfd

    def signal(self, sig: int) -> None:
        """Send the command a signal; nothing where nothing is left of it."""
        self._using(lambda: pidfd_send_signal(self.pidfd, sig), None)

    def kill(self) -> None:
        """Have the kernel end the whole namespace."""
        self._using(self._kill, None)

    def expire(self, patience: float) -> None:
        """Return when the command, which has been killed, is to be reaped, or after so many seconds."""
        first_readable(self.lend(), patience)

    def lost_status(self) -> int:
        """The wait status of the command that somebody else has reaped; ChildProcessError where the kernel (before 6.15) does not tell."""
        with suppress(OSError):
            status = self._using(lambda: pidfd_get_info(self.pidfd)[-1], None)
            if status is not None:
                return status
        raise status_lost("Linux before 6.15 does not keep it")

    def end(self, patience: float) -> tuple[str, ...]:
        """Kill the namespace, whose command has been reaped, and return when nothing of it is left: or what is left after patience."""
        if self.init < 0:  # as when wait(), poll() and the end of the with block follow each other
            return ()
        return self._using(partial(self._ended, patience), ())

    def lend(self) -> tuple[int, int]:
        """Descriptors of one's own of the command and of the init; -1 when nothing is left."""
        return self._using(lambda: (os.dup(self.pidfd), os.dup(self.init)), (-1, -1))

    def release(self) -> None:
        """Close what is held, and let the thread go."""
        if self.init >= 0:
            self._using(self._give_up, None)

    def _using(self, work: Callable[[], T], otherwise: T) -> T:
        """Do it with the descriptors open; what it returns, or otherwise where they are closed."""
        with self._lock:
            self._uses += 1
            try:
                return work() if self.init >= 0 else otherwise
            finally:
                if self._over and self._uses == 1 and self.init >= 0:
                    self._close()
                self._uses -= 1

    def _kill(self) -> None:
        try:
            pidfd_send_signal(self.init, SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:  # the caller has dropped its ids since
            if self.taken is None:
                raise
            self.taken.kill()

    def _ended(self, patience: float) -> tuple[str, ...]:
        left = () if self.taken is None else self._left(self.taken, patience)
        self._over = not left
        return left

    def _left(self, taken: Taken, patience: float) -> tuple[str, ...]:
        self._kill()
        self._open_gate()  # so that its end is over when the caller goes on
        poll = select.poll()
        poll.register(taken.pidfd, select.POLLIN)
        for _ in range(LOOKS):
            if poll.poll(0):
                return ()
        pause = waited = min(GLANCE, patience)
        while not poll.poll(pause * 1000):
            # Whoever sits outside in the group or session of a dead member holds up the init, which runs nothing, and no other.
            if not members(taken.proc):
                break
            # What was waited, not what the clock says: a machine that stood still has not given the kernel its time.
            if waited >= patience:
                return described(taken.proc)
            pause = min(2 * pause, 0.2)
            waited += pause
        return ()

    def _give_up(self) -> None:
        self._over = True

    def _close(self) -> None:
        pidfd, self.pidfd, self.init = self.pidfd, -1, -1
        try:
            os.close(pidfd)
            if self.taken is not None:
                self.taken.close()
        finally:
            self._open_gate()

    def _open_gate(self) -> None:
        """Let the thread go, whose end no PDEATHSIG comes of any more."""
        try:
            tid, gate = self.parked.pop()
        except IndexError:
            return
        _leaving.append(tid)
        gate.release()

    def __del__(self) -> None:
        self.release()


#: The last threads that were let go: the kernel takes a millisecond to take a mount namespace apart.
_leaving: deque[int] = deque(maxlen=64)


def threads_left() -> None:
    """Before a fork: wait for them, for whom os.fork() would warn of threads that nobody knows of any more."""
    while _leaving:
        task = f"/proc/self/task/{_leaving.popleft()}"
        limit = time.monotonic() + LEAVES
        while os.path.exists(task) and time.monotonic() < limit:
            time.sleep(0.0001)


os.register_at_fork(before=threads_left, after_in_child=_leaving.clear)


def first_readable(descriptors: tuple[int, int], patience: float) -> None:
    """Wait so long for the first one, and close both; nothing where they are -1."""
    if descriptors[0] < 0:
        return
    try:
        poll = select.poll()
        poll.register(descriptors[0], select.POLLIN)
        poll.poll(patience * 1000)
    finally:
        for fd in descriptors:
            os.close(fd)


def status_lost(why: str) -> ChildProcessError:
    """What is raised where subprocess would say 0."""
    return ChildProcessError(ECHILD, f"somebody else has reaped the command, or SIGCHLD is ignored: its status is lost, as {why}")


def members(proc: int) -> tuple[str, ...]:
    """The numbers of what lives in the namespace of that /proc beside its init."""
    try:
        directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
    except OSError as error:
        return (f"nobody knows what, since its /proc cannot be read: {error}",)
    try:
        return tuple([name for name in os.listdir(directory) if name.isdigit() and name != "1"])
    finally:
        os.close(directory)


def described(proc: int) -> tuple[str, ...]:
    """The same with names and states."""
    found = []
    for pid in members(proc):
        lines: dict[str, str] = {}
        with suppress(OSError):
            fd = os.open(f"{pid}/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
            with open(fd, errors="backslashreplace") as file:
                lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        found.append(f"PID {pid} ({lines.get('Name', '?')}, {lines.get('State', '?')})")
    return tuple(found)
