"""What a pidfd gives access to: descriptors and namespaces.  kernel/pid.c:pidfd_getfd, fs/pidfs.c:pidfd_ioctl, kernel/nsproxy.c"""

from __future__ import annotations

from conformance.case import case
from conformance.cases.pidfds import opened, threaded
from conformance.descriptors import inode, is_cloexec, is_in, powerless
from conformance.expect import raises
from conformance.steps import drop, link, open_ns, reap
from nscore import (
    Capability,
    CloneFlag,
    FcntlCommand,
    Machine,
    OpenFlag,
    PidfdFlag,
    PidfdNamespace,
    Prctl,
    Process,
    SeekWhence,
)

NEWPID, NEWUTS, NEWUSER = CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWUSER
THREAD = PidfdFlag.THREAD
#: The links of /proc/PID/ns by the number of the ioctl.
LINKS = {kind: kind.name.lower() for kind in PidfdNamespace}


def zombie(parent: Process) -> Process:
    """A child that has ended."""
    child = parent.fork()
    child.exit(0)
    return child


# pidfd_getfd


@case("PIDFD-GETFD-01")
def what_pidfd_getfd_refuses(m: Machine) -> None:
    """What is no pidfd, then the reaped, those out of reach, zombies, and descriptors that are not open, one after the other."""
    child = m.init.fork()
    fd = opened(m.init, child)
    for wrong in (99, 0, m.init.open("/proc/1")):
        with raises("EBADF"):
            m.init.pidfd_getfd(wrong, 99)
    for closed in (99, -1):
        with raises("EBADF"):
            m.init.pidfd_getfd(fd, closed)
    other = powerless(m.init)
    with raises("EPERM"):
        other.pidfd_getfd(fd, 99)
    child.exit(0)
    m.settle()
    with raises("EPERM"):
        other.pidfd_getfd(fd, 0)
    with raises("ESRCH"):
        m.init.pidfd_getfd(fd, 0)
    m.init.waitpid(child.pid)
    for caller in (other, m.init):
        with raises("ESRCH"):
            caller.pidfd_getfd(fd, 99)


@case("PIDFD-GETFD-02")
def what_pidfd_getfd_returns(m: Machine) -> None:
    """The same open file, close-on-exec, at the lowest number; one with PATH stays one."""
    child = m.init.fork()
    fd = opened(m.init, child)
    theirs = child.open("/proc/version", OpenFlag.RDONLY)
    bare = child.open("/", OpenFlag.PATH)
    mine = m.init.pidfd_getfd(fd, theirs)
    assert (fd, mine) == (3, 4)
    assert is_cloexec(m.init, mine)
    child.lseek(theirs, 5)
    assert m.init.lseek(mine, 0, SeekWhence.CUR) == 5
    child.fcntl(theirs, FcntlCommand.SETFL, OpenFlag.NONBLOCK)
    assert m.init.fcntl(mine, FcntlCommand.GETFL) & OpenFlag.NONBLOCK
    path = m.init.pidfd_getfd(fd, bare)
    assert m.init.fcntl(path, FcntlCommand.GETFL) & OpenFlag.PATH
    with raises("EBADF"):
        m.init.read(path, 1)


@case("PIDFD-GETFD-03")
def pidfd_getfd_does_not_ask_who_sees_whom(m: Machine) -> None:
    """From within a namespace, of a process outside: what counts is the access of ptrace."""
    outside = m.init.fork()
    theirs = outside.open("/proc/version")
    fd = opened(m.init, outside)
    inner = m.init.clone(NEWPID)
    mine = inner.pidfd_getfd(fd, theirs)
    assert inode(inner, mine) == inode(outside, theirs)


@case("PIDFD-GETFD-04", needs=("many_ids",))
def a_process_is_always_its_own(m: Machine) -> None:
    """Undumpable too; but a child that setuid made so is closed to a parent without capabilities."""
    m.init.prctl(Prctl.SET_DUMPABLE, 0)
    own = m.init.pidfd_getfd(m.init.pidfd_open(1), 0)
    assert inode(m.init, own) == inode(m.init, 0)
    m.init.prctl(Prctl.SET_DUMPABLE, 1)
    parent = m.init.fork()
    child = parent.fork()
    fd = parent.pidfd_open(child.getpid())
    child.setuid(1000)
    parent.setuid(1000)
    parent.prctl(Prctl.SET_DUMPABLE, 1)
    with raises("EPERM"):
        parent.pidfd_getfd(fd, 0)
    child.prctl(Prctl.SET_DUMPABLE, 1)
    parent.pidfd_getfd(fd, 0)
    child.prctl(Prctl.SET_DUMPABLE, 0)
    child.exit(0)
    m.settle()
    with raises("EPERM"):
        parent.pidfd_getfd(fd, 0)


# PIDFD_GET_*_NAMESPACE


