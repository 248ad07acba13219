"""Propagation of mounts among peers, from masters to slaves.  Models fs/pnode.c."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nscore.flags import MountFlag
from nscore_sim.dcache import Dentry, is_subdir
from nscore_sim.mount import (
    CL_MAKE_SHARED,
    CL_SLAVE,
    MNT_LOCKED,
    MNT_UNBINDABLE,
    Mount,
    add_slave,
    copy_tree,
    is_shared,
    peers,
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
    source = mnt.mnt_master
    if is_shared(mnt):
        source = leave_peers(mnt) or source
        transfer_propagation(mnt, source)
    if mnt.mnt_master is not None and mnt.mnt_master.mnt_slave_list is not None:
        mnt.mnt_master.mnt_slave_list.remove(mnt)
    mnt.mnt_master = None
    if kind == MS_SLAVE:
        if source is not None:
            add_slave(mnt, source)
    elif kind == MS_UNBINDABLE:
        mnt.mnt_flags |= MNT_UNBINDABLE
    else:
        mnt.mnt_flags &= ~MNT_UNBINDABLE


def leave_peers(mnt: Mount) -> Mount | None:
    """Stop being shared; the next peer, which takes over.  fs/pnode.c:propagation_source"""
    peer = mnt.next_peer
    if peer is mnt:
        mnt.ids.mnt_group.free(mnt.mnt_group_id)
    mnt.prev_peer.next_peer, peer.prev_peer = peer, mnt.prev_peer
    mnt.next_peer = mnt.prev_peer = mnt
    mnt.mnt_group_id = 0
    return None if peer is mnt else peer


def transfer_propagation(mnt: Mount, to: Mount | None) -> None:
    """Give mnt's slaves another master, before those it has, or none.  fs/pnode.c:transfer_propagation"""
    slaves, mnt.mnt_slave_list = mnt.mnt_slave_list or [], None
    for slave in slaves:
        slave.mnt_master = to
    if to is not None and slaves:
        to.mnt_slave_list = slaves + (to.mnt_slave_list or [])


def slave_groups(mnt: Mount) -> list[Mount]:
    """Of mnt's slaves one for each group, and each that has no peers."""
    found: list[Mount] = []
    for slave in mnt.mnt_slave_list or ():
        if not is_shared(slave) or not found or found[-1].mnt_group_id != slave.mnt_group_id:
            found.append(slave)
    return found


def propagation(origin: Mount) -> Iterator[Mount]:
    """All that events of origin reach, without itself.  fs/pnode.c:propagation_next"""
    for mnt in peers(origin):
        if mnt is not origin:
            yield mnt
        for slave in slave_groups(mnt):
            yield slave
            yield from propagation(slave)


def propagate_mnt(dest: Mount, mountpoint: Dentry, source: Mount) -> list[tuple[Mount, Mount]]:
    """Copies of the tree at source for all that dest's events reach, each with the mount it belongs on.  fs/pnode.c:propagate_mnt"""
    copies: list[tuple[Mount, Mount]] = []
    propagate_group(settled(dest)[1:], mountpoint, source, CL_MAKE_SHARED, copies)
    propagate_slaves(dest, mountpoint, copies[-1][1] if copies else source, copies)
    return copies


def settled(mnt: Mount) -> list[Mount]:
    """The mount and its peers without those that are only being put in place.  fs/pnode.h:IS_MNT_NEW"""
    return [peer for peer in peers(mnt) if peer.mnt_ns is not None]


def propagate_group(group: list[Mount], mountpoint: Dentry, source: Mount, kind: int, copies: list[tuple[Mount, Mount]]) -> Mount:
    """Serve those of the group that have the place, the first with a copy of source, each with a peer of the last; the last."""
    for member in group:
        if is_subdir(mountpoint, member.mnt_root):
            source = copy_tree(source, source.mnt_root, kind)
            copies.append((member, source))
            kind = CL_MAKE_SHARED
    return source


def propagate_slaves(first: Mount, mountpoint: Dentry, source: Mount, copies: list[tuple[Mount, Mount]]) -> None:
    """Serve the slaves of first's group with slaves of source, group by group, each before its own slaves.  fs/pnode.c:next_group"""
    for member in settled(first):
        for slave in slave_groups(member):
            kind = CL_SLAVE | (CL_MAKE_SHARED if is_shared(slave) else 0)
            propagate_slaves(slave, mountpoint, propagate_group(settled(slave), mountpoint, source, kind, copies), copies)


def propagate_mount_busy(mnt: Mount) -> bool:
    """Whether it, or a copy that would go with it, is in use.  fs/pnode.c:propagate_mount_busy"""
    if mnt.mnt_mounts or mnt.mnt_count:
        return True
    for child in propagated_copies(mnt):
        topper = child.mnt_mounts.get(child.mnt_root)
        if len(child.mnt_mounts) == (topper is not None) and child.mnt_count:
            return True
    return False


def propagate_mount_unlock(mnt: Mount) -> None:
    """Where it goes elsewhere too, or would if it carried nothing, it is not bound to its parent any more.

    fs/pnode.c:propagate_mount_unlock
    """
    for child in propagated_copies(mnt):
        child.mnt_flags &= ~MNT_LOCKED


def propagated_copies(mnt: Mount) -> Iterator[Mount]:
    """What lies at mnt's place in whatever its parent's events reach."""
    if mnt.mnt_parent is not mnt:
        for parent in propagation(mnt.mnt_parent):
            child = parent.mnt_mounts.get(mnt.mnt_mountpoint)
            if child is not None:
                yield child


def propagate_umount(gone: dict[Mount, None]) -> list[Mount]:
    """What else goes when gone does: the copies on what their parents' events reach, unless they carry something.

    fs/pnode.c:propagate_umount
    """
    found: dict[Mount, None] = {}
    for mnt in gone:
        found.update(dict.fromkeys(child for child in propagated_copies(mnt) if child not in gone))
    for child in list(found)[::-1]:
        kept = [m for m in child.mnt_mounts.values() if m not in found and m not in gone and m.mnt_mountpoint is not child.mnt_root]
        if kept:
            del found[child]
    return list(found)


def get_dominating_id(mnt: Mount, ns: MntNamespace | None, reachable: dict[Mount, None]) -> int:
    """The closest group up the chain of masters that has a member among reachable.  fs/pnode.c:get_dominating_id"""
    master = mnt.mnt_master
    while master is not None:
        if any(peer.mnt_ns is ns and peer in reachable for peer in peers(master)):
            return master.mnt_group_id
        master = master.mnt_master
    return 0
