"""What travels over a pair of sockets: descriptors and credentials.  net/core/scm.c, net/unix/af_unix.c"""

from __future__ import annotations

from conformance.case import case
from conformance.descriptors import PASSCRED, inode, powerless
from conformance.expect import raises
from conformance.steps import drop, map_root, reap
from conformance.views import set_last_pid
from nscore import (
    AddressFamily,
    Calls,
    Capability,
    CloneFlag,
    Credentials,
    Disposition,
    Machine,
    MessageFlag,
    OpenFlag,
    Process,
    Signal,
    SocketType,
    Syscalls,
)

NEWPID, NEWUSER = CloneFlag.NEWPID, CloneFlag.NEWUSER
DONTWAIT = MessageFlag.DONTWAIT


def pair(m: Machine, *, passcred: bool = True, type: int = SocketType.DGRAM) -> tuple[int, int]:
    """Sockets of the init, which its children inherit; the second one wants credentials."""
    a, b = m.init.socketpair(AddressFamily.UNIX, type)
    if passcred:
        m.init.setsockopt(b, *PASSCRED, 1)
    return a, b


def received(calls: Calls, fd: int) -> Credentials | None:
    """The credentials of the message that is there."""
    return calls.recvmsg(fd, 16, DONTWAIT).credentials


def own(calls: Calls, pid: int) -> Credentials:
    """The real ids of a process, with the number under which it is expected."""
    return Credentials(pid, calls.getuid(), calls.getgid())


def claim(calls: Process, pid: int) -> Credentials:
    """The ids of the caller, and somebody's number."""
    return Credentials(pid, calls.getuid(), calls.getgid())


# Credentials that the kernel attaches


@case("SCM-01")
def the_sender_is_numbered_as_the_receiver_sees_it(m: Machine) -> None:
    """When it receives, whoever made the sockets: the outer number above, 0 below and beside."""
    a, b = pair(m)
    inner, sibling, watcher = m.init.clone(NEWPID), m.init.clone(NEWPID), m.init.fork()
    for sender, receiver, pid in (
        (inner, m.init, inner.pid),
        (m.init, inner, 0),
        (sibling, inner, 0),
        (inner, inner, 1),
        (watcher, m.init, watcher.pid),
    ):
        sender.sendmsg(a, b"x")
        assert received(receiver, b) == own(sender, pid)


@case("SCM-01")
def the_senders_ids_are_mapped_for_the_receiver(m: Machine) -> None:
    """65534 where they are not."""
    a, b = pair(m)
    stranger = m.init.clone(NEWUSER)
    m.init.sendmsg(a, b"x")
    assert received(stranger, b) == Credentials(1, 65534, 65534)


@case("SCM-02", needs=("set_tid",))
def a_sender_that_is_gone_is_still_named(m: Machine) -> None:
    """By the number that it had, whoever has it now."""
    a, b = pair(m)
    sender = m.init.fork()
    for _ in range(2):
        sender.sendmsg(a, b"x")
    reap(m.init, sender)
    assert received(m.init, b) == own(m.init, sender.pid)
    set_last_pid(m.init, sender.pid - 1)
    assert m.init.fork().pid == sender.pid
    assert received(m.init, b) == own(m.init, sender.pid)


@case("SCM-03", "SCM-04")
def credentials_are_attached_when_it_is_sent(m: Machine) -> None:
    """If either end wants them then, by the process; else whoever receives learns nothing."""
    for sender, receiver, known in ((0, 1, True), (1, 0, True), (0, 0, False)):
        a, b = pair(m, passcred=False)
        m.init.setsockopt(a, *PASSCRED, sender)
        m.init.setsockopt(b, *PASSCRED, receiver)
        child = m.init.fork()
        child.thread().sendmsg(a, b"x")
        m.init.setsockopt(b, *PASSCRED, 1)
        assert received(m.init, b) == (own(child, child.pid) if known else Credentials(0, 65534, 65534))


@case("SCM-03", needs=("many_ids",))
def credentials_have_the_real_ids(m: Machine) -> None:
    """And not the effective ones, which a claim may name as well as the saved ones."""
    a, b = pair(m)
    child = m.init.fork()
    child.setresgid(11, 12, 13)
    child.setresuid(1, 2, 3)
    child.sendmsg(a, b"x")
    assert received(m.init, b) == Credentials(child.pid, 1, 11)
    for uid, gid in ((1, 13), (2, 12), (3, 11)):
        child.sendmsg(a, b"x", (), Credentials(child.pid, uid, gid))
        assert received(m.init, b) == Credentials(child.pid, uid, gid)


# Credentials that the sender claims


