"""The end of a PID namespace, when its init ends.  Models kernel/pid_namespace.c:zap_pid_ns_processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from nscore.errors import Errno
from nscore_sim.pid import disable_pid_allocation
from nscore_sim.sched import SLEEP, sleep_on
from nscore_sim.sigaction import set_action
from nscore_sim.signal import PRIV, SIG_IGN, send_signal_locked
from nscore_sim.sigpending import SIGCHLD, SIGKILL, fatal_signal_pending
from nscore_sim.task import PIDTYPE_MAX, TASK_IDLE, TASK_INTERRUPTIBLE, Task
from nscore_sim.wait import WALL, WEXITED, do_wait
from nscore_sim.wait_opts import WaitOpts


def zap_pid_ns_processes(task: Task, done: Callable[[Task], None]) -> None:
    """Kill all others in the namespace, wait until no number of it is left but init's own, then go on with done.

    kernel/pid_namespace.c:zap_pid_ns_processes
    """
    ns = task.thread_pid.ns
    disable_pid_allocation(ns)
    # Whoever ends from now on, and zombies that come here from outside, are reaped on the spot.
    set_action(task.sighand, SIGCHLD, (SIG_IGN, *task.sighand.action[SIGCHLD][1:]))
    for pid in ns.idr.walk(2):
        if pid.task is not None and not fatal_signal_pending(pid.task):
            send_signal_locked(task, SIGKILL, PRIV, pid.task, PIDTYPE_MAX)  # the kernel need not ask whether it may
    task.restart = done
    task.timeout = None
    task.resume = wait_for_children
    wait_for_children(task)


def wait_for_children(task: Task) -> None:
    """Reap whoever was a zombie before, and wait for those with another exit signal than SIGCHLD."""
    task.sigpending = False
    wo = WaitOpts(PIDTYPE_MAX, None, WEXITED | WALL)
    try:
        while (found := do_wait(task, wo)) is not SLEEP:
            assert isinstance(found, tuple)
    except Errno:
        task.resume = wait_for_numbers
        wait_for_numbers(task)


def wait_for_numbers(task: Task) -> None:
    """Wait for those that have a parent outside, or whose number is the id of a group outside; free_pid() wakes us."""
    ns = task.thread_pid.ns
    if ns.pid_allocated != (1 if task.exit_signal >= 0 else 2):
        task.sigpending = False
        sleep_on(task, state=TASK_IDLE if task.kernel.release.zap_is_idle else TASK_INTERRUPTIBLE)
        return
    if ns.reboot:
        task.signal.group_exit_code = ns.reboot
    done, task.restart = cast("Callable[[Task], None]", task.restart), None
    done(task)
