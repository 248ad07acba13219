"""mount_namespaces(7): chains of groups, trees that propagate, what stays when something below is in the way.  fs/pnode.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import bind, change, chrooted, create, exists, tmpfs
from conformance.steps import map_root
from conformance.views import mountinfo
from nscore import CloneFlag, Machine, MountFlag, UmountFlag

NEWUSER, NEWNS = CloneFlag.NEWUSER, CloneFlag.NEWNS
REC, MOVE = MountFlag.REC, MountFlag.MOVE
SHARED, PRIVATE, SLAVE, UNBINDABLE = MountFlag.SHARED, MountFlag.PRIVATE, MountFlag.SLAVE, MountFlag.UNBINDABLE
DETACH = UmountFlag.DETACH


def chain(m: Machine) -> None:
    """In /tmp: a is shared, b its slave and shared itself, c the slave of b; each has a directory d."""
    tmpfs(m.init, "/tmp", "a/", "b/", "c/")
    tmpfs(m.init, "/tmp/a", "d/")
    change(m.init, "/tmp/a", SHARED)
    bind(m.init, "/tmp/a", "/tmp/b")
    change(m.init, "/tmp/b", SLAVE)
    change(m.init, "/tmp/b", SHARED)
    bind(m.init, "/tmp/b", "/tmp/c")
    change(m.init, "/tmp/c", SLAVE)


@case("MNT-16")
def events_go_down_a_chain(m: Machine) -> None:
    """From the master through its slaves to theirs, and never up; removals too."""
    chain(m)
    for origin, reached in (("a", "abc"), ("b", "bc"), ("c", "c")):
        tmpfs(m.init, f"/tmp/{origin}/d", "file")
        assert "".join(name for name in "abc" if exists(m.init, f"/tmp/{name}/d/file")) == reached
        m.init.umount2(f"/tmp/{origin}/d")
        assert not any(exists(m.init, f"/tmp/{name}/d/file") for name in "abc")


@case("MNT-11", "MNT-18", "MNT-20")
def slaves_of_who_leaves_go_to_its_master(m: Machine) -> None:
    """A group in the middle that ends, by becoming private or by being removed, hands them on; without a master they are private."""
    for leave in ("private", "unmounted"):
        chain(m)
        reader = chrooted(m, "/tmp")
        assert [line.tags for line in mountinfo(m.init, reader.pid)] == [(), ("shared:1",), ("shared:2", "master:1"), ("master:2",)]
        if leave == "private":
            change(m.init, "/tmp/b", PRIVATE)
        else:
            m.init.umount2("/tmp/b")
        assert mountinfo(m.init, reader.pid)[-1].tags == ("master:1",)
        tmpfs(m.init, "/tmp/a/d", "file")
        assert exists(m.init, "/tmp/c/d/file")
        m.init.umount2("/tmp/a/d")
        change(m.init, "/tmp/a", PRIVATE)
        assert mountinfo(m.init, reader.pid)[-1].tags == ()
        m.init.umount2("/tmp", DETACH)


@case("MNT-20")
def the_master_of_an_unseen_master_is_told(m: Machine) -> None:
    """propagate_from: the nearest group above that the reader can reach."""
    tmpfs(m.init, "/tmp", "in/", "b/")
    tmpfs(m.init, "/tmp/in", "a/", "c/")
    tmpfs(m.init, "/tmp/in/a")
    change(m.init, "/tmp/in/a", SHARED)
    bind(m.init, "/tmp/in/a", "/tmp/b")
    change(m.init, "/tmp/b", SLAVE)
    change(m.init, "/tmp/b", SHARED)
    bind(m.init, "/tmp/b", "/tmp/in/c")
    change(m.init, "/tmp/in/c", SLAVE)
    lines = mountinfo(m.init, chrooted(m, "/tmp/in").pid)
    assert [line.tags for line in lines] == [(), ("shared:1",), ("master:2", "propagate_from:1")]
    assert "propagate_from" not in str(mountinfo(m.init, chrooted(m, "/tmp").pid))


@case("MNT-16", "MNT-40")
def a_tree_propagates_whole(m: Machine) -> None:
    """With what is mounted below, into each peer, and onto what lies there already."""
    tmpfs(m.init, "/tmp", "d/", "tree/")
    tmpfs(m.init, "/tmp/tree", "sub/")
    tmpfs(m.init, "/tmp/tree/sub", "deep")
    change(m.init, "/tmp", SHARED)
    copy = m.init.clone(NEWNS)
    change(copy, "/tmp", SLAVE)
    for name in ("lower", "upper"):
        tmpfs(copy, "/tmp/d", name)
    bind(m.init, "/tmp/tree", "/tmp/d", REC)
    assert exists(m.init, "/tmp/d/sub/deep")
    for name in ("upper", "lower"):
        assert copy.listdir("/tmp/d") == (name,)
        copy.umount2("/tmp/d")
    assert exists(copy, "/tmp/d/sub/deep")
    m.init.umount2("/tmp/d", DETACH)
    assert copy.listdir("/tmp/d") == ()


@case("MNT-13", "MNT-14")
def a_tree_that_comes_in_is_locked_together(m: Machine) -> None:
    """In a less privileged namespace its parts stay where they are; the whole can be removed."""
    tmpfs(m.init, "/tmp", "d/", "tree/")
    tmpfs(m.init, "/tmp/tree", "sub/")
    tmpfs(m.init, "/tmp/tree/sub", "deep")
    change(m.init, "/tmp", SHARED)
    child = m.init.clone(NEWUSER | NEWNS)
    bind(m.init, "/tmp/tree", "/tmp/d", REC)
    assert exists(child, "/tmp/d/sub/deep")
    with raises("EINVAL"):
        child.umount2("/tmp/d/sub")
    with raises("EBUSY"):
        child.umount2("/tmp/d")
    child.umount2("/tmp/d", DETACH)
    assert (child.listdir("/tmp/d"), exists(m.init, "/tmp/d/sub/deep")) == ((), True)


@case("MNT-16")
def what_others_mounted_keeps_a_copy(m: Machine) -> None:
    """A removal that comes in leaves what has something of the receiver's own on it."""
    tmpfs(m.init, "/tmp", "d/")
    change(m.init, "/tmp", SHARED)
    copy = m.init.clone(NEWNS)
    change(copy, "/tmp", SLAVE)
    tmpfs(m.init, "/tmp/d", "e/", "file")
    tmpfs(copy, "/tmp/d/e", "own")
    m.init.umount2("/tmp/d")
    assert not exists(m.init, "/tmp/d/file")
    assert (exists(copy, "/tmp/d/file"), exists(copy, "/tmp/d/e/own")) == (True, True)


