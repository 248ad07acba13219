"""pidfds: what they are, how they come to be, when they are ready.  fs/pidfs.c, kernel/pid.c"""

from __future__ import annotations

from conformance.case import case
from conformance.descriptors import hand, inode, is_cloexec, pid_and_numbers, powerless, ready, take
from conformance.expect import raises
from conformance.steps import reap
from conformance.views import set_last_pid, state
from nscore import CloneFlag, FcntlCommand, IdType, Machine, MountFlag, OpenFlag, PidfdFlag, PollEvent, Process, Signal, WaitOption

NEWPID, PIDFD = CloneFlag.NEWPID, CloneFlag.PIDFD
IN, HUP = PollEvent.IN, PollEvent.HUP
EXITED = WaitOption.EXITED


def opened(parent: Process, child: Process, flags: int = 0) -> int:
    """A pidfd of a child."""
    return parent.pidfd_open(child.pid, flags)


def threaded(parent: Process) -> tuple[Process, Process]:
    """A child and its second thread, whose id is the next number."""
    child = parent.fork()
    thread = child.thread()
    assert thread.tid == child.pid + 1
    return child, thread


# The object


@case("PIDFD-OBJ-01", "PIDFD-FDINFO-05", needs=("set_tid",))
def a_pidfd_is_not_a_number(m: Machine) -> None:
    """The next holder of the number is a stranger to it, for ever."""
    first = m.init.fork()
    old = opened(m.init, first)
    reap(m.init, first)
    set_last_pid(m.init, first.pid - 1)
    second = m.init.fork()
    assert second.pid == first.pid
    with raises("ESRCH"):
        m.init.pidfd_send_signal(old, 0)
    assert pid_and_numbers(m.init, old) == (-1,)
    new = opened(m.init, second)
    m.init.pidfd_send_signal(new, 0)
    assert inode(m.init, new) != inode(m.init, old)


@case("PIDFD-OBJ-02", "PIDFD-OPEN-01")
def the_flags_of_a_new_pidfd(m: Machine) -> None:
    """Close-on-exec, to be read and written, at the lowest free number; NONBLOCK and THREAD show."""
    child = m.init.fork()
    for flags, shown in (
        (0, 0o2),
        (PidfdFlag.NONBLOCK, 0o4002),
        (PidfdFlag.THREAD, 0o202),
        (PidfdFlag.NONBLOCK | PidfdFlag.THREAD, 0o4202),
    ):
        fd = opened(m.init, child, flags)
        assert fd == 3
        assert is_cloexec(m.init, fd)
        assert m.init.fcntl(fd, FcntlCommand.GETFL) == shown
        m.init.close(fd)


@case("PIDFD-OBJ-03")
def nonblock_is_the_files_and_thread_is_for_ever(m: Machine) -> None:
    """F_SETFL switches the one, and waitid obeys; it neither sets nor clears the other."""
    child = m.init.fork()
    fd = opened(m.init, child)
    m.init.fcntl(fd, FcntlCommand.SETFL, OpenFlag.NONBLOCK | OpenFlag.EXCL)
    assert m.init.fcntl(fd, FcntlCommand.GETFL) == 0o4002
    with raises("EAGAIN"):
        m.init.waitid(IdType.PIDFD, fd, EXITED)
    m.init.fcntl(fd, FcntlCommand.SETFL, 0)
    waiting = m.init.start(type(m.init).waitid, IdType.PIDFD, fd, EXITED)
    m.settle()
    assert not waiting.done
    child.exit(0)
    m.settle()
    assert waiting.done
    thread = m.init.pidfd_open(1, PidfdFlag.THREAD)
    m.init.fcntl(thread, FcntlCommand.SETFL, 0)
    assert m.init.fcntl(thread, FcntlCommand.GETFL) == 0o202


