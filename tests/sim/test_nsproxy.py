"""nscore_sim/nsproxy.py and unshare.py: leaving, joining, all or nothing."""

from __future__ import annotations

import errno

import pytest

from nscore import Machine, Process
from nscore.flags import CloneFlag

#: A link of /proc/PID/ns and the flag of its kind.
KINDS = {
    "mnt": CloneFlag.NEWNS,
    "uts": CloneFlag.NEWUTS,
    "ipc": CloneFlag.NEWIPC,
    "net": CloneFlag.NEWNET,
    "cgroup": CloneFlag.NEWCGROUP,
    "user": CloneFlag.NEWUSER,
}
CHILDREN = {"pid_for_children": CloneFlag.NEWPID, "time_for_children": CloneFlag.NEWTIME}


def link(process: Process, name: str) -> str:
    """The text of its own link."""
    return process.readlink(f"/proc/self/ns/{name}")


def failure(process: Process, fd: int, nstype: int) -> str:
    """The errno's name of a setns, "" where it returns."""
    try:
        process.setns(fd, nstype)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return ""


@pytest.mark.parametrize(("name", "flag"), KINDS.items())
def test_unshare_moves_the_caller_alone(machine: Machine, name: str, flag: CloneFlag) -> None:
    a = machine.init.fork()
    before = link(a, name)
    a.unshare(flag)
    assert link(a, name) != before
    assert link(machine.init, name) == before
    assert link(a.fork(), name) == link(a, name)


@pytest.mark.parametrize(("name", "flag"), CHILDREN.items())
def test_some_namespaces_are_for_children(machine: Machine, name: str, flag: CloneFlag) -> None:
    a = machine.init.fork()
    own = name.removesuffix("_for_children")
    before = link(a, own)
    a.unshare(flag)
    child = a.fork()
    assert link(a, own) == before
    path = f"/proc/{a.pid}/ns/{name}"
    assert machine.init.readlink(path) != before
    assert machine.init.readlink(path) == a.readlink(f"/proc/{child.pid}/ns/{own}")


def test_what_a_failure_made_is_gone(machine: Machine) -> None:
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWPID)
    before = {name: link(a, name) for name in KINDS}
    with pytest.raises(OSError, match="Invalid argument"):
        a.unshare(CloneFlag.NEWNS | CloneFlag.NEWUTS | CloneFlag.NEWUSER | CloneFlag.NEWPID)
    assert {name: link(a, name) for name in KINDS} == before
    a.chdir("/proc")
    assert a.getcwd() == "/proc"


def test_setns_by_a_pidfd_is_all_or_nothing(machine: Machine) -> None:
    init = machine.init
    a, b = init.fork(), init.fork()
    a.unshare(CloneFlag.NEWUTS | CloneFlag.NEWIPC)
    pidfd = b.pidfd_open(a.pid)
    uts = link(b, "uts")
    with pytest.raises(OSError, match="Invalid argument"):
        b.setns(pidfd, CloneFlag.NEWUTS | CloneFlag.NEWUSER)  # already in that user namespace
    assert link(b, "uts") == uts
    b.setns(pidfd, CloneFlag.NEWUTS | CloneFlag.NEWIPC)
    assert [link(b, name) for name in ("uts", "ipc")] == [link(a, name) for name in ("uts", "ipc")]


def test_what_setns_says_first(machine: Machine) -> None:
    a, b = machine.init.fork(), machine.init.fork()
    fd, pidfd = b.open(f"/proc/{a.pid}/ns/uts"), b.pidfd_open(a.pid)
    b.setuid(1000)
    refused = [(99, 0), (0, 0), (fd, CloneFlag.NEWIPC), (pidfd, 0), (pidfd, 1), (fd, 0), (pidfd, CloneFlag.NEWUTS)]
    assert [failure(b, *args) for args in refused] == ["EBADF", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EPERM", "EPERM"]


def test_a_zombie_has_no_namespaces_to_give(machine: Machine) -> None:
    a, b = machine.init.fork(), machine.init.fork()
    pidfd = b.pidfd_open(a.pid)
    a.exit(0)
    machine.settle()
    with pytest.raises(ProcessLookupError):
        b.setns(pidfd, CloneFlag.NEWUTS)
    fd = b.open(f"/proc/{a.pid}/ns/pid")  # but it is still in its own
    b.setns(fd, CloneFlag.NEWPID)


def test_threads_keep_a_process_in_its_user_namespace(machine: Machine) -> None:
    a = machine.init.fork()
    thread = a.thread()
    for flags in (CloneFlag.NEWUSER, CloneFlag.THREAD, CloneFlag.SIGHAND, CloneFlag.VM):
        with pytest.raises(OSError, match="Invalid argument"):
            thread.unshare(flags)
    thread.unshare(CloneFlag.NEWUTS)  # a thread alone
    assert thread.readlink("/proc/thread-self/ns/uts") != link(a, "uts")


def test_a_pid_namespace_is_joined_downwards_only(machine: Machine) -> None:
    init = machine.init
    inner = init.clone(CloneFlag.NEWPID)
    a, b = init.fork(), inner.fork()
    a.setns(a.open(f"/proc/{inner.pid}/ns/pid"), CloneFlag.NEWPID)
    assert a.fork().getpid() == 3
    with pytest.raises(OSError, match="Invalid argument"):
        b.setns(b.open("/proc/1/ns/pid"), 0)
