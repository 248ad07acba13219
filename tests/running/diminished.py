"""Callers who have given up ids or a /proc, or whose names are no text."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from nscore import Unavailable, boot
from nscore.linux import command
from nscore.running import Popen, run
from tests.running import changes, forks, witness

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"


def ids_may_be_dropped_after_a_run() -> None:
    forks.needs_root()
    run(["true"])
    changes.drop()
    run(["true"])
    with witness.nothing_left() as options:
        done = run(["sh", "-c", f"{witness.ESCAPES} id -u; exit 3"], capture_output=True, text=True, timeout=30, **options)
    assert (done.returncode, done.stdout) == (3, f"{changes.NOBODY}\n")


def ids_may_be_dropped_while_a_command_runs() -> None:
    """The caller's own signal is refused then, as a signal to subprocess's child is; the keeper's is not."""
    forks.needs_root()
    seen = witness.Witness()
    with contextlib.suppress(LookupError), Popen(["sh", "-c", f"{witness.ESCAPES} sleep 1000"], **seen.passed) as process:
        changes.drop()
        try:
            process.kill()
        except PermissionError:
            raise LookupError from None
    assert process.returncode == -9
    assert seen.alone()


def who_has_two_ids_may_have_maps() -> None:
    """His files in /proc are root's then, unless he says otherwise."""
    forks.needs_root()
    os.setgroups(())
    os.setresuid(changes.NOBODY - 1, changes.NOBODY, changes.NOBODY - 1)
    if not os.access(sys.executable, os.X_OK, effective_ids=True):
        raise forks.Impossible("needs an interpreter that an ordinary user can run")
    cases: list[tuple[Any, int]] = [({}, changes.NOBODY), ({"init": False}, changes.NOBODY), ({"map_root_user": True}, 0)]
    for options, uid in cases:
        done = run(["id", "-u"], stdout=subprocess.PIPE, **options)
        assert done.stdout == b"%d\n" % uid, (options, done)


def a_root_without_a_proc_is_told_of() -> None:
    """What needs none works: here there is no command either, as subprocess would say."""
    forks.needs_root()
    run(["true"])
    folder = tempfile.mkdtemp()
    there = os.open(folder, os.O_PATH)
    os.rmdir(folder)
    os.fchdir(there)
    os.chroot(".")
    refusals: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({}, Unavailable, "Pass proc=False"),
        ({"init": False}, Unavailable, "not mounted"),
        ({"proc": False}, FileNotFoundError, "'/bin/true'"),
        ({"proc": False, "init": False}, Unavailable, "the guard"),
    ]
    for options, expected, words in refusals:
        try:
            said = str(run(["/bin/true"], **options))
        except expected as error:
            said = str(error)
        assert words in said, (options, said)


def a_name_need_not_be_text() -> None:
    """That of the caller, of whom /proc tells him; and those of what is left in a namespace."""
    Path("/proc/self/comm").write_bytes(b"\xff")
    with witness.nothing_left() as options:
        assert run(["true"], **options).returncode == 0
    with boot("linux") as machine:
        assert machine.init.getpid() == 1
    proc = os.open("/proc", os.O_PATH)
    assert any(named.startswith(f"PID {os.getpid()} (\\xff, ") for named in command.described(proc)), command.described(proc)
    os.close(proc)
