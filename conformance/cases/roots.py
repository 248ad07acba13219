"""pivot_root(2), chroot(2), setns(2): the root directory and whose it is.  fs/namespace.c, fs/open.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import change, create, exists, tmpfs
from conformance.steps import drop, enter, map_root, open_ns
from nscore import CloneFlag, Machine, MountFlag, UmountFlag

NEWUSER, NEWNS = CloneFlag.NEWUSER, CloneFlag.NEWNS
SHARED, PRIVATE = MountFlag.SHARED, MountFlag.PRIVATE
DETACH = UmountFlag.DETACH


@case("MNT-42")
def what_pivot_root_refuses_in_order(m: Machine) -> None:
    """Rights, the paths, a shared parent, the current root mount, no mount's root."""
    child = m.init.clone(NEWNS)
    tmpfs(child, "/tmp", "new/", "old/", "file", "plain/")
    tmpfs(child, "/tmp/new", "old/")
    bare = child.fork()
    drop(bare)
    with raises("EPERM"):
        bare.pivot_root("/tmp/new", "/tmp/new/old")
    with raises("EINVAL"):
        m.init.pivot_root(f"/proc/{child.pid}/root/tmp/new", f"/proc/{child.pid}/root/tmp/new/old")
    with raises("ENOENT"):
        child.pivot_root("/tmp/missing", "/tmp/file/x")
    with raises("ENOENT"):
        child.pivot_root("/tmp/new", "/tmp/missing")
    for new, old in (("/tmp/file", "/tmp/missing"), ("/tmp/new", "/tmp/file")):
        with raises("ENOTDIR"):
            child.pivot_root(new, old)
    with raises("EBUSY"):
        child.pivot_root("/tmp/new", "/")
    for new, old in (("/tmp/plain", "/tmp/plain"), ("/tmp/new", "/tmp/old")):
        with raises("EINVAL"):
            child.pivot_root(new, old)
    change(child, "/tmp", SHARED)
    with raises("EINVAL"):
        child.pivot_root("/tmp/new", "/tmp/new/old")
    change(child, "/tmp", PRIVATE)
    create(child, "/tmp/plain/new/")
    tmpfs(child, "/tmp/plain/new", "old/")
    other = child.fork()
    other.chroot("/tmp/plain")
    with raises("EINVAL"):
        other.pivot_root("/new", "/new/old")


@case("MNT-42", "MNT-43")
def pivot_root_moves_everybody_whose_root_it_was(m: Machine) -> None:
    """Of the same mount namespace; working directories elsewhere stay where they are, below put_old."""
    child = m.init.clone(NEWNS)
    tmpfs(child, "/tmp", "old/")
    near, far = child.fork(), child.fork()
    far.chdir("/proc")
    child.pivot_root("/tmp", "/tmp/old")
    for process in (child, near, far):
        assert process.listdir("/") == ("old",)
    assert (child.getcwd(), near.getcwd(), far.getcwd()) == ("/", "/", "/old/proc")
    assert exists(child, "/old/proc/self")
    child.umount2("/old", DETACH)
    assert child.listdir("/old") == ()
    assert exists(m.init, "/proc/self")


@case("MNT-42", "MNT-14")
def a_lock_belongs_to_the_place(m: Machine) -> None:
    """The root of a less privileged copy cannot be left behind uncovered; pivoted away, it can be removed."""
    child = m.init.clone(CloneFlag.NEWUSER | NEWNS)
    map_root(child)
    tmpfs(child, "/tmp", "old/")
    child.pivot_root("/tmp", "/tmp/old")
    with raises("EINVAL"):
        child.umount2("/old/proc")
    child.umount2("/old", DETACH)
    assert child.listdir("/old") == ()


@case("MNT-43")
def pivot_root_onto_itself(m: Machine) -> None:
    """The old root lies over the new one, and can be detached."""
    child = m.init.clone(NEWNS)
    tmpfs(child, "/tmp", "file")
    child.chdir("/tmp")
    child.pivot_root(".", ".")
    child.umount2(".", DETACH)
    assert (child.listdir("/"), child.getcwd()) == (("file",), "/")


@case("MNT-44")
def what_chroot_refuses(m: Machine) -> None:
    """The path, search permission, then rights; the working directory stays, and is a way out."""
    tmpfs(m.init, "/tmp", "d/", "file")
    bare = m.init.fork()
    drop(bare)
    with raises("ENOENT"):
        bare.chroot("/tmp/missing")
    with raises("ENOTDIR"):
        bare.chroot("/tmp/file")
    with raises("EPERM"):
        bare.chroot("/tmp/d")
    m.init.mkdir("/tmp/closed", 0o600)
    with raises("EACCES"):
        bare.chroot("/tmp/closed")
    with raises("EACCES"):
        bare.chdir("/tmp/closed")
    child = m.init.fork()
    child.chroot("/tmp/d")
    with raises("ENOENT"):
        child.getcwd()
    assert child.listdir("/") == ()
    child.chroot(".")
    child.chdir("/")
    assert exists(child, "/tmp/d")


@case("MNT-50")
def what_setns_to_a_mount_namespace_refuses(m: Machine) -> None:
    """Rights before shared directories; unshare cures the latter."""
    other = m.init.clone(NEWNS)
    sharer = m.init.clone(CloneFlag.FS)
    fd = open_ns(sharer, other.pid, "mnt")
    with raises("EINVAL"):
        sharer.setns(fd)
    bare = m.init.clone(CloneFlag.FS)
    drop(bare, 18)
    with raises("EPERM"):
        fd = open_ns(m.init, other.pid, "mnt")
        bare.setns(bare.pidfd_open(bare.pid), NEWNS)
    leader = m.init.fork()
    thread = leader.thread()
    fd = open_ns(thread, other.pid, "mnt")
    with raises("EINVAL"):
        thread.setns(fd)
    sharer.unshare(CloneFlag.FS)
    fd = open_ns(sharer, other.pid, "mnt")
    sharer.setns(fd)


@case("MNT-51")
def setns_ends_a_chroot(m: Machine) -> None:
    """Root and working directory become the root of the namespace, the own one too."""
    tmpfs(m.init, "/tmp", "d/")
    child = m.init.fork()
    fd = open_ns(child, "self", "mnt")
    child.chroot("/tmp/d")
    child.chdir("/")
    child.setns(fd)
    assert (exists(child, "/tmp/d"), child.getcwd()) == (True, "/")


@case("MNT-52")
def mount_namespaces_are_entered_from_above(m: Machine) -> None:
    """By a pidfd together with their user namespace; from below not even the current one."""
    below = m.init.clone(NEWUSER | NEWNS)
    map_root(below)
    tmpfs(below, "/tmp", "file")
    visitor = m.init.fork()
    visitor.setns(visitor.pidfd_open(below.pid), NEWUSER | NEWNS)
    assert exists(visitor, "/tmp/file")
    newcomer = m.init.fork()
    fd = open_ns(newcomer, "self", "mnt")
    newcomer.unshare(NEWUSER)
    with raises("EPERM"):
        newcomer.setns(fd)
    enter(m.init.fork(), below.pid, "mnt")
