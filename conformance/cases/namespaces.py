"""PID namespaces: creating, entering, and who may.  kernel/nsproxy.c, kernel/pid_namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, enter, link, map_root, open_ns, reap
from conformance.views import numbers, set_last_pid, set_pid_max, status, write
from nscore import Capability, CloneFlag, Disposition, Machine, PidfdNamespace, Process, SigMask, Signal, WaitOption

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


# --- precedence


@case("PREC-01", "PREC-02")
def what_clone_refuses_by_its_arguments(m: Machine) -> None:
    """Before any question of rights or of room: a caller without capabilities at the limit of depth hears EINVAL."""
    caller = m.init.fork()
    drop(caller)
    sighand, thread = CloneFlag.SIGHAND, CloneFlag.THREAD
    for flags, exit_signal, set_tid in (
        (NEWPID, 65, ()),
        (NEWPID | 1 << 40, 17, ()),
        (NEWPID | CloneFlag.DETACHED, 17, ()),
        (NEWPID | 17, 17, ()),
        (NEWPID | CloneFlag.PARENT, 17, ()),
        (NEWNS | CloneFlag.FS, 17, ()),
        (NEWUSER | CloneFlag.FS, 17, ()),
        (NEWPID | thread, 0, ()),
        (NEWPID | sighand, 17, ()),
        (NEWPID, 17, (1,) * 33),
    ):
        with raises("EINVAL"):
            caller.clone(flags, exit_signal=exit_signal, set_tid=set_tid)
    with raises("EPERM"):
        caller.clone(NEWPID)


@case("PREC-02", "PREC-04")
def rights_are_asked_before_places(m: Machine) -> None:
    """An unknown flag is EINVAL, then no right is EPERM, then an earlier unshare is EINVAL."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    with raises("EINVAL"):
        maker.unshare(NEWPID)
    drop(maker)
    with raises("EINVAL"):
        maker.unshare(NEWPID | 1)
    with raises("EPERM"):
        maker.unshare(NEWPID)
    with raises("EPERM"):
        maker.clone(NEWPID)


@case("PREC-02", "ALLOC-09", needs=("set_tid",))
def a_full_ancestor_comes_before_a_dead_namespace(m: Machine) -> None:
    """Numbers are looked for at every level before anybody asks whether the innermost is dead."""
    outer = m.init.clone(NEWPID)
    set_pid_max(outer, 301)
    set_last_pid(outer, 298)
    maker = outer.fork()
    maker.unshare(NEWPID)
    reap(maker, maker.fork())
    filler = outer.fork()
    assert (maker.pid, filler.pid) == (299, 300)
    with raises("EAGAIN"):
        maker.fork()
    reap(outer, filler)
    with raises("ENOMEM"):
        maker.fork()


@case("PREC-03", "PERM-05", "CREATE-17")
def the_place_is_asked_before_the_limit(m: Machine) -> None:
    """EINVAL for an earlier unshare, then ENOSPC; a namespace that nobody lives in counts as any other."""
    root = m.init.clone(NEWUSER)
    write(root, MAX_PID_NAMESPACES, "1")
    maker, other = root.fork(), root.fork()
    maker.unshare(NEWPID)
    with raises("EINVAL"):
        maker.unshare(NEWPID)
    for call in (other.unshare, other.clone):
        with raises("ENOSPC"):
            call(NEWPID)


@case("PREC-05", "SETNS-04", "SETNS-05")
def what_setns_refuses(m: Machine) -> None:
    """EBADF, then the type, whoever asks; a pidfd wants to be told what to join."""
    inner = m.init.clone(NEWPID)
    other = m.init.fork()
    caller = m.init.fork()
    fd, pidfd, plain = open_ns(caller, inner.pid, "pid"), caller.pidfd_open(other.pid), caller.open("/")
    with raises("EBADF"):
        caller.setns(99)
    for nstype in (0, NEWPID):
        caller.setns(fd, nstype)
    drop(caller)
    for nstype in (CloneFlag.NEWUTS, NEWPID | NEWNS, 1):
        with raises("EINVAL"):
            caller.setns(fd, nstype)
    for nstype in (0, 1, NEWPID | 1):
        with raises("EINVAL"):
            caller.setns(pidfd, nstype)
    with raises("EINVAL"):
        caller.setns(plain)


@case("PREC-05", "SETNS-03")
def setns_asks_for_rights_before_kinship(m: Machine) -> None:
    """Without a capability even the own namespace is EPERM; with it a sibling is EINVAL."""
    first, second = m.init.clone(NEWPID), m.init.clone(NEWPID)
    sibling, own = open_ns(first, second.pid, "pid"), open_ns(first, first.pid, "pid")
    pidfd = m.init.pidfd_open(1)
    with raises("EINVAL"):
        first.setns(sibling)
    first.setns(own)
    drop(first)
    for fd in (sibling, own):
        with raises("EPERM"):
            first.setns(fd)
    bare = m.init.fork()
    drop(bare)
    with raises("EPERM"):
        bare.setns(pidfd, NEWPID)


