"""Who is asked for facts, and what of the facts belongs to a single call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nscore.errors import Unavailable
from nscore.flags import Capability, CloneFlag
from nscore.interface.caller import Caller
from nscore.interface.calls import Calls
from nscore.interface.process import Process
from nscore.interface.syscalls import Syscalls
from nscore.running import target
from nscore.running.facts import Facts, gathered, tried
from nscore.running.failures import Failure, errno_name
from nscore.running.target import Target

DEEPEST, FILTERS = 32, 2
INTO_CGROUP = int(CloneFlag.INTO_CGROUP)
SIGHAND, SHARED = int(CloneFlag.SIGHAND), int(CloneFlag.VM | CloneFlag.FILES | CloneFlag.THREAD | CloneFlag.PARENT)
P_PID, P_PIDFD = 1, 3


class Quiet:
    """The machine of a driven process, without its trace: what an explanation looks at is no part of the story."""

    def __init__(self, machine: Any) -> None:
        object.__setattr__(self, "machine", machine)

    def record(self, row: object) -> None:
        """Forget it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.machine, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.machine, name, value)


def asked(caller: Caller | None) -> Calls | None:
    """Whose calls find the facts: a driven process's, a program's, or the calling process's own; None where nobody can be asked."""
    if isinstance(caller, Process):
        if caller.pending is not None or caller._driven.gone:
            return None
        return Process(Quiet(caller._machine), caller._driven, caller._who, caller.pid, caller.tid, caller.pidfd)
    if isinstance(caller, Syscalls):
        return Syscalls(caller._task, caller._who, forget, caller._ordinals)  # type: ignore[arg-type]
    if isinstance(caller, Calls):
        return caller
    return own()


def own() -> Calls | None:
    """The calling process."""
    if sys.platform == "linux":
        try:
            from nscore.linux.agent import Process as Handlers
            from nscore.linux.program import LinuxTask
        except ImportError:  # in a chroot, say, where the interpreter's files cannot be reached
            return None
        return Calls(LinuxTask(Handlers("")), 0, forget)
    return None


def forget(row: object) -> None:
    """Where nothing is recorded."""


def facts_of(calls: Calls, failure: Failure) -> Facts:
    """What is known of the process whose call failed."""
    facts = gathered(calls, failure.errno)
    facts = replace(facts, target=tried(about, calls, failure, facts.shown == str(facts.pid)) or Target())
    if failure.call == "unshare" or failure.call == "clone":
        deep = failure.errno == "ENOSPC" or (failure.errno == "EINVAL" and failure.arguments.get("set_tid"))
        if deep and facts.pid_ns is not None and facts.pid_ns == facts.pid_for_children:
            facts = replace(facts, level=tried(level, calls))
    if "user" in failure.made and not (facts.capabilities or 0) >> Capability.SYS_ADMIN & 1:
        facts = replace(facts, capabilities=None, initial_user=False)
    if facts.seccomp == FILTERS and failure.errno in ("EPERM", "EACCES", "ENOSYS"):
        facts = replace(facts, filtered=tried(filtered, calls, failure) or "")
    return facts


def about(calls: Calls, failure: Failure, numbered: bool) -> Target:
    """What the call was about; numbered: whether /proc has the process's own numbers."""
    if failure.call == "waitid" and failure.number("idtype") == P_PIDFD:
        return target.of_fd(calls, failure.number("id"), numbered)
    if failure.call == "waitid" and failure.number("idtype") == P_PID and numbered:
        return target.of_pid(calls, failure.number("id"))
    path = failure.text("path")
    if failure.number("fd") >= 0 and not path:
        found = target.of_fd(calls, failure.number("fd"), numbered)
        return target.of_path(calls, found.path) if failure.call == "write" and found.path.startswith("/") else found
    if path:
        return target.of_path(calls, path)
    for name in ("pid", "tid"):
        if failure.number(name, 0) > 0 and numbered:
            return target.of_pid(calls, failure.number(name))
    return Target()


# How deep


def level(calls: Calls) -> int | None:
    """The level of the PID namespace that children are born in; asked by what makes no child, see nscore.linux.own.

    31 stands for 32 too, since clone3 takes no more than 32 numbers.
    """
    fits = fitting(calls)
    if fits is None or not fits(1) or fits(DEEPEST + 1):
        return None
    low, high = 1, DEEPEST + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low - 1


def fitting(calls: Calls) -> Callable[[int], bool] | None:
    """Whether a child has so many levels, by the caller's own way of cloning."""
    if isinstance(calls, Process):
        process = calls
        return lambda levels: not refused(lambda: process.clone(INTO_CGROUP, set_tid=(1,) * levels))
    if isinstance(calls, Syscalls):
        program = calls
        return lambda levels: not refused(lambda: program.clone(lambda sys: 0, INTO_CGROUP, set_tid=(1,) * levels))
    if sys.platform == "linux":
        from nscore.linux.own import fits

        return fits
    return None


def refused(clone: Callable[[], object]) -> bool:
    """Whether the numbers are too many: EINVAL comes before EEXIST, EPERM and, at last, EBADF of the cgroup."""
    try:
        clone()
    except OSError as error:
        return errno_name(error.errno or 0) == "EINVAL"
    return False


# Whether a filter answers

#: Calls that the kernel refuses for their arguments, and with which error, before it looks at rights: any other answer is a filter's.
PROBES: dict[str, tuple[str, Callable[[Calls, Failure], object]]] = {
    "unshare": ("EINVAL", lambda calls, failure: calls.unshare(failure.flags() | 1)),
    "setns": ("EBADF", lambda calls, failure: calls.setns(-1, failure.number("nstype", 0))),
    "mount": ("ENOENT", lambda calls, failure: calls.mount("none", "", failure.text("fstype") or None, failure.flags())),
    "umount2": ("ENOENT", lambda calls, failure: calls.umount2("")),
    "pidfd_open": ("EINVAL", lambda calls, failure: calls.pidfd_open(-1)),
    "pidfd_send_signal": ("EBADF", lambda calls, failure: calls.pidfd_send_signal(-1, 0)),
    "pidfd_getfd": ("EBADF", lambda calls, failure: calls.pidfd_getfd(-1, 0)),
    "waitid": ("EINVAL", lambda calls, failure: calls.waitid(0, 0, 0)),
    "chroot": ("ENOENT", lambda calls, failure: calls.chroot("")),
}


def filtered(calls: Calls, failure: Failure) -> str:
    """The errno with which a filter answers in the kernel's place, "" where the kernel does."""
    if failure.call == "clone":
        return filtered_clone(calls, failure)
    expected, probe = PROBES.get(failure.call, ("", None))
    if probe is None:
        return ""
    try:
        probe(calls, failure)
    except OSError as error:
        answer = errno_name(error.errno or 0)
        return "" if answer == expected else answer
    return ""


def filtered_clone(calls: Calls, failure: Failure) -> str:
    """The same of clone and clone3: CLONE_SIGHAND without CLONE_VM is refused first of all."""
    if isinstance(calls, Process):
        with suppress(Unavailable):
            try:
                calls.clone(failure.flags() & ~SHARED | SIGHAND, exit_signal=0)
            except OSError as error:
                answer = errno_name(error.errno or 0)
                return "" if answer == "EINVAL" else answer
    elif sys.platform == "linux" and not isinstance(calls, Syscalls):
        from nscore.linux.own import clone_filter

        number = clone_filter(failure.said, failure.flags())
        return errno_name(number) if number else ""
    return ""
