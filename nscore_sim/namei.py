"""Walking paths: mounts, symbolic links, `..`, permissions; making and removing names.  Models fs/namei.c.

A walk is atomic, so nothing is counted on the way and nothing retried.  Left out: hard links, rename, rmdir.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AT_FDCWD
from nscore_sim.dcache import Path, d_delete, d_unlinked, is_subdir
from nscore_sim.file import fget_raw
from nscore_sim.fs_struct import task_fs
from nscore_sim.inode import MAY_EXEC, MAY_WRITE, inode_permission
from nscore_sim.mount import MNT_EXPIRY_MARK, MNT_READONLY, follow_down, is_local_mountpoint, path_mounted
from nscore_sim.mount_tree import detach_mounts
from nscore_sim.user_namespace import INVALID_ID, from_kgid, from_kuid

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.dcache import Dentry
    from nscore_sim.inode import SuperBlock
    from nscore_sim.mount import Mount
    from nscore_sim.task import Task

PATH_MAX, NAME_MAX, MAXSYMLINKS = 4096, 255, 40

#: What becomes of the last component.  include/linux/namei.h
LOOKUP_FOLLOW, LOOKUP_DIRECTORY = 1, 2


class Nameidata:
    """A walk under way.  fs/namei.c:nameidata"""

    __slots__ = ("path", "root", "task", "total_link_count")

    def __init__(self, task: Task, path: Path, root: Path) -> None:
        self.task = task
        self.path = path
        self.root = root
        self.total_link_count = 0


def user_path_at(task: Task, dfd: int, name: str, flags: int = LOOKUP_FOLLOW) -> Path:
    """The place that name leads to, whose mount is in use thereby.  fs/namei.c:user_path_at; fs/namespace.c:mntput"""
    path = filename_lookup(task, dfd, name, flags)
    path.mnt.mnt_flags &= ~MNT_EXPIRY_MARK
    return path


def filename_lookup(task: Task, dfd: int, name: str, flags: int) -> Path:
    """The same, for umount2, which does not count as use.  fs/namei.c:filename_lookup, path_lookupat"""
    nd = path_init(task, dfd, name)
    walk(nd, components(name), bool(flags & LOOKUP_FOLLOW) or name.endswith("/"))
    if (flags & LOOKUP_DIRECTORY or name.endswith("/")) and not d_is_dir(nd.path.dentry):
        raise Errno("ENOTDIR")
    return nd.path


def filename_parentat(task: Task, dfd: int, name: str) -> tuple[Nameidata, str]:
    """The directory of the last component, and that; "" where there is none.  fs/namei.c:filename_parentat"""
    nd = path_init(task, dfd, name)
    names = components(name)
    walk(nd, names[:-1], follow=True)
    if names:
        may_lookup(nd)
    nd.path.mnt.mnt_flags &= ~MNT_EXPIRY_MARK
    return nd, names[-1] if names else ""


def path_init(task: Task, dfd: int, name: str) -> Nameidata:
    """Where the walk begins.  fs/namei.c:path_init"""
    if not name:
        raise Errno("ENOENT")
    if len(name.encode(errors="surrogateescape")) >= PATH_MAX:
        raise Errno("ENAMETOOLONG")
    fs = task_fs(task)
    if name[0] == "/":
        return Nameidata(task, fs.root, fs.root)
    if dfd == AT_FDCWD:
        return Nameidata(task, fs.pwd, fs.root)
    path = fget_raw(task, dfd).f_path
    if not d_is_dir(path.dentry):
        raise Errno("ENOTDIR")
    return Nameidata(task, path, fs.root)


def components(name: str) -> list[str]:
    """The names between the slashes."""
    return [part for part in name.split("/") if part]


def walk(nd: Nameidata, names: list[str], follow: bool) -> None:
    """Go through names; a link that is the last one is followed if follow says so.  fs/namei.c:link_path_walk, walk_component"""
    left = names[::-1]
    while left:
        name = left.pop()
        may_lookup(nd)
        if name == ".":
            continue
        if name == "..":
            follow_dotdot(nd)
            continue
        path = follow_down(Path(nd.path.mnt, lookup_one(nd.task, nd.path.dentry, name)))
        if stat.S_ISLNK(path.dentry.d_inode.i_mode) and (left or follow):
            left += components(pick_link(nd, path))[::-1]
        else:
            nd.path = path


def pick_link(nd: Nameidata, path: Path) -> str:
    """Follow the link at path: go where it jumps, or return what has to be walked.  fs/namei.c:pick_link"""
    nd.total_link_count += 1
    if nd.total_link_count > MAXSYMLINKS:
        raise Errno("ELOOP")
    target = path.dentry.d_inode.get_link(nd.task, path.dentry)
    if isinstance(target, Path):
        nd.path = target
        return ""
    if target.startswith("/"):
        nd.path = nd.root
    return target


def may_lookup(nd: Nameidata) -> None:
    """ENOTDIR, EACCES.  fs/namei.c:may_lookup"""
    inode = nd.path.dentry.d_inode
    if not stat.S_ISDIR(inode.i_mode):
        raise Errno("ENOTDIR")
    inode_permission(nd.task, inode, MAY_EXEC)


def lookup_one(task: Task, parent: Dentry, name: str) -> Dentry:
    """The entry of that name, from the cache or from the file system; ENOENT.  fs/namei.c:lookup_fast, lookup_slow"""
    children = parent.d_children
    child = children.get(name) if children else None
    if child is not None:
        if not child.d_inode.stale():
            return child
        d_delete(child)
        detach_mounts(child)
    return parent.d_inode.lookup(task, parent, name)


def follow_dotdot(nd: Nameidata) -> None:
    """Go up, out of mounts too, but not above the root; then onto whatever is mounted there.  fs/namei.c:follow_dotdot"""
    path = nd.path
    if path != nd.root:
        below = choose_mountpoint(path.mnt, nd.root) if path_mounted(path) else path
        if below is not None:
            path = Path(below.mnt, below.dentry.d_parent)
            # A directory that was moved out of what is mounted has no way up.
            if not is_subdir(path.dentry, path.mnt.mnt_root):
                raise Errno("ENOENT")
    nd.path = follow_down(path)


def choose_mountpoint(mnt: Mount, root: Path) -> Path | None:
    """The place of mnt, or of the first mount below it that does not lie on another's root; None at the top.

    fs/namei.c:choose_mountpoint_rcu
    """
    while mnt.mnt_parent is not mnt:
        mnt, mountpoint = mnt.mnt_parent, mnt.mnt_mountpoint
        if root == (mnt, mountpoint):
            return None
        if mountpoint is not mnt.mnt_root:
            return Path(mnt, mountpoint)
    return None


def d_is_dir(dentry: Dentry) -> bool:
    """include/linux/dcache.h:d_is_dir"""
    return stat.S_ISDIR(dentry.d_inode.i_mode)


def want_write(path: Path) -> None:
    """EROFS.  fs/namespace.c:mnt_want_write"""
    if path.mnt.mnt_flags & MNT_READONLY or path.mnt.mnt_sb.s_rdonly:
        raise Errno("EROFS")


def create(task: Task, parent: Path, name: str, mode: int) -> Dentry:
    """Make what the type in mode says.  fs/namei.c:may_create and vfs_create, vfs_mkdir"""
    if not parent.dentry.d_inode.creates:
        raise Errno("ENOENT")
    want_write(parent)
    if d_unlinked(parent.dentry):
        raise Errno("ENOENT")
    if not fsuidgid_has_mapping(task, parent.mnt.mnt_sb):
        raise Errno("EOVERFLOW")
    inode_permission(task, parent.dentry.d_inode, MAY_WRITE | MAY_EXEC)
    mode = mode & ~task_fs(task).umask | stat.S_IFMT(mode)
    return parent.dentry.d_inode.create(task, parent.dentry, name, mode)


def fsuidgid_has_mapping(task: Task, sb: SuperBlock) -> bool:
    """Whether what task makes there would have an owner.  include/linux/fs.h:fsuidgid_has_mapping"""
    ns, cred = sb.s_user_ns, task.cred
    return INVALID_ID not in (from_kuid(ns, cred.fsuid), from_kgid(ns, cred.fsgid))


def exists(task: Task, parent: Dentry, name: str) -> bool:
    """Whether there is an entry of that name."""
    try:
        lookup_one(task, parent, name)
    except Errno as error:
        if error.name != "ENOENT":
            raise
        return False
    return True


def mkdir(task: Task, path: str, mode: int) -> Plain:
    """mkdir(2).  fs/namei.c:do_mkdirat, filename_create"""
    nd, name = filename_parentat(task, AT_FDCWD, path)
    if name in ("", ".", "..") or exists(task, nd.path.dentry, name):
        raise Errno("EEXIST")
    create(task, nd.path, name, stat.S_IFDIR | mode & 0o1777)
    return None


def unlink(task: Task, path: str) -> Plain:
    """unlink(2).  fs/namei.c:do_unlinkat, vfs_unlink"""
    nd, name = filename_parentat(task, AT_FDCWD, path)
    if name in ("", ".", ".."):
        raise Errno("EISDIR")
    want_write(nd.path)
    parent = nd.path.dentry
    dentry = lookup_one(task, parent, name)
    if path.endswith("/"):
        raise Errno("EISDIR" if d_is_dir(dentry) else "ENOTDIR")
    inode_permission(task, parent.d_inode, MAY_WRITE | MAY_EXEC)
    if dentry.d_inode.immutable:
        raise Errno("EPERM")
    if d_is_dir(dentry):
        raise Errno("EISDIR")
    if is_local_mountpoint(task, dentry):
        raise Errno("EBUSY")
    parent.d_inode.unlink(task, dentry)
    d_delete(dentry)
    detach_mounts(dentry)
    return None
