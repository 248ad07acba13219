"""nscore.linux.structs: layouts, and what is read out of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from ctypes import Structure, sizeof
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import structs
from nscore.linux.numbers import POINTER

#: Ours: C's, and the header that has it.
HEADERS = {
    "clone_args": "linux/sched.h",
    "new_utsname": "linux/utsname.h",
    "statx": "linux/stat.h",
    "pollfd": "linux/poll.h",
    "iovec": "linux/uio.h",
    "f_owner_ex": "linux/fcntl.h",
    "mount_attr": "linux/mount.h",
}


def test_every_structure_is_in_the_layout() -> None:
    ours = {c for c in vars(structs).values() if isinstance(c, type) and issubclass(c, Structure) and c is not Structure}
    assert ours - set(structs.LAYOUT) == {structs.sigset_t, structs._restorer}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no compiler here")
def test_the_compiler_agrees(tmp_path: Path) -> None:
    """Sizes and offsets as the kernel's headers have them for this machine."""
    column = 0 if POINTER == 8 else 1
    lines = [f"#include <{header}>" for header in HEADERS.values()] + ["#include <stddef.h>"]
    for struct, (sizes, fields) in structs.LAYOUT.items():
        name = struct.__name__
        if name in HEADERS:
            lines.append(f'_Static_assert(sizeof(struct {name}) == {sizes[column]}, "{name}");')
            lines += [f'_Static_assert(offsetof(struct {name}, {f}) == {at[column]}, "{name}.{f}");' for f, at in fields.items()]
    source = tmp_path / "layout.c"
    source.write_text("\n".join(lines) + "\n")
    done = subprocess.run(["gcc", "-fsyntax-only", str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_sets_of_signals() -> None:
    assert sizeof(structs.sigset_t) == 8
    assert structs.signals(structs.sigset((64, 1, 33, 9))) == (1, 9, 33, 64)
    assert structs.signals(structs.sigset(())) == ()


@pytest.mark.parametrize(
    ("signo", "code", "expected"),
    [
        (17, 1, (17, 1, 7, 8, 9, 0)),
        (17, -1, (17, -1, 7, 8, 0, 9)),
        (17, 0, (17, 0, 7, 8, 0, 0)),
        (10, 0, (10, 0, 7, 8, 0, 0)),
        (34, -1, (34, -1, 7, 8, 0, 9)),
        (11, 1, (11, 1, 0, 0, 0, 0)),
        (29, -5, (29, -5, 0, 0, 0, 0)),
        (9, 0x80, (9, 0x80, 7, 8, 0, 0)),
    ],
    ids=["exited", "queued SIGCHLD", "kill SIGCHLD", "kill", "queued", "fault", "SIGIO", "kernel"],
)
def test_a_siginfo_has_the_members_of_its_kind(signo: int, code: int, expected: tuple[int, ...]) -> None:
    info = structs.siginfo_t(si_signo=signo, si_code=code, si_pid=7, si_uid=8)
    info.si_value = 9
    assert structs.siginfo(info) == expected


def test_directory_entries() -> None:
    def entry(name: bytes, length: int) -> bytes:
        return (bytes(16) + length.to_bytes(2, sys.byteorder) + b"\x04" + name + b"\0").ljust(length, b"?")

    assert structs.linux_dirent64(entry(b".", 24) + entry(b"a name", 32) + entry(b"\xff", 24)) == [".", "a name", os.fsdecode(b"\xff")]


def test_strings_end_in_null() -> None:
    assert list(structs.strings(("a", "\udcff"))) == [b"a", b"\xff", None]


def test_structures_are_defined_nowhere_else() -> None:
    package = Path(structs.__file__).parent
    others = [path for path in package.rglob("*.py") if path.name != "structs.py"]
    assert not [path.name for path in others if re.search(r"\((ctypes\.)?(Structure|Union)\)", path.read_text())]
