"""kill(2): whom a signal reaches, and what is refused.  kernel/signal.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, handle, has_ended, injected, killed_by
from conformance.views import state
from nscore import (
    CloneFlag,
    Disposition,
    Machine,
    SigAction,
    SigActionFlag,
    SigCode,
    SigMask,
    Signal,
)

NEWPID = CloneFlag.NEWPID


@case("KILL-01", "KILL-07")
def kill_minus_1_reaches_all_in_sight_but_the_caller(m: Machine) -> None:
    """Everybody below too, a nested init, to whom the caller is an ancestor, included; not PID 1, and nobody outside."""
    outside = m.init.fork()
    inner = m.init.clone(NEWPID)
    sender, plain, leader = inner.fork(), inner.fork(), inner.fork()
    thread = sender.thread()
    leader.setsid()
    nested = inner.clone(NEWPID)
    below = nested.fork()
    thread.kill(-1, Signal.KILL)
    m.settle()
    assert [has_ended(process) for process in (plain, leader, nested, below)] == [True] * 4
    assert [has_ended(process) for process in (outside, inner, sender, thread, m.init)] == [False] * 5


@case("KILL-02")
def kill_minus_1_spares_init(m: Machine) -> None:
    """Whoever calls: it is never a target, and one whose parent is outside is."""
    inner = m.init.clone(NEWPID)
    member, stranger = inner.fork(), injected(m.init.fork(), inner.pid)
    handle(inner, Signal.WINCH)
    member.kill(-1, Signal.WINCH)
    assert inner.received() == ()
    inner.kill(-1, Signal.KILL)
    m.settle()
    assert [has_ended(process) for process in (inner, member, stranger)] == [False, True, True]


@case("KILL-03", "KILL-04")
def kill_minus_1_without_anybody_is_esrch(m: Machine) -> None:
    """PID 1 and the caller do not count, a zombie does; only then is a signal looked at that is none."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    thread = member.thread()
    for sig in (0, 65, Signal.TERM):
        with raises("ESRCH"):
            thread.kill(-1, sig)
    inner.fork().exit(0)
    with raises("EINVAL"):
        member.kill(-1, 65)
    member.kill(-1, Signal.TERM)
    assert not has_ended(member)


@case("KILL-03", "PGRP-07", needs=("many_ids",))
def kill_minus_1_succeeds_where_nobody_may_be_signalled(m: Machine) -> None:
    """All EPERM is 0; of a group, and of one process, it is EPERM."""
    sender, other = m.init.fork(), m.init.fork()
    other.setpgid(0, 0)
    sender.setuid(1000)
    sender.kill(-1, Signal.KILL)
    for pid in (-other.pid, other.pid):
        with raises("EPERM"):
            sender.kill(pid, Signal.TERM)
    assert not has_ended(other)


@case("KILL-06")
def a_threads_number_stands_for_its_process(m: Machine) -> None:
    """kill takes any visible number of a thread and signals the process; the least int is ESRCH."""
    process = m.init.fork()
    thread = process.thread()
    for each in (process, thread):
        block(each, Signal.USR1, Signal.USR2)
    m.init.kill(thread.tid, Signal.USR1)
    m.init.tkill(thread.tid, Signal.USR2)
    assert process.sigpending() == {Signal.USR1}
    assert thread.sigpending() == {Signal.USR1, Signal.USR2}
    with raises("ESRCH"):
        m.init.kill(-(1 << 31), 0)


@case("KILL-08", needs=("many_ids",))
def cont_needs_no_equal_id_within_a_session(m: Machine) -> None:
    """Other signals do, and CONT does for another session."""
    sender, same, other = m.init.fork(), m.init.fork(), m.init.fork()
    other.setsid()
    m.init.kill(same.pid, Signal.STOP)
    sender.setuid(1000)
    sender.kill(same.pid, Signal.CONT)
    assert state(m.init, same.pid) == "S"
    for target, sig in ((same, Signal.STOP), (other, Signal.CONT)):
        with raises("EPERM"):
            sender.kill(target.pid, sig)


@case("KILL-09", "PIDFD-SEND-03")
def a_pidfd_of_somebody_out_of_sight_takes_no_signal(m: Machine) -> None:
    """pidfd_send_signal upwards is EINVAL, though the descriptor is good."""
    target = m.init.fork()
    fd = m.init.pidfd_open(target.pid)
    inner = m.init.clone(NEWPID)
    with raises("EINVAL"):
        inner.pidfd_send_signal(fd, 0)
    m.init.pidfd_send_signal(fd, Signal.KILL)
    assert killed_by(m.init, target.pid) == Signal.KILL


