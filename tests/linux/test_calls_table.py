"""nscore.linux.calls as a whole: complete, called in a test, alone with ctypes' way into the C library, and cheap to import."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

import nscore.interface.calls  # noqa: F401  (what it declares is read below)
from nscore.interface.caller import DECLARED
from nscore.linux import calls
from nscore.linux.calls.syscall import failure, holding_gil, syscall
from nscore.linux.numbers import NUMBERS


def test_the_table_is_what_the_interface_declares() -> None:
    assert set(calls.TABLE) == set(DECLARED)
    assert set(calls.TABLE) < set(calls.__all__)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_a_function_has_the_declarations_parameters(name: str) -> None:
    declared = list(inspect.signature(DECLARED[name].method).parameters)[1:]
    function = calls.TABLE[name]
    ours = inspect.signature(function).parameters
    # What the waist does not need (a flag of the call that must be 0) may follow.
    assert list(ours)[: len(declared)] == declared
    assert all(ours[extra].default is not inspect.Parameter.empty for extra in list(ours)[len(declared) :])
    assert function.__doc__


def test_every_call_is_made_in_a_test() -> None:
    here = "".join([path.read_text() for path in Path(__file__).parent.glob("test_calls_*.py")])
    assert [name for name in calls.__all__ if name != "TABLE" and not re.search(rf"calls\.{name}\b", here)] == []


def test_only_syscall_opens_the_c_library() -> None:
    package = Path(calls.__file__).parent.parent
    users = {path.name for path in package.rglob("*.py") if re.search(r"\b(CDLL|PyDLL|find_library)\b", path.read_text())}
    assert users == {"syscall.py"}


def test_syscall_takes_names_and_numbers() -> None:
    assert syscall("getpid") == syscall(NUMBERS["getpid"]) == calls.syscall("getpid") == calls.getpid()
    with pytest.raises(OSError, match=r"^\[Errno 9\] close: Bad file descriptor$"):
        syscall("close", -1)
    with pytest.raises(OSError, match="Function not implemented"):
        syscall(0x3FFFFFFF)


def test_a_call_that_holds_the_gil() -> None:
    assert holding_gil(0)(NUMBERS["getpid"]) == calls.getpid()
    assert holding_gil(1)(NUMBERS["close"], -1) == -1
    assert str(failure("close")) == "[Errno 9] close: Bad file descriptor"


def test_an_argument_keeps_its_upper_half() -> None:
    # As C's int the flag would be 0, and so allowed.
    with pytest.raises(OSError, match="unshare: Invalid argument"):
        syscall("unshare", 1 << 40)


def test_the_import_is_cheap() -> None:
    """An agent starts with it: nothing of typing, enum, dataclasses or the interface."""
    package = Path(calls.__file__).parents[2]
    code = (
        "import sys, types; bare = types.ModuleType('nscore'); bare.__path__ = [sys.argv[1]]; sys.modules['nscore'] = bare;"
        "import nscore.linux.calls; print(*sorted(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(package)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"typing", "enum", "dataclasses", "inspect", "re", "functools", "socket", "nscore.flags", "nscore.results"} & set(loaded)
    assert not [name for name in loaded if name.startswith("nscore.interface")]
