"""The model: calls, processes, a million of them."""

from __future__ import annotations

import gc
import os
import statistics
import sys
import timeit
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

from nscore import CloneFlag, Process, Signal, boot
from tests.benchmarks.figure import Figure, alternate, figure, median_ratio, p10, seconds

if TYPE_CHECKING:
    from nscore_sim.task import Task


def best(statement: str, number: int, **names: object) -> float:
    """Seconds of one execution, the best of five."""
    return min(timeit.repeat(statement, globals=names, number=number, repeat=5)) / number


@figure
def sim_calls() -> list[Figure]:
    """Driven calls, traced."""
    with boot("sim") as machine:
        init = machine.init
        init.sigaction(10, 1)
        getpid = best("init.getpid()", 20_000, init=init)
        plain = best("init.kill(1, 10)", 5_000, init=init)
        enums = best("init.kill(1, sig)", 5_000, init=init, sig=Signal.USR1)
    return [
        Figure("sim: a driven getpid, traced", getpid * 1e6, 0.6, "µs", getpid * 1e6),
        Figure("sim: a driven kill with ints, traced", plain * 1e6, 6, "µs", plain * 1e6),
        Figure("sim: a driven kill with an enum, traced", enums * 1e6, 8, "µs", enums * 1e6),
    ]


def cycle(parent: Process) -> None:
    """fork, exit, wait."""
    child = parent.fork()
    child.exit(0)
    parent.waitpid(-1)


def cycles(parent: Process, number: int) -> None:
    """As many."""
    for _ in range(number):
        cycle(parent)


def os_fork() -> None:
    """The host's own."""
    if sys.platform == "linux":
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)


@figure
def sim_fork() -> list[Figure]:
    """fork+exit+wait, driven with trace and by kernel functions, of processes with numbers at two levels, the machine's and that above."""
    with boot("sim") as machine:
        init = machine.init
        for _ in range(500):
            cycle(init)
        driven = min(seconds(partial(cycles, init, 100)) / 100 for _ in range(50))
        kernel = kernel_cycle(init)
    figures = [
        Figure("sim: fork+exit+wait by kernel functions, two levels", kernel * 1e6, 10, "µs", kernel * 1e6),
        Figure("sim: fork+exit+wait driven with trace, two levels", driven * 1e6, 14, "µs", driven * 1e6),
    ]
    if sys.platform == "linux":
        theirs = statistics.median(seconds(os_fork) for _ in range(100))
        figures.append(Figure("sim: driven fork+exit+wait / os.fork+exit+wait", driven / theirs, 1 / 50, "x", driven * 1e6))
    return figures


def kernel_cycle(process: Process) -> float:
    """Seconds of fork, exit and wait by the model's own functions, as a task of process."""
    from nscore_sim.exit import do_group_exit
    from nscore_sim.fork import kernel_clone
    from nscore_sim.syscalls import TABLE

    task = process._driven.task  # type: ignore[attr-defined]
    queue, wait = task.kernel.runqueue, TABLE["waitpid"]

    def run() -> None:
        for _ in range(100):
            child, _ = kernel_clone(task, 0, 17, ())
            queue.clear()
            do_group_exit(child, 0)
            wait(task, -1, 0)

    run()
    return min(seconds(run) for _ in range(50)) / 100


@figure
def sim_scale() -> list[Figure]:
    """Ten live tasks with numbers at three levels against a million; the memory of one; the end of a namespace with 100,000."""
    from nscore_sim.fork import kernel_clone

    figures = []
    with boot("sim") as small, boot("sim") as large:
        inner = [machine.init.clone(CloneFlag.NEWPID) for machine in (small, large)]
        tracemalloc.start()
        task = inner[1]._driven.task  # type: ignore[attr-defined]
        gc.disable()
        many = 1_000_000
        for _ in range(20_000):
            kernel_clone(task, 0, 17, ())
        task.kernel.runqueue.clear()
        size = tracemalloc.get_traced_memory()[0] / 20_000
        tracemalloc.stop()
        for _ in range(many - 20_000):
            kernel_clone(task, 0, 17, ())
            task.kernel.runqueue.clear()
        gc.freeze()
        gc.enable()
        parents = [init.fork() for init in inner]
        ours, theirs = alternate(200, partial(cycles, parents[1], 20), partial(cycles, parents[0], 20))
        figures.append(Figure("sim: fork+exit+wait, 10^6 live tasks / 10", p10(ours) / p10(theirs), 1.2, "x", p10(ours) / 20e-6))
        figures.append(Figure("sim: a live task", size / 1024, 2, "KB", 0))
    figures.append(zap())
    return figures


def zap() -> Figure:
    """The end of a namespace with 100,000 members, the best of three; frozen before, as README asks for large worlds."""
    taken = min(zap_once(100_000) for _ in range(3))
    return Figure("sim: zap of 10^5, a task", taken * 1e6, 8, "µs", taken * 1e6)


def zap_once(many: int) -> float:
    """Seconds for each of many members."""
    from nscore_sim.fork import kernel_clone

    with boot("sim") as machine:
        inner = machine.init.clone(CloneFlag.NEWPID)
        task = inner._driven.task  # type: ignore[attr-defined]
        gc.disable()
        for _ in range(many):
            kernel_clone(task, 0, 17, ())
        machine.settle()
        gc.freeze()
        gc.enable()

        def end() -> None:
            inner.exit(0)
            machine.settle()

        taken = seconds(end) / many
    gc.unfreeze()
    return taken


@figure
def sim_pids() -> list[Figure]:
    """The next PID, taken and given back with the cursor moving on, where one of 4 million is free at each level, against empty spaces."""
    from nscore_sim.idr import MASK, SHIFT, SIZE
    from nscore_sim.pid import alloc_pid, free_pid

    top, free = 1 << 22, 2_000_000
    with boot("sim") as empty, boot("sim") as full:
        tasks = [machine.init._driven.task for machine in (empty, full)]  # type: ignore[attr-defined]
        for ns in (ns for task in tasks for ns in task.thread_pid.ns.path):
            ns.pid_max = top
        for ns in tasks[1].thread_pid.ns.path:
            ns.idr.blocks = {index: bytearray(b"\1" * SIZE) for index in range(top // SIZE)}
            ns.idr.blocks[free >> SHIFT][free & MASK] = 0

        def next_pids(task: Task) -> None:
            for _ in range(200):
                free_pid(alloc_pid(task, task.thread_pid.ns))

        for task in tasks:
            next_pids(task)
        ours, theirs = alternate(30, partial(next_pids, tasks[1]), partial(next_pids, tasks[0]))
    each = statistics.median(ours) / 200e-6
    return [Figure("sim: the next PID, one of 4 million free / empty", median_ratio(ours, theirs), 3, "x", each)]
