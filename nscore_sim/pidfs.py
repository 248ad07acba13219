"""pidfds: processes as files.  Models fs/pidfs.c and the pidfd part of kernel/pid.c.

A pidfd holds a Pid, not a number: when the number goes to another process, the pidfd does not.  Left out: file handles, extended
attributes, core dumps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import OpenFlag, PidfdFlag, PidfdInfoMask, PidfdNamespace, PollEvent
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import O_RDWR, File, alloc_fd, fd_install, fget, get_file
from nscore_sim.inode import Inode
from nscore_sim.mount import kern_mount
from nscore_sim.nscommon import get_ns
from nscore_sim.nsfs import open_namespace
from nscore_sim.pid import find_vpid, get_pid, pid_nr_ns, pid_vnr, put_pid, task_pid_nr_ns, task_tgid_nr_ns
from nscore_sim.ptrace import PTRACE_MODE_ATTACH_REALCREDS, PTRACE_MODE_READ_FSCREDS, ptrace_may_access
from nscore_sim.task import PF_EXITING, SIGNAL_GROUP_EXIT, Task, delay_group_leader, thread_group_leader
from nscore_sim.user_namespace import from_kgid_munged, from_kuid_munged

if TYPE_CHECKING:
    from collections.abc import Callable

    from nscore.interface.backend import Plain
    from nscore_sim.inode import SuperBlock
    from nscore_sim.nscommon import NsCommon
    from nscore_sim.nsproxy import NsProxy
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.sched import WaitQueueHead

PIDFD_THREAD, PIDFD_NONBLOCK = int(PidfdFlag.THREAD), int(PidfdFlag.NONBLOCK)
O_CLOEXEC = int(OpenFlag.CLOEXEC)

POLL_DEAD = int(PollEvent.IN | PollEvent.RDNORM)
POLL_REAPED = POLL_DEAD | int(PollEvent.HUP)

INFO_LIVE = int(PidfdInfoMask.PID | PidfdInfoMask.CREDS | PidfdInfoMask.CGROUPID)
INFO_REAPED = int(PidfdInfoMask.EXIT | PidfdInfoMask.CGROUPID)
#: The one cgroup that there is.
CGROUP_ID = 1


class PidfsAttr:
    """What pidfs keeps of a Pid of which there was a pidfd.  fs/pidfs.c:pidfs_attr"""

    __slots__ = ("exit_code", "files", "stashed")

    def __init__(self) -> None:
        self.files = 0  #: how many are open: as long as there are, they share
        self.stashed: Dentry | None = None
        self.exit_code: int | None = None  #: from the reaping on


class PidfsInode(Inode):
    """fs/pidfs.c:pidfs_init_inode.  It has no type: lsof(8) wants it so."""

    __slots__ = ("pid",)

    def __init__(self, i_sb: SuperBlock, pid: Pid) -> None:
        super().__init__(i_sb, pid.ino, 0o700)
        self.pid = pid

    def open(self, task: Task, path: Path, flags: int) -> PidfdFile:
        """Again through /proc/PID/fd: of the process, whatever the first one was of."""
        return PidfdFile(path, flags & ~PIDFD_THREAD, task, self.pid)

    def dname(self, dentry: Dentry) -> str:
        """fs/pidfs.c:pidfs_dname"""
        return "anon_inode:[pidfd]"


class PidfdFile(File):
    """A pidfd.  fs/pidfs.c:pidfs_file_operations; in f_flags O_EXCL is PIDFD_THREAD."""

    __slots__ = ("pid",)
    seekable = False

    def __init__(self, path: Path, flags: int, task: Task, pid: Pid) -> None:
        super().__init__(path, flags, task.cred)
        self.pid = get_pid(pid)
        pidfs_attr(pid).files += 1

    def poll(self, task: Task) -> int:
        """fs/pidfs.c:pidfd_poll"""
        target = self.pid.task
        if target is None:
            return POLL_REAPED
        # While other threads live, one of them may yet execve and be the leader.
        return POLL_DEAD if target.exit_state and not delay_group_leader(target) else 0

    def poll_wait(self, task: Task) -> tuple[WaitQueueHead, ...]:
        if self.pid.wait_pidfd is None:
            self.pid.wait_pidfd = {}
        return (self.pid.wait_pidfd,)

    def release(self, task: Task) -> None:
        attr = pidfs_attr(self.pid)
        attr.files -= 1
        if not attr.files:
            attr.stashed = None
        put_pid(self.pid)

    def show_fdinfo(self, ns: PidNamespace) -> str:
        """fs/pidfs.c:pidfd_show_fdinfo"""
        pid = self.pid
        nr = pid_nr_ns(pid, ns) if pid.task is not None else -1
        below = pid.numbers[ns.level + 1 :] if nr > 0 else ()
        numbers = "\t".join(str(each) for each in (nr, *below))
        return f"Pid:\t{nr}\nNSpid:\t{numbers}\n"


# Making them


def pidfs_attr(pid: Pid) -> PidfsAttr:
    """From now on pidfs remembers pid's end.  fs/pidfs.c:pidfs_register_pid"""
    if pid.attr is None:
        pid.attr = PidfsAttr()
    assert isinstance(pid.attr, PidfsAttr)
    return pid.attr


