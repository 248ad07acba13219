"""PID namespaces: entering them, and where children are born.  kernel/nsproxy.c, kernel/pid_namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, enter, link, open_ns, reap
from conformance.views import numbers, status
from nscore import CloneFlag, Machine, PidfdNamespace, Signal

NEWPID, NEWUSER, NEWNS = CloneFlag.NEWPID, CloneFlag.NEWUSER, CloneFlag.NEWNS
MAX_PID_NAMESPACES = "/proc/sys/user/max_pid_namespaces"


@case("SETNS-01")
def setns_is_the_calling_threads(m: Machine) -> None:
    """Its later children go there; neither it nor the other threads move."""
    inner = m.init.clone(NEWPID)
    leader = m.init.fork()
    other = leader.thread()
    enter(other, inner.pid, "pid")
    assert (other.getpid(), other.gettid()) == (leader.pid, other.tid)
    assert other.fork().getpid() == 2
    assert leader.fork().getpid() == 6


@case("SETNS-02")
def one_enters_the_own_namespace_or_below(m: Machine) -> None:
    """Levels may be skipped and descendants changed at will; ancestors, siblings and cousins are EINVAL."""
    child, sibling = m.init.clone(NEWPID), m.init.clone(NEWPID)
    grandchild = child.clone(NEWPID)
    hopper = m.init.fork()
    for pid, number in ((4, 2), (2, 4), (3, 2), (1, 9)):
        enter(hopper, pid, "pid")
        assert hopper.fork().getpid() == number
    for caller, pid in ((child, 1), (child, 3), (grandchild, 1), (grandchild, 2), (grandchild, 3)):
        fd = open_ns(caller, pid, "pid")
        with raises("EINVAL"):
            caller.setns(fd)
    assert sibling.getpid() == 1


@case("SETNS-03", "PERM-04")
def a_new_user_namespace_has_no_say_over_the_old_pid_namespace(m: Machine) -> None:
    """Not even the own one can be entered, so a change of it cannot be undone; and ns_last_pid is not its to write."""
    caller = m.init.fork()
    own = open_ns(caller, "self", "pid")
    caller.unshare(NEWUSER)
    caller.unshare(NEWPID)
    with raises("EPERM"):
        caller.setns(own)
    fd = caller.open("/proc/sys/kernel/ns_last_pid", 1)
    with raises("EPERM"):
        caller.write(fd, b"100")


@case("SETNS-05")
def a_pidfd_leads_to_where_its_process_lives(m: Machine) -> None:
    """Not to where that one's children are born."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    maker.fork()
    caller = m.init.fork()
    caller.unshare(NEWPID)
    caller.setns(caller.pidfd_open(maker.pid), NEWPID)
    assert caller.fork().getpid() == caller.pid + 1


@case("SETNS-06", "SETNS-08", "PFC-04", "PREC-05")
def the_dead_have_no_namespaces_to_give_but_their_own(m: Machine) -> None:
    """A pidfd of a zombie, of an init that waits in its shutdown or of a reaped process is ESRCH; the link of the first two works."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    first, injected = maker.fork(), maker.fork()
    caller = m.init.fork()
    pidfds = [caller.pidfd_open(pid) for pid in (first.pid, injected.pid)]
    first.exit(0)
    m.settle()
    assert status(m.init, injected.pid)["State"] == "Z (zombie)"
    for pid, pidfd in zip((first.pid, injected.pid), pidfds):
        with raises("ESRCH"):
            caller.setns(pidfd, NEWPID)
        with raises("ENOENT"):
            caller.readlink(f"/proc/{pid}/ns/pid_for_children")
        enter(caller, pid, "pid")
    for _ in range(2):
        maker.waitpid(-1)
    for pidfd in pidfds:
        with raises("ESRCH"):
            caller.setns(pidfd, NEWPID)


@case("SETNS-07", "PFC-03")
def a_dead_namespace_can_be_entered(m: Machine) -> None:
    """Only the fork fails; the link of who sends its children there still resolves and opens."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    first = maker.fork()
    there = link(m.init, first.pid, "pid")
    fd = open_ns(m.init, first.pid, "pid")
    reap(maker, first)
    assert link(m.init, maker.pid, "pid_for_children") == there
    caller = m.init.fork()
    caller.setns(fd)
    with raises("ENOMEM"):
        caller.fork()
    again = open_ns(m.init, maker.pid, "pid_for_children")
    assert m.init.fstat(again).st_ino == m.init.fstat(fd).st_ino


