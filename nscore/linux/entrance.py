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

from nscore.linux.calls import capget, capset, prctl, sendmsg, setns, sigpending, unshare
from nscore.linux.calls.creation import NEWPID, NEWUSER, PARENT, PIDFD, raw
from nscore.linux.calls.syscall import syscall
from nscore.linux.mapping import Mapper
from nscore.linux.surround import INSIDE, Options, Refused, step, surround
from nscore.linux.wire import MSG_NOSIGNAL, above_standard, send_descriptors

if TYPE_CHECKING:
    from typing import TypeAlias

    #: What subprocess is asked for: extra_groups, group and user, in the order in which they are taken.
    Ids: TypeAlias = "tuple[list[int] | None, int | None, int | None]"

PR_CAPBSET_DROP, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_CAP_AMBIENT = 24, 27, 28, 47
PR_CAP_AMBIENT_RAISE = 2
#: The guard's socket is full, by messages or by descriptors that are in flight.
FULL = (11, 109)


class Errand:
    """What is to be done.  All but the descriptors are plain values: a stub is told of them in a message.

    Attributes:
        options: What the namespace is to have.
        privileged: Whether it is of the caller's own user namespace.
        caller: His PID.
        ids: What the command takes in the end, where its maker must be the caller still.
        session: Whether it leads a session.
        group: Whether it leads a process group.
        descriptors: An init and its /proc; or a guard's two sockets, where the command is its own init.
    """

    __slots__ = ("caller", "descriptors", "group", "ids", "options", "privileged", "session")

    def __init__(self, options: Options, privileged: bool, caller: int, ids: Ids, session: bool, group: bool) -> None:
        self.options, self.privileged, self.caller, self.ids, self.session, self.group = options, privileged, caller, ids, session, group
        self.descriptors: tuple[int, ...] = ()

    def plain(self) -> tuple[object, ...]:
        """It as a message."""
        options = tuple([getattr(self.options, name) for name in Options.__slots__])
        return options, self.privileged, self.caller, self.ids, self.session, self.group


def errand_of(plain: tuple[object, ...]) -> Errand:
    """What such a message says."""
    options, *others = plain
    return Errand(Options(**dict(zip(Options.__slots__, options))), *others)  # type: ignore[call-overload, arg-type]


def enter(told: int, errand: Errand, *more: int) -> None:
    """Make the command, tell of it and end; in the command, return.

    Whoever is told hears (STEP, ERRNO, …) of a refusal, and ("", PID) of a birth: with a pidfd, and the descriptors that are more.
    """
    before = None if errand.privileged else Credentials()
    born: tuple[int, ...] = ()
    mapper = gate = None
    try:
        if errand.options.user is not None:
            mapper = step("user namespace", Mapper, errand.options, errand.ids[2], errand.ids[1])
        if errand.options.init:
            join(errand)
        else:
            gate = Gate()
            leave(errand)
        pid, pidfd = step("clone", raw, PARENT | PIDFD, 0, ())
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
        send_descriptors(told, refusal.told(), born)
        raise
    if born:
        send_descriptors(told, ("", pid), born)
        pass_signals_on(pid, errand)
        os._exit(0)
    take_ids(*errand.ids)
    if mapper is not None:
        mapper.enter()  # what it has there is what a user namespace gives
    elif before is not None:
        before.restore()


def join(errand: Errand) -> None:
    """Have children in the init's PID namespace, with the other namespaces that they are to have."""
    init, proc = errand.descriptors
    if not errand.privileged:
        step("user namespace", setns, init, NEWUSER)
    surround(errand.options, proc)
    step("setns", setns, init, NEWPID)


def leave(errand: Errand) -> None:
    """Have children in a new PID namespace, whose first one is its init."""
    if errand.privileged:
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
    if not (errand.session or errand.group):
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


class Credentials:
    """What a process has that joining a user namespace takes from it, or gives it in excess."""

    def __init__(self) -> None:
        self.capabilities = capget()
        self.securebits = int(prctl(PR_GET_SECUREBITS))
        fd = os.open("/proc/thread-self/status", os.O_RDONLY | os.O_CLOEXEC)
        status = os.read(fd, 1 << 16)
        os.close(fd)
        self.bounding, self.ambient = (numbers(status, name) for name in (b"CapBnd", b"CapAmb"))

    def restore(self) -> None:
        """Have inside what one had outside, by its numbers; over anything outside it is worth nothing."""
        effective, permitted, inheritable = self.capabilities
        everything = capget()[1]  # of one who has just come there
        if inheritable:
            capset(everything, everything, inheritable)
        for capability in members(~self.bounding & everything):
            prctl(PR_CAPBSET_DROP, capability)
        for capability in members(self.ambient):
            syscall("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
        if self.securebits:
            prctl(PR_SET_SECUREBITS, self.securebits)
        capset(effective, permitted, inheritable)


def numbers(status: bytes, name: bytes) -> int:
    """A set of capabilities in the text of proc/PID/status."""
    return int(status.partition(b"\n" + name + b":")[2].partition(b"\n")[0], 16)


def members(capabilities: int) -> list[int]:
    """The numbers of a set."""
    return [number for number in range(capabilities.bit_length()) if capabilities >> number & 1]
