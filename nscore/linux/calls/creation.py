"""clone3 and clone, raw, and the three ways to clone a Python process that is sound.

raw     where the process has one thread: the call itself, between the interpreter's hooks.
helper  where it has others: os.fork() makes a process of one thread, which clones raw with CLONE_PARENT and hands the pidfd back.
fork    where raw is unsound (musl, no CONFIG_CHECKPOINT_RESTORE): unshare, os.fork(), setns back, for the flags that unshare(2) knows.

What none of them can do is Unavailable before anything happened.  NSCORE_CLONE forces one.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from ctypes import addressof, byref, c_int, sizeof

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.afterfork import alone, glibc, hooked, tid_address
from nscore.linux.calls import capget, close, pidfd_open, recvmsg, sendmsg, setns, socketpair, unshare
from nscore.linux.calls.syscall import failure, holding_gil, syscall
from nscore.linux.masked import blocked
from nscore.linux.numbers import ARCH, CLONE_ARGUMENTS, NUMBERS
from nscore.linux.structs import clone_args

if TYPE_CHECKING:
    from collections.abc import Callable

SIGCHLD = 17
SYS_ADMIN = 1 << 21
#: sched.h, for whom nscore.flags is too much to import.
VM, FS, FILES, SIGHAND, PIDFD, VFORK, PARENT, THREAD = 0x100, 0x200, 0x400, 0x800, 0x1000, 0x4000, 0x8000, 0x10000
NEWNS, SETTLS, CHILD_CLEARTID, CHILD_SETTID = 0x20000, 0x80000, 0x200000, 0x1000000
INTO_CGROUP = 0x200000000
NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000

#: What two Python processes cannot share: memory, and with it the interpreter; the table and the handlers that its parts rely on.
SHARED = VM | FILES | SIGHAND | THREAD
#: kernel/fork.c:copy_process: (all of these together, none of those) is EINVAL before anything is shared.
REFUSED = (
    (NEWNS | FS, 0),
    (NEWUSER | FS, 0),
    (THREAD, SIGHAND),
    (SIGHAND, VM),
    (THREAD | NEWUSER, 0),
    (THREAD | NEWPID, 0),
)
#: What the child of a fork can leave by itself; NEWPID is for its parent to unshare.
LEFT_BY_CHILD = NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWNET
#: The low byte of clone's flags is the exit signal; clone3 refuses it but for NEWTIME.
CSIGNAL = 0xFF

GLIBC = glibc()
_CLONE3 = holding_gil(2)
_CLONE = holding_gil(5)
#: What is known of clone3: whether it "answers" or is "filtered", with EPERM or ENOSYS in its stead.
_clone3: list[str] = []

Born = tuple[int, "int | None"]
#: In the child.
BORN: Born = 0, None


def clone(flags: int, exit_signal: int = SIGCHLD, set_tid: tuple[int, ...] = ()) -> Born:
    """clone3(2) by the first way that is sound here: 0 in the child, its PID and (with PIDFD) a pidfd in the parent."""
    return WAYS[way()](flags, exit_signal, set_tid)


def way() -> str:
    """The way that clone() takes now."""
    if FORCED:
        return FORCED
    if not GLIBC or not tid_address():
        return "fork"
    return "raw" if alone() else "helper"


def check_sharing(flags: int) -> None:
    """Unavailable for what two Python processes cannot share, unless the kernel refuses the flags in any case."""
    if not flags & (SHARED | SETTLS) or any(flags & have == have and not flags & lack for have, lack in REFUSED):
        return
    raise Unavailable(f"clone: flags {flags & (SHARED | SETTLS):#x}: two Python processes cannot share memory, descriptors or handlers")


def raw(flags: int, exit_signal: int, set_tid: tuple[int, ...], enter: Callable[..., int] = hooked) -> Born:
    """The call itself.  The process has one thread, or its others sleep in system calls.

    enter makes it; unhooked is for a child that does nothing but exec or end, and has nobody's code run in it before that.
    """
    key = flags, exit_signal, set_tid, get_ident()
    prepared = _prepared.get(key) or _prepare(*key)
    if "filtered" in _clone3:
        return _clone(flags, exit_signal, set_tid, enter)
    pid = enter(*prepared.call)
    if pid == 0:
        return BORN
    if pid < 0:
        return _refused(failure("clone3"), flags, exit_signal, set_tid, enter)
    if not _clone3:
        _clone3.append("answers")
    return pid, prepared.pidfd.value if flags & PIDFD else None


def unhooked(call: Callable[..., int], *args: object) -> int:
    """Make it, and leave the interpreter of the child as it is."""
    return call(*args)


def prepare(flags: int, exit_signal: int) -> None:
    """Have all ready for such a call of raw() in this thread, or in a fork of it: what is not made there need not be copied."""
    key: tuple[int, int, tuple[int, ...], int] = flags, exit_signal, (), get_ident()
    if key not in _prepared:
        _prepare(*key)


class Prepared:
    """clone3's arguments for a thread.  What is not touched again around a clone need not be copied by it: they are kept."""

    __slots__ = ("args", "call", "numbers", "pidfd", "told")

    def __init__(self, flags: int, exit_signal: int, set_tid: tuple[int, ...], tid: int) -> None:
        self.numbers = (c_int * len(set_tid))(*set_tid)
        self.pidfd, self.told = c_int(-1), c_int()
        flags |= CHILD_SETTID | CHILD_CLEARTID if tid else 0
        self.args = clone_args(flags, addressof(self.pidfd), tid, addressof(self.told), exit_signal)
        if set_tid:
            self.args.set_tid, self.args.set_tid_size = addressof(self.numbers), len(set_tid)
        self.call = (_CLONE3, NUMBERS["clone3"], byref(self.args), sizeof(self.args))


