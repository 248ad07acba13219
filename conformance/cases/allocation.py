"""Numbers: how PIDs are given, kept and given back.  kernel/pid.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, reap
from conformance.views import last_pid, numbers, read, set_last_pid, set_pid_max
from nscore import Capability, CloneFlag, Machine, OpenFlag, Prctl, Signal

NEWPID = CloneFlag.NEWPID


@case("ALLOC-01", "PROC-21")
def a_task_has_a_number_in_every_level(m: Machine) -> None:
    """One in the innermost namespace and one in every ancestor, independent of each other."""
    m.init.fork()
    outer = m.init.clone(NEWPID)
    outer.fork()
    inner = outer.clone(NEWPID)
    assert numbers(m.init, 5) == (5, 3, 1)
    assert (inner.pid, inner.getpid()) == (3, 1)


@case("ALLOC-02")
def fork_returns_the_number_that_the_caller_sees(m: Machine) -> None:
    """And the child's own gettid is its number in its own namespace."""
    inner = m.init.clone(NEWPID)
    assert (inner.pid, inner.gettid()) == (2, 1)


@case("ALLOC-03")
def numbers_go_on_and_are_not_reused_at_once(m: Machine) -> None:
    """Allocation is cyclic: a number that reaping freed is behind the cursor."""
    for expected in (2, 3, 4):
        child = m.init.fork()
        assert child.pid == expected
        reap(m.init, child)


@case("ALLOC-04", "ALLOC-05", "ALLOC-06", "SYSCTL-02", "SYSCTL-04", needs=("set_tid",))
def the_first_round_ends_below_pid_max_and_the_next_begins_at_300(m: Machine) -> None:
    """pid_max itself is never given, and from then on 1 to 299 are left out."""
    inner = m.init.clone(NEWPID)
    set_pid_max(inner, 400)
    set_last_pid(inner, 298)
    assert [inner.fork().pid for _ in range(4)] == [299, 300, 301, 302]
    set_last_pid(inner, 398)
    assert [inner.fork().pid for _ in range(2)] == [399, 303]
    set_last_pid(inner, 400)
    assert inner.fork().pid == 304
    set_last_pid(inner, 0)
    assert inner.fork().pid == 2


@case("ALLOC-07", "ALLOC-08", "ALLOC-09", "SYSCTL-11", needs=("set_tid",))
def with_the_least_pid_max_one_number_is_left(m: Machine) -> None:
    """The cursor at 300 wraps to 1; beyond it, only 300 itself is used."""
    inner = m.init.clone(NEWPID)
    for wrong in (300, 4194305):
        with raises("EINVAL"):
            set_pid_max(inner, wrong)
    set_pid_max(inner, 301)
    held = inner.clone(set_tid=(300,))
    set_last_pid(inner, 299)
    assert inner.fork().pid == 2
    reap(inner, held)
    set_last_pid(inner, 299)
    last = inner.fork()
    assert last.pid == 300
    with raises("EAGAIN"):
        inner.fork()
    reap(inner, last)
    assert inner.fork().pid == 300


@case("ALLOC-10", "SYSCTL-10", "SYSCTL-08", needs=("set_tid",))
def a_full_outer_level_burns_an_inner_number(m: Machine) -> None:
    """The inner cursor stays advanced although the inner number is given back."""
    outer = m.init.clone(NEWPID)
    set_pid_max(outer, 301)
    set_last_pid(outer, 298)
    inner = outer.clone(NEWPID)
    filler = outer.fork()
    assert (inner.pid, filler.pid) == (299, 300)
    outer.sigaction(Signal.CHLD, 0)
    assert last_pid(inner) == 1
    for burnt in (2, 3):
        with raises("EAGAIN"):
            inner.fork()
        assert last_pid(inner) == burnt
    reap(outer, filler)
    assert inner.fork().pid == 4


@case("ALLOC-11", "SETTID-06", needs=("set_tid",))
def a_refused_first_task_leaves_the_namespace_fresh(m: Machine) -> None:
    """The entry of a namespace without an init must be 1; after the failure it still can be."""
    m.init.fork().unshare(0)
    maker = m.init.fork()
    maker.unshare(NEWPID)
    with raises("EINVAL"):
        maker.clone(set_tid=(2,))
    assert maker.clone().getpid() == 1


