"""The ids of a task: getuid(2) to setgroups(2).  Models that part of kernel/sys.c, and kernel/groups.c.

The rules of the set*uid and set*gid calls are the same; what they make of the four ids is decided first, then done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import ns_capable
from nscore_sim.commoncap import cap_task_fix_setuid
from nscore_sim.cred import commit_creds, prepare_creds, set_cred_ucounts
from nscore_sim.task import PF_NPROC_EXCEEDED
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, is_rlimit_overlimit
from nscore_sim.user_namespace import (
    INVALID_ID,
    RLIMIT_NPROC,
    from_kgid_munged,
    from_kuid_munged,
    make_kgid,
    make_kuid,
    userns_may_setgroups,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nscore.interface.backend import Plain
    from nscore_sim.cred import Cred
    from nscore_sim.task import Task

CAP_SETGID, CAP_SETUID = int(Capability.SETGID), int(Capability.SETUID)

#: include/uapi/linux/limits.h
NGROUPS_MAX = 65536


class Ids(NamedTuple):
    """The ids of one kind, as kernel ids."""

    real: int
    effective: int
    saved: int
    fs: int


# Reading


def getuid(task: Task) -> Plain:
    """getuid(2).  kernel/sys.c:sys_getuid"""
    return from_kuid_munged(task.cred.user_ns, task.cred.uid)


def geteuid(task: Task) -> Plain:
    """geteuid(2).  kernel/sys.c:sys_geteuid"""
    return from_kuid_munged(task.cred.user_ns, task.cred.euid)


def getgid(task: Task) -> Plain:
    """getgid(2).  kernel/sys.c:sys_getgid"""
    return from_kgid_munged(task.cred.user_ns, task.cred.gid)


def getegid(task: Task) -> Plain:
    """getegid(2).  kernel/sys.c:sys_getegid"""
    return from_kgid_munged(task.cred.user_ns, task.cred.egid)


def getgroups(task: Task) -> Plain:
    """getgroups(2), in the order of the kernel's ids.  kernel/groups.c:sys_getgroups"""
    return tuple([from_kgid_munged(task.cred.user_ns, kgid) for kgid in task.cred.groups])


# What becomes of the ids


def set_id(old: Ids, id: int, capable: Callable[[], bool]) -> Ids:
    """kernel/sys.c:__sys_setuid, __sys_setgid"""
    if capable():
        return Ids(id, id, id, id)
    if id not in (old.real, old.saved):
        raise Errno("EPERM")
    return Ids(old.real, id, old.saved, id)


def set_reid(old: Ids, real: int | None, effective: int | None, capable: Callable[[], bool]) -> Ids:
    """kernel/sys.c:__sys_setreuid, __sys_setregid"""
    if real is not None and real not in (old.real, old.effective) and not capable():
        raise Errno("EPERM")
    if effective is not None and effective not in (old.real, old.effective, old.saved) and not capable():
        raise Errno("EPERM")
    new_effective = old.effective if effective is None else effective
    saves = real is not None or (effective is not None and effective != old.real)
    return Ids(old.real if real is None else real, new_effective, new_effective if saves else old.saved, new_effective)


def set_resid(old: Ids, wanted: tuple[int | None, int | None, int | None], capable: Callable[[], bool]) -> Ids | None:
    """None where nothing changes at all.  kernel/sys.c:__sys_setresuid, __sys_setresgid"""
    real, effective, saved = (before if id is None else id for id, before in zip(wanted, old))
    if (real, effective, saved) == old[:3] and (wanted[1] is None or effective == old.fs):
        return None
    if any(id not in old[:3] for id in (real, effective, saved)) and not capable():
        raise Errno("EPERM")
    return Ids(real, effective, saved, effective)


# User ids


def uids(cred: Cred) -> Ids:
    """The ids of the user."""
    return Ids(cred.uid, cred.euid, cred.suid, cred.fsuid)


def kuid(task: Task, uid: int) -> int:
    """What task means by uid; EINVAL where it is not mapped."""
    found = make_kuid(task.cred.user_ns, uid & INVALID_ID)
    if found == INVALID_ID:
        raise Errno("EINVAL")
    return found


def kuid_or_none(task: Task, uid: int) -> int | None:
    """The same, None for -1: as it is."""
    return None if uid & INVALID_ID == INVALID_ID else kuid(task, uid)


def commit_uids(task: Task, ids: Ids) -> None:
    """Let the task have them, with all that follows.  kernel/sys.c:__sys_setresuid"""
    new = prepare_creds(task)
    new.uid, new.euid, new.suid, new.fsuid = ids
    cap_task_fix_setuid(new, task.cred)
    set_cred_ucounts(new)
    flag_nproc_exceeded(task, new)
    commit_creds(task, new)


