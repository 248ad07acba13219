"""The classic calls of a mount namespace and, for whoever wants a mount without a path, the ones of file descriptors."""

from __future__ import annotations

import sys
from ctypes import byref, sizeof

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.structs import fsencode, mount_attr


def _text(value: str | None) -> bytes | None:
    return None if value is None else fsencode(value)


def mount(source: str | None, target: str, fstype: str | None, flags: int = 0, data: str | None = None) -> None:
    """mount(2): None is NULL."""
    syscall("mount", _text(source), fsencode(target), _text(fstype), flags, _text(data))


def umount2(target: str, flags: int = 0) -> None:
    """umount2(2); umount(2), where it exists at all, has no flags."""
    syscall("umount2", fsencode(target), flags)


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2)"""
    syscall("pivot_root", fsencode(new_root), fsencode(put_old))


def fsopen(fsname: str, flags: int = 0) -> int:
    """fsopen(2): FSOPEN_CLOEXEC is 1.  Since Linux 5.2, like the rest here but mount_setattr."""
    return syscall("fsopen", fsencode(fsname), flags)


def fsconfig(fd: int, cmd: int, key: str | None = None, value: str | bytes | None = None, aux: int = 0) -> None:
    """fsconfig(2): what key, value and aux are depends on cmd; for SET_BINARY aux is value's length."""
    syscall("fsconfig", fd, cmd, _text(key), value if isinstance(value, bytes) else _text(value), aux)


def fsmount(fd: int, flags: int = 0, attr_flags: int = 0) -> int:
    """fsmount(2): a descriptor of a mount that is in no namespace; FSMOUNT_CLOEXEC is 1."""
    return syscall("fsmount", fd, flags, attr_flags)


def move_mount(from_dirfd: int, from_path: str, to_dirfd: int, to_path: str, flags: int = 0) -> None:
    """move_mount(2): MOVE_MOUNT_F_EMPTY_PATH, 4, for the mount that from_dirfd is."""
    syscall("move_mount", from_dirfd, fsencode(from_path), to_dirfd, fsencode(to_path), flags)


def open_tree(dirfd: int, path: str, flags: int = 0) -> int:
    """open_tree(2): OPEN_TREE_CLONE is 1, OPEN_TREE_CLOEXEC is O_CLOEXEC, AT_RECURSIVE 0x8000."""
    return syscall("open_tree", dirfd, fsencode(path), flags)


def mount_setattr(
    dirfd: int, path: str, flags: int = 0, attr_set: int = 0, attr_clr: int = 0, propagation: int = 0, userns_fd: int = 0
) -> None:
    """mount_setattr(2), since Linux 5.12: mount_attr and its size, 32."""
    attributes = mount_attr(attr_set, attr_clr, propagation, userns_fd)
    syscall("mount_setattr", dirfd, fsencode(path), flags, byref(attributes), sizeof(attributes))