def pidfs_register_pid(pid: Pid) -> None:
    """The same, for whoever gets a message from pid; ESRCH of one that has ended unregistered.  fs/pidfs.c:pidfs_register_pid"""
    if pid.attr is None and pid.task is None:
        raise Errno("ESRCH")
    pidfs_attr(pid)


def pidfs_alloc_file(task: Task, pid: Pid, flags: int) -> PidfdFile:
    """fs/pidfs.c:pidfs_alloc_file"""
    mnt = kern_mount(task.kernel, "pidfs")
    attr = pidfs_attr(pid)
    if attr.stashed is None:
        attr.stashed = Dentry("", mnt.mnt_root, PidfsInode(mnt.mnt_sb, pid))
    return PidfdFile(Path(mnt, attr.stashed), flags | O_RDWR, task, pid)


def pidfd_prepare(task: Task, pid: Pid, flags: int, stale: bool = False) -> tuple[int, PidfdFile]:
    """A descriptor, not taken yet, and a pidfd of pid; ESRCH, ENOENT, EMFILE.  kernel/fork.c:pidfd_prepare

    stale: do not ask whether anybody has the number, as of a process in the making or of one that sent a message.
    """
    if not stale:
        if pid.task is None:
            raise Errno("ESRCH")
        if not flags & PIDFD_THREAD and pid.tgid is None:
            raise Errno("ENOENT")
    fd = alloc_fd(task)
    return fd, pidfs_alloc_file(task, pid, flags)


def pidfd_create(task: Task, pid: Pid, flags: int, stale: bool = False) -> int:
    """kernel/pid.c:pidfd_create"""
    fd, file = pidfd_prepare(task, pid, flags, stale)
    fd_install(task, fd, file, cloexec=True)
    return fd


def pidfs_exit(task: Task) -> None:
    """Keep how task ended for whoever has a pidfd of it; task is being reaped.  fs/pidfs.c:pidfs_exit"""
    attr = task.thread_pid.attr
    if isinstance(attr, PidfsAttr):
        signal = task.signal
        group = thread_group_leader(task) and signal.flags & SIGNAL_GROUP_EXIT
        attr.exit_code = signal.group_exit_code if group else task.exit_code


def pidfd_pid(file: File) -> Pid:
    """EBADF for another kind of file.  fs/pidfs.c:pidfd_pid"""
    if not isinstance(file, PidfdFile):
        raise Errno("EBADF")
    return file.pid


# The system calls


def pidfd_open(task: Task, pid: int, flags: int) -> Plain:
    """pidfd_open(2).  kernel/pid.c:sys_pidfd_open"""
    if flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD) or pid <= 0:
        raise Errno("EINVAL")
    found = find_vpid(task, pid)
    if found is None:
        raise Errno("ESRCH")
    return pidfd_create(task, found, flags)


def pidfd_getfd(task: Task, fd: int, targetfd: int) -> Plain:
    """pidfd_getfd(2).  kernel/pid.c:sys_pidfd_getfd, __pidfd_fget"""
    target = pidfd_pid(fget(task, fd)).task
    if target is None:
        raise Errno("ESRCH")
    if not ptrace_may_access(task, target, PTRACE_MODE_ATTACH_REALCREDS):
        raise Errno("EPERM")
    if target.flags & PF_EXITING or target.files is None:
        raise Errno("ESRCH")
    file = target.files.fdt.fd.get(targetfd)
    if file is None:
        raise Errno("EBADF")
    new = alloc_fd(task)
    fd_install(task, new, get_file(file), cloexec=True)
    return new


