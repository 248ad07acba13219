"""The waist: what a backend must offer, and nothing else.

A call is a name and plain values.  What crosses: enums as ints; seconds as integer nanoseconds (None: no limit); signal sets as
sorted tuples; paths as str; records as tuples of their fields.  A backend never makes an OSError: it returns an Errno.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Protocol, TypeAlias

from nscore.errors import Errno, Unavailable

Plain: TypeAlias = "int | str | bytes | tuple[Plain, ...] | None"
Args: TypeAlias = "tuple[Plain, ...]"


class Fate(Enum):
    """What Task.call and Driven.outcome say instead of a result."""

    PENDING = "settled, and the call has not returned"
    GONE = "ended, or became an image that nobody drives"


Outcome: TypeAlias = "Plain | Errno | Fate"
Body: TypeAlias = "Callable[[Task], int | None]"


class Task(Protocol):
    """The calling process of a program."""

    def call(self, name: str, args: Args) -> Outcome:
        """Make the call and return what came of it."""

    def clone(self, body: Body, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> Outcome:
        """Create a process that runs body: (pid, pidfd or None).  A flag the backend cannot honour raises Unavailable."""

    def received(self) -> tuple[Args, ...]:
        """The siginfos (as Siginfo's fields) that the recording handler has seen since the last look."""


class Driven(Protocol):
    """A process that does what it is told.

    After start() or create() one outcome follows; it is taken once.
    """

    def call(self, name: str, args: Args) -> Outcome:
        """start, settle, outcome, by a shorter way where there is one."""

    def start(self, name: str, args: Args) -> None:
        """Let the process make the call; do not wait."""

    def outcome(self) -> Outcome:
        """What came of the call, PENDING while nothing has; never waits.  PENDING is not taken."""

    def create(self, name: str, args: Args) -> tuple[Driven | None, Outcome]:
        """clone (flags, exit_signal, set_tid), fork or thread, to the settled end of it.

        The new process and the parent's outcome: (pid, pidfd or None); None and an Errno where there is no child.  With PENDING the
        parent's call has not returned: the child is born already (CLONE_VFORK), or not yet, because the parent is stopped.
        """

    def received(self) -> tuple[Args, ...]:
        """As Task.received."""

    @property
    def born(self) -> bool:
        """False between a create() that is pending and the birth."""

    @property
    def gone(self) -> bool:
        """Whether it has ended, or become an image that nobody drives, as far as the last settle knows.  Then nothing else may be asked."""


class World(Protocol):
    """A booted machine."""

    @property
    def init(self) -> Driven: ...
    @property
    def level(self) -> int:
        """The level of the machine's PID namespace."""

    @property
    def image(self) -> str:
        """A path that execve turns into a process which goes on being driven."""

    @property
    def replay(self) -> str:
        """The choices made so far, for boot(replay=); "" where the kernel makes them."""

    def settle(self, patience: float) -> None:
        """Return when nothing moves any more unless the driver acts or the clock does; TimeoutError after patience seconds."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def run(self, body: Body) -> int:
        """Run body as PID 1 of a fresh PID namespace below the machine's, to its end: subprocess's returncode."""

    def close(self) -> None:
        """End everything.  Idempotent."""


class Backend(Protocol):
    """What an entry point of the group nscore.backends loads."""

    @property
    def name(self) -> str: ...
    @property
    def calls(self) -> Collection[str]:
        """The names in its table."""

    def available(self) -> Unavailable | None:
        """None, or why it cannot be had here."""

    def boot(self, options: Mapping[str, object]) -> World: ...
