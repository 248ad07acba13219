"""Faults planted in the model: what linux showed in random calls (tests/lockstep/) is not what such a model shows.

The mutants of tests/mutants.py are for the cases of the rules; these are for lockstep.  `python3 -m tests.planted`, in a copy of the
project: the name of the first recording that the model there does not follow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from conformance.lockstep import play
from conformance.recording import load
from conformance.run import Runner
from tests.mutants import ROOT, Mutant, copy_project

#: What linux showed; conformance/lockstep.py says how to make it anew.
RECORDINGS = sorted((ROOT / "tests" / "lockstep").glob("*.gz"))

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


def difference(recording: Path) -> str | None:
    """Where the model leaves what linux showed, as the model | linux; None where it does not."""
    recorded = load(recording)
    runner = Runner(("sim",))
    runner.like = recorded.like
    lines = play(runner, recorded.seed, recorded.steps)[0].lines
    for ours, theirs in zip(lines, recorded.lines):
        if ours != theirs:
            return f"{ours} | {theirs}"
    return None if len(lines) == len(recorded.lines) else f"{len(lines)} lines | {len(recorded.lines)}"


def shown_by(fault: Mutant) -> str | None:
    """The name of the first recording that a model with the fault does not follow, "" where it breaks down; None if no recording does."""
    assert fault.matches() == 1, fault
    with tempfile.TemporaryDirectory(prefix="nscore-planted-") as folder:
        tree = Path(folder)
        copy_project(tree)
        fault.apply(tree)
        environment = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "tests.planted"]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout.strip() if done.returncode else None


def main() -> int:
    """Play the recordings; 1 where the model leaves one."""
    name = next((path.stem for path in RECORDINGS if difference(path) is not None), None)
    print(name or "")
    return 1 if name else 0


if __name__ == "__main__":
    sys.exit(main())
