"""How a file system is asked for: its options, then its superblock.  Models fs/fs_context.c, fs/super.c, fs/filesystems.c."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno

if TYPE_CHECKING:
    from nscore_sim.inode import SuperBlock
    from nscore_sim.task import Task
    from nscore_sim.user_namespace import UserNamespace

#: Options that every file system takes and that change nothing here.  fs/fs_context.c:common_set_sb_flag
COMMON_SB_FLAGS = frozenset(("async", "dirsync", "lazytime", "mand", "nolazytime", "nomand", "sync"))


class FsContext:
    """A mount in the making, or a superblock that gets new options.  include/linux/fs_context.h:fs_context"""

    __slots__ = ("for_reconfigure", "sb_rdonly", "source", "task", "user_ns")

    def __init__(self, task: Task, user_ns: UserNamespace) -> None:
        self.task = task
        self.user_ns = user_ns  #: where CAP_SYS_ADMIN is needed
        self.for_reconfigure = False
        self.sb_rdonly = False
        self.source: str | None = None

    def parse_param(self, key: str, value: str | None) -> None:
        """Take an option of this file system; EINVAL."""
        raise Errno("EINVAL")

    def get_tree(self) -> SuperBlock:
        """The superblock that was asked for."""
        raise Errno("ENODEV")

    def reconfigure(self, sb: SuperBlock) -> None:
        """Put the options into a superblock that exists."""


#: A file system by the name that mount(2) knows.
FileSystems = dict[str, Callable[["Task"], FsContext]]


def vfs_parse_fs_param(fc: FsContext, key: str, value: str | None) -> None:
    """fs/fs_context.c:vfs_parse_fs_param"""
    if key in ("ro", "rw"):
        fc.sb_rdonly = key == "ro"
    elif key in COMMON_SB_FLAGS:
        return
    elif key == "source":
        if value is None or fc.source is not None:
            raise Errno("EINVAL")
        fc.source = value
    else:
        fc.parse_param(key, value)


def parse_monolithic_mount_data(fc: FsContext, data: str | None) -> None:
    """mount(2)'s data, item by item; one without a key is passed over.  fs/fs_context.c:generic_parse_monolithic"""
    for item in (data or "").split(","):
        key, equals, value = item.partition("=")
        if key:
            vfs_parse_fs_param(fc, key, value if equals else None)
