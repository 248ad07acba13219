"""The trace's text."""

from __future__ import annotations

import pytest

from nscore import CloneFlag, WaitOption
from nscore.errors import Errno
from nscore.interface.backend import Fate
from nscore.trace import Call, symbols


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (Call(1, "clone", (0x20020000, 17, ()), (2, None)), "1  clone(NEWNS|NEWPID, CHLD, ()) = 2"),
        (Call(1, "clone", (0x1000, 17, ()), (2, 3)), "1  clone(PIDFD, CHLD, ()) = (2, 3)"),
        (Call(1, "fork", None, (2, None)), "1  <... fork resumed> = 2"),
        (Call(1, "waitid", (0, 0, 4), None), "1  waitid(ALL, 0, EXITED) = 0"),
        (Call(1, "sigprocmask", (0, (17,)), ()), "1  sigprocmask(BLOCK, (17)) = ()"),
        (Call(2, "kill", (1, 9), None), "2  kill(1, KILL) = 0"),
        (Call(2, "kill", (1, 65), Errno("EINVAL")), "2  kill(1, 65) = -1 EINVAL"),
        (Call(2, "open", ("/proc", 0o2000000, 0), 3), "2  open('/proc', CLOEXEC, 0) = 3"),
        (Call(2, "pause", (), Fate.PENDING), "2  pause( <unfinished ...>"),
        (Call(2, "pause", None, Errno("EINTR")), "2  <... pause resumed> = -1 EINTR"),
        (Call(2, "pause", None, Fate.GONE), "2  <... pause resumed> = ?"),
        (Call(2, "exit", (3,), Fate.GONE), "2  exit(3) = ?"),
        (Call(2, "read", (3, 9), b"x"), "2  read(3, 9) = b'x'"),
    ],
)
def test_a_call_reads_as_straces(call: Call, text: str) -> None:
    assert str(call) == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (CloneFlag, 0, "0"),
        (CloneFlag, CloneFlag.NEWPID | 1 << 45, "NEWPID|0x200000000000"),
        (WaitOption, 6, "STOPPED|EXITED"),
        (WaitOption, -1, "-1"),
    ],
)
def test_symbols_of_bits(kind: type[CloneFlag], value: int, text: str) -> None:
    assert symbols(kind, value) == text
