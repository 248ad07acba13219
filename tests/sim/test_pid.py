"""nscore_sim/pid.py: which numbers are given, kept and given back.  Rules ALLOC, SETTID."""

from __future__ import annotations

import pytest

from nscore.flags import CloneFlag
from nscore_sim.pid import RESERVED_PIDS, pid_nr_ns
from tests.sim.kernelcalls import NEWPID, PENDING, boot, call, clone, create, numbers, thread


def test_a_number_at_every_level_from_one_cursor_each() -> None:
    kernel, init = boot()
    inner = clone(init, NEWPID)
    a, b = clone(inner), clone(init)
    assert [numbers(task) for task in (init, inner, a, b)] == [(1, 2), (1, 2, 3), (2, 3, 4), (4, 5)]
    assert pid_nr_ns(a.thread_pid, init.thread_pid.ns) == 3
    assert pid_nr_ns(b.thread_pid, a.thread_pid.ns) == 0
    assert kernel.init_pid_ns.idr.entries[4] is a.thread_pid


def test_a_freed_number_waits_for_the_next_round() -> None:
    _, init = boot()
    call(clone(init), "exit", 0)
    assert call(init, "waitpid", 2, 0) == (2, 0)
    assert numbers(clone(init))[0] == 3


@pytest.mark.parametrize(("cursor", "expected"), [(RESERVED_PIDS + 1, 300), (RESERVED_PIDS, 2)])
def test_where_the_round_begins_again(cursor: int, expected: int) -> None:
    """ALLOC-05, ALLOC-07: at 300 once the cursor has been beyond, at 1 before."""
    _, init = boot()
    ns = init.thread_pid.ns
    ns.pid_max = cursor
    ns.idr.idr_next = cursor
    assert numbers(clone(init))[0] == expected


def test_a_full_outer_level_leaves_a_gap_inside() -> None:
    """ALLOC-10, ALLOC-11: the inner cursor stays advanced, but for the first process of a namespace."""
    kernel, init = boot()
    kernel.init_pid_ns.pid_max = 3
    kernel.init_pid_ns.idr.idr_next = 3
    clone_one = create(init)[1]
    assert (clone_one, init.thread_pid.ns.idr.idr_next) == ("EAGAIN", 3)
    assert create(init)[1] == "EAGAIN"
    kernel.init_pid_ns.pid_max = 1000
    assert numbers(clone(init))[0] == 4
    kernel.init_pid_ns.pid_max = 3
    assert call(init, "unshare", NEWPID) is None
    assert create(init)[1] == "EAGAIN"
    kernel.init_pid_ns.pid_max = 1000
    assert numbers(clone(init))[0] == 1


def test_a_dead_namespace_burns_a_number_of_every_level() -> None:
    """ALLOC-14"""
    kernel, init = boot()
    call(init, "unshare", NEWPID)
    inner = clone(init)
    call(inner, "exit", 0)
    call(init, "waitpid", -1, 0)
    before = kernel.init_pid_ns.idr.idr_next, init.thread_pid.ns.idr.idr_next
    assert create(init)[1] == "ENOMEM"
    assert (kernel.init_pid_ns.idr.idr_next, init.thread_pid.ns.idr.idr_next) == (before[0] + 1, before[1] + 1)


def test_a_first_process_that_fails_late_is_the_last_try() -> None:
    """ALLOC-15: 6.18 counts the namespace as having lost its init."""
    _, init = boot()
    call(init, "unshare", NEWPID)
    assert create(init, int(CloneFlag.INTO_CGROUP))[1] == "EBADF"
    assert create(init)[1] == "ENOMEM"


def test_numbers_are_held_by_groups_and_sessions() -> None:
    """ALLOC-18 to 20"""
    _, init = boot()
    leader = clone(init)
    call(leader, "setsid")
    member = clone(leader)
    call(leader, "exit", 0)
    call(init, "waitpid", 2, 0)
    assert call(init, "kill", 2, 0) == "ESRCH"
    assert call(init, "kill", -2, 0) is None
    assert create(init, set_tid=(2,))[1] == "EEXIST"
    call(member, "exit", 0)
    call(init, "waitpid", -1, 0)
    assert create(init, set_tid=(2,))[1] == (2, None)


