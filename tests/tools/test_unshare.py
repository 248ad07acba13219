"""nscore/tools/unshare.py and nsenter.py on both backends, driven and as a program."""

from __future__ import annotations

import pytest

from nscore import Capability, CloneFlag, Machine, Process, Syscalls
from nscore.tools import procfs
from nscore.tools.nsenter import enter
from nscore.tools.unshare import arrive, leave

ALL = CloneFlag.NEWPID | CloneFlag.NEWNS | CloneFlag.NEWUTS | CloneFlag.NEWIPC


def unshared(machine: Machine) -> tuple[Process, Process]:
    """unshare --pid --mount --uts --ipc --fork --mount-proc: the process that left, and its child inside."""
    outside = machine.init.fork()
    leave(outside, ALL)
    inside = outside.fork()
    arrive(inside, mount_proc=True)
    return outside, inside


def test_unshare_with_a_proc_of_its_own(machine: Machine) -> None:
    outside, inside = unshared(machine)
    assert inside.getpid() == 1
    assert outside.getpid() == 2
    assert procfs.pids(inside) == (1,)
    assert procfs.pids(machine.init) == (1, 2, 3), "the mount is nobody else's"
    inside.sethostname("inside")
    assert machine.init.uname().nodename != "inside"


def test_unshare_in_a_program(machine: Machine) -> None:
    def inside(sys: Syscalls) -> int:
        arrive(sys, mount_proc=True)
        return len(procfs.pids(sys)) * 10 + sys.getpid()

    def program(sys: Syscalls) -> int:
        leave(sys, CloneFlag.NEWPID | CloneFlag.NEWNS)
        return sys.waitpid(sys.fork(inside))[1] >> 8

    assert machine.run(program) == 11


def test_a_proc_elsewhere(machine: Machine) -> None:
    inside = machine.init.clone(ALL)
    inside.mount("tmpfs", "/mnt", "tmpfs")
    inside.mkdir("/mnt/proc")
    arrive(inside, mount_proc="/mnt/proc")
    assert procfs.pids(inside, "/mnt/proc") == (1,)


def test_map_root_user(machine: Machine) -> None:
    process = machine.init.fork()
    uid, gid = process.geteuid(), process.getegid()
    leave(process, CloneFlag.NEWPID, map_root_user=True)
    assert (process.geteuid(), process.getegid()) == (0, 0)
    assert procfs.uid_map(machine.init, process.pid) == (procfs.IdMap(0, uid, 1),)
    assert procfs.gid_map(machine.init, process.pid) == (procfs.IdMap(0, gid, 1),)
    assert procfs.read(process, "/proc/self/setgroups") == "deny\n"
    assert process.fork().getpid() == 1


def test_nsenter(machine: Machine) -> None:
    _, inside = unshared(machine)
    inside.sethostname("inside")
    joined = machine.init.fork()
    enter(joined, 3, ALL)
    injected = joined.fork()
    assert (injected.getpid(), injected.getppid()) == (2, 0)
    assert injected.uname().nodename == "inside"
    assert procfs.pids(injected) == (1, 2)
    assert procfs.namespaces(injected) == procfs.namespaces(inside)
    assert injected.open("/") == 3, "no descriptor is left"


def test_nsenter_into_a_user_namespace_becomes_its_root(machine: Machine) -> None:
    target = machine.init.fork()
    leave(target, CloneFlag.NEWUTS, map_root_user=True)
    joined = machine.init.fork()
    enter(joined, target.pid, CloneFlag.NEWUSER | CloneFlag.NEWUTS)
    assert (joined.getuid(), joined.getgid()) == (0, 0)
    assert procfs.namespaces(joined) == procfs.namespaces(target)


def test_what_needs_the_user_namespace_first_is_joined_after_it(machine: Machine) -> None:
    target = machine.init.fork()
    leave(target, CloneFlag.NEWUTS, map_root_user=True)
    joined = machine.init.fork()
    kept = joined.capget().permitted & ~(1 << Capability.SYS_ADMIN)
    joined.capset(kept, kept, 0)
    with pytest.raises(PermissionError):
        enter(joined, target.pid, CloneFlag.NEWUTS)
    enter(joined, target.pid, CloneFlag.NEWUSER | CloneFlag.NEWUTS)
    assert procfs.namespaces(joined) == procfs.namespaces(target)


def test_nsenter_refuses_what_is_no_namespace(machine: Machine) -> None:
    with pytest.raises(ValueError, match="0x100"):
        enter(machine.init, 1, CloneFlag.VM)
    with pytest.raises(FileNotFoundError):
        enter(machine.init, 99, CloneFlag.NEWUTS)
