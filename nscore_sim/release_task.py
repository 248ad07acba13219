"""The last of a task: its numbers, its place among its parent's children.  Models kernel/exit.c:release_task and what it calls."""

from __future__ import annotations

from nscore_sim.cred import put_cred
from nscore_sim.pid import detach_group, detach_tid
from nscore_sim.pidfs import pidfs_exit
from nscore_sim.sched import try_to_wake_up
from nscore_sim.signal import do_notify_parent
from nscore_sim.sigpending import flush_sigqueue
from nscore_sim.task import EXIT_DEAD, EXIT_ZOMBIE, SIGNAL_GROUP_EXIT, TASK_NORMAL, TASK_WAKEKILL, Task
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, dec_rlimit_ucounts

#: When the table of children is made anew, without gaps: each time that so many have left.
COMPACT = 4095


def release_task(p: Task) -> None:
    """Let go of a task that nobody will wait for any more.  kernel/exit.c:release_task"""
    while True:
        dec_rlimit_ucounts(p.cred.ucounts, UCOUNT_RLIMIT_NPROC, 1)
        if p.thread_pid.attr is not None:
            pidfs_exit(p)
        leader = p.group_leader
        exit_signal(p)
        put_cred(p.cred)  # kernel/cred.c:exit_creds
        if leader is p or leader.signal.nr_threads > 1 or leader.exit_state != EXIT_ZOMBIE:
            return
        # The last of the other threads of a leader that has exited: now its parent is to know.
        if leader.signal.flags & SIGNAL_GROUP_EXIT:
            leader.exit_code = leader.signal.group_exit_code
        if not do_notify_parent(leader, leader.exit_signal):
            return
        leader.exit_state = EXIT_DEAD
        p = leader


def leave_parent(task: Task, parent: Task) -> None:
    """Be no child any more.  Who reaps its oldest children first must not step over the gaps of all of them again and again."""
    children = parent.children
    assert children is not None
    del children[task]
    if children and not len(children) & COMPACT:
        parent.children = children.copy()


def exit_signal(task: Task) -> None:
    """Leave the process, and the tables of numbers.  Cutting the cycles lets the task be freed at once.

    kernel/exit.c:__exit_signal, __unhash_process
    """
    signal = task.signal
    leads = task.exit_signal >= 0
    signal.nr_threads -= 1
    task.kernel.nr_threads -= 1
    if not leads:
        if signal.notify_count > 0:
            signal.notify_count -= 1
            if not signal.notify_count and signal.group_exec_task is not None:
                try_to_wake_up(signal.group_exec_task, TASK_NORMAL | TASK_WAKEKILL)
        if signal.curr_target is task:
            signal.curr_target = None
    del signal.threads[task]
    detach_tid(task, leads)
    if task.pending is not None:
        flush_sigqueue(task.pending)
        task.pending = None
    if leads:
        detach_group(task, signal.pgrp, signal.session)
        leave_parent(task, task.real_parent)
        if signal.shared_pending is not None:
            flush_sigqueue(signal.shared_pending)
            signal.shared_pending = None
    task.sighand.count -= 1
    task.sigpending = False
    del task.sighand, task.real_parent, task.group_leader
