"""Pipes.  Models fs/pipe.c: 65536 bytes, of which up to 4096 are written whole or not at all.

Left out: the bookkeeping by pages, which makes Linux call a pipe full a little earlier when it holds many small pieces.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import OpenFlag, PollEvent, Signal
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import O_CLOEXEC, O_NONBLOCK, O_WRONLY, File, fd_install, get_unused_fds, readable, writable
from nscore_sim.inode import Inode
from nscore_sim.mount import kern_mount
from nscore_sim.read_write import Transfer
from nscore_sim.sched import Restart, Sleep, signal_pending, sleep_on, wake_up
from nscore_sim.signal import send_sig

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.inode import SuperBlock
    from nscore_sim.sched import WaitQueueHead
    from nscore_sim.task import Task

PIPE_BUF, CAPACITY = 4096, 65536
O_DIRECT = int(OpenFlag.DIRECT)

POLL_READABLE = int(PollEvent.IN | PollEvent.RDNORM)
POLL_WRITABLE = int(PollEvent.OUT | PollEvent.WRNORM)
POLL_HUP, POLL_ERR = int(PollEvent.HUP), int(PollEvent.ERR)


class PipeInode(Inode):
    """The buffer and who is at its ends.  include/linux/pipe_fs_i.h:pipe_inode_info"""

    __slots__ = ("data", "rd_wait", "readers", "wr_wait", "writers")

    def __init__(self, i_sb: SuperBlock, i_uid: int, i_gid: int) -> None:
        super().__init__(i_sb, i_sb.new_ino(), stat.S_IFIFO | 0o600, i_uid, i_gid)
        self.data = bytearray()
        self.readers = self.writers = 0
        self.rd_wait: WaitQueueHead = {}
        self.wr_wait: WaitQueueHead = {}

    def dname(self, dentry: Dentry) -> str:
        return f"pipe:[{self.i_ino}]"

    def open(self, task: Task, path: Path, flags: int) -> File:
        """One end more, through /proc/PID/fd.  fs/pipe.c:fifo_open"""
        return PipeFile(self, path, flags, task)


class PipeFile(File):
    """An end of a pipe, or both.  fs/pipe.c:pipefifo_fops"""

    __slots__ = ("pipe",)
    seekable = False
    stream = True
    fasync = True

    def __init__(self, pipe: PipeInode, path: Path, flags: int, task: Task) -> None:
        super().__init__(path, flags, task.cred)
        self.pipe = pipe
        pipe.readers += readable(self)
        pipe.writers += writable(self)

    def read(self, task: Task, n: int, pos: int) -> bytes | Sleep | Restart:
        """fs/pipe.c:pipe_read"""
        pipe = self.pipe
        if not n:
            return b""
        if pipe.data:
            taken = bytes(pipe.data[:n])
            del pipe.data[:n]
            wake_up(pipe.wr_wait)
            return taken
        if not pipe.writers:
            return b""
        if self.f_flags & O_NONBLOCK:
            raise Errno("EAGAIN")
        return Restart.SYS if signal_pending(task) else sleep_on(task, pipe.rd_wait)

    def write(self, task: Task, data: bytes, pos: int) -> int | Sleep | Restart:
        """fs/pipe.c:pipe_write"""
        pipe = self.pipe
        state = task.restart
        assert isinstance(state, Transfer)
        if not data:
            return 0
        if not pipe.readers:
            send_sig(int(Signal.PIPE), task, force=False)
            if state.done:
                return state.done
            raise Errno("EPIPE")
        state.done += pipe_take(pipe, data[state.done :], len(data) <= PIPE_BUF)
        if state.done == len(data):
            return state.done
        if self.f_flags & O_NONBLOCK:
            if state.done:
                return state.done
            raise Errno("EAGAIN")
        if signal_pending(task):
            return state.done or Restart.SYS
        return sleep_on(task, pipe.wr_wait)

    def poll(self, task: Task) -> int:
        """fs/pipe.c:pipe_poll"""
        pipe = self.pipe
        mask = 0
        if readable(self):
            mask |= (POLL_READABLE if pipe.data else 0) | (0 if pipe.writers else POLL_HUP)
        if writable(self):
            mask |= (POLL_WRITABLE if len(pipe.data) + PIPE_BUF <= CAPACITY else 0) | (0 if pipe.readers else POLL_ERR)
        return mask

    def poll_wait(self, task: Task) -> tuple[WaitQueueHead, ...]:
        return (self.pipe.rd_wait,) * readable(self) + (self.pipe.wr_wait,) * writable(self)

    def release(self, task: Task) -> None:
        """fs/pipe.c:pipe_release"""
        pipe = self.pipe
        pipe.readers -= readable(self)
        pipe.writers -= writable(self)
        wake_up(pipe.rd_wait)
        wake_up(pipe.wr_wait)


def pipe_take(pipe: PipeInode, data: bytes, whole: bool) -> int:
    """Put into the buffer what fits, or nothing unless all fits; how much."""
    room = CAPACITY - len(pipe.data)
    if whole and room < len(data):
        return 0
    pipe.data += data[:room]
    wake_up(pipe.rd_wait)
    return min(room, len(data))


def pipe2(task: Task, flags: int) -> Plain:
    """pipe2(2).  fs/pipe.c:do_pipe2, create_pipe_files"""
    if flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT):
        raise Errno("EINVAL")
    fds = get_unused_fds(task, 2)
    mnt = kern_mount(task.kernel, "pipefs")
    pipe = PipeInode(mnt.mnt_sb, task.cred.fsuid, task.cred.fsgid)
    path = Path(mnt, Dentry("", None, pipe))
    kept = flags & (O_NONBLOCK | O_DIRECT)
    for fd, way in zip(fds, (0, O_WRONLY)):
        fd_install(task, fd, PipeFile(pipe, path, way | kept, task), bool(flags & O_CLOEXEC))
    return tuple(fds)
