"""Syscalls: the calls of a program, from inside the process that runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn, TypeAlias, cast

from nscore.errors import Errno, fail
from nscore.flags import THREAD_FLAGS, CloneFlag, Signal
from nscore.interface.backend import Args, Body, Outcome, Task
from nscore.interface.caller import CInt, CUint, CUlong, Record, argument_of
from nscore.interface.calls import Calls
from nscore.results import Child, Siginfo

#: What a process runs: its exit status is the int, None is 0.
Program: TypeAlias = "Callable[[Syscalls], int | None]"

_flags = argument_of(CUlong, "clone: flags")
_exit_signal = argument_of(CUint, "clone: exit_signal")
_set_tid = argument_of(Sequence[CInt], "clone: set_tid")
_status = argument_of(CInt, "exit: status")
_path = argument_of(str, "execve: path")
_strings = argument_of(Sequence[str], "execve: argv")

_running = threading.local()


class Syscalls(Calls):
    """Calls, and what only a program can do.

    Programs share nothing but what calls carry: on linux a child has a copy of its parent's memory, on sim the same objects.
    Descriptors 0 to 2 are those of the process that booted the machine on linux, /dev/null on sim; print() reaches the same on both.
    """

    __slots__ = ("_ordinals",)

    def __init__(self, task: Task, who: int, record: Record, ordinals: Iterator[int]) -> None:
        super().__init__(task, who, record)
        self._ordinals = ordinals

    def clone(
        self, program: Program, flags: CloneFlag | int = 0, *, exit_signal: Signal | int = Signal.CHLD, set_tid: Sequence[int] = ()
    ) -> Child:
        """Create a process that runs program and return its PID, as the caller sees it, and its pidfd where PIDFD is among the flags.

        Args:
            flags: CLONE_*; THREAD is for thread().
            exit_signal: What the parent is sent when the child ends.
            set_tid: The numbers to have, innermost namespace first.

        Raises, the first that applies:
            EINVAL: exit_signal beyond 64; more numbers than the child has levels; flags that exclude each other.
            EINVAL: PARENT for a namespace's init; THREAD after unshare or setns of a PID namespace.
            ENOSPC: NEWUSER: 33 levels deep, or a limit.
            EAGAIN: RLIMIT_NPROC.
            EPERM: A NEW* flag without CAP_SYS_ADMIN.
            EINVAL: NEWPID after unshare or setns of a PID namespace.
            ENOSPC: NEWPID: 32 levels deep, or a limit of namespaces.
            EINVAL: A number in set_tid that cannot be.
            EPERM: A number in set_tid without CAP_CHECKPOINT_RESTORE over its namespace.
            EEXIST: A number in set_tid that is in use.
            EAGAIN: No number is free.
            ENOMEM: The PID namespace for children has lost its init.
            EMFILE: PIDFD: no descriptor is free.

        clone3(2), clone(2); rules PREC-01, PREC-02, SETTID, ALLOC
        """
        pid, pidfd = self._clone("clone", program, *clone_arguments(flags, exit_signal, set_tid))
        return Child(pid, pidfd)

    def fork(self, program: Program) -> int:
        """Create a process that runs program and return its PID.

        Raises, the first that applies:
            EAGAIN: RLIMIT_NPROC, or no number is free.
            ENOMEM: The PID namespace for children has lost its init.

        fork(2)
        """
        return self._clone("fork", program, 0, Signal.CHLD, ())[0]

    def thread(self, program: Program) -> int:
        """Create a thread of the calling process that runs program and return its id.

        Raises, the first that applies:
            EINVAL: After unshare or setns of a PID namespace.
            EAGAIN: RLIMIT_NPROC, or no number is free.

        clone(2), CLONE_THREAD; rules CREATE-14, THREAD
        """
        return self._clone("thread", program, int(THREAD_FLAGS), 0, ())[0]

    def execve(self, path: str, argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
        """Replace the program by an executable; it returns only to raise.

        Raises, the first that applies:
            ENOENT: path does not exist.
            ENOTDIR: A component is no directory.
            EACCES: No permission to execute it.

        execve(2)
        """
        out = self._ask("execve", exec_arguments(path, argv, env))
        assert isinstance(out, Errno), "an exec that succeeds does not return"
        raise fail(out.name, "execve")

    def exit(self, status: int) -> NoReturn:
        """End the process, all threads of it, with the low 8 bits of status.

        _exit(2), exit_group(2)
        """
        self._ask("exit", (_status(status),))
        raise AssertionError("exit does not return")

    def exit_thread(self, status: int) -> NoReturn:
        """End the calling thread alone; the last one's status is the process's.

        exit(2); rule THREAD-05
        """
        self._ask("exit_thread", (_status(status),))
        raise AssertionError("exit does not return")

    def received(self) -> tuple[Siginfo, ...]:
        """Return the signals that handlers (Disposition.HANDLE) of this process have seen since the last look.  No system call."""
        return tuple([Siginfo(*cast("tuple[int, ...]", info)) for info in cast(Task, self._task).received()])

    def _clone(self, name: str, program: Program, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> tuple[int, int | None]:
        if not callable(program):
            raise TypeError(f"{name}: program must be callable, not {type(program).__name__}")
        body = body_of(program, next(self._ordinals), self._record, self._ordinals)
        out = cast(Task, self._task).clone(body, flags, exit_signal, set_tid)
        self._record((self._who, name, (flags, exit_signal, set_tid) if name == "clone" else (), out))
        return created(name, out)


def body_of(program: Program, who: int, record: Record, ordinals: Iterator[int]) -> Body:
    """What a backend runs for a program."""

    def body(task: Task) -> int | None:
        _running.program = True
        try:
            return _ended(program, Syscalls(task, who, record, ordinals))
        finally:
            _running.program = False

    return body


def _ended(program: Program, calls: Syscalls) -> int | None:
    """Run program: the status it returns or leaves by SystemExit, refused here where a process could not end with it."""
    try:
        status = program(calls)
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        status = None if end.code is None else int(end.code)
    return None if status is None else cast(int, _status(status))


def inside_program() -> bool:
    """Whether the calling thread runs a program."""
    return getattr(_running, "program", False)


def clone_arguments(flags: int, exit_signal: int, set_tid: Sequence[int]) -> tuple[int, int, tuple[int, ...]]:
    """Check clone's arguments and make them plain."""
    return cast(int, _flags(flags)), cast(int, _exit_signal(exit_signal)), cast("tuple[int, ...]", _set_tid(set_tid))


def exec_arguments(path: str, argv: Sequence[str], env: Mapping[str, str]) -> Args:
    """Check execve's arguments and make them plain: the path, the arguments and NAME=VALUE strings."""
    if not isinstance(env, Mapping):
        raise TypeError(f"execve: env must be a mapping, not {type(env).__name__}")
    return _path(path), _strings(argv), tuple([f"{_path(name)!s}={_path(value)!s}" for name, value in env.items()])


def created(name: str, out: Outcome) -> tuple[int, int | None]:
    """The outcome of a creation: (pid, pidfd or None), or its OSError."""
    if isinstance(out, Errno):
        raise fail(out.name, name)
    return cast("tuple[int, int | None]", out)
