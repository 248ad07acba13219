"""nscore_sim/signal.py and its neighbours: sending, dropping, queueing, stopping, delivering, taking."""

from __future__ import annotations

import pytest

from nscore.flags import CloneFlag, Disposition, SigActionFlag, SigCode, Signal
from nscore_sim.task import SIGNAL_STOP_STOPPED, Task
from tests.sim.kernelcalls import NEWPID, PENDING, boot, call, clone, outcome, start, thread

KILL, STOP, CONT, TERM, USR1, USR2, TSTP, CHLD = map(
    int, (Signal.KILL, Signal.STOP, Signal.CONT, Signal.TERM, Signal.USR1, Signal.USR2, Signal.TSTP, Signal.CHLD)
)
HANDLE, IGN, DFL = int(Disposition.HANDLE), int(Disposition.IGN), int(Disposition.DFL)
RTMIN = 34


def handle(task: Task, *signals: int, flags: int = 0) -> None:
    for sig in signals:
        assert isinstance(call(task, "sigaction", sig, HANDLE, flags), tuple)


def received(task: Task) -> list[tuple[int, ...]]:
    assert task.mm is not None
    seen, task.mm.received = task.mm.received, None
    return [tuple(int(str(field)) for field in info) for info in seen or []]


def inject(parent: Task, target: int) -> Task:
    fd = call(parent, "pidfd_open", target, 0)
    assert isinstance(fd, int) and call(parent, "setns", fd, NEWPID) is None
    return clone(parent)


# An init


@pytest.mark.parametrize("sig", [KILL, STOP, TERM, TSTP, 64])
def test_from_inside_nothing_reaches_an_init_without_a_handler(sig: int) -> None:
    """SIG-01, SIG-03"""
    _, init = boot()
    inner = clone(init, NEWPID)
    member = clone(inner)
    for sender in (inner, member):
        for how in (("kill", 1, sig), ("tkill", 1, sig), ("tgkill", 1, 1, sig), ("sigqueue", 1, sig, 0, -1)):
            assert call(sender, *how) is None
    assert (inner.exit_state, inner.signal.flags & SIGNAL_STOP_STOPPED, inner.signal.shared_pending) == (0, 0, None)


@pytest.mark.parametrize(("sig", "acts"), [(KILL, True), (STOP, True), (TERM, False), (TSTP, False)])
def test_from_outside_kill_and_stop_do(sig: int, acts: bool) -> None:
    """SIG-02, SIG-04"""
    _, init = boot()
    inner = clone(init, NEWPID)
    call(init, "kill", 2, sig)
    assert bool(inner.exit_state or inner.signal.flags & SIGNAL_STOP_STOPPED) is acts


def test_what_an_init_masks_is_kept_and_dropped_when_it_opens() -> None:
    """SIG-06"""
    _, init = boot()
    inner = clone(init, NEWPID)
    call(inner, "sigprocmask", 0, (TERM, USR1))
    for sig in (TERM, USR1):
        call(inner, "kill", 1, sig)
    assert call(inner, "sigpending") == (USR1, TERM)
    assert call(inner, "sigtimedwait", (USR1,), None) == (USR1, 0, 1, 0, 0, 0)
    call(inner, "sigprocmask", 2, ())
    assert (call(inner, "sigpending"), inner.exit_state) == ((), 0)


def test_a_member_continues_an_init_that_is_stopped() -> None:
    """SIG-08"""
    _, init = boot()
    inner = clone(init, NEWPID)
    member = clone(inner)
    call(init, "kill", 2, STOP)
    call(member, "kill", 1, KILL)
    assert inner.signal.flags & SIGNAL_STOP_STOPPED
    call(member, "kill", 1, CONT)
    assert call(init, "waitpid", -1, 8) == (2, 0xFFFF)


def test_a_dropped_stop_still_erases_a_pending_cont() -> None:
    """SIG-08"""
    _, init = boot()
    inner = clone(init, NEWPID)
    call(inner, "sigprocmask", 0, (CONT,))
    call(inner, "kill", 1, CONT)
    assert call(inner, "sigpending") == (CONT,)
    call(inner, "kill", 1, STOP)
    assert call(inner, "sigpending") == ()


@pytest.mark.parametrize(("code", "dies"), [(SigCode.TIMER, False), (SigCode.SIGIO, False), (SigCode.QUEUE, True), (SigCode.ASYNCIO, True)])
def test_a_code_without_a_sender_is_never_forced(code: int, dies: bool) -> None:
    """SIG-18"""
    _, init = boot()
    inner = clone(init, NEWPID)
    assert call(init, "sigqueue", 2, KILL, 0, int(code)) is None
    assert bool(inner.exit_state) is dies


