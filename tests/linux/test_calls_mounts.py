"""nscore.linux.calls.mounts, in a mount namespace of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux import calls

Run = Callable[[Callable[[], object]], None]
MS_RDONLY, MS_BIND, MS_REC = 1, 0x1000, 0x4000
MNT_DETACH = 2
AT_FDCWD, EMPTY_PATH = -100, 4


def test_mount_and_umount2(as_init: Run, tmp_path: Path) -> None:
    def body() -> None:
        path = str(tmp_path)
        calls.mount("none", path, "tmpfs", MS_RDONLY, "size=1M")
        with pytest.raises(OSError, match="Read-only file system"):
            calls.mkdir(f"{path}/inside")
        calls.umount2(path)
        with pytest.raises(OSError, match="umount2: Invalid argument"):
            calls.umount2(path)
        with pytest.raises(OSError, match="mount: No such device"):
            calls.mount(None, path, "nosuchfs")
        with pytest.raises(FileNotFoundError):
            calls.mount(None, "/no/such", "tmpfs")
        calls.mount(path, path, None, MS_BIND)
        calls.umount2(path, MNT_DETACH)

    as_init(body)


def test_pivot_root(as_init: Run, tmp_path: Path) -> None:
    def body() -> None:
        path = str(tmp_path)
        with pytest.raises(OSError, match="pivot_root: Device or resource busy"):
            calls.pivot_root(path, path)
        calls.mount("none", path, "tmpfs")
        calls.mkdir(f"{path}/old")
        calls.pivot_root(path, f"{path}/old")
        calls.chdir("/")
        assert calls.listdir("/") == ("old",)
        calls.umount2("/old", MNT_DETACH)

    as_init(body)


def test_a_mount_without_a_path(as_init: Run, tmp_path: Path) -> None:
    def body() -> None:
        path = str(tmp_path)
        context = calls.fsopen("tmpfs", 1)
        calls.fsconfig(context, 1, "size", "1M")
        calls.fsconfig(context, 6)
        mount = calls.fsmount(context, 1)
        calls.move_mount(mount, "", AT_FDCWD, path, EMPTY_PATH)
        calls.mkdir(f"{path}/inside")
        calls.mount_setattr(AT_FDCWD, path, 0, attr_set=1)
        with pytest.raises(OSError, match="Read-only file system"):
            calls.mkdir(f"{path}/more")
        copy = calls.open_tree(AT_FDCWD, path, 1 | os.O_CLOEXEC)
        assert calls.fstat(copy)[1] == calls.stat(path)[1]

    as_init(body)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_is_refused() -> None:
    with pytest.raises(OSError, match="fsopen: No such device"):
        calls.fsopen("nosuchfs")
    with pytest.raises(OSError, match="fsconfig: Bad file descriptor"):
        calls.fsconfig(9999, 6)
    with pytest.raises(OSError, match="fsmount: Bad file descriptor"):
        calls.fsmount(-1)
    with pytest.raises(FileNotFoundError):
        calls.open_tree(AT_FDCWD, "/no/such")
    with pytest.raises(FileNotFoundError):
        calls.move_mount(AT_FDCWD, "/no/such", AT_FDCWD, "/")
    with pytest.raises(OSError, match="mount_setattr: Invalid argument"):
        calls.mount_setattr(AT_FDCWD, "/no/such", 0, 1 << 60)
