"""Names of files, and the text of a path.  Models fs/dcache.c, fs/d_path.c.

A directory in memory holds its entries for good.  Those of procfs are made at each look, except the ones that something is mounted on:
so the root of a million processes costs nothing until somebody looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nscore_sim.inode import Inode
    from nscore_sim.mount import Mount


class Dentry:
    """A name in a directory, or the root of a file system (its own parent).  include/linux/dcache.h"""

    __slots__ = ("d_children", "d_inode", "d_mounts", "d_name", "d_parent", "d_unhashed")

    def __init__(self, name: str, parent: Dentry | None, inode: Inode) -> None:
        self.d_name = name
        self.d_parent = self if parent is None else parent
        self.d_inode = inode
        self.d_children: dict[str, Dentry] | None = None
        self.d_mounts: dict[Mount, None] | None = None  #: what is mounted on it, in all mount namespaces
        self.d_unhashed = False  #: its name was removed


class Path(NamedTuple):
    """A place in the tree of mounts.  include/linux/path.h"""

    mnt: Mount
    dentry: Dentry


def d_alloc_child(parent: Dentry, name: str, inode: Inode) -> Dentry:
    """A new entry that stays.  fs/dcache.c:d_alloc and d_add"""
    child = Dentry(name, parent, inode)
    if parent.d_children is None:
        parent.d_children = {}
    parent.d_children[name] = child
    return child


def d_delete(dentry: Dentry) -> None:
    """Take the name away; who holds the dentry goes on holding it.  fs/dcache.c:d_delete"""
    children = dentry.d_parent.d_children
    if children is not None and children.get(dentry.d_name) is dentry:
        del children[dentry.d_name]
    dentry.d_unhashed = True


def d_pin(dentry: Dentry) -> None:
    """Let look-ups find this very dentry from now on."""
    while dentry.d_parent is not dentry:
        parent = dentry.d_parent
        if parent.d_children is None:
            parent.d_children = {}
        parent.d_children[dentry.d_name] = dentry
        dentry = parent


def d_unlinked(dentry: Dentry) -> bool:
    """include/linux/dcache.h:d_unlinked"""
    return dentry.d_parent is not dentry and (dentry.d_unhashed or dentry.d_inode.flushed())


def is_subdir(new: Dentry, old: Dentry) -> bool:
    """Whether new is old or below it, in one file system.  fs/dcache.c:is_subdir"""
    while new is not old:
        if new.d_parent is new:
            return False
        new = new.d_parent
    return True


def dentry_path(dentry: Dentry) -> str:
    """From the root of the file system.  fs/d_path.c:dentry_path"""
    deleted = d_unlinked(dentry)
    names = []
    while dentry.d_parent is not dentry:
        names.append(dentry.d_name)
        dentry = dentry.d_parent
    return "/" + "/".join(reversed(names)) + ("//deleted" if deleted else "")


def prepend_path(path: Path, root: Path) -> tuple[str, bool]:
    """The path's text and whether root was met on the way up.  fs/d_path.c:prepend_path"""
    mnt, dentry = path
    names: list[str] = []
    reached = True
    while dentry is not root.dentry or mnt is not root.mnt:
        if dentry is mnt.mnt_root:
            if mnt.mnt_parent is mnt:
                reached = False
                break
            mnt, dentry = mnt.mnt_parent, mnt.mnt_mountpoint
            continue
        if dentry.d_parent is dentry:
            reached = False
            break
        names.append(dentry.d_name)
        dentry = dentry.d_parent
    return "/" + "/".join(reversed(names)), reached


def d_path(path: Path, root: Path) -> str:
    """What a link of /proc shows.  fs/d_path.c:d_path"""
    name = path.dentry.d_inode.dname(path.dentry)
    # A namespace that is mounted is at a place like any other file.
    if name is not None and path.dentry is not path.mnt.mnt_root:
        return name
    text, _ = prepend_path(path, root)
    return text + " (deleted)" if d_unlinked(path.dentry) else text
