"""Propagation of mounts among peers, from masters to slaves.  Models fs/pnode.c."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nscore.flags import MountFlag
from nscore_sim.dcache import Dentry, is_subdir
from nscore_sim.mount import (
    CL_MAKE_SHARED,
    CL_SLAVE,
    MNT_UNBINDABLE,
    Mount,
    copy_tree,
    set_mnt_master,
    set_mnt_shared,
)

if TYPE_CHECKING:
    from nscore_sim.mount import MntNamespace

MS_SHARED, MS_SLAVE, MS_UNBINDABLE = int(MountFlag.SHARED), int(MountFlag.SLAVE), int(MountFlag.UNBINDABLE)


def change_mnt_propagation(mnt: Mount, kind: int) -> None:
    """fs/pnode.c:change_mnt_propagation"""
    if kind == MS_SHARED:
        set_mnt_shared(mnt)
        return
    make_slave(mnt)
    if kind == MS_SLAVE:
        return
    leave_master(mnt)
    if kind == MS_UNBINDABLE:
        mnt.mnt_flags |= MNT_UNBINDABLE
    else:
        mnt.mnt_flags &= ~MNT_UNBINDABLE


def leave_master(mnt: Mount) -> None:
    """Let no more events come."""
    if mnt.mnt_master is not None and mnt.mnt_master.mnt_slave_list is not None:
        del mnt.mnt_master.mnt_slave_list[mnt]
    mnt.mnt_master = None


def make_slave(mnt: Mount) -> None:
    """Leave the peers and be a slave to one of them, with one's own slaves; without peers to one's master, if any.

    fs/pnode.c:do_make_slave
    """
    master = leave_peers(mnt) or mnt.mnt_master
    slaves = list(mnt.mnt_slave_list or ())
    mnt.mnt_slave_list = None
    for slave in slaves:
        slave.mnt_master = None
    if master is None:
        return
    leave_master(mnt)
    for slave in (mnt, *slaves):
        set_mnt_master(slave, master)


def leave_peers(mnt: Mount) -> Mount | None:
    """Stop being shared; the peer that takes over, one with the same root if possible."""
    group, mnt.mnt_share = mnt.mnt_share, None
    if group is None:
        return None
    members = list(group)
    at = members.index(mnt)
    others = members[at + 1 :] + members[:at]
    del group[mnt]
    if not others:
        mnt.ids.mnt_group.free(mnt.mnt_group_id)
    mnt.mnt_group_id = 0
    return next((peer for peer in others if peer.mnt_root is mnt.mnt_root), others[0] if others else None)


def propagation(origin: Mount) -> Iterator[Mount]:
    """All that events of origin reach, without itself.  fs/pnode.c:propagation_next"""
    for mnt in origin.mnt_share or (origin,):
        if mnt is not origin:
            yield mnt
        for slave in list(mnt.mnt_slave_list or ()):
            if slave.mnt_share is None or first_of_group(slave, mnt):
                yield slave
                yield from propagation(slave)


def first_of_group(slave: Mount, master: Mount) -> bool:
    """Whether no peer of slave comes before it among the slaves of master's group."""
    for peer in master.mnt_share or (master,):
        for other in peer.mnt_slave_list or ():
            if other is slave:
                return True
            if other.mnt_share is slave.mnt_share:
                return False
    return True


def propagate_mnt(dest: Mount, mountpoint: Dentry, source: Mount) -> list[tuple[Mount, Mount]]:
    """Copies of the tree at source for all that dest's events reach, each with the mount it belongs on.  fs/pnode.c:propagate_mnt"""
    copies: list[tuple[Mount, Mount]] = []
    _propagate_group(dest, mountpoint, source, copies)
    return copies


def _propagate_group(first: Mount, mountpoint: Dentry, source: Mount, copies: list[tuple[Mount, Mount]]) -> None:
    """Serve first's peers with peers of source, which serves first, and their slaves with slaves of it."""
    group = list(first.mnt_share or (first,))
    for peer in group:
        if peer is not first and is_subdir(mountpoint, peer.mnt_root):
            copies.append((peer, copy_tree(source, source.mnt_root, CL_MAKE_SHARED)))
    for peer in group:
        for slave in list(peer.mnt_slave_list or ()):
            if slave.mnt_share is None or first_of_group(slave, peer):
                _propagate_slaves(slave, mountpoint, source, copies)


def _propagate_slaves(first: Mount, mountpoint: Dentry, source: Mount, copies: list[tuple[Mount, Mount]]) -> None:
    """Serve a slave, with its peers and their slaves; the first that has the place gets a slave of source."""
    shared = CL_MAKE_SHARED if first.mnt_share is not None else 0
    for member in [first, *(peer for peer in first.mnt_share or () if peer is not first)]:
        if is_subdir(mountpoint, member.mnt_root):
            copy = copy_tree(source, source.mnt_root, CL_SLAVE | shared)
            copies.append((member, copy))
            _propagate_group(member, mountpoint, copy, copies)
            return
    for member in first.mnt_share or (first,):
        for slave in list(member.mnt_slave_list or ()):
            _propagate_slaves(slave, mountpoint, source, copies)


def propagate_mount_busy(mnt: Mount) -> bool:
    """Whether it, or a copy that would go with it, is in use.  fs/pnode.c:propagate_mount_busy"""
    if mnt.mnt_mounts or mnt.mnt_count:
        return True
    if mnt.mnt_parent is mnt:
        return False
    for parent in propagation(mnt.mnt_parent):
        child = parent.mnt_mounts.get(mnt.mnt_mountpoint)
        if child is None:
            continue
        topper = child.mnt_mounts.get(child.mnt_root)
        if len(child.mnt_mounts) == (topper is not None) and child.mnt_count:
            return True
    return False


def propagate_umount(gone: dict[Mount, None]) -> list[Mount]:
    """What else goes when gone does: the copies on what their parents' events reach, unless they carry something.

    fs/pnode.c:propagate_umount
    """
    found: dict[Mount, None] = {}
    for mnt in gone:
        if mnt.mnt_parent is mnt:
            continue
        for parent in propagation(mnt.mnt_parent):
            child = parent.mnt_mounts.get(mnt.mnt_mountpoint)
            if child is not None and child not in gone:
                found[child] = None
    for child in list(found)[::-1]:
        kept = [m for m in child.mnt_mounts.values() if m not in found and m not in gone and m.mnt_mountpoint is not child.mnt_root]
        if kept:
            del found[child]
    return list(found)


def get_dominating_id(mnt: Mount, ns: MntNamespace | None, reachable: dict[Mount, None]) -> int:
    """The closest group up the chain of masters that has a member among reachable.  fs/pnode.c:get_dominating_id"""
    master = mnt.mnt_master
    while master is not None:
        if any(peer.mnt_ns is ns and peer in reachable for peer in master.mnt_share or (master,)):
            return master.mnt_group_id
        master = master.mnt_master
    return 0
