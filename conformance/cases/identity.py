"""Who is who: numbers across namespaces, process groups, sessions.  kernel/pid.c, kernel/sys.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import enter, reap
from conformance.views import numbers, state, status
from nscore import CloneFlag, Disposition, FcntlCommand, IdType, Machine, OpenFlag, PidfdFlag, Process, Signal, WaitOption

NEWPID = CloneFlag.NEWPID
USR1 = Signal.USR1


def listen(*processes: Process) -> None:
    """Let each record USR1."""
    for process in processes:
        process.sigaction(USR1, Disposition.HANDLE)


def heard(*processes: Process) -> list[int]:
    """How many signals each has seen since the last look."""
    return [len(process.received()) for process in processes]


# --- visibility


@case("VIS-01", "VIS-02")
def a_number_means_what_it_means_to_the_caller(m: Machine) -> None:
    """Looked up in the caller's own namespace: the machine's 3 is nobody inside, and nothing above or beside is there at all."""
    inner = m.init.clone(NEWPID)
    other = m.init.fork()
    other.clone(NEWPID)
    fd = inner.open("/")
    for number in (other.pid, other.pid + 1):
        m.init.kill(number, 0)
        with raises("ESRCH"):
            inner.kill(number, 0)
        with raises("ESRCH"):
            inner.getpgid(number)
        with raises("ESRCH"):
            inner.getsid(number)
        with raises("ESRCH"):
            inner.setpgid(number, 0)
        with raises("ESRCH"):
            inner.capget(number)
        with raises("ESRCH"):
            inner.pidfd_open(number)
        with raises("ESRCH"):
            inner.fcntl(fd, FcntlCommand.SETOWN, number)
        with raises("ECHILD"):
            inner.waitpid(number)
        with raises("ECHILD"):
            inner.waitid(IdType.PID, number, WaitOption.EXITED)


@case("VIS-02", "ALLOC-01")
def an_ancestor_sees_all_descendants(m: Machine) -> None:
    """Under its own numbers, and can signal them by those."""
    outer = m.init.clone(NEWPID)
    inner = outer.clone(NEWPID)
    member = inner.fork()
    listen(inner, member)
    assert (outer.getpid(), inner.getpid(), member.getpid()) == (1, 1, 2)
    assert numbers(m.init, 4) == (4, 3, 2)
    m.init.kill(4, USR1)
    outer.kill(2, USR1)
    assert heard(inner, member) == [1, 1]


@case("VIS-03", "VIS-07", "PGRP-02", "PROC-20", "PROC-21")
def who_is_not_visible_is_0(m: Machine) -> None:
    """The parent, the group, the session, the owner of a descriptor: never an error; and so in the namespace's own /proc."""
    inner = m.init.clone(NEWPID | CloneFlag.NEWNS)
    fd = m.init.open("/dev/null")
    m.init.fcntl(fd, FcntlCommand.SETOWN, 1)
    child = m.init.clone(NEWPID)
    assert m.init.fcntl(fd, FcntlCommand.GETOWN) == 1
    assert child.fcntl(fd, FcntlCommand.GETOWN) == 0
    assert (inner.getppid(), inner.getpgid(), inner.getsid()) == (0, 0, 0)
    inner.mount("proc", "/proc", "proc")
    lines = status(inner, 1)
    assert (lines["PPid"], lines["NSpgid"], lines["NSsid"], lines["NSpid"]) == ("0", "0", "0", "1")
    assert (numbers(m.init, inner.pid, "NSpgid"), numbers(m.init, inner.pid, "NSpid")) == ((1, 0), (2, 1))


