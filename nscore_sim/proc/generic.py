"""What the files of procfs have in common.  Models fs/proc/generic.c, fs/proc/inode.c, fs/seq_file.c."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from nscore.errors import Errno
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import File
from nscore_sim.inode import Inode, SuperBlock
from nscore_sim.nscommon import get_ns, put_ns

if TYPE_CHECKING:
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.sched import Restart, Sleep
    from nscore_sim.task import Task

#: SuperBlock.hide_pid.  include/linux/proc_fs.h
HIDEPID_OFF, HIDEPID_NO_ACCESS, HIDEPID_INVISIBLE, HIDEPID_NOT_PTRACEABLE = 0, 1, 2, 4

PROC_ROOT_INO = 1


class ProcSuper(SuperBlock):
    """A proc: whose numbers it shows, and what it hides.  include/linux/proc_fs.h:proc_fs_info"""

    __slots__ = ("hide_pid", "pid_gid", "pid_ns", "pidonly")

    def __init__(self, s_dev: int, pid_ns: PidNamespace) -> None:
        super().__init__("proc", s_dev, pid_ns.user_ns)
        self.pid_ns = pid_ns
        self.hide_pid = HIDEPID_OFF
        self.pid_gid = 0
        self.pidonly = False
        self.last_ino = PROC_ROOT_INO


def proc_ns(file: File) -> PidNamespace:
    """The namespace whose numbers the proc shows through which file was opened.  include/linux/proc_fs.h:proc_pid_ns"""
    sb = file.f_path.mnt.mnt_sb
    assert isinstance(sb, ProcSuper)
    return sb.pid_ns


class SeqFile(File):
    """A text that is made when it is read from the beginning, and then kept until it has been read.  fs/seq_file.c"""

    __slots__ = ("text",)

    def __init__(self, path: Path, flags: int, task: Task) -> None:
        super().__init__(path, flags, task.cred)
        self.text: bytes | None = None

    def show(self, task: Task) -> bytes:
        """The text, for the task that reads."""
        raise Errno("EINVAL")

    def store(self, task: Task, data: bytes, pos: int) -> int:
        """Take what is written."""
        raise Errno("EINVAL")

    def read(self, task: Task, n: int, pos: int) -> bytes | Sleep | Restart:
        """fs/seq_file.c:seq_read_iter"""
        if self.text is None or pos == 0:
            self.text = self.show(task)
        return self.text[pos : pos + n]

    def write(self, task: Task, data: bytes, pos: int) -> int | Sleep | Restart:
        return self.store(task, data, pos)

    def llseek(self, pos: int, whence: int) -> int:
        """fs/seq_file.c:seq_lseek"""
        base = (0, self.f_pos)
        if whence >= len(base) or base[whence] + pos < 0:
            raise Errno("EINVAL")
        return base[whence] + pos


#: What the lines of one read are collected in.  asm/page.h
PAGE_SIZE = 4096


class LinesFile(SeqFile):
    """A text made line by line: a read gets whole lines, as many as the buffer holds.  fs/seq_file.c"""

    __slots__ = ("filled", "read_pos", "size")

    def __init__(self, path: Path, flags: int, task: Task) -> None:
        super().__init__(path, flags, task)
        #: Where the last read ended, up to where the buffer goes, and how much it holds.
        self.read_pos = self.filled = 0
        self.size = PAGE_SIZE

    def read(self, task: Task, n: int, pos: int) -> bytes | Sleep | Restart:
        """First what is left in the buffer, then what fits into it.  fs/seq_file.c:seq_read_iter"""
        if self.text is None or pos == 0:
            self.text, self.filled = self.show(task), 0
        elif pos != self.read_pos:
            self.filled = pos if self.text[pos - 1 : pos] == b"\n" else self.line_end(pos)
        end = min(self.filled, pos + n)
        if n and end == self.filled < len(self.text):
            # Where nothing is left, the next line comes into the buffer even if it is not wanted any more.
            self.fill(pos + n - self.filled)
            end = min(self.filled, pos + n)
        self.read_pos = end
        return self.text[pos:end]

    def fill(self, wanted: int) -> None:
        """One line, then more while fewer bytes than wanted are there and the next one fits."""
        begin, self.filled = self.filled, self.line_end(self.filled)
        while self.filled - begin >= self.size:
            self.size *= 2
        assert self.text is not None
        while self.filled - begin < wanted and self.filled < len(self.text):
            end = self.line_end(self.filled)
            if end - begin >= self.size:
                break
            self.filled = end

    def line_end(self, pos: int) -> int:
        """Where the line goes that pos is in."""
        assert self.text is not None
        return self.text.find(b"\n", pos) + 1 or len(self.text)


#: (the reader, the file) -> the text
Show: TypeAlias = Callable[["Task", File], bytes]


class ShowFile(SeqFile):
    """A file outside the directories of processes."""

    __slots__ = ()

    def show(self, task: Task) -> bytes:
        inode = self.f_path.dentry.d_inode
        assert isinstance(inode, ProcFile)
        return inode.show(task, self)

    def store(self, task: Task, data: bytes, pos: int) -> int:
        """fs/proc/inode.c:proc_reg_write"""
        raise Errno("EIO")


class ProcFile(Inode):
    """A file whose text a function makes.  fs/proc/generic.c:proc_create_single_data"""

    __slots__ = ("show",)

    def __init__(self, i_sb: SuperBlock, i_ino: int, show: Show) -> None:
        super().__init__(i_sb, i_ino, stat.S_IFREG | 0o444)
        self.show = show

    def open(self, task: Task, path: Path, flags: int) -> File:
        return ShowFile(path, flags, task)


class ProcLink(Inode):
    """A link whose text a function makes.  fs/proc/self.c, fs/proc/generic.c:proc_symlink"""

    __slots__ = ("target",)

    def __init__(self, i_sb: SuperBlock, i_ino: int, target: Callable[[Task, PidNamespace], str]) -> None:
        super().__init__(i_sb, i_ino, stat.S_IFLNK | 0o777)
        self.target = target

    def readlink(self, task: Task, dentry: Dentry) -> str:
        sb = self.i_sb
        assert isinstance(sb, ProcSuper)
        return self.target(task, sb.pid_ns)


def pin_proc(sb: SuperBlock, users: int) -> None:
    """A mount of a proc keeps the namespace.  fs/proc/root.c:proc_fill_super, proc_kill_sb"""
    assert isinstance(sb, ProcSuper)
    if users > 0:
        get_ns(sb.pid_ns.ns)
    else:
        put_ns(sb.pid_ns.ns)


def make_child(parent: Dentry, name: str, inode: Inode) -> Dentry:
    """The entry, for as long as somebody holds it."""
    return Dentry(name, parent, inode)
