"""Whom a signal is for: kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2).  Models the system calls of kernel/signal.c."""

from __future__ import annotations

from nscore.errors import Errno
from nscore.flags import SigCode
from nscore_sim.pid import find_task_by_vpid, find_vpid, task_tgid_nr_ns
from nscore_sim.siginfo_layout import SI_KERNEL, SI_USER, tells_of_a_child
from nscore_sim.signal import (
    SI_TKILL,
    Info,
    KernelSiginfo,
    check_kill_permission,
    group_send_sig_info,
    kill_pgrp_info,
    kill_pid_info,
    prepare_kill_siginfo,
    send_signal_locked,
)
from nscore_sim.task import PIDTYPE_MAX, PIDTYPE_PID, PIDTYPE_TGID, Task
from nscore_sim.user_namespace import from_kuid_munged

INT_MIN = -(1 << 31)
SI_SIGIO = int(SigCode.SIGIO)


def kill(task: Task, pid: int, sig: int) -> None:
    """kernel/signal.c:sys_kill"""
    kill_something_info(task, sig, prepare_kill_siginfo(task, sig, PIDTYPE_TGID), pid)


def kill_something_info(task: Task, sig: int, info: Info, pid: int) -> None:
    """kernel/signal.c:kill_something_info"""
    if pid > 0:
        kill_pid_info(task, sig, info, find_vpid(task, pid))
    elif pid == INT_MIN:
        raise Errno("ESRCH")
    elif pid == -1:
        kill_all(task, sig, info)
    else:
        kill_pgrp_info(task, sig, info, find_vpid(task, -pid) if pid else task.signal.pgrp)


def kill_all(task: Task, sig: int, info: Info) -> None:
    """Send sig to every process that task can see but its own and its namespace's init, the oldest first; being refused is no error."""
    here = task.thread_pid.ns
    processes = [pid.tgid for number, pid in here.idr.entries.items() if number > 1 and pid.tgid is not None]
    processes = [p for p in processes if p.signal is not task.signal]
    processes.sort(key=lambda p: p.signal.serial)
    failed = None if processes else Errno("ESRCH")
    for p in processes:
        try:
            group_send_sig_info(task, sig, info, p, PIDTYPE_MAX)
        except Errno as error:
            if error.name != "EPERM":
                failed = error
        else:
            failed = None
    if failed is not None:
        raise failed


def tkill(task: Task, tid: int, sig: int) -> None:
    """kernel/signal.c:sys_tkill"""
    if tid <= 0:
        raise Errno("EINVAL")
    do_send_specific(task, 0, tid, sig)


def tgkill(task: Task, tgid: int, tid: int, sig: int) -> None:
    """kernel/signal.c:sys_tgkill"""
    if tid <= 0 or tgid <= 0:
        raise Errno("EINVAL")
    do_send_specific(task, tgid, tid, sig)


def do_send_specific(task: Task, tgid: int, tid: int, sig: int) -> None:
    """Send sig to the thread tid, of the process tgid unless that is 0.  kernel/signal.c:do_send_specific"""
    p = find_task_by_vpid(task, tid)
    if p is None or (tgid > 0 and task_tgid_nr_ns(p, task.thread_pid.ns) != tgid):
        raise Errno("ESRCH")
    info = prepare_kill_siginfo(task, sig, PIDTYPE_PID)
    check_kill_permission(task, sig, info, p)
    if sig:
        send_signal_locked(task, sig, info, p, PIDTYPE_PID)


def rt_sigqueueinfo(task: Task, pid: int, sig: int, value: int, code: int) -> None:
    """kernel/signal.c:do_rt_sigqueueinfo; si_pid and si_uid are the caller's own."""
    if (code >= 0 or code == SI_TKILL) and task.pid != pid:
        raise Errno("EPERM")
    sender = task.group_leader.thread_pid.numbers[-1]
    info = copy_siginfo_from_user((sig, code, sender, from_kuid_munged(task.cred.user_ns, task.cred.uid), 0, value))
    kill_pid_info(task, sig, info, find_vpid(task, pid))


def copy_siginfo_from_user(siginfo: tuple[int, ...]) -> KernelSiginfo:
    """The fields of results.Siginfo, as far as such a signal has them; the last two share a place in the structure.

    kernel/signal.c:copy_siginfo_from_user, siginfo_layout
    """
    signo, code, pid, uid, status, value = siginfo
    if tells_of_a_child(signo, code):
        return KernelSiginfo(signo, code, pid, uid, si_status=value or status)
    if code == SI_SIGIO or SI_USER < code < SI_KERNEL:
        return KernelSiginfo(signo, code, 0, 0)
    return KernelSiginfo(signo, code, pid, uid, si_value=(value or status) if code < 0 else 0)