@case("MNT-18", "MNT-40")
def what_is_unbindable_stays_behind(m: Machine) -> None:
    """A recursive bind goes without it and what is below; a locked one keeps the whole from being bound."""
    tmpfs(m.init, "/tmp", "d/", "e/", "f/")
    tmpfs(m.init, "/tmp/d", "no/", "yes/")
    tmpfs(m.init, "/tmp/d/no", "below/")
    tmpfs(m.init, "/tmp/d/no/below")
    tmpfs(m.init, "/tmp/d/yes", "file")
    change(m.init, "/tmp/d/no", UNBINDABLE)
    bind(m.init, "/tmp/d", "/tmp/e", REC)
    assert (exists(m.init, "/tmp/e/yes/file"), m.init.listdir("/tmp/e/no")) == (True, ())
    bind(m.init, "/tmp/d/yes", "/tmp/f", REC)
    assert exists(m.init, "/tmp/f/file")
    create(m.init, "/tmp/d/plain/", "/tmp/d/plain/on/")
    tmpfs(m.init, "/tmp/d/plain/on", "file")
    m.init.umount2("/tmp/f")
    bind(m.init, "/tmp/d/plain", "/tmp/f", REC)
    assert (exists(m.init, "/tmp/f/on/file"), m.init.listdir("/tmp/f")) == (True, ("on",))


@case("MNT-40")
def nothing_is_moved_into_itself(m: Machine) -> None:
    """However far below."""
    tmpfs(m.init, "/tmp", "d/")
    tmpfs(m.init, "/tmp/d", "sub/")
    tmpfs(m.init, "/tmp/d/sub", "deep/")
    with raises("ELOOP"):
        m.init.mount("/tmp/d", "/tmp/d/sub/deep", None, MOVE)


@case("MNT-02")
def access_times_of_a_mount(m: Machine) -> None:
    """relatime unless it is asked otherwise; a remount that says nothing of them leaves them."""
    tmpfs(m.init, "/tmp", "d/")
    reader = chrooted(m, "/tmp")
    for flags, shown in (
        (0, "rw,relatime"),
        (MountFlag.NOATIME, "rw,noatime"),
        (MountFlag.STRICTATIME, "rw"),
        (MountFlag.NODIRATIME, "rw,nodiratime,relatime"),
        (MountFlag.NOATIME | MountFlag.STRICTATIME, "rw"),
        (MountFlag.NOATIME | MountFlag.RELATIME, "rw,noatime"),
    ):
        m.init.mount("none", "/tmp/d", "tmpfs", flags)
        assert mountinfo(m.init, reader.pid)[-1].options == shown
        m.init.mount(None, "/tmp/d", None, MountFlag.REMOUNT | MountFlag.BIND | MountFlag.RDONLY)
        assert mountinfo(m.init, reader.pid)[-1].options == shown.replace("rw", "ro")
        m.init.mount(None, "/tmp/d", None, MountFlag.REMOUNT | MountFlag.BIND | MountFlag.RELATIME)
        assert mountinfo(m.init, reader.pid)[-1].options == "rw,relatime"
        m.init.umount2("/tmp/d")


@case("MNT-23", "MNT-43")
def up_is_where_one_came_from(m: Machine) -> None:
    """Out of a mount to where it lies, out of a stack of them at once; at the root onto what covers it."""
    child = m.init.clone(NEWUSER | NEWNS)
    map_root(child)
    tmpfs(child, "/tmp", "d/")
    for name in ("lower/", "upper/"):
        tmpfs(child, "/tmp/d", name)
    child.chdir("/tmp/d/upper")
    for path in ("/tmp/d", "/tmp", "/", "/"):
        child.chdir("..")
        assert child.getcwd() == path
    child.chroot("/tmp/d")
    child.chdir("/upper/..")
    child.chdir("../..")
    assert (child.getcwd(), child.listdir(".")) == ("/", ("upper",))
    tmpfs(child, "/upper", "cover/")
    bind(child, "/upper", "/")
    assert [child.listdir(path) for path in ("/", ".", "..", "/..")] == [("upper",), ("upper",), ("cover",), ("cover",)]
    child.chdir("..")
    assert [child.listdir(path) for path in ("/", ".", "..")] == [("upper",), ("cover",), ("cover",)]
