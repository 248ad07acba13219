"""The whole of those checks of init of which the tests here make a small part."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import nscore
from nscore import Blocked, Syscalls
from nscore.running.init import init_program
from nscore.running.init_manners import DUMB_INIT, OWN, TINI
from tests.check import Outcome, check, need_linux, scaled
from tests.running.orphans import RIGHT, Init, Main, discards, hasty, main_child, status_of, waits_for_main_first

assert not TYPE_CHECKING or sys.platform == "linux"

from tests.running.init_scenes import namespaces  # noqa: E402  what only Linux has

#: How many processes fork at once, and of how many a run of the init is the PID 1 whose main child ends among its orphans.
CHAINS, STORM = 8, 12
#: The main child of a fork storm: each process of a chain forks the next and ends, so that each but the first is an orphan.  At the end of
#: a chain stands one that says so; then all is to be gone soon.
MAIN = """
import os, sys, time
chains, links, status = map(int, sys.argv[1:])
read, write = os.pipe()
for _ in range(chains):
    if not os.fork():
        for _ in range(links):
            if os.fork():
                os._exit(0)
        os.write(write, b"0")
        os._exit(0)
os.close(write)
others = lambda: [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) not in (1, os.getpid())]
ended = b""
while data := os.read(read, chains):
    ended += data
for _ in range(chains):
    os.wait()
limit = time.monotonic() + 20
while others() and time.monotonic() < limit:
    time.sleep(0.01)
print(len(ended), len(others()), flush=True)
sys.exit(status)
"""


@check
def init(scale: float) -> Outcome:
    """100,000 orphans of a fork storm; 1,000 statuses of main children that end among orphans; 1,000 schedules on the model."""
    need_linux()
    orphans, statuses, schedules = (scaled(number, scale) for number in (100_000, 1000, 1000))
    failures = [*storm(orphans), *wrong_statuses(statuses), *wrong_schedules(schedules)]
    found = {fault.__name__: first_found(fault, main) for fault, main in ((waits_for_main_first, main_child), (discards, hasty))}
    failures += [f"{name} is not found" for name, seed in found.items() if seed is None]
    faults = ", ".join(f"{name} at seed {seed}" for name, seed in found.items())
    return f"{orphans} orphans, {statuses} statuses, {schedules} schedules; planted: {faults}", failures


def storm(orphans: int) -> list[str]:
    """What is wrong after so many orphans of one init."""
    links = -(-orphans // CHAINS)
    init = (sys.executable, "-m", "nscore", "init", "--", sys.executable, "-I", "-S", "-c", MAIN, str(CHAINS), str(links), "37")
    done = subprocess.run((*namespaces(), *init), capture_output=True, text=True, check=False)
    right = (37, f"{CHAINS} 0\n", "")
    shown = (done.returncode, done.stdout, done.stderr)
    return [] if shown == right else [f"a storm of {orphans}: {shown}, not {right}"]


def wrong_statuses(number: int) -> list[str]:
    """So many inits, each PID 1 of a fresh namespace, whose main children end with a status of their own among their orphans."""
    draw = random.Random(5)
    manners = [OWN, TINI, DUMB_INIT]
    wrong: list[str] = []
    with nscore.boot("linux", trace_limit=0) as machine:
        for index in range(number):
            status, fathers = draw.randrange(256), draw.randrange(STORM)

            def main(calls: Syscalls, status: int = status, fathers: int = fathers) -> int:
                hasty(fathers, calls)
                return status

            seen = machine.run(init_program(main, manners[index % 3]))
            if seen != status:
                wrong.append(f"run {index}: {seen}, not {status}")
    return wrong


def wrong_schedules(number: int) -> list[str]:
    """So many seeds on the model: those under which a status is wrong or something is left."""
    wrong: Counter[str] = Counter()
    for seed in range(number):
        manner = [OWN, TINI, DUMB_INIT][seed % 3]
        for main in (main_child, hasty):
            with nscore.boot("sim", seed=seed, trace_limit=0) as machine:
                try:
                    status = str(status_of(machine, lambda program: init_program(program, manner), main, 4))  # noqa: B023  used at once
                except Blocked:
                    status = "asleep for ever"
                if status != str(RIGHT):
                    wrong[f'{main.__name__}: {status}: replay="{machine.replay}"'] += 1
    return list(wrong)


def first_found(fault: Init, main: Main) -> int | None:
    """The first seed under which an init with a fault is found out."""
    for seed in range(300):
        with nscore.boot("sim", seed=seed, trace_limit=0) as machine:
            try:
                if status_of(machine, fault, main, 3) != RIGHT:
                    return seed
            except Blocked:
                return seed
    return None
