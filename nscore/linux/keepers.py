"""The caller's side of the keeper: starting it, taking inits from its stock, and starting another where the caller has changed."""

from __future__ import annotations

import atexit
import errno
import os
import select
import socket
import struct
import sys
import threading
import time
import weakref
from _thread import get_native_id
from array import array
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.boot import CAP_SYS_ADMIN, capabilities, check_proc, forbidding
from nscore.linux.calls import fcntl
from nscore.linux.guard import BORN, EXPECTED, MESSAGE, OWN_SESSION
from nscore.linux.keeper import KILL, MORE, NOW, WATCH, WORDS
from nscore.linux.masked import blocked
from nscore.linux.wire import F_DUPFD_CLOEXEC, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, above_standard, send_descriptors
from nscore.linux.zygotes import disown, spawned

if TYPE_CHECKING:
    from typing import Any

TWO = struct.Struct("2i")
RIGHTS = socket.CMSG_SPACE(TWO.size)
#: Of the clock by which a process's start is told.
TICKS = os.sysconf("SC_CLK_TCK")


class Keeper:
    """A keeper of this process, for callers of these ids.

    Attributes:
        privileged: Whether its namespaces are of the caller's user namespace, which takes CAP_SYS_ADMIN; else they are of one
            in which the caller's ids alone are mapped, to themselves.
    """

    def __init__(self) -> None:
        check_proc()
        self.facts = facts()
        self.privileged = bool(capabilities() >> CAP_SYS_ADMIN & 1)
        control, reply, memory = self._spawned()
        if self.privileged and reply is not None and reply[0] == errno.EPERM:  # exec has taken from it what its caller has
            os.close(control)
            self.privileged = False
            control, reply, memory = self._spawned()
        #: The serial number of the last init that was taken, as far as is known.
        self.taken = bytes(4)
        self._guard: Guard | None = None
        self._lock = threading.Lock()
        #: Its statm, of proc_pid_statm(5).
        self._memory = [above_standard(fd) for fd in memory]
        #: The standard library's, which takes a third of the time of a call by ctypes.
        self.socket = socket.socket(fileno=control)
        _all.add(self)
        if reply != (0, None):
            self.close()
            raise refused(reply, self.privileged)

    def _spawned(self) -> tuple[int, Any, tuple[int, ...]]:
        ids = (-1, -1) if self.privileged else (os.geteuid(), os.getegid())
        return spawned("keeper", *ids)

    def take(self) -> Taken | None:
        """An init that waits, or None where the keeper has died."""
        flags = MSG_CMSG_CLOEXEC | MSG_DONTWAIT
        while self.alive():  # else what waits in the socket is dead, or about to be
            try:
                data, rights, _, _ = self.socket.recvmsg(4 + WORDS, RIGHTS, flags)
            except BlockingIOError:
                self.tell(NOW, self.taken)
                flags = MSG_CMSG_CLOEXEC
            except ConnectionResetError:
                pass  # after the reset comes what was said before it
            else:
                break
        else:
            return None
        if not data:
            return None
        if not rights:
            raise refused((int.from_bytes(data[:4], "little"), data[4:].decode()), self.privileged)
        serial = self.taken = data[:4]
        if data[4]:
            self.tell(MORE, serial)
        return Taken(self, serial, *[above_standard(fd) for fd in TWO.unpack(rights[0][2])])

    def alive(self) -> bool:
        """Whether it has not begun to die.

        Its inits are killed early in its death, and share its descriptors: the socket is open until the last of them is gone.  But before
        all that it gives up its memory (exit_mm in do_exit).
        """
        poll = select.poll()
        poll.register(self.socket, 0)
        with suppress(ProcessLookupError):
            return not poll.poll(0) and os.pread(self._memory[0], 2, 0) != b"0 "
        return False

    def tell(self, letter: bytes, serial: bytes, *descriptors: int) -> None:
        """Say something; a keeper that has died has already done all that can be asked of it."""
        with suppress(BrokenPipeError, ConnectionResetError):
            if descriptors:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))]
                self.socket.sendmsg((letter, serial), rights, MSG_NOSIGNAL)
            else:
                self.socket.send(letter + serial, MSG_NOSIGNAL)

    def guard(self) -> Guard:
        """What kills commands that are their own inits if the caller dies.  It starts at the first call, before any namespace is left."""
        return self._guard or blocked(self._guarded)

    def _guarded(self) -> Guard:
        with self._lock:
            if self._guard is None:
                self._guard = Guard()
            return self._guard

    def close(self) -> None:
        """Let it end, with all its inits."""
        self.socket.close()
        while self._memory:
            os.close(self._memory.pop())
        if self._guard is not None:
            self._guard.close()

    def __del__(self) -> None:
        if hasattr(self, "socket"):
            self.close()


