"""Virtual time: sleeps that end by themselves.  Models kernel/time/hrtimer.c.

Time stands still while anything can run.  It passes when somebody lets it (advance), or jumps to the next timer when all sleep.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from nscore_sim.sched import try_to_wake_up
from nscore_sim.task import TASK_NORMAL

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.task import Task


class Timers:
    """Tasks by the time at which they wake; ties by order of starting.  A stale entry (the task woke otherwise) is skipped."""

    __slots__ = ("_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Task]] = []
        self._serial = 0

    def start(self, when: int, task: Task) -> None:
        """Wake task at when unless something else does.  kernel/time/hrtimer.c:hrtimer_start_range_ns"""
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, task))

    def next(self) -> int | None:
        """The time of the next sleep to end, None where none will."""
        while self._heap:
            when, _, task = self._heap[0]
            if task.timeout == when and task.call is not None and task.state & TASK_NORMAL:
                return when
            heapq.heappop(self._heap)
        return None

    def expire(self, now: int) -> None:
        """Wake whoever's time has come.  kernel/time/hrtimer.c:__hrtimer_run_queues"""
        while (when := self.next()) is not None and when <= now:
            _, _, task = heapq.heappop(self._heap)
            try_to_wake_up(task, TASK_NORMAL)


def advance(kernel: Kernel, until: int) -> bool:
    """Let the clock go on to the next timer, but not past until; whether one was reached."""
    when = kernel.timers.next()
    if when is None or when > until:
        kernel.clock = max(kernel.clock, until)
        return False
    kernel.clock = max(kernel.clock, when)
    kernel.timers.expire(kernel.clock)
    return True
