"""Descriptors: where they run out, and who owns the file behind one.  fs/file.c, kernel/fork.c, fs/fcntl.c"""

from __future__ import annotations

from conformance.case import case
from conformance.descriptors import fill, powerless
from conformance.expect import raises
from conformance.steps import open_ns
from conformance.views import last_pid, read
from nscore import CloneFlag, FcntlCommand, Machine, MessageFlag, PidfdNamespace

NEWPID, PIDFD = CloneFlag.NEWPID, CloneFlag.PIDFD
SETOWN, GETOWN = FcntlCommand.SETOWN, FcntlCommand.GETOWN


@case("PIDFD-OPEN-01", "PIDFD-GETFD-01", "PIDFD-NSIOC-02", "NSFS-IOC-04")
def a_descriptor_is_taken_last(m: Machine) -> None:
    """What else is wrong is said before EMFILE."""
    pidfd = m.init.pidfd_open(m.init.fork().pid)
    ns = open_ns(m.init, "self", "pid")
    below = open_ns(m.init, m.init.clone(NEWPID).pid, "pid")
    thread = m.init.fork().thread()
    fill(m.init)
    with raises("EMFILE"):
        m.init.pidfd_open(1)
    with raises("ESRCH"):
        m.init.pidfd_open(99)
    with raises("ENOENT"):
        m.init.pidfd_open(thread.tid)
    with raises("EMFILE"):
        m.init.pidfd_getfd(pidfd, 0)
    with raises("EBADF"):
        m.init.pidfd_getfd(pidfd, 9999)
    with raises("EMFILE"):
        m.init.pidfd_get_namespace(pidfd, PidfdNamespace.PID)
    with raises("EMFILE"):
        m.init.ns_get_userns(ns)
    with raises("EMFILE"):
        m.init.ns_get_parent(below)
    with raises("EPERM"):
        m.init.ns_get_parent(ns)


@case("PIDFD-CLONE-05", "ALLOC-12", "SYSCTL-08")
def clone_without_room_for_its_pidfd_burns_a_number(m: Machine) -> None:
    """In every namespace; the descriptor that it did not get is as free as before."""
    inner = m.init.clone(NEWPID)
    highest = fill(inner)
    for burnt in (2, 3):
        with raises("EMFILE"):
            inner.clone(PIDFD)
        assert last_pid(m.init) == 1 + burnt
    inner.close(highest)
    assert last_pid(inner) == 3
    child = inner.clone(PIDFD)
    assert (child.pid, child.pidfd) == (4, highest)


@case("ALLOC-15", needs=("no autoreap",))
def a_first_process_that_fails_late_is_the_last(m: Machine) -> None:
    """It had its number: the namespace has lost its init before it had one."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    highest = fill(maker)
    with raises("EMFILE"):
        maker.clone(PIDFD)
    maker.close(highest)
    for flags in (0, PIDFD):
        with raises("ENOMEM"):
            maker.clone(flags)


@case("PIDFD-OBJ-02", "SCM-11")
def where_there_is_no_descriptor_left(m: Machine) -> None:
    """Calls that open one or two do neither, what comes with a message is lost, and the highest number is one below the limit."""
    limits = read(m.init, "/proc/self/limits")
    a, b = m.init.socketpair()
    highest = fill(m.init)
    assert f"\nMax open files            {highest + 1} " in limits
    with raises("EMFILE"):
        m.init.open("/")
    with raises("EMFILE"):
        m.init.dup(0)
    with raises("EMFILE"):
        m.init.fcntl(0, FcntlCommand.DUPFD)
    with raises("EINVAL"):
        m.init.fcntl(0, FcntlCommand.DUPFD, highest + 1)
    with raises("EBADF"):
        m.init.dup3(0, highest + 1)
    m.init.close(highest)
    with raises("EMFILE"):
        m.init.pipe2()
    with raises("EMFILE"):
        m.init.socketpair()
    m.init.sendmsg(a, b"x", (0, 0, 0))
    message = m.init.recvmsg(b, 1)
    assert (message.rights, message.flags) == ((highest,), MessageFlag.CTRUNC)


# Owners


@case("SCM-30")
def the_owner_of_a_file(m: Machine) -> None:
    """A process or a group that there is, as the caller numbers it, until nobody of that role is left."""
    fd, _ = m.init.pipe2()
    assert m.init.fcntl(fd, GETOWN) == 0
    leader = m.init.fork()
    leader.setpgid(0, 0)
    member = leader.fork()
    m.init.fcntl(fd, SETOWN, leader.pid)
    with raises("ESRCH"):
        m.init.fcntl(fd, SETOWN, 99)
    with raises("EINVAL"):
        m.init.fcntl(fd, SETOWN, -(1 << 31))
    assert m.init.fcntl(fd, GETOWN) == leader.pid
    leader.exit(0)
    m.settle()
    assert m.init.fcntl(fd, GETOWN) == leader.pid
    m.init.waitpid(leader.pid)
    assert m.init.fcntl(fd, GETOWN) == 0
    m.init.fcntl(fd, SETOWN, -leader.pid)
    assert m.init.fcntl(fd, GETOWN) == -leader.pid
    member.exit(0)
    m.settle()
    assert m.init.waitpid(-1)[0] == 3
    assert m.init.fcntl(fd, GETOWN) == 0
    m.init.fcntl(fd, SETOWN, 1)
    m.init.fcntl(fd, SETOWN, 0)
    assert m.init.fcntl(fd, GETOWN) == 0


@case("SCM-30")
def the_owner_is_numbered_for_who_asks(m: Machine) -> None:
    """0 to who does not see it; what one sets as 1 another one reads as its own number of it; a thread that leads nothing is nobody."""
    fd, _ = m.init.pipe2()
    m.init.fcntl(fd, SETOWN, 1)
    inner = m.init.clone(NEWPID)
    assert (m.init.fcntl(fd, GETOWN), inner.fcntl(fd, GETOWN)) == (1, 0)
    inner.fcntl(fd, SETOWN, 1)
    assert (m.init.fcntl(fd, GETOWN), inner.fcntl(fd, GETOWN)) == (inner.pid, 1)
    thread = m.init.fork().thread()
    m.init.fcntl(fd, SETOWN, thread.tid)
    assert m.init.fcntl(fd, GETOWN) == 0
    powerless(m.init).fcntl(fd, SETOWN, 1)
    assert m.init.fcntl(fd, GETOWN) == 1