@case("PIDFD-OBJ-05", "PIDFD-OBJ-06", "PIDFD-OBJ-10")
def a_pidfd_as_a_file(m: Machine) -> None:
    """It is not read, written, sought or mounted; its text is the old one; with O_PATH it is none."""
    fd = opened(m.init, m.init.fork())
    path = f"/proc/self/fd/{fd}"
    assert m.init.readlink(path) == "anon_inode:[pidfd]"
    with raises("EINVAL"):
        m.init.read(fd, 1)
    with raises("EINVAL"):
        m.init.write(fd, b"x")
    with raises("ESPIPE"):
        m.init.lseek(fd, 0)
    with raises("EINVAL"):
        m.init.mount(path, "/proc/self/comm", None, MountFlag.BIND)
    with raises("ENODEV"):
        m.init.mount("x", "/tmp", "pidfs")
    bare = m.init.open(path, OpenFlag.PATH)
    with raises("EBADF"):
        m.init.pidfd_send_signal(bare, 0)


@case("PIDFD-OBJ-07", needs=("root",))
def a_pidfd_has_a_mode_without_a_type(m: Machine) -> None:
    """And belongs to root, whoever the process is."""
    child = m.init.fork()
    child.setuid(1000)
    st = m.init.fstat(opened(m.init, child))
    assert (st.st_mode, st.st_nlink, st.st_uid, st.st_gid, st.st_size) == (0o700, 1, 0, 0, 0)


@case("PIDFD-OBJ-07", "PIDFD-OBJ-09")
def a_process_has_one_inode(m: Machine) -> None:
    """Whatever the flags, the opener and its namespace; no two processes share one."""
    child = m.init.clone(NEWPID)
    mine = [opened(m.init, child), opened(m.init, child, PidfdFlag.NONBLOCK), opened(m.init, child, PidfdFlag.THREAD)]
    theirs = child.pidfd_open(1)
    assert len({inode(m.init, fd) for fd in mine} | {inode(child, theirs)}) == 1
    before = inode(m.init, mine[0])
    for fd in mine:
        m.init.close(fd)
    child.close(theirs)
    again = opened(m.init, child)
    assert inode(m.init, again) == before
    other = m.init.pidfd_open(1)
    assert inode(m.init, other)[0] == before[0]
    assert inode(m.init, other) != before


@case("PIDFD-OBJ-08", needs=("no autoreap",))
def inodes_are_numbered_as_processes_are_born(m: Machine) -> None:
    """Whoever is looked at first, and wherever they live."""
    children = [m.init.fork(), m.init.clone(NEWPID), m.init.fork()]
    inner = children[1].fork()
    inodes = [m.init.fstat(m.init.pidfd_open(inner.pid + 3)).st_ino]
    for child in reversed(children):
        fd = opened(m.init, child)
        inodes.insert(0, m.init.fstat(fd).st_ino)
    assert inodes == sorted(set(inodes))


@case("PIDFD-OBJ-09", "PIDFD-POLL-05", "PIDFD-FDINFO-06", "PIDFD-OPEN-06", "PIDFD-INFO-09")
def exec_by_another_thread_takes_the_leaders_pidfds(m: Machine) -> None:
    """They go on; the thread's own is as of one that is reaped, with 0 for its exit code."""
    child, thread = threaded(m.init)
    process, leader = opened(m.init, child), opened(m.init, child, PidfdFlag.THREAD)
    own = m.init.pidfd_open(thread.tid, PidfdFlag.THREAD)
    before = inode(m.init, process)
    thread.execve(m.image)
    assert thread.gettid() == child.pid
    for fd in (process, leader):
        assert inode(m.init, fd) == before
        assert ready(m.init, fd) == 0
        assert pid_and_numbers(m.init, fd) == (child.pid,)
        m.init.pidfd_send_signal(fd, 0)
    assert ready(m.init, own) == IN | HUP
    assert m.init.pidfd_get_info(own).exit_code == 0
    with raises("ESRCH"):
        m.init.pidfd_open(thread.tid, PidfdFlag.THREAD)


