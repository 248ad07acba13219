"""What becomes of a process as its pidfd tells: poll, waitid, fdinfo, PIDFD_GET_INFO.  fs/pidfs.c, kernel/exit.c"""

from __future__ import annotations

from conformance.case import case
from conformance.cases.pidfds import opened, threaded
from conformance.descriptors import fdinfo, pid_and_numbers, powerless, ready
from conformance.expect import raises
from conformance.steps import reap
from nscore import (
    Calls,
    CloneFlag,
    Disposition,
    FcntlCommand,
    IdType,
    Machine,
    PidfdFlag,
    PidfdInfoMask,
    PollEvent,
    Process,
    Signal,
    WaitOption,
)

NEWPID, PIDFD = CloneFlag.NEWPID, CloneFlag.PIDFD
IN, HUP, RDNORM = PollEvent.IN, PollEvent.HUP, PollEvent.RDNORM
EXITED, NOHANG = WaitOption.EXITED, WaitOption.NOHANG
NONBLOCK, THREAD = PidfdFlag.NONBLOCK, PidfdFlag.THREAD
LIVE = PidfdInfoMask.PID | PidfdInfoMask.CREDS | PidfdInfoMask.CGROUPID
REAPED = PidfdInfoMask.EXIT | PidfdInfoMask.CGROUPID


def ended(parent: Process, *, status: int = 0) -> Process:
    """A child that is a zombie."""
    child = parent.fork()
    child.exit(status)
    return child


# poll


@case("PIDFD-POLL-01", "PIDFD-POLL-02")
def ready_at_death_and_hung_up_at_the_reaping(m: Machine) -> None:
    """A stopped process is neither; without a request there is only the HUP."""
    child = m.init.fork()
    fd = opened(m.init, child)
    assert ready(m.init, fd, IN | RDNORM) == 0
    m.init.kill(child.pid, Signal.STOP)
    assert ready(m.init, fd, IN | RDNORM) == 0
    m.init.kill(child.pid, Signal.KILL)
    m.settle()
    assert ready(m.init, fd, IN | RDNORM) == IN | RDNORM
    assert ready(m.init, fd, 0) == 0
    m.init.waitpid(child.pid)
    assert ready(m.init, fd, IN | RDNORM) == IN | RDNORM | HUP
    assert ready(m.init, fd, 0) == HUP


@case("PIDFD-POLL-01", "PIDFD-POLL-06", "PIDFD-INFO-09", "PIDFD-WAITID-04")
def a_thread_is_reaped_when_it_ends(m: Machine) -> None:
    """At once, by its own end or its process's; with its own exit code in the first case, the process's in the second."""
    child, first = threaded(m.init)
    second = child.thread()
    leader = opened(m.init, child, THREAD)
    fds = [m.init.pidfd_open(thread.tid, THREAD) for thread in (first, second)]
    assert [ready(m.init, fd) for fd in (leader, *fds)] == [0, 0, 0]
    for options in (EXITED, EXITED | WaitOption.ALL):
        with raises("ECHILD"):
            m.init.waitid(IdType.PIDFD, fds[0], options)
    first.exit_thread(9)
    m.settle()
    assert [ready(m.init, fd) for fd in (leader, *fds)] == [0, IN | HUP, 0]
    second.exit(7)
    m.settle()
    assert [ready(m.init, fd) for fd in (leader, *fds)] == [IN, IN | HUP, IN | HUP]
    assert [m.init.pidfd_get_info(fd).exit_code for fd in (leader, *fds)] == [None, 9 << 8, 7 << 8]
    waited = m.init.waitid(IdType.PIDFD, leader, EXITED)
    assert waited is not None
    assert (waited.si_pid, waited.si_status) == (child.pid, 7)
    assert m.init.pidfd_get_info(leader).exit_code == 7 << 8


@case("PIDFD-INFO-09", "THREAD-05")
def the_last_thread_says_how_a_process_ended(m: Machine) -> None:
    """To whoever waits, and to whoever has a pidfd."""
    child, thread = threaded(m.init)
    fd = opened(m.init, child)
    child.exit_thread(5)
    thread.exit_thread(6)
    assert m.init.waitpid(child.pid) == (child.pid, 6 << 8)
    assert m.init.pidfd_get_info(fd).exit_code == 6 << 8


