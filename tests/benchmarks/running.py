"""run() and Popen against subprocess, unshare(1), fork and exec, and a bare kill: as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tests.benchmarks.figure import Figure, figure, median_ratio
from tests.check import Skipped
from tests.running.ordinary import HERE, Place, as_nobody, needs_namespaces

assert not TYPE_CHECKING or sys.platform == "linux"

#: The large caller, in MB beside what the interpreter takes; and the threads of the threaded one.
LARGE, THREADS = 1024, 50
ROUNDS, WARM = 150, 5
#: The tree to be killed, and how often.
TREE, KILLS = 1000, 9

REST, BACK = "at rest", "back to back"
#: What a caller's runs took, in µs, by way and pace.
Times = dict[str, dict[str, list[float]]]


class Caller:
    """A process that runs commands when it is asked to."""

    def __init__(self, place: Place, megabytes: int = 0, threads: int = 0) -> None:
        words = ("tests.benchmarks.caller", str(megabytes), str(threads))
        self._process = place.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words: str) -> Any:
        """What it answers."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@contextmanager
def callers(place: Place, *sizes: tuple[int, int]) -> Iterator[list[Caller]]:
    """Callers of so many megabytes and threads."""
    with ExitStack() as stack:
        started = [Caller(place, *size) for size in sizes]
        for caller in started:
            stack.callback(caller.close)
        yield started


def measured(processes: list[Caller], *ways: str, rounds: int = ROUNDS) -> list[Times]:
    """Rounds of runs by those ways in each of the processes, in turn."""
    times: list[Times] = [{way: {REST: [], BACK: []} for way in ways} for _ in processes]
    for number in range(rounds + WARM):
        for process, took in zip(processes, times):
            for way, (first, *others) in process.ask(*ways).items():
                if number >= WARM:
                    took[way][REST].append(first)
                    took[way][BACK].extend(others)
    return times


def against(name: str, times: Times, ours: str, theirs: str, aims: tuple[float, float]) -> list[Figure]:
    """One way against another, at rest and back to back."""
    return [
        Figure(f"{name}, {pace}", median_ratio(times[ours][pace], times[theirs][pace]), aim, "x", statistics.median(times[ours][pace]))
        for pace, aim in zip((REST, BACK), aims)
    ]


def grown(name: str, small: Times, large: Times, way: str) -> list[Figure]:
    """A way in another caller against the same in a small one."""
    return [
        Figure(f"{name}, {pace}", median_ratio(large[way][pace], small[way][pace]), 1.2, "x", statistics.median(large[way][pace]))
        for pace in (REST, BACK)
    ]


def unprivileged() -> bool:
    """Whether nothing of root's can be measured; that is said."""
    if os.geteuid():
        print("skipped, run as root: this is an ordinary user", file=sys.stderr)
    return os.geteuid() != 0


@figure
def running_root() -> list[Figure]:
    """As root, in a small caller; and that its memory and its threads cost nothing."""
    if unprivileged():
        return []
    with callers(HERE, (0, 0), (LARGE, 0), (0, THREADS)) as processes:
        small, large, threaded = measured(processes, "subprocess", "run", "bare", "unshare")
    return [
        *against("run / subprocess.run", small, "run", "subprocess", (1.45, 1.55)),
        *against("run / unshare -fp --mount-proc", small, "run", "unshare", (0.6, 0.6)),
        *against("run(init=False, proc=False) / subprocess.run", small, "bare", "subprocess", (1.15, 1.15)),
        *grown(f"run at {LARGE} MB / at 20 MB", small, large, "run"),
        *grown(f"run(init=False, …) at {LARGE} MB / at 20 MB", small, large, "bare"),
        *grown(f"run beside {THREADS} threads / alone", small, threaded, "run"),
        *grown(f"run(init=False, …) beside {THREADS} threads / alone", small, threaded, "bare"),
    ]


@figure
def running_tree() -> list[Figure]:
    """As root: the end of a tree of 1,000."""
    if unprivileged():
        return []
    with callers(HERE, (0, 0)) as (caller,):
        ours, bare = zip(*[caller.ask("tree", str(TREE)) for _ in range(KILLS)])
    return [Figure(f"kill of a tree of {TREE} / of its init", median_ratio([*ours], [*bare]), 1.1, "x", statistics.median(ours))]


@figure
def running_nobody() -> list[Figure]:
    """As an ordinary user, who needs two forks: against one and exec, and in a large caller, whose forks are slow."""
    try:
        with as_nobody() as place:
            needs_namespaces(place)
            with callers(place, (0, 0), (LARGE, 0)) as processes:
                small, large = measured(processes, "subprocess", "fork", "run", rounds=ROUNDS // 2)
    except Skipped as why:
        print(f"skipped, run as nobody: {why}", file=sys.stderr)
        return []
    middle = statistics.median(large["run"][REST])
    return [
        *against("nobody: run / os.fork + exec", small, "run", "fork", (1.6, 2.0)),
        Figure(f"nobody: run at {LARGE} MB, {REST}", middle / 1000, 15, "ms", middle),
    ]
