"""The end of tasks: exit, orphans, adoption.  Models the first half of kernel/exit.c.

release_task() is in release_task.py, waiting in wait.py.  Left out: terminals, core dumps, ptrace(2), accounting.
"""

from __future__ import annotations

from contextlib import suppress

from nscore.errors import Errno
from nscore_sim.cred import SUID_DUMP_USER
from nscore_sim.file import exit_files
from nscore_sim.fs_struct import exit_fs
from nscore_sim.jobctl import CLD_STOPPED, do_notify_parent_cldstop, task_participate_group_stop
from nscore_sim.nsproxy import exit_task_namespaces
from nscore_sim.pid import Pid, each_pid_task
from nscore_sim.release_task import release_task
from nscore_sim.sched import SLEEP, Sleep, try_to_wake_up
from nscore_sim.signal import (
    NOINFO,
    PRIV,
    do_notify_parent,
    do_notify_pidfd,
    group_send_sig_info,
    kill_pgrp_info,
    zap_other_threads,
)
from nscore_sim.sigpending import SIGCHLD, SIGCONT, SIGHUP, flush_sigqueue, retarget_shared_pending
from nscore_sim.task import (
    EXIT_DEAD,
    EXIT_ZOMBIE,
    JOBCTL_STOP_PENDING,
    PF_EXITING,
    PIDTYPE_PGID,
    PIDTYPE_TGID,
    SIGNAL_GROUP_EXIT,
    SIGNAL_STOP_STOPPED,
    TASK_DEAD,
    TASK_NORMAL,
    TASK_WAKEKILL,
    Task,
)
from nscore_sim.zap import zap_pid_ns_processes


def exit(task: Task, status: int) -> Sleep:
    """End the calling thread.  kernel/exit.c:sys_exit"""
    do_exit(task, (status & 0xFF) << 8)
    return SLEEP


def exit_group(task: Task, status: int) -> Sleep:
    """End the process.  kernel/exit.c:sys_exit_group"""
    do_group_exit(task, (status & 0xFF) << 8)
    return SLEEP


def do_group_exit(task: Task, code: int) -> None:
    """End all threads of the process; the first to say so decides the code.  kernel/exit.c:do_group_exit"""
    signal = task.signal
    if signal.flags & SIGNAL_GROUP_EXIT:
        code = signal.group_exit_code
    elif signal.group_exec_task is not None:
        code = 0
    else:
        signal.group_exit_code = code
        signal.flags = SIGNAL_GROUP_EXIT
        if signal.nr_threads > 1:
            zap_other_threads(task)
    do_exit(task, code)


def do_exit(task: Task, code: int) -> None:
    """End task.  An init comes back here when its namespace is empty.  kernel/exit.c:do_exit"""
    signal = task.signal
    signal.quick_threads -= 1
    if not signal.quick_threads and not signal.flags & SIGNAL_GROUP_EXIT and task.kernel.release.last_thread_decides:
        # kernel/exit.c:synchronize_group_exit
        signal.flags = SIGNAL_GROUP_EXIT
        signal.group_exit_code = code
        signal.group_stop_count = 0
    if signal.nr_threads == 1 or signal.flags & SIGNAL_GROUP_EXIT:
        task.flags |= PF_EXITING
    else:
        exit_signals(task)
    signal.live -= 1
    task.exit_code = code
    exit_mm_release(task)
    task.mm = None
    exit_files(task)
    exit_fs(task)
    exit_task_namespaces(task)
    task.call = task.restart = None
    if task.pending is not None:
        # A zombie shows what was pending for its process, not for itself.
        flush_sigqueue(task.pending)
        task.pending = None
    ns = task.thread_pid.ns
    if ns.child_reaper is task:
        heir = find_alive_thread(task)
        if heir is None:
            zap_pid_ns_processes(task, exit_notify)
            return
        ns.child_reaper = heir
    exit_notify(task)


def exit_signals(task: Task) -> None:
    """Leave it to the other threads to take the process's signals.  kernel/signal.c:exit_signals"""
    task.flags |= PF_EXITING
    if not task.sigpending:
        return
    retarget_shared_pending(task, ~task.blocked)
    if task.jobctl & JOBCTL_STOP_PENDING and task_participate_group_stop(task):
        do_notify_parent_cldstop(task, CLD_STOPPED)


def exit_mm_release(task: Task) -> None:
    """Give the parent of a vfork child its processor back.  kernel/fork.c:mm_release, complete_vfork_done"""
    mm = task.mm
    if mm is not None:
        mm.users -= 1
        task.user_dumpable = mm.dumpable == SUID_DUMP_USER
    parent = task.vfork_done
    if parent is not None:
        task.vfork_done = None
        try_to_wake_up(parent, TASK_NORMAL | TASK_WAKEKILL)


