"""/proc/sys.  Models fs/proc/proc_sysctl.c, kernel/sysctl.c, kernel/utsname_sysctl.c and the tables that PID and user namespaces register.

Who reads decides what most of these files show; pid_max and those of /proc/sys/user belong to the namespace of whoever looks them up.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import CAP_LAST_CAP, ns_capable
from nscore_sim.dcache import Dentry, Path
from nscore_sim.inode import MAY_EXEC, Inode
from nscore_sim.pid import checkpoint_restore_ns_capable, task_active_pid_ns
from nscore_sim.pid_namespace import PID_MAX_LIMIT, PidNamespace
from nscore_sim.proc.generic import SeqFile, make_child
from nscore_sim.ucount import INT_MAX, UcountType
from nscore_sim.user_namespace import OVERFLOW_ID, UserNamespace, make_kgid, make_kuid
from nscore_sim.utsname import NEW_UTS_LEN

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.inode import SuperBlock
    from nscore_sim.task import Task

CAP_SYS_ADMIN, CAP_SYS_RESOURCE = int(Capability.SYS_ADMIN), int(Capability.SYS_RESOURCE)
#: The lowest pid_max.  kernel/pid.c: RESERVED_PIDS + 1
PID_MAX_MIN = 301

#: (the reader, the value's namespace where it is bound) -> the text
ReadCtl: TypeAlias = "Callable[[Task, object], bytes]"
#: (the writer, that namespace, what is written, at) -> how much was taken
WriteCtl: TypeAlias = "Callable[[Task, object, bytes, int], int]"


@dataclass(frozen=True, slots=True)
class CtlTable:
    """include/linux/sysctl.h:ctl_table"""

    mode: int
    read: ReadCtl
    write: WriteCtl | None = None
    #: Whose value it is, for the task that looks the file up.
    bind: Callable[[Task], object] | None = None
    #: The mode as it is for a task, instead of mode.
    permissions: Callable[[Task, object, int], int] | None = None


def proc_get_int(data: bytes, low: int, high: int) -> tuple[int, int]:
    """The number that data begins with, and how far it reaches with the blanks after it; EINVAL.

    kernel/sysctl.c:proc_get_long, do_proc_dointvec_minmax_conv
    """
    found = re.match(rb"[ \t\n\v\f\r]*(-?)(0[xX][0-9a-fA-F]+|[0-9]+)(?:[ \t\n\v\f\r]+|(?=\0)|$)", data)
    if found is None:
        raise Errno("EINVAL")
    digits = found[2].lower()
    octal = len(digits) > 1 and digits[:1] == b"0" and digits[1:2] != b"x"
    if octal and digits.strip(b"01234567"):
        raise Errno("EINVAL")
    value = int(digits, 8) if octal else int(digits, 0)
    value = -value if found[1] else value
    if not low <= value <= high:
        raise Errno("EINVAL")
    return value, found.end()


def int_writer(low: int, high: Callable[[Task, object], int], assign: Callable[[Task, object, int], None]) -> WriteCtl:
    """A file that takes a number.  Only a write at the beginning counts.  kernel/sysctl.c:proc_dointvec_minmax"""

    def write(task: Task, bound: object, data: bytes, pos: int) -> int:
        if pos or not data:
            return len(data)
        value, taken = proc_get_int(data, low, high(task, bound))
        assign(task, bound, value)
        return taken

    return write


def constant(text: bytes) -> ReadCtl:
    """A file that always says the same."""
    return lambda task, bound: text


def uts_read(field: str) -> ReadCtl:
    """A name of the reader's UTS namespace.  kernel/utsname_sysctl.c:proc_do_uts_string"""

    def read(task: Task, bound: object) -> bytes:
        assert task.nsproxy is not None
        name: bytes = getattr(task.nsproxy.uts_ns.name, field)
        return name + b"\n"

    return read


