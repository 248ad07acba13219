"""nscore_sim/pidfs.py, pidfd_signal.py and ptrace.py: processes as files."""

from __future__ import annotations

import errno

from nscore import Machine, Process
from nscore.flags import (
    PIDFD_SELF_THREAD,
    PIDFD_SELF_THREAD_GROUP,
    CloneFlag,
    Disposition,
    FcntlCommand,
    IdType,
    OpenFlag,
    PidfdFlag,
    PidfdInfoMask,
    PidfdNamespace,
    PidfdSignalFlag,
    PollEvent,
    Prctl,
    SigCode,
    Signal,
    WaitOption,
)
from nscore.results import Siginfo

ALIVE, DEAD, REAPED = 0, PollEvent.IN, PollEvent.IN | PollEvent.HUP


def failure(process: Process, name: str, *args: object) -> str:
    """The errno's name of a call, "" where it returns."""
    try:
        getattr(process, name)(*args)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return ""


def state(process: Process, fd: int) -> int:
    """What poll says of a pidfd."""
    return process.poll([(fd, PollEvent.IN)], 0)[0][1] if process.poll([(fd, PollEvent.IN)], 0) else ALIVE


def fdinfo(process: Process, fd: int) -> list[str]:
    """Pid and NSpid as the process's own proc shows them."""
    file = process.open(f"/proc/self/fdinfo/{fd}")
    lines = process.read(file, 4096).decode().splitlines()
    process.close(file)
    return [line.partition(":\t")[2] for line in lines if line.startswith(("Pid", "NSpid"))]


