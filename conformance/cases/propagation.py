"""mount_namespaces(7): copies of namespaces, propagation, locks, mountinfo.  fs/pnode.c, fs/namespace.c, fs/proc_namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import bind, change, chrooted, create, exists, tmpfs
from conformance.steps import map_root, open_ns
from conformance.views import mountinfo, read
from nscore import CloneFlag, Machine, MountFlag, OpenFlag, UmountFlag

NEWUSER, NEWNS, NEWPID = CloneFlag.NEWUSER, CloneFlag.NEWNS, CloneFlag.NEWPID
BIND, REC, MOVE, REMOUNT, RDONLY = MountFlag.BIND, MountFlag.REC, MountFlag.MOVE, MountFlag.REMOUNT, MountFlag.RDONLY
SHARED, PRIVATE, SLAVE, UNBINDABLE = MountFlag.SHARED, MountFlag.PRIVATE, MountFlag.SLAVE, MountFlag.UNBINDABLE
DETACH = UmountFlag.DETACH
DIRECTORY = OpenFlag.DIRECTORY


@case("MNT-10")
def a_mount_namespace_is_a_copy(m: Machine) -> None:
    """With the caller's directories in it; who shared them with others does not any more."""
    tmpfs(m.init, "/tmp", "d/")
    m.init.chdir("/tmp/d")
    sharer = m.init.clone(CloneFlag.FS)
    sharer.unshare(NEWNS)
    assert sharer.getcwd() == "/tmp/d"
    tmpfs(sharer, "/tmp/d", "inside")
    sharer.chdir("/tmp")
    assert m.init.getcwd() == "/tmp/d"
    assert (sharer.listdir("d"), m.init.listdir("/tmp/d")) == (("inside",), ())
    leader = m.init.fork()
    thread = leader.thread()
    thread.unshare(NEWNS)
    thread.umount2("/tmp", DETACH)
    thread.chdir("/")
    assert (leader.getcwd(), exists(leader, "/tmp/d"), exists(thread, "/tmp/d")) == ("/tmp/d", True, False)


@case("MNT-11", "MNT-16")
def propagation_types_are_copied(m: Machine) -> None:
    """Private ones part; shared ones stay in their group; a slave is slave of the same master."""
    tmpfs(m.init, "/tmp", "private/", "shared/", "slave/")
    for name in ("private", "shared"):
        tmpfs(m.init, f"/tmp/{name}", "d/")
    change(m.init, "/tmp/shared", SHARED)
    bind(m.init, "/tmp/shared", "/tmp/slave")
    change(m.init, "/tmp/slave", SLAVE)
    copy = m.init.clone(NEWNS)
    reader = copy.fork()
    reader.chroot("/tmp")
    assert [(line.point, line.tags) for line in mountinfo(m.init, reader.pid)] == [
        ("/", ()),
        ("/private", ()),
        ("/shared", ("shared:1",)),
        ("/slave", ("master:1",)),
    ]
    for name in ("private", "shared", "slave"):
        tmpfs(m.init, f"/tmp/{name}/d", name)
    assert [exists(copy, f"/tmp/{name}/d/{name}") for name in ("private", "shared", "slave")] == [False, True, False]
    assert exists(copy, "/tmp/slave/d/shared")
    assert exists(m.init, "/tmp/slave/d/slave")
    m.init.umount2("/tmp/slave/d")
    assert exists(m.init, "/tmp/slave/d/shared")


@case("MNT-12", "PROC-11")
def a_shared_mount_leaks_both_ways(m: Machine) -> None:
    """A proc of the inner namespace appears outside, where nobody is self."""
    tmpfs(m.init, "/tmp", "p/")
    change(m.init, "/tmp", SHARED)
    inner = m.init.clone(NEWNS | NEWPID)
    inner.fork()
    inner.mount("proc", "/tmp/p", "proc")
    assert m.init.listdir("/tmp/p")[-2:] == ("1", "2")
    assert inner.readlink("/tmp/p/self") == "1"
    with raises("ENOENT"):
        m.init.readlink("/tmp/p/self")
    m.init.umount2("/tmp/p")
    assert not exists(inner, "/tmp/p/self")


