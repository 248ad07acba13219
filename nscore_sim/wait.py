"""Waiting for children: wait4(2), waitid(2).  Models the second half of kernel/exit.c.

Left out: tracees.
"""

from __future__ import annotations

from nscore.errors import Errno
from nscore.flags import ChildCode, IdType, WaitOption
from nscore_sim.file import fget
from nscore_sim.pid import find_vpid, pid_has_task, pid_nr_ns
from nscore_sim.pidfs import pidfd_pid
from nscore_sim.release_task import release_task
from nscore_sim.sched import Restart, Sleep, signal_pending, sleep_on
from nscore_sim.sigpending import SIGCHLD, SIGCONT
from nscore_sim.task import (
    EXIT_DEAD,
    EXIT_ZOMBIE,
    PIDTYPE_MAX,
    PIDTYPE_PGID,
    PIDTYPE_PID,
    SIGNAL_GROUP_EXIT,
    SIGNAL_STOP_CONTINUED,
    SIGNAL_STOP_STOPPED,
    Task,
)
from nscore_sim.user_namespace import from_kuid_munged
from nscore_sim.wait_opts import WNOTHREAD, WaitOpts, eligible_pid

WNOHANG, WUNTRACED, WEXITED, WCONTINUED, WNOWAIT = map(
    int, (WaitOption.NOHANG, WaitOption.UNTRACED, WaitOption.EXITED, WaitOption.CONTINUED, WaitOption.NOWAIT)
)
WALL, WCLONE = int(WaitOption.ALL), int(WaitOption.CLONE)
#: What waitid(2) and wait4(2) know.
WAITID_OPTIONS = WNOHANG | WNOWAIT | WEXITED | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL
WAIT4_OPTIONS = WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL

CLD_EXITED, CLD_KILLED, CLD_DUMPED = int(ChildCode.EXITED), int(ChildCode.KILLED), int(ChildCode.DUMPED)
CLD_STOPPED, CLD_CONTINUED = int(ChildCode.STOPPED), int(ChildCode.CONTINUED)

O_NONBLOCK = 0o4000
INT_MIN = -(1 << 31)

#: What a wait found: si_pid, the user id, the wait status, si_code, si_status.
Found = tuple[int, int, int, int, int]


def do_wait(task: Task, wo: WaitOpts) -> Found | Sleep | Restart | None:
    """Find a child that has something to tell, or sleep until one has; None with WNOHANG.  kernel/exit.c:do_wait"""
    found = look(task, wo)
    if found is not None:
        return found
    if wo.echild:
        raise Errno("ECHILD")
    if wo.flags & WNOHANG:
        return None
    if wo.again:
        raise Errno("EAGAIN")
    if signal_pending(task):
        return Restart.SYS
    head = task.signal.wait_chldexit
    if head is None:
        head = task.signal.wait_chldexit = {}
    return sleep_on(task, head)


def look(task: Task, wo: WaitOpts) -> Found | None:
    """kernel/exit.c:__do_wait"""
    wo.echild = True
    if wo.type == PIDTYPE_PID:
        child = None if wo.pid is None else wo.pid.tgid
        if child is None or not is_effectively_child(task, wo, child):
            return None
        return wait_consider_task(task, wo, child)
    if wo.type != PIDTYPE_MAX and (wo.pid is None or not pid_has_task(wo.pid, wo.type)):
        return None
    if wo.flags & WNOTHREAD or task.signal.nr_threads == 1:
        return do_wait_thread(task, wo, task)
    threads = list(task.signal.threads)
    at = threads.index(task)
    # Its own children first, then those of the threads after it, round to the one before.
    for thread in (*threads[at:], *threads[:at]):
        if (found := do_wait_thread(task, wo, thread)) is not None:
            return found
    return None


def is_effectively_child(task: Task, wo: WaitOpts, child: Task) -> bool:
    """kernel/exit.c:is_effectively_child"""
    parent = child.real_parent
    return parent is task or (not wo.flags & WNOTHREAD and parent.signal is task.signal)


def do_wait_thread(task: Task, wo: WaitOpts, thread: Task) -> Found | None:
    """The children of one thread, in order of birth and adoption.  kernel/exit.c:do_wait_thread"""
    for child in thread.children or ():
        if (found := wait_consider_task(task, wo, child)) is not None:
            return found
    return None


def eligible_child(wo: WaitOpts, p: Task) -> bool:
    """kernel/exit.c:eligible_child"""
    if wo.type == PIDTYPE_PGID and not eligible_pid(wo, p):
        return False
    return bool(wo.flags & WALL) or (p.exit_signal != SIGCHLD) == bool(wo.flags & WCLONE)


