"""nscore_sim/exit.py, zap.py, release_task.py, reboot.py: ends, orphans, adoption, the end of a namespace."""

from __future__ import annotations

import pytest

from nscore.flags import CloneFlag, Disposition, Prctl, Reboot, Signal
from nscore_sim.task import EXIT_ZOMBIE, TASK_NOLOAD, Task
from tests.sim.kernelcalls import NEWPID, PENDING, boot, call, clone, outcome, start, thread

KILL, CHLD, USR1 = int(Signal.KILL), int(Signal.CHLD), int(Signal.USR1)


def join(task: Task, target: int) -> None:
    """Let task's next child be born in the namespace of target."""
    fd = call(task, "pidfd_open", target, 0)
    assert isinstance(fd, int)
    assert call(task, "setns", fd, NEWPID) is None
    call(task, "close", fd)


def inject(parent: Task, target: int) -> Task:
    """A process of target's namespace whose parent stays outside."""
    join(parent, target)
    return clone(parent)


def received(task: Task) -> list[tuple[object, ...]]:
    assert task.mm is not None
    seen, task.mm.received = task.mm.received, None
    return [tuple(info) for info in seen or []]


# Adoption


def test_another_thread_adopts_first() -> None:
    """REPARENT-01, THREAD-07, PDEATH-04"""
    _, init = boot()
    a = clone(init)
    t = thread(a)
    child = clone(t, 0, USR1)
    call(child, "prctl", int(Prctl.SET_PDEATHSIG), USR1)
    call(child, "sigaction", USR1, int(Disposition.HANDLE), 0)
    call(t, "exit_thread", 0)
    assert (child.real_parent, child.exit_signal) == (a, USR1)
    assert received(child) == [(USR1, 0, 2, 0, 0, 0)]


def test_the_nearest_subreaper_of_the_fathers_level_adopts() -> None:
    """REPARENT-01, 04, 05, 07"""
    _, init = boot()
    chain = [init]
    for _ in range(4):
        chain.append(clone(chain[-1]))
    _, outer, inner, father, orphan = chain
    for subreaper in (outer, inner):
        call(subreaper, "prctl", int(Prctl.SET_CHILD_SUBREAPER), 1)
    call(father, "exit", 0)
    assert (orphan.real_parent, orphan.exit_signal) == (inner, CHLD)
    call(inner, "exit", 0)
    assert orphan.real_parent is outer
    call(outer, "prctl", int(Prctl.SET_CHILD_SUBREAPER), 0)
    call(outer, "exit", 0)
    assert orphan.real_parent is init


def test_a_subreaper_outside_adopts_nobody_inside() -> None:
    """REPARENT-03"""
    _, init = boot()
    subreaper = clone(init)
    call(subreaper, "prctl", int(Prctl.SET_CHILD_SUBREAPER), 1)
    inner = clone(subreaper, NEWPID)
    father = inject(subreaper, inner.thread_pid.numbers[1])
    orphan = clone(father)
    call(father, "exit", 0)
    assert orphan.real_parent is inner


def test_an_injected_orphan_goes_where_its_father_was() -> None:
    """REPARENT-02, VIS-05"""
    _, init = boot()
    father = clone(init)
    inner = clone(father, NEWPID)
    orphan = inject(father, inner.thread_pid.numbers[1])
    call(father, "exit", 0)
    assert (orphan.real_parent, inner.real_parent, call(orphan, "getppid")) == (init, init, 0)


def test_a_zombie_is_shown_to_its_new_parent() -> None:
    """REPARENT-10"""
    _, init = boot()
    call(init, "sigaction", CHLD, int(Disposition.HANDLE), 0)
    father = clone(init)
    call(clone(father), "exit", 5)
    call(father, "exit", 0)
    assert [info[2] for info in received(init)] == [3]  # the second coalesces
    assert call(init, "waitpid", 3, 0) == (3, 5 << 8)
    call(init, "waitpid", 2, 0)
    call(init, "sigaction", CHLD, int(Disposition.IGN), 0)
    father = clone(init)
    call(clone(father), "exit", 5)
    call(father, "exit", 0)
    assert call(init, "waitpid", -1, 0) == "ECHILD"


# Threads


def test_the_last_thread_decides_the_status() -> None:
    """THREAD-02, 04, 05"""
    _, init = boot()
    leader = clone(init, NEWPID)
    t = thread(leader)
    call(leader, "exit_thread", 11)
    assert (leader.exit_state, t.thread_pid.ns.child_reaper) == (EXIT_ZOMBIE, t)
    assert call(init, "waitpid", 2, 1) == (0, 0)
    assert (call(t, "getpid"), call(t, "gettid")) == (1, 2)
    call(t, "exit_thread", 33)
    assert call(init, "waitpid", 2, 0) == (2, 33 << 8)


def test_exit_group_ends_all_threads_with_one_status() -> None:
    _, init = boot()
    a = clone(init)
    threads = [thread(a) for _ in range(3)]
    start(threads[0], "pause")
    call(threads[1], "exit", 4)
    assert all(t.exit_state for t in threads)
    assert call(init, "waitpid", -1, 0) == (2, 4 << 8)


# The end of a namespace


def test_zap_kills_everything_below() -> None:
    """INIT-01 to 05"""
    kernel, init = boot()
    inner = clone(init, NEWPID)
    nested = clone(inner, NEWPID)
    odd = clone(inner, 0, 0)  # no exit signal: never reaped by itself
    stopped = clone(inner)
    call(init, "kill", stopped.thread_pid.numbers[1], int(Signal.STOP))
    call(clone(nested), "sigprocmask", 0, tuple(range(1, 65)))
    call(inner, "exit", 3)
    assert (inner.exit_state, kernel.nr_threads) == (EXIT_ZOMBIE, 3)
    assert sorted(init.thread_pid.ns.idr.entries) == [1, 2]
    assert call(init, "waitpid", 2, 0) == (2, 3 << 8)
    assert odd.exit_state and nested.exit_code == KILL


