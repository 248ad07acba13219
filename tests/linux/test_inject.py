"""Faults in the calls of zygote and init: a clear error or a fall-back, and nothing is left."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from tests.linux.inject import FALL_BACKS, WHO, inject, points, verdict

#: How many points are tried here; `python3 -m tests.long inject` tries all.
FEW = 5

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace(1) here"),
    pytest.mark.skipif(sys.platform == "linux" and os.geteuid() != 0, reason="needs root"),
]


def test_a_call_that_fails_is_a_clear_error_or_there_is_another_way() -> None:
    found = points()
    assert {point.who for point in found} == set(WHO)
    few = [found[at * len(found) // FEW] for at in range(FEW)]
    print(f"{len(few)} of {len(found)} points")
    endings = {point: inject(point) for point in few}
    assert [why for point, ending in endings.items() if (why := verdict(point, ending))] == []
    assert any(ending.injected for ending in endings.values())


def test_where_clone3_is_refused_a_machine_boots_and_clones_all_the_same() -> None:
    for point in FALL_BACKS:
        ending = inject(point)
        assert verdict(point, ending) is None
        assert ending.injected
        # The C library falls back on clone(2) for a thread only after ENOSYS.
        assert ending.errors == [] or (point.error == "EPERM" and "thread" in ending.errors[0])