def test_what_pidfd_open_takes(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    thread = a.thread()
    assert failure(init, "pidfd_open", a.pid, OpenFlag.CLOEXEC) == "EINVAL"
    assert failure(init, "pidfd_open", 0) == failure(init, "pidfd_open", -1) == "EINVAL"
    assert failure(init, "pidfd_open", 99) == "ESRCH"
    assert failure(init, "pidfd_open", thread.tid) == "ENOENT"
    fd = init.pidfd_open(thread.tid, PidfdFlag.THREAD | PidfdFlag.NONBLOCK)
    assert init.fcntl(fd, FcntlCommand.GETFL) == OpenFlag.RDWR | OpenFlag.NONBLOCK | OpenFlag.EXCL
    assert init.fcntl(fd, FcntlCommand.GETFD) == 1


def test_a_pidfd_outlives_the_process_but_is_not_of_the_next_one(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    fd = init.pidfd_open(a.pid)
    inode = init.fstat(fd).st_ino
    assert (state(init, fd), fdinfo(init, fd)) == (ALIVE, [f"{a.pid}", f"{a.pid}"])
    a.exit(5)
    machine.settle()
    assert (state(init, fd), fdinfo(init, fd)) == (DEAD, [f"{a.pid}", f"{a.pid}"])
    init.pidfd_send_signal(fd, Signal.KILL)
    init.waitpid(a.pid)
    assert (state(init, fd), fdinfo(init, fd)) == (REAPED, ["-1", "-1"])
    assert failure(init, "pidfd_send_signal", fd, 0) == "ESRCH"
    b = init.clone(set_tid=(a.pid,))
    assert failure(init, "pidfd_send_signal", fd, 0) == "ESRCH"
    assert init.fstat(init.pidfd_open(b.pid)).st_ino != init.fstat(fd).st_ino == inode


def test_info_of_the_living_and_of_the_reaped(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    a.setresuid(1, 2, 3)
    fd = init.pidfd_open(a.pid)
    info = init.pidfd_get_info(fd)
    assert (info.pid, info.tgid, info.ppid, info.ruid, info.euid, info.suid, info.fsuid) == (a.pid, a.pid, 1, 1, 2, 3, 2)
    assert info.exit_code is None
    a.exit(5)
    init.waitpid(a.pid)
    info = init.pidfd_get_info(fd)
    assert (info.mask, info.pid, info.exit_code) == (PidfdInfoMask.EXIT | PidfdInfoMask.CGROUPID, 0, 5 << 8)


def test_whom_one_cannot_see_one_cannot_signal_but_poll(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    init.pidfd_open(a.pid)
    inner = init.clone(CloneFlag.NEWPID)  # a copy of the table: 3 is the pidfd
    assert failure(inner, "pidfd_send_signal", 3, 0) == "EINVAL"
    assert failure(inner, "pidfd_get_info", 3) == "EREMOTE"
    assert state(inner, 3) == ALIVE
    inner.setns(3, CloneFlag.NEWUTS)
    assert failure(inner, "setns", 3, CloneFlag.NEWPID) == "EINVAL"


def test_the_scope_of_a_signal(machine: Machine) -> None:
    a = machine.init.fork()
    a.sigaction(Signal.USR1, Disposition.HANDLE)
    fd = a.pidfd_open(a.getpid())
    for target in (fd, PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP):
        a.pidfd_send_signal(target, Signal.USR1)
        a.pidfd_send_signal(target, Signal.USR1, None, PidfdSignalFlag.THREAD)
    process, thread = SigCode.USER, SigCode.TKILL
    assert [info.si_code for info in a.received()] == [process, thread, thread, thread, process, thread]
    assert failure(a, "pidfd_send_signal", fd, 0, None, PidfdSignalFlag.PROCESS_GROUP) == "ESRCH"  # it leads none
    assert failure(a, "pidfd_send_signal", fd, 0, None, 3) == "EINVAL"


def test_what_the_kernel_says_one_may_only_say_to_oneself(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    fd = init.pidfd_open(a.pid)
    assert failure(init, "pidfd_send_signal", fd, 10, Siginfo(12, -1)) == "EINVAL"
    assert failure(init, "pidfd_send_signal", fd, 0, Siginfo(0, SigCode.USER)) == "EPERM"
    assert failure(init, "pidfd_send_signal", fd, 0, Siginfo(0, SigCode.TKILL)) == "EPERM"
    init.pidfd_send_signal(fd, 0, Siginfo(0, SigCode.QUEUE))
    init.pidfd_send_signal(PIDFD_SELF_THREAD, 0, Siginfo(0, SigCode.USER))


def test_a_directory_of_proc_signals_and_does_nothing_else(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    fd = init.open(f"/proc/{a.pid}", OpenFlag.DIRECTORY)
    init.pidfd_send_signal(fd, 0)
    assert failure(init, "waitid", IdType.PIDFD, fd, WaitOption.EXITED) == "EBADF"
    assert failure(init, "setns", fd, CloneFlag.NEWUTS) == "EINVAL"
    assert failure(init, "pidfd_getfd", fd, 0) == "EBADF"
    task = init.open(f"/proc/{a.pid}/task/{a.pid}", OpenFlag.DIRECTORY)
    assert failure(init, "pidfd_send_signal", task, 0) == "EBADF"


def test_a_pidfd_that_does_not_block(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    fd = init.pidfd_open(a.pid, PidfdFlag.NONBLOCK)
    assert failure(init, "waitid", IdType.PIDFD, fd, WaitOption.EXITED) == "EAGAIN"
    assert init.waitid(IdType.PIDFD, fd, WaitOption.EXITED | WaitOption.NOHANG) is None
    a.exit(1)
    machine.settle()
    result = init.waitid(IdType.PIDFD, fd, WaitOption.EXITED)
    assert result is not None
    assert (result.si_pid, result.si_status) == (a.pid, 1)


def test_taking_a_descriptor_needs_the_right_to_trace(machine: Machine) -> None:
    init = machine.init
    a, user = init.fork(), init.fork()
    a.pipe2()
    fd = init.pidfd_open(a.pid)
    copy = init.pidfd_getfd(fd, 4)
    init.write(copy, b"through")
    assert a.read(3, 10) == b"through"
    assert failure(init, "pidfd_getfd", fd, 99) == "EBADF"
    user.setuid(1000)
    assert failure(user, "pidfd_getfd", user.pidfd_open(a.pid), 0) == "EPERM"
    own = user.fork()
    assert failure(user, "pidfd_getfd", user.pidfd_open(own.pid), 0) == "EPERM"  # undumpable since it was root
    own.prctl(Prctl.SET_DUMPABLE, 1)
    assert user.pidfd_getfd(user.pidfd_open(own.pid), 0) > 2


def test_namespaces_by_a_pidfd(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    a.unshare(CloneFlag.NEWPID | CloneFlag.NEWUTS)
    fd = init.pidfd_open(a.pid)
    for kind in PidfdNamespace:
        ns = init.pidfd_get_namespace(fd, kind)
        if kind is not PidfdNamespace.PID_FOR_CHILDREN:  # whose link is missing before it has an init
            assert init.readlink(f"/proc/self/fd/{ns}") == init.readlink(f"/proc/{a.pid}/ns/{kind.name.lower()}")
    assert failure(init, "pidfd_get_namespace", fd, 99) == "ENOTTY"
    init.setns(init.pidfd_get_namespace(fd, PidfdNamespace.PID_FOR_CHILDREN), CloneFlag.NEWPID)
    assert init.fork().getpid() == 1
    a.exit(0)
    machine.settle()
    assert failure(init, "pidfd_get_namespace", fd, PidfdNamespace.USER) == "ESRCH"
