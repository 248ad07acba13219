"""The namespaces of a task together: copied, left, joined.  Models include/linux/nsproxy.h, kernel/nsproxy.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability, CloneFlag
from nscore_sim.capability import ns_capable
from nscore_sim.cgroup_namespace import CgroupNamespace, copy_cgroup_ns, init_cgroup_ns
from nscore_sim.cred import Cred, commit_creds, prepare_creds, put_cred
from nscore_sim.file import fget
from nscore_sim.fs_struct import FsStruct, copy_fs_struct, free_fs_struct, set_fs_pwd, set_fs_root
from nscore_sim.ipc import IpcNamespace, copy_ipcs, init_ipc_ns
from nscore_sim.mnt_namespace import copy_mnt_ns
from nscore_sim.net_namespace import Net, copy_net_ns, init_net_ns
from nscore_sim.nscommon import NsCommon, get_ns, put_ns
from nscore_sim.nsfs import NsFile
from nscore_sim.pid_namespace import copy_pid_ns
from nscore_sim.pidfs import PidfdFile
from nscore_sim.ptrace import PTRACE_MODE_READ_REALCREDS, ptrace_may_access
from nscore_sim.time_namespace import TimeNamespace, copy_time_ns, init_time_ns, timens_on_fork
from nscore_sim.utsname import UtsNamespace, copy_utsname, init_uts_ns

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.kernel import Kernel
    from nscore_sim.mount import MntNamespace
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

CLONE_VM, CLONE_SYSVSEM = int(CloneFlag.VM), int(CloneFlag.SYSVSEM)
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = int(CloneFlag.NEWNS), int(CloneFlag.NEWIPC), int(CloneFlag.NEWUSER)
#: What NsProxy holds.
CLONE_NEW_NSPROXY = int(
    CloneFlag.NEWNS
    | CloneFlag.NEWUTS
    | CloneFlag.NEWIPC
    | CloneFlag.NEWPID
    | CloneFlag.NEWNET
    | CloneFlag.NEWCGROUP
    | CloneFlag.NEWTIME
)  # fmt: skip
CLONE_NEW_ALL = CLONE_NEW_NSPROXY | CLONE_NEWUSER

CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)


class NsProxy:
    """The namespaces of a task but the user namespace and its own PID namespace.  include/linux/nsproxy.h:nsproxy"""

    __slots__ = ("cgroup_ns", "count", "ipc_ns", "mnt_ns", "net_ns", "pid_ns_for_children", "time_ns", "time_ns_for_children", "uts_ns")

    count: int  #: tasks that share it; each namespace in it is held once
    mnt_ns: MntNamespace
    uts_ns: UtsNamespace
    ipc_ns: IpcNamespace
    pid_ns_for_children: PidNamespace
    cgroup_ns: CgroupNamespace
    net_ns: Net
    time_ns: TimeNamespace
    time_ns_for_children: TimeNamespace

    def held(self) -> list[NsCommon]:
        """All of them, in the order of their creation, as far as that has come."""
        names = ("mnt_ns", "uts_ns", "ipc_ns", "pid_ns_for_children", "cgroup_ns", "net_ns", "time_ns_for_children", "time_ns")
        return [getattr(self, name).ns for name in names if hasattr(self, name)]


class NsSet:
    """What setns(2) is about to change.  include/linux/nsproxy.h:nsset"""

    __slots__ = ("cred", "flags", "fs", "nsproxy", "task")

    def __init__(self, task: Task, flags: int) -> None:
        self.task = task  #: current
        self.flags = flags
        self.nsproxy = create_new_namespaces(0, task, task.cred.user_ns, task.fs)
        self.cred: Cred = prepare_creds(task) if flags & CLONE_NEWUSER else task.cred
        #: What NEWNS moves: a copy where something else could still fail.
        self.fs: FsStruct | None = None
        if flags & CLONE_NEWNS:
            assert task.fs is not None
            self.fs = task.fs if flags == CLONE_NEWNS else copy_fs_struct(task.fs)


def init_nsproxy(kernel: Kernel, user_ns: UserNamespace, mnt_ns: MntNamespace, pid_ns: PidNamespace) -> NsProxy:
    """The initial namespaces.  kernel/nsproxy.c:init_nsproxy"""
    nsproxy = NsProxy()
    nsproxy.count = 1
    nsproxy.mnt_ns = mnt_ns
    nsproxy.uts_ns = init_uts_ns(kernel, user_ns)
    nsproxy.ipc_ns = init_ipc_ns(kernel, user_ns)
    nsproxy.pid_ns_for_children = pid_ns
    nsproxy.cgroup_ns = init_cgroup_ns(kernel, user_ns)
    nsproxy.net_ns = init_net_ns(kernel, user_ns)
    nsproxy.time_ns = nsproxy.time_ns_for_children = init_time_ns(kernel, user_ns)
    get_ns(nsproxy.time_ns.ns)
    return nsproxy


def create_new_namespaces(flags: int, task: Task, user_ns: UserNamespace, new_fs: FsStruct | None) -> NsProxy:
    """A set like task's, with the namespaces that flags ask for made new, all or none.  kernel/nsproxy.c:create_new_namespaces"""
    assert task.nsproxy is not None
    new = NsProxy()
    new.count = 1
    try:
        new.mnt_ns = copy_mnt_ns(flags, task, user_ns, new_fs)
        new.uts_ns = copy_utsname(flags, user_ns, task)
        new.ipc_ns = copy_ipcs(flags, user_ns, task)
        new.pid_ns_for_children = copy_pid_ns(flags, user_ns, task)
        new.cgroup_ns = copy_cgroup_ns(flags, user_ns, task)
        new.net_ns = copy_net_ns(flags, user_ns, task)
        new.time_ns_for_children = copy_time_ns(flags, user_ns, task)
    except Errno:
        free_nsproxy(new)
        raise
    new.time_ns = task.nsproxy.time_ns
    get_ns(new.time_ns.ns)
    return new


