"""pidfd_send_signal(2): to whom, with what, by whom.  kernel/signal.c"""

from __future__ import annotations

from conformance.case import case
from conformance.cases.pidfds import opened, threaded
from conformance.expect import raises
from conformance.scenes import block, is_alive
from conformance.steps import reap
from conformance.views import state
from nscore import (
    Calls,
    CloneFlag,
    FcntlCommand,
    IdType,
    Machine,
    OpenFlag,
    PidfdFlag,
    PidfdSignalFlag,
    Process,
    SigCode,
    Siginfo,
    Signal,
    WaitOption,
)

NEWPID = CloneFlag.NEWPID
USR1 = Signal.USR1
THREAD, GROUP = PidfdSignalFlag.THREAD, PidfdSignalFlag.PROCESS_GROUP
PROCESS = PidfdSignalFlag.THREAD_GROUP
#: PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP; FD_PIDFS_ROOT and FD_NSFS_ROOT, which are for file handles.
SELF, SELF_PROCESS = -10000, -10001
ROOTS = (-10002, -10003)


def info(sig: int = USR1, code: int = SigCode.QUEUE, pid: int = 777, uid: int = 0, value: int = 0) -> Siginfo:
    """What a sender says of itself."""
    return Siginfo(sig, code, pid, uid, 0, value)


def taken(receiver: Calls) -> Siginfo:
    """The USR1 that has come."""
    return receiver.sigtimedwait((USR1,), 0)


def masked_threads(m: Machine) -> tuple[Process, Process]:
    """A process of two threads that mask USR1."""
    child = m.init.fork()
    block(child, USR1)
    thread = child.thread()
    block(thread, USR1)
    return child, thread


def pending(*threads: Process) -> list[bool]:
    """For which threads USR1 is pending, alone or as their process's; then for none."""
    found = [USR1 in thread.sigpending() for thread in threads]
    for thread, there in zip(threads, found):
        if there and USR1 in thread.sigpending():
            taken(thread)
    return found


# Order and kinds of files


@case("PIDFD-SEND-01")
def flags_and_descriptors_come_first(m: Machine) -> None:
    """Unknown scopes, more than one, then what the descriptor is."""
    fd = m.init.pidfd_open(1)
    for each in (fd, 99):
        for flags in (8, THREAD | GROUP, 7):
            with raises("EINVAL"):
                m.init.pidfd_send_signal(each, 0, None, flags)
    with raises("EBADF"):
        m.init.pidfd_send_signal(99, 65, info(0, 0))
    with raises("EBADF"):
        m.init.pidfd_send_signal(0, 0)


@case("PIDFD-SEND-01", "PIDFD-SEND-02", "PIDFD-SEND-09")
def what_comes_before_the_target_is_looked_for(m: Machine) -> None:
    """Whether it is seen, what the siginfo says, whether anybody is there, the signal: in this order."""
    child, gone = m.init.fork(), m.init.fork()
    fd, reaped = opened(m.init, child), opened(m.init, gone)
    reap(m.init, gone)
    inner = m.init.clone(NEWPID)
    with raises("EINVAL"):
        inner.pidfd_send_signal(fd, 0, info(0, SigCode.USER))
    for each in (fd, reaped):
        with raises("EINVAL"):
            m.init.pidfd_send_signal(each, USR1, info(Signal.USR2, SigCode.USER))
        for sig in (0, USR1, 65):
            with raises("EPERM"):
                m.init.pidfd_send_signal(each, sig, info(sig, SigCode.USER))
            with raises("EPERM"):
                m.init.pidfd_send_signal(each, sig, info(sig, SigCode.TKILL))
    with raises("ESRCH"):
        m.init.pidfd_send_signal(reaped, 65, info(65))
    for sig in (65, -1):
        with raises("ESRCH"):
            m.init.pidfd_send_signal(reaped, sig)
        with raises("EINVAL"):
            m.init.pidfd_send_signal(fd, sig)
    m.init.pidfd_send_signal(fd, 0, info(0))


