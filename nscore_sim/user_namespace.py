"""User namespaces: creation, entering, and what ids mean in them.  Models kernel/user_namespace.c.

An id of the model is a kuid or kgid, the number in the initial namespace.  The files uid_map, gid_map, projid_map and setgroups are in
uid_map.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability, CloneFlag
from nscore_sim.capability import CAP_EMPTY_SET, CAP_FULL_SET, SECUREBITS_DEFAULT, cap_raised, ns_capable
from nscore_sim.cred import prepare_creds, put_cred, set_cred_ucounts
from nscore_sim.nscommon import USER_NS_INIT_INO, NsCommon, ProcNsOperations, free_ns, get_ns, number_ns, put_ns
from nscore_sim.task import Task
from nscore_sim.ucount import (
    INT_MAX,
    LONG_MAX,
    UCOUNT_RLIMIT_NPROC,
    UCOUNT_RLIMIT_SIGPENDING,
    Ucounts,
    UcountType,
    dec_ucount,
    inc_ucount,
)

if TYPE_CHECKING:
    from nscore_sim.cred import Cred
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsSet

CLONE_NEWUSER = int(CloneFlag.NEWUSER)
CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)
CAP_SETFCAP = int(Capability.SETFCAP)

#: UserNamespace.flags
USERNS_SETGROUPS_ALLOWED = 1

#: -1, as what is not mapped; and what is shown for it.
INVALID_ID = 0xFFFFFFFF
OVERFLOW_ID = 65534

#: SignalStruct.rlim's indexes.  asm-generic/resource.h
RLIMIT_NPROC = 6
RLIMIT_SIGPENDING = 11

#: (first inside, first outside as kernel id, count) in the order in which they were written.
UidGidMap = tuple[tuple[int, int, int], ...]

#: Everything as it is: the map of the initial namespace.
IDENTITY: UidGidMap = ((0, 0, 0xFFFFFFFF),)


class UserNamespace:
    """include/linux/user_namespace.h:user_namespace"""

    __slots__ = (
        "flags",
        "gid_map",
        "group",
        "level",
        "ns",
        "owner",
        "parent",
        "parent_could_setfcap",
        "projid_map",
        "rlimit_max",
        "ucount_max",
        "ucounts_of",
        "uid_map",
    )

    def __init__(self, ns: NsCommon, parent: UserNamespace | None, owner: int, group: int) -> None:
        self.ns = ns
        ns.container = self
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.owner = owner
        self.group = group
        self.flags: int = USERNS_SETGROUPS_ALLOWED if parent is None else parent.flags
        self.parent_could_setfcap = False
        self.uid_map: UidGidMap = ()
        self.gid_map: UidGidMap = ()
        self.projid_map: UidGidMap = ()
        self.ucount_max = [INT_MAX] * len(UcountType)
        self.rlimit_max = [LONG_MAX, LONG_MAX]  #: of the namespace's users together, by UCOUNT_RLIMIT_*
        self.ucounts_of: dict[int, Ucounts] = {}


def init_user_ns(kernel: Kernel) -> UserNamespace:
    """The initial user namespace.  kernel/user.c:init_user_ns, kernel/fork.c:fork_init"""
    ns = UserNamespace(NsCommon(kernel, userns_operations, None, USER_NS_INIT_INO, None), None, 0, 0)
    ns.uid_map = ns.gid_map = ns.projid_map = IDENTITY
    ns.ucount_max = [kernel.max_threads // 2] * len(UcountType)
    return ns


def get_user_ns(ns: UserNamespace) -> UserNamespace:
    """include/linux/user_namespace.h:get_user_ns"""
    ns.ns.count += 1
    return ns


def put_user_ns(ns: UserNamespace) -> None:
    """include/linux/user_namespace.h:put_user_ns"""
    put_ns(ns.ns)


def set_cred_user_ns(cred: Cred, user_ns: UserNamespace) -> None:
    """Start with all capabilities in user_ns, whose reference cred takes over.  kernel/user_namespace.c:set_cred_user_ns"""
    cred.securebits = SECUREBITS_DEFAULT
    cred.cap_inheritable = CAP_EMPTY_SET
    cred.cap_permitted = CAP_FULL_SET
    cred.cap_effective = CAP_FULL_SET
    cred.cap_ambient = CAP_EMPTY_SET
    cred.cap_bset = CAP_FULL_SET
    cred.user_ns = user_ns


def enforced_nproc_rlimit(task: Task) -> int:
    """How many processes the creator may have, and so the namespace.  kernel/user_namespace.c:enforced_nproc_rlimit"""
    cred = task.cred
    if cred.uid == 0 and cred.user_ns is task.kernel.init_user_ns:
        return LONG_MAX
    return min(task.signal.rlim[RLIMIT_NPROC][0], LONG_MAX)


def create_user_ns(task: Task, new: Cred) -> None:
    """Put new, credentials that task prepares, into a namespace of its own; ENOSPC, EPERM.

    kernel/user_namespace.c:create_user_ns
    """
    parent, owner, group = new.user_ns, new.euid, new.egid
    if parent.level > 32:
        raise Errno("ENOSPC")
    ucounts = inc_ucount(parent, owner, UcountType.USER_NAMESPACES)
    try:
        check_creator(task, parent, owner, group)
    except Errno:
        dec_ucount(ucounts, UcountType.USER_NAMESPACES)
        raise
    ns = UserNamespace(number_ns(task.kernel, userns_operations, parent, ucounts), parent, owner, group)
    ns.parent_could_setfcap = cap_raised(new.cap_effective, CAP_SETFCAP)
    ns.rlimit_max[UCOUNT_RLIMIT_NPROC] = enforced_nproc_rlimit(task)
    ns.rlimit_max[UCOUNT_RLIMIT_SIGPENDING] = min(task.signal.rlim[RLIMIT_SIGPENDING][0], LONG_MAX)
    put_user_ns(parent)  # new held it; the namespace has its own reference
    set_cred_user_ns(new, ns)


def check_creator(task: Task, parent: UserNamespace, owner: int, group: int) -> None:
    """Whoever gets all capabilities must not have anything hidden, and be known in parent.  kernel/user_namespace.c:create_user_ns"""
    from nscore_sim.mount import current_chrooted  # whose inodes know user namespaces

    if current_chrooted(task):
        raise Errno("EPERM")
    if from_kuid(parent, owner) == INVALID_ID or from_kgid(parent, group) == INVALID_ID:
        raise Errno("EPERM")


def unshare_userns(unshare_flags: int, task: Task) -> Cred | None:
    """The credentials of unshare(CLONE_NEWUSER), to be committed; None without it.  kernel/user_namespace.c:unshare_userns"""
    if not unshare_flags & CLONE_NEWUSER:
        return None
    new = prepare_creds(task)
    try:
        create_user_ns(task, new)
    except Errno:
        put_cred(new)
        raise
    return new


def free_user_ns(ns: NsCommon) -> None:
    """kernel/user_namespace.c:free_user_ns"""
    to_user_ns(ns).ucounts_of.clear()
    free_ns(ns)


# Ids


def map_id_range_down(id_map: UidGidMap, id: int, count: int) -> int:
    """The kernel's number for the first of count ids that are one extent's.  kernel/user_namespace.c:map_id_range_down"""
    if id_map is IDENTITY:
        return id
    for first, lower_first, length in id_map:
        if first <= id and id + count <= first + length:
            return id - first + lower_first
    return INVALID_ID


def map_id_up(id_map: UidGidMap, id: int) -> int:
    """The number inside for a kernel's.  kernel/user_namespace.c:map_id_up"""
    if id_map is IDENTITY:
        return id
    for first, lower_first, length in id_map:
        if lower_first <= id < lower_first + length:
            return id - lower_first + first
    return INVALID_ID


