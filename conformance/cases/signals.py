"""signal(7) and PID namespaces: what reaches an init.  kernel/signal.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, handle, has_ended, injected, is_alive, killed_by
from conformance.views import state, status
from nscore import (
    CloneFlag,
    Machine,
    Process,
    SigCode,
    Siginfo,
    SigMask,
    Signal,
    WaitOption,
)

NEWPID = CloneFlag.NEWPID

#: Signals that end or stop whoever does not handle them.
DEADLY = (Signal.HUP, Signal.INT, Signal.QUIT, Signal.SEGV, Signal.ABRT, Signal.TERM, Signal.USR1, Signal.ALRM, 34, 64)
STOPPING = (Signal.TSTP, Signal.TTIN, Signal.TTOU)


def masked(calls: Process, key: str) -> frozenset[int]:
    """A set of signals of the caller's own status file."""
    bits = int(status(calls, "self")[key], 16)
    return frozenset(sig for sig in range(1, 65) if bits >> (sig - 1) & 1)


@case("SIG-01", "SIG-04")
def init_drops_what_it_has_no_handler_for(m: Machine) -> None:
    """Whoever sends it, and though the default is to end or to stop: the sender sees no error, and nothing is queued."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    for sig in (*DEADLY, *STOPPING):
        m.init.kill(inner.pid, sig)
        member.kill(1, sig)
        inner.kill(1, sig)
    assert state(m.init, inner.pid) == "S"
    assert inner.sigpending() == frozenset()
    assert (inner.getpid(), member.getppid()) == (1, 1)


@case("SIG-04")
def what_init_drops_does_not_even_wake_it(m: Machine) -> None:
    """An ancestor's signals are dropped as they are sent: a sigtimedwait, which everything else ends, sleeps on."""
    inner = m.init.clone(NEWPID)
    waiting = inner.start(Process.sigtimedwait, {Signal.USR2}, 60)
    for sig in (Signal.HUP, Signal.INT, Signal.TERM, Signal.SEGV, Signal.TSTP, 34):
        m.init.kill(inner.pid, sig)
        m.settle()
        assert not waiting.done


@case("SIG-02")
def kill_and_stop_from_an_ancestor_reach_init(m: Machine) -> None:
    """The sender has no number in init's namespace, so they are forced."""
    inner = m.init.clone(NEWPID)
    m.init.kill(inner.pid, Signal.STOP)
    assert state(m.init, inner.pid) == "T"
    m.init.kill(inner.pid, Signal.CONT)
    assert state(m.init, inner.pid) == "S"
    m.init.kill(inner.pid, Signal.KILL)
    assert killed_by(m.init, inner.pid) == Signal.KILL


@case("SIG-03")
def kill_and_stop_from_inside_do_nothing(m: Machine) -> None:
    """By kill, tkill, tgkill, sigqueue and a pidfd, by init itself, a member, and one whose parent is outside: all have a number there."""
    inner = m.init.clone(NEWPID)
    for sender in (inner, inner.fork(), injected(m.init.fork(), inner.pid)):
        fd = sender.pidfd_open(1)
        for sig in (Signal.KILL, Signal.STOP):
            sender.kill(1, sig)
            sender.tkill(1, sig)
            sender.tgkill(1, 1, sig)
            sender.sigqueue(1, sig)
            sender.pidfd_send_signal(fd, sig)
    assert state(m.init, inner.pid) == "S"
    assert is_alive(m.init, inner.pid)


@case("SIG-05", "SIG-07")
def init_handles_what_it_has_a_handler_for(m: Machine) -> None:
    """From anywhere; but what was sent before the handler was there is lost, not put off."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    senders = ((m.init, inner.pid), (member, 1), (inner, 1))
    for sender, pid in senders:
        sender.kill(pid, Signal.TERM)
    handle(inner, Signal.TERM)
    assert inner.received() == ()
    for sender, pid in senders:
        sender.kill(pid, Signal.TERM)
        assert [info.si_signo for info in inner.received()] == [Signal.TERM]


@case("SIG-06")
def init_keeps_what_it_has_masked(m: Machine) -> None:
    """A masked signal with the default action is queued, for sigtimedwait to take; unmasking it throws it away."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    block(inner, Signal.TERM, Signal.KILL)
    member.kill(1, Signal.TERM)
    assert inner.sigpending() == {Signal.TERM}
    assert masked(inner, "ShdPnd") == {Signal.TERM}
    assert inner.sigtimedwait({Signal.TERM}, 60) == Siginfo(Signal.TERM, SigCode.USER, 2, inner.getuid())
    member.kill(1, Signal.TERM)
    assert inner.sigprocmask(SigMask.UNBLOCK, {Signal.TERM}) == {Signal.TERM}
    assert inner.sigpending() == frozenset()
    assert is_alive(m.init, inner.pid)


@case("SIG-06")
def init_takes_no_signal_that_it_waits_for_unmasked(m: Machine) -> None:
    """sigtimedwait opens the mask for its set, and what was not masked before is dropped as ever."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    block(inner, Signal.HUP)
    waiting = inner.start(Process.sigtimedwait, {Signal.HUP, Signal.TERM}, 60)
    member.kill(1, Signal.TERM)
    m.settle()
    assert not waiting.done
    member.kill(1, Signal.HUP)
    assert waiting.result().si_signo == Signal.HUP


@case("SIG-08")
def a_member_continues_an_init_that_an_ancestor_stopped(m: Machine) -> None:
    """The side effects of CONT come before init drops it."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    m.init.kill(inner.pid, Signal.STOP)
    assert m.init.waitpid(inner.pid, WaitOption.UNTRACED) == (inner.pid, Signal.STOP << 8 | 0x7F)
    member.kill(1, Signal.CONT)
    assert m.init.waitpid(inner.pid, WaitOption.CONTINUED) == (inner.pid, 0xFFFF)
    assert state(m.init, inner.pid) == "S"


