"""What a command can have mounted, in a mount namespace of its own: the values of the keyword mounts of run() and Popen.

They are made in the order of the sequence, when the namespace's /proc is in its place.  The command's directory is then looked up again
by its path, so that it is what is mounted there now.  Nothing of it is seen outside, and all of it ends with the command.

It is no wall against root: who has CAP_SYS_ADMIN in the command can unmount and remount, unless it is in a user namespace of its own
(map_root_user and the like).  Descriptors that the command inherits stay what they are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeAlias

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import StrOrBytesPath

#: A kind, and what it takes, as the backend has it.
Plain: TypeAlias = "tuple[str | bool, ...]"


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Make everything below a path read-only, other mounts included.

    What is mounted on /proc stays writable, since what is written there goes to processes and not to a disk; ReadOnly("/proc") says
    otherwise.  Device nodes can be written to, as on any read-only mount.  /tmp and /dev/shm are read-only with "/": a Tmpfs helps.

    Args:
        path: A directory or a file, a mount point or not.

    Raises, when the command is made:
        ENOENT, ENOTDIR, EACCES, ELOOP: path cannot be found.

    mount_setattr(2), mount(2)
    """

    path: StrOrBytesPath = "/"

    def lowered(self) -> Plain:
        """For the backend."""
        return "read-only", absolute(self.path)


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """Mount an empty file system in memory: nosuid and nodev, and gone with the command.

    Args:
        path: A directory.
        size: Its limit in bytes; None for the kernel's, half of the memory.
        mode: The permission bits of its root.

    Raises, when the command is made:
        ENOENT, ENOTDIR, EACCES, ELOOP: path cannot be found, or is no directory.
        EINVAL: The kernel does not take size or mode.

    tmpfs(5)
    """

    path: StrOrBytesPath
    size: int | None = None
    mode: int = 0o1777

    def __post_init__(self) -> None:
        refuse_root(self, self.path)

    def lowered(self) -> Plain:
        """For the backend."""
        size = "" if self.size is None else f",size={self.size:d}"
        return "tmpfs", absolute(self.path), f"mode={self.mode:o}{size}"


@dataclass(frozen=True, slots=True)
class Bind:
    """Show a file or directory, and what is mounted below it, at another path too.

    Args:
        source: What is to be seen; as it is when its turn comes, after the mounts before it.
        target: Where: a directory for a directory, a file for a file.
        read_only: Whether it is read-only there.

    Raises, when the command is made:
        ENOENT, EACCES, ELOOP: source or target cannot be found.
        EINVAL: One of them is a directory, the other is not.

    mount(2), open_tree(2)
    """

    source: StrOrBytesPath
    target: StrOrBytesPath
    read_only: bool = False

    def __post_init__(self) -> None:
        refuse_root(self, self.target)

    def lowered(self) -> Plain:
        """For the backend."""
        return "bind", absolute(self.source), absolute(self.target), bool(self.read_only)


Mount: TypeAlias = "ReadOnly | Tmpfs | Bind"


def absolute(path: StrOrBytesPath) -> str:
    """A path from the root on; one without it is the caller's, wherever the command will be."""
    text = os.fsdecode(path)
    if "\0" in text:
        raise ValueError("embedded null byte")
    return text if text.startswith("/") else os.path.join(os.getcwd(), text)


def refuse_root(mount: Mount, path: StrOrBytesPath) -> None:
    """What is mounted over the root of a process is seen by nobody: its paths begin below."""
    if os.path.normpath(os.fsdecode(path)) in ("/", "//"):
        raise ValueError(f"{mount}: a mount over / hides nothing from a process whose root is / already")
