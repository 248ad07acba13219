"""user_namespaces(7): creating, entering, mapping, and which capability counts where.  kernel/user_namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import ALL_CAPABILITIES, drop, enter, link, map_root, open_ns
from conformance.views import numbers, read, status, write
from nscore import Capability, CloneFlag, Machine, Prctl, Process, Signal

NEWUSER, NEWPID, NEWUTS, NEWNS, NEWIPC = CloneFlag.NEWUSER, CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWNS, CloneFlag.NEWIPC
WRONLY = 1
NOBODY = 65534


def uid_map(reader: Process, pid: int | str) -> list[list[int]]:
    """The lines of a uid_map as numbers."""
    return [[int(number) for number in line.split()] for line in read(reader, f"/proc/{pid}/uid_map").splitlines()]


def refused(writer: Process, path: str, *texts: str) -> None:
    """Each text is EINVAL."""
    for text in texts:
        fd = writer.open(path, WRONLY)
        with raises("EINVAL"):
            writer.write(fd, text.encode())
        writer.close(fd)


# --- creating


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


# --- entering


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


# --- maps


@case("USER-20", needs=("many_ids",))
def a_map_is_for_the_owner_to_write_and_for_all_to_read(m: Machine) -> None:
    """EACCES for a stranger; all members show it, a zombie too."""
    stranger = m.init.fork()
    stranger.setuid(1000)
    child = m.init.clone(NEWUSER)
    for name in ("uid_map", "gid_map", "setgroups"):
        with raises("EACCES"):
            stranger.open(f"/proc/{child.pid}/{name}", WRONLY)
    write(m.init, f"/proc/{child.pid}/uid_map", "0 0 10")
    member = child.fork()
    assert uid_map(stranger, child.pid) == uid_map(stranger, member.pid) == [[0, 0, 10]]
    member.exit(0)
    m.settle()
    assert uid_map(m.init, member.pid) == [[0, 0, 10]]


@case("USER-21")
def a_map_is_written_once(m: Machine) -> None:
    """From its start: an offset is EINVAL; a second write EPERM, garbage too; a bad format comes before ids that are not the writer's."""
    child = m.init.clone(NEWUSER)
    path = f"/proc/{child.pid}/uid_map"
    refused(child, path, "0 0 0", "x")
    fd = child.open(path, WRONLY)
    child.lseek(fd, 1)
    with raises("EINVAL"):
        child.write(fd, b"0 0 1")
    child.lseek(fd, 0)
    with raises("EINVAL"):
        child.write(fd, b"0 0 1" + b" " * 4096)
    with raises("EPERM"):
        child.write(fd, b"0 5 1")
    assert child.write(fd, b"0 0 1") == 5
    child.lseek(fd, 0)
    for text in (b"0 0 1", b"x"):
        with raises("EPERM"):
            child.write(fd, text)


@case("USER-21")
def only_the_namespace_and_its_parent_write_a_map(m: Machine) -> None:
    """EPERM for a process of any other user namespace, and for who has no right in it when the file is opened."""
    child, other = m.init.clone(NEWUSER), m.init.clone(NEWUSER)
    bare = child.fork()
    fd = other.open(f"/proc/{child.pid}/uid_map", WRONLY)
    with raises("EPERM"):
        other.write(fd, b"0 0 1")
    drop(bare)
    fd = bare.open("/proc/self/uid_map", WRONLY)
    with raises("EPERM"):
        bare.write(fd, b"0 0 1")


@case("USER-22")
def the_format_of_a_map(m: Machine) -> None:
    """Three decimal numbers a line, blanks free; nothing empty, no count of 0, no overlap, no id beyond the last."""
    child = m.init.clone(NEWUSER)
    path = f"/proc/{child.pid}/uid_map"
    refused(
        child, path, "", "\n", "\n0 0 1", "0 0 1\n\n", "0 0", "0 0 1 1", "0 0 0", "-1 0 1", "0x0 0 1", "0,0,1", "0 0 1,", "4294967295 0 1",
        "0 4294967295 1", "4294967294 0 2", "0 4294967294 2", "0 0 1\n0 1 1", "0 0 1\n1 0 1", "0 0 1\n" * 341,
    )  # fmt: skip
    write(child, path, " \t4294967296\t0  1 ")
    assert uid_map(m.init, child.pid) == [[0, 0, 1]]
    assert child.getuid() == 0


@case("USER-22", needs=("root",))
def a_map_of_everything(m: Machine) -> None:
    """All ids but the last, by one line."""
    child, other = m.init.clone(NEWUSER), m.init.clone(NEWUSER)
    write(m.init, f"/proc/{child.pid}/uid_map", "0 0 4294967295")
    assert read(m.init, f"/proc/{child.pid}/uid_map") == "         0          0 4294967295\n"
    write(m.init, f"/proc/{other.pid}/uid_map", "".join(f"{number} {number + 7} 1\n" for number in range(340)))
    assert len(uid_map(m.init, other.pid)) == 340


@case("USER-23")
def an_ordinary_user_maps_only_itself(m: Machine) -> None:
    """One line, one id, its own; the group after setgroups is denied; any inside id."""
    caller = m.init.fork()
    drop(caller)
    child = caller.clone(NEWUSER)
    for text in (b"0 0 2", b"0 1 1", b"0 0 1\n1 1 1"):
        fd = child.open("/proc/self/uid_map", WRONLY)
        with raises("EPERM"):
            child.write(fd, text)
    fd = child.open("/proc/self/gid_map", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"7 0 1")
    write(child, "/proc/self/setgroups", "deny")
    assert child.write(fd, b"7 0 1") == 5
    assert child.getgid() == 7


