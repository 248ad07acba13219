"""UTS namespaces: the names of uname(2).  Models kernel/utsname.c, init/version.c."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from nscore.flags import CloneFlag
from nscore_sim.nscommon import UTS_NS_INIT_INO, NsCommon, ProcNsOperations, check_install, copy_ns, free_ns, get_ns, put_ns
from nscore_sim.ucount import UcountType

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsSet
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CLONE_NEWUTS = int(CloneFlag.NEWUTS)

#: Of any of the names, without the NUL.  include/uapi/linux/utsname.h
NEW_UTS_LEN = 64


class NewUtsname:
    """The names, as the bytes before the first NUL.  include/uapi/linux/utsname.h:new_utsname"""

    __slots__ = ("domainname", "machine", "nodename", "release", "sysname", "version")

    def __init__(self, sysname: bytes, nodename: bytes, release: bytes, version: bytes, machine: bytes, domainname: bytes) -> None:
        self.sysname = sysname
        self.nodename = nodename
        self.release = release
        self.version = version
        self.machine = machine
        self.domainname = domainname


class UtsNamespace:
    """include/linux/utsname.h:uts_namespace"""

    __slots__ = ("name", "ns")

    def __init__(self, ns: NsCommon, name: NewUtsname) -> None:
        self.ns = ns
        ns.container = self
        self.name = name


def init_uts_ns(kernel: Kernel, user_ns: UserNamespace) -> UtsNamespace:
    """init/version.c:init_uts_ns"""
    name = NewUtsname(b"Linux", b"(none)", kernel.release.uts_release.encode(), b"#1 SMP PREEMPT_DYNAMIC", b"x86_64", b"(none)")
    return UtsNamespace(NsCommon(kernel, utsns_operations, user_ns, UTS_NS_INIT_INO, None), name)


def copy_utsname(flags: int, user_ns: UserNamespace, task: Task) -> UtsNamespace:
    """What a new task has, or what CLONE_NEWUTS makes: a copy of the names.  kernel/utsname.c:copy_utsname, clone_uts_ns"""
    assert task.nsproxy is not None
    old = task.nsproxy.uts_ns
    ns = copy_ns(flags, task, old.ns, user_ns)
    return old if ns is None else UtsNamespace(ns, copy.copy(old.name))


def to_uts_ns(ns: NsCommon) -> UtsNamespace:
    """kernel/utsname.c:to_uts_ns"""
    assert isinstance(ns.container, UtsNamespace)
    return ns.container


def utsns_get(task: Task) -> NsCommon | None:
    """kernel/utsname.c:utsns_get"""
    return None if task.nsproxy is None else get_ns(task.nsproxy.uts_ns.ns)


def utsns_install(nsset: NsSet, new: NsCommon) -> None:
    """kernel/utsname.c:utsns_install"""
    check_install(nsset, new)
    get_ns(new)
    put_ns(nsset.nsproxy.uts_ns.ns)
    nsset.nsproxy.uts_ns = to_uts_ns(new)


utsns_operations = ProcNsOperations(
    name="uts",
    real_ns_name="uts",
    type=CLONE_NEWUTS,
    charge=UcountType.UTS_NAMESPACES,
    get=utsns_get,
    install=utsns_install,
    free=free_ns,
)