@case("ALLOC-12", "ALLOC-14", "CREATE-04", "INIT-10", "INIT-14", "PFC-06")
def a_fork_into_a_dead_namespace_burns_the_callers_numbers(m: Machine) -> None:
    """ENOMEM for ever, and one number less each time in every ancestor."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    first = maker.fork()
    reap(maker, first)
    before = last_pid(maker)
    for burnt in (1, 2, 3):
        with raises("ENOMEM"):
            maker.fork()
        assert last_pid(maker) == before + burnt


@case("ALLOC-13", "CREATE-13")
def what_is_refused_before_allocation_burns_nothing(m: Machine) -> None:
    """Flags that exclude each other, and PARENT by an init."""
    inner = m.init.clone(NEWPID)
    for flags in (CloneFlag.THREAD, CloneFlag.SIGHAND, CloneFlag.NEWNS | CloneFlag.FS, CloneFlag.PARENT, NEWPID | CloneFlag.THREAD):
        with raises("EINVAL"):
            inner.clone(flags, exit_signal=0 if flags & CloneFlag.PARENT else Signal.CHLD)
    assert inner.fork().pid == 2


@case("ALLOC-16")
def threads_take_numbers_from_the_same_space(m: Machine) -> None:
    """A thread is 3, and the next process 4."""
    child = m.init.fork()
    assert child.thread().tid == 3
    assert m.init.fork().pid == 4


@case("ALLOC-17")
def forks_below_advance_the_cursor_above(m: Machine) -> None:
    """Every ancestor gives a number too."""
    inner = m.init.clone(NEWPID)
    for _ in range(3):
        inner.fork()
    assert last_pid(m.init) == 5
    assert m.init.fork().pid == 6


@case("ALLOC-18", "ALLOC-19", "ALLOC-20")
def a_number_lives_on_as_a_group(m: Machine) -> None:
    """kill(n) and waitpid(n) do not know it, kill(-n) does, and allocation skips it until the last member leaves."""
    leader = m.init.fork()
    member = leader.fork()
    leader.setpgid(0, 0)
    member_pid = 3
    leader.setpgid(member_pid, leader.pid)
    reap(m.init, leader)
    for call in (m.init.getpgid, m.init.getsid):
        with raises("ESRCH"):
            call(leader.pid)
    with raises("ESRCH"):
        m.init.kill(leader.pid, 0)
    with raises("ECHILD"):
        m.init.waitpid(leader.pid)
    m.init.kill(-leader.pid, 0)
    assert member.getpgid() == leader.pid
    set_last_pid(m.init, leader.pid - 1)
    assert m.init.fork().pid == 4
    member.setpgid(0, 0)
    set_last_pid(m.init, leader.pid - 1)
    assert m.init.fork().pid == leader.pid


@case("ALLOC-21", "SETTID-08", "SETTID-11", needs=("set_tid",))
def a_zombie_keeps_its_number(m: Machine) -> None:
    """EEXIST until it is reaped; then at once."""
    child = m.init.fork()
    child.exit(0)
    m.settle()
    with raises("EEXIST"):
        m.init.clone(set_tid=(child.pid,))
    m.init.waitpid(child.pid)
    assert m.init.clone(set_tid=(child.pid,)).pid == child.pid


@case("ALLOC-22", "EXITSIG-06")
def exec_keeps_the_number(m: Machine) -> None:
    """The same PID before and after, for whoever looks; and the exit signal becomes SIGCHLD."""
    child = m.init.clone(exit_signal=Signal.USR1)
    child.execve(m.image)
    assert child.getpid() == child.pid
    child.exit(3)
    assert m.init.waitpid(-1) == (child.pid, 3 << 8)


@case("ALLOC-23")
def number_1_elsewhere_means_nothing(m: Machine) -> None:
    """PID 1 of a nested namespace is an ordinary member above: killed from there, and the namespace above lives."""
    inner = m.init.clone(NEWPID)
    m.init.kill(inner.pid, Signal.KILL)
    assert m.init.waitpid(inner.pid) == (inner.pid, Signal.KILL)
    assert m.init.fork().pid == 3


@case("ALLOC-24", "ALLOC-25", "CREATE-01")
def whoever_is_first_in_a_namespace_is_1(m: Machine) -> None:
    """Then the unsharer's forks and the members' take turns at one cursor."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    assert maker.getpid() == 2
    first = maker.fork()
    assert first.getpid() == 1
    assert first.fork().pid == 2
    assert maker.fork().getpid() == 3
    assert first.fork().pid == 4


