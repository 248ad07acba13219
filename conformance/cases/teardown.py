"""The end of an init and of its namespace; reboot(2) in one.  kernel/pid_namespace.c, kernel/reboot.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, handle, has_ended, injected, is_alive, killed_by
from conformance.steps import drop, link, open_ns
from conformance.views import last_pid, state
from nscore import (
    Capability,
    ChildCode,
    CloneFlag,
    Disposition,
    IdType,
    Machine,
    PollEvent,
    Process,
    Reboot,
    Siginfo,
    Signal,
    WaitOption,
    WaitResult,
)

NEWPID = CloneFlag.NEWPID


def reboot(process: Process, cmd: int) -> None:
    """End the caller's namespace: the call does not return."""
    process.start(Process.reboot, cmd)


@case("INIT-01", "INIT-02", "INIT-03", "INIT-04")
def everybody_below_ends_with_init(m: Machine) -> None:
    """Nested inits and their members too, stopped, ignoring and masking as they are; init tells its own status, the others that of KILL."""
    inner = m.init.clone(NEWPID)
    father = m.init.fork()
    stopped, deaf, masked = inner.fork(), inner.fork(), inner.fork()
    nested = inner.clone(NEWPID)
    below = nested.fork()
    victim = injected(father, inner.pid)
    for sig in (Signal.TERM, Signal.HUP, Signal.INT):
        deaf.sigaction(sig, Disposition.IGN)
    block(masked, *range(1, 65))
    inner.kill(2, Signal.STOP)
    inner.exit(7)
    m.settle()
    assert [has_ended(process) for process in (inner, stopped, deaf, masked, nested, below, victim)] == [True] * 7
    assert father.waitpid(-1) == (9, Signal.KILL)
    assert m.init.waitpid(inner.pid) == (inner.pid, 7 << 8)
    for number in (2, *range(4, 10)):
        with raises("ESRCH"):
            m.init.kill(number, 0)
    assert m.init.waitpid(-1, WaitOption.NOHANG) == (0, 0)


@case("INIT-05")
def zombies_do_not_hold_an_init_up(m: Machine) -> None:
    """Its children are reaped by themselves as it ends, those that were zombies before and clone children too."""
    inner = m.init.clone(NEWPID)
    inner.fork().exit(1)
    inner.clone(exit_signal=Signal.USR1).exit(2)
    member = inner.fork()
    member.clone(exit_signal=0)
    block(inner, Signal.CHLD)
    m.settle()
    assert [state(m.init, number) for number in (3, 4)] == ["Z", "Z"]
    inner.exit(3)
    assert m.init.waitpid(-1) == (inner.pid, 3 << 8)
    for number in (3, 4, 5, 6):
        with raises("ESRCH"):
            m.init.kill(number, 0)


@case("INIT-08")
def an_outside_parent_that_ends_lets_an_init_go(m: Machine) -> None:
    """The zombie passes to the outer init, who reaps it; one that ignores CHLD holds nobody up."""
    for ignores in (False, True):
        inner = m.init.clone(NEWPID)
        father = m.init.fork()
        if ignores:
            father.sigaction(Signal.CHLD, Disposition.IGN)
        injected(father, inner.pid)
        inner.exit(0)
        m.settle()
        assert is_alive(m.init, inner.pid) != ignores
        father.exit(0)
        m.settle()
        assert m.init.waitpid(father.pid) == (father.pid, 0)
        if not ignores:
            assert is_alive(m.init, inner.pid)
            assert m.init.waitpid(father.pid + 1) == (father.pid + 1, Signal.KILL)
        assert m.init.waitpid(inner.pid) == (inner.pid, 0)


@case("INIT-10", "INIT-14", "LIFE-04", "ALLOC-14")
def a_dead_namespace_can_be_entered_but_not_lived_in(m: Machine) -> None:
    """While its init still waits, and when it is reaped: setns works, fork is ENOMEM, and takes a number of the caller's each time."""
    inner = m.init.clone(NEWPID)
    fd = open_ns(m.init, inner.pid, "pid")
    father = m.init.fork()
    injected(father, inner.pid)
    inner.exit(0)
    m.settle()
    assert is_alive(m.init, inner.pid)
    for expected in (5, 6):
        with raises("ENOMEM"):
            father.fork()
        assert last_pid(m.init) == expected
    father.exit(0)
    m.settle()
    for _ in range(3):
        m.init.waitpid(-1)
    guest = m.init.fork()
    guest.setns(fd, NEWPID)
    assert link(guest, "self", "pid_for_children") != link(guest, "self", "pid")
    for expected in (8, 9):
        with raises("ENOMEM"):
            guest.fork()
        assert last_pid(m.init) == expected