@case("MNT-13")
def in_a_new_user_namespace_shared_becomes_slave(m: Machine) -> None:
    """Mounts come in and never go out; made shared there, it is both."""
    tmpfs(m.init, "/tmp", "a/", "b/")
    change(m.init, "/tmp", SHARED)
    child = m.init.clone(NEWUSER | NEWNS)
    later = m.init.clone(NEWUSER)
    later.unshare(NEWNS)
    map_root(child)
    map_root(later)
    tmpfs(m.init, "/tmp/a", "out")
    for process in (child, later):
        assert exists(process, "/tmp/a/out")
        tmpfs(process, "/tmp/b", "in")
    assert not exists(m.init, "/tmp/b/in")
    change(child, "/tmp", SHARED)
    reader = child.fork()
    reader.chroot("/tmp")
    assert mountinfo(m.init, reader.pid)[0].tags == ("shared:1", "master:2")


@case("MNT-14")
def what_came_along_is_locked(m: Machine) -> None:
    """It cannot be removed, moved or shown without its children; what is mounted on top of it can."""
    tmpfs(m.init, "/tmp", "d/", "e/")
    tmpfs(m.init, "/tmp/d", "sub/")
    tmpfs(m.init, "/tmp/d/sub", "hidden")
    child = m.init.clone(NEWUSER | NEWNS)
    map_root(child)
    for path in ("/tmp/d", "/tmp/d/sub", "/tmp"):
        for flags in (0, DETACH):
            with raises("EINVAL"):
                child.umount2(path, flags)
    with raises("EINVAL"):
        child.mount("/tmp/d", "/tmp/e", None, MOVE)
    with raises("EINVAL"):
        bind(child, "/tmp/d", "/tmp/e")
    with raises("EINVAL"):
        child.pivot_root("/tmp", "/tmp/e")
    bind(child, "/tmp/d", "/tmp/e", REC)
    assert exists(child, "/tmp/e/sub/hidden")
    with raises("EINVAL"):
        child.umount2("/tmp/e/sub")
    with raises("EBUSY"):
        child.umount2("/tmp/e")
    child.umount2("/tmp/e", DETACH)
    tmpfs(child, "/tmp/d", "mine")
    child.umount2("/tmp/d")
    assert exists(child, "/tmp/d/sub/hidden")


@case("MNT-14")
def flags_that_came_along_are_locked(m: Machine) -> None:
    """They cannot be cleared, others can be set, and taken back."""
    tmpfs(m.init, "/tmp", "d/")
    m.init.mount("none", "/tmp/d", "tmpfs", MountFlag.NOSUID)
    child = m.init.clone(NEWUSER | NEWNS)
    for flags in (0, RDONLY, MountFlag.NODEV):
        with raises("EPERM"):
            child.mount(None, "/tmp/d", None, REMOUNT | BIND | flags)
    with raises("EPERM"):
        child.mount(None, "/tmp/d", None, REMOUNT | BIND | MountFlag.NOSUID | MountFlag.NOATIME)
    child.mount(None, "/tmp/d", None, REMOUNT | BIND | MountFlag.NOSUID | MountFlag.NOEXEC)
    child.mount(None, "/tmp/d", None, REMOUNT | BIND | MountFlag.NOSUID)


@case("MNT-15")
def a_further_copy_keeps_the_locks_and_adds_none(m: Machine) -> None:
    """In the same user namespace: what was mounted since can be removed."""
    tmpfs(m.init, "/tmp", "d/", "e/")
    tmpfs(m.init, "/tmp/d")
    child = m.init.clone(NEWUSER | NEWNS)
    tmpfs(child, "/tmp/e")
    child.unshare(NEWNS)
    with raises("EINVAL"):
        child.umount2("/tmp/d")
    child.umount2("/tmp/e")


@case("MNT-16")
def a_mount_that_propagates_goes_beneath(m: Machine) -> None:
    """Where the receiver has something there already, it is seen when that is gone; a removal takes it from there too."""
    tmpfs(m.init, "/tmp", "d/")
    change(m.init, "/tmp", SHARED)
    copy = m.init.clone(NEWNS)
    change(copy, "/tmp", SLAVE)
    tmpfs(copy, "/tmp/d", "own")
    tmpfs(m.init, "/tmp/d", "theirs")
    assert copy.listdir("/tmp/d") == ("own",)
    copy.umount2("/tmp/d")
    assert copy.listdir("/tmp/d") == ("theirs",)
    m.init.umount2("/tmp/d")
    assert copy.listdir("/tmp/d") == ()