@case("PIDFD-POLL-03", "PIDFD-POLL-04")
def the_reaping_wakes_a_poller_again(m: Machine) -> None:
    """Death wakes those who ask for IN; who asks for nothing sleeps on to the HUP."""
    child = m.init.fork()
    opened(m.init, child)
    watcher, waiter = m.init.fork(), m.init.fork()
    watching = watcher.start(Calls.poll, ((3, IN),))
    waiting = waiter.start(Calls.poll, ((3, 0),))
    m.settle()
    assert not watching.done
    child.exit(0)
    m.settle()
    assert watching.result() == ((3, IN),)
    assert not waiting.done
    m.init.waitpid(child.pid)
    m.settle()
    assert waiting.result() == ((3, HUP),)


@case("PIDFD-POLL-04", "PIDFD-INFO-08")
def a_child_that_nobody_waits_for_is_hung_up_at_once(m: Machine) -> None:
    """With SIGCHLD ignored there is no zombie; the exit code is kept."""
    m.init.sigaction(Signal.CHLD, Disposition.IGN)
    child = m.init.clone(PIDFD)
    assert child.pidfd is not None
    child.exit(6)
    m.settle()
    assert ready(m.init, child.pidfd) == IN | HUP
    assert m.init.pidfd_get_info(child.pidfd).exit_code == 6 << 8


@case("PIDFD-POLL-05")
def exec_by_the_leader_ends_the_other_threads(m: Machine) -> None:
    """Their pidfds are as of reaped ones, the process's goes on."""
    child, thread = threaded(m.init)
    process, other = opened(m.init, child), m.init.pidfd_open(thread.tid, THREAD)
    child.execve(m.image)
    assert (ready(m.init, process), ready(m.init, other)) == (0, IN | HUP)


@case("PIDFD-POLL-05")
def exec_when_the_leader_is_dead(m: Machine) -> None:
    """The thread becomes the leader, whose pidfds never were ready."""
    child, thread = threaded(m.init)
    process, leader = opened(m.init, child), opened(m.init, child, THREAD)
    child.exit_thread(0)
    m.settle()
    thread.execve(m.image)
    assert (ready(m.init, process), ready(m.init, leader)) == (0, 0)
    thread.exit(0)
    m.settle()
    assert (ready(m.init, process), ready(m.init, leader)) == (IN, IN)


@case("PIDFD-POLL-07", "PIDFD-WAITID-05")
def poll_and_wait_do_not_ask_who_sees_whom(m: Machine) -> None:
    """A pidfd of a process outside is ready like any other; a child in a namespace below is its number here."""
    outside = m.init.fork()
    fd = opened(m.init, outside)
    inner = m.init.clone(NEWPID)
    assert ready(inner, fd) == 0
    outside.exit(0)
    m.settle()
    assert ready(inner, fd) == IN
    m.init.waitpid(outside.pid)
    assert ready(inner, fd) == IN | HUP
    below = opened(m.init, inner)
    inner.exit(0)
    waited = m.init.waitid(IdType.PIDFD, below, EXITED)
    assert waited is not None
    assert waited.si_pid == inner.pid


# waitid(P_PIDFD)


@case("PIDFD-WAITID-01", "PIDFD-SELF-02")
def what_waitid_refuses_of_a_pidfd(m: Machine) -> None:
    """Options before the descriptor, numbers below 0 before the kind of file, and then the children."""
    child = m.init.fork()
    fd = opened(m.init, child)
    for id, options in ((fd, EXITED | 0x40), (fd, NOHANG), (-1, EXITED), (-10000, EXITED), (99, NOHANG)):
        with raises("EINVAL"):
            m.init.waitid(IdType.PIDFD, id, options)
    directory = m.init.open(f"/proc/{child.pid}")
    for id in (99, 0, directory):
        with raises("EBADF"):
            m.init.waitid(IdType.PIDFD, id, EXITED)
    with raises("ECHILD"):
        m.init.waitid(IdType.PIDFD, m.init.pidfd_open(1), EXITED)


@case("PIDFD-WAITID-02")
def a_nonblocking_pidfd_does_not_wait(m: Machine) -> None:
    """EAGAIN where it would have slept; WNOHANG says it its own way; who is no child is ECHILD first."""
    child = m.init.fork()
    fd = opened(m.init, child, NONBLOCK)
    for options in (EXITED, WaitOption.STOPPED, WaitOption.CONTINUED):
        with raises("EAGAIN"):
            m.init.waitid(IdType.PIDFD, fd, options)
        assert m.init.waitid(IdType.PIDFD, fd, options | NOHANG) is None
    with raises("ECHILD"):
        child.waitid(IdType.PIDFD, child.pidfd_open(1, NONBLOCK), EXITED)
    child.exit(5)
    waited = m.init.waitid(IdType.PIDFD, fd, EXITED)
    assert waited is not None
    assert waited.si_status == 5


