"""What a program ends with, however it ends."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import pytest

from nscore import Machine, Syscalls, boot
from nscore.interface.syscalls import Program


def leaving(code: Any) -> Program:
    """A program that leaves by SystemExit."""

    def program(_: Syscalls) -> int:
        sys.exit(code)

    return program


#: A program, its status, and what it says on descriptor 2.
ENDS: dict[str, tuple[Any, int, str]] = {
    "None": (lambda sys: None, 0, ""),
    "the low 8 bits": (lambda sys: 300, 44, ""),
    "a negative number": (lambda sys: -1, 255, ""),
    "no number": (lambda sys: "0", 1, "TypeError: exit: status must be int, not str"),
    "a number that no int holds": (lambda sys: 1 << 40, 1, "OverflowError: exit: status"),
    "SystemExit": (leaving(None), 0, ""),
    "SystemExit with a number": (leaving(3), 3, ""),
    "SystemExit with words": (leaving("done for"), 1, "done for"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_program_ends_as_a_python_process_does(machine: Machine, end: str, capfd: pytest.CaptureFixture[str]) -> None:
    program, status, said = ENDS[end]
    driver = os.getpid()
    assert machine.run(program) == status
    assert os.getpid() == driver, "the program's process went on as the driver"
    said_there = capfd.readouterr().err
    assert said in said_there
    assert bool(said_there) == bool(said)


def test_a_childs_status_is_cut_off_alike(machine: Machine) -> None:
    def program(sys: Syscalls) -> int:
        pid = sys.fork(lambda child: 300)
        return sys.waitpid(pid)[1] >> 8

    assert machine.run(program) == 44


def test_a_program_that_raises_ends_also_where_nobody_reads_why(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    stderr.close()
    with boot("sim") as machine, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        assert machine.run(lambda sys: sys.getpid() // 0) == 1
