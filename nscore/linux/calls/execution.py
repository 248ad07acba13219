"""execve and exit: the calls that do not return."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.structs import fsencode, strings

if TYPE_CHECKING:
    from collections.abc import Sequence


def execve(path: str, argv: Sequence[str], env: Sequence[str]) -> None:
    """execve(2): argv and env, NAME=value each, end in NULL.  It returns only with an error."""
    syscall("execve", fsencode(path), strings(argv), strings(env))


def exit_group(status: int) -> None:
    """exit_group(2): the whole process, without Python's farewell or the C library's."""
    syscall("exit_group", status)


def exit(status: int) -> None:
    """exit(2): the calling thread alone.  Python's own record of the thread stays behind; the last one to go ends the process."""
    syscall("exit", status)
