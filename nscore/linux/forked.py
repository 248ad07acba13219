"""The way of ordinary users into a PID namespace, and of whoever cannot do with a thread: two forks.

Only a process of one thread may join a user namespace, and whoever joins a PID namespace is not in it, but his children are.  So
subprocess forks, its child joins both, clones the command by CLONE_PARENT, as a child of the caller, and ends.  The command goes on
where the fork was: in subprocess's own code before exec.  stubs.py has the same for callers that are slow to fork, or unsound.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import close, sigaction, sigprocmask, socketpair
from nscore.linux.entrance import Errand, enter, lead
from nscore.linux.keepers import SIG_SETMASK
from nscore.linux.surround import Refused, heard
from nscore.linux.wire import MSG_DONTWAIT, SEQPACKET_CLOEXEC, above_standard, receive_descriptors

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nscore.linux.command import Command
    from nscore.linux.keepers import Keeper, Taken
    from nscore.linux.surround import Options, Spawn

ESRCH, IGNORE = 3, 1


class Order:
    """A command that is to be made by two forks.

    Attributes:
        taken: Its init; None where it is its own.
        changes: What subprocess is not to do, or only in the end.
    """

    def __init__(self, command: Command, ours: Keeper, taken: Taken | None, spawn: Spawn, options: Options) -> None:
        self.command, self.taken, self.spawn, self.options = command, taken, spawn, options
        asked = spawn.arguments
        # What makes a leader is for the command itself; a group that exists is joined before its numbers are out of sight.
        group = asked.get("process_group", -1)
        session = bool(asked["start_new_session"]) and group <= 0
        self.changes: dict[str, Any] = {"start_new_session": False} if session else {}
        self.changes |= {"process_group": -1} if group == 0 else {}
        ids = (asked["gids"], asked["gid"], asked["uid"]) if ours.privileged else (None, None, None)
        if ours.privileged:  # who joins must be the caller still
            self.changes |= {"gids": None, "gid": None, "uid": None}
        self.errand = Errand(options, ours.privileged, os.getpid(), ids, session, group == 0)
        #: Copies of the guard's descriptors.
        self.lent = () if taken is not None else ours.guard().lend()
        self.errand.descriptors = self.lent if taken is None else (taken.pidfd, taken.proc)

    def close(self) -> None:
        """Give back what was lent for it."""
        for fd in self.lent:
            close(fd)

    def settle(self, told: Told, failure: BaseException | None = None) -> None:
        """Take what was told for what has happened: a birth, or what is raised."""
        failure = failure or told.refusal()
        if told.pid and not failure:
            self.command.born(told.pid, told.descriptors[0], self.taken)
            for fd in told.descriptors[1:]:
                close(fd)
            if self.taken is not None and self.options.watch:
                self.taken.watch(told.descriptors[0])
        else:
            reap(told.descriptors)
            raise failure or Refused("fork", OSError(ESRCH, "the fork died"))


class Told:
    """What those who make a command have told.

    Attributes:
        pid: The command's; 0 where they tell of none.
        descriptors: The command's pidfd, and what else came with it.
        words: Why there is none.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.descriptors: tuple[int, ...] = ()
        self.words: list[tuple[Any, ...]] = []

    def take(self, socket: int) -> None:
        """What waits in the socket.  Nobody waits for its end, which a fork of another thread's may hold."""
        message: Any = ()
        while message is not None:
            try:
                message, descriptors = receive_descriptors(socket, MSG_DONTWAIT)
            except BlockingIOError:
                break
            self.descriptors += descriptors
            if message and message[0] == "":
                self.pid = message[1]
            elif message:
                self.words.append(message)

    def refusal(self) -> Refused | None:
        """The first one: the others may follow from it."""
        return heard(self.words[0]) if self.words else None


def reap(descriptors: tuple[int, ...]) -> None:
    """The first is that of a command that has failed."""
    for pidfd in descriptors[:1]:
        with suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    for fd in descriptors:
        close(fd)


def by_fork(order: Order) -> None:
    """Make the command by a fork of subprocess's."""
    ours, theirs = (above_standard(fd) for fd in socketpair(1, SEQPACKET_CLOEXEC))
    failure: BaseException | None = None
    try:
        errand = order.errand
        follow = partial(become, errand.session, errand.group, order.command.mask, order.spawn.arguments["preexec_fn"])
        middle = order.spawn(preexec_fn=partial(entered, theirs, errand, follow), **order.changes)
        with suppress(ChildProcessError):  # another thread's wait() was first
            os.waitpid(middle, 0)
    except Exception as error:
        failure = error
    finally:
        close(theirs)
    told = Told()
    told.take(ours)
    close(ours)
    order.settle(told, told.refusal() or failure)


def entered(told: int, errand: Errand, follow: Callable[[], None]) -> None:
    """In the fork, and in the command."""
    enter(told, errand)
    follow()


def become(session: bool, group: bool, mask: tuple[int, ...] | None, preexec_fn: Callable[[], object] | None) -> None:
    """In the command: do what subprocess would have done in it."""
    lead(session, group)
    if preexec_fn is None:
        # What arrives between here and exec is for the command: none of the caller's handlers runs in it.
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)) and sigaction(number, None)[0] != IGNORE:  # unless others than Python ignore it
                signal.signal(number, signal.SIG_DFL)
    if mask is not None:
        sigprocmask(SIG_SETMASK, mask)
    if preexec_fn is not None:
        preexec_fn()
