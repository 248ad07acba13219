"""The Linux backend: calls, clones, driving, settling and booting, each against the least that the kernel lets it cost."""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from nscore import boot
from nscore.backends import available
from tests.benchmarks.figure import Figure, alternate, figure, median_ratio, p10

assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform == "linux":
    from nscore.linux.settle import SCHEDSTAT, STAT, SYSCALL
    from nscore.linux.world import LinuxWorld
    from tests.benchmarks.resident import ROUNDS

#: The large process, in MB beside what the interpreter takes.
LARGE = 1024


class Resident:
    """The far end of such a process."""

    def __init__(self, megabytes: int) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.resident", str(megabytes)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, name: str) -> float:
        """Have it do something once."""
        return cast(float, self.asked(name))

    def asked(self, name: str) -> object:
        """What it answers."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@contextmanager
def residents(*megabytes: int) -> Iterator[list[Resident]]:
    """Such processes, for as long as they are asked."""
    processes = [Resident(size) for size in megabytes]
    try:
        yield processes
    finally:
        for process in processes:
            process.close()


def usable() -> bool:
    """Whether there is a kernel to measure; otherwise it is said."""
    why = available("linux")
    if why is not None:
        print(f"skipped, linux: {why}", file=sys.stderr)
    return why is None


@figure
def linux_calls() -> list[Figure]:
    """A getter by nscore.linux.calls."""
    if not usable():
        return []
    from nscore.linux.calls import getppid

    many = range(2000)
    ours, theirs = alternate(50, lambda: [getppid() for _ in many], lambda: [os.getppid() for _ in many])
    return [Figure("linux: raw getppid / os.getppid", median_ratio(ours, theirs), 1.6, "x", statistics.median(ours) / len(many) * 1e6)]


@figure
def linux_clone() -> list[Figure]:
    """clone(NEWPID)+exit+wait, in a small and in a large process; by the tenth percentile, which noise reaches least."""
    if not usable():
        return []
    figures = []
    with residents(0, LARGE) as processes:
        for process in processes:
            ours, theirs = cast("list[list[float]]", process.asked("clones"))
            name = f"linux: clone(NEWPID)+exit+wait / os.fork, {process.ask('resident'):.0f} MB"
            figures.append(Figure(name, p10(ours) / p10(theirs), 1.05, "x", p10(ours)))
    return figures


@figure
def linux_boot() -> list[Figure]:
    """boot(), in a small and in a large process."""
    if not usable():
        return []
    with residents(0, LARGE) as (small, large):
        times: dict[str, list[float]] = {"small": [], "fork": [], "large": []}
        for _ in range(5):
            small.ask("boot"), large.ask("boot")
        for _ in range(ROUNDS // 3):
            times["small"].append(small.ask("boot"))
            times["large"].append(large.ask("boot"))
            times["fork"].append(small.ask("fork"))
        sizes = small.ask("resident"), large.ask("resident")
    name = f"linux: boot / os.fork+exit+wait, {sizes[0]:.0f} MB"
    return [
        Figure(name, median_ratio(times["small"], times["fork"]), 3, "x", statistics.median(times["small"])),
        Figure(
            f"linux: boot at {sizes[1]:.0f} MB / at {sizes[0]:.0f} MB",
            median_ratio(times["large"], times["small"]),
            1.2,
            "x",
            statistics.median(times["large"]),
        ),
    ]


@figure
def linux_driven() -> list[Figure]:
    """A driven getpid against a ping-pong of packets between two processes; all on one processor, else it is the scheduler's luck."""
    if not usable():
        return []
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        return [driven_on_one()]
    finally:
        os.sched_setaffinity(0, processors)


def driven_on_one() -> Figure:
    """The same in a process on one."""
    many = range(200)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        pong(theirs.fileno())
    theirs.close()
    ping = ours.fileno()

    def bare() -> None:
        for _ in many:
            os.write(ping, b"x" * 20)
            os.read(ping, 8192)

    with boot("linux") as machine:
        init = machine.init
        driven, packets = alternate(60, lambda: [init.getpid() for _ in many], bare)
    ours.close()
    os.waitpid(pid, 0)
    each = statistics.median(driven) / len(many) * 1e6
    return Figure("linux: a driven getpid, traced / a bare ping-pong", median_ratio(driven, packets), 1.3, "x", each)


def pong(fd: int) -> None:
    """Send back what comes until nobody sends."""
    while data := os.read(fd, 8192):
        os.write(fd, data)
    os._exit(0)


@figure
def linux_settle() -> list[Figure]:
    """settle() against the reads that two looks need."""
    if not usable():
        return []
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    try:
        return [one for tasks in (3, 10, 100) for one in settled(tasks)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def settled(tasks: int) -> list[Figure]:
    """The figures for so many tasks: against the preads alone, and against all system calls of two looks."""
    with boot("linux") as machine:
        for _ in range(tasks - 1):
            machine.init.fork()
        world = cast("LinuxWorld", machine._world)
        world.settle(10)
        files = [(thread.stat, thread.schedstat, thread.syscall) for thread in world.scan.threads]
        assert len(files) == tasks

        def bare() -> None:
            for _ in range(2):
                for stat, schedstat, syscall in files:
                    os.pread(stat, STAT, 0)
                    os.pread(schedstat, SCHEDSTAT, 0)
                    os.pread(syscall, SYSCALL, 0)

        def listed() -> None:
            for _ in range(2):
                os.listdir(world.machine.proc)
                os.kill(0, 0)
            bare()

        ours, theirs, whole = alternate(ROUNDS, lambda: world.settle(10), bare, listed)
    each = statistics.median(ours) * 1e6
    return [
        Figure(f"linux: settle of {tasks} tasks / two passes of bare preads", median_ratio(ours, theirs), 1.2, "x", each),
        Figure(f"linux: settle of {tasks} tasks / the same and the listings", median_ratio(ours, whole), 1.2, "x", each),
    ]
