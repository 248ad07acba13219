"""The run queue, wait queues and sleep.  Models kernel/sched/core.c, kernel/sched/wait.c.

No kernel function sleeps inside a Python frame.  A call that has to wait puts its task to sleep, returns SLEEP, and is made again when
the task is woken (task.resume); what it has to remember from one try to the next it keeps in task.restart.  Between two steps the
kernel is plain data: it can be looked at, copied and compared.  Programs' threads are in program.py.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from nscore_sim.task import TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_RUNNING, Task

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel

#: Tasks in order of arrival.  include/linux/wait.h:wait_queue_head
WaitQueueHead: TypeAlias = dict[Task, None]


class Sleep(Enum):
    """What a call returns that has put its task to sleep, or ended it."""

    SLEEP = "to be made again on waking"


SLEEP = Sleep.SLEEP


class Restart(Enum):
    """ERESTART*: what a call returns that a signal interrupted.  include/linux/errno.h

    The way out of the kernel (entry.py) makes EINTR of it or makes the call again.
    """

    SYS = "again, unless a handler without SA_RESTART ran"
    NOINTR = "again"
    NOHAND = "again, unless a handler ran"
    BLOCK = "again with the time that is left, unless a handler ran"


def sleep_on(task: Task, *heads: WaitQueueHead, state: int = TASK_INTERRUPTIBLE) -> Sleep:
    """Put task to sleep on the queues until one wakes it, a signal comes or its timeout passes.

    kernel/sched/wait.c:prepare_to_wait and schedule()
    """
    for head in heads:
        head[task] = None
    task.wait_heads = heads
    task.state = state
    if task.timeout is not None:
        task.kernel.timers.start(task.timeout, task)
    return SLEEP


def try_to_wake_up(task: Task, states: int) -> bool:
    """Make task runnable if it sleeps in one of states.  kernel/sched/core.c:try_to_wake_up"""
    if not task.state & states:
        return False
    for head in task.wait_heads:
        del head[task]
    task.wait_heads = ()
    task.state = TASK_RUNNING
    task.kernel.runqueue.append(task)
    return True


def wake_up(head: WaitQueueHead | None) -> None:
    """Wake all that sleep on head.  kernel/sched/wait.c:__wake_up"""
    if head:
        for task in list(head):
            try_to_wake_up(task, TASK_NORMAL)


def timed_out(task: Task) -> bool:
    """Whether the time for which the call may sleep is over."""
    return task.timeout is not None and task.kernel.clock >= task.timeout


def signal_pending(task: Task) -> bool:
    """include/linux/sched/signal.h:signal_pending"""
    return task.sigpending


def schedule(kernel: Kernel) -> None:
    """Let tasks take steps, in an order that the chooser decides, until none can."""
    queue = kernel.runqueue
    while queue:
        task = queue.popleft() if len(queue) == 1 else kernel.chooser.pick(queue)
        task.resume(task)