@case("VIS-05", "VIS-06")
def a_parent_above_is_a_parent(m: Machine) -> None:
    """It is told and can wait; only its number is 0, and stays 0 when it dies and a process above adopts the child."""
    inner = m.init.clone(NEWPID)
    parent = m.init.fork()
    enter(parent, inner.pid, "pid")
    first, second = parent.fork(), parent.fork()
    parent.sigaction(Signal.CHLD, Disposition.HANDLE)
    assert (first.getppid(), second.getppid()) == (0, 0)
    first.exit(3)
    m.settle()
    told = parent.received()
    assert [(info.si_signo, info.si_pid, info.si_status) for info in told] == [(Signal.CHLD, first.pid, 3)]
    assert parent.waitpid(first.pid) == (first.pid, 3 << 8)
    parent.exit(0)
    m.settle()
    assert second.getppid() == 0
    assert status(m.init, second.pid)["PPid"] == "1"
    assert inner.getppid() == 0


@case("VIS-08")
def a_threads_number_stands_for_its_process(m: Machine) -> None:
    """For kill, getpgid and getsid; not for setpgid, wait and pidfd_open."""
    leader = m.init.fork()
    other = leader.thread()
    listen(leader)
    m.init.kill(other.tid, USR1)
    assert (m.init.getpgid(other.tid), m.init.getsid(other.tid)) == (1, 1)
    with raises("EINVAL"):
        m.init.setpgid(other.tid, 0)
    with raises("ECHILD"):
        m.init.waitpid(other.tid)
    with raises("ENOENT"):
        m.init.pidfd_open(other.tid)
    m.init.close(m.init.pidfd_open(other.tid, PidfdFlag.THREAD))
    leader.exit_thread(0)
    m.settle()
    m.init.kill(leader.pid, 0)
    assert m.init.getpgid(leader.pid) == 1


@case("VIS-09")
def tgkill_wants_both_numbers(m: Machine) -> None:
    """Of one process, in the caller's namespace; none of them 0 or less."""
    leader = m.init.fork()
    other = leader.thread()
    inner = m.init.clone(NEWPID)
    m.init.tgkill(leader.pid, other.tid, 0)
    for tgid, tid in ((1, other.tid), (leader.pid, 1), (99, other.tid)):
        with raises("ESRCH"):
            m.init.tgkill(tgid, tid, 0)
    for tgid, tid in ((0, other.tid), (leader.pid, 0), (-1, other.tid), (leader.pid, -1)):
        with raises("EINVAL"):
            m.init.tgkill(tgid, tid, 0)
    for tid in (0, -1):
        with raises("EINVAL"):
            m.init.tkill(tid, 0)
    with raises("ESRCH"):
        inner.tgkill(leader.pid, other.tid, 0)
    with raises("ESRCH"):
        inner.tkill(other.tid, 0)


@case("VIS-10", "VIS-11")
def a_zombie_is_still_somebody(m: Machine) -> None:
    """It can be signalled, asked, moved to a group and held by a pidfd, until it is reaped."""
    child = m.init.fork()
    child.exit(0)
    m.settle()
    m.init.kill(child.pid, Signal.KILL)
    assert (m.init.getpgid(child.pid), m.init.getsid(child.pid)) == (1, 1)
    m.init.setpgid(child.pid, child.pid)
    assert m.init.getpgid(child.pid) == child.pid
    m.init.close(m.init.pidfd_open(child.pid))
    assert m.init.waitpid(child.pid) == (child.pid, 0)
    with raises("ESRCH"):
        m.init.kill(child.pid, 0)
    with raises("ESRCH"):
        m.init.getpgid(child.pid)
    with raises("ESRCH"):
        m.init.getsid(child.pid)
    with raises("ESRCH"):
        m.init.pidfd_open(child.pid)


# --- process groups and sessions


