"""nscore/tools/procfs.py: every parser on both backends."""

from __future__ import annotations

import pytest

from nscore import CloneFlag, Disposition, Machine, MountFlag, Prctl, Process, SigMask, Signal
from nscore.tools import procfs


def test_status_of_a_fresh_process(machine: Machine) -> None:
    child = machine.init.fork()
    status = procfs.status(machine.init, child.pid)
    assert (status.pid, status.tgid, status.ppid, status.tracerpid, status.threads) == (2, 2, 1, 0, 1)
    assert (status.nspid, status.nstgid) == ((2,), (2,))
    assert status.state == "S"
    assert status.uid == (child.getuid(),) * 4
    assert status.gid == (child.getgid(),) * 4
    assert status.groups == child.getgroups()
    assert status.umask is not None
    capabilities = child.capget()
    assert (status.capeff, status.capprm, status.capinh) == (capabilities.effective, capabilities.permitted, capabilities.inheritable)
    assert status.nonewprivs is False


def test_who_reads_runs(machine: Machine) -> None:
    assert procfs.status(machine.init).state == "R"
    assert procfs.stat(machine.init).state == "R"


def test_the_ns_columns_go_from_the_mount_to_the_process(machine: Machine) -> None:
    outer = machine.init.clone(CloneFlag.NEWPID)
    inner = outer.fork().clone(CloneFlag.NEWPID)
    status = procfs.status(machine.init, 4)
    assert status.nspid == (4, 3, 1)
    assert inner.getpid() == 1
    assert status.ppid == 3


def test_signal_sets(machine: Machine) -> None:
    child = machine.init.fork()
    child.sigaction(Signal.TERM, Disposition.IGN)
    child.sigaction(Signal.HUP, Disposition.HANDLE)
    child.sigprocmask(SigMask.SETMASK, (Signal.USR1, 64))
    machine.init.kill(child.pid, Signal.USR1)
    child.tkill(child.getpid(), 64)
    status = procfs.status(machine.init, child.pid)
    assert Signal.TERM in status.sigign
    assert Signal.HUP in status.sigcgt
    assert Signal.HUP not in status.sigign
    assert status.sigblk == {Signal.USR1, 64}
    assert status.shdpnd == {Signal.USR1}
    assert status.sigpnd == {64}


@pytest.mark.parametrize("name", ["a) S 1 (b", "line\nbreak", "back\\slash n\\n", "\ttab", "()", " "])
def test_a_comm_of_any_kind(machine: Machine, name: str) -> None:
    child = machine.init.fork()
    child.prctl(Prctl.SET_NAME, name)
    assert procfs.stat(machine.init, child.pid).comm == name
    assert procfs.status(machine.init, child.pid).name == name


def test_stat_of_a_child_and_of_a_zombie(machine: Machine) -> None:
    child = machine.init.fork()
    child.setsid()
    stat = procfs.stat(machine.init, child.pid)
    assert (stat.pid, stat.state, stat.ppid, stat.pgrp, stat.session) == (2, "S", 1, 2, 2)
    assert (stat.tty_nr, stat.tpgid, stat.num_threads, stat.exit_signal) == (0, -1, 1, Signal.CHLD)
    child.exit(7)
    stat = procfs.stat(machine.init, child.pid)
    assert (stat.state, stat.exit_code) == ("Z", 7 << 8)
    assert procfs.status(machine.init, child.pid).umask is None


def test_listings_of_processes_threads_and_children(machine: Machine) -> None:
    a, b = machine.init.fork(), machine.init.fork()
    thread = a.thread()
    b.exit(0)
    assert procfs.pids(machine.init) == (1, a.pid, b.pid)
    assert procfs.tasks(machine.init, a.pid) == (a.pid, thread.tid)
    assert procfs.tasks(machine.init) == (1,)
    assert procfs.children(machine.init) == (a.pid, b.pid)
    assert procfs.children(machine.init, a.pid) == ()


def test_who_is_gone_is_not_found(machine: Machine) -> None:
    child = machine.init.fork()
    child.exit(0)
    machine.init.waitpid(child.pid)
    with pytest.raises(FileNotFoundError):
        procfs.status(machine.init, child.pid)
    with pytest.raises(FileNotFoundError):
        procfs.namespace(machine.init, child.pid)


def test_namespaces_are_told_apart(machine: Machine) -> None:
    child = machine.init.clone(CloneFlag.NEWPID | CloneFlag.NEWUTS)
    own, other = procfs.namespaces(machine.init), procfs.namespaces(machine.init, child.pid)
    assert {name for name in own if own[name] != other[name]} == {"pid", "pid_for_children", "uts"}
    assert own["pid"].type == own["pid_for_children"].type == "pid"
    assert str(own["uts"]) == machine.init.readlink("/proc/self/ns/uts")
    assert procfs.namespace(machine.init, child.pid) == other["pid"]


def test_a_zombie_has_given_up_most_namespaces(machine: Machine) -> None:
    child = machine.init.fork()
    child.exit(0)
    assert set(procfs.namespaces(machine.init, child.pid)) == {"pid", "user"}


def test_id_maps_of_a_new_user_namespace(machine: Machine) -> None:
    child = machine.init.fork()
    child.unshare(CloneFlag.NEWUSER)
    assert procfs.uid_map(child) == procfs.gid_map(child) == ()
    procfs.write(child, "/proc/self/uid_map", "5 0 1\n")
    assert procfs.uid_map(child) == (procfs.IdMap(5, 0, 1),)
    assert procfs.uid_map(machine.init, child.pid) == (procfs.IdMap(5, 0, 1),)


def test_another_mount_point_shows_another_namespace(machine: Machine) -> None:
    inside = mounted_inside(machine)
    assert procfs.pids(inside, "/mnt/proc") == (1,)
    assert procfs.status(inside, proc="/mnt/proc").nspid == (1,)
    assert procfs.status(inside).nspid == (2, 1)


def mounted_inside(machine: Machine) -> Process:
    """The init of a nested PID namespace that has its proc on /mnt/proc and the outer one on /proc."""
    inside = machine.init.clone(CloneFlag.NEWPID | CloneFlag.NEWNS)
    inside.mount("none", "/", None, MountFlag.REC | MountFlag.PRIVATE)
    inside.mount("tmpfs", "/mnt", "tmpfs")
    inside.mkdir("/mnt/proc")
    inside.mount("proc", "/mnt/proc", "proc")
    return inside
