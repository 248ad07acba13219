"""Stopping and continuing all threads of a process.  Models the group stop of kernel/signal.c.

Left out: what ptrace(2) makes of stops.
"""

from __future__ import annotations

from nscore.flags import ChildCode, SigActionFlag
from nscore_sim.pid import pid_nr_ns
from nscore_sim.signal import SIG_IGN, KernelSiginfo, send_signal_locked, task_clear_stop, wake_up_parent
from nscore_sim.sigpending import SIGCHLD, SIGCONT, fatal_signal_pending, signal_wake_up
from nscore_sim.task import (
    _TASK_STOPPED,
    JOBCTL_STOP_CONSUME,
    JOBCTL_STOP_DEQUEUED,
    JOBCTL_STOP_PENDING,
    JOBCTL_STOP_SIGMASK,
    PF_EXITING,
    PIDTYPE_TGID,
    SIGNAL_GROUP_EXIT,
    SIGNAL_STOP_MASK,
    SIGNAL_STOP_STOPPED,
    TASK_STOPPED,
    Task,
    other_threads,
)
from nscore_sim.user_namespace import from_kuid_munged

SA_NOCLDSTOP = int(SigActionFlag.NOCLDSTOP)
CLD_STOPPED, CLD_CONTINUED = int(ChildCode.STOPPED), int(ChildCode.CONTINUED)


def do_notify_parent_cldstop(task: Task, why: int) -> None:
    """Tell the parent of task's process that it has stopped or goes on.  kernel/signal.c:do_notify_parent_cldstop"""
    leader = task.group_leader
    parent = leader.real_parent
    handler, flags, _ = parent.sighand.action[SIGCHLD]
    if handler != SIG_IGN and not flags & SA_NOCLDSTOP:
        status = SIGCONT if why == CLD_CONTINUED else leader.signal.group_exit_code & 0x7F
        number = pid_nr_ns(leader.thread_pid, parent.thread_pid.ns)
        uid = from_kuid_munged(parent.cred.user_ns, leader.cred.uid)
        send_signal_locked(task, SIGCHLD, KernelSiginfo(SIGCHLD, why, number, uid, status), parent, PIDTYPE_TGID)
    # Even if no SIGCHLD is sent, a wait may want to know.
    wake_up_parent(leader, parent)


def task_participate_group_stop(task: Task) -> bool:
    """Count task as stopped; whether it was the last one of a fresh stop.  kernel/signal.c:task_participate_group_stop"""
    signal = task.signal
    consume = task.jobctl & JOBCTL_STOP_CONSUME
    task_clear_stop(task)
    if not consume:
        return False
    signal.group_stop_count -= 1
    if signal.group_stop_count or signal.flags & SIGNAL_STOP_STOPPED:
        return False
    signal.flags = signal.flags & ~SIGNAL_STOP_MASK | SIGNAL_STOP_STOPPED
    return True


def task_set_stop_pending(t: Task, mask: int) -> bool:
    """kernel/signal.c:task_set_jobctl_pending"""
    if t.flags & PF_EXITING or fatal_signal_pending(t):
        return False
    t.jobctl = t.jobctl & ~JOBCTL_STOP_SIGMASK | mask
    return True


def task_join_group_stop(task: Task, child: Task) -> None:
    """Let a new thread take part in a stop that is under way or done.  kernel/signal.c:task_join_group_stop"""
    mask = task.jobctl & JOBCTL_STOP_SIGMASK
    signal = task.signal
    if signal.group_stop_count:
        signal.group_stop_count += 1
        mask |= JOBCTL_STOP_CONSUME
    elif not signal.flags & SIGNAL_STOP_STOPPED:
        return
    if task_set_stop_pending(child, mask | JOBCTL_STOP_PENDING):
        signal_wake_up(child, False)


def do_signal_stop(task: Task, signr: int) -> bool:
    """Stop task, and with signr begin to stop its process; False where that is too late.  kernel/signal.c:do_signal_stop

    It comes back to get_signal() when it goes on.
    """
    if not task.jobctl & JOBCTL_STOP_PENDING and not _begin_group_stop(task, signr):
        return False
    last = task_participate_group_stop(task)
    task.state = TASK_STOPPED
    task.sigpending = True  # there may be something to tell the parent then
    if last:
        do_notify_parent_cldstop(task, CLD_STOPPED)
    return True


def _begin_group_stop(task: Task, signr: int) -> bool:
    signal = task.signal
    if not task.jobctl & JOBCTL_STOP_DEQUEUED or signal.flags & SIGNAL_GROUP_EXIT or signal.group_exec_task is not None:
        return False
    mask = signr | JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME
    if not signal.flags & SIGNAL_STOP_STOPPED:
        signal.group_exit_code = signr
    signal.group_stop_count = 0
    if task_set_stop_pending(task, mask):
        signal.group_stop_count += 1
    for t in other_threads(task):
        if not t.state & _TASK_STOPPED and task_set_stop_pending(t, mask):
            signal.group_stop_count += 1
            signal_wake_up(t, False)
    return True
