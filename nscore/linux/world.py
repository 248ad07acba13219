"""A machine on the kernel: its init, what drives it, and when it is settled."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import cast

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.interface.backend import Args, Body
from nscore.linux.boot import booted
from nscore.linux.driven import LinuxDriven
from nscore.linux.level import level
from nscore.linux.run import run
from nscore.linux.settle import Scan, Seen
from nscore.linux.wire import LIMIT
from nscore.linux.zygotes import IMAGE

#: Seconds that a call may take to settle.
PATIENCE = 10.0
#: flags.Disposition
HANDLE = 2
#: Seconds between two looks at what moves.
PAUSE = 0.00003
#: How many descriptors agents leave to settle() and to the application.
SPARE = 32

#: How often the collector of sockets is asked, a quarter of a second each.
ASKED = 8


class LinuxWorld:
    """World of nscore.interface.backend."""

    def __init__(self, options: Mapping[str, object]) -> None:
        for name in options:
            raise TypeError(f"boot: linux has no option {name!r}")
        self.driven: dict[int, LinuxDriven] = {}
        #: For replies: one packet.
        self.buffer = bytearray(LIMIT)
        #: Calls of the image that have not got as far as its first word.
        self.execing: dict[LinuxDriven, None] = {}
        #: Whether any process has asked for a handler.
        self.handlers = False
        #: Whether a socket has been sent over a socket: from then on descriptors may be closed by the kernel's collector, late.
        self.collected = False
        self.machine = booted()
        self.epoll = select.epoll()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        #: From here on descriptors are for others.
        self.last = soft - SPARE
        self.scan = Scan(self.machine.proc, self.may_wait, soft // 4)
        self._init = LinuxDriven(self, socket.socket(fileno=self.machine.control), born=True)
        self._init.pid = self._init.tid = "1"
        self.open = True

    @property
    def init(self) -> LinuxDriven:
        """PID 1."""
        return self._init

    @property
    def level(self) -> int:
        """One below the driver's own."""
        return level() + 1

    @property
    def image(self) -> str:
        """This interpreter: exec'ed by exactly this path, it is an agent again."""
        if not IMAGE:
            raise Unavailable("there is no interpreter to exec: sys.executable cannot be run")
        return IMAGE

    @property
    def replay(self) -> str:
        """The kernel makes the choices."""
        return ""

    def settle(self, patience: float) -> None:
        """Look until nothing moves."""
        self._settle(patience, None)

    def advance(self, enough: Callable[[], bool]) -> None:
        """Let the machine settle, or less, if that is enough."""
        self._settle(PATIENCE, enough)

    def sleep(self, seconds: float) -> None:
        """Really."""
        time.sleep(seconds)

    def run(self, body: Body) -> int:
        """In a child of the driver's, guarded by its parent."""
        return run(self.machine.proc, body)

    def close(self) -> None:
        """Kill init, and with it all the rest, and wait until it is reaped."""
        if not self.open:
            return
        self.open = False
        try:
            if not self.machine.inherited():
                self.machine.kill()
        finally:
            for driven in self.driven.values():
                driven.gone = True
                driven.sock.close()
            self.scan.close()
            self.epoll.close()
            self.machine.close()

    # Settling.

    def _settle(self, patience: float, enough: Callable[[], bool] | None) -> None:
        limit = time.monotonic() + patience
        while True:
            seen = self.looked_twice()
            moved = self.drain()
            if enough is not None and enough():
                return
            if seen is not None and not moved and not (self.collected and self.moves_late(seen)):
                return
            if time.monotonic() > limit:
                raise TimeoutError(f"the machine does not settle: {self.scan.shown()}")
            if seen is None:
                time.sleep(PAUSE)

    def looked_twice(self) -> Seen | None:
        """How often all tasks have run, in two looks; None if something moves."""
        first = self.scan.look()
        if first is None or not self.scan.again(first) or (self.execing and self.starts()):
            return None
        return first

    def starts(self) -> bool:
        """Whether an exec of the image is under way: an interpreter that starts may sleep, and has nobody to tell."""
        stopped = {thread.tid for thread in self.scan.threads if thread.letter in (b"T", b"Z")}
        return any(driven.pid not in stopped for driven in self.execing)

    def moves_late(self, seen: Seen) -> bool:
        """Whether the kernel's collector of sockets let something move.

        Twice our own garbage: the collector runs once for what is there when it starts.
        """
        collect_sockets()
        collect_sockets()
        return self.looked_twice() != seen or self.drain()

    def drain(self) -> bool:
        """Take all replies; whether that may have let something move."""
        moved = False
        while events := self.epoll.poll(0):
            for fd, event in events:
                driven = self.driven.get(fd)
                if driven is not None and driven.ready(event):
                    moved = True
        return moved

    def may_wait(self, tid: str) -> bool:
        """Whether a thread in D waits for the child of its vfork, which has spoken: so its clone is past all else that sleeps so."""
        return any(driven.tid == tid and driven.vforked is not None and driven.vforked.born for driven in self.driven.values())

    # What the ends of agents need.

    def socketpair(self) -> tuple[socket.socket, socket.socket]:
        """Two ends for another agent."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if theirs.fileno() < self.last:
            return ours, theirs
        ours.close()
        theirs.close()
        raise Unavailable(
            f"the driver has no descriptor left for another process: RLIMIT_NOFILE is {self.last + SPARE}",
            "Raise it (ulimit -n): a driven process takes one, and up to three more to be watched",
        )

    def note(self, driven: LinuxDriven, name: str, args: Args) -> None:
        """Take note of an exec, of handlers, and of descriptors that are sent."""
        if name == "execve":
            if args[0] == IMAGE:
                self.execing[driven] = None
        elif name == "sigaction":
            self.handlers |= args[1] == HANDLE
        elif not self.collected:
            for fd in cast("tuple[int, ...]", args[2]):
                with contextlib.suppress(OSError):  # not open, as the call itself will say
                    self.collected |= os.readlink(f"{driven.tid}/fd/{fd}", dir_fd=self.machine.proc).startswith("socket:")

    def execed(self, driven: LinuxDriven, number: int) -> None:
        """The image has spoken, or there was an error; a thread that execs gets its process's number."""
        if driven in self.execing:
            del self.execing[driven]
            if number == 0:
                driven.tid = driven.pid

    def dropped(self, driven: LinuxDriven) -> None:
        """Forget an end that is closed."""
        self.execing.pop(driven, None)
        del self.driven[driven.fd]
        self.epoll.unregister(driven.fd)

    def numbers(self, host: int, tid: int | None) -> tuple[str, str]:
        """The machine's numbers of the process that the driver knows as host, and of its thread that calls itself tid; "" if it is gone."""
        pid = (nspid(f"/proc/{host}/status", None) or ["", ""])[1]
        if tid is None or not pid:
            return pid, pid
        for number in self.scan.tids(pid):
            if (nspid(f"{pid}/task/{number}/status", self.machine.proc) or [""])[-1] == str(tid):
                return pid, number
        return pid, ""


def nspid(path: str, proc: int | None) -> list[str] | None:
    """NSpid of a status file, from the namespace of its /proc inwards; None if the process is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
        with open(fd, errors="surrogateescape") as file:
            return next(line for line in file if line.startswith("NSpid:")).split()[1:]
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return None


def collect_sockets() -> None:
    """Have the kernel collect what is in flight between sockets that nobody can reach: make such garbage with the end of a pipe in it, and
    wait until that is closed.  The collector's worker may be late, or overlook it: it is asked again by more garbage, a few times."""
    end, flying = os.pipe()
    collected = select.poll()
    collected.register(end, select.POLLIN)
    drop_sockets(flying)
    os.close(flying)
    for _ in range(ASKED):
        if collected.poll(250):
            break
        drop_sockets()
    os.close(end)


def drop_sockets(*flying: int) -> None:
    """Leave a pair of sockets that only what is in flight between them holds, and flying with it."""
    one, other = socket.socketpair()
    socket.send_fds(one, [b"0"], [other.fileno(), *flying])
    one.close()
    other.close()
