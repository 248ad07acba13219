"""/proc/PID/{mountinfo,mounts}.  Models fs/proc_namespace.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore_sim.dcache import Path, dentry_path, prepend_path
from nscore_sim.mount import (
    MNT_NOATIME,
    MNT_NODEV,
    MNT_NODIRATIME,
    MNT_NOEXEC,
    MNT_NOSUID,
    MNT_READONLY,
    MNT_RELATIME,
    MNT_UNBINDABLE,
    MntNamespace,
    Mount,
    is_shared,
    mntput,
    namespace_mounts,
)
from nscore_sim.mount_tree import detach_mounts
from nscore_sim.nscommon import get_ns, put_ns
from nscore_sim.pnode import get_dominating_id
from nscore_sim.proc.generic import LinesFile

if TYPE_CHECKING:
    from nscore_sim.task import Task

#: fs/proc_namespace.c:show_mnt_opts
MNT_OPTS = (
    (MNT_NOSUID, ",nosuid"),
    (MNT_NODEV, ",nodev"),
    (MNT_NOEXEC, ",noexec"),
    (MNT_NOATIME, ",noatime"),
    (MNT_NODIRATIME, ",nodiratime"),
    (MNT_RELATIME, ",relatime"),
)
#: What a path does not show as it is.
ESCAPES = str.maketrans({character: f"\\{ord(character):03o}" for character in " \t\n\\"})


class MountsFile(LinesFile):
    """The mounts of a namespace, as far as they are below a root: both those of the process at the time of opening.

    fs/proc_namespace.c:mounts_open_common
    """

    __slots__ = ("ns", "root")

    def __init__(self, path: Path, flags: int, task: Task, p: Task | None) -> None:
        if p is None or p.nsproxy is None:
            raise Errno("EINVAL")
        if p.fs is None:
            raise Errno("ENOENT")
        super().__init__(path, flags, task)
        self.ns: MntNamespace = p.nsproxy.mnt_ns
        self.root: Path = p.fs.root
        get_ns(self.ns.ns)
        self.root.mnt.mnt_count += 1

    def release(self, task: Task) -> None:
        mntput(self.root.mnt)
        put_ns(self.ns.ns)

    def show(self, task: Task) -> bytes:
        shown = self.shown()
        return "".join(self.line(task, mnt, place, shown) for mnt, place in shown.items()).encode(errors="surrogateescape")

    def shown(self) -> dict[Mount, str]:
        """The mounts below the root, and where.  fs/seq_file.c:seq_path_root"""
        for mnt in namespace_mounts(self.ns):
            # What lay on a process that was reaped went with it.
            if mnt.mnt_ns is self.ns and mnt.mnt_mountpoint.d_inode.stale():
                detach_mounts(mnt.mnt_mountpoint)
        places = {mnt: prepend_path(Path(mnt, mnt.mnt_root), self.root) for mnt in namespace_mounts(self.ns)}
        return {mnt: place for mnt, (place, reached) in places.items() if reached}

    def line(self, task: Task, mnt: Mount, place: str, shown: dict[Mount, str]) -> str:
        """One line of the file."""
        raise Errno("EINVAL")


class MountinfoFile(MountsFile):
    """/proc/PID/mountinfo"""

    __slots__ = ()

    def line(self, task: Task, mnt: Mount, place: str, shown: dict[Mount, str]) -> str:
        """fs/proc_namespace.c:show_mountinfo"""
        root = mnt.mnt_root.d_inode.dname(mnt.mnt_root) or dentry_path(mnt.mnt_root)
        tags = "".join(f" {tag}" for tag in propagation_tags(mnt, self.ns, shown))
        return (
            f"{mnt.mnt_id} {mnt.mnt_parent.mnt_id} 0:{mnt.mnt_sb.s_dev} {root.translate(ESCAPES)} {place.translate(ESCAPES)}"
            f" {'ro' if mnt.mnt_flags & MNT_READONLY else 'rw'}{mnt_opts(mnt)}{tags}"
            f" - {mnt.mnt_sb.s_type} {mnt.mnt_devname.translate(ESCAPES)}"
            f" {'ro' if mnt.mnt_sb.s_rdonly else 'rw'}{mnt.mnt_sb.show_options(task)}\n"
        )


class VfsmntFile(MountsFile):
    """/proc/PID/mounts"""

    __slots__ = ()

    def line(self, task: Task, mnt: Mount, place: str, shown: dict[Mount, str]) -> str:
        """fs/proc_namespace.c:show_vfsmnt"""
        readonly = mnt.mnt_flags & MNT_READONLY or mnt.mnt_sb.s_rdonly
        return (
            f"{mnt.mnt_devname.translate(ESCAPES)} {place.translate(ESCAPES)} {mnt.mnt_sb.s_type}"
            f" {'ro' if readonly else 'rw'}{mnt_opts(mnt)}{mnt.mnt_sb.show_options(task)} 0 0\n"
        )


class VfsstatFile(MountsFile):
    """/proc/PID/mountstats"""

    __slots__ = ()

    def line(self, task: Task, mnt: Mount, place: str, shown: dict[Mount, str]) -> str:
        """fs/proc_namespace.c:show_vfsstat"""
        return f"device {mnt.mnt_devname.translate(ESCAPES)} mounted on {place.translate(ESCAPES)} with fstype {mnt.mnt_sb.s_type}\n"


def mnt_opts(mnt: Mount) -> str:
    """fs/proc_namespace.c:show_mnt_opts"""
    return "".join(text for flag, text in MNT_OPTS if mnt.mnt_flags & flag)


def propagation_tags(mnt: Mount, ns: MntNamespace, shown: dict[Mount, str]) -> list[str]:
    """The optional fields.  fs/proc_namespace.c:show_mountinfo"""
    tags = []
    if is_shared(mnt):
        tags.append(f"shared:{mnt.mnt_group_id}")
    if mnt.mnt_master is not None:
        master = mnt.mnt_master.mnt_group_id
        tags.append(f"master:{master}")
        dominating = get_dominating_id(mnt, ns, dict.fromkeys(shown))
        if dominating and dominating != master:
            tags.append(f"propagate_from:{dominating}")
    if mnt.mnt_flags & MNT_UNBINDABLE:
        tags.append("unbindable")
    return tags