@case("PIDFD-SEND-02")
def who_is_not_below_is_einval(m: Machine) -> None:
    """An ancestor's process or a sibling's, living, zombie or reaped; the caller's own descendants are reached."""
    outside, sibling = m.init.fork(), m.init.clone(NEWPID)
    fds = [opened(m.init, outside), opened(m.init, sibling)]
    inner = m.init.clone(NEWPID)

    def refused() -> None:
        for fd in fds:
            for sig in (0, Signal.TERM, 65):
                with raises("EINVAL"):
                    inner.pidfd_send_signal(fd, sig)

    refused()
    outside.exit(0)
    sibling.exit(0)
    m.settle()
    refused()
    m.init.waitpid(outside.pid)
    m.init.waitpid(sibling.pid)
    refused()
    below = inner.clone(NEWPID)
    inner.pidfd_send_signal(inner.pidfd_open(below.pid), Signal.KILL)
    assert inner.waitpid(below.pid) == (below.pid, Signal.KILL)


@case("PIDFD-SEND-03", "PIDFD-OBJ-05")
def a_proc_directory_stands_for_its_process(m: Machine) -> None:
    """/proc/PID, of a thread's id too, opened to be read; nothing else of /proc, and nothing opened with PATH."""
    child, thread = threaded(m.init)
    for path in ("/proc/1", "/proc/self", f"/proc/{child.pid}", f"/proc/{thread.tid}"):
        m.init.pidfd_send_signal(m.init.open(path, OpenFlag.DIRECTORY), 0)
    pidfd = f"/proc/self/fd/{opened(m.init, child)}"
    for path, flags in (
        (pidfd, OpenFlag.PATH),
        ("/proc/1", OpenFlag.PATH),
        (f"/proc/{child.pid}/task/{thread.tid}", 0),
        ("/proc/thread-self", 0),
        ("/proc/1/fd", 0),
        ("/proc", 0),
        ("/proc/1/status", 0),
    ):
        with raises("EBADF"):
            m.init.pidfd_send_signal(m.init.open(path, flags), 0)


@case("PIDFD-SEND-04", "PIDFD-SETNS-01")
def a_proc_directory_is_no_pidfd_elsewhere(m: Machine) -> None:
    """Who is not seen is EINVAL through it too, and who is reaped ESRCH."""
    child = m.init.fork()
    fd = m.init.open(f"/proc/{child.pid}")
    inner = m.init.clone(NEWPID)
    with raises("EBADF"):
        m.init.waitid(IdType.PIDFD, fd, WaitOption.EXITED)
    with raises("EBADF"):
        m.init.pidfd_getfd(fd, 0)
    with raises("EINVAL"):
        m.init.setns(fd, CloneFlag.NEWUTS)
    with raises("EINVAL"):
        inner.pidfd_send_signal(fd, 0)
    reap(m.init, child)
    with raises("ESRCH"):
        m.init.pidfd_send_signal(fd, 0)
    with raises("EINVAL"):
        inner.pidfd_send_signal(fd, 0)


# Scope


@case("PIDFD-SEND-05", "PIDFD-SEND-06")
def the_scope_is_the_files_unless_flags_say_otherwise(m: Machine) -> None:
    """A thread's pidfd reaches the thread, another one the process."""
    child, thread = masked_threads(m)
    process, own = opened(m.init, child), m.init.pidfd_open(thread.tid, PidfdFlag.THREAD)
    for fd, flags, threads in (
        (process, 0, [True, True]),
        (own, 0, [False, True]),
        (process, THREAD, [True, False]),
        (own, THREAD, [False, True]),
        (process, PROCESS, [True, True]),
        (own, PROCESS, [True, True]),
    ):
        m.init.pidfd_send_signal(fd, USR1, None, flags)
        assert pending(child, thread) == threads


@case("PIDFD-OBJ-04", needs=("root",))
def a_pidfd_that_is_opened_again_is_the_processes(m: Machine) -> None:
    """Of a thread too, to be read or written, whatever flags."""
    child, thread = masked_threads(m)
    own = m.init.pidfd_open(thread.tid, PidfdFlag.THREAD)
    for flags in (OpenFlag.RDONLY, OpenFlag.RDWR, OpenFlag.RDWR | OpenFlag.EXCL):
        again = m.init.open(f"/proc/self/fd/{own}", flags)
        assert m.init.fcntl(again, FcntlCommand.GETFL) == flags & OpenFlag.RDWR | OpenFlag.LARGEFILE
        m.init.pidfd_send_signal(again, USR1)
        assert pending(child, thread) == [True, True]