@case("PIDFD-NSIOC-01")
def a_pidfd_knows_all_namespaces(m: Machine) -> None:
    """Those of the links in /proc, as descriptors to be read, close-on-exec."""
    child = m.init.fork()
    fd = opened(m.init, child)
    for kind, name in LINKS.items():
        ns = m.init.pidfd_get_namespace(fd, kind)
        assert inode(m.init, ns) == inode(m.init, open_ns(m.init, child.pid, name))
        assert is_cloexec(m.init, ns)
        assert m.init.fcntl(ns, FcntlCommand.GETFL) == 0


@case("PIDFD-NSIOC-02", "PIDFD-NSIOC-03", "NSFS-LINK-08")
def what_get_namespace_refuses(m: Machine) -> None:
    """Unknown kinds, the reaped, those out of reach; a zombie has none of them any more, while two of its links still work."""
    child = m.init.fork()
    fd = opened(m.init, child)
    with raises("EBADF"):
        m.init.pidfd_get_namespace(99, PidfdNamespace.PID)
    with raises("ENOTTY"):
        m.init.pidfd_get_namespace(m.init.open("/proc/1"), PidfdNamespace.PID)
    for kind in (0, 12, 99):
        with raises("ENOTTY"):
            m.init.pidfd_get_namespace(fd, kind)
    other = powerless(m.init)
    for kind in LINKS:
        with raises("EACCES"):
            other.pidfd_get_namespace(fd, kind)
    child.exit(0)
    m.settle()
    for kind, name in LINKS.items():
        with raises("ESRCH"):
            m.init.pidfd_get_namespace(fd, kind)
        if name in ("pid", "user"):
            assert m.init.readlink(f"/proc/{child.pid}/ns/{name}") == link(m.init, "self", name)
            open_ns(m.init, child.pid, name)
        else:
            with raises("ENOENT"):
                m.init.readlink(f"/proc/{child.pid}/ns/{name}")
            with raises("ENOENT"):
                m.init.open(f"/proc/{child.pid}/ns/{name}")
    m.init.waitpid(child.pid)
    with raises("ESRCH"):
        other.pidfd_get_namespace(fd, PidfdNamespace.PID)
    with raises("ENOTTY"):
        m.init.pidfd_get_namespace(fd, 99)


@case("PIDFD-NSIOC-04")
def get_namespace_does_not_ask_who_sees_whom(m: Machine) -> None:
    """An ancestor's process and a sibling's tell their namespaces."""
    outside, sibling = m.init.fork(), m.init.clone(NEWPID | NEWUTS)
    fds = [opened(m.init, outside), opened(m.init, sibling)]
    theirs = [open_ns(m.init, each.pid, "pid") for each in (outside, sibling)]
    inner = m.init.clone(NEWPID)
    for fd, ns in zip(fds, theirs):
        assert is_in(inner, fd, PidfdNamespace.PID, ns)


@case("PIDFD-NSIOC-05", "SETNS-09", "PFC-02")
def a_namespace_without_an_init_is_had_by_pidfd(m: Machine) -> None:
    """/proc has no link yet; whoever joins it and forks first makes its init."""
    maker = m.init.fork()
    fd = opened(m.init, maker)
    maker.unshare(NEWPID)
    with raises("ENOENT"):
        m.init.readlink(f"/proc/{maker.pid}/ns/pid_for_children")
    ns = m.init.pidfd_get_namespace(fd, PidfdNamespace.PID_FOR_CHILDREN)
    m.init.setns(ns, NEWPID)
    assert m.init.fork().getpid() == 1
    assert maker.fork().getpid() == 2
    assert inode(m.init, ns) == inode(m.init, open_ns(m.init, maker.pid, "pid_for_children"))


@case("PIDFD-NSIOC-06", "PIDFD-SETNS-08")
def a_threads_namespaces_are_its_own(m: Machine) -> None:
    """It alone moves, and its pidfd means where it is."""
    child, thread = threaded(m.init)
    thread.unshare(NEWUTS)
    thread.sethostname("elsewhere")
    process, own = opened(m.init, child), m.init.pidfd_open(thread.tid, THREAD)
    here = open_ns(m.init, "self", "uts")
    assert is_in(m.init, process, PidfdNamespace.UTS, here)
    assert not is_in(m.init, own, PidfdNamespace.UTS, here)
    mover, other = threaded(m.init)
    fd = other.pidfd_open(thread.tid, THREAD)
    other.setns(fd, NEWUTS)
    assert (other.uname().nodename, mover.uname().nodename) == ("elsewhere", m.init.uname().nodename)


# setns(pidfd, mask)


@case("PIDFD-SETNS-01")
def what_setns_refuses_of_a_pidfd(m: Machine) -> None:
    """The mask, then who is reaped, out of reach, or has let go of his namespaces."""
    child = m.init.fork()
    fd = opened(m.init, child)
    other = powerless(m.init)
    gone = opened(m.init, reaped := m.init.fork())
    other_gone = other.pidfd_open(reaped.pid)
    reap(m.init, reaped)
    with raises("EBADF"):
        m.init.setns(99, 0)
    with raises("EINVAL"):
        m.init.setns(0, NEWUTS)
    for each in (fd, gone):
        for mask in (0, CloneFlag.VM, NEWUTS | CloneFlag.FILES, -1):
            with raises("EINVAL"):
                m.init.setns(each, mask)
    with raises("ESRCH"):
        other.setns(other_gone, NEWUTS)
    with raises("EPERM"):
        other.setns(fd, NEWUTS)
    child.exit(0)
    m.settle()
    with raises("EPERM"):
        other.setns(fd, NEWUTS)
    with raises("ESRCH"):
        m.init.setns(fd, NEWUTS)