@case("SETNS-09", "PFC-02", "PFC-06")
def whoever_forks_first_into_a_namespace_is_its_init(m: Machine) -> None:
    """Without an init /proc has no link to it, but the ioctl of a pidfd has."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    with raises("ENOENT"):
        m.init.readlink(f"/proc/{maker.pid}/ns/pid_for_children")
    with raises("ENOENT"):
        open_ns(m.init, maker.pid, "pid_for_children")
    helper = m.init.fork()
    helper.setns(helper.pidfd_get_namespace(helper.pidfd_open(maker.pid), PidfdNamespace.PID_FOR_CHILDREN))
    assert helper.fork().getpid() == 1
    assert maker.fork().getpid() == 2
    assert link(m.init, maker.pid, "pid_for_children") == link(m.init, helper.pid, "pid_for_children") == link(m.init, 4, "pid")


@case("SETNS-11", "SETNS-12", "VIS-05")
def an_injected_task_has_a_number_in_every_level_between(m: Machine) -> None:
    """Its parent may be any number of levels above, it sees 0 for it, and it dies with any init on the way."""
    outer = m.init.clone(NEWPID)
    inner = outer.clone(NEWPID)
    parent = m.init.fork()
    enter(parent, 3, "pid")
    injected = parent.fork()
    assert numbers(m.init, injected.pid) == (5, 3, 2)
    assert injected.getppid() == 0
    assert status(m.init, 5)["PPid"] == str(parent.pid)
    m.init.kill(outer.pid, Signal.KILL)
    m.settle()
    assert parent.waitpid(injected.pid) == (injected.pid, Signal.KILL)
    assert m.init.waitpid(outer.pid) == (outer.pid, Signal.KILL)
    assert inner.pid == 2


@case("SETNS-13")
def an_injected_task_is_mortal(m: Machine) -> None:
    """Any member may kill it; its children are ordinary members, and orphans of the namespace's init when it is gone."""
    inner = m.init.clone(NEWPID)
    parent = m.init.fork()
    enter(parent, inner.pid, "pid")
    injected = parent.fork()
    child = injected.fork()
    member = inner.fork()
    assert (child.getpid(), child.getppid()) == (3, 2)
    member.kill(2, Signal.KILL)
    assert parent.waitpid(injected.pid) == (injected.pid, Signal.KILL)
    assert child.getppid() == 1


@case("PFC-01")
def pid_for_children_is_the_own_namespace_until_it_is_changed(m: Machine) -> None:
    """By unshare or setns."""
    inner = m.init.clone(NEWPID)
    caller = m.init.fork()
    for pid in (1, inner.pid, caller.pid):
        assert link(m.init, pid, "pid_for_children") == link(m.init, pid, "pid")
    enter(caller, inner.pid, "pid")
    assert link(m.init, caller.pid, "pid_for_children") == link(m.init, inner.pid, "pid")


@case("PFC-07")
def namespace_links_are_for_those_who_may_trace(m: Machine) -> None:
    """EACCES to read and to open them for a process with fewer capabilities, whoever's uid it has."""
    caller = m.init.fork()
    drop(caller)
    for kind in ("pid_for_children", "pid"):
        with raises("EACCES"):
            caller.readlink(f"/proc/1/ns/{kind}")
        with raises("EACCES"):
            caller.open(f"/proc/1/ns/{kind}")
