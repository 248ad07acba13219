"""`python3 -m tests.benchmarks.resident MB`: a process with so much more memory in use, which does what it is asked and says what it took.

What is measured is imported late, so that the small process stays small.
"""

from __future__ import annotations

import os
import sys
from time import perf_counter

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Callable

#: How many runs of each alternate.
ROUNDS = 300


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


def clones() -> list[list[float]]:
    """clone(NEWPID)+exit+wait, and os.fork()+exit+wait, in turn.

    With as little of the package as a zygote loads: a process that has done this boots no more.
    """
    package = sys.modules["nscore"] = type(sys)("nscore")
    package.__path__ = [os.path.join(os.path.dirname(__file__), "..", "..", "nscore")]
    from nscore.linux.calls import creation

    def run() -> None:
        pid, _ = creation.clone(creation.NEWPID)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)

    run()
    pairs = [(timed(run), timed(_fork)) for _ in range(ROUNDS)]
    return [list(times) for times in zip(*pairs)]


def boot() -> float:
    """A machine, which is closed when the clock has stopped."""
    import nscore

    start = perf_counter()
    machine = nscore.boot("linux")
    took = perf_counter() - start
    machine.close()
    return took * 1e6


TASKS: dict[str, Callable[[], object]] = {
    "resident": resident,
    "fork": fork,
    "clones": clones,
    "boot": boot,
}


def main(megabytes: int) -> None:
    """Serve until there is nobody to ask."""
    ballast = bytearray(megabytes << 20)
    for at in range(0, len(ballast), 4096):
        ballast[at] = 1
    for line in sys.stdin:
        print(TASKS[line.strip()](), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
