"""Process: the calls of a process that does only what it is told; Pending: a call of it that has not returned.

Every call begins in a settled machine.  One that has not returned when the machine is settled again raises Blocked and stays as
process.pending; it ends by what ends it in Linux.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Concatenate, Generic, NoReturn, ParamSpec, Protocol, TypeVar, cast

from nscore.errors import Blocked, Errno, Gone
from nscore.flags import CloneFlag, Signal
from nscore.interface.backend import Args, Driven, Fate, Outcome
from nscore.interface.caller import DECLARED, Declaration, Record, declaration
from nscore.interface.calls import Calls
from nscore.interface.syscalls import _status, clone_arguments, created, exec_arguments
from nscore.results import Siginfo

P = ParamSpec("P")
R = TypeVar("R")

PENDING, GONE = Fate.PENDING, Fate.GONE
THREAD = int(CloneFlag.THREAD)

#: Calls that move nothing, so that the next call need not settle first: getters, and reads of what is there.
QUIET = frozenset(
    (
        *("getpid", "gettid", "getppid", "getpgid", "getsid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "capget"),
        *("sigpending", "uname", "monotonic", "getcwd", "readlink", "listdir", "access", "stat", "fstat", "pread"),
        *("ns_get_nstype", "ns_get_owner_uid", "ns_get_pid_from_pidns", "ns_get_tgid_from_pidns"),
        *("ns_get_pid_in_pidns", "ns_get_tgid_in_pidns", "pidfd_get_info"),
    )
)

#: How long a call may wait, in seconds, from its plain arguments; None: for ever.  What is not here has no limit of its own.
LIMITS: dict[str, Callable[[Args], float | None]] = {
    "sleep": lambda args: cast(int, args[0]) / 1e9,
    "poll": lambda args: cast(int, args[1]) / 1e3 if cast(int, args[1]) >= 0 else None,
    "sigtimedwait": lambda args: None if args[1] is None else cast(int, args[1]) / 1e9,
}


class Driver(Protocol):
    """What a Process needs of its Machine."""

    moved: bool
    ordinals: Iterator[int]

    @property
    def record(self) -> Record: ...
    def settle(self) -> None: ...
    def sleep(self, seconds: float) -> None: ...
    def begun(self, pending: Pending[object]) -> None: ...
    def next_limit(self) -> float | None: ...


class Pending(Generic[R]):
    """A driven call that has not returned yet."""

    __slots__ = ("_args", "_child", "_made", "_name", "_out", "_process")

    def __init__(self, process: Process, name: str, args: Args, made: Declaration | None) -> None:
        self._process, self._name, self._args, self._made = process, name, args, made
        self._out: Outcome = Fate.PENDING
        self._child: Process | None = None

    @property
    def done(self) -> bool:
        """Whether the call has returned, as of the last settle."""
        return self._out is not Fate.PENDING

    def result(self) -> R:
        """Wait for the call, letting time pass where somebody's call has a limit, and return what it returns or raise what it raises.

        Raises:
            Blocked: Nothing moves any more and nobody's time runs out.
            Gone: The process ended in the call.
        """
        machine = self._process._machine
        if not self.done:
            machine.settle()
        while not self.done:
            limit = machine.next_limit()
            if limit is None:
                raise Blocked(f"{self._name} has not returned")
            machine.sleep(limit)
            machine.settle()
        if self._out is Fate.GONE:
            raise Gone(f"the process ended in {self._name}")
        if self._made is None:
            created(self._name, self._out)
            return cast(R, self._child)
        return cast(R, self._made.returned(self._out))

    def look(self) -> bool:
        """Take the outcome if there is one: the machine asks after each settle."""
        self._out = self._process._driven.outcome()
        if self._out is Fate.PENDING:
            return False
        self._process.pending = None
        self._process._record((self._process._who, self._name, None, self._out))
        if self._child is not None and isinstance(self._out, tuple):
            self._child.pid, self._child.pidfd = cast("tuple[int, int | None]", self._out)
        return True

    @property
    def limit(self) -> float | None:
        """The seconds that the call waits at most."""
        limit = LIMITS.get(self._name)
        return limit(self._args) if limit else None


class Process(Calls):
    """A driven process, or a thread of one.

    Attributes:
        pid: Its PID as its creator sees it; 0 for a vfork child until its parent's clone returns.
        tid: A thread's id as its creator sees it; otherwise as pid.
        pidfd: The creator's descriptor of it where PIDFD was among the flags.
        pending: The call that has not returned, or None.
    """

    __slots__ = ("_driven", "_machine", "pending", "pid", "pidfd", "tid")

    def __init__(self, machine: Driver, driven: Driven, who: int, pid: int, tid: int, pidfd: int | None) -> None:
        self._task = self._driven = driven
        self._who, self._record, self._machine = who, machine.record, machine
        self.pid, self.tid, self.pidfd = pid, tid, pidfd
        self.pending: Pending[object] | None = None

    def clone(self, flags: CloneFlag | int = 0, *, exit_signal: Signal | int = Signal.CHLD, set_tid: Sequence[int] = ()) -> Process:
        """Create another driven process.

        With VFORK the child is returned at once, and the caller's clone stays as pending until the child execs or ends.

        Raises, the first that applies:
            As Syscalls.clone; Unavailable for VM, FILES and SIGHAND without THREAD on linux: two agents cannot share them.

        clone3(2), clone(2)
        """
        return self._create("clone", clone_arguments(flags, exit_signal, set_tid))

    def fork(self) -> Process:
        """Create another driven process.

        Raises, the first that applies:
            EAGAIN: RLIMIT_NPROC, or no number is free.
            ENOMEM: The PID namespace for children has lost its init.

        fork(2)
        """
        return self._create("fork", ())

    def thread(self) -> Process:
        """Create another driven thread of the process.

        Raises, the first that applies:
            EINVAL: After unshare or setns of a PID namespace.
            EAGAIN: RLIMIT_NPROC, or no number is free.

        clone(2), CLONE_THREAD; rules CREATE-14, THREAD
        """
        return self._create("thread", ())

    def execve(self, path: str, argv: Sequence[str] | None = None, env: Mapping[str, str] | None = None) -> None:
        """Replace the process's image; with machine.image it goes on being driven, with any other it is Gone.

        Args:
            argv: (path,) if None.
            env: Empty if None.

        Raises, the first that applies:
            ENOENT: path does not exist.
            ENOTDIR: A component is no directory.
            EACCES: No permission to execute it.

        execve(2)
        """
        out = self._ask("execve", exec_arguments(path, (path,) if argv is None else argv, {} if env is None else env))
        if isinstance(out, Errno):
            created("execve", out)

    def exit(self, status: int) -> None:
        """End the process, all threads of it, with the low 8 bits of status.

        _exit(2), exit_group(2)
        """
        self._end("exit", status)

    def exit_thread(self, status: int) -> None:
        """End this thread alone; the last one's status is the process's.

        exit(2); rule THREAD-05
        """
        self._end("exit_thread", status)

    def received(self) -> tuple[Siginfo, ...]:
        """Return the signals that handlers (Disposition.HANDLE) of this process have seen since the last look.  No system call."""
        self._begin("received")
        return tuple([Siginfo(*cast("tuple[int, ...]", info)) for info in self._driven.received()])

    def start(self, call: Callable[Concatenate[Calls, P], R], /, *args: P.args, **kwargs: P.kwargs) -> Pending[R]:
        """Let the process make a call, Calls.NAME, and do not wait for it.

        Raises:
            Blocked: Its last call has not returned.
            Gone: The process has ended.
        """
        made = declaration(call)
        plain = made.plain(args, kwargs)
        self._begin(made.name)
        self._driven.start(made.name, plain)
        self._machine.moved = True
        return cast("Pending[R]", self._pend(made.name, plain, made))

    def _ask(self, name: str, args: Args) -> Outcome:
        if self._machine.moved or self.pending is not None or name not in QUIET:
            self._begin(name)
        out = self._driven.call(name, args)
        if out.__class__ is Fate:
            self._fated(name, args, out)
        self._record((self._who, name, args, out))
        return out

    def _begin(self, name: str) -> None:
        """Refuse what cannot be asked, settle what has moved, and note what will."""
        machine = self._machine
        if machine.moved:
            machine.settle()
        if self._driven.gone:
            raise Gone(f"{name}: the process has ended")
        if self.pending is not None:
            raise Blocked(f"{name}: the process is still in {self.pending._name}")
        if name not in QUIET:
            machine.moved = True

    def _fated(self, name: str, args: Args, fate: Fate) -> NoReturn:
        if fate is Fate.PENDING:
            self._pend(name, args, DECLARED.get(name))
            raise Blocked(f"{name} has not returned")
        self._record((self._who, name, args, fate))
        self._machine.moved = True
        raise Gone(f"the process ended in {name}")

    def _pend(self, name: str, args: Args, made: Declaration | None) -> Pending[object]:
        self._record((self._who, name, args, Fate.PENDING))
        self.pending = pending = Pending[object](self, name, args, made)
        self._machine.begun(pending)
        return pending

    def _end(self, name: str, status: int) -> None:
        args: Args = (status if status.__class__ is int and 0 <= status < 256 else _status(status),)
        self._begin(name)
        out = self._driven.call(name, args)
        if out is PENDING:
            self._fated(name, args, PENDING)  # it is stopped
        self._record((self._who, name, args, out))

    def _create(self, name: str, args: Args) -> Process:
        self._begin(name)
        child, out = self._driven.create(name, args)
        if child is None or out is GONE:
            self._refused(name, args, out)
        pid, pidfd = (0, None) if out is PENDING else cast("tuple[int, int | None]", out)
        thread = name == "thread" or (name == "clone" and cast(int, args[0]) & THREAD)
        machine = self._machine
        process = Process(machine, child, next(machine.ordinals), self.pid if thread else pid, pid, pidfd)
        if out is not PENDING:
            self._record((self._who, name, args, out))
            return process
        self._pend(name, args, None)._child = process
        if not child.born:
            raise Blocked(f"{name} has not returned")
        return process

    def _refused(self, name: str, args: Args, out: Outcome) -> NoReturn:
        """There is no child."""
        if out is GONE:
            self._fated(name, args, GONE)
        self._record((self._who, name, args, out))
        created(name, out)
        raise AssertionError(f"{name} made no child and no error")
