"""PID namespaces: creating them.  kernel/pid_namespace.c, kernel/fork.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, enter, link, open_ns, reap
from conformance.views import numbers, status
from nscore import CloneFlag, Disposition, Machine, Process, SigMask, Signal

NEWPID, NEWUSER, NEWNS = CloneFlag.NEWPID, CloneFlag.NEWUSER, CloneFlag.NEWNS
MAX_PID_NAMESPACES = "/proc/sys/user/max_pid_namespaces"


@case("CREATE-02", "CREATE-03")
def clone_puts_the_child_into_a_new_namespace(m: Machine) -> None:
    """Its parent is the creator's own, and the creator's later children stay where it is itself."""
    inner = m.init.clone(NEWPID)
    assert inner.getpid() == 1
    assert link(m.init, 1, "pid_for_children") == link(m.init, 1, "pid") != link(m.init, inner.pid, "pid")
    assert m.init.fork().getpid() == 3
    parent = m.init.ns_get_parent(open_ns(m.init, inner.pid, "pid"))
    assert m.init.fstat(parent).st_ino == m.init.stat("/proc/1/ns/pid").st_ino


@case("CREATE-01", "VIS-04")
def unshare_moves_only_later_children(m: Machine) -> None:
    """getpid, the active namespace and the children that are there stay as they were."""
    maker = m.init.fork()
    child = maker.fork()
    before = link(m.init, maker.pid, "pid")
    maker.unshare(NEWPID)
    assert (maker.getpid(), maker.gettid(), child.getpid()) == (2, 2, 3)
    assert link(m.init, maker.pid, "pid") == link(m.init, child.pid, "pid") == before
    assert maker.fork().getpid() == 1


@case("CREATE-04")
def nobody_creates_while_children_are_born_elsewhere(m: Machine) -> None:
    """EINVAL, whether that namespace has no init yet, a living or a dead one; after setns as after unshare."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    refuses_to_create(maker)
    first = maker.fork()
    refuses_to_create(maker)
    reap(maker, first)
    refuses_to_create(maker)
    inner = m.init.clone(NEWPID)
    joiner = m.init.fork()
    enter(joiner, inner.pid, "pid")
    refuses_to_create(joiner)


def refuses_to_create(process: Process) -> None:
    """Neither unshare nor clone with NEWPID."""
    with raises("EINVAL"):
        process.unshare(NEWPID)
    with raises("EINVAL"):
        process.clone(NEWPID)


@case("CREATE-05")
def who_comes_home_may_create_again(m: Machine) -> None:
    """setns to the own namespace undoes an unshare, any number of times."""
    maker = m.init.fork()
    for _ in range(3):
        maker.unshare(NEWPID)
        assert maker.fork().getpid() == 1
        enter(maker, "self", "pid")
    assert maker.fork().getpid() == maker.getpid() + 4


@case("CREATE-06")
def a_child_lives_where_its_parent_sent_it(m: Machine) -> None:
    """There it is at home, so that it may unshare again at once."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    first = maker.fork()
    assert link(m.init, 3, "pid_for_children") == link(m.init, 3, "pid") == link(m.init, maker.pid, "pid_for_children")
    first.unshare(NEWPID)
    first.fork()
    assert numbers(m.init, 4) == (4, 2, 1)


@case("CREATE-07")
def exec_keeps_where_children_are_born(m: Machine) -> None:
    """The first child of the new image is PID 1."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    maker.execve(m.image)
    assert maker.fork().getpid() == 1


@case("CREATE-08")
def namespaces_are_at_most_32_deep(m: Machine) -> None:
    """At level 32 both unshare and clone are ENOSPC."""
    deepest = m.init
    for _ in range(m.level, 32):
        deepest = deepest.clone(NEWPID)
    with raises("ENOSPC"):
        deepest.clone(NEWPID)
    with raises("ENOSPC"):
        deepest.unshare(NEWPID)
    assert deepest.fork().pid == 2


def stranger(m: Machine) -> Process:
    """A process of the machine's user namespace that lives in a PID namespace of a user namespace below."""
    below = m.init.clone(NEWUSER | NEWPID)
    joiner = m.init.fork()
    enter(joiner, below.pid, "pid")
    return joiner.fork()


@case("CREATE-09", "PREC-03")
def the_owner_of_the_parent_must_be_an_ancestor(m: Machine) -> None:
    """In a PID namespace that a child user namespace owns nobody from above creates another, not even with a user namespace of its own."""
    inside = stranger(m)
    with raises("EINVAL"):
        inside.unshare(NEWPID)
    with raises("EINVAL"):
        inside.clone(NEWPID)
    with raises("EINVAL"):
        inside.clone(NEWUSER | NEWPID)


@case("CREATE-10")
def a_thread_cannot_live_elsewhere(m: Machine) -> None:
    """THREAD with NEWPID is EINVAL, and so it is with NEWUSER."""
    thread = CloneFlag.VM | CloneFlag.SIGHAND | CloneFlag.THREAD
    for flag in (NEWPID, NEWUSER):
        with raises("EINVAL"):
            m.init.clone(thread | flag, exit_signal=0)


@case("CREATE-11", "VFORK-01")
def a_new_namespace_and_shared_things(m: Machine) -> None:
    """NEWPID goes with VFORK and with FS."""
    parent = m.init.fork()
    child = parent.clone(NEWPID | CloneFlag.VFORK)
    assert child.getpid() == 1
    assert parent.pending is not None
    child.exit(0)
    m.settle()
    assert parent.pending is None
    other = parent.clone(NEWPID | CloneFlag.FS)
    other.chdir("/proc")
    assert (other.getpid(), parent.getcwd()) == (1, "/proc")