def fget_pidfd(task: Task, fd: int) -> Pid:
    """The Pid of a descriptor; EBADF, and ENOTTY as ioctl says of what is no pidfd."""
    file = fget(task, fd)
    if not isinstance(file, PidfdFile):
        raise Errno("ENOTTY")
    return file.pid


def pid_in_current_pidns(task: Task, pid: Pid) -> bool:
    """Whether task can see it.  fs/pidfs.c:pid_in_current_pidns"""
    return pid_vnr(task, pid) != 0


def pidfd_get_info(task: Task, fd: int) -> Plain:
    """PIDFD_GET_INFO of all there is: the fields of results.PidfdInfo.  fs/pidfs.c:pidfd_info"""
    pid = fget_pidfd(task, fd)
    if not pid_in_current_pidns(task, pid):
        raise Errno("EREMOTE")
    target = pid.task
    if target is None:
        return (INFO_REAPED, CGROUP_ID, *(0,) * 11, pidfs_attr(pid).exit_code)
    ns, c, here = task.cred.user_ns, target.cred, task.thread_pid.ns
    ids = [
        number(ns, id)
        for uid, gid in ((c.uid, c.gid), (c.euid, c.egid), (c.suid, c.sgid), (c.fsuid, c.fsgid))
        for number, id in ((from_kuid_munged, uid), (from_kgid_munged, gid))
    ]
    ppid = task_tgid_nr_ns(target.real_parent, here)
    return (INFO_LIVE, CGROUP_ID, task_pid_nr_ns(target, here), task_tgid_nr_ns(target, here), ppid, *ids, None)


#: Namespaces that hang off nsproxy.  fs/pidfs.c:pidfd_ioctl
OF_NSPROXY: dict[int, Callable[[NsProxy], NsCommon]] = {
    PidfdNamespace.CGROUP: lambda nsproxy: nsproxy.cgroup_ns.ns,
    PidfdNamespace.IPC: lambda nsproxy: nsproxy.ipc_ns.ns,
    PidfdNamespace.MNT: lambda nsproxy: nsproxy.mnt_ns.ns,
    PidfdNamespace.NET: lambda nsproxy: nsproxy.net_ns.ns,
    PidfdNamespace.PID_FOR_CHILDREN: lambda nsproxy: nsproxy.pid_ns_for_children.ns,
    PidfdNamespace.TIME: lambda nsproxy: nsproxy.time_ns.ns,
    PidfdNamespace.TIME_FOR_CHILDREN: lambda nsproxy: nsproxy.time_ns_for_children.ns,
    PidfdNamespace.UTS: lambda nsproxy: nsproxy.uts_ns.ns,
}
#: And those that do not.
OF_TASK: dict[int, Callable[[Task], NsCommon]] = {
    PidfdNamespace.USER: lambda target: target.cred.user_ns.ns,
    PidfdNamespace.PID: lambda target: target.thread_pid.ns.ns,
}


def pidfd_get_namespace(task: Task, fd: int, kind: int) -> Plain:
    """PIDFD_GET_*_NAMESPACE.  fs/pidfs.c:pidfd_ioctl"""
    pid = fget_pidfd(task, fd)
    if kind not in OF_NSPROXY and kind not in OF_TASK:
        raise Errno("ENOTTY")
    target = pid.task
    if target is None:
        raise Errno("ESRCH")
    if target.nsproxy is None and task.kernel.release.pidfd_ns_released_first:
        raise Errno("ESRCH")
    if not ptrace_may_access(task, target, PTRACE_MODE_READ_FSCREDS):
        raise Errno("EACCES")
    nsproxy = target.nsproxy
    if nsproxy is None:
        raise Errno("ESRCH")
    ns = OF_NSPROXY[kind](nsproxy) if kind in OF_NSPROXY else OF_TASK[kind](target)
    return open_namespace(task, get_ns(ns))
