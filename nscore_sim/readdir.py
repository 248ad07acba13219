"""Reading a directory whole: open, getdents64 to the end, close.  Models fs/readdir.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD, OpenFlag
from nscore_sim.file import alloc_fd, fput
from nscore_sim.open import do_filp_open

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.task import Task

O_DIRECTORY = int(OpenFlag.DIRECTORY)


def listdir(task: Task, path: str) -> Plain:
    """The names in the directory, in the kernel's order."""
    if not path:
        raise Errno("ENOENT")
    alloc_fd(task)  # open's EMFILE
    file = do_filp_open(task, AT_FDCWD, path, O_DIRECTORY, 0)
    try:
        return tuple(file.iterate(task))
    finally:
        fput(file, task)