@case("CREATE-12")
def a_sibling_may_be_an_init(m: Machine) -> None:
    """PARENT with NEWPID or NEWUSER: only an init is refused, whatever clone(2) says."""
    caller = m.init.fork()
    for flag, number in ((NEWPID, 1), (NEWUSER, 4)):
        sibling = caller.clone(flag | CloneFlag.PARENT, exit_signal=0)
        assert sibling.getpid() == number
        with raises("ECHILD"):
            caller.waitpid(sibling.pid)
        reap(m.init, sibling)


@case("CREATE-13", "PREC-02")
def an_init_has_no_siblings(m: Machine) -> None:
    """PARENT is EINVAL for it, before any question of rights."""
    for caller in (m.init, m.init.clone(NEWPID)):
        drop(caller)
        for flags in (0, NEWPID, NEWUSER):
            with raises("EINVAL"):
                caller.clone(flags | CloneFlag.PARENT, exit_signal=0)


@case("CREATE-14")
def who_sends_children_elsewhere_has_no_more_threads(m: Machine) -> None:
    """EINVAL until it comes home; its other threads are not concerned."""
    leader = m.init.fork()
    other = leader.thread()
    leader.unshare(NEWPID)
    with raises("EINVAL"):
        leader.thread()
    assert other.thread().tid == 4
    enter(leader, "self", "pid")
    assert leader.thread().tid == 5


@case("CREATE-15", "PREC-04", "USER-01")
def a_thread_may_unshare_a_pid_namespace_but_not_its_process(m: Machine) -> None:
    """Each has its own children's namespace; THREAD, SIGHAND, VM and NEWUSER would part the threads."""
    leader = m.init.fork()
    other = leader.thread()
    for flag in (CloneFlag.THREAD, CloneFlag.SIGHAND, CloneFlag.VM, NEWUSER):
        with raises("EINVAL"):
            other.unshare(NEWPID | flag)
    other.unshare(NEWPID)
    assert other.fork().getpid() == 1
    assert leader.fork().getpid() == 5


@case("CREATE-16", "PFC-05")
def a_thread_sends_its_own_children(m: Machine) -> None:
    """They are the process's: they outlive the thread, and any thread waits for them.  /proc/PID shows the leader's namespace."""
    leader = m.init.fork()
    other = leader.thread()
    other.unshare(NEWPID)
    with raises("ENOENT"):
        m.init.readlink(f"/proc/{leader.pid}/task/{other.tid}/ns/pid_for_children")
    child = other.fork()
    mine = m.init.readlink(f"/proc/{leader.pid}/task/{other.tid}/ns/pid_for_children")
    assert mine == link(m.init, child.pid, "pid") != link(m.init, leader.pid, "pid_for_children")
    other.exit_thread(0)
    m.settle()
    assert child.getpid() == 1
    reap(leader, child)


@case("CREATE-18")
def unshare_in_a_vfork_child_is_the_childs(m: Machine) -> None:
    """The parent's children are born where it lives."""
    parent = m.init.fork()
    child = parent.clone(CloneFlag.VFORK)
    child.unshare(NEWPID)
    child.exit(0)
    m.settle()
    assert parent.fork().getpid() == 4


@case("CREATE-19", "PERM-01", "PERM-03", "USER-05")
def a_new_user_namespace_owns_what_comes_with_it(m: Machine) -> None:
    """It is made first, so no capability is needed; NEWPID alone is EPERM."""
    caller = m.init.fork()
    drop(caller)
    for call in (caller.unshare, caller.clone):
        with raises("EPERM"):
            call(NEWPID)
    inner = caller.clone(NEWUSER | NEWPID)
    assert inner.getpid() == 1
    owner = m.init.ns_get_userns(open_ns(m.init, 3, "pid"))
    assert m.init.fstat(owner).st_ino == m.init.stat("/proc/3/ns/user").st_ino != m.init.stat("/proc/1/ns/user").st_ino


@case("CREATE-20", "PGRP-01", "PGRP-02")
def an_init_inherits_as_any_child(m: Machine) -> None:
    """Dispositions, mask, group and session; the outside group and session read 0 for all its members."""
    maker = m.init.fork()
    maker.sigaction(Signal.USR1, Disposition.IGN)
    maker.sigprocmask(SigMask.BLOCK, {Signal.USR2})
    inner = maker.clone(NEWPID)
    lines = status(m.init, 3)
    assert (lines["SigBlk"], lines["SigIgn"]) == (f"{1 << Signal.USR2 - 1:016x}", f"{1 << Signal.USR1 - 1:016x}")
    assert (numbers(m.init, 3, "NSpgid"), numbers(m.init, 3, "NSsid")) == ((1, 0), (1, 0))
    member = inner.fork()
    for process in (inner, member):
        assert (process.getpgid(), process.getsid()) == (0, 0)
    assert m.init.getpgid(3) == m.init.getpgid() == 1


@case("CREATE-21")
def a_stopped_init_hinders_nobody(m: Machine) -> None:
    """Forks into its namespace work."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    first = maker.fork()
    maker.kill(first.pid, Signal.STOP)
    m.settle()
    assert status(m.init, first.pid)["State"] == "T (stopped)"
    assert maker.fork().getpid() == 2