@pytest.mark.parametrize("release", ["reap", "ignore", "die"])
def test_an_injected_victim_keeps_init_until_its_parent_lets_go(release: str) -> None:
    """INIT-06 to 08"""
    _, init = boot()
    parent = clone(init)
    inner = clone(init, NEWPID)
    if release == "ignore":
        call(parent, "sigaction", CHLD, int(Disposition.IGN), 0)
    victim = inject(parent, inner.thread_pid.numbers[1])
    call(init, "kill", 3, KILL)
    if release == "ignore":
        assert inner.exit_state
        return
    assert (victim.exit_state, inner.exit_state) == (EXIT_ZOMBIE, 0)
    assert call(init, "waitpid", 3, 1) == (0, 0)
    assert call(init, "kill", 3, KILL) is None
    if release == "reap":
        assert call(parent, "waitpid", -1, 0) == (4, KILL)
    else:
        call(parent, "exit", 0)
        assert call(init, "waitpid", 4, 0) == (4, KILL)
    assert call(init, "waitpid", 3, 0) == (3, KILL)


def test_a_group_of_a_dead_member_pins_the_namespace() -> None:
    """INIT-12"""
    _, init = boot()
    outsider = clone(init)
    inner = clone(outsider, NEWPID)
    victim = inject(outsider, 3)
    call(victim, "setpgid", 0, 0)
    assert call(outsider, "setpgid", 0, victim.thread_pid.numbers[1]) is None
    call(init, "kill", 3, KILL)
    call(outsider, "waitpid", victim.thread_pid.numbers[1], 0)
    assert inner.exit_state == 0
    call(outsider, "setpgid", 0, 0)
    assert inner.exit_state == EXIT_ZOMBIE


def test_an_init_that_shares_its_handlers_leaves_its_parent_ignoring_children() -> None:
    """INIT-13"""
    _, init = boot()
    a = clone(init)
    inner = clone(a, int(CloneFlag.VM | CloneFlag.SIGHAND | CloneFlag.NEWPID))
    call(inner, "exit", 0)
    assert call(a, "sigaction", CHLD, None, 0) == (1, 0)
    assert call(a, "waitpid", -1, 0) == "ECHILD"


def test_numbers_die_in_ascending_order() -> None:
    """INIT-15"""
    kernel, init = boot()
    inner = clone(init, NEWPID)
    for set_tid in ((9,), (5,), (7,)):
        clone(inner, set_tid=set_tid)
    start(init, "kill", 2, KILL)
    kernel.runqueue.popleft().resume(inner)
    assert [task.pid for task in kernel.runqueue] == [5, 7, 9]


@pytest.mark.parametrize(("cmd", "sig"), [(Reboot.RESTART, 1), (Reboot.RESTART2, 1), (Reboot.HALT, 2), (Reboot.POWER_OFF, 2)])
def test_reboot_ends_the_namespace(cmd: int, sig: int) -> None:
    """REBOOT-01, 03, 04"""
    _, init = boot()
    call(init, "sigaction", CHLD, int(Disposition.HANDLE), 0)
    inner = clone(init, NEWPID)
    member = clone(inner)
    call(member, "reboot", int(cmd))
    assert member.exit_code == 0
    assert [info[1:5] for info in received(init)] == [(2, 2, 0, KILL)]
    assert call(init, "waitpid", -1, 0) == (2, sig)


def test_reboot_takes_no_other_command() -> None:
    _, init = boot()
    assert call(init, "reboot", int(Reboot.CAD_ON)) == "EINVAL"
    call(init, "setuid", 1000)
    assert call(init, "reboot", 1) == "EPERM"


# Groups


def test_an_orphaned_group_with_stopped_members_is_woken() -> None:
    """PGRP-16"""
    _, init = boot()
    leader = clone(init)
    call(leader, "setsid")
    job = clone(leader)
    call(job, "setpgid", 0, 0)
    member = clone(job)
    call(member, "sigaction", int(Signal.HUP), int(Disposition.HANDLE), 0)
    call(leader, "kill", member.pid, int(Signal.STOP))
    call(leader, "exit", 0)  # the only tie of the group to its session
    assert [info[0] for info in received(member)] == [int(Signal.HUP)]
    assert not member.exit_state


def test_a_wait_blocks_until_the_last_child_is_reaped_by_itself() -> None:
    """EXITSIG-13"""
    _, init = boot()
    a = clone(init)
    call(a, "sigaction", CHLD, int(Disposition.IGN), 0)
    children = [clone(a), clone(a)]
    start(a, "waitpid", -1, 0)
    call(children[0], "exit", 0)
    assert outcome(a) is PENDING
    call(children[1], "exit", 0)
    assert outcome(a) == "ECHILD"


# What other releases do


def test_before_6_0_the_leaders_status_counted() -> None:
    """THREAD-05"""
    _, init = boot(last_thread_decides=False)
    leader = clone(init)
    t = thread(leader)
    call(leader, "exit_thread", 11)
    call(t, "exit_thread", 33)
    assert call(init, "waitpid", -1, 0) == (2, 11 << 8)


@pytest.mark.parametrize("idle", [False, True])
def test_how_an_init_waits_for_its_namespace(idle: bool) -> None:
    """INIT-09"""
    _, init = boot(zap_is_idle=idle)
    parent, inner = clone(init), clone(init, NEWPID)
    inject(parent, 3)
    call(init, "kill", 3, KILL)
    assert bool(inner.state & TASK_NOLOAD) is idle
    call(parent, "waitpid", -1, 0)
    assert inner.exit_state