@case("PIDFD-SEND-07")
def the_group_is_the_one_that_the_process_names(m: Machine) -> None:
    """Not the one that it is in; and it is there as long as it has a member."""
    leader = m.init.fork()
    leader.setpgid(0, 0)
    member = leader.fork()
    block(member, USR1)
    fd, other = opened(m.init, leader), m.init.pidfd_open(leader.pid + 1)
    with raises("ESRCH"):
        m.init.pidfd_send_signal(other, USR1, None, GROUP)
    reap(m.init, leader)
    with raises("ESRCH"):
        m.init.pidfd_send_signal(fd, USR1)
    m.init.pidfd_send_signal(fd, USR1, None, GROUP)
    assert taken(member).si_code == SigCode.USER


# What the receiver sees


@case("PIDFD-SEND-08", "PIDFD-SELF-03")
def without_a_siginfo_the_sender_is_named(m: Machine) -> None:
    """USER for a process or a group, TKILL for a thread; the sender by its number in the receiver's namespace, 0 if it has none."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    block(inner, USR1)
    inner.setpgid(0, 0)
    uid = m.init.getuid()
    below, own = opened(m.init, inner), member.pidfd_open(1)
    for sender, fd, pid in ((m.init, below, 0), (member, own, 2), (inner, SELF_PROCESS, 1)):
        for flags, code in ((PROCESS, SigCode.USER), (GROUP, SigCode.USER), (THREAD, SigCode.TKILL)):
            sender.pidfd_send_signal(fd, USR1, None, flags)
            assert taken(inner) == Siginfo(USR1, code, pid, uid)


@case("PIDFD-SEND-09")
def who_may_say_that_the_kernel_sends(m: Machine) -> None:
    """Codes of 0 or more, and TKILL, are for oneself, and not for one's group; other codes are for all."""
    child = m.init.fork()
    block(child, USR1)
    child.setpgid(0, 0)
    own, other = child.pidfd_open(child.pid), opened(m.init, child)
    for code in (SigCode.USER, SigCode.TKILL, SigCode.KERNEL, 5):
        child.pidfd_send_signal(own, USR1, info(code=code))
        assert taken(child).si_code == code
        with raises("EPERM"):
            child.pidfd_send_signal(own, USR1, info(code=code), GROUP)
        with raises("EPERM"):
            m.init.pidfd_send_signal(other, USR1, info(code=code))
    for code in (SigCode.QUEUE, SigCode.TIMER, SigCode.ASYNCIO, SigCode.ASYNCNL):
        m.init.pidfd_send_signal(other, USR1, info(code=code))
        assert taken(child).si_code == code


@case("PIDFD-SEND-09", "PIDFD-SELF-03")
def oneself_is_the_calling_thread(m: Machine) -> None:
    """Another thread's process is not; PIDFD_SELF always is, and for the process where its leader calls."""
    child, thread = masked_threads(m)
    process = child.pidfd_open(child.pid)
    with raises("EPERM"):
        thread.pidfd_send_signal(process, USR1, info(code=0))
    with raises("EPERM"):
        thread.pidfd_send_signal(SELF_PROCESS, USR1, info(code=0))
    thread.pidfd_send_signal(SELF, USR1, info(code=0))
    assert pending(child, thread) == [False, True]
    child.pidfd_send_signal(SELF_PROCESS, USR1, info(code=0))
    assert pending(child, thread) == [True, True]


@case("PIDFD-SEND-10")
def a_siginfo_passes_as_it_is_within_a_namespace(m: Machine) -> None:
    """From above its si_pid is 0, whatever it said."""
    inner = m.init.clone(NEWPID)
    block(inner, USR1)
    member = inner.fork()
    uid = m.init.getuid()
    for sender, fd, pid in ((m.init, opened(m.init, inner), 0), (member, member.pidfd_open(1), 777)):
        sender.pidfd_send_signal(fd, USR1, info(uid=uid, value=5))
        assert taken(inner) == Siginfo(USR1, SigCode.QUEUE, pid, uid, 0, 5)