def wait_consider_task(task: Task, wo: WaitOpts, p: Task) -> Found | None:
    """What p has to tell.  kernel/exit.c:wait_consider_task"""
    exit_state = p.exit_state
    if exit_state == EXIT_DEAD or not eligible_child(wo, p):
        return None
    # A leader that has ended, but not its other threads, counts as alive.
    if exit_state == EXIT_ZOMBIE and p.signal.nr_threads == 1:
        return wait_task_zombie(task, wo, p)
    # It lives, or its other threads do: it may stop, go on or end.
    wo.echild = False
    return wait_task_stopped(task, wo, p) or wait_task_continued(task, wo, p)


def wait_task_zombie(task: Task, wo: WaitOpts, p: Task) -> Found | None:
    """kernel/exit.c:wait_task_zombie"""
    if not wo.flags & WEXITED:
        return None
    signal = p.signal
    status = signal.group_exit_code if signal.flags & SIGNAL_GROUP_EXIT else p.exit_code
    if status & 0x7F:
        found = _found(task, p, status, CLD_DUMPED if status & 0x80 else CLD_KILLED, status & 0x7F)
    else:
        found = _found(task, p, status, CLD_EXITED, status >> 8)
    if not wo.flags & WNOWAIT:
        p.exit_state = EXIT_DEAD
        release_task(p)
    return found


def wait_task_stopped(task: Task, wo: WaitOpts, p: Task) -> Found | None:
    """kernel/exit.c:wait_task_stopped"""
    signal = p.signal
    if not wo.flags & WUNTRACED or not signal.flags & SIGNAL_STOP_STOPPED or not signal.group_exit_code:
        return None
    code = signal.group_exit_code
    if not wo.flags & WNOWAIT:
        signal.group_exit_code = 0
    return _found(task, p, code << 8 | 0x7F, CLD_STOPPED, code)


def wait_task_continued(task: Task, wo: WaitOpts, p: Task) -> Found | None:
    """kernel/exit.c:wait_task_continued"""
    signal = p.signal
    if not wo.flags & WCONTINUED or not signal.flags & SIGNAL_STOP_CONTINUED:
        return None
    if not wo.flags & WNOWAIT:
        signal.flags &= ~SIGNAL_STOP_CONTINUED
    return _found(task, p, 0xFFFF, CLD_CONTINUED, SIGCONT)


def _found(task: Task, p: Task, status: int, code: int, si_status: int) -> Found:
    return (pid_nr_ns(p.thread_pid, task.thread_pid.ns), p.cred.uid, status, code, si_status)


def waitid(task: Task, idtype: int, id: int, options: int) -> tuple[int, ...] | Sleep | Restart | None:
    """kernel/exit.c:sys_waitid"""
    wo = task.restart
    if wo is None:
        wo = task.restart = waitid_options(task, idtype, id, options)
    assert isinstance(wo, WaitOpts)
    found = do_wait(task, wo)
    if not isinstance(found, tuple):
        return found
    pid, uid, _, code, status = found
    return (pid, from_kuid_munged(task.cred.user_ns, uid), SIGCHLD, status, code)


def waitid_options(task: Task, idtype: int, id: int, options: int) -> WaitOpts:
    """kernel/exit.c:kernel_waitid_prepare"""
    if options & ~WAITID_OPTIONS or not options & (WEXITED | WUNTRACED | WCONTINUED):
        raise Errno("EINVAL")
    if idtype == IdType.ALL:
        return WaitOpts(PIDTYPE_MAX, None, options)
    if idtype == IdType.PID and id > 0:
        return WaitOpts(PIDTYPE_PID, find_vpid(task, id), options)
    if idtype == IdType.PGID and id >= 0:
        return WaitOpts(PIDTYPE_PGID, find_vpid(task, id) if id else task.signal.pgrp, options)
    if idtype == IdType.PIDFD and id >= 0:
        file = fget(task, id)
        return WaitOpts(PIDTYPE_PID, pidfd_pid(file), options, bool(file.f_flags & O_NONBLOCK))
    raise Errno("EINVAL")


def wait4(task: Task, upid: int, options: int) -> tuple[int, int] | Sleep | Restart:
    """kernel/exit.c:kernel_wait4"""
    wo = task.restart
    if wo is None:
        wo = task.restart = wait4_options(task, upid, options)
    assert isinstance(wo, WaitOpts)
    found = do_wait(task, wo)
    if found is None:
        return (0, 0)
    return (found[0], found[2]) if isinstance(found, tuple) else found


def wait4_options(task: Task, upid: int, options: int) -> WaitOpts:
    """The first half of kernel/exit.c:kernel_wait4"""
    if options & ~WAIT4_OPTIONS:
        raise Errno("EINVAL")
    if upid == INT_MIN:
        raise Errno("ESRCH")
    options |= WEXITED
    if upid == -1:
        return WaitOpts(PIDTYPE_MAX, None, options)
    if upid > 0:
        return WaitOpts(PIDTYPE_PID, find_vpid(task, upid), options)
    return WaitOpts(PIDTYPE_PGID, find_vpid(task, -upid) if upid else task.signal.pgrp, options)
