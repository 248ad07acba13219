"""What goes through the pipes of a command, both ways at once, for those who may not wait: the tasks of an event loop."""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import IO, Any, Protocol

from nscore.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

EPOLLIN, EPOLLOUT = 1, 4
#: Bytes read at a time: what a pipe holds.
CHUNK = 65536


class Epoll(Protocol):
    """select.epoll, which only Linux has: itself a descriptor, readable when one of its own is ready."""

    def register(self, fd: int, eventmask: int) -> None: ...
    def unregister(self, fd: int) -> None: ...
    def poll(self, timeout: float) -> list[tuple[int, int]]: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


def opened() -> Epoll:
    """An epoll object."""
    if sys.platform == "linux":
        return select.epoll()
    raise Unavailable("epoll is Linux's", "Run it there")


class Conversation:
    """Input that is written to a command, and what is read of it until all who could write have ended."""

    def __init__(self, popen: subprocess.Popen[Any], input: Any) -> None:
        self._popen = popen
        self._input = memoryview(encoded(popen.stdin, input)).cast("B")
        self._read: dict[int, list[bytes]] = {}
        self._pipes: dict[int, IO[Any]] = {}
        self._epoll = opened()
        if popen.stdin is not None and not popen.stdin.closed:
            self._begin_to_write(popen.stdin)
        self._out, self._err = self._begin_to_read(popen.stdout), self._begin_to_read(popen.stderr)

    def fileno(self) -> int:
        """A descriptor that is readable when step() has something to do."""
        return self._epoll.fileno()

    @property
    def over(self) -> bool:
        """Whether all is written and read."""
        return not self._pipes

    def step(self) -> None:
        """Write and read what can be written and read at once."""
        for fd, _ in self._epoll.poll(0):
            if fd in self._read:
                self._take(fd)
            else:
                self._give(fd)

    def output(self) -> tuple[bytes | None, bytes | None]:
        """What has been read so far of stdout and of stderr; None where there is no pipe."""
        out, err = (None if chunks is None else b"".join(chunks) for chunks in (self._out, self._err))
        return out, err

    def answer(self) -> tuple[Any, Any]:
        """What communicate() returns: the output, as text where text was asked for."""
        out, err = self.output()
        return decoded(self._popen.stdout, out), decoded(self._popen.stderr, err)

    def _begin_to_write(self, pipe: IO[Any]) -> None:
        with suppress(BrokenPipeError):  # somebody else's writing, in the buffer of a command that does not read
            pipe.flush()
        if not self._input:
            return finish(pipe)
        if sys.platform != "win32":
            os.set_blocking(pipe.fileno(), False)
        self._pipes[pipe.fileno()] = pipe
        self._epoll.register(pipe.fileno(), EPOLLOUT)

    def _begin_to_read(self, pipe: IO[Any] | None) -> list[bytes] | None:
        if pipe is None:
            return None
        chunks: list[bytes] = []
        if not pipe.closed:
            self._read[pipe.fileno()] = chunks
            self._pipes[pipe.fileno()] = pipe
            self._epoll.register(pipe.fileno(), EPOLLIN)
        return chunks

    def _give(self, fd: int) -> None:
        try:
            self._input = self._input[os.write(fd, self._input) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it has closed its end, and wants no more
            self._end(fd)
        else:
            if not self._input:
                self._end(fd)

    def _take(self, fd: int) -> None:
        chunk = os.read(fd, CHUNK)
        if chunk:
            self._read[fd].append(chunk)
        else:
            self._end(fd)

    def _end(self, fd: int) -> None:
        self._epoll.unregister(fd)
        finish(self._pipes.pop(fd))


def finish(pipe: IO[Any]) -> None:
    """Close a pipe, whoever has left the other end."""
    with suppress(BrokenPipeError):
        pipe.close()


def encoded(pipe: IO[Any] | None, input: Any) -> Any:
    """Input as bytes, in the encoding of the pipe that takes it."""
    if input is None or pipe is None:
        return b""
    return input.encode(pipe.encoding, pipe.errors) if isinstance(pipe, TextIOWrapper) else input


def decoded(pipe: IO[Any] | None, output: bytes | None) -> Any:
    """Output as the pipe, where it is a text's, would have it: decoded, with universal newlines."""
    if output is None or not isinstance(pipe, TextIOWrapper):
        return output
    return output.decode(pipe.encoding, pipe.errors or "strict").replace("\r\n", "\n").replace("\r", "\n")