@case("PGRP-03", "PGRP-04")
def zero_means_the_real_group(m: Machine) -> None:
    """Although its number cannot be seen: members above and in sibling namespaces hear a kill(0)."""
    leader = m.init.fork()
    leader.setpgid(0, 0)
    inner, sibling = leader.clone(NEWPID), leader.clone(NEWPID)
    member, apart = inner.fork(), inner.fork()
    apart.setpgid(0, 0)
    listen(leader, inner, sibling, member, apart)
    assert member.getpgid() == 0
    member.kill(0, USR1)
    assert heard(leader, inner, sibling, member, apart) == [1, 1, 1, 1, 0]
    apart.exit(0)
    m.settle()
    assert inner.waitpid(0, WaitOption.NOHANG) == (0, 0)
    member.exit(0)
    assert inner.waitpid(0) == (2, 0)
    with raises("ECHILD"):
        inner.waitid(IdType.PGID, 0, WaitOption.EXITED)


@case("PGRP-05", "PGRP-11")
def a_group_reaches_across_levels(m: Machine) -> None:
    """A process above may join a group that is led below, and hears what is sent to it from inside."""
    inner = m.init.clone(NEWPID)
    leader = inner.fork()
    leader.setpgid(0, 0)
    above = m.init.fork()
    above.setpgid(0, 3)
    below = leader.clone(NEWPID)
    listen(leader, above, below, inner)
    assert (above.getpgid(), leader.getpgid(), below.getpgid()) == (3, 2, 0)
    inner.kill(-2, USR1)
    assert heard(leader, above, below, inner) == [1, 1, 1, 0]


@case("PGRP-08")
def group_1_cannot_be_named(m: Machine) -> None:
    """kill(-1) is everybody and waitpid(-1) any child; zero still means the own group."""
    inner = m.init.clone(NEWPID)
    inner.setpgid(0, 0)
    member, apart = inner.fork(), inner.fork()
    apart.setpgid(0, 0)
    listen(inner, member, apart)
    inner.kill(-1, USR1)
    assert heard(inner, member, apart) == [0, 1, 1]
    inner.kill(0, USR1)
    assert heard(inner, member, apart) == [1, 1, 0]
    apart.exit(0)
    m.settle()
    assert inner.waitpid(0, WaitOption.NOHANG) == (0, 0)
    assert inner.waitpid(-1) == (3, 0)


@case("PGRP-09", "PGRP-13")
def an_init_may_lead(m: Machine) -> None:
    """A group, then its number is 1 and the session's still 0, or a session; not a session when it leads a group already."""
    one, two = m.init.clone(NEWPID), m.init.clone(NEWPID)
    one.setpgid(0, 0)
    assert (one.getpgid(), one.getsid()) == (1, 0)
    with raises("EPERM"):
        one.setsid()
    two.setsid()
    assert (two.getpgid(), two.getsid()) == (1, 1)
    assert (m.init.getpgid(two.pid), m.init.getsid(two.pid)) == (two.pid, two.pid)


@case("PGRP-10")
def a_parent_above_moves_its_child(m: Machine) -> None:
    """Into a group of its own, whose number is 1 inside, and back, where it is 0."""
    inner = m.init.clone(NEWPID)
    m.init.setpgid(inner.pid, inner.pid)
    assert inner.getpgid() == 1
    m.init.setpgid(inner.pid, 1)
    assert inner.getpgid() == 0


@case("PGRP-12")
def an_invisible_session_is_a_session(m: Machine) -> None:
    """Members of a fresh namespace form and join groups in it although its number reads 0; not across two sessions that both read 0."""
    inner = m.init.clone(NEWPID)
    first, second = inner.fork(), inner.fork()
    first.setpgid(0, 0)
    second.setpgid(0, 2)
    assert (first.getpgid(), second.getpgid(), second.getsid()) == (2, 2, 0)
    parent = m.init.fork()
    parent.setsid()
    enter(parent, inner.pid, "pid")
    injected = parent.fork()
    assert (injected.getsid(), injected.getpgid()) == (0, 0)
    with raises("EPERM"):
        injected.setpgid(0, 2)


