"""Sleeping and the clock.  Models the calls of kernel/time/posix-timers.c on CLOCK_MONOTONIC."""

from __future__ import annotations

from nscore.errors import Errno
from nscore_sim.sched import Restart, Sleep, signal_pending, sleep_on, timed_out
from nscore_sim.task import Task


def clock_nanosleep(task: Task, seconds: int) -> Sleep | Restart | None:
    """Sleep for so many nanoseconds; interrupted and made again, for what is left of them.  kernel/time/hrtimer.c:hrtimer_nanosleep"""
    if seconds < 0:
        raise Errno("EINVAL")
    if task.timeout is None:
        task.timeout = task.kernel.clock + seconds
    if timed_out(task):
        return None
    return Restart.BLOCK if signal_pending(task) else sleep_on(task)


def clock_gettime(task: Task) -> int:
    """kernel/time/posix-timers.c:sys_clock_gettime"""
    return task.kernel.clock