_prepared: dict[tuple[int, int, tuple[int, ...], int], Prepared] = {}


def _prepare(flags: int, exit_signal: int, set_tid: tuple[int, ...], ident: int) -> Prepared:
    check_sharing(flags)
    prepared = Prepared(flags, exit_signal, set_tid, tid_address() if GLIBC else 0)
    if not set_tid:
        _prepared[flags, exit_signal, set_tid, ident] = prepared
    return prepared


def _refused(error: OSError, flags: int, exit_signal: int, set_tid: tuple[int, ...], enter: Callable[..., int]) -> Born:
    """Raise error, unless it may come from a filter that knows clone alone: EPERM is believed once clone says so too."""
    if error.errno not in (1, 38) or set_tid or flags >> 32 or _clone3:
        raise error
    born = _clone(flags, exit_signal, set_tid, enter)
    if born[0]:
        _clone3.append("filtered")
    return born


def _clone(flags: int, exit_signal: int, set_tid: tuple[int, ...], enter: Callable[..., int]) -> Born:
    """clone(2) with clone3's meaning, where that is filtered."""
    if set_tid or flags >> 32:
        raise Unavailable("clone: set_tid and flags of 64 bits need clone3, which is missing or filtered here")
    if flags & CSIGNAL or not 0 <= exit_signal <= 64 or (exit_signal and flags & (PARENT | THREAD)):
        raise OSError(22, "clone: Invalid argument")
    pidfd, tid = c_int(-1), tid_address() if GLIBC else 0
    extra = CHILD_SETTID | CHILD_CLEARTID if tid else 0
    named = {"flags": flags | extra | exit_signal, "stack": 0, "parent_tid": addressof(pidfd), "child_tid": tid, "tls": 0}
    pid = enter(_CLONE, NUMBERS["clone"], *[named[name] for name in CLONE_ARGUMENTS[ARCH]])
    if pid < 0:
        raise failure("clone")
    return pid, pidfd.value if pid and flags & PIDFD else None


def thread_refusal() -> OSError:
    """Why a thread could not be created.  pthread_create has an error of its own for what clone says, and Python none at all.

    A descriptor of a cgroup that is not open is looked at last, so that this creates nothing.
    """
    args = clone_args(flags=VM | FS | FILES | SIGHAND | THREAD | INTO_CGROUP, cgroup=0x7FFFFFFF)
    try:
        syscall("clone3", byref(args), sizeof(args))
    except OSError as error:
        number = error.errno if error.errno not in (None, 9) else 11  # EBADF: it would succeed now
    return OSError(number, f"clone3: {os.strerror(number)}")