@case("PIDFD-SETNS-02", "PIDFD-SETNS-05", "PIDFD-SETNS-06")
def setns_of_a_pidfd_does_all_or_nothing(m: Machine) -> None:
    """A namespace that cannot be joined keeps the others from being joined; joining where one is, is allowed."""
    target = m.init.clone(NEWUTS)
    target.sethostname("there")
    fd = opened(m.init, target)
    inner = m.init.clone(NEWPID)
    before = m.init.uname().nodename
    with raises("EINVAL"):
        m.init.setns(fd, NEWUTS | NEWUSER)
    with raises("EINVAL"):
        inner.setns(fd, NEWUTS | NEWPID)
    assert (m.init.uname().nodename, inner.uname().nodename) == (before, before)
    inner.setns(fd, NEWUTS)
    assert inner.uname().nodename == "there"
    inner.setns(fd, NEWUTS)
    m.init.setns(m.init.pidfd_open(1), NEWUTS | NEWPID | CloneFlag.NEWIPC)
    child = powerless(m.init)
    with raises("EPERM"):
        child.setns(child.pidfd_open(child.getpid()), NEWUTS)


@case("PIDFD-SETNS-02", "PIDFD-SETNS-03")
def setns_in_a_process_with_threads(m: Machine) -> None:
    """Neither a user nor a time namespace can be joined, and nothing else with them."""
    target = m.init.clone(NEWUTS)
    target.unshare(CloneFlag.NEWTIME)
    target.sethostname("there")
    child, thread = threaded(m.init)
    fd = thread.pidfd_open(target.pid)
    before = child.uname().nodename
    with raises("EUSERS"):
        thread.setns(fd, NEWUTS | CloneFlag.NEWTIME)
    users = m.init.clone(NEWUSER)
    with raises("EINVAL"):
        thread.setns(thread.pidfd_open(users.pid), NEWUTS | NEWUSER)
    with raises("EINVAL"):
        thread.setns(fd, CloneFlag.NEWNS)
    assert thread.uname().nodename == before
    thread.setns(fd, NEWUTS)
    assert thread.uname().nodename == "there"


@case("PIDFD-SETNS-03")
def setns_wants_its_capabilities_of_each_kind(m: Machine) -> None:
    """SYS_ADMIN here and there, CHROOT for a mount namespace; before asking whether the PID namespace is below."""
    target = m.init.fork()
    drop(target)
    fd = opened(m.init, target)
    inner = m.init.clone(NEWPID)
    drop(inner, Capability.SYS_ADMIN)
    for mask in (NEWUTS, NEWPID, CloneFlag.NEWIPC, CloneFlag.NEWNET, CloneFlag.NEWCGROUP, CloneFlag.NEWTIME, CloneFlag.NEWNS):
        with raises("EPERM"):
            inner.setns(fd, mask)
    other = m.init.fork()
    drop(other, Capability.SYS_CHROOT)
    with raises("EPERM"):
        other.setns(fd, CloneFlag.NEWNS)
    other.setns(fd, NEWUTS)


@case("PIDFD-SETNS-04")
def setns_takes_the_new_user_namespace_first(m: Machine) -> None:
    """Its owner has there what the other kinds want, which he has not here."""
    owner = powerless(m.init)
    target = owner.clone(NEWUSER | NEWUTS)
    target.sethostname("there")
    fd = owner.pidfd_open(target.getpid())
    with raises("EPERM"):
        owner.setns(fd, NEWUTS)
    owner.setns(fd, NEWUSER | NEWUTS)
    assert owner.uname().nodename == "there"


@case("PIDFD-SETNS-06")
def setns_to_a_pid_namespace_by_pidfd(m: Machine) -> None:
    """The one that the process lives in, not that of its children."""
    outer = m.init.clone(NEWPID)
    outer.unshare(NEWPID)
    outer.fork()
    m.init.setns(opened(m.init, outer), NEWPID)
    assert link(m.init, "self", "pid_for_children") == link(m.init, outer.pid, "pid")
    assert m.init.fork().getpid() == 3


@case("PIDFD-SETNS-07", needs=("copied directories",))
def setns_of_more_than_a_mount_namespace_looks_at_a_copy(m: Machine) -> None:
    """Where threads share their directories NEWNS alone is refused, and with another kind it is not."""
    target = m.init.clone(NEWUTS | CloneFlag.NEWNS)
    target.sethostname("there")
    child = m.init.fork()
    fd = child.pidfd_open(target.pid)
    child.thread()
    with raises("EINVAL"):
        child.setns(fd, CloneFlag.NEWNS)
    child.setns(fd, NEWUTS | CloneFlag.NEWNS)
    assert child.uname().nodename == "there"
    assert link(child, "self", "mnt") == link(m.init, target.pid, "mnt")
