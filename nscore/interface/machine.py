"""Machine: a booted world, whose PID 1 you hold."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from types import TracebackType

from nscore.errors import Gone
from nscore.interface.backend import World
from nscore.interface.caller import Record
from nscore.interface.process import Pending, Process
from nscore.interface.syscalls import Program, body_of
from nscore.trace import Trace


class Machine:
    """A fresh PID namespace with its own mount, UTS and IPC namespaces and its own /proc.

    Leaving its with block kills everything in it; so does the death of the process that booted it.  It is for one thread at a time.

    Attributes:
        backend: The name of the backend.
        init: PID 1, a driven process; its parent is outside, so that its getppid() is 0.
        trace: Every driven call and, on sim, every program's.
        patience: Seconds after which settle() raises TimeoutError.
    """

    def __init__(self, backend: str, world: World, trace_limit: int = 1_000_000, patience: float = 10.0) -> None:
        self.backend = backend
        self._world = world
        self._open = True
        self.ordinals: Iterator[int] = itertools.count(1)
        #: Programs count down: linux does not see their calls, so they must not shift the driven processes' numbers.
        self._programs = itertools.count(-1, -1)
        self._pending: list[Pending[object]] = []
        self.patience = patience
        self.trace = Trace(trace_limit)
        self.record: Record = self.trace.record if trace_limit else _forget
        self.moved = False
        self.init = Process(self, world.init, next(self.ordinals), 1, 1, None)

    @property
    def level(self) -> int:
        """The level of the machine's PID namespace; the initial one's is 0."""
        return self._world.level

    @property
    def image(self) -> str:
        """The path of an executable that goes on being driven after execve."""
        return self._world.image

    @property
    def replay(self) -> str:
        """The choices so far, for boot("sim", replay=...)."""
        return self._world.replay

    def settle(self) -> None:
        """Return when nothing moves any more unless you act or the clock does; a finite wait that is pending counts as settled.

        Raises:
            TimeoutError: Something still moves after patience seconds.
        """
        if not self._open:
            self.check_open()
        self._world.settle(self.patience)
        self.moved = False
        if self._pending:
            self._pending = [pending for pending in sorted(self._pending, key=_caller) if not pending.look()]

    def sleep(self, seconds: float) -> None:
        """Let time pass: really on linux, virtually on sim."""
        self.check_open()
        self._world.sleep(seconds)
        self.moved = True

    def run(self, program: Program) -> int:
        """Run program as PID 1 of a fresh PID namespace below the machine's, to its end.

        Its other namespaces are the machine's, so that /proc has the machine's numbers.  Returns its exit status, -N if signal N
        killed it; an exception that it raises is printed, and the status 1.

        Raises:
            Blocked: On sim: every program sleeps, and no time runs out.  On linux it would wait for ever.
        """
        self.check_open()
        self.moved = True
        return self._world.run(body_of(program, next(self._programs), self.record, self._programs))

    def close(self) -> None:
        """End everything in the machine.  Idempotent."""
        if self._open:
            self._open = False
            self.moved = True  # so that the next call settles, which says that it is closed
            self._world.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_open", False):
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)
            self.close()

    def __repr__(self) -> str:
        return f"<nscore.Machine on {self.backend}{'' if self._open else ', closed'}>"

    # What processes need of it.

    def check_open(self) -> None:
        """Raise Gone if it is closed."""
        if not self._open:
            raise Gone("the machine is closed")

    def begun(self, pending: Pending[object]) -> None:
        """Look for the outcome of pending after each settle."""
        self._pending.append(pending)

    def next_limit(self) -> float | None:
        """The least time after which some pending call returns by itself."""
        return min((pending.limit for pending in self._pending if pending.limit is not None), default=None)


def _caller(pending: Pending[object]) -> int:
    return pending._process._who


def _forget(row: object) -> None:
    """Where a trace is off."""