@pytest.mark.parametrize(
    ("set_tid", "expected"),
    [
        ((0,), "EINVAL"),
        ((-1,), "EINVAL"),
        ((4194304,), "EINVAL"),
        ((4194303,), (4194303, None)),
        ((1, 0), "EEXIST"),
        ((5, 0), "EINVAL"),
        ((5, 1), "EEXIST"),
        ((5, 6, 7), "EINVAL"),
        ((5, 99), (5, None)),
    ],
)
def test_set_tid_is_judged_level_by_level(set_tid: tuple[int, ...], expected: object) -> None:
    """SETTID-05, 08, 09: an inner EEXIST before an outer EINVAL."""
    _, init = boot()
    before = sorted(init.thread_pid.ns.idr.entries)
    assert create(init, set_tid=set_tid)[1] == expected
    if isinstance(expected, str):
        assert sorted(init.thread_pid.ns.idr.entries) == before
    assert init.thread_pid.ns.idr.idr_next == 2


def test_a_fresh_namespace_wants_number_1_first() -> None:
    """SETTID-06, SYSCTL-07"""
    _, init = boot()
    call(init, "unshare", NEWPID)
    assert create(init, set_tid=(2,))[1] == "EINVAL"
    inner = clone(init, set_tid=(1,))
    assert (numbers(inner)[0], inner.thread_pid.ns.idr.idr_next) == (1, 0)
    assert numbers(clone(inner))[0] == 2


def test_threads_have_numbers_of_their_own() -> None:
    """ALLOC-16, VIS-08"""
    _, init = boot()
    a = clone(init)
    t = thread(a)
    assert (call(t, "gettid"), call(t, "getpid"), numbers(clone(init))[0]) == (3, 2, 4)
    assert call(init, "setpgid", 3, 3) == "EINVAL"
    assert call(init, "waitpid", 3, 0) == "ECHILD"
    assert call(init, "getpgid", 3) == call(init, "getpgid", 2)
    call(t, "exit_thread", 0)
    assert call(init, "tkill", 3, 0) == "ESRCH"
    assert call(init, "waitid", 1, 2, 4) is PENDING


# What other releases do


def test_a_newer_kernel_judges_all_of_set_tid_first() -> None:
    """SETTID-10"""
    _, init = boot(set_tid_checked_first=True)
    assert create(init, set_tid=(1, 0))[1] == "EINVAL"
    assert create(init, set_tid=(1, 99))[1] == "EEXIST"
    call(init, "unshare", NEWPID)
    assert create(init, set_tid=(2,))[1] == "EINVAL"
    call(init, "setuid", 1000)
    assert create(init, set_tid=(2,))[1] == "EPERM"


def test_a_newer_kernel_gives_a_namespace_a_second_try() -> None:
    """ALLOC-15"""
    _, init = boot(first_failure_is_final=False)
    call(init, "unshare", NEWPID)
    assert create(init, int(CloneFlag.INTO_CGROUP))[1] == "EBADF"
    assert numbers(clone(init))[0] == 1


def test_a_newer_kernel_forks_into_nothing_below_a_dead_namespace() -> None:
    """SETNS-10"""
    for denies, expected in ((False, (5, None)), (True, "ENOMEM")):
        _, init = boot(ancestors_deny_fork=denies)
        helper = clone(init)
        outer = clone(init, NEWPID)
        member = clone(outer)
        call(member, "unshare", NEWPID)
        pidfd = call(helper, "pidfd_open", 4, 0)
        assert isinstance(pidfd, int)
        fd = call(helper, "pidfd_get_namespace", pidfd, 6)
        assert isinstance(fd, int) and call(helper, "setns", fd, 0) is None
        call(outer, "exit", 0)
        assert create(helper)[1] == expected


def test_an_older_kernel_has_one_pid_max() -> None:
    """SYSCTL-09"""
    kernel, init = boot(pid_max_per_namespace=False)
    kernel.init_pid_ns.pid_max = init.thread_pid.ns.pid_max = 400
    assert clone(init, NEWPID).thread_pid.ns.pid_max == 400