def uts_write(field: str) -> WriteCtl:
    """Goes on where the last write ended, and ends at a newline.  kernel/sysctl.c:_proc_do_string"""

    def write(task: Task, bound: object, data: bytes, pos: int) -> int:
        assert task.nsproxy is not None
        name = task.nsproxy.uts_ns.name
        old: bytes = getattr(name, field)
        if data and pos <= len(old):
            added = re.split(rb"[\0\n]", data, maxsplit=1)[0]
            setattr(name, field, (old[:pos] + added)[:NEW_UTS_LEN])
        return len(data)

    return write


def ns_last_pid_read(task: Task, bound: object) -> bytes:
    """Of the reader's active namespace.  kernel/pid_namespace.c:pid_ns_ctl_handler"""
    return b"%d\n" % (task_active_pid_ns(task).idr.idr_next - 1)


def ns_last_pid_write(task: Task, bound: object, data: bytes, pos: int) -> int:
    """kernel/pid_namespace.c:pid_ns_ctl_handler"""
    ns = task_active_pid_ns(task)
    if not checkpoint_restore_ns_capable(task, ns.user_ns):
        raise Errno("EPERM")
    if pos or not data:
        return len(data)
    last, taken = proc_get_int(data, 0, bound_pid_ns(task).pid_max)
    ns.idr.idr_next = last + 1
    return taken


def bound_pid_ns(task: Task) -> PidNamespace:
    """The namespace that has the caller's pid_max: its active one, before 6.14 the initial one.  kernel/pid.c:pid_table_root_lookup"""
    return task_active_pid_ns(task) if task.kernel.release.pid_max_per_namespace else task.kernel.init_pid_ns


def pid_max_read(task: Task, bound: object) -> bytes:
    """kernel/pid.c:pid_table"""
    return b"%d\n" % as_pid_ns(bound).pid_max


def as_pid_ns(bound: object) -> PidNamespace:
    """What pid_max is bound to."""
    assert isinstance(bound, PidNamespace)
    return bound


def pid_max_assign(task: Task, bound: object, value: int) -> None:
    """kernel/pid.c:pid_table"""
    as_pid_ns(bound).pid_max = value


def pid_table_root_permissions(task: Task, bound: object, mode: int) -> int:
    """kernel/pid.c:pid_table_root_permissions"""
    user_ns = as_pid_ns(bound).user_ns
    if ns_capable(task, user_ns, CAP_SYS_ADMIN) or task.cred.euid == make_kuid(user_ns, 0):
        return (mode >> 6) * 0o111
    if make_kgid(user_ns, 0) in (task.cred.egid, *task.cred.groups):
        return (mode >> 3 & 7) * 0o111
    return (mode & 4) * 0o111


def bound_user_ns(task: Task) -> object:
    """kernel/ucount.c:set_lookup"""
    return task.cred.user_ns


def as_user_ns(bound: object) -> UserNamespace:
    """What the files of /proc/sys/user are bound to."""
    assert isinstance(bound, UserNamespace)
    return bound


def set_permissions(task: Task, bound: object, mode: int) -> int:
    """kernel/ucount.c:set_permissions"""
    if ns_capable(task, as_user_ns(bound), CAP_SYS_RESOURCE):
        return (mode >> 6) * 0o111
    return (mode & 4) * 0o111


def user_max(kind: UcountType) -> CtlTable:
    """How many namespaces of a kind there may be.  kernel/ucount.c:user_table"""

    def read(task: Task, bound: object) -> bytes:
        return b"%d\n" % as_user_ns(bound).ucount_max[kind]

    def assign(task: Task, bound: object, value: int) -> None:
        as_user_ns(bound).ucount_max[kind] = value

    return CtlTable(0o644, read, int_writer(0, lambda task, bound: INT_MAX, assign), bound_user_ns, set_permissions)


def threads_max_read(task: Task, bound: object) -> bytes:
    """kernel/fork.c:sysctl_max_threads"""
    return b"%d\n" % task.kernel.max_threads


def threads_max_assign(task: Task, bound: object, value: int) -> None:
    """kernel/fork.c:sysctl_max_threads"""
    task.kernel.max_threads = value


