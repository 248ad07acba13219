"""wait(2): what becomes of children."""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from nscore import (
    ChildCode,
    CloneFlag,
    Disposition,
    IdType,
    Machine,
    PidfdFlag,
    Process,
    SigActionFlag,
    Signal,
    WaitOption,
    WaitResult,
)


@case("WAIT-01", "WAIT-11", "ALLOC-20", "VIS-11")
def a_reaped_child_has_no_number(m: Machine) -> None:
    """Reaping frees the number before wait returns."""
    child = m.init.fork()
    child.exit(7)
    assert m.init.waitid(IdType.ALL, 0, WaitOption.EXITED) == WaitResult(child.pid, m.init.getuid(), Signal.CHLD, 7, 1)
    with raises("ESRCH"):
        m.init.kill(child.pid, 0)


@case("WAIT-07")
def nohang_with_a_living_child_is_none(m: Machine) -> None:
    """WNOHANG with children but none ready: 0, and waitid fills in nothing."""
    m.init.fork()
    assert m.init.waitid(IdType.ALL, 0, WaitOption.EXITED | WaitOption.NOHANG) is None
    assert m.init.waitpid(-1, WaitOption.NOHANG) == (0, 0)


@case("WAIT-06")
def the_oldest_zombie_is_reaped_first(m: Machine) -> None:
    """Order of creation, not of death."""
    first, second = m.init.fork(), m.init.fork()
    second.exit(2)
    m.settle()
    first.exit(1)
    assert m.init.waitpid(-1) == (first.pid, 1 << 8)
    assert m.init.waitpid(-1) == (second.pid, 2 << 8)
    with raises("ECHILD"):
        m.init.waitpid(-1)


@case("WAIT-02")
def only_children_are_waited_for(m: Machine) -> None:
    """A grandchild, the parent and oneself are ECHILD."""
    child = m.init.fork()
    grandchild = child.fork()
    for pid in (grandchild.getpid(), m.init.getpid()):
        with raises("ECHILD"):
            m.init.waitpid(pid)
    with raises("ECHILD"):
        child.waitpid(m.init.getpid())


@case("WAIT-03", "WAIT-04")
def what_wait_refuses(m: Machine) -> None:
    """INT_MIN is ESRCH, unknown options and id types are EINVAL, unknown numbers ECHILD."""
    init = m.init
    init.fork()
    for pid, options, name in ((-(1 << 31), 0, "ESRCH"), (-1, 0x40, "EINVAL"), (99, 0, "ECHILD"), (-99, 0, "ECHILD")):
        with raises(name):
            init.waitpid(pid, options)
    exited = WaitOption.EXITED
    for idtype, id, options, name in (
        (IdType.ALL, 0, WaitOption.NOHANG, "EINVAL"),
        (IdType.PID, 0, exited, "EINVAL"),
        (IdType.PGID, -1, exited, "EINVAL"),
        (IdType.PIDFD, -1, exited, "EINVAL"),
        (IdType.PIDFD, 0, exited, "EBADF"),
        (9, 0, exited, "EINVAL"),
    ):
        with raises(name):
            init.waitid(idtype, id, options)


@case("WAIT-05")
def a_pidfd_that_does_not_block_says_eagain(m: Machine) -> None:
    """While the child lives; a pidfd of somebody else's child is ECHILD."""
    child = m.init.fork()
    other = child.fork()
    fd = m.init.pidfd_open(child.pid, PidfdFlag.NONBLOCK)
    with raises("EAGAIN"):
        m.init.waitid(IdType.PIDFD, fd, WaitOption.EXITED)
    assert m.init.waitid(IdType.PIDFD, fd, WaitOption.EXITED | WaitOption.NOHANG) is None
    with raises("ECHILD"):
        m.init.waitid(IdType.PIDFD, m.init.pidfd_open(other.getpid()), WaitOption.EXITED)
    child.exit(1)
    result = m.init.waitid(IdType.PIDFD, fd, WaitOption.EXITED)
    assert result and (result.si_pid, result.si_status) == (child.pid, 1)