@case("PIDFD-WAITID-03")
def waitid_wants_what_a_child_can_yet_do(m: Machine) -> None:
    """A zombie will not stop: ECHILD at once.  And so are one who is reaped, oneself, the parent, a grandchild."""
    child = m.init.fork()
    grandchild = child.fork()
    assert grandchild.getpid() == 3
    others = [(child, child.pidfd_open(pid)) for pid in (1, 2)] + [(m.init, m.init.pidfd_open(3))]
    for caller, fd in others:
        with raises("ECHILD"):
            caller.waitid(IdType.PIDFD, fd, EXITED)
    zombie = ended(m.init)
    for flags in (0, NONBLOCK):
        fd = opened(m.init, zombie, flags)
        with raises("ECHILD"):
            m.init.waitid(IdType.PIDFD, fd, WaitOption.STOPPED)
    assert m.init.waitid(IdType.PIDFD, fd, EXITED)
    with raises("ECHILD"):
        m.init.waitid(IdType.PIDFD, fd, EXITED)


@case("PIDFD-WAITID-04")
def a_leaders_thread_pidfd_waits_for_the_process(m: Machine) -> None:
    """And honours NONBLOCK."""
    child = m.init.fork()
    fd = opened(m.init, child, THREAD | NONBLOCK)
    with raises("EAGAIN"):
        m.init.waitid(IdType.PIDFD, fd, EXITED)
    child.exit(2)
    waited = m.init.waitid(IdType.PIDFD, fd, EXITED)
    assert waited is not None
    assert (waited.si_pid, waited.si_status) == (child.pid, 2)
    with raises("ESRCH"):
        m.init.pidfd_send_signal(fd, 0)


# fdinfo


@case("PIDFD-FDINFO-01")
def the_lines_of_fdinfo(m: Machine) -> None:
    """With the open file's flags, and close-on-exec, which is the descriptor's, among them."""
    child = m.init.fork()
    for flags, shown in ((0, "02000002"), (NONBLOCK, "02004002"), (THREAD, "02000202")):
        info = fdinfo(m.init, opened(m.init, child, flags))
        assert list(info) == ["pos", "flags", "mnt_id", "ino", "Pid", "NSpid"]
        assert (info["pos"], info["flags"], info["Pid"], info["NSpid"]) == ("0", shown, "2", "2")
    fd = opened(m.init, child)
    m.init.fcntl(fd, FcntlCommand.SETFD, 0)
    assert fdinfo(m.init, fd)["flags"] == "02"
    assert fdinfo(m.init, fd)["ino"] == str(m.init.fstat(fd).st_ino)


@case("PIDFD-FDINFO-02", "PIDFD-FDINFO-03", "PIDFD-FDINFO-04", "PIDFD-FDINFO-05")
def fdinfo_numbers_as_the_procfs_does(m: Machine) -> None:
    """Whoever reads, in whatever namespace: 0 of who is not in that procfs, -1 of who is reaped, which comes first."""
    outside, gone = m.init.fork(), m.init.fork()
    outer = m.init.clone(NEWPID | CloneFlag.NEWNS)
    inner_number = outer.pid + 1
    outer.fork()
    fds = [m.init.pidfd_open(pid) for pid in (outside.pid, gone.pid, outer.pid, inner_number)]
    reader = m.init.clone(NEWPID | CloneFlag.NEWNS)
    seen = [pid_and_numbers(reader, fd, f"/proc/{reader.pid}") for fd in fds]
    assert seen == [(outside.pid,), (gone.pid,), (outer.pid, 1), (inner_number, 2)]
    reader.mount("proc", "/proc", "proc")
    assert [pid_and_numbers(reader, fd) for fd in fds] == [(0,)] * 4
    reap(m.init, gone)
    assert [pid_and_numbers(who, fds[1]) for who in (m.init, reader)] == [(-1,), (-1,)]
    outer.mount("proc", "/proc", "proc")
    assert pid_and_numbers(outer, outer.pidfd_open(2)) == (2,)


# PIDFD_GET_INFO