#: /proc/sys: directories and files.
ROOT_TABLE: dict[str, dict[str, CtlTable]] = {
    "kernel": {
        "cap_last_cap": CtlTable(0o444, constant(b"%d\n" % CAP_LAST_CAP)),
        "domainname": CtlTable(0o644, uts_read("domainname"), uts_write("domainname")),
        "hostname": CtlTable(0o644, uts_read("nodename"), uts_write("nodename")),
        "ns_last_pid": CtlTable(0o666, ns_last_pid_read, ns_last_pid_write),
        "osrelease": CtlTable(0o444, uts_read("release")),
        "ostype": CtlTable(0o444, uts_read("sysname")),
        "overflowgid": CtlTable(0o644, constant(b"%d\n" % OVERFLOW_ID)),
        "overflowuid": CtlTable(0o644, constant(b"%d\n" % OVERFLOW_ID)),
        "pid_max": CtlTable(
            0o644,
            pid_max_read,
            int_writer(PID_MAX_MIN, lambda task, bound: PID_MAX_LIMIT, pid_max_assign),
            bound_pid_ns,
            pid_table_root_permissions,
        ),
        "threads-max": CtlTable(0o644, threads_max_read, int_writer(1, lambda task, bound: INT_MAX, threads_max_assign)),
        "version": CtlTable(0o444, uts_read("version")),
    },
    "user": {f"max_{kind.name.lower()}": user_max(kind) for kind in UcountType},
}


class SysDirectory(Inode):
    """/proc/sys and what is directly below.  fs/proc/proc_sysctl.c:proc_sys_dir_operations"""

    __slots__ = ("names",)

    def __init__(self, i_sb: SuperBlock, i_ino: int, names: tuple[str, ...]) -> None:
        super().__init__(i_sb, i_ino, stat.S_IFDIR | 0o555)
        self.names = names
        self.i_nlink = 1

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        """fs/proc/proc_sysctl.c:proc_sys_lookup"""
        if not self.names:
            if name not in ROOT_TABLE:
                raise Errno("ENOENT")
            return make_child(dentry, name, SysDirectory(self.i_sb, self.i_sb.new_ino(), (name,)))
        table = ROOT_TABLE[self.names[0]].get(name)
        if table is None:
            raise Errno("ENOENT")
        return make_child(dentry, name, SysInode(self.i_sb, self.i_sb.new_ino(), table, table.bind(task) if table.bind else None))

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        return list(ROOT_TABLE[self.names[0]] if self.names else ROOT_TABLE)


class SysInode(Inode):
    """fs/proc/proc_sysctl.c:proc_sys_inode_operations"""

    __slots__ = ("bound", "table")

    def __init__(self, i_sb: SuperBlock, i_ino: int, table: CtlTable, bound: object) -> None:
        super().__init__(i_sb, i_ino, stat.S_IFREG | table.mode)
        self.table = table
        self.bound = bound

    def permission(self, task: Task, mask: int) -> None:
        """Ids of the initial namespace, and no capability.  fs/proc/proc_sysctl.c:proc_sys_permission, sysctl_perm, test_perm"""
        if mask & MAY_EXEC:
            raise Errno("EACCES")
        mode = self.table.mode
        if self.table.permissions is not None:
            mode = self.table.permissions(task, self.bound, mode)
        if task.cred.euid == 0:
            mode >>= 6
        elif 0 in (task.cred.egid, *task.cred.groups):
            mode >>= 3
        if mask & ~mode & 7:
            raise Errno("EACCES")

    def open(self, task: Task, path: Path, flags: int) -> File:
        return SysFile(path, flags, task, self)


class SysFile(SeqFile):
    """fs/proc/proc_sysctl.c:proc_sys_file_operations"""

    __slots__ = ("inode",)

    def __init__(self, path: Path, flags: int, task: Task, inode: SysInode) -> None:
        super().__init__(path, flags, task)
        self.inode = inode

    def show(self, task: Task) -> bytes:
        return self.inode.table.read(task, self.inode.bound)

    def store(self, task: Task, data: bytes, pos: int) -> int:
        write = self.inode.table.write
        return len(data) if write is None else write(task, self.inode.bound, data, pos)
