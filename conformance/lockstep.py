"""Lockstep: the same random calls on every backend, every result and every view compared after every step.

`python3 -m conformance.lockstep [--seed N...] [--steps N] [--backend NAME]`.  A failure is shrunk and printed as a case to paste.  What a
step is depends on the seed and on what the machines have shown so far, which is the same on all of them as long as they agree.

`--record FOLDER` keeps what the first backend shows, a file a seed.  tests/lockstep/ holds what linux shows; where kinds.py draws other
steps, or the views show more, make it anew: `python3 -m conformance.lockstep --backend linux --seed 5 6 7 8 --record tests/lockstep`.
"""

from __future__ import annotations

import argparse
import errno
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from conformance.compare import Symbols, comm_of, symbolic, text
from conformance.kinds import KINDS, RESULT, Action, Population, kind_of
from conformance.recording import Recording
from conformance.run import Runner
from nscore import Blocked, Gone, Machine, OpenFlag, Process, Siginfo, Signal
from nscore.errors import LINUX, Unavailable
from nscore.interface.process import QUIET, Pending

#: Errors by the numbers that they have here: what is recorded is compared on other systems too.
NAMES = {**errno.errorcode, **{getattr(errno, name, number): name for name, number in LINUX.items()}}


@dataclass(slots=True)
class Counts:
    """What a run was made of."""

    kinds: Counter[str] = field(default_factory=Counter)
    errnos: Counter[str] = field(default_factory=Counter)
    blocked: int = 0
    changed: int = 0
    calls: int = 0


class Lane:
    """One machine and its processes, by the order in which they were made."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.processes: list[Process | None] = [machine.init]
        #: The calls that have not returned, by who made them.
        self.blocked: dict[int, Pending[object]] = {}

    def act(self, action: Action, before: object) -> object:
        """Do it and return what came of it, comparable."""
        process = self.processes[action.who]
        if process is None:
            return "gone"
        args = tuple([before if arg is RESULT else arg for arg in action.args])
        result = outcome(partial(getattr(process, action.name), *args, **action.options))
        if result == "gone":
            self.processes[action.who] = None
        elif result == "blocked" and process.pending is not None:
            self.blocked[action.who] = process.pending
        elif isinstance(result, Process):
            self.processes.append(result)
            return ("process", result.pid, result.tid, result.pidfd)
        elif action.name == "received" and isinstance(result, tuple):
            # How many deaths a SIGCHLD stands for is a race that the parent may win.
            return tuple(sorted(str(info) for info in result if isinstance(info, Siginfo) and info.si_signo != Signal.CHLD))
        return result

    def comparable(self, result: object) -> object:
        """A result without what no two kernels have in common."""
        if hasattr(result, "__dataclass_fields__"):
            result = str(result)
        return symbolic(Symbols(), result, self.machine.image)

    def resumed(self) -> list[tuple[int, object]]:
        """Who has ended since the last look, and what calls have come to that were pending."""
        seen: list[tuple[int, object]] = []
        for index, process in enumerate(self.processes):
            if process is not None and process._driven.gone:
                self.processes[index] = None
                seen.append((index, "ended"))
        for index, pending in sorted(self.blocked.items()):
            if pending.done:
                del self.blocked[index]
                seen.append((index, self.comparable(outcome(pending.result))))
        return seen

    def views(self) -> list[tuple[str, bytes]]:
        """The status and the PID namespace of every process, as PID 1 sees them.

        Namespaces are compared within one look: Linux uses an inode number again some time after its namespace has gone.
        """
        init = self.machine.init
        symbols = Symbols()
        seen = []
        for name in init.listdir("/proc"):
            if name.isdigit():
                fd = init.open(f"/proc/{name}/status", OpenFlag.RDONLY)
                view = text(init.read(fd, 65536), comm_of(self.machine.image))
                init.close(fd)
                link = symbolic(symbols, init.readlink(f"/proc/{name}/ns/pid"), "")
                seen.append((name, view + str(link).encode()))
        return seen


def outcome(call: Callable[[], object]) -> object:
    """What a call returns, or in a word what it raises."""
    try:
        return call()
    except Blocked:
        return "blocked"
    except Gone:
        return "gone"
    except OSError as error:
        return f"{type(error).__name__}: [Errno {NAMES[error.errno]}]"
    except (Unavailable, TypeError) as error:
        return f"{type(error).__name__}"


@dataclass(slots=True)
class Lockstep:
    """Some machines that are told the same."""

    lanes: list[Lane]
    population: Population
    counts: Counts = field(default_factory=Counts)
    lines: list[str] = field(default_factory=list)

    def step(self, actions: Sequence[Action]) -> str | None:
        """Do the actions on every machine; where they differ, what differs."""
        before: object = None
        self.counts.kinds[kind_of(actions)] += 1
        for action in actions:
            results = [lane.act(action, before) for lane in self.lanes]
            before = results[0]
            shown = [lane.comparable(result) for lane, result in zip(self.lanes, results)]
            self.lines.append(f"{action} = {shown[0]}")
            self._count(action.name, results[0])
            if any(other != shown[0] for other in shown):
                return f"{action}: {' | '.join(map(str, shown))}"
            if isinstance(results[0], str) and (results[0] in ("gone", "blocked") or ": " in results[0]):
                break
        return self.compare()

    def compare(self) -> str | None:
        """Settle all and hold the views against each other."""
        for lane in self.lanes:
            lane.machine.settle()
        resumed = [lane.resumed() for lane in self.lanes]
        views = [lane.views() for lane in self.lanes]
        self.lines.extend(f"p{who} = {result}" for who, result in resumed[0])
        self.lines.extend(f"{name}: {view!r}" for name, view in views[0])
        self.population.update(self.lanes[0].processes, views[0])
        if any(other != resumed[0] for other in resumed):
            return f"resumed: {' | '.join(map(str, resumed))}"
        for other in views:
            if other != views[0]:
                return "\n".join(difference(views[0], other))
        return None

    def _count(self, name: str, result: object) -> None:
        self.counts.calls += 1
        if result == "blocked":
            self.counts.blocked += 1
            self.counts.changed += 1
        elif isinstance(result, str) and ": [Errno" in result:
            self.counts.errnos[result.split("[Errno ")[1].split("]")[0]] += 1
        elif name not in QUIET and name not in ("read", "poll") and result != "gone":
            self.counts.changed += 1


def difference(left: list[tuple[str, bytes]], right: list[tuple[str, bytes]]) -> list[str]:
    """Which lines of which views differ."""
    there, here = dict(left), dict(right)
    lines = []
    for name in sorted({*there, *here}, key=int):
        a, b = there.get(name, b"").splitlines(), here.get(name, b"").splitlines()
        lines += [f"/proc/{name}/status: - {x!r}" for x in a if x not in b] + [f"/proc/{name}/status: + {x!r}" for x in b if x not in a]
    return lines


def play(runner: Runner, seed: int, steps: int, keep: Sequence[int] | None = None) -> tuple[Lockstep, str | None, list[int]]:
    """steps random steps (of them only those in keep, where it is given): the machines, the difference, the steps made."""
    machines = [runner.boot(backend) for backend in runner.backends]
    lockstep = Lockstep([Lane(machine) for machine in machines], Population(seed))
    made = []
    try:
        failure = lockstep.compare()
        for number in range(steps):
            if failure is not None:
                break
            if keep is not None and number not in keep:
                continue
            made.append(number)
            rng = random.Random(seed * 1_000_003 + number)
            kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
            failure = lockstep.step(KINDS[kind][1](rng, lockstep.population))
    finally:
        for machine in machines:
            machine.close()
    return lockstep, failure, made


def shrink(runner: Runner, seed: int, steps: int, made: list[int], budget: int) -> list[int]:
    """Fewer steps that still differ."""
    size = max(1, len(made) // 2)
    while size and budget:
        for start in range(0, len(made), size):
            rest = made[:start] + made[start + size :]
            budget -= 1
            if play(runner, seed, steps, rest)[1] is not None:
                made = rest
                break
            if not budget:
                break
        else:
            size //= 2
    return made


def as_case(lockstep: Lockstep) -> str:
    """The calls, as a case's body to paste."""
    calls = [line for line in lockstep.lines if not line.split(":")[0].isdigit()]
    return "\n".join(f"    # {line}" for line in calls)


