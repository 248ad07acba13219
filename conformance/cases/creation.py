"""clone(2): exit signals and vfork.  kernel/fork.c, kernel/exit.c:exit_notify"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, handle, has_ended, is_alive, killed_by, stat_field
from conformance.views import state, status
from nscore import (
    ChildCode,
    CloneFlag,
    Disposition,
    IdType,
    Machine,
    Process,
    SigActionFlag,
    Siginfo,
    Signal,
    WaitOption,
    WaitResult,
)

NEWPID = CloneFlag.NEWPID


def exit_signal(looker: Process, path: str) -> int:
    """What the parent will be sent, as stat shows it."""
    return stat_field(looker, f"/proc/{path}/stat", 38)


# --- exit signals


@case("EXITSIG-01")
def the_exit_signal_is_chlds_or_clones(m: Machine) -> None:
    """fork's is CHLD, clone's what it is given, and a thread has none: stat says -1."""
    child = m.init.fork()
    thread = child.thread()
    other = m.init.clone(exit_signal=Signal.USR1)
    shown = [exit_signal(m.init, path) for path in (f"{child.pid}", f"{other.pid}", f"{child.pid}/task/{thread.tid}")]
    assert shown == [Signal.CHLD, Signal.USR1, -1]


@case("EXITSIG-02")
def an_exit_signal_beyond_64_is_refused(m: Machine) -> None:
    """By clone3; the child of 64 is waited for as any other that does not send CHLD."""
    for sig in (65, 255, 256, 1 << 31):
        with raises("EINVAL"):
            m.init.clone(exit_signal=sig)
    assert exit_signal(m.init, str(m.init.clone(exit_signal=64).pid)) == 64


@case("EXITSIG-03", "REPARENT-12")
def a_sibling_has_its_makers_exit_signal(m: Machine) -> None:
    """With PARENT, clone3 takes none: the child's is the caller's own, and the caller cannot wait for it."""
    maker = m.init.clone(exit_signal=Signal.USR1)
    with raises("EINVAL"):
        maker.clone(CloneFlag.PARENT)
    sibling = maker.clone(CloneFlag.PARENT, exit_signal=0)
    assert exit_signal(m.init, str(sibling.pid)) == Signal.USR1
    assert sibling.getppid() == 1
    sibling.exit(0)
    with raises("ECHILD"):
        maker.waitpid(-1, WaitOption.ALL)
    assert m.init.waitpid(sibling.pid, WaitOption.ALL) == (sibling.pid, 0)


@case("EXITSIG-04", "EXITSIG-05")
def who_has_no_exit_signal_ends_in_silence(m: Machine) -> None:
    """No signal is sent, and a plain wait does not see it: only with CLONE or ALL."""
    parent = m.init.fork()
    silent, plain = parent.clone(exit_signal=0), parent.fork()
    block(parent, Signal.CHLD)
    silent.exit(1)
    assert parent.sigpending() == frozenset()
    plain.exit(2)
    assert parent.waitpid(-1, WaitOption.CLONE) == (3, 1 << 8)
    with raises("ECHILD"):
        parent.waitpid(-1, WaitOption.CLONE)
    assert parent.waitpid(-1) == (4, 2 << 8)
    assert parent.sigpending() == {Signal.CHLD}


@case("EXITSIG-05")
def wait_tells_clone_children_from_others(m: Machine) -> None:
    """waitid too: a wait that finds only children of the other kind is ECHILD, and ALL finds both."""
    first, second = m.init.clone(exit_signal=Signal.USR1), m.init.fork()
    exited = WaitOption.EXITED
    with raises("ECHILD"):
        m.init.waitpid(first.pid, WaitOption.NOHANG)
    with raises("ECHILD"):
        m.init.waitid(IdType.PID, second.pid, exited | WaitOption.CLONE)
    for child in (first, second):
        child.exit(0)
    seen = [m.init.waitid(IdType.ALL, 0, exited | WaitOption.ALL) for _ in range(2)]
    assert seen == [WaitResult(child.pid, m.init.getuid(), Signal.CHLD, 0, ChildCode.EXITED) for child in (first, second)]


@case("EXITSIG-06")
def exec_sets_the_exit_signal_to_chld(m: Machine) -> None:
    """In the child that execs: from then on a plain wait sees it."""
    child = m.init.clone(exit_signal=Signal.USR1)
    child.execve(m.image)
    assert exit_signal(m.init, str(child.pid)) == Signal.CHLD
    child.exit(0)
    assert m.init.waitpid(child.pid) == (child.pid, 0)


@case("EXITSIG-07")
def who_has_execed_is_sent_chld_instead(m: Machine) -> None:
    """A program does not get a signal that the one before asked for; but the child stays a clone child."""
    parent = m.init.fork()
    child = parent.clone(exit_signal=Signal.USR1)
    block(parent, Signal.CHLD, Signal.USR1)
    parent.execve(m.image)
    child.exit(0)
    assert parent.sigpending() == {Signal.CHLD}
    with raises("ECHILD"):
        parent.waitpid(-1)
    assert parent.waitpid(-1, WaitOption.CLONE) == (3, 0)


@case("EXITSIG-08")
def an_adopted_child_sends_chld(m: Machine) -> None:
    """Whatever its first parent asked for: the new one waits as for any other."""
    parent = m.init.fork()
    child = parent.clone(exit_signal=Signal.USR1)
    parent.exit(0)
    assert m.init.waitpid(parent.pid) == (parent.pid, 0)
    assert exit_signal(m.init, str(parent.pid + 1)) == Signal.CHLD
    child.exit(3)
    assert m.init.waitpid(-1) == (parent.pid + 1, 3 << 8)


@case("EXITSIG-09")
def an_exit_signal_can_end_the_parent(m: Machine) -> None:
    """The kernel sends it, KILL too; an init drops it as ever."""
    for sig in (Signal.TERM, Signal.KILL, 64):
        parent, inner = m.init.fork(), m.init.clone(NEWPID)
        for maker in (parent, inner):
            maker.clone(exit_signal=sig).exit(0)
        m.settle()
        assert killed_by(m.init, parent.pid) == sig
        assert inner.waitpid(-1, WaitOption.CLONE) == (2, 0)


@case("EXITSIG-10", "EXITSIG-11")
def a_child_of_who_ignores_chld_is_reaped_at_once(m: Machine) -> None:
    """With IGN no signal is sent; NOCLDWAIT sends it to a handler and reaps as well.  A clone child stays a zombie."""
    for action, flags, told in ((Disposition.IGN, 0, 0), (Disposition.DFL, 2, 0), (Disposition.HANDLE, SigActionFlag.NOCLDWAIT, 1)):
        parent = m.init.fork()
        parent.sigaction(Signal.CHLD, action, flags)
        plain, clone = parent.fork(), parent.clone(exit_signal=Signal.WINCH)
        number = int(parent.pid) + 1
        plain.exit(0)
        clone.exit(0)
        m.settle()
        with raises("ESRCH"):
            m.init.kill(number, 0)
        assert state(m.init, number + 1) == "Z"
        assert [info.si_pid for info in parent.received()] == [number] * told


@case("EXITSIG-12")
def to_ignore_chld_later_reaps_nothing(m: Machine) -> None:
    """A zombie stays; only a wait takes it."""
    child = m.init.fork()
    child.exit(4)
    m.settle()
    m.init.sigaction(Signal.CHLD, Disposition.IGN)
    assert state(m.init, child.pid) == "Z"
    assert m.init.waitpid(-1) == (child.pid, 4 << 8)


@case("EXITSIG-13")
def wait_for_children_that_are_reaped_ends_with_the_last(m: Machine) -> None:
    """ECHILD, when none is left that it might have been for."""
    parent = m.init.fork()
    parent.sigaction(Signal.CHLD, Disposition.IGN)
    one, other = parent.fork(), parent.fork()
    waiting = parent.start(Process.waitpid, -1)
    one.exit(0)
    m.settle()
    assert not waiting.done
    other.exit(0)
    m.settle()
    with raises("ECHILD"):
        waiting.result()


@case("EXITSIG-14")
def chld_carries_how_a_child_ended(m: Machine) -> None:
    """The status of an exit, the signal of a death, and the child's uid as the parent maps it."""
    parent = m.init.clone(CloneFlag.NEWUSER)
    handle(parent, Signal.CHLD)
    for code, value in ((ChildCode.EXITED, 7), (ChildCode.KILLED, Signal.TERM)):
        child = parent.fork()
        if code == ChildCode.EXITED:
            child.exit(value)
        else:
            parent.kill(child.pid, value)
        assert parent.waitpid(child.pid)[0] == child.pid
        assert parent.received() == (Siginfo(Signal.CHLD, code, child.pid, 65534, value),)


