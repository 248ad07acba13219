"""PIDs: allocation, lookup and lifetime.  Models kernel/pid.c.

A Pid is one object with a number per namespace level; a thread, its process, its group and its session hang on it, and while any of
them does the numbers are taken.  Left out: the pidfd calls of that file, which are in pidfs.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import ns_capable
from nscore_sim.nscommon import put_ns
from nscore_sim.pid_namespace import PIDNS_ADDING, PidNamespace
from nscore_sim.sched import try_to_wake_up, wake_up
from nscore_sim.task import PIDTYPE_PGID, PIDTYPE_PID, PIDTYPE_SID, PIDTYPE_TGID, TASK_NORMAL

if TYPE_CHECKING:
    from nscore_sim.sched import WaitQueueHead
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

#: Where the search begins again once the cursor has been beyond.  include/linux/pid.h
RESERVED_PIDS = 300

CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)
CAP_CHECKPOINT_RESTORE = int(Capability.CHECKPOINT_RESTORE)


class Pid:
    """A number in each namespace from the initial one down to ns.  include/linux/pid.h:struct pid"""

    __slots__ = ("attr", "count", "ino", "level", "ns", "numbers", "pgrp", "session", "task", "tgid", "wait_pidfd")

    numbers: tuple[int, ...]  #: the number at level i is numbers[i]

    def __init__(self, ns: PidNamespace) -> None:
        self.ns = ns  #: the innermost
        self.level = ns.level
        self.ino = 0  #: of its file in pidfs: the order of creation
        self.count = 1  #: whoever keeps the object: its numbers, and pidfds
        #: tasks[PIDTYPE_PID] and tasks[PIDTYPE_TGID]
        self.task: Task | None = None
        self.tgid: Task | None = None
        #: tasks[PIDTYPE_PGID] and tasks[PIDTYPE_SID]: leaders of processes, in the order in which they joined
        self.pgrp: dict[Task, None] | None = None
        self.session: dict[Task, None] | None = None
        self.wait_pidfd: WaitQueueHead | None = None
        self.attr: object = None  #: what pidfs remembers of the process when it is gone


def get_pid(pid: Pid) -> Pid:
    """include/linux/pid.h:get_pid"""
    pid.count += 1
    return pid


def put_pid(pid: Pid) -> None:
    """Give up one hold of pid.  kernel/pid.c:put_pid"""
    pid.count -= 1
    if not pid.count:
        put_ns(pid.ns.ns)


def free_pid(pid: Pid) -> None:
    """Give the numbers back.  kernel/pid.c:free_pid"""
    for ns, number in zip(pid.ns.path, pid.numbers):
        ns.pid_allocated = left = ns.pid_allocated - 1
        if left <= 2:
            # All that is left may be an init that waits in zap_pid_ns_processes().
            if ns.child_reaper is not None:
                try_to_wake_up(ns.child_reaper, TASK_NORMAL)
        elif left == PIDNS_ADDING and ns.ns.kernel.release.first_failure_is_final:
            # The first process was not to be, and there is no second try.
            ns.pid_allocated = 0
        ns.idr.remove(number)
    pid.count -= 1
    if not pid.count:
        put_ns(pid.ns.ns)


def alloc_pid(task: Task, ns: PidNamespace, set_tid: tuple[int, ...] = ()) -> Pid:
    """A Pid with a number in ns and in each of its ancestors, those of set_tid (innermost first) as far as it goes.

    kernel/pid.c:alloc_pid
    """
    if set_tid:
        check_set_tid_size(task, ns, set_tid)
    if ns.pid_allocated == PIDNS_ADDING:
        ns.idr.idr_next = 0  # nobody has seen an earlier first try
    pid = Pid(ns)
    numbers: list[int] = []
    for at in ns.path[::-1]:
        idr = at.idr
        if set_tid:
            number = _alloc_set_tid(task, set_tid[0], at, ns, numbers)
            set_tid = set_tid[1:]
        else:
            # Below 300 only in the first round.
            number = idr.alloc_cyclic(RESERVED_PIDS if idr.idr_next > RESERVED_PIDS else 1, at.pid_max)
            if number < 0:
                _undo_alloc(ns, numbers)
                raise Errno("EAGAIN")
        numbers.append(number)
        idr.entries[number] = pid
    if not ns.pid_allocated & PIDNS_ADDING or (task.kernel.release.ancestors_deny_fork and _dying(ns)):
        _undo_alloc(ns, numbers)
        raise Errno("ENOMEM")
    for at in ns.path:
        at.pid_allocated += 1
    ns.ns.count += 1
    pid.numbers = (*numbers[::-1],)
    # Number the file that it can have, whether or not it ever has one.  fs/pidfs.c:pidfs_add_pid
    kernel = task.kernel
    kernel.pidfs_ino = pid.ino = kernel.pidfs_ino + 1
    return pid


def check_set_tid_size(task: Task, ns: PidNamespace, set_tid: tuple[int, ...]) -> None:
    """The child has a level for each; a newer kernel judges all of them here."""
    if len(set_tid) > ns.level + 1:
        raise Errno("EINVAL")
    if task.kernel.release.set_tid_checked_first:
        for tid, at in zip(set_tid, reversed(ns.path)):
            check_set_tid(task, tid, at, needs_init=False)


def _alloc_set_tid(task: Task, tid: int, at: PidNamespace, ns: PidNamespace, taken: list[int]) -> int:
    """Just this number; the cursor stays where it is."""
    checked = task.kernel.release.set_tid_checked_first
    try:
        if not checked:
            check_set_tid(task, tid, at, needs_init=True)
        if at.idr.alloc(tid, tid + 1) < 0:
            raise Errno("EEXIST")
        if checked and tid != 1 and at.child_reaper is None:
            at.idr.remove(tid)
            raise Errno("EINVAL")
    except Errno:
        _undo_alloc(ns, taken)
        raise
    return tid


def check_set_tid(task: Task, tid: int, ns: PidNamespace, needs_init: bool) -> None:
    """Whether task may ask for tid in ns."""
    if not 1 <= tid < ns.pid_max:
        raise Errno("EINVAL")
    if needs_init and tid != 1 and ns.child_reaper is None:
        raise Errno("EINVAL")
    if not checkpoint_restore_ns_capable(task, ns.user_ns):
        raise Errno("EPERM")


def _dying(ns: PidNamespace) -> bool:
    return not all(at.pid_allocated & PIDNS_ADDING for at in ns.path)


def _undo_alloc(ns: PidNamespace, numbers: list[int]) -> None:
    """Free what was taken.  The cursors stay advanced."""
    for at, number in zip(reversed(ns.path), numbers):
        at.idr.remove(number)


def disable_pid_allocation(ns: PidNamespace) -> None:
    """kernel/pid.c:disable_pid_allocation"""
    ns.pid_allocated &= ~PIDNS_ADDING


def checkpoint_restore_ns_capable(task: Task, ns: UserNamespace) -> bool:
    """include/linux/capability.h:checkpoint_restore_ns_capable"""
    return ns_capable(task, ns, CAP_CHECKPOINT_RESTORE) or ns_capable(task, ns, CAP_SYS_ADMIN)


# Lookup


def find_pid_ns(nr: int, ns: PidNamespace) -> Pid | None:
    """kernel/pid.c:find_pid_ns"""
    return ns.idr.entries.get(nr)


def find_vpid(task: Task, nr: int) -> Pid | None:
    """The Pid that task knows as nr.  kernel/pid.c:find_vpid"""
    return task.thread_pid.ns.idr.entries.get(nr)


def find_task_by_pid_ns(nr: int, ns: PidNamespace) -> Task | None:
    """kernel/pid.c:find_task_by_pid_ns"""
    pid = ns.idr.entries.get(nr)
    return None if pid is None else pid.task


def find_task_by_vpid(task: Task, nr: int) -> Task | None:
    """The task that task knows as nr.  kernel/pid.c:find_task_by_vpid"""
    pid = task.thread_pid.ns.idr.entries.get(nr)
    return None if pid is None else pid.task


def get_pid_task(pid: Pid | None, type: int) -> Task | None:
    """The task, or the newest of the tasks, that has pid in that role.  kernel/pid.c:pid_task"""
    if pid is None:
        return None
    if type == PIDTYPE_PID:
        return pid.task
    if type == PIDTYPE_TGID:
        return pid.tgid
    role = pid.pgrp if type == PIDTYPE_PGID else pid.session
    return next(reversed(role)) if role else None


def each_pid_task(pid: Pid, type: int) -> list[Task]:
    """The tasks that have pid in that role, the latest to join first.  include/linux/pid.h:do_each_pid_task"""
    if type in (PIDTYPE_PGID, PIDTYPE_SID):
        role = pid.pgrp if type == PIDTYPE_PGID else pid.session
        return list(reversed(role)) if role else []
    task = pid.task if type == PIDTYPE_PID else pid.tgid
    return [] if task is None else [task]


def pid_has_task(pid: Pid, type: int) -> bool:
    """include/linux/pid.h:pid_has_task"""
    return get_pid_task(pid, type) is not None


# Numbers


def pid_nr_ns(pid: Pid, ns: PidNamespace) -> int:
    """The number of pid in ns, 0 where it has none.  kernel/pid.c:pid_nr_ns"""
    level = ns.level
    if level <= pid.level and pid.ns.path[level] is ns:
        return pid.numbers[level]
    return 0


def pid_vnr(task: Task, pid: Pid) -> int:
    """The number of pid for task.  kernel/pid.c:pid_vnr"""
    return pid_nr_ns(pid, task.thread_pid.ns)


def task_pid_nr_ns(task: Task, ns: PidNamespace) -> int:
    """include/linux/pid.h:task_pid_nr_ns"""
    return pid_nr_ns(task.thread_pid, ns)


def task_tgid_nr_ns(task: Task, ns: PidNamespace) -> int:
    """include/linux/pid.h:task_tgid_nr_ns"""
    return pid_nr_ns(task.group_leader.thread_pid, ns)


def task_active_pid_ns(task: Task) -> PidNamespace:
    """The namespace task was born in.  kernel/pid.c:task_active_pid_ns"""
    return task.thread_pid.ns


def is_child_reaper(pid: Pid) -> bool:
    """include/linux/pid.h:is_child_reaper"""
    return pid.numbers[-1] == 1


# Roles


def attach_group(task: Task, pgrp: Pid, session: Pid) -> None:
    """Hang the leader of a process on its group and its session.  kernel/pid.c:attach_pid for PIDTYPE_PGID and PIDTYPE_SID"""
    role = pgrp.pgrp
    if role is None:
        pgrp.pgrp = {task: None}
    else:
        role[task] = None
    role = session.session
    if role is None:
        session.session = {task: None}
    else:
        role[task] = None


def _free_unused(pid: Pid) -> None:
    if pid.task is None and pid.tgid is None and not pid.pgrp and not pid.session:
        free_pid(pid)


def detach_group(task: Task, pgrp: Pid, session: Pid) -> None:
    """Take the leader of a process off both.  kernel/pid.c:detach_pid for PIDTYPE_PGID and PIDTYPE_SID"""
    role = pgrp.pgrp
    assert role is not None
    del role[task]
    if not role:
        pgrp.pgrp = None
        _free_unused(pgrp)
    role = session.session
    assert role is not None
    del role[task]
    if not role:
        session.session = None
        _free_unused(session)


def detach_tid(task: Task, leads: bool) -> None:
    """Take task off its own number, and its process too if it leads.  kernel/pid.c:detach_pid for PIDTYPE_PID and PIDTYPE_TGID"""
    pid = task.thread_pid
    pid.task = None
    if pid.wait_pidfd:
        wake_up(pid.wait_pidfd)
    if leads:
        pid.tgid = None
    if pid.tgid is None and not pid.pgrp and not pid.session:
        free_pid(pid)


def exchange_tids(left: Task, right: Task) -> None:
    """Let two threads change their numbers.  kernel/pid.c:exchange_tids"""
    left.thread_pid, right.thread_pid = right.thread_pid, left.thread_pid
    left.pid, right.pid = right.pid, left.pid
    left.thread_pid.task, right.thread_pid.task = left, right


def change_pgrp(task: Task, new: Pid) -> None:
    """Move task's process to the group new.  kernel/pid.c:change_pid"""
    signal = task.signal
    old, signal.pgrp = signal.pgrp, new
    assert old.pgrp is not None
    del old.pgrp[task]
    if not old.pgrp:
        old.pgrp = None
        _free_unused(old)
    if new.pgrp is None:
        new.pgrp = {}
    new.pgrp[task] = None


def change_session(task: Task, new: Pid) -> None:
    """Move task's process to the session new.  kernel/pid.c:change_pid"""
    signal = task.signal
    old, signal.session = signal.session, new
    assert old.session is not None
    del old.session[task]
    if not old.session:
        old.session = None
        _free_unused(old)
    if new.session is None:
        new.session = {}
    new.session[task] = None
