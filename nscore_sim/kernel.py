"""A kernel: what is global in Linux is a field here.

Nothing in the model is global to Python, so that any number of kernels live side by side and each is copied, compared and thrown away
as plain data.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nscore_sim.chooser import Chooser
    from nscore_sim.fault_inject import Faults
    from nscore_sim.hrtimer import Timers
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.release import Release
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace


class Kernel:
    """The globals of Linux."""

    __slots__ = (
        "chooser",
        "clock",
        "faults",
        "init_pid_ns",
        "init_task",
        "init_user_ns",
        "max_threads",
        "nr_threads",
        "release",
        "runqueue",
        "timers",
    )

    chooser: Chooser  #: decides what Linux leaves to chance
    clock: int  #: CLOCK_MONOTONIC in ns; time is virtual
    faults: Faults | None  #: failures that were asked for
    init_task: Task  #: PID 1 of the initial namespace
    init_pid_ns: PidNamespace
    init_user_ns: UserNamespace
    max_threads: int  #: kernel/fork.c
    nr_threads: int  #: kernel/fork.c
    release: Release  #: which kernel build this is
    runqueue: deque[Task]  #: tasks that can take a step, in the order in which they were woken
    timers: Timers  #: sleeps that end by themselves