@case("EXITSIG-15")
def two_deaths_are_one_signal(m: Machine) -> None:
    """While it is pending: what is delivered tells of the first."""
    parent = m.init.fork()
    block(parent, Signal.CHLD)
    first, second = parent.fork(), parent.fork()
    for child in (second, first):
        child.exit(0)
        m.settle()
    assert parent.sigtimedwait({Signal.CHLD}, 0).si_pid == second.pid
    with raises("EAGAIN"):
        parent.sigtimedwait({Signal.CHLD}, 0)
    assert [parent.waitpid(-1)[0] for _ in range(2)] == [first.pid, second.pid]


@case("EXITSIG-16", needs=("no autoreap",))
def bits_of_later_releases_are_refused(m: Machine) -> None:
    """AUTOREAP, NNP and PIDFD_AUTOKILL."""
    for bit in (34, 35, 36):
        with raises("EINVAL"):
            m.init.clone(1 << bit)


# --- vfork


@case("VFORK-01")
def a_vfork_child_can_be_the_first_of_a_namespace(m: Machine) -> None:
    """Its parent sleeps until it ends or execs, and cannot be asked anything."""
    parent = m.init.fork()
    parent.unshare(NEWPID)
    child = parent.clone(CloneFlag.VFORK)
    assert (child.getpid(), child.getppid(), state(m.init, parent.pid)) == (1, 0, "D")
    pending = parent.pending
    assert pending and not pending.done
    child.exit(5)
    m.settle()
    assert pending.done
    assert parent.waitpid(child.pid) == (3, 5 << 8)