@case("PIDFD-INFO-01", "PIDFD-INFO-10")
def what_get_info_refuses(m: Machine) -> None:
    """Who is not seen is EREMOTE, living or reaped; what is no pidfd has no such ioctl."""
    with raises("EBADF"):
        m.init.pidfd_get_info(99)
    with raises("ENOTTY"):
        m.init.pidfd_get_info(m.init.open("/proc/1"))
    with raises("ENOTTY"):
        m.init.pidfd_get_info(m.init.open("/proc/self/ns/pid"))
    outside = m.init.fork()
    fd = opened(m.init, outside)
    inner = m.init.clone(NEWPID)
    with raises("EREMOTE"):
        inner.pidfd_get_info(fd)
    reap(m.init, outside)
    with raises("EREMOTE"):
        inner.pidfd_get_info(fd)
    assert m.init.pidfd_get_info(fd).mask == REAPED


@case("PIDFD-INFO-05")
def get_info_asks_for_no_permission(m: Machine) -> None:
    """Numbers are the caller's namespace's; a parent outside is 0."""
    init = m.init.pidfd_open(1)
    child = powerless(m.init)
    info = child.pidfd_get_info(init)
    assert (info.mask, info.pid, info.tgid, info.ppid) == (LIVE, 1, 1, 0)
    assert (info.ruid, info.rgid, info.euid, info.egid) == (m.init.getuid(), m.init.getgid(), m.init.geteuid(), m.init.getegid())
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    here, there = inner.pidfd_get_info(inner.pidfd_open(1)), inner.pidfd_get_info(inner.pidfd_open(member.pid))
    assert [(info.pid, info.tgid, info.ppid) for info in (here, there)] == [(1, 1, 0), (2, 2, 1)]


@case("PIDFD-INFO-05", needs=("many_ids",))
def get_info_shows_ids_as_the_caller_maps_them(m: Machine) -> None:
    """All of them; 65534 where there is no map."""
    child = m.init.fork()
    child.setresgid(1, 2, 3)
    child.setresuid(4, 5, 6)
    fd = opened(m.init, child)
    info = m.init.pidfd_get_info(fd)
    assert (info.ruid, info.euid, info.suid, info.fsuid) == (4, 5, 6, 5)
    assert (info.rgid, info.egid, info.sgid, info.fsgid) == (1, 2, 3, 2)
    other = m.init.clone(CloneFlag.NEWUSER)
    info = other.pidfd_get_info(fd)
    assert {info.ruid, info.euid, info.suid, info.fsuid, info.rgid, info.egid, info.sgid, info.fsgid} == {65534}


@case("PIDFD-INFO-06")
def get_info_of_a_thread(m: Machine) -> None:
    """Its own id, its process's, and the process's parent."""
    child, thread = threaded(m.init)
    info = m.init.pidfd_get_info(m.init.pidfd_open(thread.tid, THREAD))
    assert (info.pid, info.tgid, info.ppid) == (thread.tid, child.pid, 1)


@case("PIDFD-INFO-07")
def the_exit_code_is_there_after_the_reaping(m: Machine) -> None:
    """Of a zombie there are only the numbers, of a reaped one only the wait status."""
    for kill, status in ((0, 42 << 8), (Signal.TERM, Signal.TERM), (Signal.KILL, Signal.KILL)):
        child = m.init.fork()
        fd = opened(m.init, child)
        if kill:
            m.init.kill(child.pid, kill)
        else:
            child.exit(42)
        m.settle()
        info = m.init.pidfd_get_info(fd)
        assert (info.mask, info.pid, info.ppid, info.exit_code) == (LIVE, child.pid, 1, None)
        assert m.init.waitpid(child.pid) == (child.pid, status)
        info = m.init.pidfd_get_info(fd)
        assert (info.mask, info.pid, info.tgid, info.ppid, info.exit_code) == (REAPED, 0, 0, 0, status)


@case("PIDFD-INFO-08")
def the_exit_code_of_who_was_opened_late_or_zapped(m: Machine) -> None:
    """A pidfd of the zombie is early enough; what an init takes along was killed."""
    zombie = ended(m.init, status=8)
    m.settle()
    fd = opened(m.init, zombie)
    m.init.waitpid(zombie.pid)
    assert m.init.pidfd_get_info(fd).exit_code == 8 << 8
    inner = m.init.clone(NEWPID)
    inner.fork()
    member = m.init.pidfd_open(4)
    inner.exit(0)
    m.init.waitpid(inner.pid)
    assert ready(m.init, member) == IN | HUP
    assert m.init.pidfd_get_info(member).exit_code == Signal.KILL