def test_a_sibling_is_outside() -> None:
    """SIG-16, SIG-17"""
    _, init = boot()
    parent = clone(init)
    call(parent, "setpgid", 0, 0)
    one, other = clone(parent, NEWPID), clone(parent, NEWPID)
    assert call(one, "kill", 0, KILL) is None
    assert [bool(task.exit_state) for task in (parent, one, other)] == [True, False, True]


# Targets


def test_broadcast_spares_init_and_the_caller_and_counts_refusals_as_nothing() -> None:
    """KILL-01 to 04"""
    _, init = boot()
    assert call(init, "kill", -1, 65) == "ESRCH"
    a, nested = clone(init), clone(init, NEWPID)
    below = clone(nested)
    outside = init.real_parent
    call(a, "setuid", 5)
    assert call(a, "kill", -1, 0) is None
    assert call(init, "kill", -1, 65) == "EINVAL"
    assert call(below, "kill", -1, KILL) == "ESRCH"
    assert call(init, "kill", -1, KILL) is None
    assert [bool(task.exit_state) for task in (outside, init, a, nested, below)] == [False, False, True, True, True]


def test_a_group_is_refused_only_where_all_members_are() -> None:
    """PGRP-07"""
    _, init = boot()
    a = clone(init)
    call(a, "setpgid", 0, 0)
    b = clone(a)
    call(a, "setuid", 5)
    assert call(b, "setuid", 6) is None
    c = clone(init)
    call(c, "setuid", 6)
    assert call(c, "kill", -2, 0) is None
    call(b, "exit", 0)
    call(a, "waitpid", -1, 0)
    assert call(c, "kill", -2, 0) == "EPERM"
    assert call(c, "kill", -2, 65) == "EINVAL"
    assert call(c, "kill", -99, 65) == "ESRCH"


def test_one_siginfo_goes_from_target_to_target() -> None:
    """SINFO-05, PGRP-06: the newest member first; whoever comes after one that cannot see the sender sees none."""
    _, init = boot()
    sender = clone(init)
    call(sender, "setpgid", 0, 0)
    old, blind, young = clone(sender), clone(sender, NEWPID), clone(sender)
    for task in (old, blind, young):
        handle(task, USR1)
    call(sender, "sigaction", USR1, IGN, 0)
    call(sender, "kill", 0, USR1)
    assert [received(task)[0][2] for task in (young, blind, old)] == [2, 0, 0]


def test_upwards_the_number_is_not_translated() -> None:
    """SINFO-04"""
    _, init = boot()
    parent = clone(init)
    call(parent, "setpgid", 0, 0)
    handle(parent, USR1)
    inner = clone(parent, NEWPID)
    call(inner, "kill", 0, USR1)
    assert received(parent) == [(USR1, 0, 1, 0, 0, 0)]


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("kill", 99, 65), "ESRCH"),
        (("kill", 2, 65), "EINVAL"),
        (("kill", 2, -1), "EINVAL"),
        (("kill", -(1 << 31), 0), "ESRCH"),
        (("tkill", 0, 9), "EINVAL"),
        (("tgkill", 1, 2, 0), "ESRCH"),
        (("tgkill", 0, 2, 0), "EINVAL"),
        (("tgkill", 2, 2, 0), None),
        (("sigqueue", 2, 65, 0, 0), "EPERM"),
        (("sigqueue", 99, 65, 0, -6), "EPERM"),
        (("sigqueue", 99, 65, 0, -1), "ESRCH"),
        (("sigqueue", 2, 65, 0, -1), "EINVAL"),
        (("sigqueue", 1, 0, 0, 0), None),
    ],
)
def test_errnos_of_sending(args: tuple[object, ...], expected: object) -> None:
    """PREC-06, PREC-07, VIS-09"""
    _, init = boot()
    clone(init)
    assert call(init, *args) == expected  # type: ignore[arg-type]


# Queues


def test_standard_signals_coalesce_and_real_time_ones_queue() -> None:
    """EXITSIG-15, SINFO-09"""
    _, init = boot()
    handle(init, USR1, RTMIN)
    call(init, "sigprocmask", 0, (USR1, RTMIN))
    for value in (1, 2, 3):
        call(init, "sigqueue", 1, RTMIN, value, -1)
        call(init, "sigqueue", 1, USR1, value, -1)
    call(init, "sigprocmask", 2, ())
    assert [(info[0], info[5]) for info in received(init)] == [(USR1, 1), (RTMIN, 1), (RTMIN, 2), (RTMIN, 3)]
    assert init.cred.ucounts.rlimit[1] == 0


