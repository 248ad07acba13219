"""nscore_sim/ucount.py: how many of what a user may have."""

from __future__ import annotations

import pytest

from nscore.errors import Errno
from nscore.flags import CloneFlag, Signal
from nscore_sim.chooser import Chooser, first
from nscore_sim.exit import do_group_exit
from nscore_sim.fork import RLIMIT_NPROC, kernel_clone
from nscore_sim.kernel import Kernel
from nscore_sim.release import RELEASES
from nscore_sim.setids import setuid
from nscore_sim.task import PF_NPROC_EXCEEDED, Task
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, UcountType
from nscore_sim.unshare import unshare
from nscore_sim.wait import wait4


@pytest.fixture
def init() -> Task:
    """PID 1 of a fresh kernel."""
    return Kernel(Chooser(first), RELEASES["6.18.44"]).init_task


def fork(task: Task, flags: int = 0) -> Task:
    """A child."""
    child, _ = kernel_clone(task, flags, Signal.CHLD)
    assert child is not None
    return child


def limit(task: Task, kind: int, value: int) -> None:
    """setrlimit(2)"""
    rlim = list(task.signal.rlim)
    rlim[kind] = (value, value)
    task.signal.rlim = tuple(rlim)


def reap(task: Task, child: Task) -> None:
    """End child and wait for it."""
    do_group_exit(child, 0)
    task.restart = None
    wait4(task, -1, 0)


def processes(task: Task, uid: int) -> int:
    """How many uid has in task's user namespace."""
    return task.cred.user_ns.ucounts_of[uid].rlimit[UCOUNT_RLIMIT_NPROC]


def test_a_user_has_no_more_processes_than_the_limit(init: Task) -> None:
    a = fork(init)
    setuid(a, 1000)
    limit(a, RLIMIT_NPROC, 3)
    child = fork(a)
    fork(a)
    assert processes(a, 1000) == 3
    with pytest.raises(Errno, match="EAGAIN"):
        fork(a)
    assert processes(a, 1000) == 3
    do_group_exit(child, 0)
    with pytest.raises(Errno, match="EAGAIN"):
        fork(a)  # a zombie counts
    a.restart = None
    wait4(a, -1, 0)
    fork(a)


def test_global_root_is_exempt(init: Task) -> None:
    limit(init, RLIMIT_NPROC, 1)
    fork(init)
    assert processes(init, 0) == 2


def test_becoming_a_user_with_too_many_goes_well_and_is_remembered(init: Task) -> None:
    a, b = fork(init), fork(init)
    limit(a, RLIMIT_NPROC, 0)
    setuid(a, 1000)
    assert not a.flags & PF_NPROC_EXCEEDED  # the process itself is not counted yet
    limit(b, RLIMIT_NPROC, 0)
    setuid(b, 1000)
    assert b.flags & PF_NPROC_EXCEEDED
    assert (processes(a, 1000), processes(init, 0)) == (2, 1)


def test_a_process_counts_in_all_namespaces_above(init: Task) -> None:
    a = fork(init)
    setuid(a, 1000)
    unshare(a, int(CloneFlag.NEWUSER))
    b = fork(a)
    assert processes(a, 1000) == processes(init, 1000) == 2
    reap(a, b)
    assert processes(a, 1000) == processes(init, 1000) == 1


def test_what_the_creator_may_have_is_frozen(init: Task) -> None:
    a = fork(init)
    setuid(a, 1000)
    limit(a, RLIMIT_NPROC, 2)
    unshare(a, int(CloneFlag.NEWUSER))
    limit(a, RLIMIT_NPROC, 100)
    fork(a)
    with pytest.raises(Errno, match="EAGAIN"):
        fork(a)


def test_a_limit_holds_for_what_is_created_below_too(init: Task) -> None:
    init.kernel.init_user_ns.ucount_max[UcountType.UTS_NAMESPACES] = 1
    a = fork(init, int(CloneFlag.NEWUSER))
    unshare(a, int(CloneFlag.NEWUTS))
    b = fork(a)
    with pytest.raises(Errno, match="ENOSPC"):
        unshare(b, int(CloneFlag.NEWUTS))
    reap(a, b)
    reap(init, a)
    unshare(fork(init), int(CloneFlag.NEWUTS))


def test_a_reaped_process_gives_all_charges_back(init: Task) -> None:
    ucounts = init.cred.ucounts
    namespaces = CloneFlag.NEWUSER | CloneFlag.NEWPID | CloneFlag.NEWUTS | CloneFlag.NEWIPC | CloneFlag.NEWNS | CloneFlag.NEWNET
    a = fork(init, int(namespaces | CloneFlag.NEWCGROUP))
    assert ucounts.ucount == [1, 1, 1, 1, 1, 1, 1, 0]
    reap(init, a)
    assert ucounts.ucount == [0] * 8
    assert ucounts.rlimit == [1, 0]


def test_what_cannot_be_made_is_not_charged(init: Task) -> None:
    ucounts = init.cred.ucounts
    limits = init.kernel.init_user_ns.ucount_max
    limits[UcountType.NET_NAMESPACES] = 0
    with pytest.raises(Errno, match="ENOSPC"):
        unshare(init, int(CloneFlag.NEWUSER | CloneFlag.NEWUTS | CloneFlag.NEWIPC | CloneFlag.NEWNS | CloneFlag.NEWPID | CloneFlag.NEWNET))
    assert ucounts.ucount == [0] * 8
    assert ucounts.rlimit == [1, 0]
