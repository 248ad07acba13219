"""Invariants of the model's mounts and files: whatever happens, every reference is counted and every link has its other end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from nscore import Machine, Process, boot
from nscore.flags import CloneFlag, MountFlag, OpenFlag, UmountFlag
from nscore_sim.file import FdTable, File
from nscore_sim.fs_struct import FsStruct
from nscore_sim.mount import Mount, is_shared, namespace_mounts, peers
from nscore_sim.task import Task
from nscore_sim.world import SimWorld

PLACES = ("/", "/t", "/t/a", "/t/b", "/t/c", "/t/a/x", "/t/b/x", "/t/c/x")
KINDS = (MountFlag.SHARED, MountFlag.SHARED | MountFlag.REC, MountFlag.PRIVATE, MountFlag.SLAVE, MountFlag.UNBINDABLE)


def prepared(machine: Machine) -> list[Process]:
    """A root in memory, and processes in four mount namespaces."""
    init = machine.init
    init.mount("root", "/tmp", "tmpfs")
    for name in ("t", "t/a", "t/b", "t/c", "t/a/x", "t/b/x", "t/c/x", "proc"):
        init.mkdir(f"/tmp/{name}")
    init.mount("proc", "/tmp/proc", "proc")
    init.chdir("/tmp")
    init.pivot_root(".", ".")
    init.umount2(".", UmountFlag.DETACH)
    init.mount(None, "/", None, MountFlag.SHARED | MountFlag.REC)
    inner = init.clone(CloneFlag.NEWNS | CloneFlag.NEWPID)
    return [init, inner, init.clone(CloneFlag.NEWNS | CloneFlag.NEWUSER), init.clone(CloneFlag.NEWNS), init.fork()]


def step(draw: random.Random, process: Process) -> None:
    """One call, refused or not."""
    place, other = draw.choice(PLACES), draw.choice(PLACES)
    calls: tuple[Callable[[], object], ...] = (
        lambda: process.mount("M", place, "tmpfs"),
        lambda: process.mount("p", place, "proc"),
        lambda: process.mount(other, place, None, MountFlag.BIND | draw.choice((MountFlag(0), MountFlag.REC))),
        lambda: process.mount(other, place, None, MountFlag.MOVE),
        lambda: process.mount(None, place, None, draw.choice(KINDS)),
        lambda: process.umount2(draw.choice(PLACES[1:]), draw.choice((UmountFlag(0), UmountFlag.DETACH))),
        lambda: process.pivot_root(place, other),
        lambda: process.chdir(place),
        lambda: process.mkdir(place),
        lambda: process.open(f"{place}/f", OpenFlag.CREAT | OpenFlag.RDWR),
        lambda: process.open("/proc/self/ns/mnt"),
        lambda: process.setns(draw.randrange(3, 8)),
        lambda: process.close(draw.randrange(3, 8)),
        lambda: process.dup3(draw.randrange(3, 8), draw.randrange(3, 8)),
        lambda: process.unshare(draw.choice((CloneFlag.NEWNS, CloneFlag.FS, CloneFlag.FILES))),
        lambda: process.fork().exit(0),
        lambda: process.waitpid(-1, 1),
    )
    try:
        draw.choice(calls)()
    except OSError:
        return


def tasks(machine: Machine) -> list[Task]:
    world = machine._world
    assert isinstance(world, SimWorld)
    return [pid.task for pid in world.kernel.init_pid_ns.idr.entries.values() if pid.task is not None]


def reachable(found: list[Task]) -> Iterator[Mount]:
    """The mounts of all namespaces that somebody is in."""
    spaces = {task.nsproxy.mnt_ns: None for task in found if task.nsproxy is not None}
    for space in spaces:
        for mnt in namespace_mounts(space):
            assert mnt.mnt_ns is space
            yield mnt


def check_links(mounts: list[Mount]) -> None:
    for mnt in mounts:
        if mnt.mnt_parent is not mnt:
            assert mnt.mnt_parent.mnt_mounts[mnt.mnt_mountpoint] is mnt
            assert mnt in (mnt.mnt_mountpoint.d_mounts or ())
        assert mnt.next_peer.prev_peer is mnt
        assert {peer.mnt_group_id for peer in peers(mnt)} == {mnt.mnt_group_id}
        assert is_shared(mnt) or mnt.next_peer is mnt
        if mnt.mnt_master is not None:
            assert (mnt.mnt_master.mnt_slave_list or []).count(mnt) == 1
    ids = [mnt.mnt_id for mnt in mounts]
    assert len(ids) == len(set(ids))


def check_counts(found: list[Task], mounts: list[Mount]) -> None:
    users: Counter[Mount] = Counter()
    holders: Counter[File] = Counter()
    structs: dict[FsStruct, int] = Counter(task.fs for task in found if task.fs is not None)
    tables: dict[FdTable, None] = {task.files.fdt: None for task in found if task.files is not None}
    for fs, sharers in structs.items():
        assert fs.users == sharers
        users.update((fs.root.mnt, fs.pwd.mnt))
    for table in tables:
        holders.update(table.fd.values())
    for file, count in holders.items():
        assert file.f_count == count
        users[file.f_path.mnt] += 1
    for mnt in mounts:
        assert mnt.mnt_count == users[mnt], (mnt.mnt_devname, mnt.mnt_count, users[mnt])


@pytest.mark.parametrize("seed", range(20))
def test_every_reference_is_counted_and_every_link_has_its_other_end(seed: int) -> None:
    draw = random.Random(seed)
    with boot("sim", trace_limit=0) as machine:
        processes = prepared(machine)
        for _ in range(120):
            step(draw, draw.choice(processes))
            found = tasks(machine)
            mounts = list(reachable(found))
            check_links(mounts)
            check_counts(found, mounts)
