"""The process that stands in for a PID namespace where there is none: it fathers a command, adopts its orphans, and kills them all.

It is a subreaper, so that whoever a dying descendant leaves behind becomes its child.  To kill all it kills its children until it has
none: what they leave are its children too.  A child that it has not reaped keeps its number, so that nobody else is ever hit.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import prctl
from nscore.linux.cgroups import Group
from nscore.linux.init import PR_SET_NAME
from nscore.linux.wire import send_descriptors

#: What it says: the command's wait status; nothing is left.
STATUS, GONE = "status", "gone"
#: Milliseconds between two looks at children that do not die.
SOON, LATE = 10, 1000


def main(control: int, caller: int, command: int, parent: int, number: int) -> None:
    """Serve until the command has ended, the caller asks for it or is gone; then leave nothing.

    Args:
        control: A socket to the caller.
        caller: A pidfd of the caller.
        command: The PID of the command, a child.
        parent: The directory of its cgroup.
        number: The cgroup's; 0 for none.
    """
    prctl(PR_SET_NAME, "nscore-warden")
    wake, woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    Warden(control, caller, command, wake, Group(parent, number) if number else None).serve()
    os._exit(0)


class Warden:
    """A command and all that it has started.

    Attributes:
        over: Whether all that lives is to end.
    """

    def __init__(self, control: int, caller: int, command: int, wake: int, group: Group | None) -> None:
        self.control, self.command, self.wake, self.group = control, command, wake, group
        self.over = False
        self.poll = select.poll()
        for fd in (control, caller, wake):
            self.poll.register(fd, select.POLLIN)
        self.children = select.poll()
        self.children.register(wake, select.POLLIN)

    def serve(self) -> None:
        """Reap; then kill."""
        self.reap()
        while not self.over:
            self.over = any(fd != self.wake for fd, _ in self.poll.poll())
            self.drain()
            self.reap()
        self.end()
        self.say(GONE, 0)

    def reap(self) -> bool:
        """Reap who has died; whether there are children still."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self.command:
                    self.say(STATUS, status)
                    self.over = True
        return False

    def end(self) -> None:
        """Kill until nothing is left."""
        if self.group is not None:
            self.group.kill()
        wait = SOON
        while self.reap():
            for pid in children():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if not self.children.poll(wait):
                wait = min(2 * wait, LATE)
            self.drain()
        if self.group is not None:
            while not self.group.emptied(LATE):
                pass
            self.group.remove()

    def drain(self) -> None:
        """Forget what woke it up."""
        with suppress(BlockingIOError):
            while os.read(self.wake, 4096):
                pass

    def say(self, word: str, number: int) -> None:
        """Tell the caller, if he lives."""
        with suppress(BrokenPipeError, ConnectionResetError):
            send_descriptors(self.control, (word, number), ())


def children() -> list[int]:
    """The PIDs of this process's children, or of most of them.  proc_pid_task(5)"""
    try:
        with open("/proc/thread-self/children") as file:
            return list(map(int, file.read().split()))
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if father(pid) == os.getpid()]


def father(pid: int) -> int:
    """The parent of a process; 0 if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
