"""What all kinds of namespace have in common.  Models include/linux/ns_common.h, include/linux/proc_ns.h, kernel/nscommon.c.

The parts that C repeats in each kind (the owner, the charge) are here; the kind itself is behind ops and container.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import ns_capable
from nscore_sim.ucount import Ucounts, UcountType, dec_ucount, inc_ucount

if TYPE_CHECKING:
    from nscore_sim.dcache import Dentry
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsSet
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)

#: Inode numbers of the initial namespaces.  include/uapi/linux/nsfs.h
MNT_NS_INIT_INO = 0xEFFFFFF8
NET_NS_INIT_INO = 0xEFFFFFF9
TIME_NS_INIT_INO = 0xEFFFFFFA
CGROUP_NS_INIT_INO = 0xEFFFFFFB
PID_NS_INIT_INO = 0xEFFFFFFC
USER_NS_INIT_INO = 0xEFFFFFFD
UTS_NS_INIT_INO = 0xEFFFFFFE
IPC_NS_INIT_INO = 0xEFFFFFFF
#: What all others are numbered from.  fs/proc/generic.c
PROC_DYNAMIC_FIRST = 0xF0000000


@dataclass(frozen=True, slots=True, eq=False)
class ProcNsOperations:
    """What a kind of namespace does.  include/linux/proc_ns.h:proc_ns_operations"""

    name: str  #: of the link in /proc/PID/ns
    real_ns_name: str  #: in the link's text
    type: int  #: its CLONE_NEW* flag
    charge: UcountType
    #: The namespace of that kind of a task, with a reference; None where the link is missing.
    get: Callable[[Task], NsCommon | None]
    #: EPERM, EINVAL, …: whether the set may have it; then it is in the set.
    install: Callable[[NsSet, NsCommon], None]
    #: What there is to do when the last reference is gone; free_ns at its end.
    free: Callable[[NsCommon], None]
    #: The parent of one that has a hierarchy, with a reference; EPERM.
    get_parent: Callable[[Task, NsCommon], NsCommon] | None = None


class NsCommon:
    """include/linux/ns_common.h:ns_common"""

    __slots__ = ("container", "count", "inum", "kernel", "ns_id", "ops", "stashed", "ucounts", "user_ns")

    def __init__(self, kernel: Kernel, ops: ProcNsOperations, user_ns: UserNamespace | None, inum: int, ucounts: Ucounts | None) -> None:
        self.kernel = kernel
        self.ops = ops
        self.user_ns = user_ns  #: its owner; of a user namespace: its parent, None at the top
        self.inum = inum
        kernel.ns_id += 1
        self.ns_id = kernel.ns_id
        self.ucounts = ucounts  #: whom it is charged to
        self.count = 1
        self.stashed: Dentry | None = None  #: in nsfs
        self.container: object = None  #: the namespace whose part this is


def alloc_ns(kernel: Kernel, ops: ProcNsOperations, user_ns: UserNamespace, euid: int) -> NsCommon:
    """A new namespace of the kind, owned by user_ns and charged to euid there; ENOSPC.

    kernel/ucount.c:inc_ucount, include/linux/proc_ns.h:ns_alloc_inum
    """
    return number_ns(kernel, ops, user_ns, inc_ucount(user_ns, euid, ops.charge))


def number_ns(kernel: Kernel, ops: ProcNsOperations, user_ns: UserNamespace, ucounts: Ucounts) -> NsCommon:
    """The same, charged already.  include/linux/proc_ns.h:ns_alloc_inum"""
    get_ns(user_ns.ns)
    return NsCommon(kernel, ops, user_ns, kernel.inums.alloc(), ucounts)


def copy_ns(flags: int, task: Task, old: NsCommon, user_ns: UserNamespace) -> NsCommon | None:
    """A new namespace where flags ask for one; None where task's, old, goes on being used, with a reference more.

    net/core/net_namespace.c:copy_net_ns and its kind
    """
    if flags & old.ops.type:
        return alloc_ns(task.kernel, old.ops, user_ns, task.cred.euid)
    get_ns(old)
    return None


def check_install(nsset: NsSet, ns: NsCommon) -> None:
    """Who joins needs CAP_SYS_ADMIN over the namespace, and where he is or will be; EPERM.  net/core/net_namespace.c:netns_install"""
    assert ns.user_ns is not None
    if not (ns_capable(nsset.task, ns.user_ns, CAP_SYS_ADMIN) and ns_capable(nsset.task, nsset.cred.user_ns, CAP_SYS_ADMIN)):
        raise Errno("EPERM")


def free_ns(ns: NsCommon) -> None:
    """Give back the charge and the owner.  include/linux/proc_ns.h:ns_free_inum

    The number is not given to another: Linux does so, but after a while that depends on RCU and a work queue.  Nobody can come to the
    namespace any more; cutting the cycles lets it be freed at once.
    """
    assert ns.user_ns is not None
    assert ns.ucounts is not None
    dec_ucount(ns.ucounts, ns.ops.charge)
    put_ns(ns.user_ns.ns)
    ns.container = ns.stashed = None


def get_ns(ns: NsCommon) -> NsCommon:
    """One reference more."""
    ns.count += 1
    return ns


def put_ns(ns: NsCommon) -> None:
    """One reference less; the last one ends the namespace."""
    ns.count -= 1
    if not ns.count:
        ns.ops.free(ns)
