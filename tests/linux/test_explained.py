"""explain() in this process: what only a real kernel forbids, provoked in a child, and the notes on what boot() and run() raise."""

from __future__ import annotations

import errno
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

import nscore
from nscore.linux import calls, program
from nscore.linux.calls.creation import clone, raw
from nscore.linux.calls.syscall import syscall
from nscore.running.explain import annotate, explain
from tests.linux.conftest import run_in_child
from tests.linux.filters import answer

NEWNS, NEWPID, NEWUSER, NEWUTS = 0x20000, 0x20000000, 0x10000000, 0x4000000
NEW = 0x7E020000
SOMEBODY = 54321
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
EPERM, ENOSYS = errno.EPERM, errno.ENOSYS

assert program  # imported before anything is out of reach

Scenario = Callable[[], object]
#: What is to be explained by which word; each runs in a child.
HERE: dict[Scenario, str] = {}
AS_ROOT: set[Scenario] = set()


def provoked(cause: str, root: bool = False) -> Callable[[Scenario], Scenario]:
    """The scenario fails, and that is the cause."""

    def note(scenario: Scenario) -> Scenario:
        HERE[scenario] = cause
        if root:
            AS_ROOT.add(scenario)
        return scenario

    return note


def user_namespace(flags: int = 0) -> None:
    """Become root of a user namespace."""
    uid, gid = os.geteuid(), os.getegid()
    calls.unshare(NEWUSER | flags)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        Path(f"/proc/self/{name}").write_text(text)


def masked(flags: int = 0) -> None:
    """Become root of a user namespace that has come into mounts which hide parts of /proc, as in a container."""
    user_namespace(NEWNS)
    calls.mount("tmpfs", "/proc/sys/fs", "tmpfs")
    user_namespace(NEWNS | flags)


def become(uid: int) -> None:
    """Drop to an ordinary user."""
    calls.setgroups(())
    calls.setresgid(uid, uid, uid)
    calls.setresuid(uid, uid, uid)


@provoked("seccomp")
def a_filtered_unshare() -> None:
    answer(EPERM, "unshare")
    calls.unshare(NEWUSER)


@provoked("seccomp")
def an_unshare_that_is_filtered_by_its_flags() -> None:
    answer(EPERM, "unshare", flags=NEW)
    calls.unshare(NEWUSER)


@provoked("cap_sys_admin", root=True)
def a_filter_that_is_not_the_reason() -> None:
    answer(EPERM, "mount")
    become(SOMEBODY)
    calls.unshare(NEWPID)


@provoked("seccomp")
def a_filtered_clone3_and_clone() -> None:
    answer(EPERM, "clone3", "clone")
    raw(NEWUSER, 17, ())


@provoked("seccomp")
def a_clone_that_is_filtered_as_docker_does() -> None:
    answer(ENOSYS, "clone3")
    answer(EPERM, "clone", flags=NEW)
    clone(NEWUSER)


@provoked("seccomp")
def a_hidden_clone3() -> None:
    answer(ENOSYS, "clone3")
    clone(0, 17, (77,))


@provoked("seccomp")
def a_filtered_setns() -> None:
    answer(EPERM, "setns")
    calls.setns(os.open("/proc/self/ns/uts", os.O_RDONLY))


@provoked("seccomp")
def a_filtered_mount() -> None:
    answer(EPERM, "mount")
    user_namespace(NEWNS)
    calls.mount("tmpfs", "/proc", "tmpfs")


@provoked("seccomp")
def a_hidden_pidfd_open() -> None:
    answer(ENOSYS, "pidfd_open")
    calls.pidfd_open(os.getpid())


@provoked("seccomp")
def a_machine_under_a_filter() -> None:
    answer(ENOSYS, "clone3")
    answer(EPERM, "clone", flags=NEW)
    nscore.boot("linux")


@provoked("seccomp")
def a_command_under_a_filter() -> None:
    answer(EPERM, "unshare")
    nscore.run(["true"])


@provoked("not_built")
def a_call_that_no_kernel_has() -> None:
    syscall(0xFFFF)


@provoked("rlimit_nproc", root=True)
def no_more_processes_of_a_user() -> None:
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    become(SOMEBODY)
    raw(0, 17, ())


@provoked("rlimit_nproc", root=True)
def no_more_processes_of_a_user_for_subprocess() -> None:
    import subprocess

    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    become(SOMEBODY)
    subprocess.run(["true"], check=True)


@provoked("pids_cgroup", root=True)
def no_more_processes_of_a_cgroup() -> None:
    group = Path(os.environ["NSCORE_TEST_CGROUP"])
    (group / "cgroup.procs").write_text("0")
    raw(0, 17, ())


@provoked("cap_sys_admin", root=True)
def a_pid_namespace_of_an_ordinary_user() -> None:
    become(SOMEBODY)
    calls.unshare(NEWPID)