# Zombies, permission


@case("PIDFD-SEND-11")
def a_dead_leaders_threads_are_reached(m: Machine) -> None:
    """As the process; the leader itself, as a thread, takes everything without a word."""
    child, thread = masked_threads(m)
    process, leader = opened(m.init, child), opened(m.init, child, PidfdFlag.THREAD)
    child.exit_thread(0)
    m.settle()
    m.init.pidfd_send_signal(leader, USR1)
    assert pending(thread) == [False]
    m.init.pidfd_send_signal(process, USR1)
    assert pending(thread) == [True]


@case("PIDFD-SEND-01", "PIDFD-SEND-11", "PIDFD-SEND-12", needs=("many_ids",))
def permission_is_asked_for_last(m: Machine) -> None:
    """As of kill(2), of a zombie too; CONT goes where the session is the same."""
    child, sender, stranger = m.init.fork(), m.init.fork(), m.init.fork()
    fds = [sender.pidfd_open(child.pid), stranger.pidfd_open(child.pid)]
    stranger.setsid()
    for each in (sender, stranger):
        each.setuid(1000)
    for each, fd in zip((sender, stranger), fds):
        with raises("EPERM"):
            each.pidfd_send_signal(fd, 0)
        with raises("EINVAL"):
            each.pidfd_send_signal(fd, 65)
    sender.pidfd_send_signal(fds[0], Signal.CONT)
    with raises("EPERM"):
        stranger.pidfd_send_signal(fds[1], Signal.CONT)
    child.exit(0)
    m.settle()
    with raises("EPERM"):
        sender.pidfd_send_signal(fds[0], Signal.KILL)
    m.init.waitpid(child.pid)
    with raises("ESRCH"):
        sender.pidfd_send_signal(fds[0], Signal.KILL)


@case("PIDFD-SEND-12")
def an_init_is_protected_from_within(m: Machine) -> None:
    """KILL and STOP return 0 and do nothing; from outside they do."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    own, below = member.pidfd_open(1), opened(m.init, inner)
    for sig in (Signal.KILL, Signal.STOP, Signal.TERM):
        member.pidfd_send_signal(own, sig)
    assert inner.getpid() == 1
    m.init.pidfd_send_signal(below, Signal.STOP)
    m.settle()
    assert state(m.init, inner.pid) == "T"
    m.init.pidfd_send_signal(below, Signal.KILL)
    m.settle()
    assert not is_alive(m.init, inner.pid)


# PIDFD_SELF


@case("PIDFD-SELF-01", "PIDFD-SELF-03")
def self_is_the_thread_or_the_process(m: Machine) -> None:
    """Flags say otherwise; the group is for who leads one."""
    child, thread = masked_threads(m)
    for fd, flags, threads in (
        (SELF, 0, [False, True]),
        (SELF_PROCESS, 0, [True, True]),
        (SELF, PROCESS, [True, True]),
        (SELF_PROCESS, THREAD, [True, False]),
    ):
        thread.pidfd_send_signal(fd, USR1, None, flags)
        assert pending(child, thread) == threads
    with raises("ESRCH"):
        child.pidfd_send_signal(SELF, USR1, None, GROUP)
    child.setpgid(0, 0)
    child.pidfd_send_signal(SELF, USR1, None, GROUP)
    assert pending(child, thread) == [True, True]


@case("PIDFD-SELF-02", "PIDFD-SELF-05")
def self_is_no_descriptor_elsewhere(m: Machine) -> None:
    """Nobody else knows these numbers, and poll passes over them."""
    for fd in (SELF, SELF_PROCESS, *ROOTS):
        with raises("EBADF"):
            m.init.setns(fd, CloneFlag.NEWUTS)
        with raises("EBADF"):
            m.init.pidfd_get_info(fd)
        with raises("EBADF"):
            m.init.ns_get_nstype(fd)
        with raises("EBADF"):
            m.init.fstat(fd)
        with raises("EBADF"):
            m.init.pidfd_getfd(fd, 0)
        assert m.init.poll(((fd, 1),), 0) == ()
    for fd in ROOTS:
        with raises("EBADF"):
            m.init.pidfd_send_signal(fd, 0)