@case("LIFE-01")
def a_namespace_outlives_its_tasks_while_it_is_held(m: Machine) -> None:
    """By a descriptor: it can be asked for its parent, joined, and is the same as before."""
    inner = m.init.clone(NEWPID)
    nested = inner.clone(NEWPID)
    fd, below = open_ns(m.init, inner.pid, "pid"), open_ns(m.init, 3, "pid")
    inode = m.init.fstat(fd).st_ino
    inner.exit(0)
    m.init.waitpid(-1)
    assert has_ended(nested)
    assert m.init.fstat(m.init.ns_get_parent(below)).st_ino == inode
    assert m.init.ns_get_nstype(fd) == NEWPID
    guest = m.init.fork()
    guest.setns(below, NEWPID)
    assert link(guest, "self", "pid_for_children") == f"pid:[{m.init.fstat(below).st_ino}]"


@case("INIT-12", "PGRP-11", "PGRP-19")
def a_group_of_a_dead_member_holds_an_init_up(m: Machine) -> None:
    """Somebody outside who is in it keeps its number, and with that the namespace; a group that init leads does not matter."""
    for led_by_init in (True, False):
        outsider = m.init.fork()
        inner = outsider.clone(NEWPID)
        leader = inner if led_by_init else injected(outsider, outsider.pid + 1)
        number = outsider.pid + (1 if led_by_init else 2)
        leader.setpgid(0, 0)
        outsider.setpgid(0, number)
        m.init.kill(outsider.pid + 1, Signal.KILL)
        m.settle()
        if not led_by_init:
            assert outsider.waitpid(number) == (number, Signal.KILL)
            assert is_alive(outsider, outsider.pid + 1)
            outsider.setpgid(0, 0)
        assert outsider.waitpid(-1) == (outsider.pid + 1, Signal.KILL)


@case("INIT-13", needs=("shared handlers",))
def an_init_that_shares_its_parents_handlers_ends_with_them_ignoring_chld(m: Machine) -> None:
    """What it sets for itself as it ends is set for its parent too: init and all later children are reaped at once."""
    parent = m.init.fork()
    inner = parent.clone(NEWPID | CloneFlag.VM | CloneFlag.SIGHAND)
    inner.exit(0)
    with raises("ECHILD"):
        parent.waitpid(-1)
    assert parent.sigaction(Signal.CHLD, None).handler == Disposition.IGN
    parent.fork().exit(0)
    with raises("ECHILD"):
        parent.waitpid(-1)


@case("INIT-16")
def a_nested_init_takes_only_its_own_along(m: Machine) -> None:
    """The outer namespace goes on, and any member of it may send the signal."""
    outer = m.init.clone(NEWPID)
    member = outer.fork()
    nested = outer.clone(NEWPID)
    lower = nested.clone(NEWPID)
    beside = outer.clone(NEWPID)
    member.kill(nested.pid, Signal.KILL)
    assert killed_by(outer, nested.pid) == Signal.KILL
    assert [has_ended(process) for process in (outer, member, lower, beside)] == [False, False, True, False]


@case("INIT-17")
def an_init_ends_in_many_ways(m: Machine) -> None:
    """By exit, by the last thread's, and by a signal from outside: each is the end of all."""
    for status in (3 << 8, 4 << 8, Signal.KILL):
        inner = m.init.clone(NEWPID)
        member = inner.fork()
        if status == Signal.KILL:
            m.init.kill(inner.pid, Signal.KILL)
        elif status == 4 << 8:
            inner.exit_thread(4)
        else:
            inner.exit(3)
        assert m.init.waitpid(-1) == (inner.pid, status)
        assert has_ended(member)


