"""What a wait is for.  Models kernel/exit.h and what wakes a wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import WaitOption
from nscore_sim.task import PIDTYPE_MAX, PIDTYPE_PGID

if TYPE_CHECKING:
    from nscore_sim.pid import Pid
    from nscore_sim.task import Task

WNOTHREAD = int(WaitOption.NOTHREAD)


class WaitOpts:
    """What is waited for.  kernel/exit.h:struct wait_opts"""

    __slots__ = ("again", "echild", "flags", "pid", "type")

    def __init__(self, type: int, pid: Pid | None, flags: int, again: bool = False) -> None:
        self.type = type  #: PIDTYPE_*, PIDTYPE_MAX for any child
        self.pid = pid
        self.flags = flags
        self.again = again  #: a pidfd that does not block: EAGAIN in place of sleep
        self.echild = True  #: no child so far that could be waited for


def eligible_pid(wo: WaitOpts, p: Task) -> bool:
    """kernel/exit.c:eligible_pid"""
    if wo.type == PIDTYPE_MAX:
        return True
    return (p.signal.pgrp if wo.type == PIDTYPE_PGID else p.thread_pid) is wo.pid


def pid_child_should_wake(task: Task, p: Task) -> bool:
    """Whether the wait that task sleeps in asks for p.  kernel/exit.c:pid_child_should_wake"""
    wo = task.restart
    if not isinstance(wo, WaitOpts):
        return True  # an init that waits for all
    return eligible_pid(wo, p) and not (wo.flags & WNOTHREAD and p.real_parent is not task)
