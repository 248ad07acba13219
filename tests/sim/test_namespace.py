"""nscore_sim/namespace.py, mount_tree.py, pnode.py, pivot_root.py, mnt_namespace.py: what is mounted where, for whom."""

from __future__ import annotations

import pytest

from conformance.expect import raises
from nscore import Machine, Process
from nscore.flags import CloneFlag, MountFlag, OpenFlag, UmountFlag

BIND, PRIVATE, SHARED, SLAVE, REC = MountFlag.BIND, MountFlag.PRIVATE, MountFlag.SHARED, MountFlag.SLAVE, MountFlag.REC


def mountinfo(process: Process) -> dict[str, list[str]]:
    """The fields of each line but the ids, by the place and the source."""
    fd = process.open("/proc/thread-self/mountinfo")
    lines = process.read(fd, 1 << 20).decode().splitlines()
    process.close(fd)
    fields = [line.split(" ") for line in lines]
    return {f"{words[4]} {words[words.index('-') + 2]}": words for words in fields}


def tags(process: Process, place: str) -> list[str]:
    """shared, master: without the numbers, of the mount at place from the source of that name."""
    words = mountinfo(process)[place]
    return [word.partition(":")[0] for word in words[6 : words.index("-")]]


@pytest.fixture
def a(machine: Machine) -> Process:
    """A process whose root is a file system in memory of its own: /t/a to /t/d, and a proc."""
    process = machine.init.fork()
    process.unshare(CloneFlag.NEWNS)
    process.mount("root", "/tmp", "tmpfs")
    for name in ("proc", "t", "t/a", "t/b", "t/c", "t/d"):
        process.mkdir(f"/tmp/{name}")
    process.mount("proc", "/tmp/proc", "proc")
    process.chdir("/tmp")
    process.pivot_root(".", ".")
    process.umount2(".", UmountFlag.DETACH)
    process.chdir("/")
    return process


def test_pivot_root_leaves_nothing_of_the_old_root(a: Process) -> None:
    assert (a.listdir("/"), a.getcwd()) == (("t", "proc"), "/")
    assert list(mountinfo(a)) == ["/ root", "/proc proc"]


def test_mounts_lie_on_each_other(a: Process) -> None:
    a.mount("one", "/t/a", "tmpfs")
    a.mkdir("/t/a/x")
    a.mount("two", "/t/a", "tmpfs")
    assert a.listdir("/t/a") == ()
    a.umount2("/t/a")
    assert a.listdir("/t/a") == ("x",)
    a.umount2("/t/a")
    with raises("EINVAL"):
        a.umount2("/t/a")


def test_a_peer_gets_what_is_mounted_and_a_slave_does_not_give(a: Process) -> None:
    """MNT-16, MNT-19"""
    a.mount("A", "/t/a", "tmpfs")
    a.mkdir("/t/a/x")
    a.mount(None, "/t/a", None, SHARED)
    a.mount("/t/a", "/t/b", None, BIND)
    a.mount("/t/a", "/t/c", None, BIND)
    a.mount(None, "/t/c", None, SLAVE)
    assert (tags(a, "/t/b A"), tags(a, "/t/c A")) == (["shared"], ["master"])
    a.mount("X", "/t/b/x", "tmpfs")
    assert (tags(a, "/t/a/x X"), tags(a, "/t/c/x X")) == (["shared"], ["master"])
    a.umount2("/t/c/x")
    assert "/t/a/x X" in mountinfo(a)
    a.mount("own", "/t/c/x", "tmpfs")
    # What goes is what lies at the place, whoever put it there.
    a.umount2("/t/a/x")
    assert not [place for place in mountinfo(a) if "/x " in place]


def test_a_slaves_own_mount_covers_what_comes(a: Process) -> None:
    """MNT-16: beneath."""
    a.mount("A", "/t/a", "tmpfs")
    a.mkdir("/t/a/x")
    a.mount(None, "/t/a", None, SHARED)
    a.mount("/t/a", "/t/c", None, BIND)
    a.mount(None, "/t/c", None, SLAVE)
    a.mount("own", "/t/c/x", "tmpfs")
    a.mount("X", "/t/a/x", "tmpfs")
    found = mountinfo(a)
    assert found["/t/c/x own"][1] == found["/t/c/x X"][0]
    a.umount2("/t/c/x")
    assert "/t/c/x X" in mountinfo(a)