def make_kuid(ns: UserNamespace, uid: int) -> int:
    """What the namespace means by uid, INVALID_ID where it is not mapped.  kernel/user_namespace.c:make_kuid"""
    return map_id_range_down(ns.uid_map, uid, 1)


def make_kgid(ns: UserNamespace, gid: int) -> int:
    """kernel/user_namespace.c:make_kgid"""
    return map_id_range_down(ns.gid_map, gid, 1)


def from_kuid(ns: UserNamespace, kuid: int) -> int:
    """How the namespace calls kuid, INVALID_ID where it is not mapped.  kernel/user_namespace.c:from_kuid"""
    return map_id_up(ns.uid_map, kuid)


def from_kgid(ns: UserNamespace, kgid: int) -> int:
    """kernel/user_namespace.c:from_kgid"""
    return map_id_up(ns.gid_map, kgid)


def from_kuid_munged(ns: UserNamespace, kuid: int) -> int:
    """The same, 65534 where it is not mapped.  kernel/user_namespace.c:from_kuid_munged"""
    uid = map_id_up(ns.uid_map, kuid)
    return OVERFLOW_ID if uid == INVALID_ID else uid


def from_kgid_munged(ns: UserNamespace, kgid: int) -> int:
    """kernel/user_namespace.c:from_kgid_munged"""
    gid = map_id_up(ns.gid_map, kgid)
    return OVERFLOW_ID if gid == INVALID_ID else gid


def userns_may_setgroups(ns: UserNamespace) -> bool:
    """kernel/user_namespace.c:userns_may_setgroups"""
    return bool(ns.gid_map) and bool(ns.flags & USERNS_SETGROUPS_ALLOWED)


def in_userns(ancestor: UserNamespace, child: UserNamespace) -> bool:
    """Whether child is ancestor or below it.  kernel/user_namespace.c:in_userns"""
    ns: UserNamespace | None = child
    while ns is not None and ns.level > ancestor.level:
        ns = ns.parent
    return ns is ancestor


# The namespace as a file


def to_user_ns(ns: NsCommon) -> UserNamespace:
    """kernel/user_namespace.c:to_user_ns"""
    assert isinstance(ns.container, UserNamespace)
    return ns.container


def userns_get(task: Task) -> NsCommon:
    """kernel/user_namespace.c:userns_get"""
    return get_ns(task.cred.user_ns.ns)


def userns_install(nsset: NsSet, ns: NsCommon) -> None:
    """kernel/user_namespace.c:userns_install"""
    task, user_ns = nsset.task, to_user_ns(ns)
    assert task.fs is not None
    # Nobody gains capabilities by entering where he is.
    if user_ns is task.cred.user_ns or task.signal.nr_threads > 1 or task.fs.users != 1:
        raise Errno("EINVAL")
    if not ns_capable(task, user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    cred = nsset.cred
    put_user_ns(cred.user_ns)
    set_cred_user_ns(cred, get_user_ns(user_ns))
    set_cred_ucounts(cred)


def ns_get_owner(task: Task, ns: NsCommon) -> NsCommon:
    """The user namespace above, if it is task's own or below that; EPERM.  kernel/user_namespace.c:ns_get_owner"""
    owner = ns.user_ns
    if owner is None or not in_userns(task.cred.user_ns, owner):
        raise Errno("EPERM")
    return get_ns(owner.ns)


userns_operations = ProcNsOperations(
    name="user",
    real_ns_name="user",
    type=CLONE_NEWUSER,
    charge=UcountType.USER_NAMESPACES,
    get=userns_get,
    install=userns_install,
    free=free_user_ns,
    get_parent=ns_get_owner,
)