@case("PGRP-13")
def a_session_needs_an_unused_number(m: Machine) -> None:
    """EPERM for a session's leader, and while a group with the caller's number has members, the caller or not."""
    caller = m.init.fork()
    caller.setpgid(0, 0)
    member = caller.fork()
    caller.setpgid(0, 1)
    with raises("EPERM"):
        caller.setsid()
    reap(caller, member)
    caller.setsid()
    assert (caller.getpgid(), caller.getsid()) == (caller.pid, caller.pid)
    with raises("EPERM"):
        caller.setsid()


@case("PGRP-14")
def a_thread_moves_its_process(m: Machine) -> None:
    """setpgid(0, ...) and setsid act on the whole of it."""
    leader = m.init.fork()
    leader.thread().setpgid(0, 0)
    assert m.init.getpgid(leader.pid) == leader.pid
    leader.setpgid(0, 1)
    leader.thread().setsid()
    assert (leader.getsid(), leader.getpgid()) == (leader.pid, leader.pid)


@case("PREC-09", "PGRP-15")
def what_setpgid_refuses(m: Machine) -> None:
    """a negative group, nobody there, a thread, another session, exec'ed, a stranger, a session's leader, no such group."""
    caller = m.init.fork()
    child, lost, changed = caller.fork(), caller.fork(), caller.fork()
    thread = child.thread()
    lost.setsid()
    changed.execve(m.image)
    lost.execve(m.image)
    for pid, pgid in ((99, -1), (-1, 0), (child.pid, -5)):
        with raises("EINVAL"):
            caller.setpgid(pid, pgid)
    with raises("ESRCH"):
        caller.setpgid(99, 99)
    with raises("EINVAL"):
        caller.setpgid(thread.tid, 99)
    with raises("EPERM"):
        caller.setpgid(lost.pid, 99)
    with raises("EACCES"):
        caller.setpgid(changed.pid, 99)
    for pid in (1, caller.getppid()):
        with raises("ESRCH"):
            caller.setpgid(pid, 0)
    with raises("EPERM"):
        lost.setpgid(0, 0)
    for pgid in (99, lost.pid, child.pid):
        with raises("EPERM"):
            caller.setpgid(0, pgid)
    child.setpgid(0, 0)
    caller.setpgid(0, child.pid)
    assert caller.getpgid() == child.pid


@case("PGRP-19", "INIT-12")
def a_group_pins_a_dying_namespace(m: Machine) -> None:
    """Its init waits in its shutdown until the last number of the namespace is given back, which is a group that somebody above is in."""
    inner = m.init.clone(NEWPID)
    leader = inner.fork()
    leader.setpgid(0, 0)
    above = m.init.fork()
    above.setpgid(0, 3)
    m.init.kill(inner.pid, Signal.KILL)
    m.settle()
    assert m.init.waitpid(inner.pid, WaitOption.NOHANG) == (0, 0)
    assert above.getpgid() == 3
    with raises("ESRCH"):
        m.init.getpgid(3)
    above.setpgid(0, 0)
    m.settle()
    assert state(m.init, inner.pid) == "Z"
    assert m.init.waitpid(inner.pid) == (inner.pid, Signal.KILL)


@case("VIS-03", "SCM-30")
def the_owner_of_a_descriptor_is_a_process_or_a_group(m: Machine) -> None:
    """F_SETOWN looks its number up in the caller's namespace, negative ones as groups; F_GETOWN says 0 where it is not visible."""
    child = m.init.fork()
    child.setpgid(0, 0)
    read_end, _ = m.init.pipe2(OpenFlag.CLOEXEC)
    for number in (child.pid, -child.pid):
        m.init.fcntl(read_end, FcntlCommand.SETOWN, number)
        assert m.init.fcntl(read_end, FcntlCommand.GETOWN) == number
    for number in (99, -99):
        with raises("ESRCH"):
            m.init.fcntl(read_end, FcntlCommand.SETOWN, number)
    inner = m.init.clone(NEWPID)
    assert inner.fcntl(read_end, FcntlCommand.GETOWN) == 0