@case("PIDFD-OBJ-12", "PIDFD-SEND-02")
def passing_a_pidfd_changes_nothing_but_the_user(m: Machine) -> None:
    """By fork, dup, a message, pidfd_getfd: the same process, as far as whoever uses it can see that one."""
    target = m.init.fork()
    fd = opened(m.init, target)
    a, b = m.init.socketpair()
    inner = m.init.clone(NEWPID)
    hand(m.init, a, fd)
    copies = [(m.init, m.init.dup(fd)), (inner, fd), (inner, take(inner, b))]
    copies.append((m.init, m.init.pidfd_getfd(opened(m.init, inner), fd)))
    assert len({inode(user, copy) for user, copy in copies}) == 1
    for user, copy in copies:
        if user is m.init:
            user.pidfd_send_signal(copy, 0)
        else:
            with raises("EINVAL"):
                user.pidfd_send_signal(copy, 0)


# pidfd_open


@case("PIDFD-OPEN-01")
def what_pidfd_open_refuses(m: Machine) -> None:
    """Flags first, then numbers that are none, then numbers that nobody has."""
    for flags in (1, OpenFlag.RDWR, OpenFlag.TRUNC, OpenFlag.CLOEXEC, PidfdFlag.THREAD | 1):
        for pid in (1, 99):
            with raises("EINVAL"):
                m.init.pidfd_open(pid, flags)
    for pid in (0, -1, -(1 << 31)):
        with raises("EINVAL"):
            m.init.pidfd_open(pid)
    with raises("ESRCH"):
        m.init.pidfd_open(99)


@case("PIDFD-OPEN-02")
def anybody_may_open_whom_it_can_name(m: Machine) -> None:
    """Itself, its parent, the init, without a permission; nobody of another namespace."""
    child = powerless(m.init.fork())
    for pid in (1, 2, 3):
        fd = child.pidfd_open(pid)
        child.close(fd)
    inner = m.init.clone(NEWPID)
    assert pid_and_numbers(inner, inner.pidfd_open(1), f"/proc/{inner.pid}") == (inner.pid, 1)
    with raises("ESRCH"):
        inner.pidfd_open(inner.pid)


@case("PIDFD-OPEN-03", "PIDFD-OPEN-06")
def a_thread_is_opened_as_one(m: Machine) -> None:
    """Without THREAD it is ENOENT, and ESRCH once it has ended; with THREAD a leader is a thread too."""
    child, thread = threaded(m.init)
    with raises("ENOENT"):
        m.init.pidfd_open(thread.tid)
    m.init.pidfd_open(thread.tid, PidfdFlag.THREAD)
    m.init.pidfd_open(child.pid, PidfdFlag.THREAD)
    thread.exit_thread(0)
    m.settle()
    for flags in (0, PidfdFlag.THREAD):
        with raises("ESRCH"):
            m.init.pidfd_open(thread.tid, flags)


@case("PIDFD-OPEN-04", "ALLOC-19", "PIDFD-FDINFO-05")
def a_number_that_is_only_a_groups_is_nobodys(m: Machine) -> None:
    """pidfd_open does not know it, and a pidfd of its last holder shows -1."""
    leader = m.init.fork()
    leader.setpgid(0, 0)
    leader.fork()
    fd = opened(m.init, leader)
    reap(m.init, leader)
    m.init.kill(-leader.pid, 0)
    for flags in (0, PidfdFlag.THREAD):
        with raises("ESRCH"):
            m.init.pidfd_open(leader.pid, flags)
    assert pid_and_numbers(m.init, fd) == (-1,)


@case("PIDFD-OPEN-05", "PIDFD-FDINFO-05", "PIDFD-SEND-11")
def a_zombie_is_opened_until_it_is_reaped(m: Machine) -> None:
    """With its numbers; it takes any signal without a word."""
    child = m.init.fork()
    child.exit(0)
    m.settle()
    for flags in (0, PidfdFlag.THREAD):
        fd = opened(m.init, child, flags)
        assert pid_and_numbers(m.init, fd) == (child.pid,)
        m.init.pidfd_send_signal(fd, Signal.KILL)
        with raises("EINVAL"):
            m.init.pidfd_send_signal(fd, 65)
    m.init.waitpid(child.pid)
    with raises("ESRCH"):
        opened(m.init, child)


