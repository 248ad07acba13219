"""Programs: Python functions as processes.  The calling process of one, and how its children begin and end."""

from __future__ import annotations

import _thread
import os
import sys
import traceback
from typing import NoReturn, cast

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Errno
from nscore.interface.backend import Args, Body, Outcome
from nscore.linux.afterfork import forget
from nscore.linux.agent import HANDLE, Process, masked, open_mask
from nscore.linux.calls import TABLE, execve, exit, gettid, received
from nscore.linux.calls.creation import FILES, FS, SIGHAND, THREAD, VM, check_sharing, clone, thread_refusal
from nscore.linux.structs import sigset_t
from nscore.linux.wire import errno_name

#: What thread() asks for.
THREAD_FLAGS = VM | FS | FILES | SIGHAND | THREAD
#: What a program can do beside the calls that the interface declares.
CALLS = {**TABLE, "execve": execve, "exit": os._exit, "exit_thread": exit}
#: Calls after which nothing buffered would ever be written.
LAST = frozenset(("execve", "exit"))


class LinuxTask:
    """Task of nscore.interface.backend.

    Once a handler is installed signals are masked but inside calls, as handler.py asks for: a program that computes is not interrupted.
    """

    __slots__ = ("mask", "process")

    def __init__(self, process: Process, mask: sigset_t | None = None) -> None:
        self.process, self.mask = process, mask

    def call(self, name: str, args: Args) -> Outcome:
        """Make the call."""
        if name in LAST:
            flush()
        call = CALLS[name]
        if self.process.handles and self.mask is None:
            self.mask = masked()
        try:
            if self.mask is not None:
                open_mask(self.mask)
            out = call(*args)
        except OSError as error:
            return Errno(errno_name(error.errno or 0))
        finally:
            if self.mask is not None:
                self.mask = masked()
        if name == "sigaction" and args[1] == HANDLE:
            self.process.handles = True
        return out

    def clone(self, body: Body, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> Outcome:
        """Clone by the way that is sound; a thread by the C library."""
        try:
            if flags & THREAD_FLAGS == THREAD_FLAGS and not exit_signal and not set_tid:
                return self.thread(body), None
            check_sharing(flags)
            flush()
            pid, pidfd = clone(flags, exit_signal, set_tid)
        except OSError as error:
            return Errno(errno_name(error.errno or 0))
        if pid == 0:
            self.begin(body)
        return pid, pidfd

    def begin(self, body: Body) -> NoReturn:
        """In a child: run body, with nothing of its parent's."""
        forget()
        received()
        finish(body, LinuxTask(self.process, self.mask))

    def thread(self, body: Body) -> int:
        """Run body in another thread; its end is the thread's."""
        tids: list[int] = []
        started = _thread.allocate_lock()
        started.acquire()

        def run() -> None:
            tids.append(gettid())
            started.release()
            status = outcome(body, LinuxTask(self.process, self.mask))
            exit(status)

        try:
            _thread.start_new_thread(run, ())
        except RuntimeError:
            raise thread_refusal() from None
        started.acquire()
        return tids[0]

    def received(self) -> tuple[Args, ...]:
        """What this process's handlers have recorded."""
        return cast("tuple[Args, ...]", received())


def finish(body: Body, task: LinuxTask) -> NoReturn:
    """Run body and end with its status, with Python's 120 where what is buffered cannot be written."""
    status = 120
    try:
        ended = outcome(body, task)
        flush()
        status = ended
    finally:
        # Whatever happened, a copy of the driver must not go on as if it were the driver.
        os._exit(status)


def outcome(body: Body, task: LinuxTask) -> int:
    """The status of body: what it returns, 1 with a traceback if it raises, as in any Python process."""
    try:
        return body(task) or 0
    except SystemExit as ended:  # with words: a number is a status like any other
        _complain(f"{ended.code}\n")
    except BaseException:
        _complain(traceback.format_exc())
    return 1


def _complain(text: str) -> None:
    """To descriptor 2: sys.stderr may be somebody's who collects it in memory that ends with the process."""
    flush()
    os.write(2, text.encode(errors="backslashreplace"))


def flush() -> None:
    """Write what is buffered, so that a child does not write it again."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