def helper(flags: int, exit_signal: int, set_tid: tuple[int, ...], born: Callable[[], int] = os.fork) -> Born:
    """By a process that born() makes: the child is the caller's, its PID one later than the helper's."""
    from contextlib import suppress  # here: it brings so much along that a small interpreter would take twice as long to start

    check_sharing(flags)
    if exit_signal != SIGCHLD and not flags & PARENT:
        raise Unavailable("clone: a process with threads clones by a helper, whose exit signal the child inherits: SIGCHLD")
    if born is os.fork and os.readlink("/proc/thread-self/ns/pid") != os.readlink("/proc/thread-self/ns/pid_for_children"):
        raise Unavailable("clone: in a process with threads, after unshare or setns of a PID namespace, the helper would be its init")
    ours, theirs = socketpair(1, 5 | 0o2000000)
    pid = born()
    if pid == 0:
        if _help(theirs, flags, set_tid) == 0:
            close(ours)
            close(theirs)
            return 0, None
        os._exit(0)
    close(theirs)
    try:
        data, rights, _, _ = recvmsg(ours, 8, 0x40000000)
    finally:
        close(ours)
        with suppress(ChildProcessError):  # the application's waitpid(-1) may have met it
            os.waitpid(pid, 0)
    if not data:
        raise Unavailable("clone: the helper died")
    return _handed(int.from_bytes(data, sys.byteorder, signed=True), rights, flags)


def _help(theirs: int, flags: int, set_tid: tuple[int, ...]) -> int:
    """In the helper, and its child: clone and tell."""
    try:
        pid, pidfd = raw(flags | PARENT | PIDFD, 0, set_tid)
    except OSError as error:
        pid, pidfd = -(error.errno or 0), None
    if pid:
        sendmsg(theirs, pid.to_bytes(8, sys.byteorder, signed=True), (pidfd,) if pidfd is not None else ())
    return pid


def _handed(pid: int, rights: tuple[int, ...], flags: int) -> Born:
    if pid < 0:
        raise OSError(-pid, f"clone3: {os.strerror(-pid)}")
    if flags & PIDFD:
        return pid, rights[0]
    for fd in rights:
        close(fd)
    return pid, None


def fork(flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> Born:
    """By os.fork(): NEWPID around it, other namespaces left by the child."""
    check_sharing(flags)
    if exit_signal != SIGCHLD or set_tid or flags & ~(LEFT_BY_CHILD | NEWPID | PIDFD):
        raise Unavailable(
            "clone: by os.fork() there is no other exit signal, no set_tid, and no flag but NEW* (NEWUSER excepted) and PIDFD"
        )
    ours, theirs = os.pipe()
    # A handler that forked between unshare and setns would make the new namespace's init.
    pid = blocked(lambda: _forked(flags, theirs))
    if pid == 0:
        os.close(ours)
        return 0, None
    os.close(theirs)
    with open(ours, "rb") as pipe:
        failed = pipe.read()
    if failed:
        os.waitpid(pid, 0)
        raise OSError(failed[0], f"clone: {os.strerror(failed[0])}")
    return pid, pidfd_open(pid) if flags & PIDFD else None


def _forked(flags: int, theirs: int) -> int:
    pid = _forked_into_new() if flags & NEWPID else os.fork()
    if pid == 0:
        _leave(flags & LEFT_BY_CHILD, theirs)
    return pid


def _forked_into_new() -> int:
    own = os.open("/proc/thread-self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check_return(own)
        unshare(NEWPID)
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid:
                setns(own, NEWPID)  # so that the next child is none of the new namespace's, where this one could not be made either
    finally:
        os.close(own)
    return pid


def _check_return(own: int) -> None:
    """Unavailable where unshare(2) is permitted, by a user namespace that does not own the PID namespace, and setns(2) back is not."""
    try:
        setns(own, NEWPID)
    except PermissionError:
        if capget()[0] & SYS_ADMIN:
            raise Unavailable("clone: by os.fork() the caller could not go back to its PID namespace, as another user owns it") from None


def _leave(flags: int, theirs: int) -> None:
    """In the child: unshare the rest, or tell why not and end."""
    try:
        if flags:
            unshare(flags)
    except OSError as error:
        os.write(theirs, bytes((error.errno or 0,)))
        os._exit(0)
    os.close(theirs)


WAYS: dict[str, Callable[[int, int, tuple[int, ...]], Born]] = {"raw": raw, "helper": helper, "fork": fork}
#: Read once: a look into os.environ would copy as much memory around a clone as all the rest here.
FORCED = os.environ.get("NSCORE_CLONE", "")
if FORCED and FORCED not in WAYS:
    raise ValueError(f"NSCORE_CLONE: {FORCED!r} is none of {', '.join(WAYS)}")