@case("VFORK-01")
def exec_lets_the_vfork_parent_go(m: Machine) -> None:
    """The child goes on as its own."""
    parent = m.init.fork()
    child = parent.clone(CloneFlag.VFORK)
    child.execve(m.image)
    m.settle()
    assert parent.pending is None
    assert child.getppid() == parent.pid == 2


@case("VFORK-02")
def a_sleeping_vfork_parent_can_be_killed(m: Machine) -> None:
    """Its child, the init of a namespace, goes on as an orphan of the outer one."""
    parent = m.init.fork()
    parent.unshare(NEWPID)
    child = parent.clone(CloneFlag.VFORK)
    m.init.kill(parent.pid, Signal.KILL)
    assert killed_by(m.init, parent.pid) == Signal.KILL
    member = child.fork()
    assert (child.getpid(), child.getppid(), member.getppid()) == (1, 0, 1)
    child.exit(6)
    assert m.init.waitpid(-1) == (3, 6 << 8)
    assert has_ended(member)


@case("VFORK-02")
def a_sleeping_vfork_parent_handles_nothing(m: Machine) -> None:
    """What has a handler waits until the child lets it go; what has none and is deadly ends it at once."""
    for sig, dies in ((Signal.USR1, False), (Signal.TERM, True)):
        parent = m.init.fork()
        handle(parent, Signal.USR1)
        child = parent.clone(CloneFlag.VFORK)
        m.init.kill(parent.pid, sig)
        m.settle()
        assert is_alive(m.init, parent.pid) != dies
        if not dies:
            assert int(status(m.init, parent.pid)["ShdPnd"], 16) == 1 << (Signal.USR1 - 1)
            child.exit(0)
            m.settle()
            assert [info.si_signo for info in parent.received()] == [Signal.USR1]


@case("VFORK-03", "INIT-14")
def nobody_is_born_in_a_dead_namespace(m: Machine) -> None:
    """ENOMEM for ever, and vfork does not sleep."""
    parent = m.init.fork()
    parent.unshare(NEWPID)
    parent.fork().exit(0)
    assert parent.waitpid(-1) == (3, 0)
    for flags in (0, CloneFlag.VFORK, 0):
        with raises("ENOMEM"):
            parent.clone(flags)
    assert parent.pending is None