def flag_nproc_exceeded(task: Task, new: Cred) -> None:
    """A user with too many processes gets one more this way, but execve will fail.  kernel/sys.c:flag_nproc_exceeded"""
    if new.ucounts is task.cred.ucounts:
        return
    if new.uid and is_rlimit_overlimit(new.ucounts, UCOUNT_RLIMIT_NPROC, task.signal.rlim[RLIMIT_NPROC][0]):
        task.flags |= PF_NPROC_EXCEEDED
    else:
        task.flags &= ~PF_NPROC_EXCEEDED


def may_setuid(task: Task) -> Callable[[], bool]:
    """Whether it may have any id; asked only where that matters, since asking leaves a trace."""
    return lambda: ns_capable(task, task.cred.user_ns, CAP_SETUID)


def setuid(task: Task, uid: int) -> Plain:
    """setuid(2).  kernel/sys.c:__sys_setuid"""
    commit_uids(task, set_id(uids(task.cred), kuid(task, uid), may_setuid(task)))
    return None


def setreuid(task: Task, ruid: int, euid: int) -> Plain:
    """setreuid(2).  kernel/sys.c:__sys_setreuid"""
    commit_uids(task, set_reid(uids(task.cred), kuid_or_none(task, ruid), kuid_or_none(task, euid), may_setuid(task)))
    return None


def setresuid(task: Task, ruid: int, euid: int, suid: int) -> Plain:
    """setresuid(2).  kernel/sys.c:__sys_setresuid"""
    wanted = (kuid_or_none(task, ruid), kuid_or_none(task, euid), kuid_or_none(task, suid))
    ids = set_resid(uids(task.cred), wanted, may_setuid(task))
    if ids is not None:
        commit_uids(task, ids)
    return None


# Group ids


def gids(cred: Cred) -> Ids:
    """The ids of the group."""
    return Ids(cred.gid, cred.egid, cred.sgid, cred.fsgid)


def kgid(task: Task, gid: int) -> int:
    """What task means by gid; EINVAL where it is not mapped."""
    found = make_kgid(task.cred.user_ns, gid & INVALID_ID)
    if found == INVALID_ID:
        raise Errno("EINVAL")
    return found


def kgid_or_none(task: Task, gid: int) -> int | None:
    """The same, None for -1: as it is."""
    return None if gid & INVALID_ID == INVALID_ID else kgid(task, gid)


def commit_gids(task: Task, ids: Ids) -> None:
    """Let the task have them.  kernel/sys.c:__sys_setresgid"""
    new = prepare_creds(task)
    new.gid, new.egid, new.sgid, new.fsgid = ids
    commit_creds(task, new)


def may_setgid(task: Task) -> Callable[[], bool]:
    """As may_setuid."""
    return lambda: ns_capable(task, task.cred.user_ns, CAP_SETGID)


def setgid(task: Task, gid: int) -> Plain:
    """setgid(2).  kernel/sys.c:__sys_setgid"""
    commit_gids(task, set_id(gids(task.cred), kgid(task, gid), may_setgid(task)))
    return None


def setregid(task: Task, rgid: int, egid: int) -> Plain:
    """setregid(2).  kernel/sys.c:__sys_setregid"""
    commit_gids(task, set_reid(gids(task.cred), kgid_or_none(task, rgid), kgid_or_none(task, egid), may_setgid(task)))
    return None


def setresgid(task: Task, rgid: int, egid: int, sgid: int) -> Plain:
    """setresgid(2).  kernel/sys.c:__sys_setresgid"""
    wanted = (kgid_or_none(task, rgid), kgid_or_none(task, egid), kgid_or_none(task, sgid))
    ids = set_resid(gids(task.cred), wanted, may_setgid(task))
    if ids is not None:
        commit_gids(task, ids)
    return None


# Supplementary groups


def may_setgroups(task: Task) -> bool:
    """kernel/groups.c:may_setgroups"""
    user_ns = task.cred.user_ns
    return ns_capable(task, user_ns, CAP_SETGID) and userns_may_setgroups(user_ns)


def setgroups(task: Task, groups: tuple[int, ...]) -> Plain:
    """setgroups(2).  kernel/groups.c:sys_setgroups"""
    if not may_setgroups(task):
        raise Errno("EPERM")
    if len(groups) > NGROUPS_MAX:
        raise Errno("EINVAL")
    kgids = tuple(sorted([kgid(task, gid) for gid in groups]))
    new = prepare_creds(task)
    new.groups = kgids
    commit_creds(task, new)
    return None
