"""user_namespaces(7): creating, entering, and which capability counts where.  kernel/user_namespace.c, security/commoncap.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import ALL_CAPABILITIES, drop, enter, link, map_root, open_ns
from conformance.views import read, write
from nscore import Capability, CloneFlag, Machine, Prctl

NEWUSER, NEWPID, NEWUTS, NEWNS, NEWIPC = CloneFlag.NEWUSER, CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWNS, CloneFlag.NEWIPC
WRONLY = 1
NOBODY = 65534


@case("USER-01")
def who_may_unshare_a_user_namespace(m: Machine) -> None:
    """Nobody with threads; sharing directories is no obstacle to unshare, but NEWUSER with FS is none of clone's combinations."""
    leader = m.init.fork()
    thread = leader.thread()
    for process in (leader, thread):
        with raises("EINVAL"):
            process.unshare(NEWUSER)
    sharer = m.init.clone(CloneFlag.FS)
    sharer.unshare(NEWUSER)
    sharer.chdir("/proc")
    assert m.init.getcwd() == "/"
    with raises("EINVAL"):
        m.init.clone(NEWUSER | CloneFlag.FS)


@case("USER-02")
def nothing_nests_in_an_unmapped_user_namespace(m: Machine) -> None:
    """EPERM until both the caller's user and group id are mapped."""
    child = m.init.clone(NEWUSER)
    with raises("EPERM"):
        child.unshare(NEWUSER)
    with raises("EPERM"):
        child.clone(NEWUSER)
    write(child, "/proc/self/uid_map", "0 0 1")
    with raises("EPERM"):
        child.unshare(NEWUSER)
    write(child, "/proc/self/setgroups", "deny")
    write(child, "/proc/self/gid_map", "0 0 1")
    child.unshare(NEWUSER)


@case("USER-02", "USER-06", "MNT-45")
def the_limit_is_asked_before_the_root_directory(m: Machine) -> None:
    """The limit first, ENOSPC; then a chrooted caller and unmapped ids, EPERM."""
    root = m.init.clone(NEWUSER | NEWNS)
    map_root(root)
    write(root, "/proc/sys/user/max_user_namespaces", "0")
    root.mount("none", "/tmp", "tmpfs")
    root.chroot("/tmp")
    with raises("ENOSPC"):
        root.unshare(NEWUSER)
    other = m.init.clone(NEWUSER | NEWNS)
    map_root(other)
    other.chroot("/")
    other.fork().unshare(NEWUSER)
    other.mount("none", "/tmp", "tmpfs")
    other.mkdir("/tmp/plain")
    for path in ("/tmp", "/proc"):
        chrooted = other.fork()
        chrooted.chroot(path)
        with raises("EPERM"):
            chrooted.unshare(NEWUSER)


@case("USER-03", needs=("root",))
def user_namespaces_are_at_most_33_deep(m: Machine) -> None:
    """And the 34th creation is ENOSPC."""
    deepest = m.init
    for _ in range(33):
        deepest = deepest.clone(NEWUSER)
        map_root(deepest)
    with raises("ENOSPC"):
        deepest.clone(NEWUSER)
    with raises("ENOSPC"):
        deepest.unshare(NEWUSER)


@case("USER-04")
def the_creator_owns_and_may_everything(m: Machine) -> None:
    """All capabilities, in a full bounding set; nothing inheritable; securebits and keep-caps are cleared; the ids read 65534."""
    child = m.init.fork()
    child.prctl(Prctl.SET_SECUREBITS, 1 << 2 | 1 << 4)
    child.prctl(Prctl.CAPBSET_DROP, Capability.CHOWN)
    sets = child.capget()
    child.capset(0, sets.permitted, 1 << Capability.KILL)
    child.unshare(NEWUSER)
    sets = child.capget()
    assert (sets.effective, sets.permitted, sets.inheritable) == (ALL_CAPABILITIES, ALL_CAPABILITIES, 0)
    assert child.prctl(Prctl.CAPBSET_READ, Capability.CHOWN) == 1
    assert (child.prctl(Prctl.GET_SECUREBITS), child.prctl(Prctl.GET_KEEPCAPS)) == (0, 0)
    assert (child.getuid(), child.geteuid(), child.getgid(), child.getegid()) == (NOBODY,) * 4
    assert m.init.ns_get_owner_uid(open_ns(m.init, child.pid, "user")) == 0


