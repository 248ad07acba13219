"""Ctrl-C while a command is born, runs and ends."""

from __future__ import annotations

import dis
import os
import random
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Any

from nscore.running import run
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
    sys.unraisablehook = lambda _: None  # of those that come within a __del__
    for step in range(0, 100_000, 1 if os.geteuid() == 0 else 5):  # an ordinary user's way is three times as long, and as slow
        seen = witness.Witness()
        tracer = Interrupt(step)
        try:
            tracer.start()
            run(["sh", "-c", f"{witness.ESCAPES} :"], **seen.passed)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert seen.alone(), f"something is left after an interrupt at {tracer.where}"
        witness.assert_childless(tracer.where)
        if not tracer.where:
            break
    assert step > 50


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
