"""Failures on purpose, in machines of either backend, and the cause that explain() must name."""

from __future__ import annotations

from collections.abc import Callable

from nscore import CloneFlag, IdType, Machine, OpenFlag, Prctl, Process, WaitOption
from nscore.tools import procfs

Scenario = Callable[[Machine], object]
#: The scenarios, and what each is to be explained by.
PROVOKED: dict[Scenario, str] = {}
#: Those that need more than one id, which the machine of an ordinary user does not have.
NEED_IDS: set[Scenario] = set()
#: Those that fail so, or harm nobody, since a release.
SINCE: dict[Scenario, tuple[int, int]] = {}
#: And those that fail before a release.
BEFORE: dict[Scenario, tuple[int, int]] = {}
EVER = (99, 0)

NEWPID, NEWUSER, NEWNS, NEWUTS = CloneFlag.NEWPID, CloneFlag.NEWUSER, CloneFlag.NEWNS, CloneFlag.NEWUTS
USER = 1000


def provoked(
    cause: str, ids: bool = False, since: tuple[int, int] = (0, 0), before: tuple[int, int] = EVER
) -> Callable[[Scenario], Scenario]:
    """The scenario fails, and that is the cause."""

    def note(scenario: Scenario) -> Scenario:
        PROVOKED[scenario] = cause
        SINCE[scenario], BEFORE[scenario] = since, before
        if ids:
            NEED_IDS.add(scenario)
        return scenario

    return note


# How to get there


def root_of_user(father: Process, flags: int = 0) -> Process:
    """A child in a user namespace of its own, whose root it is."""
    child = father.clone(NEWUSER | flags)
    for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
        procfs.write(child, f"/proc/self/{name}", text)
    return child


def limited(m: Machine, kind: str) -> Process:
    """One whose user namespace allows no namespaces of the kind."""
    child = root_of_user(m.init)
    procfs.write(child, f"/proc/sys/user/max_{kind}_namespaces", "0")
    return child


def ordinary(m: Machine) -> Process:
    """A user's process, without capabilities."""
    child = m.init.fork()
    child.setresgid(USER, USER, USER)
    child.setresuid(USER, USER, USER)
    return child


def dumpable(m: Machine) -> Process:
    """A user's process whose files in /proc are its own."""
    child = ordinary(m)
    child.prctl(Prctl.SET_DUMPABLE, 1)
    return child


def jail(m: Machine) -> None:
    """Chroot the machine's init to a plain directory with a /proc."""
    init = m.init
    init.mount("tmpfs", "/proc/sys", "tmpfs")
    init.mkdir("/proc/sys/root")
    init.mkdir("/proc/sys/root/proc")
    init.mount("proc", "/proc/sys/root/proc", "proc")
    init.chroot("/proc/sys/root")


def deepest(m: Machine) -> Process:
    """A process in a PID namespace below which there is none."""
    at = m.init
    for _ in range(32 - m.level):
        at = at.clone(NEWPID)
    return at


def namespace(p: Process, kind: str) -> int:
    """A descriptor of a namespace of the process."""
    return p.open(f"/proc/self/ns/{kind}", OpenFlag.RDONLY)


def zombie(m: Machine) -> int:
    """A pidfd of a child that has ended."""
    child = m.init.clone(CloneFlag.PIDFD)
    child.exit(0)
    m.settle()
    assert child.pidfd is not None
    return child.pidfd


def reaped(m: Machine) -> int:
    """A pidfd of a child that has been reaped."""
    pidfd = zombie(m)
    m.init.waitid(IdType.PIDFD, pidfd, WaitOption.EXITED)
    return pidfd


def outsider(m: Machine) -> tuple[Process, int]:
    """A process in a namespace of its own, and its pidfd of one outside."""
    pidfd = m.init.pidfd_open(1)
    return m.init.clone(NEWPID), pidfd