@case("SCM-05", "SCM-06")
def a_claim_is_judged_whoever_reads_it(m: Machine) -> None:
    """Ids first, then the permission, then the process; and a receiver that does not want it gets none."""
    a, b = pair(m, passcred=False)
    gone = m.init.fork()
    reap(m.init, gone)
    root, child = m.init, powerless(m.init)
    me, group = root.getuid(), root.getgid()
    for sender in (root, child):
        for uid, gid in ((-1, group), (me, -1)):
            with raises("EINVAL"):
                sender.sendmsg(a, b"x", (), Credentials(99, uid, gid))
    for pid in (0, -1, 99, gone.pid, 1):
        with raises("EPERM"):
            child.sendmsg(a, b"x", (), Credentials(pid, me, group))
    for pid in (0, -1, 99, gone.pid):
        with raises("ESRCH"):
            root.sendmsg(a, b"x", (), Credentials(pid, me, group))
    root.sendmsg(a, b"x", (), Credentials(child.getpid(), me, group))
    child.sendmsg(a, b"y", (), Credentials(child.getpid(), me, group))
    assert [root.recvmsg(b, 9).credentials for _ in range(2)] == [None, None]
    with raises("EAGAIN"):
        root.recvmsg(b, 9, DONTWAIT)


@case("SCM-07", needs=("many_ids",))
def whose_ids_may_be_claimed(m: Machine) -> None:
    """With SETUID and SETGID anybody's, without them one's own."""
    a, b = pair(m)
    m.init.sendmsg(a, b"x", (), Credentials(1, 5, 6))
    assert received(m.init, b) == Credentials(1, 5, 6)
    for capability, uid, gid in ((Capability.SETUID, 5, 0), (Capability.SETGID, 0, 6)):
        child = m.init.fork()
        drop(child, capability)
        with raises("EPERM"):
            child.sendmsg(a, b"x", (), Credentials(child.pid, uid, gid))
        child.sendmsg(a, b"x", (), Credentials(child.pid, 5 - uid, 6 - gid))


@case("SCM-07")
def whose_number_may_be_claimed(m: Machine) -> None:
    """What counts is the user namespace that owns the PID namespace, not the caller's own."""
    a, b = pair(m)
    outer = m.init.clone(NEWUSER)
    map_root(outer)
    with raises("EPERM"):
        outer.sendmsg(a, b"x", (), Credentials(1, 0, 0))
    inner = outer.clone(NEWPID)
    member = inner.fork()
    inner.sendmsg(a, b"x", (), Credentials(member.getpid(), 0, 0))
    assert received(m.init, b) == own(m.init, 4)
    drop(outer)
    outer.sendmsg(a, b"x", (), Credentials(outer.getpid(), 0, 0))
    assert received(m.init, b) == own(m.init, outer.pid)


@case("SCM-08")
def a_number_is_claimed_in_the_senders_namespace(m: Machine) -> None:
    """And given in the receiver's: those that are not below cannot be claimed, and are 0 to who does not see them."""
    a, b = pair(m)
    inner, other = m.init.clone(NEWPID), m.init.fork()
    member = inner.fork()
    inner.sendmsg(a, b"x", (), claim(inner, member.getpid()))
    assert received(m.init, b) == own(m.init, 4)
    for pid in (4, 3):
        with raises("ESRCH"):
            inner.sendmsg(a, b"x", (), claim(inner, pid))
    m.init.sendmsg(a, b"x", (), claim(m.init, other.pid))
    assert received(inner, b) == own(m.init, 0)
    m.init.sendmsg(a, b"x", (), claim(m.init, 4))
    assert received(inner, b) == own(m.init, 2)


@case("SCM-09")
def who_may_be_claimed(m: Machine) -> None:
    """Zombies, and threads, which keep their ids; a number that is only a group's, of whose holder there is a pidfd."""
    a, b = pair(m)
    zombie = m.init.fork()
    zombie.exit(0)
    m.settle()
    thread = m.init.fork().thread()
    leader = m.init.fork()
    leader.setpgid(0, 0)
    leader.fork()
    m.init.pidfd_open(leader.pid)
    reap(m.init, leader)
    for pid in (zombie.pid, thread.tid, leader.pid):
        m.init.sendmsg(a, b"x", (), claim(m.init, pid))
        assert received(m.init, b) == own(m.init, pid)


@case("SCM-09")
def a_number_that_is_only_a_groups_is_not_claimed(m: Machine) -> None:
    """Where there never was a pidfd, which whoever drives a process has: so it is a program that claims."""

    def program(calls: Syscalls) -> int:
        leader = calls.fork(leads)
        a, _ = calls.socketpair()
        assert calls.waitpid(leader) == (leader, 0)
        calls.kill(-leader, 0)
        with raises("ESRCH"):
            calls.sendmsg(a, b"x", (), Credentials(leader, calls.getuid(), calls.getgid()))
        return 7

    def leads(calls: Syscalls) -> int:
        calls.setpgid(0, 0)
        calls.fork(lambda member: member.pause())
        return 0

    assert m.run(program) == 7


@case("SCM-10")
def a_read_does_not_mix_senders(m: Machine) -> None:
    """Where credentials are wanted; elsewhere a stream is a stream."""
    for passcred, sizes in ((True, (2, 2)), (False, (4,))):
        a, b = pair(m, passcred=passcred, type=SocketType.STREAM)
        child = m.init.fork()
        for plain in (True, False):
            m.init.sendmsg(a, b"12")
            child.sendmsg(a, b"34")
            for size in sizes:
                assert len(m.init.read(b, 16) if plain else m.init.recvmsg(b, 16).data) == size
    a, b = pair(m, type=SocketType.STREAM)
    for part in (b"12", b"34"):
        m.init.sendmsg(a, part)
    assert m.init.recvmsg(b, 16).data == b"1234"


