"""The driver's end of an agent: commands go out, one at a time, and what came of them is waited for."""

from __future__ import annotations

import marshal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Errno, Unavailable
from nscore.interface.backend import Args, Fate, Outcome
from nscore.linux.calls import TABLE
from nscore.linux.wire import FAULT, LIMIT, REFUSED, VERSION, errno_name, packets

if TYPE_CHECKING:
    from nscore.linux.world import LinuxWorld

#: Seconds within which a call is answered, asleep or dead.
PATIENCE = 10.0
VFORK = 0x4000
EPOLLIN, EPOLLOUT = 1, 4
SCM_CREDENTIALS = 2
DONTWAIT = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
#: Calls of which the world takes note.
SPECIAL = frozenset(("execve", "sendmsg", "sigaction"))
#: struct timeval: one tick, the least that a socket waits.
TICK = struct.pack("@ll", 0, 1)
UCRED = struct.Struct("3i")
#: The packet that carries a descriptor.
dumps, loads = marshal.dumps, marshal.loads
HANDED = marshal.dumps(None, VERSION)

#: The commands that carry no arguments.
BARE = {name: marshal.dumps((name, ()), VERSION) for name in TABLE}


class LinuxDriven:
    """Driven of nscore.interface.backend."""

    __slots__ = (
        "answer",
        "asked",
        "born",
        "buffer",
        "fd",
        "gone",
        "parts",
        "pid",
        "recv_into",
        "sock",
        "sock_send",
        "tid",
        "unsent",
        "vforked",
        "world",
    )

    def __init__(self, world: LinuxWorld, sock: socket.socket, born: bool) -> None:
        self.world, self.sock, self.fd = world, sock, sock.fileno()
        self.recv_into, self.sock_send, self.buffer = sock.recv_into, sock.send, world.buffer
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TICK)
        if not born:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        #: Whether it has said hello; before that the kernel is asked who speaks.
        self.born = born
        #: Its process's and its own number in the machine's namespace.
        self.pid = self.tid = ""
        #: Whether a command has been sent whose outcome nobody has taken, and what came of it.
        self.asked = False
        self.answer: tuple[Outcome | Exception] | None = None
        self.gone = False
        #: The child that the clone under way waits for, with VFORK.
        self.vforked: LinuxDriven | None = None
        #: What did not fit into the socket yet, and what has been read of a long reply.
        self.unsent: list[bytes] = []
        self.parts = b""
        world.driven[self.fd] = self
        world.epoll.register(self.fd, EPOLLIN)

    # Driven, of the waist.

    def call(self, name: str, args: Args) -> Outcome:
        """Make the call; the reply is nearly always there within a tick, short and a success: the short way out."""
        if args or self.asked or name not in BARE:
            self.start(name, args)
        else:
            self.asked = True
            try:
                self.sock_send(BARE[name], DONTWAIT)
            except OSError:
                self.send((BARE[name],))
        world, buffer, size = self.world, self.buffer, 0
        if self.born and not world.execing:
            try:
                size = self.recv_into(buffer)
            except OSError:
                size = 0  # it comes later, or never: listen() will tell
            if 0 < size < LIMIT:
                number, value = loads(buffer)
                if number == 0:
                    self.asked = False
                    if world.handlers:
                        self.rest()
                    return cast(Outcome, value)
        self.listen(bytes(buffer[:size]))
        if world.handlers:
            self.rest()
        return self.outcome()

    def start(self, name: str, args: Args) -> None:
        """Send the command."""
        if self.asked:
            self.abandon()
        self.asked = True
        if name in SPECIAL:
            self.world.note(self, name, args)
        data = dumps((name, args), VERSION)
        if len(data) >= LIMIT:
            return self.send(packets((name, args)))
        try:
            self.sock_send(data, DONTWAIT)
        except OSError:
            self.send((data,))

    def outcome(self) -> Outcome:
        """Take what came of the call."""
        if self.answer is None:
            return Fate.GONE if self.gone else Fate.PENDING
        (out,), self.answer = self.answer, None
        self.asked = False
        if isinstance(out, Exception) and not isinstance(out, Errno):
            raise out
        return out

    def create(self, name: str, args: Args) -> tuple[LinuxDriven | None, Outcome]:
        """Have a process or thread created that obeys a socket of its own."""
        ours, theirs = self.world.socketpair()
        child = LinuxDriven(self.world, ours, born=False)
        if name == "clone" and isinstance(args[0], int) and args[0] & VFORK:
            self.vforked = child
        self.start(name, args)
        try:
            socket.send_fds(self.sock, [HANDED], [theirs.fileno()], int(socket.MSG_NOSIGNAL))
        except OSError:
            self.lost()
        theirs.close()
        self.listen()
        try:
            out = self.outcome()
        except Exception:
            child.lost()
            raise
        if isinstance(out, Errno):
            child.lost()
            return None, out
        if out is not Fate.PENDING:
            child.await_hello()
        return child, out

    def received(self) -> tuple[Args, ...]:
        """Ask the recording handler of the process."""
        return cast("tuple[Args, ...]", self.call("received", ()))

    # Below the waist.

    def rest(self) -> None:
        """Wait until an agent with handlers sleeps: between its reply and that sleep its signals are masked, as STOP would show."""
        limit = time.monotonic() + PATIENCE
        while self.world.scan.runs(self.pid, self.tid) and time.monotonic() < limit:
            pass

    def abandon(self) -> None:
        """Let go of a call whose caller was interrupted, by KeyboardInterrupt, before it took the outcome."""
        self.listen()
        if self.answer is None and not self.gone:
            raise RuntimeError("the call before was interrupted, and has not returned yet")
        self.answer, self.asked = None, False

    def listen(self, data: bytes = b"") -> None:
        """Wait for the outcome, or until the machine is settled without one.

        Args:
            data: What has been received already.
        """
        if not self.born:
            return self.world.advance(self.answered)  # stopped before its hello, which is no reply
        limit = time.monotonic() + PATIENCE
        while not self.answered():
            try:
                self.take(data or self.sock.recv(LIMIT))
                data = b""
            except BlockingIOError:
                if not self.world.scan.runs(self.pid, self.tid) or time.monotonic() > limit:
                    return self.world.advance(self.answered)
            except OSError:
                self.lost()
        return None

    def await_hello(self) -> None:
        """Wait until a child that exists has spoken or died."""
        try:
            if not self.born:
                self.hello(0)
        except BlockingIOError:
            self.world.advance(lambda: self.born)
        except OSError:
            self.lost()

    def answered(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.answer is not None or self.gone

    def send(self, parts: Sequence[bytes]) -> None:
        """Send packets, as many as fit: the rest follows when the agent has read."""
        waiting = list(parts)
        try:
            while waiting:
                self.sock.send(waiting[0], DONTWAIT)
                del waiting[0]
        except BlockingIOError:
            self.unsent = waiting
            self.world.epoll.modify(self.fd, EPOLLIN | EPOLLOUT)
        except OSError:
            self.lost()

    def ready(self, events: int) -> bool:
        """Read and write what epoll says can be; whether that may have let somebody move."""
        moved = False
        if events & EPOLLOUT and self.unsent:
            waiting, self.unsent = self.unsent, []
            self.world.epoll.modify(self.fd, EPOLLIN)
            self.send(waiting)
            moved = len(self.unsent) < len(waiting)
        if events & ~EPOLLOUT and not self.gone:
            try:
                moved |= self.take(self.sock.recv(LIMIT, DONTWAIT)) if self.born else self.hello()
            except BlockingIOError:
                pass
            except OSError:
                self.lost()
                moved = True
        return moved

    def take(self, data: bytes) -> bool:
        """Understand a packet; whether reading it may have let somebody move: at the end, or where the agent has more to write."""
        if not data:
            self.lost()
            return True
        if len(data) == LIMIT:
            self.parts += data
            return True
        long = bool(self.parts)
        if long:
            data, self.parts = self.parts + data, b""
        number, value = marshal.loads(data)
        self.answer = (outcome_of(number, value),)
        if self.vforked is not None:
            self.vforked = None
        if self.world.execing:
            self.world.execed(self, number)
        return long

    def hello(self, flags: int = DONTWAIT) -> bool:
        """Take the first packet, with the credentials that the kernel adds to it."""
        data, control, _, _ = self.sock.recvmsg(LIMIT, 256, flags)
        if not data:
            self.lost()
            return True
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        self.born = True
        host = next(UCRED.unpack(content)[0] for _, kind, content in control if kind == SCM_CREDENTIALS)
        self.pid, self.tid = self.world.numbers(host, marshal.loads(data)[1])
        return False

    def lost(self) -> None:
        """Its end of the socket is closed, or nobody will ever have it."""
        if not self.gone:
            self.gone = self.born = True
            self.vforked = None
            self.world.dropped(self)
            self.sock.close()


def outcome_of(number: int, value: Any) -> Any:
    """A reply's meaning: the one place where an errno gets its name."""
    if number == 0:
        return value
    if number > 0:
        return Errno(errno_name(number))
    if number == REFUSED:
        return Unavailable(*value)
    assert number == FAULT, number
    return RuntimeError(f"an agent failed: {value}")
