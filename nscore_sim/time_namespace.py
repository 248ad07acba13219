"""Time namespaces, without their offsets.  Models kernel/time/namespace.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import CloneFlag
from nscore_sim.nscommon import TIME_NS_INIT_INO, NsCommon, ProcNsOperations, check_install, copy_ns, free_ns, get_ns, put_ns
from nscore_sim.ucount import UcountType

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsProxy, NsSet
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CLONE_NEWTIME = int(CloneFlag.NEWTIME)


class TimeNamespace:
    """include/linux/time_namespace.h:time_namespace"""

    __slots__ = ("ns",)

    def __init__(self, ns: NsCommon) -> None:
        self.ns = ns
        ns.container = self


def init_time_ns(kernel: Kernel, user_ns: UserNamespace) -> TimeNamespace:
    """kernel/time/namespace.c:init_time_ns"""
    return TimeNamespace(NsCommon(kernel, timens_operations, user_ns, TIME_NS_INIT_INO, None))


def copy_time_ns(flags: int, user_ns: UserNamespace, task: Task) -> TimeNamespace:
    """What the children of a new task have, or what CLONE_NEWTIME makes.  kernel/time/namespace.c:copy_time_ns"""
    assert task.nsproxy is not None
    old = task.nsproxy.time_ns_for_children
    ns = copy_ns(flags, task, old.ns, user_ns)
    return old if ns is None else TimeNamespace(ns)


def timens_on_fork(nsproxy: NsProxy) -> None:
    """A new process is where its parent's children are to be.  kernel/time/namespace.c:timens_on_fork"""
    if nsproxy.time_ns is not nsproxy.time_ns_for_children:
        put_ns(nsproxy.time_ns.ns)
        get_ns(nsproxy.time_ns_for_children.ns)
        nsproxy.time_ns = nsproxy.time_ns_for_children


def to_time_ns(ns: NsCommon) -> TimeNamespace:
    """kernel/time/namespace.c:to_time_ns"""
    assert isinstance(ns.container, TimeNamespace)
    return ns.container


def timens_get(task: Task) -> NsCommon | None:
    """kernel/time/namespace.c:timens_get"""
    return None if task.nsproxy is None else get_ns(task.nsproxy.time_ns.ns)


def timens_for_children_get(task: Task) -> NsCommon | None:
    """kernel/time/namespace.c:timens_for_children_get"""
    return None if task.nsproxy is None else get_ns(task.nsproxy.time_ns_for_children.ns)


def current_is_single_threaded(task: Task) -> bool:
    """Whether nobody else runs in task's address space.  lib/is_single_threaded.c"""
    return task.signal.live == 1 and task.mm is not None and task.mm.users == 1


def timens_install(nsset: NsSet, new: NsCommon) -> None:
    """kernel/time/namespace.c:timens_install"""
    if not current_is_single_threaded(nsset.task):
        raise Errno("EUSERS")
    check_install(nsset, new)
    nsproxy, time_ns = nsset.nsproxy, to_time_ns(new)
    new.count += 2
    put_ns(nsproxy.time_ns.ns)
    put_ns(nsproxy.time_ns_for_children.ns)
    nsproxy.time_ns = nsproxy.time_ns_for_children = time_ns


timens_operations = ProcNsOperations(
    name="time",
    real_ns_name="time",
    type=CLONE_NEWTIME,
    charge=UcountType.TIME_NAMESPACES,
    get=timens_get,
    install=timens_install,
    free=free_ns,
)
timens_for_children_operations = ProcNsOperations(
    name="time_for_children",
    real_ns_name="time",
    type=CLONE_NEWTIME,
    charge=UcountType.TIME_NAMESPACES,
    get=timens_for_children_get,
    install=timens_install,
    free=free_ns,
)
