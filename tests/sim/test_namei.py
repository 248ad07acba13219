"""nscore_sim/namei.py, open.py, chdir.py, stat.py: what a path leads to, and who may go there."""

from __future__ import annotations

import stat

import pytest

from conformance.expect import raises
from nscore import Machine, Process
from nscore.flags import AccessMode, CloneFlag, OpenFlag


@pytest.fixture
def a(machine: Machine) -> Process:
    """A process with an empty directory in memory at /tmp."""
    process = machine.init.fork()
    process.unshare(CloneFlag.NEWNS)
    process.mount("none", "/tmp", "tmpfs")
    return process


def make(process: Process, path: str, mode: int = 0o644) -> None:
    process.close(process.open(path, OpenFlag.CREAT | OpenFlag.WRONLY, mode))


@pytest.mark.parametrize(
    ("path", "flags", "error"),
    [
        ("", 0, FileNotFoundError),
        ("/tmp/none", 0, FileNotFoundError),
        ("/tmp/none/x", OpenFlag.CREAT, FileNotFoundError),
        ("/tmp/f/x", 0, NotADirectoryError),
        ("/tmp/f/", 0, NotADirectoryError),
        ("/tmp/f/.", 0, NotADirectoryError),
        ("/tmp/f", OpenFlag.DIRECTORY, NotADirectoryError),
        ("/tmp/f", OpenFlag.CREAT | OpenFlag.EXCL, FileExistsError),
        ("/tmp/new/", OpenFlag.CREAT, IsADirectoryError),
        ("/tmp", OpenFlag.CREAT, IsADirectoryError),
        ("/tmp", OpenFlag.WRONLY, IsADirectoryError),
        ("/proc/self", OpenFlag.NOFOLLOW, OSError),
        ("/proc/self/ns/pid", OpenFlag.RDWR, PermissionError),
        ("/proc/new", OpenFlag.CREAT | OpenFlag.WRONLY, FileNotFoundError),
        ("/tmp/" + "a" * 256, 0, OSError),
        ("/tmp/" + "a/" * 2048, 0, OSError),
    ],
)
def test_open_refuses(a: Process, path: str, flags: int, error: type[OSError]) -> None:
    make(a, "/tmp/f")
    with pytest.raises(error):
        a.open(path, flags)


def test_a_new_file_has_the_mode_without_the_umask_and_its_makers_ids(a: Process) -> None:
    make(a, "/tmp/f", 0o4777)
    a.mkdir("/tmp/d", 0o7777)
    assert (oct(a.stat("/tmp/f").st_mode), oct(a.stat("/tmp/d").st_mode)) == (oct(stat.S_IFREG | 0o4755), oct(stat.S_IFDIR | 0o1755))
    a.setresgid(5, 5, 5)
    a.setresuid(6, 6, 6)
    make(a, "/tmp/g")
    found = a.stat("/tmp/g")
    assert (found.st_uid, found.st_gid, found.st_size) == (6, 5, 0)


def test_access_is_asked_for_the_real_ids(a: Process) -> None:
    make(a, "/tmp/f", 0o600)
    assert (a.access("/tmp/f", AccessMode.R), a.access("/tmp/f", AccessMode.X), a.access("/tmp/none", AccessMode(0))) == (
        True,
        False,
        False,
    )
    a.setresuid(1000, 0, 0)
    assert (a.access("/tmp/f", AccessMode.R), a.access("/tmp/f", AccessMode(0))) == (False, True)
    assert a.open("/tmp/f") >= 3


def test_dotdot_stops_at_the_root_and_crosses_mounts(a: Process) -> None:
    a.mkdir("/tmp/d")
    a.mount("none", "/tmp/d", "tmpfs")
    a.chdir("/tmp/d")
    assert "d" in a.listdir("..")
    a.chdir("..")
    assert a.getcwd() == "/tmp"
    a.chroot("/tmp")
    assert (a.listdir("/../.."), a.getcwd()) == (("d",), "/")


def test_chroot_leaves_the_directory_outside(a: Process) -> None:
    a.mkdir("/tmp/d")
    a.chroot("/tmp/d")
    with pytest.raises(FileNotFoundError):
        a.getcwd()
    assert a.listdir("/") == ()
    a.setresuid(1000, 1000, 1000)
    with pytest.raises(PermissionError):
        a.chroot("/")


def test_a_descriptor_is_a_place_to_begin(a: Process) -> None:
    a.mkdir("/tmp/d")
    fd = a.open("/tmp/d", OpenFlag.PATH)
    make(a, "/tmp/d/f")
    with raises("EBADF"):
        a.read(fd, 1)
    inside = a.openat(fd, "f")
    with pytest.raises(NotADirectoryError):
        a.openat(inside, "x")
    with raises("EBADF"):
        a.openat(99, "x")
    assert a.openat(99, "/tmp") > inside
    assert a.readlink(f"/proc/self/fd/{inside}") == "/tmp/d/f"


def test_mkdir_and_unlink_refuse(a: Process) -> None:
    make(a, "/tmp/f")
    a.mkdir("/tmp/d")
    for path in ("/tmp/f", "/tmp/d", "/", "/tmp/d/.", "/tmp/d/.."):
        with pytest.raises(FileExistsError):
            a.mkdir(path)
    for path, error in (
        ("/tmp/d", IsADirectoryError),
        ("/tmp/.", IsADirectoryError),
        ("/tmp/f/", NotADirectoryError),
        ("/tmp/none", FileNotFoundError),
        ("/proc/self", PermissionError),
        ("/proc/1", PermissionError),
    ):
        with pytest.raises(error):
            a.unlink(path)


def test_what_was_removed_goes_on_while_it_is_open(a: Process) -> None:
    fd = a.open("/tmp/f", OpenFlag.CREAT | OpenFlag.RDWR)
    a.unlink("/tmp/f")
    assert (a.write(fd, b"x"), a.fstat(fd).st_nlink, a.readlink(f"/proc/self/fd/{fd}")) == (1, 0, "/tmp/f (deleted)")
    again = a.open(f"/proc/self/fd/{fd}")
    assert a.read(again, 9) == b"x"
    with pytest.raises(FileNotFoundError):
        a.open("/tmp/f")