def test_an_inner_proc_leaks_into_a_shared_parent(a: Process) -> None:
    """MNT-12: what unshare's MS_REC|MS_PRIVATE is for."""
    a.mount(None, "/", None, SHARED | REC)
    inner = a.clone(CloneFlag.NEWNS | CloneFlag.NEWPID)
    inner.mount("inner", "/proc", "proc")
    assert inner.readlink("/proc/self") == "1"
    with pytest.raises(FileNotFoundError):
        a.readlink("/proc/self")
    a.umount2("/proc")
    assert a.readlink("/proc/self") == str(a.getpid())
    inner.mount(None, "/", None, PRIVATE | REC)
    inner.mount("inner", "/proc", "proc")
    assert (inner.readlink("/proc/self"), a.readlink("/proc/self")) == ("1", str(a.getpid()))


def test_a_mount_is_in_the_namespace_that_is_shared(a: Process) -> None:
    """Walkthrough A.2: without NEWNS the host sees the inner proc until it is unmounted."""
    inner = a.clone(CloneFlag.NEWPID)
    assert inner.readlink("/proc/self") == str(inner.pid)
    inner.mount("inner", "/proc", "proc")
    assert inner.listdir("/proc")[-1] == "1"
    assert "1" in a.listdir("/proc") and not a.access("/proc/self/status", 0)
    a.umount2("/proc")
    assert inner.readlink("/proc/self") == str(inner.pid)


def test_what_is_in_use_is_busy_until_it_is_detached(a: Process) -> None:
    a.mount("A", "/t/a", "tmpfs")
    fd = a.open("/t/a/f", OpenFlag.CREAT | OpenFlag.RDWR)
    with raises("EBUSY"):
        a.umount2("/t/a")
    a.umount2("/t/a", UmountFlag.DETACH)
    assert (a.write(fd, b"x"), a.listdir("/t/a")) == (1, ())
    a.mount("B", "/t/b", "tmpfs")
    a.chdir("/t/b")
    with raises("EBUSY"):
        a.umount2("/t/b")
    a.chdir("/")
    a.umount2("/t/b")
    a.mount("C", "/t/c", "tmpfs")
    a.mkdir("/t/c/x")
    a.mount("D", "/t/c/x", "tmpfs")
    with raises("EBUSY"):
        a.umount2("/t/c")
    with raises("EAGAIN"):
        a.umount2("/t/c/x", UmountFlag.EXPIRE)
    a.umount2("/t/c/x", UmountFlag.EXPIRE)
    a.umount2("/t/c")


def test_a_fork_keeps_a_mount_busy_and_its_end_frees_it(machine: Machine, a: Process) -> None:
    a.mount("A", "/t/a", "tmpfs")
    a.chdir("/t/a")
    b = a.fork()
    a.chdir("/")
    with raises("EBUSY"):
        a.umount2("/t/a")
    b.exit(0)
    machine.settle()
    a.umount2("/t/a")


def test_a_read_only_bind_and_a_read_only_superblock(a: Process) -> None:
    a.mount("A", "/t/a", "tmpfs")
    a.mount("/t/a", "/t/b", None, BIND)
    a.mount(None, "/t/b", None, BIND | MountFlag.REMOUNT | MountFlag.RDONLY)
    with raises("EROFS"):
        a.mkdir("/t/b/x")
    a.mkdir("/t/a/x")
    a.mount(None, "/t/a", None, MountFlag.REMOUNT | MountFlag.RDONLY)
    with raises("EROFS"):
        a.open("/t/a/f", OpenFlag.CREAT | OpenFlag.WRONLY)
    assert mountinfo(a)["/t/b A"][-1] == "ro"


def test_locked_mounts_of_a_less_privileged_copy(a: Process) -> None:
    """MNT-13, MNT-14"""
    a.mount("A", "/t/a", "tmpfs")
    a.mount(None, "/", None, SHARED | REC)
    u = a.clone(CloneFlag.NEWNS | CloneFlag.NEWUSER | CloneFlag.NEWPID)
    assert tags(u, "/t/a A") == ["master"]
    for flags in (UmountFlag(0), UmountFlag.DETACH):
        with raises("EINVAL"):
            u.umount2("/t/a", flags)
    with raises("EINVAL"):
        u.mount("/t", "/t/d", None, BIND)
    u.mount("/t", "/t/d", None, BIND | REC)
    with raises("EBUSY"):
        u.umount2("/t/d")
    u.umount2("/t/d", UmountFlag.DETACH)
    u.mount("proc", "/proc", "proc")
    assert u.readlink("/proc/self") == "1"


def test_a_user_namespace_alone_may_not_mount_proc(a: Process) -> None:
    """MNT-04: it owns neither the PID namespace nor, without NEWNS, the mount namespace."""
    for flags in (CloneFlag.NEWUSER | CloneFlag.NEWNS, CloneFlag.NEWUSER | CloneFlag.NEWPID):
        u = a.clone(flags)
        with pytest.raises(PermissionError):
            u.mount("proc", "/proc", "proc")