@case("MNT-16")
def a_removal_follows_the_parents_group(m: Machine) -> None:
    """A shared mount in a private one is removed where it is removed."""
    tmpfs(m.init, "/tmp", "d/")
    tmpfs(m.init, "/tmp/d", "file")
    change(m.init, "/tmp/d", SHARED)
    copy = m.init.clone(NEWNS)
    m.init.umount2("/tmp/d")
    assert (exists(m.init, "/tmp/d/file"), exists(copy, "/tmp/d/file")) == (False, True)


@case("MNT-17")
def a_copy_in_use_elsewhere_keeps_a_mount(m: Machine) -> None:
    """EBUSY, though nobody here is in it."""
    tmpfs(m.init, "/tmp", "d/")
    change(m.init, "/tmp", SHARED)
    copy = m.init.clone(NEWNS)
    tmpfs(m.init, "/tmp/d")
    copy.chdir("/tmp/d")
    with raises("EBUSY"):
        m.init.umount2("/tmp/d")
    copy.chdir("/")
    m.init.umount2("/tmp/d")
    assert exists(copy, "/tmp/d")


@case("MNT-18")
def one_type_of_propagation(m: Machine) -> None:
    """With nothing beside it but REC and SILENT, on the root of a mount."""
    tmpfs(m.init, "/tmp", "d/", "e/")
    for flags in (SHARED | PRIVATE, SLAVE | UNBINDABLE, SHARED | RDONLY, PRIVATE | MountFlag.NOSUID):
        with raises("EINVAL"):
            change(m.init, "/tmp", flags)
    with raises("EINVAL"):
        change(m.init, "/tmp/d", SHARED)
    change(m.init, "/tmp", SHARED | REC | MountFlag.SILENT)
    reader = chrooted(m, "/tmp")
    assert mountinfo(m.init, reader.pid)[0].tags == ("shared:1",)
    change(m.init, "/tmp", SLAVE)
    assert mountinfo(m.init, reader.pid)[0].tags == ()
    change(m.init, "/tmp", UNBINDABLE)
    assert mountinfo(m.init, reader.pid)[0].tags == ("unbindable",)
    with raises("EINVAL"):
        bind(m.init, "/tmp", "/tmp/d")
    change(m.init, "/tmp", PRIVATE)
    bind(m.init, "/tmp", "/tmp/d")
    for more, tags in ((MountFlag(0), ()), (REC, ("shared:2",))):
        change(m.init, "/tmp", SHARED | more)
        assert [line.tags for line in mountinfo(m.init, reader.pid)] == [("shared:1",), tags]


@case("MNT-19")
def a_bind_joins_the_group_and_nothing_leaves_a_shared_mount(m: Machine) -> None:
    """MOVE out of one is EINVAL, and so it is to move there what cannot be copied."""
    tmpfs(m.init, "/tmp", "a/", "b/", "c/")
    tmpfs(m.init, "/tmp/a", "d/", "e/")
    change(m.init, "/tmp/a", SHARED)
    bind(m.init, "/tmp/a", "/tmp/b")
    tmpfs(m.init, "/tmp/a/d", "file")
    assert exists(m.init, "/tmp/b/d/file")
    with raises("EINVAL"):
        m.init.mount("/tmp/a/d", "/tmp/a/e", None, MOVE)
    tmpfs(m.init, "/tmp/c")
    change(m.init, "/tmp/c", UNBINDABLE)
    with raises("EINVAL"):
        m.init.mount("/tmp/c", "/tmp/a/e", None, MOVE)
    m.init.umount2("/tmp/c")
    reader = chrooted(m, "/tmp")
    assert [line.tags for line in mountinfo(m.init, reader.pid)] == [(), ("shared:1",), ("shared:1",), ("shared:2",), ("shared:2",)]