@case("USER-05")
def all_that_is_made_in_one_call_belongs_to_the_new_user_namespace(m: Machine) -> None:
    """An ordinary process may make them so, and none of them without."""
    caller = m.init.fork()
    drop(caller)
    for flag in (NEWNS, NEWUTS, NEWIPC, NEWPID, CloneFlag.NEWCGROUP):
        with raises("EPERM"):
            caller.unshare(flag)
    caller.unshare(CloneFlag.FS | CloneFlag.FILES)
    caller.unshare(0)
    caller.unshare(NEWUSER | NEWNS | NEWUTS | NEWIPC | NEWPID | CloneFlag.NEWCGROUP)
    caller.fork()
    mine = m.init.stat(f"/proc/{caller.pid}/ns/user").st_ino
    for kind in ("mnt", "uts", "ipc", "pid_for_children", "cgroup"):
        owner = m.init.ns_get_userns(open_ns(m.init, caller.pid, kind))
        assert m.init.fstat(owner).st_ino == mine


@case("UTS-07", "USER-05")
def a_user_namespace_alone_gives_no_right_over_the_others(m: Machine) -> None:
    """Those that are there still belong to the old one."""
    child = m.init.clone(NEWUSER)
    with raises("EPERM"):
        child.sethostname("mine")
    with raises("EPERM"):
        child.mount("none", "/tmp", "tmpfs")
    with raises("EPERM"):
        child.umount2("/proc")
    with raises("EPERM"):
        child.pivot_root("/proc", "/proc")
    child.unshare(NEWUTS | NEWNS)
    child.sethostname("mine")
    child.mount("none", "/tmp", "tmpfs")


@case("USER-06")
def limits_of_a_user_namespace_are_its_roots(m: Machine) -> None:
    """0 forbids the next creation of that kind, and of no other."""
    root = m.init.clone(NEWUSER)
    map_root(root)
    for name, flag in (("user", NEWUSER), ("mnt", NEWNS), ("uts", NEWUTS), ("ipc", NEWIPC)):
        write(root, f"/proc/sys/user/max_{name}_namespaces", "0")
        with raises("ENOSPC"):
            root.clone(flag)
    root.clone(CloneFlag.NEWCGROUP)
    assert read(root, "/proc/sys/user/max_user_namespaces") == "0\n"


@case("USER-10")
def the_own_user_namespace_is_not_entered_again(m: Machine) -> None:
    """EINVAL, whatever rights one has; then threads and shared directories, EINVAL; then rights."""
    below = m.init.clone(NEWUSER)
    bare = m.init.fork()
    drop(bare)
    own = open_ns(bare, "self", "user")
    with raises("EINVAL"):
        bare.setns(own)
    leader = m.init.fork()
    leader.thread()
    fd = open_ns(leader, below.pid, "user")
    with raises("EINVAL"):
        leader.setns(fd)
    sharer = m.init.clone(CloneFlag.FS)
    fd = open_ns(sharer, below.pid, "user")
    with raises("EINVAL"):
        sharer.setns(fd)
    sharer.unshare(CloneFlag.FS)
    sharer.setns(fd)
    assert link(m.init, sharer.pid, "user") == link(m.init, below.pid, "user")
    assert (sharer.capget().effective, sharer.geteuid()) == (ALL_CAPABILITIES, NOBODY)


@case("USER-11", "USER-12", needs=("many_ids",))
def the_owners_uid_has_all_rights_below(m: Machine) -> None:
    """From the parent, with no capability at all; another uid has none, and nobody comes back."""
    owner = m.init.fork()
    owner.setuid(1000)
    below = owner.clone(NEWUSER)
    theirs = open_ns(m.init, below.pid, "user")
    visitor, other = m.init.fork(), m.init.fork()
    visitor.setuid(1000)
    other.setuid(2000)
    with raises("EPERM"):
        other.setns(theirs)
    visitor.setns(theirs)
    assert visitor.capget().effective == ALL_CAPABILITIES
    with raises("EACCES"):
        open_ns(visitor, 1, "user")
    inside = m.init.fork()
    back = open_ns(inside, "self", "user")
    inside.setns(theirs)
    with raises("EPERM"):
        inside.setns(back)


@case("USER-10", "MISC-02", needs=("many_ids",))
def who_gains_by_entering_becomes_undumpable(m: Machine) -> None:
    """Not the owner, who had all rights there before."""
    other = m.init.fork()
    other.setuid(1000)
    foreign, own = other.clone(NEWUSER), m.init.clone(NEWUSER)
    for target, dumpable in ((foreign.pid, 0), (own.pid, 1)):
        visitor = m.init.fork()
        enter(visitor, target, "user")
        assert visitor.prctl(Prctl.GET_DUMPABLE) == dumpable


