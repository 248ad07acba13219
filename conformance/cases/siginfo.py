"""sigaction(2): what a siginfo says of the sender, in whose numbers.  kernel/signal.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, handle
from conformance.views import write
from nscore import (
    ChildCode,
    CloneFlag,
    Disposition,
    IdType,
    Machine,
    SigCode,
    Siginfo,
    Signal,
    WaitOption,
    WaitResult,
)

NEWPID = CloneFlag.NEWPID


@case("SINFO-01", "SINFO-02")
def the_sender_is_told_where_it_is_seen(m: Machine) -> None:
    """As the number of its process, a thread's too, and 0 for an ancestor; the code is the call's."""
    inner = m.init.clone(NEWPID)
    member, target = inner.fork(), inner.fork()
    thread = member.thread()
    uid = target.getuid()
    handle(target, Signal.USR1)
    for sender, number, seen in ((m.init, 4, 0), (member, 3, 2), (thread, 3, 2), (target, 3, 3)):
        fd = sender.pidfd_open(number)
        sender.kill(number, Signal.USR1)
        assert target.received() == (Siginfo(Signal.USR1, SigCode.USER, seen, uid),)
        sender.pidfd_send_signal(fd, Signal.USR1)
        assert target.received() == (Siginfo(Signal.USR1, SigCode.USER, seen, uid),)
        sender.tgkill(number, number, Signal.USR1)
        assert target.received() == (Siginfo(Signal.USR1, SigCode.TKILL, seen, uid),)
        sender.close(fd)


@case("SINFO-03")
def a_forged_sender_passes_within_a_namespace(m: Machine) -> None:
    """An ancestor's is overwritten with 0; a code that has no si_pid passes everywhere."""
    inner = m.init.clone(NEWPID)
    target, member = inner.fork(), inner.fork()
    handle(target, Signal.USR1)
    for sender, number in ((member, 2), (m.init, 3)):
        fd = sender.pidfd_open(number)
        sender.sigqueue(number, Signal.USR1, 7)
        for code in (SigCode.QUEUE, SigCode.MESGQ, SigCode.TIMER):
            sender.pidfd_send_signal(fd, Signal.USR1, Siginfo(Signal.USR1, code, 77, 0, 0, 5))
            m.settle()
    uid = target.getuid()
    mine, theirs = (Siginfo(Signal.USR1, SigCode.QUEUE, seen, uid, 0, 7) for seen in (3, 0))
    timer = Siginfo(Signal.USR1, SigCode.TIMER, 77, 0, 0, 5)
    forged = [Siginfo(Signal.USR1, code, 77, 0, 0, 5) for code in (SigCode.QUEUE, SigCode.MESGQ)]
    hidden = [Siginfo(Signal.USR1, code, 0, 0, 0, 5) for code in (SigCode.QUEUE, SigCode.MESGQ)]
    assert target.received() == (mine, *forged, timer, theirs, *hidden, timer)


@case("SINFO-04", needs=("before 7.3",))
def upwards_the_sender_is_told_in_its_own_numbers(m: Machine) -> None:
    """kill(0) from a child namespace: what the parent sees names somebody else there."""
    parent = m.init.fork()
    parent.setpgid(0, 0)
    handle(parent, Signal.USR1)
    inner = parent.clone(NEWPID)
    member = inner.fork()
    member.sigaction(Signal.USR1, Disposition.IGN)
    for sender, number in ((inner, 1), (member, 2)):
        sender.kill(0, Signal.USR1)
        assert parent.received() == (Siginfo(Signal.USR1, SigCode.USER, number, parent.getuid()),)


@case("SINFO-05", "PGRP-06", "KILL-05", needs=("shared siginfo",))
def whoever_comes_after_one_that_sees_no_sender_is_told_none(m: Machine) -> None:
    """The siginfo is changed in place while the targets are walked: a group newest first, all processes oldest first."""
    sender = m.init.fork()
    sender.setpgid(0, 0)
    first = sender.fork()
    blind = sender.clone(NEWPID)
    last = sender.fork()
    sender.sigaction(Signal.USR1, Disposition.IGN)
    for target in (first, blind, last):
        handle(target, Signal.USR1)
    for number, told in ((0, [0, 0, 2]), (-1, [2, 0, 0])):
        sender.kill(number, Signal.USR1)
        assert [target.received()[0].si_pid for target in (first, blind, last)] == told


@case("SINFO-06", "EXITSIG-14", "WAIT-10")
def a_parent_hears_of_a_child_in_its_own_numbers(m: Machine) -> None:
    """Stop, continue and end of a nested init, whose own number is 1: CHLD and wait say the number outside."""
    parent = m.init.fork()
    inner = parent.clone(NEWPID)
    handle(parent, Signal.CHLD)
    stopped, continued = WaitOption.STOPPED, WaitOption.CONTINUED
    for sig, option, code, value in (
        (Signal.STOP, stopped, ChildCode.STOPPED, Signal.STOP),
        (Signal.CONT, continued, ChildCode.CONTINUED, Signal.CONT),
        (Signal.KILL, WaitOption.EXITED, ChildCode.KILLED, Signal.KILL),
    ):
        m.init.kill(inner.pid, sig)
        seen = parent.waitid(IdType.ALL, 0, option)
        assert seen == WaitResult(inner.pid, parent.getuid(), Signal.CHLD, value, code)
        assert parent.received() == (Siginfo(Signal.CHLD, code, inner.pid, parent.getuid(), value),)


@case("SINFO-08")
def the_senders_uid_is_told_as_the_target_maps_it(m: Machine) -> None:
    """65534 where it does not."""
    for mapping, uid in (("", 65534), ("5 0 1", 5)):
        target = m.init.clone(CloneFlag.NEWUSER)
        if mapping:
            write(m.init, f"/proc/{target.pid}/uid_map", mapping)
        handle(target, Signal.USR1)
        m.init.kill(target.pid, Signal.USR1)
        assert target.received() == (Siginfo(Signal.USR1, SigCode.USER, 1, uid),)


@case("SINFO-09")
def a_standard_signal_is_pending_once(m: Machine) -> None:
    """The second is dropped with its siginfo; a real-time signal is queued each time."""
    target, one, other = m.init.fork(), m.init.fork(), m.init.fork()
    block(target, Signal.USR1, 40)
    for sender in (other, one):
        sender.kill(target.pid, Signal.USR1)
        sender.kill(target.pid, 40)
    taken = [target.sigtimedwait({Signal.USR1, 40}, 60) for _ in range(3)]
    assert [(info.si_signo, info.si_pid) for info in taken] == [(Signal.USR1, 4), (40, 4), (40, 3)]
    with raises("EAGAIN"):
        target.sigtimedwait({Signal.USR1, 40}, 0)


@case("EXITSIG-14", "EXITSIG-01")
def any_exit_signal_tells_of_the_child(m: Machine) -> None:
    """Its number, uid and status, as CHLD does; one that has codes of its own, for faults, says nothing."""
    parent = m.init.clone(NEWPID)
    uid = parent.getuid()
    signals = (Signal.USR1, Signal.WINCH, 40, Signal.SEGV, Signal.IO)
    block(parent, *signals)
    for sig in signals:
        parent.clone(exit_signal=sig).exit(3)
    m.settle()
    taken = [parent.sigtimedwait({sig}, 0) for sig in signals]
    told = [Siginfo(sig, ChildCode.EXITED, number, uid, 3) for number, sig in enumerate(signals[:3], 2)]
    assert taken == [*told, *(Siginfo(sig, ChildCode.EXITED) for sig in signals[3:])]