@case("MNT-20", "PROC-33")
def mountinfo_shows_what_its_process_can_reach(m: Machine) -> None:
    """Below its root, with parents; nothing at all where that is no mount's root.  An open one goes on showing what it showed."""
    tmpfs(m.init, "/tmp", "d/", "plain/")
    m.init.mount("word", "/tmp/d", "ramfs", MountFlag.NOSUID | MountFlag.NODEV)
    bind(m.init, "/tmp/d", "/tmp/plain")
    lines = mountinfo(m.init, chrooted(m, "/tmp").pid)
    assert [(line.root, line.point, line.fstype) for line in lines] == [("/", "/", "tmpfs"), ("/", "/d", "ramfs"), ("/", "/plain", "ramfs")]
    assert lines[1].parent == lines[2].parent == lines[0].id
    assert (lines[1].device, lines[1].options) == (lines[2].device, "rw,nosuid,nodev,relatime")
    create(m.init, "/tmp/d/below/")
    nowhere = chrooted(m, "/tmp/d/below")
    assert read(m.init, f"/proc/{nowhere.pid}/mountinfo") == read(m.init, f"/proc/{nowhere.pid}/mounts") == ""
    mover = chrooted(m, "/tmp")
    fd = m.init.open(f"/proc/{mover.pid}/mountinfo")
    mover.exit(0)
    m.init.waitpid(mover.pid)
    assert m.init.read(fd, 65536).count(b"\n") == 3


@case("MNT-21")
def what_is_elsewhere_cannot_be_changed(m: Machine) -> None:
    """A path into another mount namespace is EINVAL to mount on, to bind from and to unmount."""
    tmpfs(m.init, "/tmp", "d/")
    other = m.init.clone(NEWNS)
    tmpfs(other, "/tmp/d", "file")
    there = f"/proc/{other.pid}/root/tmp"
    assert exists(m.init, f"{there}/d/file")
    with raises("EINVAL"):
        m.init.mount("none", there, "tmpfs")
    with raises("EINVAL"):
        m.init.umount2(f"{there}/d")
    with raises("EINVAL"):
        bind(m.init, f"{there}/d", "/tmp/d")


@case("MNT-21")
def what_was_held_before_is_elsewhere(m: Machine) -> None:
    """A descriptor does not follow its process into a new mount namespace, and another's mounts are not changed through it."""
    tmpfs(m.init, "/tmp", "d/")
    child = m.init.fork()
    fd = child.open("/tmp", OpenFlag.DIRECTORY)
    child.unshare(NEWUSER | NEWNS)
    with raises("EPERM"):
        change(child, f"/proc/self/fd/{fd}", SHARED)
    for path in (f"/proc/self/fd/{fd}/d", f"/proc/self/fd/{fd}"):
        with raises("EINVAL"):
            child.mount("none", path, "tmpfs")
    with raises("EINVAL"):
        child.umount2(f"/proc/self/fd/{fd}")


@case("MNT-23", "MNT-51")
def a_mount_over_the_root_moves_nobody(m: Machine) -> None:
    """New children keep the old one as well; setns, to the own namespace even, lands on top."""
    child = m.init.clone(NEWNS)
    tmpfs(child, "/tmp", "new")
    bind(child, "/tmp", "/")
    for process in (child, child.fork()):
        assert (exists(process, "/new"), exists(process, "/proc/self")) == (False, True)
    own = open_ns(child, "self", "mnt")
    child.chdir("/proc")
    child.setns(own)
    assert (child.listdir("/"), child.getcwd()) == (("new",), "/")


@case("MNT-24")
def a_directory_outlives_its_namespace(m: Machine) -> None:
    """Open, it can be read when the last process of the namespace is gone."""
    child = m.init.clone(NEWNS)
    tmpfs(child, "/tmp", "file")
    fd = m.init.open(f"/proc/{child.pid}/root/tmp", DIRECTORY)
    child.exit(0)
    m.init.waitpid(child.pid)
    m.init.close(m.init.openat(fd, "file"))
    with raises("ENOENT"):
        m.init.openat(fd, "other")


@case("MNT-24")
def a_namespace_takes_its_mounts_out_of_their_groups(m: Machine) -> None:
    """When its last process is gone: who has no peers left is slave of nobody."""
    tmpfs(m.init, "/tmp")
    reader = chrooted(m, "/tmp")
    for ends in (False, True):
        change(m.init, "/tmp", SHARED)
        copy = m.init.clone(NEWNS)
        if ends:
            copy.exit(0)
            m.init.waitpid(copy.pid)
        change(m.init, "/tmp", SLAVE)
        assert mountinfo(m.init, reader.pid)[0].tags == (("master:1",) if not ends else ())
        change(m.init, "/tmp", PRIVATE)
