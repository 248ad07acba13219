"""Ten faults planted in the model: what a real kernel does in random calls shows each of them.

Lockstep's steps depend on a seed and on what the machine has shown.  For each fault there is a seed for which a model that has it shows
something else than one that has not, whose lines are linux's own.  (The mutants of tests/mutants.py are for the cases of the rules.)

`python3 -m tests.planted LIKE`, in a copy of the project: a digest of what the model there shows, a line a seed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from conformance.lockstep import play
from conformance.run import Runner
from tests.mutants import ROOT, Mutant, copy_project

#: Seeds that are tried, that one first in which a fork fails, and the steps of each.
SEEDS, STEPS = (5, 1, 2, 3, 4, *range(6, 25)), 500

FAULTS = (
    Mutant("ALLOC-03", "pid.py", "at.idr.remove(number)", "at.idr.remove(number); at.idr.idr_next = number"),
    Mutant(
        "REPARENT-03",
        "exit.py",
        "while reaper.thread_pid.level == level and reaper is not father.kernel.init_task:",
        "while reaper is not father.kernel.init_task:",
    ),
    Mutant(
        "SIG-02",
        "signal.py",
        "if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE and not (force and only):",
        "if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE:",
    ),
    Mutant("INIT-02", "zap.py", "for pid in ns.idr.walk(2):", "for pid in ns.idr.walk(3):"),
    Mutant("INIT-13", "zap.py", "set_action(task.sighand, SIGCHLD, (SIG_IGN, *task.sighand.action[SIGCHLD][1:]))", "pass"),
    Mutant("INIT-14", "zap.py", "disable_pid_allocation(ns)", "pass"),
    Mutant("WAIT-01", "exit.py", "do_group_exit(task, (status & 0xFF) << 8)", "do_group_exit(task, status & 0xFF)"),
    Mutant("WAIT-09", "wait.py", "if exit_state == EXIT_ZOMBIE and p.signal.nr_threads == 1:", "if exit_state == EXIT_ZOMBIE:"),
    Mutant("EXITSIG-10", "signal.py", "if handler == SIG_IGN or flags & SA_NOCLDWAIT:", "if handler == SIG_IGN:"),
    Mutant("SETNS-02", "pid_namespace.py", "if not pidns_is_ancestor(new, task.thread_pid.ns):", "if False:"),
)


def digest(runner: Runner, seed: int) -> str:
    """Of all that the runner's machine shows in the steps of a seed."""
    lockstep, _, _ = play(runner, seed, STEPS)
    return hashlib.sha256("\n".join(lockstep.lines).encode()).hexdigest()


def digests(runner: Runner) -> Iterator[str]:
    """What the runner's machine shows, seed by seed."""
    for seed in SEEDS:
        yield digest(runner, seed)


class Planted:
    """The model as it is, and copies with faults."""

    def __init__(self) -> None:
        self.linux = Runner(("linux",))
        model = Runner(("sim",))
        model.like = self.linux.like
        self._digests = digests(model)
        self._known: list[str] = []

    def sound(self, place: int) -> str:
        """The digest of the model as it is, for the seed of that place."""
        while len(self._known) <= place:
            self._known.append(next(self._digests))
        return self._known[place]

    def shown(self, fault: Mutant) -> int | None:
        """The place of the first seed that shows a fault, None if no seed does."""
        assert fault.matches() == 1, fault
        with tempfile.TemporaryDirectory(prefix="nscore-planted-") as folder:
            tree = Path(folder)
            copy_project(tree)
            fault.apply(tree)
            environment = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
            command = [sys.executable, "-m", "tests.planted", json.dumps(self.linux.like)]
            model = subprocess.Popen(command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            with model:
                assert model.stdout is not None
                try:
                    return next((at for at, _ in enumerate(SEEDS) if model.stdout.readline().strip() != self.sound(at)), None)
                finally:
                    model.kill()

    def real(self, places: Collection[int]) -> dict[int, bool]:
        """Whether linux shows what the model as it is shows, for the seeds of these places."""
        seen = {}
        for at in sorted(places):
            seen[at] = digest(self.linux, SEEDS[at]) == self.sound(at)
        return seen


def main(like: str) -> None:
    """Show what the model here shows."""
    runner = Runner(("sim",))
    runner.like = json.loads(like)
    for line in digests(runner):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
