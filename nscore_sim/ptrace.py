"""Who may look into a process.  Models the access check of kernel/ptrace.c; nothing here traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import Capability
from nscore_sim.capability import cap_issubset, ns_capable
from nscore_sim.cred import SUID_DUMP_USER

if TYPE_CHECKING:
    from nscore_sim.task import Task

CAP_SYS_PTRACE = int(Capability.SYS_PTRACE)

#: The kinds of access: which one does not matter without a security module, but whose ids are compared does.  include/linux/ptrace.h
PTRACE_MODE_READ, PTRACE_MODE_ATTACH = 0x01, 0x02
PTRACE_MODE_FSCREDS, PTRACE_MODE_REALCREDS = 0x08, 0x10
PTRACE_MODE_READ_FSCREDS = PTRACE_MODE_READ | PTRACE_MODE_FSCREDS
PTRACE_MODE_READ_REALCREDS = PTRACE_MODE_READ | PTRACE_MODE_REALCREDS
PTRACE_MODE_ATTACH_REALCREDS = PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS


def ptrace_may_access(task: Task, target: Task, mode: int) -> bool:
    """Whether task may look into target.  kernel/ptrace.c:ptrace_may_access, __ptrace_may_access"""
    if target.signal is task.signal:
        return True
    cred, tcred = task.cred, target.cred
    uid, gid = (cred.fsuid, cred.fsgid) if mode & PTRACE_MODE_FSCREDS else (cred.uid, cred.gid)
    same = uid == tcred.euid == tcred.suid == tcred.uid and gid == tcred.egid == tcred.sgid == tcred.gid
    if not same and not ns_capable(task, tcred.user_ns, CAP_SYS_PTRACE):
        return False
    return task_still_dumpable(task, target) and cap_ptrace_access_check(task, target, mode)


def task_still_dumpable(task: Task, target: Task) -> bool:
    """What prctl(PR_SET_DUMPABLE) and changes of ids leave allowed, after the end of the address space too.

    kernel/ptrace.c:task_still_dumpable
    """
    mm = target.mm
    if mm is not None:
        return mm.dumpable == SUID_DUMP_USER or ns_capable(task, mm.user_ns, CAP_SYS_PTRACE)
    if target.user_dumpable or not task.kernel.release.dumpable_outlives_mm:
        return True
    return ns_capable(task, task.kernel.init_user_ns, CAP_SYS_PTRACE)


def cap_ptrace_access_check(task: Task, target: Task, mode: int) -> bool:
    """Whoever looks has all that target may do.  security/commoncap.c:cap_ptrace_access_check"""
    cred, tcred = task.cred, target.cred
    caps = cred.cap_effective if mode & PTRACE_MODE_FSCREDS else cred.cap_permitted
    if cred.user_ns is tcred.user_ns and cap_issubset(tcred.cap_permitted, caps):
        return True
    return ns_capable(task, tcred.user_ns, CAP_SYS_PTRACE)