def test_a_covered_proc_justifies_no_new_one(a: Process) -> None:
    """MNT-05"""
    a.mount("mask", "/proc/sys", "tmpfs")
    u = a.clone(CloneFlag.NEWUSER | CloneFlag.NEWNS | CloneFlag.NEWPID)
    with pytest.raises(PermissionError):
        u.mount("proc", "/proc", "proc")
    a.umount2("/proc/sys")
    u = a.clone(CloneFlag.NEWUSER | CloneFlag.NEWNS | CloneFlag.NEWPID)
    u.mount("proc", "/proc", "proc")


def test_setns_goes_to_the_topmost_root(a: Process) -> None:
    """MNT-51"""
    a.chroot("/t")
    b = a.clone(CloneFlag.NEWNS)
    fd = -1
    c = a.fork()
    c.chroot(".")
    assert (c.getcwd(), b.listdir("/")[:1]) == ("/", ("d",))
    fd = c.open("/proc/self/ns/mnt")
    c.setns(fd, CloneFlag.NEWNS)
    assert (c.getcwd(), "t" in c.listdir("/")) == ("/", True)


def test_a_namespace_is_mounted_on_a_file(a: Process) -> None:
    """NSFS-LIFE-01 to 03"""
    a.close(a.open("/t/f", OpenFlag.CREAT | OpenFlag.WRONLY))
    inner = a.clone(CloneFlag.NEWUTS)
    inner.sethostname("inner")
    pid = inner.pid
    a.mount(f"/proc/{pid}/ns/uts", "/t/f", None, BIND)
    text = a.readlink(f"/proc/{pid}/ns/uts")
    inner.exit(0)
    a.waitpid(-1)
    words = mountinfo(a)["/t/f nsfs"]
    assert (words[3], words[-3]) == (text, "nsfs")
    with raises("EBUSY"):
        a.unlink("/t/f")
    a.setns(a.open("/t/f"), CloneFlag.NEWUTS)
    assert a.uname().nodename == "inner"
    with raises("EINVAL"):
        a.mount("/proc/self/ns/mnt", "/t/f", None, BIND)
    with pytest.raises(NotADirectoryError):
        a.mount("/proc/self/ns/uts", "/t/a", None, BIND)


@pytest.mark.parametrize(
    ("source", "target", "fstype", "flags", "data", "error"),
    [
        ("x", "/none", "nosuch", MountFlag.NOUSER, None, FileNotFoundError),
        ("x", "/t/a", "nosuch", MountFlag.NOUSER, None, OSError),
        ("x", "/t/a", None, MountFlag(0), None, OSError),
        ("x", "/t/a", "nosuch", MountFlag(0), None, OSError),
        ("x", "/t/a", "proc", MountFlag(0), "hidepid=3", OSError),
        ("x", "/t/a", "proc", MountFlag(0), "newinstance", OSError),
        ("x", "/proc/version", "proc", MountFlag(0), None, NotADirectoryError),
        (None, "/t/a", None, BIND, None, OSError),
        ("/none", "/t/a", None, BIND, None, FileNotFoundError),
        ("/t", "/t/a", None, MountFlag.MOVE, None, OSError),
        (None, "/t/a", None, PRIVATE, None, OSError),
        (None, "/", None, PRIVATE | SHARED, None, OSError),
        (None, "/t/a", None, MountFlag.REMOUNT, None, OSError),
    ],
)
def test_mount_refuses(
    a: Process, source: str | None, target: str, fstype: str | None, flags: MountFlag, data: str | None, error: type[OSError]
) -> None:
    with pytest.raises(error):
        a.mount(source, target, fstype, flags, data)


def test_without_the_capability_nothing_is_mounted(a: Process) -> None:
    a.setresuid(1000, 1000, 1000)
    with pytest.raises(PermissionError):
        a.mount("x", "/t/a", "nosuch")
    with pytest.raises(PermissionError):
        a.umount2("/proc")
    with pytest.raises(PermissionError):
        a.pivot_root("/none", "/none")


@pytest.mark.parametrize(
    ("new", "old", "error"),
    [
        ("/none", "/t", FileNotFoundError),
        ("/proc/version", "/t", NotADirectoryError),
        ("/t/a", "/none", FileNotFoundError),
        ("/t/a", "/t", OSError),
        ("/t/b", "/t/b", OSError),
        ("/t/a", "/proc", OSError),
    ],
)
def test_pivot_root_refuses(a: Process, new: str, old: str, error: type[OSError]) -> None:
    """MNT-42"""
    a.mount("A", "/t/a", "tmpfs")
    with pytest.raises(error):
        a.pivot_root(new, old)