# Descriptors, and sockets at large


@case("SCM-11")
def what_sendmsg_refuses(m: Machine) -> None:
    """Descriptors that are not open, its own and those to be sent; a full queue; an end that is closed."""
    a, b = pair(m, type=SocketType.STREAM)
    for fd, rights in ((99, ()), (a, (b, 99)), (a, (-1,))):
        with raises("EBADF"):
            m.init.sendmsg(fd, b"x", rights)
    with raises("EBADF"):
        m.init.recvmsg(99, 1)
    with raises("EAGAIN"):
        m.init.recvmsg(b, 1, DONTWAIT)
    assert m.init.sendmsg(a, bytes(300_000), flags=DONTWAIT) < 300_000
    with raises("EAGAIN"):
        m.init.sendmsg(a, b"x", flags=DONTWAIT)
    m.init.close(b)
    with raises("EPIPE"):
        m.init.sendmsg(a, b"x", (), None, MessageFlag.NOSIGNAL)
    child = m.init.fork()
    child.start(Calls.sendmsg, a, b"x")
    assert m.init.waitpid(child.pid) == (child.pid, Signal.PIPE)


@case("SCM-11")
def what_a_closed_end_says(m: Machine) -> None:
    """With something unread it resets the other one, which is told once; datagrams are refused, and then there is no connection."""

    def left(type: int) -> int:
        a, b = pair(m, type=type)
        m.init.sendmsg(a, b"x")
        m.init.close(b)
        return a

    packets, datagrams, stream = left(SocketType.SEQPACKET), left(SocketType.DGRAM), left(SocketType.STREAM)
    with raises("ECONNRESET"):
        m.init.sendmsg(packets, b"x")
    with raises("EPIPE"):
        m.init.sendmsg(packets, b"x")
    with raises("ECONNREFUSED"):
        m.init.sendmsg(datagrams, b"x")
    with raises("ENOTCONN"):
        m.init.sendmsg(datagrams, b"x")
    with raises("ECONNRESET"):
        m.init.recvmsg(stream, 1)
    assert m.init.recvmsg(stream, 1).data == b""


@case("SCM-11")
def a_sender_is_interrupted(m: Machine) -> None:
    """Who has sent nothing yet, by a handler."""
    a, b = pair(m, type=SocketType.SEQPACKET)
    with raises("EMSGSIZE"):
        m.init.sendmsg(a, bytes(400_000))
    assert m.init.sendmsg(a, bytes(200_000)) == m.init.sendmsg(a, bytes(200_000)) == 200_000
    child = m.init.fork()
    child.sigaction(Signal.USR1, Disposition.HANDLE)
    sending = child.start(Calls.sendmsg, a, b"x")
    m.settle()
    assert not sending.done
    m.init.kill(child.pid, Signal.USR1)
    m.settle()
    with raises("EINTR"):
        sending.result()
    receiving = child.start(Calls.recvmsg, a, 1)
    m.init.kill(child.pid, Signal.USR1)
    m.settle()
    with raises("EINTR"):
        receiving.result()
    assert len(m.init.recvmsg(b, 1).data) == 1


@case("SCM-11", "SCM-05")
def descriptors_travel_as_open_files(m: Machine) -> None:
    """Of whatever kind, opened with PATH too; those that nobody took are closed."""
    a, b = pair(m)
    child = m.init.fork()
    bare = child.open("/", OpenFlag.PATH)
    read_end, write_end = child.pipe2()
    child.sendmsg(a, b"xyz", (bare, read_end, a), claim(child, child.getpid()))
    message = m.init.recvmsg(b, 2)
    assert (message.data, message.flags, message.credentials) == (b"xy", MessageFlag.TRUNC, own(child, child.pid))
    assert message.rights == (5, 6, 7)
    assert inode(m.init, 5) == inode(child, bare)
    assert inode(m.init, 7) == inode(m.init, a)
    child.write(write_end, b"hello")
    assert m.init.read(6, 5) == b"hello"
    child.sendmsg(a, b"x", (write_end,))
    for fd in (read_end, write_end):
        child.close(fd)
    m.init.read(b, 1)
    assert m.init.read(6, 1) == b""


@case("SCM-03")
def what_sockets_refuse(m: Machine) -> None:
    """A family without pairs, an option that there is not, files that are no sockets."""
    a, _ = pair(m)
    with raises("EOPNOTSUPP"):
        m.init.socketpair(AddressFamily.INET)
    with raises("ENOPROTOOPT"):
        m.init.setsockopt(a, 1, 9999, 1)
    with raises("ENOTSOCK"):
        m.init.setsockopt(0, *PASSCRED, 1)
    with raises("EBADF"):
        m.init.setsockopt(99, *PASSCRED, 1)
    with raises("ENOTSOCK"):
        m.init.sendmsg(0, b"x")
    with raises("ENOTSOCK"):
        m.init.recvmsg(0, 1)
