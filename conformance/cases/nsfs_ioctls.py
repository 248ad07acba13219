"""What ioctl(2) tells of a namespace: its relatives, its owner, numbers in it.  fs/nsfs.c:ns_ioctl"""

from __future__ import annotations

from conformance.case import case
from conformance.descriptors import inode, is_cloexec
from conformance.expect import raises
from conformance.steps import drop, enter, open_ns, reap
from nscore import CloneFlag, FcntlCommand, Machine

NEWPID, NEWUTS, NEWUSER = CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWUSER

TYPES = {
    "net": CloneFlag.NEWNET,
    "uts": CloneFlag.NEWUTS,
    "ipc": CloneFlag.NEWIPC,
    "pid": CloneFlag.NEWPID,
    "user": CloneFlag.NEWUSER,
    "mnt": CloneFlag.NEWNS,
    "cgroup": CloneFlag.NEWCGROUP,
    "time": CloneFlag.NEWTIME,
}


@case("NSFS-IOC-01")
def each_ioctl_has_its_types(m: Machine) -> None:
    """The type and the owner of all; a parent of PID and user namespaces alone, the owner's id of the latter."""
    for name, flag in TYPES.items():
        fd = open_ns(m.init, "self", name)
        assert m.init.ns_get_nstype(fd) == flag
        if flag not in (NEWPID, NEWUSER):
            with raises("EINVAL"):
                m.init.ns_get_parent(fd)
        if flag != NEWUSER:
            with raises("EINVAL"):
                m.init.ns_get_owner_uid(fd)
        if name in ("uts", "ipc", "pid", "mnt"):  # the machine's own
            m.init.close(m.init.ns_get_userns(fd))


@case("NSFS-IOC-01")
def what_is_no_namespace_has_none_of_the_ioctls(m: Machine) -> None:
    """ENOTTY of another file, EBADF of none."""
    fd = m.init.pidfd_open(1)
    with raises("ENOTTY"):
        m.init.ns_get_parent(fd)
    with raises("ENOTTY"):
        m.init.ns_get_userns(fd)
    with raises("ENOTTY"):
        m.init.ns_get_nstype(fd)
    with raises("ENOTTY"):
        m.init.ns_get_owner_uid(fd)
    with raises("EBADF"):
        m.init.ns_get_parent(99)
    with raises("EBADF"):
        m.init.ns_get_userns(99)
    with raises("EBADF"):
        m.init.ns_get_nstype(99)
    with raises("EBADF"):
        m.init.ns_get_owner_uid(99)


@case("NSFS-IOC-01")
def only_pid_namespaces_have_numbers(m: Machine) -> None:
    """EINVAL of another type, whatever the number; ENOTTY of another file; EBADF of none."""
    uts, pidfd = open_ns(m.init, "self", "uts"), m.init.pidfd_open(1)
    with raises("EINVAL"):
        m.init.ns_get_pid_from_pidns(uts, 99)
    with raises("EINVAL"):
        m.init.ns_get_tgid_from_pidns(uts, 99)
    with raises("EINVAL"):
        m.init.ns_get_pid_in_pidns(uts, 99)
    with raises("EINVAL"):
        m.init.ns_get_tgid_in_pidns(uts, 99)
    with raises("ENOTTY"):
        m.init.ns_get_pid_from_pidns(pidfd, 1)
    with raises("ENOTTY"):
        m.init.ns_get_tgid_from_pidns(pidfd, 1)
    with raises("ENOTTY"):
        m.init.ns_get_pid_in_pidns(pidfd, 1)
    with raises("ENOTTY"):
        m.init.ns_get_tgid_in_pidns(pidfd, 1)
    with raises("EBADF"):
        m.init.ns_get_pid_from_pidns(99, 1)
    with raises("EBADF"):
        m.init.ns_get_tgid_from_pidns(99, 1)
    with raises("EBADF"):
        m.init.ns_get_pid_in_pidns(99, 1)
    with raises("EBADF"):
        m.init.ns_get_tgid_in_pidns(99, 1)


@case("NSFS-IOC-02", "NSFS-IOC-03")
def the_parent_of_a_pid_namespace(m: Machine) -> None:
    """For who lives in it or above it; not of one's own namespace, an ancestor, a sibling, and whatever one's children are to be in."""
    child = m.init.clone(NEWPID)
    grandchild = child.clone(NEWPID)
    sibling = m.init.clone(NEWPID)
    below = sibling.clone(NEWPID)
    assert (child.pid, sibling.pid) == (2, 4)
    mine, its, theirs, nephew = (open_ns(m.init, pid, "pid") for pid in (1, 2, 3, 5))
    parent = m.init.ns_get_parent(its)
    assert inode(m.init, parent) == inode(m.init, mine)
    assert is_cloexec(m.init, parent)
    assert m.init.fcntl(parent, FcntlCommand.GETFL) == 0
    assert inode(m.init, m.init.ns_get_parent(theirs)) == inode(m.init, its)
    with raises("EPERM"):
        m.init.ns_get_parent(mine)
    # By what they have from /proc of the machine, within which all of them can look.
    for name in (1, 2, 4, 5):
        fd = open_ns(child, name, "pid")
        with raises("EPERM"):
            child.ns_get_parent(fd)
    assert inode(child, child.ns_get_parent(open_ns(child, 3, "pid"))) == inode(m.init, its)
    enter(m.init, child.pid, "pid")
    with raises("EPERM"):
        m.init.ns_get_parent(mine)
    assert below.getpid() == grandchild.getpid() == 1
    assert inode(m.init, m.init.ns_get_parent(nephew)) == inode(m.init, open_ns(m.init, 4, "pid"))


