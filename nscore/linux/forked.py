"""The way of ordinary users into a PID namespace, and of whoever cannot do with a thread: two forks.

Only a process of one thread may join a user namespace, and whoever joins a PID namespace is not in it, but his children are.  So
subprocess forks, its child joins both, clones the command by CLONE_PARENT, as a child of the caller, and ends.  The command goes on
where the fork was: in subprocess's own code before exec.  stubs.py has the same for callers that are slow to fork, or unsound.
"""

from __future__ import annotations

import marshal
import os
import socket
import sys
from _thread import get_ident
from array import array
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import furniture, init, mapping
from nscore.linux.afterfork import execs, hooked
from nscore.linux.calls import close
from nscore.linux.calls.ahead import DEFAULT, setting_action, setting_mask
from nscore.linux.calls.creation import PARENT, PIDFD, prepare, unhooked
from nscore.linux.credentials import handled, restoring, status_of_thread
from nscore.linux.entrance import Errand, enter
from nscore.linux.surround import Refused, heard
from nscore.linux.wire import LIMIT, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, VERSION, above_standard

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nscore.linux.command import Command
    from nscore.linux.entrance import Ids, Tell
    from nscore.linux.keepers import Keeper, Taken
    from nscore.linux.surround import Options, Spawn

ESRCH = 3
#: What is imported where it is needed, so that a stub starts without it, is here for a thread or a fork that sees another root by then.
LOADED = furniture, init, mapping
#: Room for the command's pidfd and another descriptor.
RIGHTS = socket.CMSG_SPACE(8)


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
        ids: Ids = ()
        if ours.privileged:  # who joins must be the caller still
            ids = asked["gids"], asked["gid"], asked["uid"]
            self.changes |= {"gids": None, "gid": None, "uid": None}
        #: Read here, as in a fork all that is touched has to be copied.
        self.status = status_of_thread()
        calls = None if ours.privileged else restoring(self.status)
        self.errand = Errand(options, os.getpid(), ids, session, group == 0, calls)
        self.preexec_fn = asked["preexec_fn"]
        #: The command's mask; None for that of its maker.
        self.mask = command.mask
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

    def take(self, ours: socket.socket) -> None:
        """What waits in the socket.  Nobody waits for its end, which a fork of another thread's may hold."""
        data = b"."
        with suppress(BlockingIOError):
            while data:
                try:
                    data, rights, _, _ = ours.recvmsg(LIMIT, RIGHTS, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)
                except ConnectionResetError:
                    continue  # it died with its order unread; after the reset comes what was said before it
                for _, _, content in rights:
                    self.descriptors += tuple(array("i", content))
                if data:
                    self.hear(marshal.loads(data))

    def hear(self, message: tuple[Any, ...]) -> None:
        """A message."""
        if message[0] == "":
            self.pid = message[1]
        else:
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


def pair() -> tuple[socket.socket, socket.socket]:
    """Two sockets, whose descriptors no child's standard ones are put over."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if ours.fileno() > 2 and theirs.fileno() > 2:
        return ours, theirs
    ours, theirs = [socket.socket(fileno=above_standard(it.detach())) for it in (ours, theirs)]
    return ours, theirs


def by_fork(order: Order) -> None:
    """Make the command by a fork of subprocess's."""
    ours, theirs = pair()
    failure: BaseException | None = None
    make: Callable[..., int] = hooked
    thread = get_ident()
    if order.preexec_fn is None:
        execs.add(thread)
        # Nobody's code runs in the command, and none of the caller's handlers: what arrives before exec is for the command.
        make = unhooked
        order.errand.preparing = [setting_action(number, DEFAULT) for number in handled(order.status)]
    if order.mask is not None:
        order.errand.mask = setting_mask(order.mask)
    prepare(PARENT | PIDFD, 0)
    try:
        middle = order.spawn(preexec_fn=partial(entered, partial(tell, theirs), order.errand, make, order.preexec_fn), **order.changes)
        with suppress(ChildProcessError):  # another thread's wait() was first
            os.waitpid(middle, 0)
    except Exception as error:
        failure = error
    finally:
        execs.discard(thread)
        theirs.close()
    told = Told()
    told.take(ours)
    ours.close()
    order.settle(told, told.refusal() or failure)


def tell(theirs: socket.socket, message: tuple[Any, ...], descriptors: tuple[int, ...]) -> None:
    """In the fork, or in the command."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))] if descriptors else []
    theirs.sendmsg((marshal.dumps(message, VERSION),), rights, MSG_NOSIGNAL)


def entered(tell: Tell, errand: Errand, make: Callable[..., int], preexec_fn: Callable[[], object] | None) -> None:
    """In the fork, and in the command."""
    enter(tell, errand, make=make)
    if preexec_fn is not None:
        preexec_fn()