@case("PREC-06", "PERM-10", "KILL-01", needs=("many_ids",))
def kill_looks_first_then_at_the_signal_then_at_rights(m: Machine) -> None:
    """Nobody there is ESRCH, an impossible signal EINVAL, another user's process EPERM; namespaces play no part in the last."""
    caller = m.init.fork()
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    caller.setuid(1000)
    with raises("ESRCH"):
        caller.kill(99, 65)
    for pid in (1, inner.pid, 4):
        with raises("EINVAL"):
            caller.kill(pid, 65)
        with raises("EPERM"):
            caller.kill(pid, 0)
    member.setuid(1000)
    caller.kill(4, Signal.KILL)
    m.settle()
    assert inner.waitpid(-1) == (2, Signal.KILL)


@case("PREC-07")
def sigqueue_looks_first_at_its_code(m: Machine) -> None:
    """A code that only the kernel may use towards others is EPERM, then nobody there ESRCH, then an impossible signal EINVAL."""
    caller = m.init.fork()
    for code in (0, 1, -6):
        with raises("EPERM"):
            caller.sigqueue(99, 65, 0, code)
    with raises("ESRCH"):
        caller.sigqueue(99, 65)
    with raises("EINVAL"):
        caller.sigqueue(1, 65)
    caller.sigqueue(caller.pid, 0, 0, 1)


@case("PREC-08", "REBOOT-01", needs=("reboot",))
def reboot_asks_for_rights_first(m: Machine) -> None:
    """EPERM without CAP_SYS_BOOT, EINVAL for a command that means nothing in a namespace."""
    inner = m.init.clone(NEWPID)
    for cmd in (0, 0x89ABCDEF, 0x45584543, 0xD000FCE2, 5):
        with raises("EINVAL"):
            inner.reboot(cmd)
    drop(inner, Capability.SYS_BOOT)
    with raises("EPERM"):
        inner.reboot(5)


# --- setns


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


# --- /proc/PID/ns/pid_for_children


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


# --- privileges and limits


@case("PERM-02")
def a_fork_into_a_prepared_namespace_needs_nothing(m: Machine) -> None:
    """The right was asked for at unshare."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    drop(maker)
    assert maker.fork().getpid() == 1
    assert maker.fork().getpid() == 2


@case("PERM-03", "SETNS-03")
def the_owner_of_a_namespace_is_its_creators_user_namespace(m: Machine) -> None:
    """Made in one call, the new one; made before NEWUSER, the old one: then the newcomer may not join it."""
    below = m.init.clone(NEWUSER | NEWPID)
    above = m.init.clone(NEWPID)
    for pid, owner in ((below.pid, below.pid), (above.pid, 1)):
        fd = m.init.ns_get_userns(open_ns(m.init, pid, "pid"))
        assert m.init.fstat(fd).st_ino == m.init.stat(f"/proc/{owner}/ns/user").st_ino
    caller = m.init.fork()
    theirs = open_ns(caller, above.pid, "pid")
    caller.setns(theirs)
    caller.unshare(NEWUSER)
    with raises("EPERM"):
        caller.setns(theirs)


@case("PERM-05")
def a_namespace_is_charged_to_every_owner_above(m: Machine) -> None:
    """The limit of an ancestor forbids what the own one allows."""
    root = m.init.clone(NEWUSER)
    map_root(root)
    write(root, MAX_PID_NAMESPACES, "1")
    keeper = root.fork()
    keeper.unshare(NEWPID)
    child = root.clone(NEWUSER)
    with raises("ENOSPC"):
        child.unshare(NEWPID)
    with raises("ENOSPC"):
        root.clone(NEWUSER | NEWPID)


@case("PERM-06")
def a_namespace_is_charged_to_the_user_namespace_made_with_it(m: Machine) -> None:
    """With a limit of 1 set inside, not even one more is possible."""
    root = m.init.clone(NEWUSER | NEWPID)
    write(root, MAX_PID_NAMESPACES, "1")
    with raises("ENOSPC"):
        root.unshare(NEWPID)
    with raises("ENOSPC"):
        root.clone(NEWPID)


@case("PERM-08")
def limits_are_set_by_who_has_the_right_over_resources(m: Machine) -> None:
    """CAP_SYS_RESOURCE in that user namespace, otherwise EACCES at open; 0 forbids all."""
    root = m.init.clone(NEWUSER)
    write(root, MAX_PID_NAMESPACES, "0")
    with raises("ENOSPC"):
        root.clone(NEWPID)
    drop(root, Capability.SYS_RESOURCE)
    with raises("EACCES"):
        root.open(MAX_PID_NAMESPACES, 1)


@case("PERM-11")
def user_and_pid_namespaces_nest_to_32(m: Machine) -> None:
    """The depth of user namespaces, 33, is not met first."""
    deepest = m.init
    for _ in range(m.level, 32):
        deepest = deepest.clone(NEWUSER | NEWPID)
        map_root(deepest)
    with raises("ENOSPC"):
        deepest.clone(NEWUSER | NEWPID)
    assert deepest.getpid() == 1


@case("ALLOC-24", "PFC-06")
def waiting_for_an_init_made_elsewhere(m: Machine) -> None:
    """Whoever forked it is its parent, and nobody else."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    first = maker.fork()
    with raises("ECHILD"):
        m.init.waitpid(first.pid, WaitOption.NOHANG)
    assert maker.waitpid(first.pid, WaitOption.NOHANG) == (0, 0)
