"""How whoever is not in a PID namespace makes a command in it, as a child of his own parent: in a fork of the caller, or in a stub.

He joins an init's namespaces, or leaves his own, clones the command by CLONE_PARENT, tells of it and ends.  The command goes on, and has
what the caller has.  A stub starts as fast as what is imported here.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.afterfork import hooked
from nscore.linux.calls import sendmsg, setns, sigpending, unshare
from nscore.linux.calls.creation import NEWPID, NEWUSER, PARENT, PIDFD, raw
from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import SIGSET_SIZE
from nscore.linux.structs import buffer
from nscore.linux.surround import INSIDE, Options, Refused, step, surround
from nscore.linux.wire import MSG_NOSIGNAL, above_standard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from nscore.linux.calls.ahead import Call
    from nscore.linux.mapping import Mapper

    #: What subprocess is asked for: extra_groups, group and user, in the order in which they are taken.
    Ids: TypeAlias = "tuple[list[int] | None, int | None, int | None] | tuple[()]"
    Tell: TypeAlias = "Callable[[tuple[object, ...], tuple[int, ...]], None]"

#: The guard's socket is full, by messages or by descriptors that are in flight.
FULL = (11, 109)
#: Here, as what a fork touches for the first time has to be copied.
PENDING = buffer(SIGSET_SIZE)


class Errand:
    """What is to be done.  All but the descriptors are plain values: a stub is told of them in a message.

    Attributes:
        options: What the namespace is to have.
        caller: Whose command it is, by his PID.
        ids: What the command takes in the end, where its maker must be the caller still.
        session: Whether it leads a session.
        group: Whether it leads a process group.
        restoring: The calls by which one has what the caller has, after joining a user namespace; None where it is his own.
        preparing: Other calls for the command, which its maker may make.
        mask: The last call before it is its own.
        descriptors: An init and its /proc; or a guard's two sockets, where the command is its own init.
    """

    __slots__ = ("caller", "descriptors", "group", "ids", "mask", "options", "preparing", "restoring", "session")

    def __init__(self, options: Options, caller: int, ids: Ids, session: bool, group: bool, restoring: Sequence[Call] | None) -> None:
        self.options, self.caller, self.ids, self.session, self.group, self.restoring = options, caller, ids, session, group, restoring
        self.preparing: Sequence[Call] = ()
        self.mask: Call | None = None
        self.descriptors: tuple[int, ...] = ()

    def plain(self) -> tuple[object, ...]:
        """It as a message."""
        options = tuple([getattr(self.options, name) for name in Options.__slots__])
        return (options, self.caller, self.ids, self.session, self.group, self.restoring), self.preparing, self.mask


def errand_of(plain: tuple[Any, ...], descriptors: tuple[int, ...]) -> Errand:
    """What such a message says."""
    (options, *others), preparing, mask = plain
    errand = Errand(Options(**dict(zip(Options.__slots__, options))), *others)
    errand.preparing, errand.mask, errand.descriptors = preparing, mask, descriptors
    return errand


def enter(tell: Tell, errand: Errand, *more: int, make: Callable[..., int] = hooked) -> None:
    """Make the command, tell of it and end; in the command, return.

    Args:
        tell: Takes (STEP, ERRNO, …) of a refusal, and ("", PID) of a birth with the command's pidfd.
        errand: What to make.
        more: Descriptors to go with the pidfd.
        make: How raw() is to make the call.
    """
    born: tuple[int, ...] = ()
    mapper = gate = None
    try:
        mapper = mapper_of(errand)
        if errand.options.init:
            join(errand)
        else:
            gate = Gate()
            leave(errand)
        # What can be done here need not be done in memory that is to be copied once more.
        obey(errand.preparing)
        if mapper is None and gate is None:
            obey(errand.restoring or ())
        pid, pidfd = step("clone", raw, PARENT | PIDFD, 0, (), make)
        if pidfd is not None:
            born = (pidfd, *more)
            if gate is not None:
                gate.open(errand, pidfd)
            if mapper is not None:
                mapper.write(pid)
        elif gate is not None:
            gate.wait()
            surround(errand.options, INSIDE)
    except Refused as refusal:
        tell(refusal.told(), born)
        raise
    if born:
        tell(("", pid), born)
        pass_signals_on(pid, errand)
        os._exit(0)
    become(errand, mapper, gate)


def mapper_of(errand: Errand) -> Mapper | None:
    """What gives the command a user namespace, if it is to have one."""
    if errand.options.user is None:
        return None
    from nscore.linux.mapping import Mapper  # here, and not in each stub

    return step("user namespace", Mapper, errand.options, *errand.ids[:0:-1])


def become(errand: Errand, mapper: Mapper | None, gate: Gate | None) -> None:
    """In the command: have what the caller has, or asks for."""
    if errand.ids:
        take_ids(*errand.ids)
    if mapper is not None:
        mapper.enter()  # what it has there is what a user namespace gives
    elif gate is not None:
        obey(errand.restoring or ())
    if errand.session or errand.group:
        lead(errand.session, errand.group)
    if errand.mask is not None:
        syscall(*errand.mask)


def obey(calls: Sequence[Call]) -> None:
    """Make calls that were made ready."""
    for call in calls:
        syscall(*call)


def join(errand: Errand) -> None:
    """Have children in the init's PID namespace, with the other namespaces that they are to have."""
    init, proc = errand.descriptors
    if errand.restoring is not None:
        step("user namespace", setns, init, NEWUSER)
    surround(errand.options, proc)
    step("setns", setns, init, NEWPID)


