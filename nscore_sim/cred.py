"""Credentials: who a task is and what it may.  Models include/linux/cred.h, kernel/cred.c.

A Cred in use is never changed: prepare_creds copies it, commit_creds puts the copy in its place.  Tasks and open files share it by
reference.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import CloneFlag
from nscore_sim.capability import CAP_EMPTY_SET, CAP_FULL_SET, SECUREBITS_DEFAULT, cap_issubset
from nscore_sim.nscommon import get_ns, put_ns
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, alloc_ucounts, dec_rlimit_ucounts, inc_rlimit_ucounts

if TYPE_CHECKING:
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CLONE_NEWUSER = int(CloneFlag.NEWUSER)

#: Mm.dumpable.  include/linux/sched/coredump.h
SUID_DUMP_DISABLE, SUID_DUMP_USER = 0, 1


class Cred:
    """include/linux/cred.h:cred.  Ids are those of the initial user namespace."""

    __slots__ = (
        "cap_ambient",
        "cap_bset",
        "cap_effective",
        "cap_inheritable",
        "cap_permitted",
        "egid",
        "euid",
        "fsgid",
        "fsuid",
        "gid",
        "groups",
        "securebits",
        "sgid",
        "suid",
        "ucounts",
        "uid",
        "usage",
        "user_ns",
    )

    def __init__(self, user_ns: UserNamespace, uid: int, gid: int) -> None:
        self.usage = 1
        self.uid = self.suid = self.euid = self.fsuid = uid
        self.gid = self.sgid = self.egid = self.fsgid = gid
        self.groups: tuple[int, ...] = ()  #: sorted
        self.securebits = SECUREBITS_DEFAULT
        #: One bit a Capability.
        self.cap_inheritable = self.cap_ambient = CAP_EMPTY_SET
        self.cap_permitted = self.cap_effective = self.cap_bset = CAP_FULL_SET
        self.user_ns = user_ns
        get_ns(user_ns.ns)
        self.ucounts = alloc_ucounts(user_ns, uid)  #: whom the task is counted for: uid in user_ns


def init_cred(user_ns: UserNamespace) -> Cred:
    """Root with everything.  kernel/cred.c:init_cred"""
    cred = Cred(user_ns, 0, 0)
    inc_rlimit_ucounts(cred.ucounts, UCOUNT_RLIMIT_NPROC, 1)
    return cred


def get_cred(cred: Cred) -> Cred:
    """include/linux/cred.h:get_cred"""
    cred.usage += 1
    return cred


def put_cred(cred: Cred) -> None:
    """include/linux/cred.h:put_cred, kernel/cred.c:put_cred_rcu"""
    cred.usage -= 1
    if not cred.usage:
        put_ns(cred.user_ns.ns)


def prepare_creds(task: Task) -> Cred:
    """A copy of the task's credentials to change and commit.  kernel/cred.c:prepare_creds"""
    new = copy.copy(task.cred)
    new.usage = 1
    get_ns(new.user_ns.ns)
    return new


def prepare_exec_creds(task: Task) -> Cred:
    """kernel/cred.c:prepare_exec_creds"""
    new = prepare_creds(task)
    new.suid = new.fsuid = new.euid
    new.sgid = new.fsgid = new.egid
    return new


def copy_creds(task: Task, clone_flags: int) -> Cred:
    """The credentials of a new task that task creates, counted for their user.  kernel/cred.c:copy_creds"""
    if clone_flags & CLONE_NEWUSER:
        from nscore_sim.user_namespace import create_user_ns  # which prepares credentials

        new = prepare_creds(task)
        try:
            create_user_ns(task, new)
        except Errno:
            put_cred(new)
            raise
        set_cred_ucounts(new)
    else:
        new = task.cred
        new.usage += 1
    inc_rlimit_ucounts(new.ucounts, UCOUNT_RLIMIT_NPROC, 1)
    return new


def cred_cap_issubset(set: Cred, subset: Cred) -> bool:
    """Whether set has whatever subset has.  kernel/cred.c:cred_cap_issubset"""
    if set.user_ns is subset.user_ns:
        return cap_issubset(subset.cap_permitted, set.cap_permitted)
    ns = subset.user_ns
    while ns.parent is not None:
        if ns.parent is set.user_ns and ns.owner == set.euid:
            return True
        ns = ns.parent
    return False


def commit_creds(task: Task, new: Cred) -> None:
    """Let the task have new.  kernel/cred.c:commit_creds"""
    old = task.cred
    changed = (old.euid, old.egid, old.fsuid, old.fsgid) != (new.euid, new.egid, new.fsuid, new.fsgid)
    if changed or not cred_cap_issubset(old, new):
        if task.mm is not None:
            task.mm.dumpable = SUID_DUMP_DISABLE
        task.pdeath_signal = 0
    moved = new.uid != old.uid or new.user_ns is not old.user_ns
    if moved:
        inc_rlimit_ucounts(new.ucounts, UCOUNT_RLIMIT_NPROC, 1)
    task.cred = new
    if moved:
        dec_rlimit_ucounts(old.ucounts, UCOUNT_RLIMIT_NPROC, 1)
    put_cred(old)


def set_cred_ucounts(new: Cred) -> None:
    """kernel/cred.c:set_cred_ucounts"""
    if new.ucounts.uid != new.uid or new.ucounts.ns is not new.user_ns:
        new.ucounts = alloc_ucounts(new.user_ns, new.uid)