@case("USER-12", "USER-30")
def capabilities_count_from_above_only(m: Machine) -> None:
    """A capability in an ancestor is one below; one below is none above, nor in a sibling."""
    one, two = m.init.clone(NEWUSER | NEWUTS), m.init.clone(NEWUSER | NEWUTS)
    visitor = m.init.fork()
    enter(visitor, one.pid, "uts")
    visitor.sethostname("above")
    assert one.uname().nodename == "above"
    descriptors = [open_ns(m.init, pid, "uts") for pid in (1, two.pid)]
    below = m.init.fork()
    fd = open_ns(below, one.pid, "user")
    below.setns(fd)
    for fd in descriptors:
        with raises("EPERM"):
            below.setns(fd)
    bare = m.init.fork()
    drop(bare, Capability.SYS_ADMIN)
    for fd in descriptors:
        with raises("EPERM"):
            bare.setns(fd)


@case("USER-30", "PERM-10", needs=("many_ids",))
def signals_cross_by_id_or_by_capability(m: Machine) -> None:
    """Root of a user namespace kills its members whatever their ids, and outside only those of its own id."""
    root = m.init.clone(NEWUSER)
    write(m.init, f"/proc/{root.pid}/uid_map", "0 3000 10")
    write(m.init, f"/proc/{root.pid}/gid_map", "0 3000 10")
    root.setuid(0)
    member = root.fork()
    member.setuid(5)
    outside, same = m.init.fork(), m.init.fork()
    outside.setuid(3005)
    same.setuid(3000)
    root.kill(member.pid, 0)
    root.kill(same.pid, 0)
    for pid in (outside.pid, 1):
        with raises("EPERM"):
            root.kill(pid, 0)
    outside.kill(member.pid, 0)


@case("USER-31")
def an_equal_id_is_not_enough_to_trace(m: Machine) -> None:
    """Who lacks a capability that the other has may not read its links; the other way round it works."""
    lesser, greater = m.init.fork(), m.init.fork()
    drop(lesser, Capability.SYS_PTRACE, Capability.SYS_TIME)
    drop(greater, Capability.SYS_PTRACE)
    with raises("EACCES"):
        lesser.readlink(f"/proc/{greater.pid}/cwd")
    with raises("EACCES"):
        lesser.stat(f"/proc/{greater.pid}/cwd/tmp")
    with raises("EACCES"):
        lesser.chdir(f"/proc/{greater.pid}/cwd")
    assert greater.readlink(f"/proc/{lesser.pid}/cwd") == "/"
    below = m.init.clone(NEWUSER)
    with raises("EACCES"):
        below.readlink(f"/proc/{lesser.pid}/cwd")
    below.kill(lesser.pid, 0)


@case("USER-31", needs=("many_ids",))
def tracing_asks_for_all_ids(m: Machine) -> None:
    """Another group, or another saved user id, is EACCES."""
    target, group, saved, same = (m.init.fork() for _ in range(4))
    for process, gid, suid in ((target, 50, 1000), (group, 51, 1000), (saved, 50, 1001), (same, 50, 1000)):
        process.setresgid(gid, gid, gid)
        process.setresuid(1000, 1000, suid)
        process.prctl(Prctl.SET_DUMPABLE, 1)
    assert same.readlink(f"/proc/{target.pid}/cwd") == "/"
    for process, other in ((group, target), (same, saved), (same, group)):
        with raises("EACCES"):
            process.readlink(f"/proc/{other.pid}/cwd")
    target.prctl(Prctl.SET_DUMPABLE, 0)
    with raises("EACCES"):
        same.readlink(f"/proc/{target.pid}/cwd")
    assert m.init.readlink(f"/proc/{target.pid}/cwd") == "/"


@case("USER-33")
def pidfd_getfd_asks_in_this_order(m: Machine) -> None:
    """No pidfd, EBADF; reaped or a zombie, ESRCH; no right, EPERM; no such descriptor, EBADF."""
    target, zombie, reaped = (m.init.fork() for _ in range(3))
    plain = m.init.open("/")
    pidfds = [m.init.pidfd_open(process.pid) for process in (zombie, reaped)]
    living = m.init.pidfd_open(target.pid)
    for process in (zombie, reaped):
        process.exit(0)
    m.settle()
    m.init.waitpid(reaped.pid)
    for fd in (plain, 99):
        with raises("EBADF"):
            m.init.pidfd_getfd(fd, 0)
    for fd in pidfds:
        with raises("ESRCH"):
            m.init.pidfd_getfd(fd, 0)
    with raises("EBADF"):
        m.init.pidfd_getfd(living, 99)
    bare = m.init.fork()
    drop(bare)
    with raises("EPERM"):
        bare.pidfd_getfd(living, 99)
