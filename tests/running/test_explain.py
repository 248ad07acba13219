"""explain(): provoked failures on both backends, decisions of injected facts, notes.

tests/linux/test_explained.py has what only a real kernel forbids.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from dataclasses import fields, replace

import pytest

from conformance.rules import RULES
from nscore import Blocked, CloneFlag, Gone, Machine, Syscalls, Unavailable, boot
from nscore.interface.caller import DECLARED
from nscore.running.causes import CAUSES
from nscore.running.explain import Explanation, annotate, explain, judged
from nscore.running.facts import Facts, Mount, Numbers, release
from nscore.running.failures import Failure
from nscore.running.target import Target
from nscore.tools import procfs
from tests.running.provoked import BEFORE, NEED_IDS, PROVOKED, SINCE, Scenario

NEWPID, NEWUSER, NEWNS = CloneFlag.NEWPID, CloneFlag.NEWUSER, CloneFlag.NEWNS
ALL = (1 << 41) - 1
EVERYBODY = (procfs.IdMap(0, 0, 0xFFFFFFFF),)


@pytest.mark.parametrize("scenario", PROVOKED, ids=lambda scenario: scenario.__name__)
def test_the_cause_is_named(machine: Machine, scenario: Scenario) -> None:
    if scenario in NEED_IDS and procfs.uid_map(machine.init) != EVERYBODY:
        pytest.skip("a machine of an ordinary user has one id alone")
    if not SINCE[scenario] <= release(machine.init) < BEFORE[scenario]:
        pytest.skip(f"another thing on this kernel: since {SINCE[scenario]}, before {BEFORE[scenario]}")
    with pytest.raises((OSError, Blocked, Gone)) as raised:
        scenario(machine)
    calls = len(machine.trace)
    explained = explain(raised.value)
    assert explained is not None
    assert explained.cause == PROVOKED[scenario], explained
    assert explained.words
    assert len(machine.trace) == calls, "an explanation is no part of the story"


ROOT = Facts(uid=0, gid=0, capabilities=ALL, initial_user=True, threads=1, seccomp=0, pid=5, shown="5", label="unconfined")
USER = replace(ROOT, uid=1000, gid=1000, capabilities=0, uid_map=EVERYBODY, gid_map=EVERYBODY)
CONTAINER = replace(ROOT, initial_user=False, owned={"mnt": True, "pid": True, "uts": True})


def failure(call: str, name: str, **arguments: object) -> Failure:
    return Failure(call, name, arguments, said=call)


def mount(point: str, fstype: str = "tmpfs") -> Mount:
    return Mount(1, 0, "/", point, "rw", fstype)


#: What cannot be provoked on any machine: a failure, the facts, the cause.
INJECTED = (
    (failure("unshare", "EPERM", flags=NEWUSER), replace(USER, userns_clone=0), "unprivileged_userns_clone"),
    (failure("clone", "EPERM", flags=NEWUSER), replace(USER, userns_clone=0, apparmor=1), "unprivileged_userns_clone"),
    (failure("unshare", "EPERM", flags=NEWUSER), replace(USER, apparmor=1), "apparmor"),
    (failure("unshare", "EACCES", flags=NEWUSER), replace(USER, apparmor=1), "apparmor"),
    (failure("unshare", "EPERM", flags=NEWUSER), replace(ROOT, apparmor=1, chrooted=True), "chroot"),
    (
        failure("write", "EPERM", data=b"0 1000 1"),
        replace(USER, apparmor=1, label="unprivileged_userns (enforce)", target=Target(path="/proc/self/uid_map", map="")),
        "apparmor",
    ),
    (failure("mount", "EACCES", fstype="proc", target="/proc"), replace(ROOT, label="docker-default (enforce)"), "security_module"),
    (failure("unshare", "EPERM", flags=NEWPID), replace(ROOT, seccomp=2, filtered="EPERM"), "seccomp"),
    (failure("unshare", "EINVAL", flags=NEWPID), replace(ROOT, pid_ns=None), "not_built"),
    (failure("clone3", "ENOSYS"), replace(ROOT, release=(5, 2)), "not_built"),
    (failure("clone", "ENOSYS"), replace(ROOT, release=(5, 2)), "kernel_too_old"),
    (failure("clone", "ENOSYS"), replace(ROOT, release=(6, 1), seccomp=2), "seccomp"),
    (failure("pidfd_get_info", "ENOTTY", fd=3), replace(ROOT, target=Target("anon_inode:[pidfd]", True)), "kernel_too_old"),
    (failure("clone", "EAGAIN", flags=0), replace(USER, numbers=Numbers(nproc=10, nproc_used=10)), "rlimit_nproc"),
    (
        failure("clone", "EAGAIN", flags=0),
        replace(ROOT, numbers=Numbers(threads_max=99, threads=99)),
        "threads_max",
    ),
    (failure("clone", "EAGAIN", flags=0), replace(ROOT, numbers=Numbers(pid_max=301, last_pid=300, pids=(1, 300))), "pid_max"),
    (failure("clone", "EAGAIN", flags=0), replace(ROOT, numbers=Numbers(cgroup="/x", cgroup_max=1)), "pids_cgroup"),
    (failure("clone", "EAGAIN", flags=0), ROOT, "processes"),
    (failure("clone", "ENOMEM", flags=0), replace(ROOT, pid_ns="pid:[1]", pid_for_children="pid:[1]"), "no_memory"),
    (failure("clone", "EBADF", flags=CloneFlag.INTO_CGROUP), ROOT, "cgroup"),
    (failure("mount", "EPERM", fstype="proc", target="/proc"), replace(CONTAINER, mounts=(mount("/"),)), "no_visible_proc"),
    (
        failure("mount", "EPERM", fstype="proc", target="/proc"),
        replace(CONTAINER, mounts=(mount("/proc", "proc"), mount("/proc/kcore"))),
        "masked_proc",
    ),
    (failure("mount", "EPERM", fstype="ext4", target="/mnt"), CONTAINER, "not_for_users"),
    (failure("mount", "EBUSY", fstype="proc", target="/proc"), replace(ROOT, mounts=(mount("/proc", "proc"),)), "mounted_already"),
    (failure("mount", "ENOSPC", fstype="proc", target="/proc"), ROOT, "mount_max"),
    (failure("setns", "EPERM", nstype=NEWNS), replace(ROOT, capabilities=ALL & ~(1 << 18)), "cap_sys_chroot"),
    (failure("setns", "EUSERS", nstype=CloneFlag.NEWTIME), replace(ROOT, threads=2), "threads"),
    (failure("kill", "EPERM", pid=7), USER, "not_yours"),
    (failure("waitid", "EAGAIN", idtype=3, id=4), ROOT, "not_ended"),
    (failure("reboot", "EPERM"), USER, "cap_sys_boot"),
)


@pytest.mark.parametrize(("failed", "facts", "cause"), INJECTED, ids=[f"{row[0].call}-{row[0].errno}-{row[2]}" for row in INJECTED])
def test_the_decision_is_a_function_of_the_facts(failed: Failure, facts: Facts, cause: str) -> None:
    explained = judged(failed, facts)
    assert explained is not None
    assert explained.cause == cause


def test_unknown_facts_are_no_obstacle() -> None:
    for call, rows in CAUSES.items():
        for name in {name for row in rows for name in row.errnos.split()}:
            judged(failure(call, name), Facts())


def test_words_are_made_of_the_facts_that_the_row_has_asked_for() -> None:
    known = {part.name: None for part in fields(Facts)} | {"facts": None}
    for row in {row for rows in CAUSES.values() for row in rows}:
        for part in re.findall(r"{facts\.(\w+)", row.words + row.remedy):
            assert part in known, row.name


def test_rules_that_are_cited_are_in_the_catalogue() -> None:
    families = {name.rpartition("-")[0] for name in RULES}
    cited = {
        part for rows in CAUSES.values() for row in rows for part in re.findall(r"\b([A-Z]+(?:-[A-Z]+)?(?:-\d+)?)\b", cited_by(row.rule))
    }
    assert cited
    assert cited <= {*RULES, *families}


def cited_by(rule: str) -> str:
    """The part that cites rules."""
    found = re.search(r"rules? ([A-Z0-9, -]+)$", rule)
    return found[1] if found else ""


def test_errors_that_the_tables_explain_are_documented() -> None:
    """What a call documents is in the tables; the tables have more, for what no model has: filters, security modules, old kernels."""
    for call, rows in CAUSES.items():
        if call not in DECLARED or call in ("open", "write", "readlink", "listdir", "stat"):
            continue
        documented = set(re.findall(r"^\s+(E[A-Z0-9]+): ", DECLARED[call].method.__doc__ or "", re.MULTILINE)) - {"EINTR"}
        assert documented <= {name for row in rows for name in row.errnos.split()}, call


def test_what_no_table_has_is_explained_by_what_is_documented(machine: Machine) -> None:
    with pytest.raises(OSError, match="setpgid") as raised:
        machine.init.setpgid(0, -5)
    words = "setpgid: pgid is negative. Or: pid is a thread that does not lead its process"
    assert explain(raised.value) == Explanation("documented", words, "", "setpgid(2); rule PREC-09")


def test_what_has_no_call_has_no_explanation() -> None:
    assert explain(FileNotFoundError(errno.ENOENT, "No such file or directory", "nowhere")) is None
    assert explain(ValueError("x")) is None


def test_a_process_and_arguments_can_be_given(machine: Machine) -> None:
    """Of an exception that was made elsewhere, and has no traceback that knows."""
    bare = PermissionError(errno.EINVAL, os.strerror(errno.EINVAL))
    machine.init.unshare(NEWPID)
    explained = explain(bare, machine.init, call="unshare", flags=NEWPID)
    assert explained is not None
    assert explained.cause == "pid_for_children"


def test_nothing_is_changed_by_an_explanation(machine: Machine) -> None:
    init = machine.init
    with pytest.raises(OSError, match="clone") as raised:
        init.clone(set_tid=[1])
    before = procfs.pids(init), sorted(init.listdir("/proc/self/fd")), init.fork().pid
    explain(raised.value)
    assert (*[procfs.pids(init)[:-1], sorted(init.listdir("/proc/self/fd"))], before[2] + 1) == (before[0], before[1], init.fork().pid)


def test_a_program_explains_its_own_failures(machine: Machine) -> None:
    def program(sys: Syscalls) -> int:
        try:
            sys.waitpid(-1)
        except ChildProcessError as error:
            explained = explain(error)
            return 0 if explained is not None and explained.cause == "no_children" else 1
        return 2

    assert machine.run(program) == 0


def test_a_program_is_asked_how_deep_it_lies(machine: Machine) -> None:
    def program(sys: Syscalls) -> int:
        try:
            sys.clone(lambda inner: 0, set_tid=(50,) * 9)
        except OSError as error:
            explained = explain(error)
            return 0 if explained is not None and explained.cause == "set_tid_levels" else 1
        return 2

    assert machine.run(program) == 0


def test_unavailable_keeps_its_reason_and_its_remedy() -> None:
    with pytest.raises(Unavailable) as raised:
        boot("no_such_backend")
    explained = explain(raised.value)
    assert explained is not None
    assert (explained.cause, explained.words, explained.remedy) == ("no_such_backend", raised.value.reason, raised.value.remedy)


def test_a_note_is_made_once(machine: Machine) -> None:
    with pytest.raises(OSError, match="setns") as raised:
        machine.init.setns(99)
    annotate(raised.value)
    annotate(raised.value)
    assert len(raised.value.__notes__) == 1
    assert raised.value.__notes__[0].startswith("nscore: not_open: the process has no such descriptor")


def test_a_note_repeats_nothing() -> None:
    with pytest.raises(Unavailable) as raised:
        boot("no_such_backend")
    annotate(raised.value)
    assert not getattr(raised.value, "__notes__", [])


def test_an_annotation_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("nscore.running.explain.facts_of", fails)
    error = OSError(errno.EPERM, "unshare: Operation not permitted")
    annotate(error)
    assert str(error) == f"[Errno {errno.EPERM}] unshare: Operation not permitted"


@pytest.mark.skipif(sys.platform == "linux", reason="elsewhere there is nobody to ask")
def test_elsewhere_the_calling_process_is_not_asked() -> None:
    explained = explain(OSError(errno.EPERM, "unshare: Operation not permitted"))
    assert explained is not None
