"""The event loop that runs here, asyncio's or trio's: found without importing either, and asked for one thing, a readable descriptor."""

from __future__ import annotations

import sys
from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import CancelledError


class Loop(Protocol):
    """What is asked of a loop, for the length of one operation of one task."""

    def time(self) -> float:
        """Its clock, in seconds."""

    async def readable(self, fd: int, seconds: float, *, shielded: bool = False) -> None:
        """Return when fd is readable or the time, 0 or more, is up, or for no reason; shielded, a cancellation is held back."""

    def relent(self) -> None:
        """Raise a cancellation that was held back."""


def running_loop() -> Loop:
    """The loop in which the calling task runs.

    Raises:
        RuntimeError: None, or none of these.
    """
    if "asyncio" in sys.modules and in_asyncio():
        return Asyncio()
    if "trio" in sys.modules and in_trio():
        return Trio()
    raise RuntimeError("nscore.aio is for tasks of asyncio and of trio, and this is neither")


def in_asyncio() -> bool:
    from asyncio import current_task

    try:
        return current_task() is not None
    except RuntimeError:
        return False


def in_trio() -> bool:
    from trio.lowlevel import current_task

    try:
        return current_task() is not None
    except RuntimeError:
        return False


class Asyncio:
    """asyncio, by add_reader: in any thread, and neither child watchers nor signal handlers are touched."""

    def __init__(self) -> None:
        from asyncio import get_running_loop

        self._loop = get_running_loop()
        self._held: CancelledError | None = None

    def time(self) -> float:
        return self._loop.time()

    async def readable(self, fd: int, seconds: float, *, shielded: bool = False) -> None:
        from asyncio import CancelledError

        wake = self._loop.create_future()

        def done() -> None:
            if not wake.done():
                wake.set_result(None)

        self._loop.add_reader(fd, done)
        timer = self._loop.call_later(seconds, done)
        try:
            await wake
        except CancelledError as error:
            if not shielded:
                raise
            self._held = error
        finally:
            timer.cancel()
            self._loop.remove_reader(fd)

    def relent(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            raise held


class Trio:
    """trio, whose cancellation comes again by itself after a shield."""

    def time(self) -> float:
        from trio import current_time

        return current_time()

    async def readable(self, fd: int, seconds: float, *, shielded: bool = False) -> None:
        from trio import move_on_after
        from trio.lowlevel import wait_readable

        with move_on_after(seconds) as scope:
            scope.shield = shielded
            await wait_readable(fd)

    def relent(self) -> None:
        pass