class Taken:
    """An init out of the stock: the caller's until its command has ended.

    Attributes:
        pidfd: The init.
        proc: A detached mount of its namespace's /proc.
    """

    __slots__ = ("keeper", "pidfd", "proc", "serial")

    def __init__(self, keeper: Keeper, serial: bytes, pidfd: int, proc: int) -> None:
        self.keeper, self.serial, self.pidfd, self.proc = keeper, serial, pidfd, proc

    def watch(self, command: int) -> None:
        """Have the init killed when the command ends, whoever reaps it."""
        self.keeper.tell(WATCH, self.serial, command)

    def kill(self) -> None:
        """Have the init killed: the keeper may do it even where the caller has given up the right to."""
        self.keeper.tell(KILL, self.serial)

    def discard(self) -> None:
        """Give it up: no command was born into it."""
        self.kill()
        self.close()

    def close(self) -> None:
        """Close what is held of it."""
        os.close(self.pidfd)
        os.close(self.proc)


class Guard:
    """The guard of this process, and the socket of the commands that it would kill."""

    def __init__(self) -> None:
        control, reply, _ = spawned("guard")
        self.control = socket.socket(fileno=control)
        if reply != (0, None):
            self.control.close()
            why = reply[1] if reply else "it dies at once"
            raise Unavailable(f"the guard, a small interpreter, does not start: {why}", "Mend that, or leave out init=False")
        self.commands, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.commands.setblocking(False)
        send_descriptors(control, (), (theirs.fileno(),))
        theirs.close()

    def lend(self) -> tuple[int, ...]:
        """Copies of its two descriptors, which the caller closes, for a fork of his: what is inherited of a guard is closed there."""
        return tuple([fcntl(held.fileno(), F_DUPFD_CLOEXEC, 3) for held in (self.commands, self.control)])

    def expect(self, leads_session: bool) -> None:
        """Say that this thread is about to make a command."""
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME) * TICKS // 10**9
        session = OWN_SESSION if leads_session else os.getsid(0)
        self._say(MESSAGE.pack(EXPECTED, get_native_id(), session, now))

    def take(self, *commands: int) -> None:
        """Have the command that this thread has made; nothing where none was born."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", commands))] if commands else ()
        self._say(MESSAGE.pack(BORN, get_native_id(), 0, 0), *rights)

    def _say(self, message: bytes, *rights: tuple[int, int, array[int]]) -> None:
        """Put it into the socket; the guard sleeps on, unless that is full."""
        while True:
            try:
                self.commands.sendmsg((message,), rights, MSG_NOSIGNAL)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.ETOOMANYREFS):
                    raise
                self.control.send(b"f", MSG_NOSIGNAL)
                time.sleep(0.001)
            else:
                return

    def close(self) -> None:
        """Let it end, and kill what lives."""
        self.control.close()
        self.commands.close()


_lock = [threading.Lock()]
_all: weakref.WeakSet[Keeper] = weakref.WeakSet()
#: By effective ids: whoever drops his own needs a keeper of another kind.
_current: dict[tuple[int, int], Keeper] = {}


def keeper() -> Keeper:
    """This process's keeper for the calling thread's ids."""
    found = _current.get((os.geteuid(), os.getegid()))
    return found or renewed(None)


def renewed(old: Keeper | None) -> Keeper:
    """Another keeper in the place of one that has died, or does not suit the caller any more."""
    return blocked(partial(_renewed, old))  # a handler that ran a command would wait for a lock that it is not left to give back


def _renewed(old: Keeper | None) -> Keeper:
    ids = os.geteuid(), os.getegid()
    with _lock[0]:
        if _current.get(ids) is old:
            _current[ids] = Keeper()  # commands whose init is the old one's hold it themselves
        return _current[ids]


def outgrown(old: Keeper) -> bool:
    """Whether the caller is not what it was when the keeper started, in what decides which namespaces it may join."""
    with suppress(FileNotFoundError):  # without a /proc, which another keeper would not start without
        return old.facts != facts()
    return False


def facts() -> tuple[object, ...]:
    """What decides it: the calling thread's capabilities and namespaces."""
    return capabilities(), *[os.readlink(f"/proc/thread-self/ns/{name}") for name in ("user", "pid")]


#: In a forked child; and at the end of the interpreter, when what runs is to end.
_disown = partial(disown, _lock, _all, _current)
os.register_at_fork(after_in_child=_disown)
atexit.register(_disown)


def refused(reply: tuple[int, object] | None, privileged: bool) -> Unavailable:
    """What it means that the keeper does not start, or can make no init."""
    who = "root" if privileged else "an ordinary user"
    _, words = reply or (0, "the keeper, a small interpreter, dies at once")
    remedy = "Raise the limits of namespaces in /proc/sys/user"
    if not privileged:
        remedy = forbidding() or "Allow user namespaces, or run as root with CAP_SYS_ADMIN"
    return Unavailable(f"{who} cannot have a PID namespace here: {words}", remedy)
