"""PR_SET_PDEATHSIG(2const): what children are sent when their parent ends, and what a stopped group is.  kernel/exit.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, handle, has_ended, killed_by, stat_field
from conformance.steps import drop
from conformance.views import state
from nscore import (
    Capability,
    CloneFlag,
    Machine,
    Prctl,
    Process,
    SigCode,
    Siginfo,
    Signal,
)

NEWPID = CloneFlag.NEWPID


@case("PDEATH-01")
def what_prctl_takes_as_a_death_signal(m: Machine) -> None:
    """0 clears it; beyond 64, and what C calls negative, is EINVAL."""
    child = m.init.fork()
    for sig in (Signal.USR1, 64, 0):
        child.prctl(Prctl.SET_PDEATHSIG, sig)
        assert child.prctl(Prctl.GET_PDEATHSIG) == sig
    for wrong in (65, (1 << 64) - 1):
        with raises("EINVAL"):
            child.prctl(Prctl.SET_PDEATHSIG, wrong)


@case("PDEATH-02")
def a_death_signal_is_kept_but_by_children(m: Machine) -> None:
    """fork clears it in the child; exec, setsid and a new user namespace do not."""
    child = m.init.fork()
    child.prctl(Prctl.SET_PDEATHSIG, Signal.USR1)
    assert child.fork().prctl(Prctl.GET_PDEATHSIG) == 0
    child.setsid()
    child.execve(m.image)
    assert child.prctl(Prctl.GET_PDEATHSIG) == Signal.USR1
    child.unshare(CloneFlag.NEWUSER)
    assert child.prctl(Prctl.GET_PDEATHSIG) == Signal.USR1


@case("PDEATH-02", needs=("many_ids",))
def a_change_of_ids_clears_the_death_signal(m: Machine) -> None:
    """Of the effective ids; to give up capabilities does not."""
    for uid, gid in ((1000, -1), (-1, 1000)):
        child = m.init.fork()
        child.prctl(Prctl.SET_PDEATHSIG, Signal.USR1)
        child.setresuid(1000, -1, -1)
        drop(child, Capability.SYS_BOOT)
        assert child.prctl(Prctl.GET_PDEATHSIG) == Signal.USR1
        child.setregid(-1, gid)
        child.setreuid(-1, uid)
        assert child.prctl(Prctl.GET_PDEATHSIG) == 0


@case("PDEATH-03", "SINFO-07", "REPARENT-05")
def every_parent_that_ends_sends_the_death_signal(m: Machine) -> None:
    """The adoptive ones too, as if by kill, under their own numbers; when it is taken, the child has its new parent."""
    grandparent = m.init.fork()
    grandparent.prctl(Prctl.SET_CHILD_SUBREAPER, 1)
    parent = grandparent.fork()
    child = parent.fork()
    child.prctl(Prctl.SET_PDEATHSIG, Signal.USR1)
    block(child, Signal.USR1)
    for dying, heir in ((parent, 2), (grandparent, 1)):
        waiting = child.start(Process.sigtimedwait, {Signal.USR1}, 60)
        dying.exit(0)
        assert waiting.result() == Siginfo(Signal.USR1, SigCode.USER, dying.pid, child.getuid())
        assert child.getppid() == heir


@case("PDEATH-04", "THREAD-07", "REPARENT-01")
def a_parent_is_a_thread(m: Machine) -> None:
    """When the thread that forked ends, its child gets the death signal, and another thread of the same process as parent: nothing else."""
    process = m.init.fork()
    thread = process.thread()
    child = thread.clone(exit_signal=Signal.USR2)
    child.prctl(Prctl.SET_PDEATHSIG, Signal.USR1)
    handle(child, Signal.USR1)
    block(process, Signal.CHLD, Signal.USR2)
    thread.exit_thread(0)
    assert child.received() == (Siginfo(Signal.USR1, SigCode.USER, process.pid, child.getuid()),)
    assert child.getppid() == process.pid
    assert stat_field(child, "/proc/self/stat", 38) == Signal.USR2
    assert process.sigpending() == frozenset()


@case("PDEATH-05")
def no_death_signal_comes_late(m: Machine) -> None:
    """Who asks for it when its parent is gone already waits for the next one to go."""
    parent = m.init.fork()
    child = parent.fork()
    parent.exit(0)
    handle(child, Signal.USR1)
    child.prctl(Prctl.SET_PDEATHSIG, Signal.USR1)
    assert (child.getppid(), child.received()) == (1, ())


@case("PDEATH-06", needs=("many_ids",))
def a_parent_without_permission_sends_no_death_signal(m: Machine) -> None:
    """It is silently not sent."""
    for uid, survives in ((1000, True), (0, False)):
        parent = m.init.fork()
        child = parent.fork()
        child.prctl(Prctl.SET_PDEATHSIG, Signal.KILL)
        parent.setuid(uid)
        parent.exit(0)
        assert has_ended(child) != survives


@case("PDEATH-07", "INIT-17")
def the_death_signal_of_an_outside_parent_is_forced(m: Machine) -> None:
    """KILL ends an init and STOP stops it; TERM is dropped as ever."""
    for sig, letter in ((Signal.TERM, "S"), (Signal.STOP, "T"), (Signal.KILL, "Z")):
        parent = m.init.fork()
        inner = parent.clone(NEWPID)
        number = parent.pid + 1
        inner.prctl(Prctl.SET_PDEATHSIG, sig)
        parent.exit(0)
        m.settle()
        assert state(m.init, number) == letter
        assert m.init.waitpid(parent.pid) == (parent.pid, 0)
    assert killed_by(m.init, number) == Signal.KILL


@case("PGRP-16")
def a_group_is_no_orphan_while_a_nested_init_has_it_as_a_child(m: Machine) -> None:
    """Only the initial namespace's init does not count as a parent: a stopped member is left alone, unless init is of another session."""
    for apart, letter in ((False, "T"), (True, "S")):
        inner = m.init.clone(NEWPID)
        parent = inner.fork()
        child = parent.fork()
        child.setpgid(0, 0)
        handle(child, Signal.HUP, Signal.CONT)
        if apart:
            inner.setsid()
        inner.kill(child.getpid(), Signal.STOP)
        parent.exit(0)
        m.settle()
        assert state(m.init, inner.pid + 2) == letter
