"""Reading a directory whole: open, getdents64 to the end, close.  Models fs/readdir.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD, OpenFlag
from nscore_sim.file import alloc_fd, close, fd_install
from nscore_sim.open import do_filp_open

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.task import Task

O_DIRECTORY = int(OpenFlag.DIRECTORY)


def listdir(task: Task, path: str) -> Plain:
    """The names in the directory, in the kernel's order."""
    if not path:
        raise Errno("ENOENT")
    fd = alloc_fd(task)
    file = do_filp_open(task, AT_FDCWD, path, O_DIRECTORY, 0)
    # Its own descriptor is there while /proc/self/fd is read.
    fd_install(task, fd, file, cloexec=True)
    try:
        return tuple(file.iterate(task))
    finally:
        close(task, fd)