@provoked("chroot", root=True)
def a_user_namespace_in_a_chroot() -> None:
    calls.unshare(NEWNS)
    os.chroot("/usr")
    calls.unshare(NEWUSER)


@provoked("max_user_namespaces")
def no_user_namespaces_here() -> None:
    user_namespace()
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    calls.unshare(NEWUSER)


@provoked("masked_proc")
def a_proc_over_a_masked_one() -> None:
    masked(NEWPID)
    pid = os.fork()
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    calls.mount("proc", "/proc", "proc")


@provoked("foreign_pid_namespace")
def a_proc_of_the_pid_namespace_above() -> None:
    user_namespace(NEWNS)
    fd = calls.fsopen("proc", 1)
    calls.fsconfig(fd, 6)


@provoked("not_dumpable", root=True)
def a_map_of_one_who_has_changed_his_ids() -> None:
    become(SOMEBODY)
    calls.unshare(NEWUSER)
    calls.open("/proc/self/uid_map", os.O_WRONLY)


@provoked("max_pid_namespaces")
def a_machine_without_pid_namespaces() -> None:
    user_namespace()
    Path("/proc/sys/user/max_pid_namespaces").write_text("0")
    nscore.boot("linux")


@provoked("max_pid_namespaces")
def a_command_without_pid_namespaces() -> None:
    user_namespace()
    Path("/proc/sys/user/max_pid_namespaces").write_text("0")
    nscore.run(["true"])


@provoked("max_mnt_namespaces")
def a_command_without_mount_namespaces() -> None:
    user_namespace()
    Path("/proc/sys/user/max_mnt_namespaces").write_text("0")
    nscore.run(["true"])


@provoked("max_user_namespaces")
def a_command_of_an_ordinary_user_without_user_namespaces() -> None:
    user_namespace()
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    calls.capset(0, 0, 0)
    nscore.run(["true"])


@provoked("masked_proc")
def a_machine_with_a_masked_proc() -> None:
    masked()
    nscore.boot("linux")


@provoked("masked_proc")
def a_command_with_a_masked_proc() -> None:
    masked()
    nscore.run(["true"])


@provoked("foreign_proc")
def a_machine_with_a_foreign_proc() -> None:
    user_namespace(NEWPID)
    pid = os.fork()
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    nscore.boot("linux")


@provoked("descriptors")
def a_machine_with_few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    nscore.boot("linux")


@provoked("chroot", root=True)
def a_user_namespace_in_a_chroot_to_a_mount() -> None:
    calls.unshare(NEWNS)
    calls.mount("none", "/", None, MS_REC | MS_PRIVATE)
    calls.mount("/", "/mnt", None, MS_BIND | MS_REC)
    os.chroot("/mnt")
    calls.unshare(NEWUSER)


@provoked("chroot", root=True)
def a_command_with_a_user_namespace_in_a_chroot() -> None:
    calls.unshare(NEWNS)
    calls.mount("none", "/", None, MS_REC | MS_PRIVATE)
    calls.mount("/", "/mnt", None, MS_BIND | MS_REC)
    os.chroot("/mnt")
    os.chdir("/")
    nscore.run(["true"], map_root_user=True)


@pytest.fixture
def cgroup(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cgroup with room for one task, where the pids controller is to be had."""
    name = f"nscore-test-{os.getpid()}"
    for place in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
        group = Path(place, name)
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / "pids.max").write_text("1")
        except OSError:
            group.rmdir()
            continue
        monkeypatch.setenv("NSCORE_TEST_CGROUP", str(group))
        yield group
        group.rmdir()
        return
    pytest.skip("no cgroup with a pids controller can be made here")


def test_a_note_says_what_the_error_does_not() -> None:
    def body() -> None:
        with pytest.raises(nscore.Unavailable) as raised:
            a_command_without_pid_namespaces()
        said = str(raised.value)
        annotate(raised.value)
        annotate(raised.value)
        assert str(raised.value) == said
        remedy = "Raise the sysctl user.max_pid_namespaces (or end what holds such namespaces)"
        words = "user.max_pid_namespaces is 0 in this user namespace: no pid namespace may be made"
        assert getattr(raised.value, "__notes__", []) == [f"nscore: max_pid_namespaces: {words}. {remedy}"]

    run_in_child(body)


@pytest.mark.parametrize("scenario", HERE, ids=lambda scenario: scenario.__name__)
def test_the_cause_is_named(scenario: Scenario, request: pytest.FixtureRequest) -> None:
    if scenario in AS_ROOT and os.geteuid() != 0:
        pytest.skip("needs root")
    if scenario is no_more_processes_of_a_cgroup:
        request.getfixturevalue("cgroup")

    def body() -> None:
        with pytest.raises((OSError, nscore.Unavailable)) as raised:
            scenario()
        explained = explain(raised.value)
        assert explained is not None, raised.value
        assert explained.cause == HERE[scenario], (raised.value, explained)

    run_in_child(body)