def test_beyond_the_limit_kill_loses_what_it_says_and_sigqueue_fails() -> None:
    """MISC-08"""
    _, init = boot()
    a = clone(init)
    limits = list(a.signal.rlim)
    limits[11] = (1, 1)
    a.signal.rlim = tuple(limits)
    handle(a, RTMIN, USR1)
    call(a, "sigprocmask", 0, (RTMIN, USR1))
    assert call(init, "sigqueue", 2, RTMIN, 7, -1) is None
    assert call(init, "sigqueue", 2, RTMIN, 8, -1) == "EAGAIN"
    assert call(init, "tkill", 2, RTMIN) == "EAGAIN"
    assert call(init, "kill", 2, USR1) is None
    call(a, "sigtimedwait", (RTMIN,), 0)
    assert call(init, "kill", 2, RTMIN) is None
    assert call(a, "sigtimedwait", (RTMIN,), 0) == (RTMIN, 0, 0, 0, 0, 0)
    call(a, "exit", 0)
    call(init, "waitpid", -1, 0)
    assert init.cred.ucounts.rlimit[1] == 0


def test_the_order_of_delivery() -> None:
    """Faults first, then the lowest number; the thread's own before the process's."""
    _, init = boot()
    signals = (RTMIN, TERM, USR1, int(Signal.SEGV))
    handle(init, *signals)
    call(init, "sigprocmask", 0, signals)
    for sig in signals:
        call(init, "kill", 1, sig)
    call(init, "tkill", 1, TERM)
    call(init, "sigprocmask", 2, ())
    assert [(info[0], info[1]) for info in received(init)] == [(TERM, -6), (11, 0), (USR1, 0), (TERM, 0), (RTMIN, 0)]


def test_setting_ignore_drops_what_is_pending() -> None:
    _, init = boot()
    call(init, "sigprocmask", 0, (USR1,))
    call(init, "kill", 1, USR1)
    call(init, "sigaction", USR1, IGN, 0)
    assert call(init, "sigpending") == ()


def test_resethand_resets() -> None:
    _, init = boot()
    a = clone(init)
    handle(a, USR1, flags=int(SigActionFlag.RESETHAND))
    call(init, "kill", 2, USR1)
    assert call(a, "sigaction", USR1, None, 0) == (DFL, int(SigActionFlag.RESETHAND | SigActionFlag.SIGINFO))
    call(init, "kill", 2, USR1)
    assert a.exit_code == USR1


# Threads


def test_any_thread_that_wants_it_takes_a_process_signal() -> None:
    _, init = boot()
    a = clone(init)
    t = thread(a)
    handle(a, USR1)
    call(a, "sigprocmask", 0, (USR1,))
    start(t, "pause")
    call(init, "kill", 2, USR1)
    assert (outcome(t), len(received(a))) == ("EINTR", 1)
    call(t, "sigprocmask", 0, (USR1,))
    call(init, "kill", 2, USR1)
    assert call(t, "sigpending") == (USR1,)
    start(t, "pause")
    call(a, "sigprocmask", 2, ())
    assert (len(received(a)), outcome(t)) == (1, PENDING)


def test_a_thread_that_leaves_hands_on_what_it_would_have_taken() -> None:
    """kernel/signal.c:retarget_shared_pending"""
    _, init = boot()
    a = clone(init)
    t = thread(a)
    handle(a, USR1)
    call(t, "sigprocmask", 0, (USR1,))
    a.sigpending = True  # on its way to look
    start(init, "kill", 2, USR1)
    call(t, "sigprocmask", 2, ())
    assert len(received(a)) == 1


def test_a_stop_takes_all_threads_and_new_ones() -> None:
    _, init = boot()
    a = clone(init)
    threads = [thread(a), thread(a)]
    call(init, "kill", 2, STOP)
    assert [t.state & 4 for t in (a, *threads)] == [4, 4, 4]
    assert call(init, "waitpid", -1, 2) == (2, STOP << 8 | 0x7F)
    call(init, "tgkill", 2, threads[0].thread_pid.numbers[1], CONT)
    assert [t.state & 4 for t in (a, *threads)] == [0, 0, 0]
    assert call(init, "waitpid", -1, 8) == (2, 0xFFFF)


