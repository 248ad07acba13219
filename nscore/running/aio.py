"""run and Popen for tasks of asyncio and of trio, by the same code: it only ever waits for one descriptor to be readable.

That is a pidfd, or an epoll object that holds the pipes.  There are no child watchers, no handlers of SIGCHLD and no threads.

The birth of a command is not awaited, as in asyncio's own subprocesses, since what a command has of its caller it has of the thread that
makes it.  It takes about 1 ms as root; as an ordinary user 3 ms, and up to 25 where the caller is large; the first one of a process, which
starts a keeper, 70 ms.  A loop that minds has nscore.run in a thread of its own.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, AnyStr, Generic, overload

from nscore.running import popen as blocking
from nscore.running.life import Life
from nscore.running.loops import Loop, running_loop
from nscore.running.pipes import Conversation, finish
from nscore.running.popen import PATIENCE, unkillable
from nscore.running.results import CompletedProcess, TimeoutExpired
from nscore.running.run import piped
from nscore.running.signatures import passing_on_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nscore.running.keywords import (
        Arguments,
        ByEncoding,
        ByErrors,
        ByNewlines,
        ByText,
        InBytes,
        InEither,
        RunByEncoding,
        RunByErrors,
        RunByNewlines,
        RunByText,
        RunInBytes,
        RunInEither,
    )
__all__ = ["Popen", "run"]

#: Seconds that a loop is asked to wait at a time: what it does with many more is not the same everywhere.
AT_MOST = 3600.0
#: Seconds after which a killed namespace that does not end is looked at more closely.
GLANCE = 0.02


@overload
async def run(args: Arguments, **options: Unpack[RunByText]) -> CompletedProcess[str]: ...
@overload
async def run(args: Arguments, **options: Unpack[RunByEncoding]) -> CompletedProcess[str]: ...
@overload
async def run(args: Arguments, **options: Unpack[RunByErrors]) -> CompletedProcess[str]: ...
@overload
async def run(args: Arguments, **options: Unpack[RunByNewlines]) -> CompletedProcess[str]: ...
@overload
async def run(args: Arguments, **options: Unpack[RunInBytes]) -> CompletedProcess[bytes]: ...
@overload
async def run(args: Arguments, **options: Unpack[RunInEither]) -> CompletedProcess[Any]: ...
@passing_on_to(blocking.Popen.__init__)
async def run(
    *args: Any, input: Any = None, capture_output: bool = False, timeout: float | None = None, check: bool = False, **options: Any
) -> CompletedProcess[Any]:
    """nscore.run for a task of asyncio or trio: the same arguments, result and exceptions.

    The time begins with the call, too.  A task that is cancelled, or fails otherwise, leaves it when nothing of the command is left.
    """
    limit = Limit(running_loop().time, timeout)
    process: Popen[Any] = Popen.__new__(Popen)
    try:
        # Within the try: an interrupt between the birth and the first await would else leave the command.
        process.__init__(*args, **piped(input, capture_output, options))  # type: ignore[misc]
        stdout, stderr = await process._communicated(input, limit)
    except BaseException as error:
        if hasattr(process, "popen"):
            await process.__aexit__(type(error), error, None)
        raise
    assert process.returncode is not None
    completed = CompletedProcess(process.args, process.returncode, stdout, stderr)
    completed.guarantee = process.popen.guarantee
    if check:
        completed.check_returncode()
    return completed


class Popen(Generic[AnyStr]):
    """A command in a PID namespace of its own, as nscore.Popen, whose end is awaited.

    It is an asynchronous context manager: left by an exception, a cancellation too, it ends everything that the command has started; left
    otherwise, it waits for the command.  Arguments and exceptions are those of nscore.Popen.

    Attributes:
        popen: The nscore.Popen.  Its pipes are for communicate(), or for asyncio's connect_read_pipe() or trio's FdStream.
    """

    popen: blocking.Popen[AnyStr]
    _conversation: Conversation | None = None
    _talking = False

    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByText]) -> None: ...
    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByEncoding]) -> None: ...
    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByErrors]) -> None: ...
    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByNewlines]) -> None: ...
    @overload
    def __init__(self: Popen[bytes], args: Arguments, **options: Unpack[InBytes]) -> None: ...
    @overload
    def __init__(self: Popen[Any], args: Arguments, **options: Unpack[InEither]) -> None: ...
    @passing_on_to(blocking.Popen.__init__)
    def __init__(self, args: Any, *positional: Any, **options: Any) -> None:
        self.popen = blocking.Popen.__new__(blocking.Popen)
        self.popen.__init__(args, *positional, **options)  # type: ignore[misc]

    @property
    def args(self) -> Any:
        """The command."""
        return self.popen.args

    @property
    def pid(self) -> int:
        """The command's number, as its caller sees it."""
        return self.popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, or minus the number of the signal that killed it; None until it has been waited for."""
        return self.popen.returncode

    def send_signal(self, sig: int) -> None:
        """Send the command a signal; nothing if it has ended."""
        life = self.popen._life
        if life is not None and life.init >= 0 and self.returncode is None:
            with suppress(ProcessLookupError):
                life.signal(sig)

    def kill_all(self) -> None:
        """Have the kernel end the command and everything that it has started, at once.  wait() then returns."""
        self.popen.kill_all()

    async def wait(self, timeout: float | None = None) -> int:
        """Wait for the command, and until nothing of its namespace is left; returncode.  Cancelled, it lets the command live.

        Raises:
            TimeoutExpired, ChildProcessError, Unkillable: As nscore.Popen.wait.
        """
        loop = running_loop()
        if not await self._over(loop, Limit(loop.time, timeout)):
            raise TimeoutExpired(self.args, timeout or 0.0)
        assert self.popen.returncode is not None
        return self.popen.returncode

    async def communicate(self, input: AnyStr | None = None, timeout: float | None = None) -> tuple[AnyStr, AnyStr]:
        """Write input, read all output, and wait: (stdout, stderr).  After TimeoutExpired or a cancellation, another goes on where it was.

        Raises:
            TimeoutExpired: The command runs still after timeout seconds; output and stderr are what was read so far.
            ValueError: There is input, and it comes after the first time.
            RuntimeError: Another task is at it.
        """
        return await self._communicated(input, Limit(running_loop().time, timeout))

    async def _communicated(self, input: AnyStr | None, limit: Limit) -> tuple[AnyStr, AnyStr]:
        loop = running_loop()
        if self._conversation is None:
            self._conversation = Conversation(self.popen, input)
        elif input:
            raise ValueError("Cannot send input after starting communication")
        await self._talk(loop, self._conversation, limit)
        if not self._conversation.over or not await self._over(loop, limit):
            out, err = self._conversation.output()
            raise TimeoutExpired(self.args, limit.seconds or 0.0, out or None, err or None)
        answer: tuple[AnyStr, AnyStr] = self._conversation.answer()
        return answer

    async def abandon(self) -> None:
        """Kill everything and return when nothing is left, cancelled or not, with the pipes closed."""
        self.kill_all()
        try:
            life = self.popen._life
            if life is not None and life.init >= 0 and not await self._over(running_loop(), Limit(time.monotonic, PATIENCE), shielded=True):
                raise unkillable((f"PID {self.pid}",))
        except KeyboardInterrupt:  # a second one
            self.popen.abandon()
            raise
        finally:  # not before: SIGPIPE would be faster
            self._close()

    async def __aenter__(self) -> Popen[AnyStr]:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None) -> None:
        if isinstance(value, GeneratorExit):  # nobody is there to await anything, and nothing is: abandon() finds it done
            self.popen.abandon()
        try:
            if value is None:
                self._close()
                await self.wait()
        finally:
            await self.abandon()

    def _close(self) -> None:
        if self.popen._life is not None:
            for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
                if pipe is not None:
                    finish(pipe)

    async def _talk(self, loop: Loop, conversation: Conversation, limit: Limit) -> None:
        """Write and read until all is said or the time is up."""
        if self._talking:
            raise RuntimeError("communicate: another task is at it")
        self._talking = True
        try:
            while not conversation.over and limit.rest:
                await loop.readable(conversation.fileno(), limit.rest)
                conversation.step()
        finally:
            self._talking = False

    async def _over(self, loop: Loop, limit: Limit, *, shielded: bool = False) -> bool:
        """Wait for the command, reap it, and wait until nothing of its namespace is left; False if the time is up before it ends."""
        life = self.popen._life
        assert life is not None
        with lent(life) as (command, init):
            try:
                while subprocess.Popen.poll(self.popen) is None:
                    if not limit.rest:
                        return False
                    await loop.readable(command, limit.rest, shielded=shielded)
            except ChildProcessError:  # its status is lost
                await gone(life, init, loop)
                raise
            await gone(life, init, loop)
        loop.relent()
        return True


async def gone(life: Life, init: int, loop: Loop) -> None:
    """End the namespace of a command that has been reaped, and return when nothing is left of it."""
    limit = Limit(time.monotonic, PATIENCE)
    life.kill()
    while life.init >= 0:
        await loop.readable(init, GLANCE, shielded=True)
        left = life.end(0)
        if left and not limit.rest:
            raise unkillable(left)


@contextmanager
def lent(life: Life) -> Iterator[tuple[int, int]]:
    """Descriptors of the command and of its init which are nobody else's: other tasks wait too, and other threads close theirs."""
    descriptors = life.lend()
    try:
        yield descriptors
    finally:
        for fd in descriptors:
            if fd >= 0:
                os.close(fd)


class Limit:
    """A time by which something is to have happened; None for never."""

    def __init__(self, clock: Callable[[], float], seconds: float | None) -> None:
        self._clock, self.seconds = clock, seconds
        self._end = None if seconds is None else clock() + seconds

    @property
    def rest(self) -> float:
        """How many seconds to wait, which is not necessarily to the end; 0 when the time is up."""
        return AT_MOST if self._end is None else max(0.0, min(self._end - self._clock(), AT_MOST))