@case("USER-24")
def mapping_the_parents_0_needs_setfcap(m: Machine) -> None:
    """Of the creator, when it is written from inside; of the opener, when from the parent."""
    lacking, having = m.init.fork(), m.init.fork()
    drop(lacking, Capability.SETFCAP)
    child = lacking.clone(NEWUSER)
    fd = child.open("/proc/self/uid_map", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"5 0 1")
    fd = lacking.open(f"/proc/{child.pid}/uid_map", WRONLY)
    with raises("EPERM"):
        lacking.write(fd, b"5 0 1")
    write(having, f"/proc/{child.pid}/uid_map", "5 0 1")
    assert child.getuid() == 5
    other = having.clone(NEWUSER)
    write(other, "/proc/self/uid_map", "5 0 1")
    assert other.getuid() == 5


@case("USER-25")
def a_map_is_told_in_the_readers_terms(m: Machine) -> None:
    """The outside ids are the reader's; for a reader inside, its parent's; 4294967295 where it has no name for them."""
    child = m.init.clone(NEWUSER)
    write(child, "/proc/self/uid_map", "10 0 1")
    write(child, "/proc/self/setgroups", "deny")
    write(child, "/proc/self/gid_map", "10 0 1")
    grandchild = child.clone(NEWUSER)
    write(grandchild, "/proc/self/uid_map", "20 10 1")
    stranger = m.init.clone(NEWUSER)
    for reader, line in ((m.init, [20, 0, 1]), (child, [20, 10, 1]), (grandchild, [20, 10, 1]), (stranger, [20, 4294967295, 1])):
        assert uid_map(reader, grandchild.pid) == [line]
    assert uid_map(child, child.pid) == uid_map(m.init, child.pid) == [[10, 0, 1]]
    assert uid_map(grandchild, child.pid) == [[10, 20, 1]]
    assert uid_map(m.init, stranger.pid) == []


@case("USER-25", needs=("many_ids",))
def long_maps_are_sorted(m: Machine) -> None:
    """Five lines stay as they were written; six are shown by their inside ids."""
    five, six = m.init.clone(NEWUSER), m.init.clone(NEWUSER)
    for child, count in ((five, 5), (six, 6)):
        lines = [[number, 100 + number, 1] for number in range(count - 1, -1, -1)]
        write(m.init, f"/proc/{child.pid}/uid_map", "".join("{} {} {}\n".format(*line) for line in lines))
        assert uid_map(m.init, child.pid) == (lines if count == 5 else sorted(lines))


@case("USER-26")
def setgroups_is_allowed_or_denied(m: Machine) -> None:
    """Denied it stays, below too; after gid_map it cannot be denied any more."""
    child = m.init.clone(NEWUSER)
    refused(child, "/proc/self/setgroups", "", "x", "denyx", "deny    ")
    assert read(child, "/proc/self/setgroups") == "allow\n"
    with raises("EPERM"):
        child.setgroups(())
    write(child, "/proc/self/setgroups", "allow")
    write(child, "/proc/self/setgroups", "deny\n")
    write(child, "/proc/self/setgroups", "deny")
    fd = child.open("/proc/self/setgroups", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"allow")
    write(child, "/proc/self/uid_map", "0 0 1")
    write(child, "/proc/self/gid_map", "0 0 1")
    with raises("EPERM"):
        child.setgroups(())
    assert read(child.clone(NEWUSER), "/proc/self/setgroups") == "deny\n"


@case("USER-26", "USER-27", needs=("many_ids",))
def setgroups_wants_mapped_ids(m: Machine) -> None:
    """Where a privileged map leaves it allowed; then it cannot be denied any more."""
    child = m.init.clone(NEWUSER)
    write(m.init, f"/proc/{child.pid}/uid_map", "0 0 10")
    write(m.init, f"/proc/{child.pid}/gid_map", "0 0 10")
    child.setgroups((3, 9))
    with raises("EINVAL"):
        child.setgroups((10,))
    fd = child.open("/proc/self/setgroups", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"deny")
    with raises("EINVAL"):
        child.setuid(10)
    with raises("EINVAL"):
        child.setgid(10)
    with raises("EINVAL"):
        child.setreuid(10, -1)
    with raises("EINVAL"):
        child.setregid(10, -1)
    with raises("EINVAL"):
        child.setresuid(-1, 10, -1)
    with raises("EINVAL"):
        child.setresgid(-1, 10, -1)
    child.setuid(9)
    assert (child.geteuid(), child.capget().permitted) == (9, 0)
    assert numbers(m.init, child.pid, "Groups") == (3, 9)


@case("USER-27", "PROC-22")
def ids_without_a_name_read_65534(m: Machine) -> None:
    """In the reader's eyes, whoever's they are; for the others they are what they were."""
    child = m.init.clone(NEWUSER)
    assert status(child, "self")["Uid"] == "\t".join([str(NOBODY)] * 4)
    assert status(m.init, child.pid)["Uid"] == status(m.init, 1)["Uid"] == "0\t0\t0\t0"
    st = child.stat("/proc/self")
    assert (st.st_uid, st.st_gid) == (NOBODY, NOBODY)
    with raises("EINVAL"):
        child.setuid(0)
    write(child, "/proc/self/uid_map", "3 0 1")
    assert (child.getuid(), child.stat("/proc/self").st_uid) == (3, 3)
    child.kill(child.pid, 0)
    child.sigqueue(child.pid, Signal.CONT)