@case("SETTID-01", "SETTID-03", needs=("set_tid",))
def set_tid_chooses_from_the_inside_out(m: Machine) -> None:
    """Levels beyond the given are cyclic; more than the child has levels are EINVAL."""
    outer = m.init.clone(NEWPID)
    inner = outer.clone(NEWPID, set_tid=(1, 222))
    assert numbers(m.init, inner_number(m)) == (inner_number(m), 222, 1)
    assert inner.pid == 222
    too_many = (1,) * (m.level + 4)
    with raises("EINVAL"):
        outer.clone(NEWPID, set_tid=too_many)


def inner_number(m: Machine) -> int:
    """The newest process, as the machine sees it."""
    return max(int(name) for name in m.init.listdir("/proc") if name.isdigit())


@case("SETTID-02", needs=("set_tid",))
def more_than_32_numbers_are_refused(m: Machine) -> None:
    """At the copy of the arguments."""
    with raises("EINVAL"):
        m.init.clone(set_tid=(5,) * 33)


@case("SETTID-05", "SETTID-09", needs=("set_tid",))
def set_tid_is_checked_level_by_level(m: Machine) -> None:
    """Range, then use, innermost first: an inner EEXIST beats an outer EINVAL."""
    inner = m.init.clone(NEWPID)
    held = inner.fork()
    for wrong in (0, -1, 4194304):
        with raises("EINVAL"):
            inner.clone(set_tid=(wrong,))
    assert inner.clone(set_tid=(4194303,)).pid == 4194303
    with raises("EEXIST"):
        inner.clone(set_tid=(held.pid, 0))
    with raises("EINVAL"):
        inner.clone(set_tid=(50, 0))


@case("SETTID-12", "SYSCTL-06", needs=("set_tid",))
def a_chosen_number_does_not_move_the_cursor(m: Machine) -> None:
    """It is skipped when the cursor arrives."""
    m.init.clone(set_tid=(4,))
    assert last_pid(m.init) == 1
    assert [m.init.fork().pid for _ in range(3)] == [2, 3, 5]


@case("SETTID-14", needs=("set_tid",))
def set_tid_into_a_dead_namespace(m: Machine) -> None:
    """The range first, then ENOMEM."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    reap(maker, maker.fork())
    with raises("EINVAL"):
        maker.clone(set_tid=(0,))
    for number in (1, 7):
        with raises("ENOMEM"):
            maker.clone(set_tid=(number,))


@case("SETTID-04", needs=("set_tid",))
def the_deepest_process_has_a_number_that_nobody_chooses(m: Machine) -> None:
    """33 levels, and 32 numbers at most: one for each level from the machine's on, where that is the first."""
    deepest = m.init
    for _ in range(m.level, 32):
        deepest = deepest.clone(NEWPID)
    with raises("EINVAL"):
        deepest.clone(set_tid=(30011,) * 33)
    chosen = (30011,) * (33 - m.level)
    assert numbers(m.init, deepest.clone(set_tid=chosen).getpid()) == chosen


@case("SETTID-07", needs=("set_tid",))
def set_tid_wants_a_capability_for_each_number(m: Machine) -> None:
    """Either of two, in the user namespace that owns the level; none where no number is given."""
    for kept in (Capability.SYS_ADMIN, Capability.CHECKPOINT_RESTORE):
        child = m.init.fork()
        child.capset(1 << kept, 1 << kept, 0)
        assert child.clone(set_tid=(100 + kept,)).pid == 100 + kept
    drop(child)
    with raises("EPERM"):
        child.clone(set_tid=(50,))
    inner = m.init.clone(CloneFlag.NEWUSER).clone(NEWPID)
    assert inner.clone(set_tid=(50,)).pid == 50
    with raises("EPERM"):
        inner.clone(set_tid=(51, 51))