@case("SIG-14", "INIT-06", "INIT-07", "INIT-09")
def an_init_waits_for_the_last_number_of_its_namespace(m: Machine) -> None:
    """A victim that its parent outside does not reap holds it up for ever: it is no zombie, takes signals and drops them."""
    inner = m.init.clone(NEWPID)
    father = m.init.fork()
    victim = injected(father, inner.pid)
    pidfd = m.init.pidfd_open(inner.pid)
    m.init.kill(inner.pid, Signal.KILL)
    waiting = m.init.start(Process.waitpid, inner.pid)
    m.settle()
    assert not waiting.done
    assert has_ended(victim)
    assert state(father, inner.pid) in "SI"
    assert father.readlink(f"/proc/{inner.pid}/ns/pid")
    for name in ("exe", "ns/pid_for_children"):
        with raises("ENOENT"):
            father.readlink(f"/proc/{inner.pid}/{name}")
    for sig in (0, Signal.KILL, Signal.TERM):
        father.kill(inner.pid, sig)
    assert father.waitpid(-1) == (4, Signal.KILL)
    assert waiting.result() == (inner.pid, Signal.KILL)
    assert m.init.poll([(pidfd, PollEvent.IN)], 0)


# --- reboot


@case("REBOOT-01", "REBOOT-05", "INIT-17", needs=("reboot",))
def reboot_ends_the_namespace(m: Machine) -> None:
    """Its init seems killed, by HUP where it asks for a restart, by INT where for a halt; no string is read."""
    for cmd, sig in (
        (Reboot.RESTART, Signal.HUP),
        (Reboot.RESTART2, Signal.HUP),
        (Reboot.HALT, Signal.INT),
        (Reboot.POWER_OFF, Signal.INT),
    ):
        inner = m.init.clone(NEWPID)
        member, bystander = inner.fork(), inner.fork()
        reboot(member, cmd)
        assert m.init.waitpid(-1) == (inner.pid, sig)
        assert (has_ended(member), has_ended(bystander)) == (True, True)


@case("REBOOT-01", needs=("reboot",))
def what_reboot_refuses(m: Machine) -> None:
    """All other commands, in a namespace that is not the initial one."""
    inner = m.init.clone(NEWPID)
    for cmd in (Reboot.CAD_ON, Reboot.CAD_OFF, Reboot.KEXEC, Reboot.SW_SUSPEND, 0x12345678):
        with raises("EINVAL"):
            inner.reboot(cmd)
    assert not has_ended(inner)


@case("REBOOT-02", needs=("reboot",))
def reboot_acts_on_where_the_caller_lives(m: Machine) -> None:
    """Not on where its children will; and it needs CAP_SYS_BOOT, whatever the command."""
    inner = m.init.clone(NEWPID)
    other = m.init.clone(NEWPID)
    member = inner.fork()
    member.unshare(NEWPID)
    nested = member.fork()
    helpless = inner.fork()
    drop(helpless, Capability.SYS_BOOT)
    for cmd in (Reboot.RESTART, 0x12345678):
        with raises("EPERM"):
            helpless.reboot(cmd)
    reboot(member, Reboot.RESTART)
    assert m.init.waitpid(-1) == (inner.pid, Signal.HUP)
    assert (has_ended(nested), has_ended(other)) == (True, False)


@case("REBOOT-03", needs=("reboot",))
def who_reboots_exits_with_0(m: Machine) -> None:
    """As its parent outside sees it; its fellow is killed."""
    inner = m.init.clone(NEWPID)
    father = m.init.fork()
    caller, fellow = injected(father, inner.pid), father.fork()
    reboot(caller, Reboot.HALT)
    m.settle()
    assert has_ended(fellow)
    assert [father.waitpid(-1) for _ in range(2)] == [(4, 0), (5, Signal.KILL)]
    assert m.init.waitpid(-1) == (inner.pid, Signal.INT)


@case("REBOOT-04", needs=("reboot",))
def chld_tells_another_end_than_wait(m: Machine) -> None:
    """EXITED 0 where init itself rebooted, KILLED by KILL where a member did; wait says HUP."""
    for by_init, code, value in ((True, ChildCode.EXITED, 0), (False, ChildCode.KILLED, Signal.KILL)):
        parent = m.init.fork()
        handle(parent, Signal.CHLD)
        inner = parent.clone(NEWPID)
        reboot(inner if by_init else inner.fork(), Reboot.RESTART)
        result = parent.waitid(IdType.ALL, 0, WaitOption.EXITED)
        assert result == WaitResult(inner.pid, parent.getuid(), Signal.CHLD, Signal.HUP, ChildCode.KILLED)
        assert parent.received() == (Siginfo(Signal.CHLD, code, inner.pid, parent.getuid(), value),)
