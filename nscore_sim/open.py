"""open(2) and the calls that only walk a path: access, chdir, chroot.  Models fs/open.c, fs/namei.c:path_openat."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD, OpenFlag
from nscore_sim.commoncap import SECBIT_NO_SETUID_FIXUP
from nscore_sim.cred import prepare_creds, put_cred
from nscore_sim.dcache import Path
from nscore_sim.file import O_ACCMODE, O_CLOEXEC, O_PATH, File, alloc_fd, fd_install, fput
from nscore_sim.inode import MAY_EXEC, MAY_READ, MAY_WRITE, inode_owner_or_capable, inode_permission
from nscore_sim.mount import MNT_NOEXEC, follow_down
from nscore_sim.namei import (
    LOOKUP_DIRECTORY,
    LOOKUP_FOLLOW,
    Nameidata,
    components,
    create,
    d_is_dir,
    filename_parentat,
    lookup_one,
    may_lookup,
    pick_link,
    user_path_at,
    walk,
    want_write,
)
from nscore_sim.user_namespace import from_kuid

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.cred import Cred
    from nscore_sim.task import Task

O_CREAT, O_EXCL, O_TRUNC = int(OpenFlag.CREAT), int(OpenFlag.EXCL), int(OpenFlag.TRUNC)
O_DIRECTORY, O_NOFOLLOW = int(OpenFlag.DIRECTORY), int(OpenFlag.NOFOLLOW)
O_DIRECT, O_NOATIME = int(OpenFlag.DIRECT), int(OpenFlag.NOATIME)
#: fs/fcntl.c:VALID_OPEN_FLAGS; open(2) ignores all else.
VALID_OPEN_FLAGS = 0o17777703 | O_DIRECTORY
#: What every open of a 64-bit process has.
O_LARGEFILE = int(OpenFlag.LARGEFILE)
#: What is left beside O_PATH.
O_PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC
#: What open looks at and the file does not keep.
OPEN_ONLY = O_CREAT | O_EXCL | int(OpenFlag.NOCTTY) | O_TRUNC

#: include/linux/fs.h:ACC_MODE
ACC_MODE = (MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE)


def open(task: Task, path: str, flags: int, mode: int) -> Plain:
    """open(2)"""
    return openat(task, AT_FDCWD, path, flags, mode)


def openat(task: Task, dirfd: int, path: str, flags: int, mode: int) -> Plain:
    """openat(2).  fs/open.c:do_sys_openat2"""
    flags = build_open_flags(flags)
    if not path:
        raise Errno("ENOENT")
    fd = alloc_fd(task)
    file = do_filp_open(task, dirfd, path, flags, mode)
    fd_install(task, fd, file, bool(flags & O_CLOEXEC))
    return fd


def build_open_flags(flags: int) -> int:
    """fs/open.c:build_open_flags"""
    flags &= VALID_OPEN_FLAGS
    if flags & O_PATH:
        return flags & O_PATH_FLAGS
    if flags & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY:
        raise Errno("EINVAL")
    return flags | O_LARGEFILE


def do_filp_open(task: Task, dfd: int, name: str, flags: int, mode: int) -> File:
    """fs/namei.c:do_filp_open, path_openat"""
    if flags & O_CREAT:
        path, created = open_create(task, dfd, name, flags, mode)
    else:
        walked = (0 if flags & O_NOFOLLOW else LOOKUP_FOLLOW) | (LOOKUP_DIRECTORY if flags & O_DIRECTORY else 0)
        path, created = user_path_at(task, dfd, name, walked), False
    if flags & O_PATH:
        return PathFile(path, flags, task.cred)
    if not created:
        may_open(task, path, flags)
    return vfs_open(task, path, flags)


class PathFile(File):
    """A place, and nothing but that: O_PATH.  What it is the place of stays.  fs/open.c:do_dentry_open, empty_fops"""

    __slots__ = ()

    def __init__(self, path: Path, flags: int, cred: Cred) -> None:
        super().__init__(path, flags, cred)
        path.dentry.d_inode.pin(1)

    def release(self, task: Task) -> None:
        self.f_path.dentry.d_inode.pin(-1)


def open_create(task: Task, dfd: int, name: str, flags: int, mode: int) -> tuple[Path, bool]:
    """Find the file or make it, and say which.  fs/namei.c:open_last_lookups, lookup_open"""
    nd, last = filename_parentat(task, dfd, name)
    while True:
        if last in ("", ".", ".."):
            walk(nd, [last] if last else [], follow=True)
            return nd.path, False
        if name.endswith("/"):
            raise Errno("EISDIR")
        try:
            path = follow_down(Path(nd.path.mnt, lookup_one(task, nd.path.dentry, last)))
        except Errno as error:
            if error.name != "ENOENT" or not d_is_dir(nd.path.dentry):
                raise
            return Path(nd.path.mnt, create(task, nd.path, last, stat.S_IFREG | mode & 0o7777)), True
        if flags & O_EXCL:
            raise Errno("EEXIST")
        if not stat.S_ISLNK(path.dentry.d_inode.i_mode) or flags & O_NOFOLLOW:
            return path, False
        jumped = follow_last(nd, path)
        if jumped is None:
            return nd.path, False
        last = jumped


def follow_last(nd: Nameidata, path: Path) -> str | None:
    """Go where the link leads, up to its last component, which is returned; None where it jumps."""
    names = components(pick_link(nd, path))
    if not names:
        return None
    walk(nd, names[:-1], follow=True)
    may_lookup(nd)
    return names[-1]


def may_open(task: Task, path: Path, flags: int) -> None:
    """fs/namei.c:do_open, may_open"""
    inode = path.dentry.d_inode
    if flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL:
        raise Errno("EEXIST")
    acc_mode = ACC_MODE[flags & O_ACCMODE] | (MAY_WRITE if flags & O_TRUNC else 0)
    if flags & O_CREAT and stat.S_ISDIR(inode.i_mode):
        raise Errno("EISDIR")
    if flags & O_TRUNC and stat.S_ISREG(inode.i_mode):
        want_write(path)
    if stat.S_ISLNK(inode.i_mode):
        raise Errno("ELOOP")
    if stat.S_ISDIR(inode.i_mode) and acc_mode & MAY_WRITE:
        raise Errno("EISDIR")
    inode_permission(task, inode, acc_mode)
    if flags & O_NOATIME and not inode_owner_or_capable(task, inode):
        raise Errno("EPERM")


def vfs_open(task: Task, path: Path, flags: int) -> File:
    """fs/open.c:do_dentry_open"""
    inode = path.dentry.d_inode
    if flags & O_ACCMODE and not stat.S_ISCHR(inode.i_mode):
        want_write(path)
    file = inode.open(task, path, flags & ~OPEN_ONLY)
    if flags & O_DIRECT and not file.can_odirect():
        fput(file, task)
        raise Errno("EINVAL")
    if flags & O_TRUNC:
        inode.truncate(0)
    return file


def do_open_execat(task: Task, dfd: int, name: str, flags: int = LOOKUP_FOLLOW) -> Path:
    """The file that execve is to run; EACCES where it is not regular, not executable, or on a mount without that.

    fs/exec.c:do_open_execat
    """
    path = user_path_at(task, dfd, name, flags)
    inode = path.dentry.d_inode
    if stat.S_ISLNK(inode.i_mode):
        raise Errno("ELOOP")
    if not stat.S_ISREG(inode.i_mode) or path.mnt.mnt_flags & MNT_NOEXEC:
        raise Errno("EACCES")
    inode_permission(task, inode, MAY_EXEC)
    return path


def access(task: Task, path: str, mode: int) -> Plain:
    """access(2) with 1 for yes and 0 for every error, for the real ids and their capabilities.  fs/open.c:do_faccessat"""
    override = access_override_creds(task)
    effective, task.cred = task.cred, override
    try:
        found = user_path_at(task, AT_FDCWD, path)
        if mode & ~7:
            return 0
        if mode & MAY_WRITE and not stat.S_ISCHR(found.dentry.d_inode.i_mode):
            want_write(found)
        if mode:
            inode_permission(task, found.dentry.d_inode, mode)
    except Errno:
        return 0
    finally:
        task.cred = effective
        put_cred(override)
    return 1


def access_override_creds(task: Task) -> Cred:
    """fs/open.c:access_override_creds"""
    new = prepare_creds(task)
    new.fsuid, new.fsgid = new.uid, new.gid
    if not new.securebits & SECBIT_NO_SETUID_FIXUP:
        new.cap_effective = new.cap_permitted if from_kuid(new.user_ns, new.uid) == 0 else 0
    return new