@case("SYSCTL-01")
def ns_last_pid_is_the_readers_own(m: Machine) -> None:
    """Neither the mount nor the opener matters, but the active namespace of whoever reads, when it reads."""
    fd = m.init.open("/proc/sys/kernel/ns_last_pid", 0)
    m.init.fork()
    inner = m.init.clone(NEWPID)
    assert m.init.pread(fd, 64, 0) == b"3\n"
    assert inner.pread(fd, 64, 0) == b"1\n"


@case("SYSCTL-03")
def what_ns_last_pid_takes(m: Machine) -> None:
    """0 to pid_max, and what follows a blank is not looked at."""
    inner = m.init.clone(NEWPID)
    for wrong in ("-1", "4194305", "x"):
        fd = inner.open("/proc/sys/kernel/ns_last_pid", 1)
        with raises("EINVAL"):
            inner.write(fd, wrong.encode())
        inner.close(fd)
    set_last_pid(inner, 40)
    assert last_pid(inner) == 40
    fd = inner.open("/proc/sys/kernel/ns_last_pid", 1)
    inner.write(fd, b"50 junk")
    inner.close(fd)
    assert last_pid(inner) == 50


@case("SYSCTL-07", needs=("set_tid",))
def an_init_that_chose_its_number_leaves_the_cursor_at_the_start(m: Machine) -> None:
    """ns_last_pid reads -1, and the next number is 2."""
    chosen = m.init.clone(NEWPID, set_tid=(1,))
    assert last_pid(chosen) == -1
    assert chosen.fork().pid == 2
    plain = m.init.clone(NEWPID)
    assert last_pid(plain) == 1


@case("SYSCTL-09", "SYSCTL-12", "SYSCTL-13", "SYSCTL-14", needs=("6.14",))
def pid_max_is_the_namespaces_own(m: Machine) -> None:
    """A new one begins with the highest, whatever its parent has; a descriptor stays with the opener's namespace."""
    outer = m.init.clone(NEWPID)
    for _ in range(2):
        outer.fork()
    set_pid_max(outer, 5000)
    fd = outer.open("/proc/sys/kernel/pid_max", 0)
    inner = outer.clone(NEWPID)
    mine = inner.open("/proc/sys/kernel/pid_max", 0)
    assert inner.pread(fd, 64, 0) == b"5000\n"
    assert inner.pread(mine, 64, 0) == b"4194304\n"


@case("SYSCTL-05", needs=("set_tid",))
def writing_ns_last_pid_wants_a_capability(m: Machine) -> None:
    """Either of two; opening it wants none."""
    for kept in (Capability.SYS_ADMIN, Capability.CHECKPOINT_RESTORE):
        child = m.init.fork()
        child.capset(1 << kept, 1 << kept, 0)
        set_last_pid(child, 100 + kept)
        assert last_pid(child) == 100 + kept
    drop(child)
    fd = child.open("/proc/sys/kernel/ns_last_pid", OpenFlag.RDWR)
    with raises("EPERM"):
        child.write(fd, b"7")
    assert last_pid(child) == 100 + kept


@case("SYSCTL-15", needs=("6.14", "many_ids"))
def pid_max_is_written_by_its_owner(m: Machine) -> None:
    """Who is 0 in the user namespace that owns it, without a capability, or has one there; all may read."""
    inner = m.init.clone(NEWPID)
    bare, capable, other = inner.fork(), inner.fork(), inner.fork()
    drop(bare)
    set_pid_max(bare, 5000)
    for each in (capable, other):
        each.prctl(Prctl.SET_KEEPCAPS, 1)
        each.setuid(5)
    admin = 1 << Capability.SYS_ADMIN
    capable.capset(admin, admin, 0)
    set_pid_max(capable, 6000)
    drop(other)
    with raises("EACCES"):
        other.open("/proc/sys/kernel/pid_max", OpenFlag.WRONLY)
    assert read(other, "/proc/sys/kernel/pid_max") == "6000\n"