@case("NSFS-IOC-03", "NSFS-LIFE-04")
def a_dead_namespace_has_a_parent(m: Machine) -> None:
    """As long as a descriptor holds it."""
    inner = m.init.clone(NEWPID)
    fd = open_ns(m.init, inner.pid, "pid")
    reap(m.init, inner)
    assert inode(m.init, m.init.ns_get_parent(fd)) == inode(m.init, open_ns(m.init, "self", "pid"))
    with raises("ESRCH"):
        m.init.ns_get_pid_from_pidns(fd, 1)


@case("NSFS-IOC-04", "NSFS-IOC-02")
def the_owner_of_a_namespace(m: Machine) -> None:
    """For who lives in that user namespace or above it, of a sibling PID namespace too; of a user namespace it is the parent."""
    own = inode(m.init, open_ns(m.init, "self", "user"))
    for name in ("uts", "pid", "mnt"):
        fd = m.init.ns_get_userns(open_ns(m.init, "self", name))
        assert inode(m.init, fd) == own
        assert is_cloexec(m.init, fd)
    a, b = m.init.clone(NEWPID), m.init.clone(NEWPID)
    assert inode(a, a.ns_get_userns(open_ns(a, b.pid, "pid"))) == own
    with raises("EPERM"):
        m.init.ns_get_userns(open_ns(m.init, "self", "user"))
    with raises("EPERM"):
        m.init.ns_get_parent(open_ns(m.init, "self", "user"))
    user = m.init.clone(NEWUSER | NEWUTS)
    theirs = open_ns(m.init, user.pid, "user")
    assert inode(m.init, m.init.ns_get_parent(theirs)) == inode(m.init, m.init.ns_get_userns(theirs)) == own
    assert inode(m.init, m.init.ns_get_userns(open_ns(m.init, user.pid, "uts"))) == inode(m.init, theirs)
    user.close(user.ns_get_userns(open_ns(user, "self", "uts")))
    for name in ("pid", "user"):
        with raises("EPERM"):
            user.ns_get_userns(open_ns(user, "self", name))
    with raises("EPERM"):
        user.ns_get_parent(open_ns(user, "self", "user"))


@case("NSFS-IOC-05", "NSFS-IOC-06")
def numbers_from_a_namespace_and_in_one(m: Machine) -> None:
    """FROM takes a number there and answers the caller's, IN the other way round; threads and their leaders alike."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    thread = member.thread()
    fd = open_ns(m.init, inner.pid, "pid")
    assert (inner.pid, member.pid, thread.tid) == (2, 2, 3)
    for outside, inside in ((2, 1), (3, 2), (4, 3)):
        assert m.init.ns_get_pid_from_pidns(fd, inside) == outside
        assert m.init.ns_get_pid_in_pidns(fd, outside) == inside
        assert m.init.ns_get_tgid_from_pidns(fd, inside) == min(outside, 3)
        assert m.init.ns_get_tgid_in_pidns(fd, outside) == min(inside, 2)
    member.exit(0)
    m.settle()
    assert m.init.ns_get_pid_in_pidns(fd, 3) == 2


@case("NSFS-IOC-06")
def numbers_that_nobody_has(m: Machine) -> None:
    """None at all, one that only a group has, one that is not on the other side."""
    inner = m.init.clone(NEWPID)
    leader = inner.fork()
    leader.setpgid(0, 0)
    leader.fork()
    reap(inner, leader)
    fd = open_ns(m.init, inner.pid, "pid")
    for number in (0, -1, 99, leader.pid):
        with raises("ESRCH"):
            m.init.ns_get_pid_from_pidns(fd, number)
        with raises("ESRCH"):
            m.init.ns_get_tgid_from_pidns(fd, number)
    for number in (0, -1, 99, 3, 1):
        with raises("ESRCH"):
            m.init.ns_get_pid_in_pidns(fd, number)
        with raises("ESRCH"):
            m.init.ns_get_tgid_in_pidns(fd, number)


@case("NSFS-IOC-05", "NSFS-IOC-06")
def a_member_learns_its_outer_number(m: Machine) -> None:
    """It needs a descriptor of the namespace above, and no permission; of a sibling's it learns nothing."""
    above = open_ns(m.init, "self", "pid")
    theirs = open_ns(m.init, m.init.clone(NEWPID).pid, "pid")
    inner = m.init.clone(NEWPID)
    drop(inner)
    assert inner.ns_get_pid_in_pidns(above, 1) == inner.ns_get_tgid_in_pidns(above, 1) == inner.pid
    assert inner.ns_get_pid_from_pidns(above, inner.pid) == 1
    for fd in (above, theirs):
        with raises("ESRCH"):
            inner.ns_get_pid_from_pidns(fd, 1)
    with raises("ESRCH"):
        inner.ns_get_pid_in_pidns(theirs, 1)


@case("NSFS-IOC-08", needs=("many_ids",))
def the_owners_id_is_the_effective_one(m: Machine) -> None:
    """Of whoever created the user namespace, as the caller maps it: 65534 where it does not."""
    maker = m.init.fork()
    maker.setresuid(5, 6, 7)
    inner = maker.clone(NEWUSER)
    fd = open_ns(m.init, inner.getpid(), "user")
    assert m.init.ns_get_owner_uid(fd) == 6
    assert inner.ns_get_owner_uid(open_ns(inner, "self", "user")) == 65534
    plain = m.init.clone(NEWUSER)
    assert m.init.ns_get_owner_uid(open_ns(m.init, plain.pid, "user")) == m.init.geteuid()