@case("WAIT-08")
def what_a_wait_leaves_and_what_it_takes(m: Machine) -> None:
    """NOWAIT leaves a zombie and an event; otherwise each stop and each continuation is told once."""
    child = m.init.fork()
    for sig, option, code in (
        (Signal.STOP, WaitOption.STOPPED, ChildCode.STOPPED),
        (Signal.CONT, WaitOption.CONTINUED, ChildCode.CONTINUED),
        (Signal.KILL, WaitOption.EXITED, ChildCode.KILLED),
    ):
        m.init.kill(child.pid, sig)
        m.settle()
        for more in (WaitOption.NOWAIT, WaitOption.NOWAIT, 0):
            result = m.init.waitid(IdType.PID, child.pid, option | more)
            assert result == WaitResult(child.pid, m.init.getuid(), Signal.CHLD, sig, code)
        if sig != Signal.KILL:
            assert m.init.waitid(IdType.PID, child.pid, option | WaitOption.NOHANG) is None
    with raises("ECHILD"):
        m.init.waitid(IdType.PID, child.pid, WaitOption.EXITED)


@case("WAIT-10")
def a_stopped_init_is_told_as_any_child(m: Machine) -> None:
    """waitpid: UNTRACED and CONTINUED, with the statuses of wait(2)."""
    inner = m.init.clone(CloneFlag.NEWPID)
    for sig, option, status in ((Signal.STOP, WaitOption.UNTRACED, 0x137F), (Signal.CONT, WaitOption.CONTINUED, 0xFFFF)):
        m.init.kill(inner.pid, sig)
        assert m.init.waitpid(-1, option) == (inner.pid, status)
    assert inner.getpid() == 1


@case("WAIT-10", "EXITSIG-11")
def who_does_not_hear_of_stops_can_wait_for_them(m: Machine) -> None:
    """With NOCLDSTOP there is no SIGCHLD of a stop or a continuation, but of the end."""
    parent = m.init.fork()
    parent.sigaction(Signal.CHLD, Disposition.HANDLE, SigActionFlag.NOCLDSTOP)
    child = parent.fork()
    for sig, option, status in ((Signal.STOP, WaitOption.UNTRACED, 0x137F), (Signal.CONT, WaitOption.CONTINUED, 0xFFFF)):
        parent.kill(child.pid, sig)
        assert parent.waitpid(child.pid, option) == (child.pid, status)
    child.exit(0)
    assert [info.si_code for info in parent.received()] == [ChildCode.EXITED]


@case("WAIT-04", "PGRP-03")
def wait_knows_groups(m: Machine) -> None:
    """0 is the caller's own, a group of others is waited for by its number, and a group without children is ECHILD."""
    own, other = m.init.fork(), m.init.fork()
    other.setpgid(0, 0)
    for child in (own, other):
        child.exit(0)
    result = m.init.waitid(IdType.PGID, 0, WaitOption.EXITED)
    assert result and result.si_pid == own.pid
    with raises("ECHILD"):
        m.init.waitpid(0)
    assert m.init.waitpid(-other.pid) == (other.pid, 0)
    with raises("ECHILD"):
        m.init.waitid(IdType.PGID, other.pid, WaitOption.EXITED)


@case("WAIT-02")
def a_wait_is_interrupted_by_a_handler(m: Machine) -> None:
    """EINTR, unless the handler asks for a restart; a signal that is ignored does not wake it."""
    parent = m.init.fork()
    child = parent.fork()
    for flags, ends in ((0, True), (SigActionFlag.RESTART, False)):
        parent.sigaction(Signal.USR1, Disposition.HANDLE, flags)
        waiting = parent.start(Process.waitpid, -1)
        m.init.kill(parent.pid, Signal.WINCH)
        m.settle()
        assert not waiting.done
        m.init.kill(parent.pid, Signal.USR1)
        m.settle()
        assert waiting.done == ends
        if ends:
            with raises("EINTR"):
                waiting.result()
    child.exit(3)
    assert waiting.result() == (3, 3 << 8)
