"""Who am I, groups, sessions, prctl(2), uname(2).  Models kernel/sys.c.

The calls that set ids are in setids.py, what prctl has about capabilities is in commoncap.py.
"""

from __future__ import annotations

from collections.abc import Callable

from nscore.errors import Errno
from nscore.flags import Capability, Prctl
from nscore_sim.capability import ns_capable
from nscore_sim.commoncap import cap_task_prctl
from nscore_sim.pid import Pid, change_pgrp, change_session, find_task_by_vpid, find_vpid, get_pid_task, is_child_reaper, pid_nr_ns
from nscore_sim.sigpending import NSIG
from nscore_sim.task import PF_FORKNOEXEC, PIDTYPE_PGID, Mm, Task
from nscore_sim.utsname import NEW_UTS_LEN

#: include/linux/sched.h, without the NUL
TASK_COMM_LEN = 15

CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)


def getpid(task: Task) -> int:
    """kernel/sys.c:sys_getpid"""
    return task.group_leader.thread_pid.numbers[-1]


def gettid(task: Task) -> int:
    """kernel/sys.c:sys_gettid"""
    return task.pid


def getppid(task: Task) -> int:
    """kernel/sys.c:sys_getppid"""
    return pid_nr_ns(task.real_parent.group_leader.thread_pid, task.thread_pid.ns)


def _process(task: Task, pid: int) -> Task:
    """The task that task knows as pid, itself for 0."""
    p = find_task_by_vpid(task, pid) if pid else task
    if p is None:
        raise Errno("ESRCH")
    return p


def getpgid(task: Task, pid: int) -> int:
    """kernel/sys.c:do_getpgid"""
    return pid_nr_ns(_process(task, pid).signal.pgrp, task.thread_pid.ns)


def getsid(task: Task, pid: int) -> int:
    """kernel/sys.c:sys_getsid"""
    return pid_nr_ns(_process(task, pid).signal.session, task.thread_pid.ns)


def setpgid(task: Task, pid: int, pgid: int) -> None:
    """kernel/sys.c:sys_setpgid"""
    leader = task.group_leader
    pid = pid or leader.pid
    pgid = pgid or pid
    if pgid < 0:
        raise Errno("EINVAL")
    p = _process(task, pid)
    if p.group_leader is not p:
        raise Errno("EINVAL")
    if p.real_parent.signal is task.signal:
        if p.signal.session is not task.signal.session:
            raise Errno("EPERM")
        if not p.flags & PF_FORKNOEXEC:
            raise Errno("EACCES")
    elif p is not leader:
        raise Errno("ESRCH")
    if p.signal.leader:
        raise Errno("EPERM")
    pgrp = p.thread_pid if pgid == pid else _group_in_session(task, pgid)
    if p.signal.pgrp is not pgrp:
        change_pgrp(p, pgrp)


def _group_in_session(task: Task, pgid: int) -> Pid:
    pgrp = find_vpid(task, pgid)
    member = get_pid_task(pgrp, PIDTYPE_PGID)
    if pgrp is None or member is None or member.signal.session is not task.signal.session:
        raise Errno("EPERM")
    return pgrp


def setsid(task: Task) -> None:
    """kernel/sys.c:ksys_setsid"""
    leader = task.group_leader
    sid = leader.thread_pid
    if leader.signal.leader or sid.pgrp:
        raise Errno("EPERM")
    leader.signal.leader = True
    if leader.signal.session is not sid:
        change_session(leader, sid)
    if leader.signal.pgrp is not sid:
        change_pgrp(leader, sid)


def uname(task: Task) -> tuple[str, ...]:
    """kernel/sys.c:sys_newuname"""
    assert task.nsproxy is not None
    name = task.nsproxy.uts_ns.name
    fields = (name.sysname, name.nodename, name.release, name.version, name.machine, name.domainname)
    return tuple([field.decode(errors="surrogateescape") for field in fields])


def sethostname(task: Task, name: str) -> None:
    """kernel/sys.c:sys_sethostname"""
    assert task.nsproxy is not None
    uts_ns = task.nsproxy.uts_ns
    assert uts_ns.ns.user_ns is not None
    if not ns_capable(task, uts_ns.ns.user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    encoded = name.encode(errors="surrogateescape")
    if len(encoded) > NEW_UTS_LEN:
        raise Errno("EINVAL")
    uts_ns.name.nodename = encoded.split(b"\0")[0]


# prctl


def prctl(task: Task, option: int, arg: int | str) -> int | str:
    """kernel/sys.c:sys_prctl"""
    if isinstance(arg, str):
        set_task_comm(task, arg.encode(errors="surrogateescape"))
        return 0
    if option == Prctl.GET_NAME:
        return task.comm.decode(errors="surrogateescape")
    value = cap_task_prctl(task, option, arg)
    if value is not None:
        return value
    function = PRCTL.get(option)
    if function is None:
        raise Errno("EINVAL")
    return function(task, arg)


def set_task_comm(task: Task, name: bytes) -> None:
    """fs/exec.c:__set_task_comm"""
    task.comm = name[:TASK_COMM_LEN]


def set_pdeathsig(task: Task, arg: int) -> int:
    """PR_SET_PDEATHSIG"""
    if arg > NSIG:
        raise Errno("EINVAL")
    task.pdeath_signal = arg
    return 0


def task_mm(task: Task) -> Mm:
    """The address space of a task in a call."""
    assert task.mm is not None
    return task.mm


def set_dumpable(task: Task, arg: int) -> int:
    """PR_SET_DUMPABLE"""
    if arg not in (0, 1):
        raise Errno("EINVAL")
    task_mm(task).dumpable = arg
    return 0


def set_child_subreaper(task: Task, arg: int) -> int:
    """PR_SET_CHILD_SUBREAPER: descendants learn that there is one above them."""
    task.signal.is_child_subreaper = bool(arg)
    left = [task] if arg else []
    while left:
        for thread in left.pop().signal.threads:
            for p in thread.children or ():
                # kernel/sys.c:propagate_has_child_subreaper: who has it has told its own, and nobody leaves a namespace.
                if not p.signal.has_child_subreaper and not is_child_reaper(p.thread_pid):
                    p.signal.has_child_subreaper = True
                    left.append(p)
    return 0


def set_no_new_privs(task: Task, arg: int) -> int:
    """PR_SET_NO_NEW_PRIVS"""
    if arg != 1:
        raise Errno("EINVAL")
    task.no_new_privs = True
    return 0


def get_no_new_privs(task: Task, arg: int) -> int:
    """PR_GET_NO_NEW_PRIVS"""
    if arg:
        raise Errno("EINVAL")
    return int(task.no_new_privs)


PRCTL: dict[int, Callable[[Task, int], int]] = {
    Prctl.SET_PDEATHSIG: set_pdeathsig,
    Prctl.GET_PDEATHSIG: lambda task, arg: task.pdeath_signal,
    Prctl.GET_DUMPABLE: lambda task, arg: task_mm(task).dumpable,
    Prctl.SET_DUMPABLE: set_dumpable,
    Prctl.SET_CHILD_SUBREAPER: set_child_subreaper,
    Prctl.GET_CHILD_SUBREAPER: lambda task, arg: int(task.signal.is_child_subreaper),
    Prctl.SET_NO_NEW_PRIVS: set_no_new_privs,
    Prctl.GET_NO_NEW_PRIVS: get_no_new_privs,
}
