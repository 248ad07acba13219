"""PID namespaces: their tree, their life, who may join.  Models kernel/pid_namespace.c.

Their end, zap_pid_ns_processes(), is in zap.py; reboot_pid_ns() is in reboot.py; the sysctls are in proc/sysctl.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability, CloneFlag
from nscore_sim.capability import ns_capable
from nscore_sim.idr import Idr
from nscore_sim.nscommon import PID_NS_INIT_INO, NsCommon, ProcNsOperations, alloc_ns, free_ns, get_ns, put_ns
from nscore_sim.ucount import UcountType
from nscore_sim.user_namespace import in_userns

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsSet
    from nscore_sim.pid import Pid
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

#: include/linux/pid_namespace.h
MAX_PID_NS_LEVEL = 32
#: PidNamespace.pid_allocated: processes may be added.
PIDNS_ADDING = 1 << 31
#: Numbers stay below.  include/linux/threads.h, for 64 bits
PID_MAX_LIMIT = 4194304

CLONE_NEWPID = int(CloneFlag.NEWPID)
CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)


class PidNamespace:
    """include/linux/pid_namespace.h:struct pid_namespace"""

    __slots__ = ("child_reaper", "idr", "level", "ns", "parent", "path", "pid_allocated", "pid_max", "reboot", "user_ns")

    def __init__(self, ns: NsCommon, parent: PidNamespace | None, user_ns: UserNamespace, pid_max: int) -> None:
        self.ns = ns
        ns.container = self
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.path: tuple[PidNamespace, ...] = (self,) if parent is None else (*parent.path, self)  #: from the initial one to here
        self.user_ns = user_ns  #: its owner
        self.idr: Idr[Pid] = Idr()
        self.pid_max = pid_max
        self.pid_allocated = PIDNS_ADDING  #: how many Pids have a number here, and whether more may
        self.child_reaper: Task | None = None  #: who adopts orphans; None until the first process
        self.reboot = 0  #: the signal that init's wait status names, set by reboot(2)


def init_pid_ns(kernel: Kernel, user_ns: UserNamespace, pid_max: int) -> PidNamespace:
    """The initial namespace.  kernel/pid.c:init_pid_ns"""
    return PidNamespace(NsCommon(kernel, pidns_operations, user_ns, PID_NS_INIT_INO, None), None, user_ns, pid_max)


def create_pid_namespace(user_ns: UserNamespace, parent: PidNamespace, euid: int) -> PidNamespace:
    """A namespace below parent, owned by user_ns and charged to euid.  kernel/pid_namespace.c:create_pid_namespace"""
    if not in_userns(parent.user_ns, user_ns):
        raise Errno("EINVAL")
    if parent.level >= MAX_PID_NS_LEVEL:
        raise Errno("ENOSPC")
    kernel = parent.ns.kernel
    ns = alloc_ns(kernel, pidns_operations, user_ns, euid)
    get_ns(parent.ns)
    return PidNamespace(ns, parent, user_ns, PID_MAX_LIMIT if kernel.release.pid_max_per_namespace else parent.pid_max)


def copy_pid_ns(flags: int, user_ns: UserNamespace, task: Task) -> PidNamespace:
    """The namespace for the children of what task creates, with a reference.  kernel/pid_namespace.c:copy_pid_ns"""
    assert task.nsproxy is not None
    old = task.nsproxy.pid_ns_for_children
    if not flags & CLONE_NEWPID:
        get_ns(old.ns)
        return old
    if old is not task.thread_pid.ns:
        raise Errno("EINVAL")
    return create_pid_namespace(user_ns, old, task.cred.euid)


def pidns_is_ancestor(child: PidNamespace, ancestor: PidNamespace) -> bool:
    """Whether child is ancestor or below it.  kernel/pid_namespace.c:pidns_is_ancestor"""
    return child.level >= ancestor.level and child.path[ancestor.level] is ancestor


# What nsfs asks


def to_pid_ns(ns: NsCommon) -> PidNamespace:
    """kernel/pid_namespace.c:to_pid_ns"""
    assert isinstance(ns.container, PidNamespace)
    return ns.container


def destroy_pid_namespace(ns: NsCommon) -> None:
    """Cutting the cycles lets it be freed at once.  kernel/pid_namespace.c:destroy_pid_namespace"""
    pid_ns = to_pid_ns(ns)
    parent = pid_ns.parent
    free_ns(ns)
    ns.container = pid_ns.child_reaper = None
    pid_ns.path = ()
    assert parent is not None
    put_ns(parent.ns)


def pidns_get(task: Task) -> NsCommon | None:
    """kernel/pid_namespace.c:pidns_get"""
    return get_ns(task.thread_pid.ns.ns)


def pidns_for_children_get(task: Task) -> NsCommon | None:
    """kernel/pid_namespace.c:pidns_for_children_get"""
    if task.nsproxy is None:
        return None
    ns = task.nsproxy.pid_ns_for_children
    if ns.child_reaper is None and not task.kernel.release.pid_for_children_without_init:
        return None
    return get_ns(ns.ns)


def pidns_install(nsset: NsSet, ns: NsCommon) -> None:
    """Make ns the namespace of the caller's future children.  kernel/pid_namespace.c:pidns_install"""
    new = to_pid_ns(ns)
    task = nsset.task
    if not (ns_capable(task, new.user_ns, CAP_SYS_ADMIN) and ns_capable(task, nsset.cred.user_ns, CAP_SYS_ADMIN)):
        raise Errno("EPERM")
    # Down or stay, never up: a child must have a number in its parent's namespace.
    if not pidns_is_ancestor(new, task.thread_pid.ns):
        raise Errno("EINVAL")
    old = nsset.nsproxy.pid_ns_for_children
    get_ns(ns)
    nsset.nsproxy.pid_ns_for_children = new
    put_ns(old.ns)


def pidns_get_parent(task: Task, ns: NsCommon) -> NsCommon:
    """kernel/pid_namespace.c:pidns_get_parent"""
    parent = to_pid_ns(ns).parent
    if parent is None or not pidns_is_ancestor(parent, task.thread_pid.ns):
        raise Errno("EPERM")
    return get_ns(parent.ns)


pidns_operations = ProcNsOperations(
    name="pid",
    real_ns_name="pid",
    type=CLONE_NEWPID,
    charge=UcountType.PID_NAMESPACES,
    get=pidns_get,
    install=pidns_install,
    free=destroy_pid_namespace,
    get_parent=pidns_get_parent,
)
pidns_for_children_operations = ProcNsOperations(
    name="pid_for_children",
    real_ns_name="pid",
    type=CLONE_NEWPID,
    charge=UcountType.PID_NAMESPACES,
    get=pidns_for_children_get,
    install=pidns_install,
    free=destroy_pid_namespace,
    get_parent=pidns_get_parent,
)