def copy_namespaces(flags: int, task: Task, cred: Cred, new_fs: FsStruct | None) -> NsProxy:
    """The namespaces of a new task that task creates and whose credentials and directories these are.  kernel/nsproxy.c:copy_namespaces"""
    old = task.nsproxy
    assert old is not None
    if not flags & CLONE_NEW_NSPROXY:
        if flags & CLONE_VM or old.time_ns_for_children is old.time_ns:
            old.count += 1
            return old
    elif not ns_capable(task, cred.user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    if flags & CLONE_NEWIPC and flags & CLONE_SYSVSEM:
        raise Errno("EINVAL")
    new = create_new_namespaces(flags, task, cred.user_ns, new_fs)
    if not flags & CLONE_VM:
        timens_on_fork(new)
    return new


def unshare_nsproxy_namespaces(unshare_flags: int, task: Task, new_cred: Cred | None, new_fs: FsStruct | None) -> NsProxy | None:
    """The set for unshare(2), None where flags ask for none.  kernel/nsproxy.c:unshare_nsproxy_namespaces"""
    if not unshare_flags & CLONE_NEW_NSPROXY:
        return None
    user_ns = (new_cred or task.cred).user_ns
    if not ns_capable(task, user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    return create_new_namespaces(unshare_flags, task, user_ns, new_fs or task.fs)


def put_nsproxy(ns: NsProxy) -> None:
    """include/linux/nsproxy.h:put_nsproxy"""
    ns.count -= 1
    if not ns.count:
        free_nsproxy(ns)


def free_nsproxy(ns: NsProxy) -> None:
    """kernel/nsproxy.c:free_nsproxy"""
    for each in ns.held():
        put_ns(each)


def switch_task_namespaces(task: Task, new: NsProxy | None) -> None:
    """Let task have new, whose reference it takes over.  kernel/nsproxy.c:switch_task_namespaces"""
    old, task.nsproxy = task.nsproxy, new
    if old is not None:
        put_nsproxy(old)


def exit_task_namespaces(task: Task) -> None:
    """kernel/nsproxy.c:exit_task_namespaces"""
    old, task.nsproxy = task.nsproxy, None
    if old is not None:
        put_nsproxy(old)


def exec_task_namespaces(task: Task) -> None:
    """A new image is where the task's children are to be.  kernel/nsproxy.c:exec_task_namespaces"""
    assert task.nsproxy is not None
    if task.nsproxy.time_ns_for_children is not task.nsproxy.time_ns:
        new = create_new_namespaces(0, task, task.cred.user_ns, task.fs)
        timens_on_fork(new)
        switch_task_namespaces(task, new)


# setns(2)


def check_setns_flags(flags: int) -> None:
    """With a pidfd: at least one namespace, and nothing else.  kernel/nsproxy.c:check_setns_flags"""
    if not flags or flags & ~CLONE_NEW_ALL:
        raise Errno("EINVAL")


def setns(task: Task, fd: int, nstype: int) -> Plain:
    """setns(2).  kernel/nsproxy.c:sys_setns"""
    file = fget(task, fd)
    if isinstance(file, NsFile):
        flags = file.ns.ops.type
        if nstype and nstype != flags:
            raise Errno("EINVAL")
    elif isinstance(file, PidfdFile):
        flags = nstype
        check_setns_flags(flags)
    else:
        raise Errno("EINVAL")
    nsset = NsSet(task, flags)
    try:
        if isinstance(file, NsFile):
            file.ns.ops.install(nsset, file.ns)
        else:
            validate_nsset(nsset, file.pid)
    except Errno:
        put_nsset(nsset)
        raise
    commit_nsset(nsset)
    return None


def validate_nsset(nsset: NsSet, pid: Pid) -> None:
    """Put the namespaces of pid's task into the set, as far as its flags ask for them.  kernel/nsproxy.c:validate_nsset"""
    target = pid.task
    if target is None:
        raise Errno("ESRCH")
    if not ptrace_may_access(nsset.task, target, PTRACE_MODE_READ_REALCREDS):
        raise Errno("EPERM")
    nsp = target.nsproxy
    if nsp is None:
        raise Errno("ESRCH")
    # In the order in which all namespaces are made.
    for ns in (
        target.cred.user_ns.ns,
        nsp.mnt_ns.ns,
        nsp.uts_ns.ns,
        nsp.ipc_ns.ns,
        target.thread_pid.ns.ns,
        nsp.cgroup_ns.ns,
        nsp.net_ns.ns,
        nsp.time_ns.ns,
    ):
        if nsset.flags & ns.ops.type:
            ns.ops.install(nsset, ns)


def put_nsset(nsset: NsSet) -> None:
    """Nothing comes of it.  kernel/nsproxy.c:put_nsset"""
    if nsset.flags & CLONE_NEWUSER:
        put_cred(nsset.cred)
    if nsset.fs is not None and nsset.fs is not nsset.task.fs:
        free_fs_struct(nsset.fs)
    free_nsproxy(nsset.nsproxy)


def commit_nsset(nsset: NsSet) -> None:
    """The point of no return.  kernel/nsproxy.c:commit_nsset"""
    task = nsset.task
    if nsset.flags & CLONE_NEWUSER:
        commit_creds(task, nsset.cred)
    if nsset.fs is not None and nsset.fs is not task.fs:
        assert task.fs is not None
        set_fs_root(task.fs, nsset.fs.root)
        set_fs_pwd(task.fs, nsset.fs.pwd)
        free_fs_struct(nsset.fs)
    switch_task_namespaces(task, nsset.nsproxy)
