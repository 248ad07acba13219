"""`python3 -m tests.benchmarks.resident MB`: a process with so much more memory in use, which does what it is asked and says what it took.

What is measured is imported late, so that the small process stays small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

assert not TYPE_CHECKING or sys.platform == "linux"


def timed(run: Callable[[], object]) -> float:
    """Microseconds of one run."""
    start = perf_counter()
    run()
    return (perf_counter() - start) * 1e6


def resident() -> float:
    """VmRSS in MB."""
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) / 1024


def fork() -> float:
    """os.fork()+exit+wait."""
    return timed(_fork)


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def clone() -> float:
    """clone(NEWPID)+exit+wait."""
    from nscore.linux.calls import creation

    def run() -> None:
        pid, _ = creation.clone(creation.NEWPID)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)

    return timed(run)


def boot() -> float:
    """A machine, which is closed when the clock has stopped."""
    import nscore

    start = perf_counter()
    machine = nscore.boot("linux")
    took = perf_counter() - start
    machine.close()
    return took * 1e6


TASKS: dict[str, Callable[[], float]] = {task.__name__: task for task in (resident, fork, clone, boot)}


class Resident:
    """The far end of such a process."""

    def __init__(self, megabytes: int) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.resident", str(megabytes)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, name: str) -> float:
        """Have it do something once."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return float(json.loads(self._process.stdout.readline()))

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


def main(megabytes: int) -> None:
    """Serve until there is nobody to ask."""
    ballast = bytearray(megabytes << 20)
    for at in range(0, len(ballast), 4096):
        ballast[at] = 1
    for line in sys.stdin:
        print(json.dumps(TASKS[line.strip()]()), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
