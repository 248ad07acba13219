"""nscore_sim/world.py: what stands outside a machine."""

from __future__ import annotations

import pytest

from conformance.views import numbers
from nscore import Syscalls, boot


def depth(calls: Syscalls) -> int:
    """How many numbers the process has in the /proc that it sees."""
    return len(numbers(calls, "self"))


@pytest.mark.parametrize("level", [1, 2, 5])
def test_a_program_runs_below_its_machine_however_deep_that_lies(level: int) -> None:
    with boot("sim", level=level) as machine:
        assert machine.run(depth) == 2