@case("PREC-06")
def what_kill_refuses_in_order(m: Machine) -> None:
    """Nobody there comes before a signal that is none; tkill and tgkill look at their numbers first."""
    init = m.init
    child = init.fork()
    with raises("ESRCH"):
        init.kill(99, 65)
    with raises("ESRCH"):
        init.kill(-99, 65)
    with raises("EINVAL"):
        init.kill(child.pid, 65)
    with raises("EINVAL"):
        init.tkill(0, 0)
    with raises("ESRCH"):
        init.tkill(99, 65)
    with raises("EINVAL"):
        init.tkill(child.pid, 65)
    with raises("EINVAL"):
        init.tgkill(0, 1, 0)
    with raises("ESRCH"):
        init.tgkill(1, child.pid, 0)
    with raises("EINVAL"):
        init.tgkill(1, 1, 65)


@case("PREC-06", "PREC-07", needs=("many_ids",))
def permission_is_asked_for_last(m: Machine) -> None:
    """After the number and the signal, by every call; but sigqueue first asks whether the code may be forged."""
    target, sender = m.init.fork(), m.init.fork()
    sender.setuid(1000)
    for sig, name in ((65, "EINVAL"), (Signal.TERM, "EPERM"), (0, "EPERM")):
        with raises(name):
            sender.kill(target.pid, sig)
        with raises(name):
            sender.tkill(target.pid, sig)
        with raises(name):
            sender.tgkill(target.pid, target.pid, sig)
        with raises(name):
            sender.sigqueue(target.pid, sig)
    for code in (SigCode.USER, SigCode.KERNEL, SigCode.TKILL):
        with raises("EPERM"):
            sender.sigqueue(99, 65, 0, code)
    with raises("ESRCH"):
        sender.sigqueue(99, 65)
    sender.sigqueue(sender.getpid(), 0, 0, SigCode.TKILL)


@case("SIG-05", "SIG-06")
def what_cannot_be_handled_or_masked(m: Machine) -> None:
    """KILL and STOP keep their action, which can be asked for, and are left out of a mask; an unknown number or how is EINVAL."""
    child = m.init.fork()
    for sig in (Signal.KILL, Signal.STOP):
        for action in (Disposition.DFL, Disposition.IGN, Disposition.HANDLE):
            with raises("EINVAL"):
                child.sigaction(sig, action)
        assert child.sigaction(sig, None) == SigAction(Disposition.DFL, 0)
    for number in (0, 65, -1):
        with raises("EINVAL"):
            child.sigaction(number, Disposition.IGN)
    child.sigprocmask(SigMask.SETMASK, range(1, 65))
    everything = frozenset(range(1, 65)) - {Signal.KILL, Signal.STOP}
    assert child.sigprocmask(SigMask.UNBLOCK, {Signal.HUP}) == everything
    assert child.sigprocmask(SigMask.BLOCK, ()) == everything - {Signal.HUP}
    with raises("EINVAL"):
        child.sigprocmask(3, ())


@case("SIG-05")
def what_is_ignored_does_not_stay_pending(m: Machine) -> None:
    """Nor what is ignored by default; and whoever stops to ignore it does not get it back."""
    child = m.init.fork()
    block(child, Signal.USR1, Signal.CHLD)
    for sig, action in ((Signal.USR1, Disposition.IGN), (Signal.CHLD, Disposition.DFL)):
        child.sigaction(sig, Disposition.HANDLE)
        child.kill(child.getpid(), sig)
        assert child.sigpending() == {sig}
        child.sigaction(sig, action)
        child.sigaction(sig, Disposition.HANDLE)
        assert child.sigpending() == set()


@case("SIG-05", "EXITSIG-11")
def an_action_is_given_back_and_lasts(m: Machine) -> None:
    """With its flags; fork copies it, exec resets handlers and keeps IGN, RESETHAND is for one signal."""
    child = m.init.fork()
    flags = SigActionFlag.RESTART | SigActionFlag.NOCLDSTOP
    assert child.sigaction(Signal.USR1, Disposition.HANDLE, flags) == SigAction(Disposition.DFL, 0)
    child.sigaction(Signal.USR2, Disposition.IGN)
    handled = SigAction(Disposition.HANDLE, flags | SigActionFlag.SIGINFO)
    assert child.sigaction(Signal.USR1, None) == child.fork().sigaction(Signal.USR1, None) == handled
    child.sigaction(Signal.HUP, Disposition.HANDLE, SigActionFlag.RESETHAND)
    child.kill(child.getpid(), Signal.HUP)
    assert len(child.received()) == 1
    assert child.sigaction(Signal.HUP, None).handler == Disposition.DFL
    child.execve(m.image)
    actions = [child.sigaction(sig, None).handler for sig in (Signal.USR1, Signal.USR2)]
    assert actions == [Disposition.DFL, Disposition.IGN]
