"""python3 -m tests.long [NAME...] [--scale F]: the whole of those checks of which every other run makes a small part.

Each prints its figures, with the commit that it ran on and how long it took.  What this machine cannot make is skipped, and said so.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
import traceback
from pathlib import Path

from conformance.lockstep import Counts, as_case, play, print_histogram
from conformance.run import Runner
from tests.benchmarks.__main__ import main as measure
from tests.check import CHECKS, Outcome, Skipped, check, need_linux, scaled
from tests.mutants import MUTANTS, survivors

if sys.platform == "linux":
    # Their checks register themselves.
    import tests.linux.whole
    import tests.running.whole_cpython
    import tests.running.whole_init
    import tests.running.whole_run  # noqa: F401

ROOT = Path(__file__).parent.parent
#: The checks of those modules, which exist by name elsewhere too.
LINUX = ("settle", "kills", "boots", "inject", "threads", "cpython", "init", "runs", "callers")


def elsewhere(scale: float) -> Outcome:
    """What such a check is where it cannot even be imported."""
    raise Skipped("needs Linux")


for _name in LINUX:
    CHECKS.setdefault(_name, elsewhere)


@check
def lockstep(scale: float) -> Outcome:
    """20 seeds of 1,000 steps: equal on both backends, and of what they are made."""
    need_linux()
    steps = scaled(20_000, scale)
    seeds, total, failures = math.ceil(steps / 1000), Counts(), []
    for seed in range(1, seeds + 1):
        played, failure, made = play(Runner(("linux", "sim")), seed, steps // seeds)
        for name in ("kinds", "errnos", "blocked", "changed", "calls"):
            setattr(total, name, getattr(total, name) + getattr(played.counts, name))
        if failure is not None:
            failures.append(f"seed {seed}, step {made[-1]}: {failure}\n{as_case(played)[-2000:]}")
    print_histogram(total)
    return f"{seeds} seeds x {steps // seeds} steps", failures + (poor(total) if steps >= 1000 else [])


def poor(counts: Counts) -> list[str]:
    """Where a run is made of too little: of a kind, of changes, of errnos, of calls that block."""
    steps = sum(counts.kinds.values())
    wanted = (
        (min(counts.kinds.values()) / steps >= 0.03, f"each kind in 3 % of the steps: {counts.kinds.most_common()[-3:]}"),
        (counts.changed / counts.calls >= 0.4, "40 % of the calls change state"),
        (len(counts.errnos) >= 10, "10 errnos"),
        (counts.blocked / counts.calls >= 0.05, "5 % of the calls block"),
    )
    return [f"not {text}" for met, text in wanted if not met]


@check
def mutants(scale: float) -> Outcome:
    """Each broken line of the model is noticed by its rule's own case."""
    rows = MUTANTS[:: max(1, round(1 / scale))]
    left = survivors(rows)
    return f"{len(rows)} of {len(MUTANTS)} mutants, {len(left)} survive", left


@check
def benchmarks(scale: float) -> Outcome:
    """All figures; one that misses its aim is no failure, as noise may be the cause."""
    if scale < 1:
        raise Skipped("figures have no small scale: python3 -m tests.benchmarks NAME")
    return "", [] if measure([]) == 0 else ["the benchmarks failed"]


def commit() -> str:
    """What this runs on."""

    def git(*args: str) -> str:
        return subprocess.run(("git", *args), cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    return f"{git('rev-parse', '--short', 'HEAD')}{' with changes' if git('status', '--porcelain') else ''}"


def run(name: str, scale: float) -> bool:
    """Make a check and print what came of it; whether it held, or was skipped."""
    start, ran_on = time.monotonic(), commit()
    try:
        figures, failures = CHECKS[name](scale)
    except Skipped as why:
        print(f"{name}: SKIPPED: {why}", flush=True)
        return True
    except Exception:
        figures, failures = "it broke", [traceback.format_exc()]
    verdict = f"{len(failures)} FAILED" if failures else "holds"
    print(f"{name}: {verdict}: {figures} ({ran_on}, {time.monotonic() - start:.0f} s)", flush=True)
    for failure in failures:
        print(f"    {failure}", flush=True)
    return not failures


def main(argv: list[str] | None = None) -> int:
    """Make the checks named, or all; 1 where one fails."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.long", description="The whole of what every other run makes a part of.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CHECKS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers; 0.01 for a trial")
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in CHECKS]
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)}")
    held = [run(name, options.scale) for name in options.names or CHECKS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
