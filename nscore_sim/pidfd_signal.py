"""pidfd_send_signal(2).  Models that part of kernel/signal.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP, PidfdSignalFlag
from nscore_sim.file import fget
from nscore_sim.kill import copy_siginfo_from_user
from nscore_sim.pid import pid_vnr
from nscore_sim.pidfs import PIDFD_THREAD, PidfdFile
from nscore_sim.proc.base import tgid_pidfd_to_pid
from nscore_sim.signal import SI_TKILL, kill_pgrp_info, kill_pid_info, prepare_kill_siginfo
from nscore_sim.task import PIDTYPE_PGID, PIDTYPE_PID, PIDTYPE_TGID

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.file import File
    from nscore_sim.pid import Pid
    from nscore_sim.task import Task


#: The scope that a flag asks for; 0 is the file's own.
SCOPE: dict[int, int] = {
    PidfdSignalFlag.THREAD: PIDTYPE_PID,
    PidfdSignalFlag.THREAD_GROUP: PIDTYPE_TGID,
    PidfdSignalFlag.PROCESS_GROUP: PIDTYPE_PGID,
}  # fmt: skip


def pidfd_send_signal(task: Task, fd: int, sig: int, siginfo: tuple[int, ...] | None, flags: int) -> Plain:
    """kernel/signal.c:sys_pidfd_send_signal"""
    if flags and flags not in SCOPE:
        raise Errno("EINVAL")
    if fd == PIDFD_SELF_THREAD:
        pid, scope = task.thread_pid, PIDTYPE_PID
    elif fd == PIDFD_SELF_THREAD_GROUP:
        pid, scope = task.group_leader.thread_pid, PIDTYPE_TGID
    else:
        file = fget(task, fd)
        pid = pidfd_to_pid(file)
        if not access_pidfd_pidns(task, pid):
            raise Errno("EINVAL")
        scope = PIDTYPE_PID if file.f_flags & PIDFD_THREAD else PIDTYPE_TGID
    do_pidfd_send_signal(task, pid, sig, SCOPE.get(flags, scope), siginfo)
    return None


def pidfd_to_pid(file: File) -> Pid:
    """Of a pidfd, or of an open directory /proc/PID; EBADF.  kernel/signal.c:pidfd_to_pid"""
    return file.pid if isinstance(file, PidfdFile) else tgid_pidfd_to_pid(file)


def access_pidfd_pidns(task: Task, pid: Pid) -> bool:
    """Whether pid is in task's PID namespace or below it.  kernel/signal.c:access_pidfd_pidns"""
    return pid_vnr(task, pid) != 0


def do_pidfd_send_signal(task: Task, pid: Pid, sig: int, scope: int, siginfo: tuple[int, ...] | None) -> None:
    """kernel/signal.c:do_pidfd_send_signal"""
    if siginfo is None:
        info = prepare_kill_siginfo(task, sig, scope)
    else:
        info = copy_siginfo_from_user(siginfo)
        if info.si_signo != sig:
            raise Errno("EINVAL")
        # What only the kernel says one may say only to oneself.
        if (task.thread_pid is not pid or scope == PIDTYPE_PGID) and (info.si_code >= 0 or info.si_code == SI_TKILL):
            raise Errno("EPERM")
    if scope == PIDTYPE_PGID:
        kill_pgrp_info(task, sig, info, pid)
    else:
        kill_pid_info(task, sig, info, pid, scope)