@case("PIDFD-OPEN-05", "PIDFD-POLL-01", "PIDFD-FDINFO-06", "PIDFD-GETFD-05", "PIDFD-NSIOC-02", "PIDFD-SETNS-01")
def a_dead_leader_of_living_threads(m: Machine) -> None:
    """It can be opened and is not ready; what it had itself, descriptors and namespaces, is gone."""
    child, thread = threaded(m.init)
    child.exit_thread(5)
    m.settle()
    assert state(m.init, child.pid) == "Z"
    for flags in (0, PidfdFlag.THREAD):
        fd = opened(m.init, child, flags)
        assert ready(m.init, fd) == 0
        assert pid_and_numbers(m.init, fd) == (child.pid,)
        with raises("ESRCH"):
            m.init.pidfd_getfd(fd, 0)
        with raises("ESRCH"):
            m.init.setns(fd, CloneFlag.NEWUTS)
    thread.exit_thread(6)
    m.settle()
    assert ready(m.init, fd) == IN
    assert m.init.waitpid(child.pid) == (child.pid, 6 << 8)
    assert m.init.pidfd_get_info(fd).exit_code == 6 << 8


# CLONE_PIDFD


@case("PIDFD-CLONE-06", "PIDFD-OBJ-02")
def the_child_does_not_have_its_own_pidfd(m: Machine) -> None:
    """The descriptor is the parent's alone: the table was copied before."""
    child = m.init.clone(PIDFD)
    assert child.pidfd == 3
    assert is_cloexec(m.init, child.pidfd)
    with raises("EBADF"):
        child.fcntl(child.pidfd, FcntlCommand.GETFD)
    assert pid_and_numbers(m.init, child.pidfd) == (child.pid,)


@case("PIDFD-CLONE-07", "PIDFD-WAITID-05", "PIDFD-WAITID-07", "PIDFD-FDINFO-03")
def clone_pidfd_goes_with_other_flags(m: Machine) -> None:
    """A new namespace; a parent that is not the caller; no exit signal, which wait wants to be told."""
    inner = m.init.clone(PIDFD | NEWPID)
    assert inner.pidfd is not None
    assert pid_and_numbers(m.init, inner.pidfd) == (inner.pid, 1)
    inner.exit(0)
    waited = m.init.waitid(IdType.PIDFD, inner.pidfd, EXITED)
    assert waited is not None
    assert waited.si_pid == inner.pid
    child = m.init.fork()
    sibling = child.clone(PIDFD | CloneFlag.PARENT, exit_signal=0)
    assert sibling.pidfd is not None
    assert sibling.getppid() == 1
    with raises("ECHILD"):
        child.waitid(IdType.PIDFD, sibling.pidfd, EXITED)
    silent = m.init.clone(PIDFD, exit_signal=0)
    assert silent.pidfd is not None
    silent.exit(3)
    m.settle()
    with raises("ECHILD"):
        m.init.waitid(IdType.PIDFD, silent.pidfd, EXITED)
    waited = m.init.waitid(IdType.PIDFD, silent.pidfd, EXITED | WaitOption.CLONE)
    assert waited is not None
    assert (waited.si_pid, waited.si_status) == (silent.pid, 3)


@case("PIDFD-CLONE-07")
def clone_pidfd_goes_with_vfork(m: Machine) -> None:
    """The parent learns of it when the child has ended."""
    child = m.init.clone(PIDFD | CloneFlag.VFORK)
    waiting = m.init.pending
    assert waiting is not None
    child.exit(4)
    m.settle()
    assert waiting.done
    assert child.pidfd == 3
    assert ready(m.init, child.pidfd) == IN