@case("SIG-08")
def a_signal_that_init_drops_still_takes_others_back(m: Machine) -> None:
    """Any stop signal takes CONT off the queue, and CONT all stop signals, though the new one itself is dropped."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    block(inner, Signal.CONT, Signal.TSTP, Signal.TTIN)
    member.kill(1, Signal.CONT)
    assert inner.sigpending() == {Signal.CONT}
    member.kill(1, Signal.STOP)
    assert inner.sigpending() == frozenset()
    member.kill(1, Signal.TSTP)
    member.kill(1, Signal.TTIN)
    assert inner.sigpending() == {Signal.TSTP, Signal.TTIN}
    inner.sigprocmask(SigMask.UNBLOCK, {Signal.CONT})
    member.kill(1, Signal.CONT)
    assert inner.sigpending() == frozenset()


@case("SIG-09")
def a_stopped_init_is_as_safe_from_its_members(m: Machine) -> None:
    """They go on, and their KILL is dropped; an ancestor's is not."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    m.init.kill(inner.pid, Signal.STOP)
    member.kill(1, Signal.KILL)
    assert member.getppid() == 1
    assert state(m.init, inner.pid) == "T"
    m.init.kill(inner.pid, Signal.KILL)
    assert killed_by(m.init, inner.pid) == Signal.KILL


@case("SIG-12")
def init_survives_writing_to_nobody(m: Machine) -> None:
    """The kernel's own PIPE is dropped as others' is; the write says EPIPE."""
    inner, child = m.init.clone(NEWPID), m.init.fork()
    for process in (inner, child):
        reader, writer = process.pipe2()
        process.close(reader)
        writing = process.start(Process.write, writer, b"x")
        m.settle()
        if process is inner:
            with raises("EPIPE"):
                writing.result()
    assert (has_ended(inner), killed_by(m.init, child.pid)) == (False, Signal.PIPE)


@case("SIG-13")
def init_stays_protected_through_exec_and_in_all_its_threads(m: Machine) -> None:
    """exec resets the handler, so that its signal is dropped again; a child has no such protection."""
    inner = m.init.clone(NEWPID)
    member, other = inner.fork(), inner.fork()
    handle(inner, Signal.TERM)
    inner.execve(m.image)
    member.kill(1, Signal.TERM)
    thread = inner.thread()
    for sig in (Signal.TERM, Signal.KILL):
        member.tgkill(1, thread.gettid(), sig)
    assert thread.getpid() == 1
    member.kill(other.getpid(), Signal.TERM)
    assert inner.waitpid(-1) == (3, Signal.TERM)


@case("SIG-15", "INIT-16")
def an_outer_member_ends_a_nested_init(m: Machine) -> None:
    """Protection is against init's own namespace alone, and only what is below ends with it."""
    outer = m.init.clone(NEWPID)
    member = outer.fork()
    nested = outer.clone(NEWPID)
    nested.fork().fork()
    below = nested.clone(NEWPID)
    member.kill(nested.pid, Signal.TERM)
    assert below.getpid() == 1
    member.kill(nested.pid, Signal.KILL)
    assert killed_by(outer, nested.pid) == Signal.KILL
    assert has_ended(below)
    assert member.getppid() == outer.getpid() == 1


@case("SIG-16", "PGRP-04")
def a_sibling_namespaces_init_can_be_killed_through_the_group(m: Machine) -> None:
    """Not visible is forced: its neighbour's kill(0) ends it and their common parent, but not the neighbour, who sees itself."""
    parent = m.init.fork()
    parent.setpgid(0, 0)
    one, other = parent.clone(NEWPID), parent.clone(NEWPID)
    one.kill(0, Signal.KILL)
    m.settle()
    assert (has_ended(parent), has_ended(other), has_ended(one)) == (True, True, False)
    assert killed_by(m.init, parent.pid) == Signal.KILL
    assert m.init.waitpid(-1, WaitOption.NOHANG) == (4, Signal.KILL)
    assert one.getpid() == 1


@case("SIG-17")
def a_descendant_is_seen_and_so_does_not_kill_the_outer_init(m: Machine) -> None:
    """kill(0) from a child namespace reaches the outer init in the group, which has a number for the sender."""
    outer = m.init.clone(NEWPID)
    outer.setpgid(0, 0)
    nested = outer.clone(NEWPID)
    member = nested.fork()
    bystander = outer.fork()
    member.start(Process.kill, 0, Signal.KILL)
    m.settle()
    assert [has_ended(process) for process in (outer, nested, member, bystander)] == [False, False, True, True]


@case("SIG-18")
def a_code_without_a_sender_is_not_forced(m: Machine) -> None:
    """sigqueue with a si_code that has no si_pid: an ancestor's KILL is dropped; with QUEUE or ASYNCIO init dies."""
    for code, survives in ((SigCode.TIMER, True), (SigCode.SIGIO, True), (SigCode.QUEUE, False), (SigCode.ASYNCIO, False)):
        inner = m.init.clone(NEWPID)
        m.init.sigqueue(inner.pid, Signal.KILL, 0, code)
        assert is_alive(m.init, inner.pid) == survives


@case("SIG-20", needs=("many_ids",))
def asking_for_init_is_a_question_of_permission(m: Machine) -> None:
    """kill(1, 0) goes by the rules for everybody, and so does what init drops."""
    stranger = m.init.fork()
    stranger.kill(1, 0)
    stranger.setuid(1000)
    for sig in (0, Signal.TERM):
        with raises("EPERM"):
            stranger.kill(1, sig)
