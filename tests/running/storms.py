"""`python3 -m tests.running.storms HOW COUNT`: commands that defend themselves, under a limit of time, HOW many times and in which loop.

Such a command makes a daemon of itself, forks in loops, ignores all signals and holds the pipes.  One that stays must be told of by
TimeoutExpired within LATE seconds of the limit, or as much later as the machine stood still, with the output so far; of one that ends and
leaves the rest behind the result must come long before it.  Either way nothing may be left then, zombies included.  What was not so is
printed as JSON, with the greatest delay.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nscore.running import CompletedProcess, TimeoutExpired, run
from tests.running.stalls import Stalls

#: Seconds that a command has, and by how many TimeoutExpired may be late.
LIMIT, LATE = 0.8, 0.1
#: Such commands that live at once, where it is more than one.
AT_ONCE = 8
#: Of so many commands one more is made that ends by itself.
LEAVES = 4
#: Seconds between the first commands: a machine of two processors kills eight storms one after the other.
APART = LIMIT / AT_ONCE
STATUS = 3

#: By its name every process that comes of it is known, zombies and those in the middle of exec included.
COMMAND = """
import os, signal, sys, time

def hop():
    "It has another PID before anybody can kill it by that."
    while True:
        if os.fork():
            os._exit(0)
        time.sleep(0.05)

def storm():
    while True:
        if os.fork() == 0:
            os.setsid()
            time.sleep(0.05)
            os._exit(0)
        time.sleep(0.05)

with open("/proc/self/comm", "w") as file:
    file.write(sys.argv[1])
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    (storm if os.fork() else hop)()
os.write(1, b"so far\\n")
os.write(2, b"and here\\n")
if sys.argv[2] == "leaves":
    os._exit(STATUS)
storm()
""".replace("STATUS", str(STATUS))

_serial = itertools.count()


def mark() -> str:
    """A word of digits, of the 15 that fit into a process's name, which nobody else has."""
    return f"{os.getpid() % 10**8:08}{next(_serial) % 10**7:07}"


def marked(word: str) -> list[int]:
    """The processes of that name, or with that word among their arguments.  It is quick, as others are timed meanwhile."""
    found, wanted = [], word.encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("comm", "cmdline"):
            try:
                file = os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
            except (FileNotFoundError, ProcessLookupError):
                break
            try:
                if wanted in os.read(file, 4096):
                    found.append(int(pid))
                    break
            except ProcessLookupError:
                break
            finally:
                os.close(file)
    return found


@dataclass
class Tally:
    """What was not as it has to be, and the greatest delay in seconds."""

    stalls: Stalls
    failures: list[str] = field(default_factory=list)
    late: float = 0.0

    def judge(self, kind: str, word: str, took: float, end: object) -> None:
        """Compare the end of a command with what it has to be."""
        left = marked(word)
        if left:
            self.failures.append(f"{kind}: {len(left)} processes are left")
        said: tuple[object, ...]
        if isinstance(end, TimeoutExpired):
            said = "stays", end.output, end.stderr
            self.late = max(self.late, took - LIMIT)
            if not 0 <= took - LIMIT <= LATE + self.stalls.longest:
                self.failures.append(f"{kind}: TimeoutExpired after {took:.3f} s")
        elif isinstance(end, CompletedProcess):
            said = "leaves" if end.returncode == STATUS else end.returncode, end.stdout, end.stderr
        else:
            said = (repr(end),)
        if said != (kind, b"so far\n", b"and here\n"):
            self.failures.append(f"{kind}: {said}")


def kinds(count: int) -> Iterator[str]:
    """Which commands to run: so many that stay, and some that do not."""
    for number in range(count):
        yield "stays"
        if number % LEAVES == 0:
            yield "leaves"


def command(kind: str) -> tuple[str, list[str]]:
    """A word for it, and the command."""
    word = mark()
    return word, [sys.executable, "-I", "-S", "-c", COMMAND, word, kind]


def one(count: int, tally: Tally) -> None:
    """One after the other."""
    work(iter(kinds(count)), tally)


def work(todo: Iterator[str], tally: Tally) -> None:
    """Run commands until there are no more."""
    for kind in todo:
        word, args = command(kind)
        start = time.monotonic()
        end: object
        try:
            end = run(args, capture_output=True, timeout=LIMIT)
        except Exception as error:
            end = error
        tally.judge(kind, word, time.monotonic() - start, end)


def threads(count: int, tally: Tally) -> None:
    """In threads."""
    todo = iter(list(kinds(count)))
    workers = [threading.Thread(target=work, args=(todo, tally)) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
        time.sleep(APART)
    for worker in workers:
        worker.join()


async def awaited(number: int, todo: Iterator[str], tally: Tally, loop: Any) -> None:
    """The same in a loop of events, by its worker of that number."""
    arun = importlib.import_module("nscore.running.aio").run
    await loop.sleep(number * APART)
    for kind in todo:
        word, args = command(kind)
        start = time.monotonic()
        end: object
        try:
            end = await arun(args, capture_output=True, timeout=LIMIT)
        except Exception as error:
            end = error
        tally.judge(kind, word, time.monotonic() - start, end)


def asyncio(count: int, tally: Tally) -> None:
    """In tasks of asyncio."""
    loop = importlib.import_module("asyncio")
    todo = iter(list(kinds(count)))

    async def everything() -> None:
        await loop.gather(*[awaited(number, todo, tally, loop) for number in range(AT_ONCE)])

    loop.run(everything())


def trio(count: int, tally: Tally) -> None:
    """In tasks of trio."""
    loop = importlib.import_module("trio")
    todo = iter(list(kinds(count)))

    async def everything() -> None:
        async with loop.open_nursery() as nursery:
            for number in range(AT_ONCE):
                nursery.start_soon(awaited, number, todo, tally, loop)

    loop.run(everything)


HOWS: dict[str, Callable[[int, Tally], None]] = {how.__name__: how for how in (one, threads, asyncio, trio)}


def main(how: str, count: str) -> None:
    """Print what was not so, as JSON; null where the loop is not installed."""
    answer: Any = None
    if importlib.util.find_spec(how) or how in ("one", "threads"):
        run(["true"])
        with Stalls() as stalls:
            tally = Tally(stalls)
            HOWS[how](int(count), tally)
        answer = {"failures": tally.failures, "late": tally.late, "stalled": stalls.longest}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
