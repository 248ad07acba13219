"""The root of a proc, and mounting one.  Models fs/proc/root.c, fs/proc/self.c, fs/proc/thread_self.c and the small files beside them.

Of the files about the machine there are those that say something about processes or namespaces.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD, Capability
from nscore_sim.capability import ns_capable
from nscore_sim.dcache import Dentry
from nscore_sim.fs_context import FsContext
from nscore_sim.inode import Inode
from nscore_sim.namei import user_path_at
from nscore_sim.nsfs import NsInode
from nscore_sim.pid import pid_nr_ns, task_active_pid_ns
from nscore_sim.pid_namespace import PidNamespace
from nscore_sim.proc.base import proc_pid_lookup, proc_pid_readdir
from nscore_sim.proc.generic import PROC_ROOT_INO, ProcFile, ProcLink, ProcSuper, make_child, pin_proc
from nscore_sim.proc.sysctl import SysDirectory
from nscore_sim.user_namespace import INVALID_ID, from_kgid_munged, make_kgid

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.inode import SuperBlock
    from nscore_sim.kernel import Kernel
    from nscore_sim.task import Task

CAP_SYS_ADMIN = int(Capability.SYS_ADMIN)


def loadavg_proc_show(task: Task, file: File) -> bytes:
    """The last number is the reader's namespace's.  fs/proc/loadavg.c:loadavg_proc_show"""
    return b"0.00 0.00 0.00 1/%d %d\n" % (task.kernel.nr_threads, task_active_pid_ns(task).idr.idr_next - 1)


def uptime_proc_show(task: Task, file: File) -> bytes:
    """fs/proc/uptime.c:uptime_proc_show"""
    seconds, ns = divmod(task.kernel.clock, 1_000_000_000)
    return b"%d.%02d %d.%02d\n" % (seconds, ns // 10_000_000, seconds, ns // 10_000_000)


def version_proc_show(task: Task, file: File) -> bytes:
    """fs/proc/version.c:version_proc_show"""
    assert task.nsproxy is not None
    name = task.nsproxy.uts_ns.name
    return b"%b version %b %b\n" % (name.sysname, name.release, name.version)


def stat_show(task: Task, file: File) -> bytes:
    """fs/proc/stat.c:show_stat"""
    kernel = task.kernel
    times = b" 0" * 10
    return b"cpu %b\ncpu0%b\nintr 0\nctxt 0\nbtime 0\nprocesses %d\nprocs_running 1\nprocs_blocked 0\n" % (times, times, kernel.total_forks)


def filesystems_proc_show(task: Task, file: File) -> bytes:
    """fs/filesystems.c:filesystems_proc_show"""
    return b"nodev\tproc\nnodev\tramfs\nnodev\ttmpfs\n"


def self_target(task: Task, ns: PidNamespace) -> str:
    """fs/proc/self.c:proc_self_get_link"""
    tgid = pid_nr_ns(task.group_leader.thread_pid, ns)
    if not tgid:
        raise Errno("ENOENT")
    return str(tgid)


def thread_self_target(task: Task, ns: PidNamespace) -> str:
    """fs/proc/thread_self.c:proc_thread_self_get_link"""
    return f"{self_target(task, ns)}/task/{pid_nr_ns(task.thread_pid, ns)}"


def mounts_target(task: Task, ns: PidNamespace) -> str:
    """fs/proc/root.c:proc_root_init"""
    return "self/mounts"


STATIC: dict[str, Callable[[SuperBlock, int], Inode]] = {
    "filesystems": lambda sb, ino: ProcFile(sb, ino, filesystems_proc_show),
    "loadavg": lambda sb, ino: ProcFile(sb, ino, loadavg_proc_show),
    "mounts": lambda sb, ino: ProcLink(sb, ino, mounts_target),
    "stat": lambda sb, ino: ProcFile(sb, ino, stat_show),
    "sys": lambda sb, ino: SysDirectory(sb, ino, ()),
    "uptime": lambda sb, ino: ProcFile(sb, ino, uptime_proc_show),
    "version": lambda sb, ino: ProcFile(sb, ino, version_proc_show),
}
LINKS: dict[str, Callable[[SuperBlock, int], Inode]] = {
    "self": lambda sb, ino: ProcLink(sb, ino, self_target),
    "thread-self": lambda sb, ino: ProcLink(sb, ino, thread_self_target),
}


class ProcRoot(Inode):
    """fs/proc/root.c:proc_root_inode_operations"""

    __slots__ = ("cached",)

    def __init__(self, i_sb: ProcSuper) -> None:
        super().__init__(i_sb, PROC_ROOT_INO, stat.S_IFDIR | 0o555)
        self.cached: dict[str, Inode] = {}

    def pin(self, users: int) -> None:
        pin_proc(self.i_sb, users)

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        """fs/proc/root.c:proc_root_lookup"""
        sb = self.i_sb
        assert isinstance(sb, ProcSuper)
        make = LINKS.get(name) or (None if sb.pidonly else STATIC.get(name))
        if make is None:
            return proc_pid_lookup(sb, task, dentry, name)
        inode = self.cached.get(name)
        if inode is None:
            inode = self.cached[name] = make(sb, sb.new_ino())
        return make_child(dentry, name, inode)

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        """fs/proc/root.c:proc_root_readdir"""
        sb = self.i_sb
        assert isinstance(sb, ProcSuper)
        return [*(() if sb.pidonly else STATIC), *LINKS, *proc_pid_readdir(sb, task)]

    def getattr(self, task: Task, dentry: Dentry) -> None:
        """Counts the processes of the whole system.  fs/proc/root.c:proc_root_getattr"""
        self.i_nlink = 3 + sum(pid.tgid is not None for pid in task.kernel.init_pid_ns.idr.entries.values())

    def unlink(self, task: Task, dentry: Dentry) -> None:
        raise Errno("EPERM")


class ProcSuperBlock(ProcSuper):
    """A proc with its root."""

    __slots__ = ()

    def show_options(self, task: Task) -> str:
        """fs/proc/root.c:proc_show_options"""
        text = "" if not self.pid_gid else f",gid={from_kgid_munged(task.cred.user_ns, self.pid_gid)}"
        if self.hide_pid:
            text += f",hidepid={HIDEPID_NAMES[self.hide_pid]}"
        return text + (",subset=pid" if self.pidonly else "")


#: fs/proc/root.c:proc_param_hidepid
HIDEPID = {"off": 0, "noaccess": 1, "invisible": 2, "ptraceable": 4}
HIDEPID_NAMES = {number: name for name, number in HIDEPID.items()}


def proc_super(kernel: Kernel, pid_ns: PidNamespace) -> ProcSuper:
    """fs/proc/root.c:proc_fill_super"""
    sb = ProcSuperBlock(kernel.mount_ids.unnamed_dev.alloc(), pid_ns)
    sb.s_root = Dentry("/", None, ProcRoot(sb))
    return sb


class ProcFsContext(FsContext):
    """fs/proc/root.c:proc_init_fs_context"""

    __slots__ = ("gid", "hidepid", "pid_ns", "pidonly")

    def __init__(self, task: Task) -> None:
        self.pid_ns = task_active_pid_ns(task)
        super().__init__(task, self.pid_ns.user_ns)
        self.gid: int | None = None
        self.hidepid: int | None = None
        self.pidonly = False

    def parse_param(self, key: str, value: str | None) -> None:
        """fs/proc/root.c:proc_parse_param"""
        parse = {"gid": self.parse_gid, "hidepid": self.parse_hidepid, "subset": self.parse_subset, "pidns": self.parse_pidns}.get(key)
        if parse is None or value is None:
            raise Errno("EINVAL")
        parse(value)

    def parse_gid(self, value: str) -> None:
        """An unsigned number."""
        if not value.isdigit() or int(value) > INVALID_ID:
            raise Errno("EINVAL")
        self.gid = make_kgid(self.task.cred.user_ns, int(value))

    def parse_hidepid(self, value: str) -> None:
        """A number or a name.  fs/proc/root.c:proc_parse_hidepid_param"""
        number = int(value) if value.isdigit() else HIDEPID.get(value, -1)
        if number not in HIDEPID_NAMES:
            raise Errno("EINVAL")
        self.hidepid = number

    def parse_subset(self, value: str) -> None:
        """fs/proc/root.c:proc_parse_subset_param"""
        if value != "pid":
            raise Errno("EINVAL")
        self.pidonly = True

    def parse_pidns(self, value: str) -> None:
        """Another namespace than the active one, since 6.18.  fs/proc/root.c:proc_parse_pidns_param"""
        if not self.task.kernel.release.proc_pidns:
            raise Errno("EINVAL")
        if self.for_reconfigure:
            raise Errno("EBUSY")
        inode = user_path_at(self.task, AT_FDCWD, value).dentry.d_inode
        container = inode.ns.container if isinstance(inode, NsInode) else None
        if not isinstance(container, PidNamespace):
            raise Errno("EINVAL")
        active = task_active_pid_ns(self.task)
        if container.level < active.level or container.path[active.level] is not active:
            raise Errno("EINVAL")
        if not ns_capable(self.task, container.user_ns, CAP_SYS_ADMIN):
            raise Errno("EPERM")
        self.pid_ns, self.user_ns = container, container.user_ns

    def get_tree(self) -> SuperBlock:
        sb = proc_super(self.task.kernel, self.pid_ns)
        self.reconfigure(sb)
        return sb

    def reconfigure(self, sb: SuperBlock) -> None:
        """fs/proc/root.c:proc_apply_options"""
        assert isinstance(sb, ProcSuper)
        if self.gid is not None:
            sb.pid_gid = self.gid
        if self.hidepid is not None:
            sb.hide_pid = self.hidepid
        sb.pidonly = sb.pidonly or self.pidonly
