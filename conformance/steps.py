"""What cases do again and again, through the calls of whoever does it."""

from __future__ import annotations

from conformance.views import write
from nscore import Calls, Process

#: Every capability that there may be: more bits than the kernel knows are cut off.
ALL_CAPABILITIES = (1 << 41) - 1


def reap(parent: Process, child: Process) -> None:
    """End child and wait for it."""
    child.exit(0)
    assert parent.waitpid(child.pid)[0] == child.pid


def link(calls: Calls, pid: int | str, kind: str) -> str:
    """The text of /proc/PID/ns/KIND."""
    return calls.readlink(f"/proc/{pid}/ns/{kind}")


def open_ns(calls: Calls, pid: int | str, kind: str) -> int:
    """A descriptor of /proc/PID/ns/KIND."""
    return calls.open(f"/proc/{pid}/ns/{kind}")


def enter(calls: Calls, pid: int | str, kind: str) -> None:
    """Join the namespace of that process."""
    fd = open_ns(calls, pid, kind)
    calls.setns(fd)
    calls.close(fd)


def drop(calls: Calls, *capabilities: int) -> None:
    """Give up capabilities for good, all where none is named."""
    sets = calls.capget()
    lost = sum(1 << capability for capability in capabilities) if capabilities else ALL_CAPABILITIES
    calls.capset(sets.effective & ~lost, sets.permitted & ~lost, sets.inheritable & ~lost)


def map_root(calls: Calls) -> None:
    """Become 0 in a new user namespace, from inside, as an ordinary user may: setgroups first."""
    for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
        write(calls, f"/proc/self/{name}", text)
