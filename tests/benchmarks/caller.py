"""`python3 -m tests.benchmarks.caller MB THREADS`: a process with so much more memory and so many other threads, which runs commands.

For each line of ways it makes a round of runs and prints what they took, in µs: {way: [after a rest, back to back, back to back]}.
For the line "tree N" it kills a tree of N processes twice: [by kill_all() and wait(), by a bare kill of the init].
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time

from nscore.running import Popen, run

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between runs, for the figures at rest.
REST = 0.002

#: The tree tells when it stands.
TREE = """
import os, signal, sys
for _ in range(int(sys.argv[1]) - 1):
    if os.fork() == 0:
        signal.pause()
os.write(1, b"r")
signal.pause()
"""


def fork_exec() -> None:
    """What an ordinary user pays at least."""
    pid = os.fork()
    if pid == 0:
        os.execvp("true", ["true"])
    os.waitpid(pid, 0)


WAYS: dict[str, Callable[[], object]] = {
    "subprocess": lambda: subprocess.run(["true"], check=False),
    "run": lambda: run(["true"]),
    "bare": lambda: run(["true"], init=False, proc=False),
    "unshare": lambda: subprocess.run(["unshare", "-fp", "--mount-proc", "true"], check=False),
    "fork": fork_exec,
}


def timed(work: Callable[[], object]) -> float:
    """Microseconds of one run."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e6


def round_of(names: list[str], number: int) -> dict[str, list[float]]:
    """Each way after a rest; then each three times in a row, of which the last two count.  Another one comes first in each round."""
    took: dict[str, list[float]] = {name: [] for name in names}
    first = number % len(names)
    names = names[first:] + names[:first]
    for name in names:
        time.sleep(REST)
        took[name].append(timed(WAYS[name]))
    for name in names:
        WAYS[name]()
        took[name] += [timed(WAYS[name]) for _ in range(2)]
    return took


def killed(size: int, bare: bool) -> float:
    """Microseconds until nothing is left of a tree of so many processes."""
    command = [sys.executable, "-I", "-S", "-c", TREE, str(size)]
    with Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.init is not None
        process.stdout.read(1)
        time.sleep(0.05)
        start = time.perf_counter()
        if bare:
            signal.pidfd_send_signal(process.init, signal.SIGKILL)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            poll = select.poll()
            poll.register(process.init, select.POLLIN)
            os.waitid(os.P_PID, process.pid, os.WEXITED)
            poll.poll()
        else:
            process.kill_all()
            process.wait()
        return (time.perf_counter() - start) * 1e6


def main(megabytes: int, threads: int) -> None:
    """Serve until there is nobody to ask."""
    ballast = bytearray(megabytes << 20)
    for at in range(0, len(ballast), 4096):
        ballast[at] = 1
    for _ in range(threads):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    for number, line in enumerate(sys.stdin):
        words = line.split()
        if words[0] == "tree":
            size = int(words[1])
            print(json.dumps([killed(size, False), killed(size, True)]), flush=True)
        else:
            print(json.dumps(round_of(words, number)), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
