"""Running cases: each on a fresh machine of every backend, asserted, and the traces held against each other."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.case import CASES, NEEDS, Case
from conformance.compare import comparable, differences
from conformance.divergences import DIVERGENCES, Divergence
from conformance.facts import facts
from conformance.views import read
from nscore import CloneFlag, Disposition, Machine, MountFlag, Process, Signal, boot
from nscore.errors import Errno, Gone, Unavailable

#: What a machine cannot do without a need, tried on it.
Probe = Callable[[Machine], bool]


@dataclass(slots=True)
class Result:
    """What became of a case on one backend.

    Attributes:
        failure: None where it passed.
        missing: The need that the machine lacks; the case was skipped.
        accepted: Why the case may fail, a row of divergences.py.
        lines: The trace, comparable.
        errnos: (call, errno) of every call that failed.
    """

    case: Case
    backend: str
    failure: str | None = None
    missing: str | None = None
    accepted: str | None = None
    lines: list[str] = field(default_factory=list)
    errnos: set[tuple[str, str]] = field(default_factory=set)


class Runner:
    """Boots the machines that cases need: alike on all backends, as linux has it where linux takes part."""

    def __init__(self, backends: Iterable[str]) -> None:
        self.backends = tuple(backends)
        self.like: Mapping[str, object] | None = None
        if "linux" in self.backends:
            with boot("linux") as machine:
                self.like = facts(machine)
        with self.boot(self.backends[0]) as machine:
            self.release = machine.init.uname().release
            self.lacking = tuple(need for need in NEEDS if not PROBES[need](machine))

    def boot(self, backend: str) -> Machine:
        """A fresh machine; sim's is told what linux's is like."""
        return boot("sim", like=self.like) if backend == "sim" and self.like is not None else boot(backend)

    def run(self, case: Case) -> list[Result]:
        """The case on every backend; the last result carries the difference of the traces, if there is one."""
        missing = next((need for need in case.needs if need in self.lacking), None)
        if missing:
            return [Result(case, backend, missing=missing) for backend in self.backends]
        results = [self.once(case, backend) for backend in self.backends]
        if len(results) > 1 and all(result.failure is None for result in results):
            apart = differences(results[0].lines, results[-1].lines)
            if apart:
                heading = f"the traces differ: - {results[0].backend}, + {results[-1].backend}"
                results[-1].failure = "\n".join([heading, *apart])
        for row in DIVERGENCES:
            if row.holds(case.name, self.release):
                accept(row, results)
        return results

    def once(self, case: Case, backend: str) -> Result:
        """The case on one backend."""
        result = Result(case, backend)
        with self.boot(backend) as machine:
            try:
                case.function(machine)
            except Exception:
                result.failure = f"{traceback.format_exc()}\ntrace:\n{tail(machine)}"
            result.lines = list(comparable(machine.trace, machine.image))
            result.errnos = {(call.name, call.result.name) for call in machine.trace if isinstance(call.result, Errno)}
        return result


def accept(row: Divergence, results: Sequence[Result]) -> None:
    """Let the case differ as the row says; if it does not, that is a failure."""
    for result in results:
        if result.backend == row.backend:
            result.accepted = row.reason if result.failure else None
            result.failure = None if result.failure else f"the difference that divergences.py argues for has gone: {row}"


def tail(machine: Machine, calls: int = 30) -> str:
    """The last calls of a machine."""
    return "\n".join([str(call) for call in machine.trace][-calls:])


def selected(pattern: str | None) -> list[Case]:
    """The cases whose name, family or rules contain pattern."""
    load()
    if pattern is None:
        return list(CASES)
    return [case for case in CASES if any(pattern in text for text in (case.name, case.family, *case.rules))]


def load() -> None:
    """Import every file of cases, which registers them."""
    import importlib
    import pkgutil

    import conformance.cases

    for module in pkgutil.iter_modules(conformance.cases.__path__):
        importlib.import_module(f"conformance.cases.{module.name}")


def _succeeds(call: Callable[[Process], object]) -> Probe:
    def probe(machine: Machine) -> bool:
        child = machine.init.fork()
        try:
            call(child)
        except (OSError, Unavailable, Gone):
            return False
        return True

    return probe


def _many_ids(machine: Machine) -> bool:
    child = machine.init.fork()
    try:
        child.setuid(1000)
    except OSError:
        return False
    return True


def _identity(machine: Machine) -> bool:
    return read(machine.init, "/proc/1/uid_map").split() == ["0", "0", "4294967295"]


def _pid_max_is_its_own(machine: Machine) -> bool:
    return read(machine.init.clone(CloneFlag.NEWPID), "/proc/sys/kernel/pid_max") == "4194304\n"


def _pidns(machine: Machine) -> bool:
    child = machine.init.clone(CloneFlag.NEWNS)
    try:
        child.mount("proc", "/proc", "proc", 0, "pidns=/proc/self/ns/pid")
    except OSError:
        return False
    return True


def _becomes_a_subset(machine: Machine) -> bool:
    child = machine.init.clone(CloneFlag.NEWNS)
    child.mount("proc", "/proc", "proc")
    try:
        child.mount(None, "/proc", None, MountFlag.REMOUNT, "subset=pid")
    except OSError:
        return False
    return True


def _own_number_upwards(machine: Machine) -> bool:
    parent = machine.init.fork()
    parent.setpgid(0, 0)
    parent.sigaction(Signal.USR1, Disposition.HANDLE)
    parent.clone(CloneFlag.NEWPID).kill(0, Signal.USR1)
    return [info.si_pid for info in parent.received()] == [1]


def _shared_siginfo(machine: Machine) -> bool:
    parent = machine.init.fork()
    parent.setpgid(0, 0)
    parent.sigaction(Signal.USR1, Disposition.HANDLE)
    parent.clone(CloneFlag.NEWPID)
    parent.kill(0, Signal.USR1)
    return [info.si_pid for info in parent.received()] == [0]


def _join_oneself_with_threads(child: Process) -> None:
    child.thread()
    child.setns(child.pidfd_open(child.getpid()), CloneFlag.NEWNS | CloneFlag.NEWUTS)


def _no_autoreap(machine: Machine) -> bool:
    return not _succeeds(lambda child: child.clone(1 << 34, exit_signal=0))(machine)


PROBES: dict[str, Probe] = {
    "root": _identity,
    "many_ids": _many_ids,
    "set_tid": _succeeds(lambda child: child.clone(set_tid=(200,))),
    "reboot": lambda machine: bool(machine.init.capget().effective >> 22 & 1),
    "6.14": _pid_max_is_its_own,
    "6.18": _pidns,
    "before 7.2": _becomes_a_subset,
    "before 7.3": _own_number_upwards,
    "no autoreap": _no_autoreap,
    "copied directories": _succeeds(_join_oneself_with_threads),
    "shared handlers": _succeeds(lambda child: child.clone(CloneFlag.VM | CloneFlag.SIGHAND)),
    "shared siginfo": _shared_siginfo,
}