def exit_notify(task: Task) -> None:
    """Give the children away and tell the parent.  kernel/exit.c:exit_notify"""
    signal = task.signal
    leads = task.exit_signal >= 0
    dead = forget_original_parent(task) if task.children else []
    if not signal.live and signal.pgrp is not task.real_parent.signal.pgrp:
        kill_orphaned_pgrp(task, task.group_leader, None)
    task.exit_state = EXIT_ZOMBIE
    task.state = TASK_DEAD
    if leads:
        autoreap = signal.nr_threads == 1 and do_notify_parent(task, task.exit_signal)
    else:
        do_notify_pidfd(task)
        autoreap = True
    if autoreap:
        task.exit_state = EXIT_DEAD
        dead.append(task)
    if signal.notify_count < 0 and signal.group_exec_task is not None:
        try_to_wake_up(signal.group_exec_task, TASK_NORMAL | TASK_WAKEKILL)  # execve() waits for the leader
    while dead:
        release_task(dead.pop())


def forget_original_parent(father: Task) -> list[Task]:
    """Give father's children a new parent; those that nobody will wait for.  kernel/exit.c:forget_original_parent"""
    children = father.children
    assert children is not None
    father.children = None
    reaper = find_new_reaper(father)
    dead: list[Task] = []
    for child in children:
        for t in child.signal.threads:
            t.real_parent = reaper
            if t.pdeath_signal:
                _send_pdeath_signal(father, t)
        if reaper.signal is not father.signal:
            reparent_leader(father, child, dead)
    if reaper.children is None:
        reaper.children = {}
    reaper.children.update(children)
    return dead


def _send_pdeath_signal(father: Task, t: Task) -> None:
    with suppress(Errno):  # father may not signal it, and nobody asks
        group_send_sig_info(father, t.pdeath_signal, NOINFO, t, PIDTYPE_TGID)


def reparent_leader(father: Task, p: Task, dead: list[Task]) -> None:
    """Show a child to its new parent.  kernel/exit.c:reparent_leader"""
    if p.exit_state == EXIT_DEAD:
        return
    p.exit_signal = SIGCHLD
    if p.exit_state == EXIT_ZOMBIE and p.signal.nr_threads == 1 and do_notify_parent(p, SIGCHLD):
        p.exit_state = EXIT_DEAD
        dead.append(p)
    kill_orphaned_pgrp(father, p, father)


def find_alive_thread(p: Task) -> Task | None:
    """kernel/exit.c:find_alive_thread"""
    for t in p.signal.threads:
        if not t.flags & PF_EXITING:
            return t
    return None


def find_new_reaper(father: Task) -> Task:
    """Who adopts father's children: another thread, the nearest subreaper of its level, its namespace's init.

    kernel/exit.c:find_new_reaper
    """
    thread = find_alive_thread(father)
    if thread is not None:
        return thread
    if father.signal.has_child_subreaper:
        level = father.thread_pid.level
        reaper = father.real_parent
        # By level, not by identity: setns + fork can put a parent outside.
        while reaper.thread_pid.level == level and reaper is not father.kernel.init_task:
            if reaper.signal.is_child_subreaper and (thread := find_alive_thread(reaper)) is not None:
                return thread
            reaper = reaper.real_parent
    child_reaper = father.thread_pid.ns.child_reaper
    assert child_reaper is not None
    return child_reaper


# Orphaned process groups


def kill_orphaned_pgrp(task: Task, tsk: Task, parent: Task | None) -> None:
    """Wake the stopped members of a group that has just lost its last tie to its session.  kernel/exit.c:kill_orphaned_pgrp

    parent is the one that ends, None where it is tsk itself.
    """
    signal = tsk.signal
    ignored = tsk if parent is None else None
    other = (tsk.real_parent if parent is None else parent).signal
    if other.pgrp is signal.pgrp or other.session is not signal.session:
        return
    if has_stopped_jobs(signal.pgrp) and will_become_orphaned_pgrp(signal.pgrp, ignored):
        with suppress(Errno):  # nobody asks who got it
            kill_pgrp_info(task, SIGHUP, PRIV, signal.pgrp)
            kill_pgrp_info(task, SIGCONT, PRIV, signal.pgrp)


def will_become_orphaned_pgrp(pgrp: Pid, ignored: Task | None) -> bool:
    """Whether no member has a parent in another group of the same session.  kernel/exit.c:will_become_orphaned_pgrp"""
    for p in pgrp.pgrp or ():
        parent = p.real_parent
        if p is ignored or (p.exit_state and p.signal.nr_threads == 1) or parent is p.kernel.init_task:
            continue
        if parent.signal.pgrp is not pgrp and parent.signal.session is p.signal.session:
            return False
    return True


def is_current_pgrp_orphaned(task: Task) -> bool:
    """kernel/exit.c:is_current_pgrp_orphaned"""
    return will_become_orphaned_pgrp(task.signal.pgrp, None)


def has_stopped_jobs(pgrp: Pid) -> bool:
    """kernel/exit.c:has_stopped_jobs"""
    return any(p.signal.flags & SIGNAL_STOP_STOPPED for p in each_pid_task(pgrp, PIDTYPE_PGID))
