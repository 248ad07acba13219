"""Kernels for tests that look below the waist: tasks make calls by name, and anything in the kernel can be seen."""

from __future__ import annotations

from dataclasses import replace

from nscore.errors import Errno
from nscore.flags import THREAD_FLAGS, CloneFlag, Signal
from nscore.interface.backend import Plain
from nscore_sim.chooser import Choose, Chooser, first
from nscore_sim.entry import enter
from nscore_sim.fork import kernel_clone
from nscore_sim.kernel import Kernel
from nscore_sim.release import RELEASES
from nscore_sim.sched import SLEEP, Sleep, schedule
from nscore_sim.syscalls import TABLE
from nscore_sim.task import TASK_RUNNING, Task

NEWPID = int(CloneFlag.NEWPID)


class Pending:
    """What a call returns that has not returned."""


PENDING = Pending()


def boot(choose: Choose = first, **differences: bool) -> tuple[Kernel, Task]:
    """A kernel, 6.18.44 but for the differences, and a process at level 1 that is its namespace's init."""
    kernel = Kernel(Chooser(choose), replace(RELEASES["6.18.44"], **differences))  # type: ignore[arg-type]
    return kernel, clone(kernel.init_task, NEWPID)


def start(task: Task, name: str, *args: Plain) -> None:
    """Let task make a call, as far as it goes without others."""
    enter(task, TABLE[name], args)


def outcome(task: Task) -> object:
    """What the last call returned, an errno's name for an error."""
    schedule(task.kernel)
    if task.call is not None:
        return PENDING
    return task.result.name if isinstance(task.result, Errno) else task.result


def call(task: Task, name: str, *args: Plain) -> object:
    """Make a call and let everything move that can."""
    start(task, name, *args)
    return outcome(task)


def create(task: Task, flags: int = 0, exit_signal: int = Signal.CHLD, set_tid: tuple[int, ...] = ()) -> tuple[Task | None, object]:
    """clone: the child and what the call returned."""
    children: list[Task] = []

    def sys_clone(task: Task) -> Plain | Sleep:
        child, created = kernel_clone(task, flags, exit_signal, set_tid)
        children.append(child)
        return created if task.state == TASK_RUNNING else SLEEP

    enter(task, sys_clone, ())
    result = outcome(task)
    return (children[0] if children else None), result


def clone(task: Task, flags: int = 0, exit_signal: int = Signal.CHLD, set_tid: tuple[int, ...] = ()) -> Task:
    """clone that goes well."""
    child, result = create(task, flags, exit_signal, set_tid)
    assert child is not None, result
    return child


def thread(task: Task) -> Task:
    """A thread more."""
    return clone(task, int(THREAD_FLAGS), 0)


def numbers(task: Task) -> tuple[int, ...]:
    """NSpid, from the inside out."""
    return task.thread_pid.numbers[::-1]