def test_kill_ends_a_stopped_process() -> None:
    _, init = boot()
    a = clone(init)
    t = thread(a)
    call(init, "kill", 2, STOP)
    call(init, "kill", 2, TERM)
    assert not a.exit_state
    call(init, "kill", 2, KILL)
    assert a.exit_state and t.exit_state
    assert call(init, "waitpid", -1, 0) == (2, KILL)


def test_tty_stops_are_dropped_in_an_orphaned_group() -> None:
    _, init = boot()
    a = clone(init)
    call(a, "setsid")
    call(init, "kill", 2, TSTP)
    assert not a.signal.flags & SIGNAL_STOP_STOPPED
    call(init, "kill", 2, STOP)
    assert a.signal.flags & SIGNAL_STOP_STOPPED


# Waiting for signals


def test_sigtimedwait_takes_waits_and_gives_up() -> None:
    kernel, init = boot()
    a = clone(init)
    handle(a, USR1)
    call(a, "sigprocmask", 0, (USR2,))
    assert call(a, "sigtimedwait", (USR2,), 0) == "EAGAIN"
    assert call(a, "sigtimedwait", (USR2,), -1) == "EINVAL"
    start(a, "sigtimedwait", (USR2,), None)
    call(init, "kill", 2, USR2)
    assert outcome(a) == (USR2, 0, 1, 0, 0, 0)
    start(a, "sigtimedwait", (USR2,), None)
    call(init, "kill", 2, USR1)
    assert (outcome(a), a.blocked, a.real_blocked) == ("EINTR", 1 << USR2 - 1, 0)
    start(a, "sigtimedwait", (USR2,), 5)
    kernel.clock += 5
    kernel.timers.expire(kernel.clock)
    assert outcome(a) == "EAGAIN"


def test_what_is_waited_for_is_not_fatal_meanwhile() -> None:
    """kernel/signal.c:complete_signal looks at real_blocked."""
    _, init = boot()
    a = clone(init)
    call(a, "sigprocmask", 0, (TERM,))
    start(a, "sigtimedwait", (TERM,), None)
    call(init, "kill", 2, TERM)
    assert outcome(a) == (TERM, 0, 1, 0, 0, 0)


def test_sleep_goes_on_after_a_stop_and_ends_with_a_handler() -> None:
    kernel, init = boot()
    a = clone(init)
    handle(a, USR1)
    start(a, "sleep", 100)
    kernel.clock += 60
    for sig in (STOP, CONT):
        call(init, "kill", 2, sig)
    assert outcome(a) is PENDING
    assert a.timeout == 100
    call(init, "kill", 2, USR1)
    assert outcome(a) == "EINTR"
    start(a, "sleep", 100)
    kernel.clock += 100
    kernel.timers.expire(kernel.clock)
    assert outcome(a) is None


def test_an_exit_signal_can_kill_the_parent() -> None:
    """EXITSIG-09"""
    _, init = boot()
    a = clone(init)
    call(clone(a, 0, TERM), "exit", 0)
    assert a.exit_code == TERM
    call(clone(init, 0, KILL), "exit", 0)
    assert not init.exit_state


def test_sigchld_says_what_the_parent_can_read() -> None:
    """EXITSIG-07, 14"""
    kernel, init = boot()
    a = clone(init)
    child = clone(a, int(CloneFlag.NEWPID), USR1)
    call(a, "execve", kernel.image, (), ())
    handle(a, CHLD, USR1)
    call(child, "exit", 3)
    assert received(a) == [(CHLD, 1, 3, 0, 3, 0)]
    assert call(a, "waitpid", -1, 0) == "ECHILD"
    assert call(a, "waitpid", -1, 1 << 31) == (3, 3 << 8)


# What other releases do


def test_a_newer_kernel_gives_each_target_its_own_siginfo() -> None:
    """SINFO-05"""
    _, init = boot(siginfo_copied=True)
    sender = clone(init)
    call(sender, "setpgid", 0, 0)
    old, blind = clone(sender), clone(sender, NEWPID)
    for task in (old, blind):
        handle(task, USR1)
    call(sender, "sigaction", USR1, IGN, 0)
    call(sender, "kill", 0, USR1)
    assert [received(task)[0][2] for task in (blind, old)] == [0, 2]


def test_7_3_translates_upwards() -> None:
    """SINFO-04"""
    _, init = boot(siginfo_copied=True, si_pid_translated=True)
    parent = clone(init)
    call(parent, "setpgid", 0, 0)
    handle(parent, USR1)
    call(clone(parent, NEWPID), "kill", 0, USR1)
    assert received(parent) == [(USR1, 0, 3, 0, 0, 0)]
