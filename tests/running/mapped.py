"""Scenes of commands with a host name and a user namespace of their own."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from nscore.linux import calls, surround
from nscore.running import Popen, run
from nscore.running.mounts import ReadOnly, Tmpfs

if sys.platform == "linux":
    from tests.running.forks import Impossible, needs_root, root
    from tests.running.wishes import folder, nothing_changed, refused, scene, told

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

NOBODY = 65534


# The host name.


@scene
def a_host_name_is_the_commands_alone() -> None:
    with nothing_changed():
        assert told("hostname", hostname="apart") == ["apart"]
        assert told("hostname", hostname="a" * 64, init=False, proc=False) == ["a" * 64]
        assert told("hostname; echo $$", hostname="apart", init=False) == ["apart", "1"]
        try:
            run(["true"], hostname="a" * 65)
        except OSError as error:
            assert (error.errno, error.filename) == (errno.EINVAL, "a" * 65)
        else:
            raise AssertionError("it did not fail")


# User namespaces.


def capabilities(*argv: str, **options: Any) -> list[str]:
    """The ids, maps and capabilities of a command, from inside."""
    words = "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; grep -E '^(Cap|NoNew)' /proc/self/status"
    start = run if options.pop("ours", True) else subprocess.run
    done = start([*argv, "sh", "-c", words], capture_output=True, text=True, check=True, **options)
    return list(done.stdout.splitlines())


@scene
def the_ids_and_capabilities_are_those_that_unshare_gives() -> None:
    """unshare(1) with the words of the same name."""
    if not shutil.which("unshare"):
        raise Impossible("needs unshare(1)")
    with nothing_changed():
        for name in ("map_root_user", "map_current_user"):
            wanted = capabilities("unshare", "-U", f"--{name.replace('_', '-')}", ours=False)
            for options in ({}, {"proc": False}, {"hostname": "apart"}, {"mounts": [ReadOnly()]}, {"init": False}):
                assert capabilities(**{name: True}, **options) == wanted, (name, options)


@scene
def root_inside_can_mount_and_cannot_undo_what_was_mounted() -> None:
    with folder() as here, nothing_changed():
        words = f"mount -t tmpfs none {here}/sub && touch {here}/sub/new && hostname other && hostname; touch {here}/new"
        for undo in ("mount -o remount,bind,rw /", "umount /proc", "true"):
            lines = told(f"{undo} 2> /dev/null; {words}", mounts=[ReadOnly()], hostname="apart", map_root_user=True)
            assert lines == ["other", *refused(here / "new")], lines


@scene
def what_root_inside_makes_is_the_callers_outside() -> None:
    with folder() as here:
        assert told(f"touch {here}/new; stat -c %u {here}/new", map_root_user=True) == ["0"]
        assert (here / "new").stat().st_uid == os.geteuid()


@scene
def maps_are_written_as_they_are_given() -> None:
    own = ((7, os.geteuid(), 1),)
    assert told("id -u; id -g", uid_map=own, gid_map=[(8, os.getegid(), 1)]) == ["7", "8"]
    assert told("id -u; id -g", uid_map=own) == ["7", "65534"]
    assert told("id -u; cat /proc/self/uid_map", uid_map=()) == ["65534"]


@scene
def root_gives_ranges_and_an_ordinary_user_cannot() -> None:
    maps = {"uid_map": [(0, 100000, 1000), (1000, 0, 1)], "gid_map": [(0, 200000, 1000), (1000, 0, 1)]}
    with nothing_changed():
        try:
            lines = told("id -u; id -g; cat /proc/self/setgroups; wc -l < /proc/self/uid_map", **maps)
        except PermissionError as error:
            assert not root() and str(error.filename).endswith("/uid_map"), error
        else:
            assert root() and lines == ["1000", "1000", "allow", "2"], lines


@scene
def user_and_group_are_numbers_of_the_callers() -> None:
    needs_root()
    ids = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    wanted = ["0", "0", "         0      65534          1", "         0      65534          1", "deny"]
    assert capabilities(map_root_user=True, **ids)[:5] == wanted
    assert told("id -u; id -g; id -G", map_current_user=True, **ids) == ["65534"] * 3


@scene
def maps_that_cannot_be_are_refused() -> None:
    with nothing_changed():
        own = os.geteuid()
        for overlapping in ([(0, own, 1), (0, own, 1)], [(0, own, 0)], [(own, own, 1)] * 341):
            try:
                run(["true"], uid_map=overlapping)
            except OSError as error:
                assert error.errno == errno.EINVAL and error.strerror == "uid_map: Invalid argument", error
            else:
                raise AssertionError(f"{overlapping} did not fail")
        wrongs: tuple[Any, ...] = ([(0, own)], [(0, own, True)], [(0, "0", 1)], [7])
        for wrong in wrongs:
            with suppress(TypeError):
                raise AssertionError(run(["true"], gid_map=wrong))
        both: dict[str, Any]
        for both in ({"map_root_user": True, "map_current_user": True}, {"map_root_user": True, "uid_map": ()}):
            with suppress(ValueError):
                raise AssertionError(run(["true"], **both))


@scene
def a_program_that_cannot_be_found_is_told_as_ever() -> None:
    with nothing_changed():
        options: dict[str, Any]
        for options in ({"map_root_user": True}, {"mounts": [ReadOnly()]}, {"mounts": [Tmpfs("/usr/bin")], "map_current_user": True}):
            try:
                run(["sed"] if len(options) > 1 else ["/nowhere"], env={"PATH": "/usr/bin"}, **options)
            except FileNotFoundError as error:
                assert error.filename in ("sed", "/nowhere")
            else:
                raise AssertionError(f"{options}: it did not fail")


@scene
def a_caller_with_threads_gets_the_same() -> None:
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    with folder() as here:
        lines: list[list[str]] = []

        def ask() -> None:
            lines.append(told(f"id -u; touch {here}/new", mounts=[ReadOnly()], map_root_user=True))

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        end.set()
        other.join()
        assert lines == [["0", *refused(here / "new")]] * 4, lines


@scene
def the_pid_and_the_status_are_the_commands() -> None:
    with Popen(["sh", "-c", "read x; exit 7"], stdin=subprocess.PIPE, map_root_user=True) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert f"Uid:\t{os.geteuid()}\t" in status and "NSpid:" in status
        process.communicate(b"\n")
    assert process.returncode == 7


@scene
def what_a_fork_tells_is_what_the_caller_raises() -> None:
    """The order of the paths, and that a step that nobody wished for is no OSError of the caller's."""
    error = OSError(errno.ENOENT, "x")
    told_error = surround.heard(surround.Refused("Bind", error, True, ("/a", "/b")).told()).reason()
    assert (told_error.errno, told_error.filename, told_error.filename2) == (errno.ENOENT, "/a", "/b")
    assert not surround.heard(surround.Refused("setns", error).told()).wish
    assert isinstance(told_error, FileNotFoundError) and calls.TABLE
