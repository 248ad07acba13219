"""nscore_sim/world.py: what stands outside a machine."""

from __future__ import annotations

import pytest

from nscore import OpenFlag, Syscalls, boot


def depth(calls: Syscalls) -> int:
    """How many numbers the process has in the /proc that it sees."""
    status = calls.read(calls.open("/proc/self/status", OpenFlag.RDONLY), 4096)
    return len(next(line for line in status.split(b"\n") if line.startswith(b"NSpid:")).split()) - 1


@pytest.mark.parametrize("level", [1, 2, 5])
def test_a_program_runs_below_its_machine_however_deep_that_lies(level: int) -> None:
    with boot("sim", level=level) as machine:
        assert machine.run(depth) == 2
