"""Files in memory: tmpfs, ramfs and the root file system, with /dev/null.  Models fs/ramfs/inode.c, mm/shmem.c, drivers/char/mem.c."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import SeekWhence
from nscore_sim.dcache import Dentry, Path, d_alloc_child
from nscore_sim.file import O_APPEND, File
from nscore_sim.fs_context import FsContext
from nscore_sim.inode import Inode, SuperBlock

if TYPE_CHECKING:
    from nscore_sim.mount import MountIds
    from nscore_sim.sched import Restart, Sleep
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

NAME_MAX = 255
SEEK_END = int(SeekWhence.END)


class RamSuper(SuperBlock):
    """A superblock that shows its options."""

    __slots__ = ("options",)

    def __init__(self, s_type: str, s_dev: int, s_user_ns: UserNamespace) -> None:
        super().__init__(s_type, s_dev, s_user_ns)
        self.options = ""

    def show_options(self, task: Task) -> str:
        return self.options


class RamDirectory(Inode):
    """Its entries are its dentry's children."""

    __slots__ = ()
    creates = True

    def open(self, task: Task, path: Path, flags: int) -> File:
        return DirectoryFile(path, flags, task.cred)

    def iterate(self, task: Task, dentry: Dentry) -> list[str]:
        # fs/libfs.c:dcache_readdir: the newest first.
        return list(reversed(dentry.d_children or ()))

    def lookup(self, task: Task, dentry: Dentry, name: str) -> Dentry:
        raise Errno("ENAMETOOLONG" if len(name.encode(errors="surrogateescape")) > NAME_MAX else "ENOENT")

    def create(self, task: Task, dentry: Dentry, name: str, mode: int) -> Dentry:
        sb = self.i_sb
        kind = RamDirectory if stat.S_ISDIR(mode) else RamFile
        if kind is RamDirectory:
            self.i_nlink += 1
        return d_alloc_child(dentry, name, kind(sb, sb.new_ino(), mode, task.cred.fsuid, task.cred.fsgid))

    def unlink(self, task: Task, dentry: Dentry) -> None:
        dentry.d_inode.i_nlink -= 1


class RamFile(Inode):
    """A regular file."""

    __slots__ = ("data",)

    def __init__(self, i_sb: SuperBlock, i_ino: int, i_mode: int, i_uid: int = 0, i_gid: int = 0) -> None:
        super().__init__(i_sb, i_ino, i_mode, i_uid, i_gid)
        self.data = b""

    def size(self) -> int:
        return len(self.data)

    def truncate(self, size: int) -> None:
        self.data = self.data[:size].ljust(size, b"\0")

    def open(self, task: Task, path: Path, flags: int) -> File:
        return RegularFile(path, flags, task.cred)


class NullDevice(Inode):
    """/dev/null"""

    __slots__ = ()

    def open(self, task: Task, path: Path, flags: int) -> File:
        return NullFile(path, flags, task.cred)


class RegularFile(File):
    """Bytes that stay.  fs/ramfs/file-mmu.c"""

    __slots__ = ()

    def _inode(self) -> RamFile:
        inode = self.f_path.dentry.d_inode
        assert isinstance(inode, RamFile)
        return inode

    def can_odirect(self) -> bool:
        """Of tmpfs.  mm/shmem.c:shmem_file_open"""
        return self._inode().i_sb.s_type == "tmpfs"

    def read(self, task: Task, n: int, pos: int) -> bytes | Sleep | Restart:
        return self._inode().data[pos : pos + n]

    def write(self, task: Task, data: bytes, pos: int) -> int | Sleep | Restart:
        inode = self._inode()
        if self.f_flags & O_APPEND:
            self.f_pos = pos = len(inode.data)
        if data:
            inode.data = inode.data[:pos].ljust(pos, b"\0") + data + inode.data[pos + len(data) :]
        return len(data)


class DirectoryFile(File):
    """An open directory, which has no end to count from.  fs/libfs.c:dcache_dir_lseek"""

    __slots__ = ()

    def llseek(self, pos: int, whence: int) -> int:
        if whence == SEEK_END:
            raise Errno("EINVAL")
        return super().llseek(pos, whence)


class NullFile(File):
    """Ends at once, takes everything.  drivers/char/mem.c:null_fops"""

    __slots__ = ()

    def read(self, task: Task, n: int, pos: int) -> bytes | Sleep | Restart:
        return b""

    def write(self, task: Task, data: bytes, pos: int) -> int | Sleep | Restart:
        return len(data)

    def llseek(self, pos: int, whence: int) -> int:
        """drivers/char/mem.c:null_lseek"""
        return 0


def fill_super(s_type: str, ids: MountIds, user_ns: UserNamespace, mode: int = 0o755) -> RamSuper:
    """An empty root directory.  fs/ramfs/inode.c:ramfs_fill_super"""
    sb = RamSuper(s_type, ids.unnamed_dev.alloc(), user_ns)
    sb.s_root = Dentry("/", None, RamDirectory(sb, sb.new_ino(), stat.S_IFDIR | mode))
    return sb


class ShmemContext(FsContext):
    """tmpfs: of its options, mode is obeyed and the rest is shown.  mm/shmem.c:shmem_fs_parameters"""

    __slots__ = ("mode", "shown")

    def __init__(self, task: Task) -> None:
        super().__init__(task, task.cred.user_ns)
        self.mode = 0o1777
        self.shown = ""

    def parse_param(self, key: str, value: str | None) -> None:
        if key not in ("gid", "huge", "mode", "mpol", "nr_blocks", "nr_inodes", "size", "uid") or not value:
            raise Errno("EINVAL")
        if key == "mode":
            if not value.isdigit() or set(value) & set("89"):
                raise Errno("EINVAL")
            self.mode = int(value, 8) & 0o7777
            value = f"{self.mode:03o}"
        self.shown += f",{key}={value}"

    def get_tree(self) -> SuperBlock:
        task = self.task
        sb = fill_super("tmpfs", task.kernel.mount_ids, self.user_ns, self.mode)
        sb.s_root.d_inode.i_uid, sb.s_root.d_inode.i_gid = task.cred.fsuid, task.cred.fsgid
        sb.options = self.shown
        return sb


class RamfsContext(FsContext):
    """ramfs: takes mode, ignores everything else.  fs/ramfs/inode.c:ramfs_parse_param"""

    __slots__ = ("mode",)

    def __init__(self, task: Task) -> None:
        super().__init__(task, task.cred.user_ns)
        self.mode = 0o755

    def parse_param(self, key: str, value: str | None) -> None:
        if key == "mode":
            try:
                self.mode = int(value or "", 8) & 0o7777
            except ValueError:
                raise Errno("EINVAL") from None

    def get_tree(self) -> SuperBlock:
        sb = fill_super("ramfs", self.task.kernel.mount_ids, self.user_ns, self.mode)
        sb.s_root.d_inode.i_uid, sb.s_root.d_inode.i_gid = self.task.cred.fsuid, self.task.cred.fsgid
        return sb
