"""Whether a task may.  Models kernel/capability.c and cap_capable() of security/commoncap.c; how capabilities change is in commoncap.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import Capability
from nscore_sim.task import PF_SUPERPRIV

if TYPE_CHECKING:
    from nscore_sim.cred import Cred
    from nscore_sim.file import File
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CAP_LAST_CAP = max(Capability)
CAP_FULL_SET = (1 << CAP_LAST_CAP + 1) - 1
CAP_EMPTY_SET = 0

#: Cred.securebits.  include/uapi/linux/securebits.h
SECUREBITS_DEFAULT = 0


def cap_raised(caps: int, cap: int) -> bool:
    """include/linux/capability.h:cap_raised"""
    return bool(caps >> cap & 1)


def cap_issubset(subset: int, caps: int) -> bool:
    """include/linux/capability.h:cap_issubset"""
    return not subset & ~caps


def cap_capable(cred: Cred, targ_ns: UserNamespace, cap: int) -> bool:
    """Whether cred has cap over what targ_ns owns.  security/commoncap.c:cap_capable"""
    ns = targ_ns
    while True:
        if ns is cred.user_ns:
            return bool(cred.cap_effective >> cap & 1)
        # Only who is further up can have anything here.
        if ns.level <= cred.user_ns.level:
            return False
        parent = ns.parent
        assert parent is not None
        # The owner has all capabilities, from the parent.
        if parent is cred.user_ns and ns.owner == cred.euid:
            return True
        ns = parent


def ns_capable(task: Task, ns: UserNamespace, cap: int) -> bool:
    """Whether the current task has cap over what ns owns.  kernel/capability.c:ns_capable"""
    if cap_capable(task.cred, ns, cap):
        task.flags |= PF_SUPERPRIV
        return True
    return False


def capable(task: Task, cap: int) -> bool:
    """kernel/capability.c:capable"""
    return ns_capable(task, task.kernel.init_user_ns, cap)


def perfmon_capable(task: Task) -> bool:
    """include/linux/capability.h:perfmon_capable"""
    return capable(task, Capability.PERFMON) or capable(task, Capability.SYS_ADMIN)


def file_ns_capable(file: File, ns: UserNamespace, cap: int) -> bool:
    """Whether whoever opened the file had cap.  kernel/capability.c:file_ns_capable"""
    return cap_capable(file.f_cred, ns, cap)
