"""Ctrl-C while a command is born, runs and ends."""

from __future__ import annotations

import _thread
import dis
import os
import random
import signal
import subprocess
import sys
import time
from collections import deque
from types import FrameType
from typing import Any

from nscore.running import run
from tests.check import keeps_status
from tests.running import witness

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"


def an_interrupt_at_a_random_moment_leaves_nothing() -> None:
    """Most of them come while a command is being born.

    One that comes just before the wait for a command is heard of when that is over, as with subprocess: its end is not far.
    """
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupted = 0
    longest = 0.0
    for _ in range(120):
        with witness.nothing_left() as options:
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.0008 if os.geteuid() == 0 else 0.004))
                started = time.monotonic()
                run(["sh", "-c", f"{witness.ESCAPES} sleep 2"], **options)
            except KeyboardInterrupt:
                interrupted += 1
            longest = max(longest, time.monotonic() - started)
    assert interrupted == 120
    # An init whose command is unknown is a command that nobody reaps: for INIT-07 that would be all of PATIENCE.
    assert longest < 5, longest


def an_interrupt_at_each_line_of_ours_leaves_nothing() -> None:
    """Between Popen() and the with block too."""
    at_each_line()


def at_each_line(**options: Any) -> None:
    """Run so many commands, of which each has one interrupt, and look what is left."""
    sys.unraisablehook = lambda _: None  # of those that come within a __del__
    for step in range(0, 100_000, 1 if os.geteuid() == 0 else 5):  # an ordinary user's way is three times as long, and as slow
        seen = witness.Witness()
        tracer = Interrupt(step)
        try:
            tracer.start()
            run(["sh", "-c", f"{witness.ESCAPES} :"], **options, **seen.passed)
        except KeyboardInterrupt:
            pass
        except ChildProcessError:  # between the reaping and the note of the status
            assert not keeps_status(), tracer.where
        finally:
            sys.settrace(None)
        assert seen.alone(), f"something is left after an interrupt at {tracer.where}"
        witness.assert_childless(tracer.where)
        assert not witness.mask_of_signals(), f"signals are blocked after an interrupt at {tracer.where}"
        if not tracer.where:
            break
    assert step > 50


def handlers_that_run_as_signals_are_blocked_leave_the_mask_as_it_was() -> None:
    """What comes just before that is handled just after; where two handlers raise, the second does so as the mask is put back."""
    numbers: tuple[signal.Signals, ...] = (signal.SIGALRM, signal.SIGUSR1)
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    for raising in (numbers[:1], numbers):
        for nth in range(100):
            seen = witness.Witness()
            tracer = AtBlock(nth, raising)
            try:
                sys.setprofile(tracer)
                run(["sh", "-c", f"{witness.ESCAPES} :"], init=False, **seen.passed)
            except KeyboardInterrupt:
                pass
            finally:
                sys.setprofile(None)
            assert not witness.mask_of_signals(), f"{len(raising)} interrupts at block {nth} leave signals blocked"
            assert seen.alone(), f"something is left after {len(raising)} interrupts at block {nth}"
            witness.assert_childless()
            if tracer.left >= 0:
                break
        assert nth, "signals were blocked"


class AtBlock:
    """Has the interpreter call the handlers of these signals when it is first seen that signals are blocked, for the nth time from 0."""

    def __init__(self, nth: int, numbers: tuple[signal.Signals, ...]) -> None:
        self.left, self.numbers, self.owner, self.blocked = nth, numbers, os.getpid(), False

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if os.getpid() != self.owner or event not in ("return", "c_return"):
            return
        before, self.blocked = self.blocked, bool(witness.mask_of_signals())
        if self.blocked and not before:
            self.left -= 1
            if self.left == -1:
                deque(map(_thread.interrupt_main, self.numbers))  # in one call, in which no handler runs yet


NOP = dis.opmap["NOP"]


class Interrupt:
    """Raises KeyboardInterrupt in the main thread at a line, counted from 0, of nscore or subprocess: where a handler may run."""

    def __init__(self, step: int) -> None:
        self.left, self.where, self.owner = step, "", os.getpid()

    def start(self) -> None:
        sys.settrace(self.called)

    def called(self, frame: FrameType, event: str, arg: object) -> Any:
        name = frame.f_code.co_filename
        return self.at if "/nscore/" in name or name == subprocess.__file__ else None

    def at(self, frame: FrameType, event: str, arg: object) -> Any:
        if event != "line" or self.where or os.getpid() != self.owner:
            return self.at
        if frame.f_code.co_code[frame.f_lasti] == NOP:  # where no handler ever runs, and none of the block's except clauses holds
            return self.at
        self.left -= 1
        if self.left < 0 and not signal.pthread_sigmask(signal.SIG_BLOCK, ()):
            self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            raise KeyboardInterrupt
        return self.at