def main(argv: list[str] | None = None) -> int:
    """Run; 1 where the backends differ."""
    parser = argparse.ArgumentParser(prog="python3 -m conformance.lockstep", description="The same random calls on every backend.")
    parser.add_argument("--backend", default="both")
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--seeds", type=int, default=1, help="how many, from each --seed on")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--shrink", type=int, default=40, help="runs that may be spent on shrinking a failure")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep what the first backend shows, a file a seed")
    options = parser.parse_args(argv)
    runner = Runner(("linux", "sim") if options.backend == "both" else (options.backend,))
    total = Counts()
    for seed in (first + more for first in options.seed for more in range(options.seeds)):
        lockstep, failure, made = play(runner, seed, options.steps)
        total.kinds += lockstep.counts.kinds
        total.errnos += lockstep.counts.errnos
        total.blocked += lockstep.counts.blocked
        total.calls += lockstep.counts.calls
        total.changed += lockstep.counts.changed
        if failure is not None:
            print(f"seed {seed}, step {made[-1]}: {failure}\nshrinking ...")
            small = shrink(runner, seed, options.steps, made, options.shrink)
            lockstep, failure, _ = play(runner, seed, options.steps, small)
            print(f"steps {small}: {failure}\n{as_case(lockstep)}")
            return 1
        if options.record is not None:
            Recording(runner.like or {}, seed, options.steps, lockstep.lines).save(options.record)
    print_histogram(total)
    return 0


def print_histogram(total: Counts) -> None:
    """How often each kind and each errno came, and how many calls blocked."""
    steps = sum(total.kinds.values())
    print(", ".join(f"{kind} {100 * count / steps:.1f} %" for kind, count in total.kinds.most_common()))
    blocked, changed = (100 * count / total.calls for count in (total.blocked, total.changed))
    print(f"{total.calls} calls, {changed:.0f} % change state, {blocked:.1f} % block, {len(total.errnos)} errnos: {dict(total.errnos)}")


if __name__ == "__main__":
    sys.exit(main())
