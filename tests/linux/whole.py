"""The whole of those checks of the Linux backend of which the tests here make a small part."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

assert not TYPE_CHECKING or sys.platform == "linux"

from tests.check import Outcome, Skipped, check, need_linux, scaled
from tests.linux.busy import MAKERS
from tests.linux.inject import FALL_BACKS, points, verdict
from tests.linux.inject import inject as injected
from tests.linux.test_busy_threads import unsound
from tests.linux.test_settle import busy_loops, fuzz
from tests.linux.test_world import boots as booted
from tests.linux.test_zygote import MODES, killed


@check
def settle(scale: float) -> Outcome:
    """10,000 random steps at rest and 10,000 under two busy loops: 5 ms after settle() all is the same."""
    need_linux()
    steps = scaled(10_000, scale)
    differences = fuzz(steps, seed=1_000_000)
    at_rest = len(differences)
    with busy_loops(2):
        differences += fuzz(steps, seed=2_000_000)
    figures = f"{steps} steps at rest: {at_rest} differences; {steps} under two busy loops: {len(differences) - at_rest}"
    return figures, [str(difference) for difference in differences]


@check
def kills(scale: float) -> Outcome:
    """SIGKILL at 100 random moments in each mode, to drivers that boot, and to the zygote: what is left of each."""
    need_linux()
    rounds = scaled(100, scale)
    left = {mode: killed(mode, rounds, seed=3) for mode in MODES}
    left["while it boots"] = killed("plain", rounds, seed=4, anywhen=True)
    return f"{rounds} kills in each of: {', '.join(left)}", [f"{mode}: {remains}" for mode, remains in left.items() if remains]


@check
def boots(scale: float) -> Outcome:
    """1,000 boots leave no descriptor, process or mount."""
    need_linux()
    rounds = scaled(1000, scale)
    return f"{rounds} boots", booted(rounds)


@check
def inject(scale: float) -> Outcome:
    """Each call of zygote and init fails once; clone3 always does."""
    need_linux(root=True)
    if shutil.which("strace") is None:
        raise Skipped("there is no strace(1) here")
    found = points()
    tried = [*found[:: max(1, round(1 / scale))], *FALL_BACKS]
    endings = {point: injected(point) for point in tried}
    come_to = sum(ending.injected for ending in endings.values())
    errors = sum(bool(ending.errors) for ending in endings.values())
    return f"{len(found)} points and {len(FALL_BACKS)} fall-backs; {len(tried)} tried, {come_to} come to, {errors} clear errors", [
        why for point, ending in endings.items() if (why := verdict(point, ending))
    ]


@check
def threads(scale: float) -> Outcome:
    """200 clones from a process with four busy threads, and 200 from a program with as many; also by NSCORE_CLONE=fork."""
    need_linux(root=True)
    count = scaled(200, scale)
    bad = {f"{maker} {way or 'helper'}": unsound(maker, way, count) for maker in MAKERS for way in ("", "fork")}
    return f"{count} children each: {', '.join(bad)}", [
        f"{name}: {number} of {count} are not sound" for name, number in bad.items() if number
    ]