def leave(errand: Errand) -> None:
    """Have children in a new PID namespace, whose first one is its init."""
    if errand.restoring is None:
        step("unshare", unshare, NEWPID)
    else:
        from nscore.linux.init import map_ids  # here: it brings along what a stub seldom needs

        ids = os.geteuid(), os.getegid()
        step("unshare", unshare, NEWUSER | NEWPID)
        step("id maps", map_ids, ids, ids)


class Gate:
    """Keeps a command that is its own init until somebody else is sure to end it with its caller."""

    def __init__(self) -> None:
        self._reads, self._writes = [above_standard(fd) for fd in os.pipe()]

    def open(self, errand: Errand, pidfd: int) -> None:
        """In its maker: entrust it to the guard, and let it go on.  Else, and where the caller is dead, it ends."""
        commands, control = errand.descriptors
        step("guard", entrust, commands, control, pidfd)
        # The guard looks once more for commands when the caller has died: one who lives after the sending has sent in time.
        if os.getppid() == errand.caller:
            os.write(self._writes, b"\0")

    def wait(self) -> None:
        """In the command."""
        os.close(self._writes)
        if not os.read(self._reads, 1):
            os._exit(255)
        os.close(self._reads)


def entrust(commands: int, control: int, command: int) -> None:
    """Put a pidfd into the socket of the guard, who sleeps on, unless it is full."""
    while True:
        try:
            sendmsg(commands, b"c", (command,), None, MSG_NOSIGNAL)
            return
        except OSError as error:
            if error.errno not in FULL:
                raise
        sendmsg(control, b"f", (), None, MSG_NOSIGNAL)
        time.sleep(0.001)


def pass_signals_on(pid: int, errand: Errand) -> None:
    """What came for the whole process group before the command was in it: a terminal's Ctrl-C, say."""
    if errand.session or errand.group:
        return
    syscall("rt_sigpending", PENDING, SIGSET_SIZE)
    if any(PENDING.raw):
        for number in sigpending():
            os.kill(pid, number)


def take_ids(gids: list[int] | None = None, gid: int | None = None, uid: int | None = None) -> None:
    """In the command: what user, group and extra_groups ask for, as subprocess does it."""
    if gids is not None:
        os.setgroups(gids)
    if gid is not None:
        os.setregid(gid, gid)
    if uid is not None:
        os.setreuid(uid, uid)


def lead(session: bool, group: bool) -> None:
    """In the command: lead a session or a process group."""
    if session:
        os.setsid()
    if group:
        os.setpgid(0, 0)
