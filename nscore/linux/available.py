"""Whether machines can be had here: it is tried, by a zygote of its own that ends with the trial."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.boot import SIM, Booted, booted, capabilities
from nscore.linux.zygotes import Zygote, facts, start

CAP_SYS_ADMIN, CAP_SYS_PTRACE = 21, 19


def tried() -> Unavailable | None:
    """None, or why a machine cannot be had."""
    zygotes: list[Zygote] = []

    def own() -> Zygote:
        zygotes.append(Zygote(start(), facts()))
        return zygotes[-1]

    try:
        machine = booted(own)
        try:
            check(machine)
        finally:
            machine.kill()
            os.close(machine.control)
            machine.close()
    except Unavailable as error:
        return error
    except (OSError, RuntimeError) as error:
        return Unavailable(f"the trial failed: {error}", f"Look at the error, {SIM}")
    finally:
        for zygote in zygotes:
            zygote.close()
    return None


def check(machine: Booted) -> None:
    """Unavailable unless settle() can see of the machine's init what it relies on."""
    for probe in PROBES:
        probe(machine.proc)


def sees_switches(proc: int) -> None:
    """The init has been switched in, so a kernel that counts has counted."""
    if not int((shown(proc, "schedstat") or "0 0 0").split()[2]):
        raise Unavailable("/proc/PID/schedstat does not count", f"It takes a kernel with CONFIG_SCHED_INFO, {SIM}")


def sees_calls(proc: int) -> None:
    """The init's syscall file can be read."""
    if not shown(proc, "syscall"):
        raise Unavailable(
            "/proc/PID/syscall of a process of one's own cannot be read", f"It takes CAP_SYS_PTRACE or a real Linux kernel, {SIM}"
        )


def keeps_sight(_: int) -> None:
    """What has changed its ids is seen by CAP_SYS_PTRACE alone."""
    have = capabilities()
    if have >> CAP_SYS_ADMIN & 1 and not have >> CAP_SYS_PTRACE & 1:
        raise Unavailable(
            "CAP_SYS_ADMIN without CAP_SYS_PTRACE loses sight of processes that change their ids", f"Add CAP_SYS_PTRACE, {SIM}"
        )


PROBES: tuple[Callable[[int], None], ...] = (sees_switches, sees_calls, keeps_sight)


def shown(proc: int, name: str) -> str:
    """The text of a file of the init's; "" if it is not there or not to be read."""
    try:
        with open(os.open(f"1/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)) as file:
            return file.read()
    except OSError:
        return ""
