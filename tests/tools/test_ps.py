"""nscore/tools/ps.py on both backends."""

from __future__ import annotations

from nscore import CloneFlag, Machine, Prctl, Signal
from nscore.tools.ps import Row, ps, text


def test_a_row_each_by_pid(machine: Machine) -> None:
    sleeper = machine.init.fork()
    sleeper.prctl(Prctl.SET_NAME, "sleep")
    stopped = sleeper.fork()
    machine.init.kill(stopped.pid, Signal.STOP)
    zombie = machine.init.fork()
    zombie.exit(0)
    uid = machine.init.geteuid()
    assert ps(machine.init) == (
        Row(uid, 1, 0, "R", "[init]"),
        Row(uid, 2, 1, "S", "[sleep]"),
        Row(uid, 3, 2, "T", "[sleep]"),
        Row(uid, 4, 1, "Z", "[init] <defunct>"),
    )


def test_whose_parent_is_outside_has_ppid_0(machine: Machine) -> None:
    inside = machine.init.clone(CloneFlag.NEWPID | CloneFlag.NEWNS)
    inside.mount("proc", "/proc", "proc")
    assert [(row.pid, row.ppid) for row in ps(inside)] == [(1, 0)]


def test_rows_as_ps_prints_them() -> None:
    rows = [Row(0, 1, 0, "S", "[init]"), Row(65534, 4194303, 1234567, "R", "[p\ns]")]
    assert text(rows).splitlines() == [
        "  UID     PID    PPID S CMD",
        "    0       1       0 S [init]",
        "65534 4194303 1234567 R [p?s]",
    ]
