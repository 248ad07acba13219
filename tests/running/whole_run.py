"""The whole of those checks of run() of which the tests here make a small part."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.check import Outcome, Skipped, check, need_linux, scaled
from tests.running.ordinary import HERE, Place, as_nobody, needs_namespaces

assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform == "linux":
    from tests.running.kills import MODES
    from tests.running.storms import HOWS


@contextmanager
def places() -> Iterator[dict[str, Place]]:
    """Who runs commands: root, if this is root, and an ordinary user; whoever cannot is told of."""
    found = {} if os.geteuid() else {"root": HERE}
    with as_nobody() as ordinary:
        try:
            needs_namespaces(ordinary)
            found["nobody"] = ordinary
        except Skipped as why:
            print(f"skipped, as nobody: {why}", flush=True)
        yield found


@check
def runs(scale: float) -> Outcome:
    """200 commands that defend themselves come to their limits, one by one, in 8 threads, under asyncio and trio, as root and as nobody."""
    need_linux()
    count, failures, late = scaled(200, scale), [], []
    with places() as found:
        for who, place in found.items():
            for how in HOWS:
                answer = place.answer("tests.running.storms", how, str(count), timeout=1200)
                if answer is None:
                    print(f"skipped, {how}: not installed for {who}", flush=True)
                    continue
                late.append(f"{who} {how} {answer['late'] * 1000:.0f} ms (a sleep, {answer['stalled'] * 1000:.0f})")
                failures += [f"{who}, {how}: {failure}" for failure in answer["failures"]]
    return f"{count} each; the latest: {', '.join(late)}", failures


@check
def callers(scale: float) -> Outcome:
    """SIGKILL at 100 random moments to callers of each kind and to keepers, as root and as nobody: what is left of each."""
    need_linux()
    count, failures = scaled(100, scale), []
    with places() as found:
        for who, place in found.items():
            for mode in (*MODES, "keeper"):
                left = place.answer("tests.running.kills", mode, str(count), "5", timeout=1200)
                failures += [f"{who}, {mode}: {one}" for one in left]
        figures = f"{count} kills in each of {', '.join(MODES)}, keeper, as {' and '.join(found)}"
    return figures, failures
