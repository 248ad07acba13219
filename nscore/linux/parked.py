"""A thread in which a command is born, and which sleeps until it has ended: PDEATHSIG goes by thread.

Python's signal handlers never run in it, so nothing comes between a birth and the knowledge of it; and what it leaves for the command,
its namespaces, it leaves for nobody else.
"""

from __future__ import annotations

import _thread
import sys
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.creation import thread_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from nscore.linux.command import Command


def in_thread(command: Command, work: Callable[[], bool]) -> bool:
    """Do a piece of work, by which the command may be born, in a thread that then sleeps until command opens its gate.

    An interrupt of the caller meanwhile is raised when the work is done.
    """
    parked = Parked(command, work)
    del command, work
    try:
        _thread.start_new_thread(parked.body, ())
        while not parked.finished:
            parked.done.acquire()
    except BaseException as error:
        if parked.begun():
            parked.finish()
        elif isinstance(error, RuntimeError):
            raise thread_refusal() from None
        raise
    if parked.failures:
        raise parked.failures.pop()
    return parked.results[0]


class Parked:
    """What the thread and its maker share; neither it nor the thread keeps the command alive, or what the work belongs to."""

    def __init__(self, command: Command, work: Callable[[], bool]) -> None:
        self.box = [(command, work)]
        self.results: list[bool] = []
        self.failures: list[BaseException] = []
        self.finished = False
        self.done, self.gate = _thread.allocate_lock(), _thread.allocate_lock()
        self.done.acquire()
        self.gate.acquire()

    def body(self) -> None:
        """Work, tell, and sleep."""
        try:
            command, work = self.box.pop()
        except IndexError:  # its maker was interrupted before it had begun
            return
        try:
            self.results.append(work())
        except BaseException as error:
            self.failures.append(error)
        if command.pid:
            command.parked.append((_thread.get_native_id(), self.gate))
        else:
            self.gate.release()
        del command, work
        self.finished = True
        self.done.release()
        self.gate.acquire()

    def begun(self) -> bool:
        """Whether the thread has begun; if it has not, it will do nothing."""
        try:
            self.box.pop()
        except IndexError:
            return True
        return False

    def finish(self) -> None:
        """Wait for the work; "acquire, then leave the loop" would hang where an interrupt comes between the two."""
        while not self.finished:
            with suppress(BaseException):
                self.done.acquire()
