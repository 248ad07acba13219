"""The mounts that a command wishes for, made in a mount namespace that nobody lives in yet."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import chroot, close, mount, mount_setattr, move_mount, open_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nscore.linux.surround import Wish

AT_FDCWD, AT_RECURSIVE = -100, 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS = 4, 0x10
MOUNT_ATTR_RDONLY = 1
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND = 1, 2, 4, 0x20, 0x1000
EINVAL, ENOENT, ENOTDIR, ENOSYS = 22, 2, 20, 38

#: What a remount must repeat, lest it be taken away: the names that mountinfo has for it.  fs/proc_namespace.c:show_mnt_opts
KEPT = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 0x400, "nodiratime": 0x800, "relatime": 0x200000, "nosymfollow": 0x100}


class Misplaced(Exception):
    """A mount that the kernel refused: what it was to be, and the OSError with the paths."""

    def __init__(self, kind: str, error: OSError, *paths: str) -> None:
        super().__init__(kind, error, paths)
        self.kind, self.error, self.paths = kind, error, paths


class Room:
    """The mount namespace of a command that is not there yet.  To be made before a /proc is mounted where the caller has no number."""

    def __init__(self) -> None:
        try:
            self._own = os.open("/proc/thread-self", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self._own = -1  # there is no /proc, and it is not needed but before Linux 5.12

    def close(self) -> None:
        """Hold nothing any more."""
        if self._own >= 0:
            close(self._own)

    def furnish(self, wishes: Sequence[Wish]) -> None:
        """Make the mounts in their order; Misplaced says which one failed."""
        for kind, *arguments in wishes:
            KINDS[kind](self, *arguments)

    def read_only(self, path: str) -> None:
        """Everything at path and below it read-only; but /proc, unless it is meant."""
        spared = not f"{os.path.normpath(path)}/".startswith("/proc/") and writable("/proc")
        placed("ReadOnly", self._make_read_only, path)
        if spared and not writable("/proc"):
            placed("ReadOnly", lambda proc: self._set(proc, False, 0), "/proc")

    def tmpfs(self, path: str, data: str) -> None:
        """An empty tmpfs."""
        placed("Tmpfs", lambda target: mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, data), path)

    def bind(self, source: str, target: str, read_only: bool) -> None:
        """A tree at another place."""
        tree = placed("Bind", clone_of, source)
        try:
            placed("Bind", lambda _, target: attach(tree, target), source, target)
        finally:
            close(tree)
        if read_only:
            placed("Bind", lambda _, target: self._make_read_only(target), source, target)

    def _make_read_only(self, path: str) -> None:
        try:
            self._set(path, True, AT_RECURSIVE)
        except OSError as error:
            if error.errno != EINVAL:
                raise
            self._make_mount(path)
            self._set(path, True, AT_RECURSIVE)

    def _make_mount(self, path: str) -> None:
        """What is no mount point becomes one; where it is the root of a chroot, the thread's root goes along."""
        tree = clone_of(path)
        try:
            is_root = os.path.samestat(os.stat(path), os.stat("/"))
            attach(tree, path)
            if is_root:
                os.fchdir(tree)
                chroot(".")
        finally:
            close(tree)

    def _set(self, path: str, read_only: bool, flags: int) -> None:
        sets, clears = (MOUNT_ATTR_RDONLY, 0) if read_only else (0, MOUNT_ATTR_RDONLY)
        try:
            mount_setattr(AT_FDCWD, path, flags, sets, clears)
        except OSError as error:
            if error.errno != ENOSYS:
                raise
            self.remount(path, read_only, flags)

    def remount(self, path: str, read_only: bool, flags: int) -> None:
        """mount_setattr before Linux 5.12, or behind a filter that does not know it: one mount after the other."""
        options = self._options()
        real = os.path.realpath(path)
        mount(None, path, None, remounting(options.get(real, ""), read_only))
        below = [point for point in options if point != real and point.startswith(real.rstrip("/") + "/")]
        for point in below if flags & AT_RECURSIVE else ():
            try:
                mount(None, point, None, remounting(options[point], read_only))
            except OSError as error:
                if error.errno not in (EINVAL, ENOENT, ENOTDIR):  # hidden by a mount over it, where nobody comes to it
                    raise

    def _options(self) -> dict[str, str]:
        """The options of what is mounted, by mount point; the upper one where there are two."""
        if self._own < 0:
            raise OSError(ENOSYS, "mount_setattr, and there is no /proc to do without it")
        with open(os.open("mountinfo", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._own), encoding="utf-8", errors="surrogateescape") as file:
            fields = [line.split(" ") for line in file]
        import re

        return {re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field[4]): field[5] for field in fields}


KINDS: dict[object, Callable[..., None]] = {"read-only": Room.read_only, "tmpfs": Room.tmpfs, "bind": Room.bind}


def placed(kind: str, make: Callable[..., int | None], *paths: str) -> int:
    """What make returns for the paths; Misplaced names them."""
    try:
        return make(*paths) or 0
    except OSError as error:
        raise Misplaced(kind, error, *paths) from None


def clone_of(path: str) -> int:
    """A copy of the mounts at and below a path, which is nowhere yet.  Without those below it would be refused in a user namespace."""
    return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)


def attach(tree: int, path: str) -> None:
    """Put a tree somewhere."""
    move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS)


def remounting(options: str, read_only: bool) -> int:
    """The flags of a remount that changes one thing."""
    return MS_REMOUNT | MS_BIND | MS_RDONLY * read_only | sum(KEPT.get(option, 0) for option in options.split(","))


def writable(path: str) -> bool:
    """Whether the mount at a path can be written to, as far as it is its own affair; False where there is none."""
    try:
        return not os.statvfs(path).f_flag & os.ST_RDONLY
    except OSError:
        return False
