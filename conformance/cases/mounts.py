"""mount(2), umount(2): mounting, binding, moving and unmounting.  fs/namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import bind, chrooted, create, exists, tmpfs
from conformance.steps import drop
from conformance.views import mountinfo, read, write
from nscore import CloneFlag, Machine, MountFlag, OpenFlag, Process, UmountFlag

NEWUSER, NEWNS, NEWPID = CloneFlag.NEWUSER, CloneFlag.NEWNS, CloneFlag.NEWPID
BIND, REC, MOVE, REMOUNT, RDONLY = MountFlag.BIND, MountFlag.REC, MountFlag.MOVE, MountFlag.REMOUNT, MountFlag.RDONLY
DETACH = UmountFlag.DETACH
DIRECTORY = OpenFlag.DIRECTORY


@case("MNT-01")
def what_mount_refuses_in_order(m: Machine) -> None:
    """The target first, then NOUSER, then rights, then the type, then options, then that the target is no directory."""
    tmpfs(m.init, "/tmp", "dir/", "file")
    bare = m.init.fork()
    drop(bare)
    for target in ("/tmp/missing", ""):
        with raises("ENOENT"):
            bare.mount("none", target, "nonsense", MountFlag.NOUSER)
    with raises("ENOTDIR"):
        bare.mount("none", "/tmp/file/below", "nonsense", MountFlag.NOUSER)
    with raises("EINVAL"):
        bare.mount("none", "/tmp/dir", "nonsense", MountFlag.NOUSER)
    with raises("EPERM"):
        bare.mount("none", "/tmp/dir", "nonsense")
    with raises("EINVAL"):
        m.init.mount("none", "/tmp/file", None)
    for fstype in ("nonsense", "", "proc.x"):
        with raises("ENODEV"):
            m.init.mount("none", "/tmp/file", fstype)
    with raises("EINVAL"):
        m.init.mount("none", "/tmp/file", "proc", 0, "nonsense")
    for fstype in ("proc", "tmpfs"):
        with raises("ENOTDIR"):
            m.init.mount("none", "/tmp/file", fstype)


@case("MNT-02")
def a_source_is_a_word(m: Machine) -> None:
    """Any; None shows as none.  Links in the target are followed; relatime is the default; RDONLY is for all files in it."""
    tmpfs(m.init, "/tmp", "a/", "b/", "c/")
    m.init.mount("any word", "/tmp/a", "tmpfs")
    m.init.mount(None, "/tmp/b", "proc", RDONLY)
    reader = chrooted(m, "/tmp")
    assert [(line.point, line.source, line.options) for line in mountinfo(m.init, reader.pid)] == [
        ("/", "none", "rw,relatime"),
        ("/a", "any\\040word", "rw,relatime"),
        ("/b", "none", "ro,relatime"),
    ]
    with raises("EROFS"):
        m.init.open("/tmp/b/self/comm", OpenFlag.WRONLY)
    with raises("EROFS"):
        m.init.open("/tmp/b/sys/kernel/ns_last_pid", OpenFlag.WRONLY)
    m.init.mount("none", "/tmp/a", "tmpfs", RDONLY)
    m.init.mount(None, "/tmp/a", None, MountFlag.REMOUNT | MountFlag.BIND)
    with raises("EROFS"):
        m.init.mkdir("/tmp/a/new")
    child = m.init.fork()
    child.chdir("/tmp/c")
    m.init.mount("none", f"/proc/{child.pid}/cwd", "tmpfs")
    create(m.init, "/tmp/c/seen")


@case("MNT-08")
def file_systems_for_everybody(m: Machine) -> None:
    """tmpfs and ramfs may be mounted by whoever owns the mount namespace."""
    child = m.init.clone(NEWUSER | NEWNS)
    for fstype in ("tmpfs", "ramfs"):
        child.mount("none", "/tmp", fstype)
        assert child.listdir("/tmp") == ()
    for wrong in ("nonsense=1", "nonsense", "mode=9", "mode="):
        with raises("EINVAL"):
            child.mount("none", "/tmp", "tmpfs", 0, wrong)
    child.mount("none", "/tmp", "tmpfs", 0, "mode=710")
    assert child.stat("/tmp").st_mode == 0o40710


@case("MNT-30")
def what_umount_refuses_in_order(m: Machine) -> None:
    """Flags, the path, rights, no mount's root, flags that exclude each other, use."""
    tmpfs(m.init, "/tmp", "d/")
    tmpfs(m.init, "/tmp/d", "e/")
    bare = m.init.fork()
    drop(bare)
    with raises("EINVAL"):
        bare.umount2("/tmp/missing", 16)
    with raises("ENOENT"):
        bare.umount2("/tmp/missing")
    with raises("ENOTDIR"):
        bare.umount2("/proc/uptime/x")
    with raises("EPERM"):
        bare.umount2("/tmp/d/e")
    with raises("EINVAL"):
        m.init.umount2("/tmp/d/e", UmountFlag.EXPIRE | DETACH)
    m.init.chdir("/tmp/d")
    for flags in (UmountFlag.EXPIRE | DETACH, UmountFlag.EXPIRE | UmountFlag.FORCE):
        with raises("EINVAL"):
            m.init.umount2("/tmp/d", flags)
    for flag in (UmountFlag.EXPIRE, UmountFlag.FORCE):
        with raises("EBUSY"):
            m.init.umount2("/tmp/d", flag)
    child = m.init.clone(NEWUSER | NEWNS)
    bind(child, "/tmp/d/e", "/tmp/d/e")
    with raises("EPERM"):
        child.umount2("/tmp/d/e", UmountFlag.FORCE)
    child.umount2("/tmp/d/e")


@case("MNT-31")
def what_keeps_a_mount(m: Machine) -> None:
    """An open file, a working or a root directory, a mount on it; FORCE does not help, DETACH does."""
    tmpfs(m.init, "/tmp", "d/")
    tmpfs(m.init, "/tmp/d", "file", "e/")
    user = m.init.fork()
    fd = user.open("/tmp/d/file")
    refuses_to_go(m.init, "/tmp/d")
    user.close(fd)
    user.chdir("/tmp/d/e")
    refuses_to_go(m.init, "/tmp/d")
    user.chroot("/tmp/d")
    user.chdir("/")
    refuses_to_go(m.init, "/tmp/d")
    user.exit(0)
    m.settle()
    tmpfs(m.init, "/tmp/d/e", "file")
    refuses_to_go(m.init, "/tmp/d")
    m.init.umount2("/tmp/d", DETACH)
    assert m.init.listdir("/tmp/d") == ()


def refuses_to_go(process: Process, path: str) -> None:
    """EBUSY, with FORCE too."""
    for flags in (0, UmountFlag.FORCE):
        with raises("EBUSY"):
            process.umount2(path, flags)


@case("MNT-31", needs=("root",))
def a_namespace_without_mounts(m: Machine) -> None:
    """DETACH of the root leaves none; the old root can still be used, but not mounted on."""
    child = m.init.clone(NEWNS)
    tmpfs(child, "/tmp", "file")
    child.umount2("/", DETACH)
    assert exists(child, "/tmp")
    assert not exists(child, "/tmp/file")
    with raises("ENOENT"):
        child.mount("none", "/tmp", "tmpfs")
    assert read(m.init, f"/proc/{child.pid}/mountinfo") == ""


@case("MNT-32")
def detached_is_not_gone(m: Machine) -> None:
    """Descriptors and working directories go on; there is no path to them."""
    tmpfs(m.init, "/tmp", "d/")
    m.init.mount("proc", "/tmp/d", "proc")
    user = m.init.fork()
    user.chdir("/tmp/d")
    fd = user.open("/tmp/d", DIRECTORY)
    m.init.umount2("/tmp/d", DETACH)
    later = m.init.fork()
    assert str(later.pid) in user.listdir(".")
    user.close(user.openat(fd, f"{later.pid}/status"))
    with raises("ENOENT"):
        user.getcwd()
    assert m.init.readlink(f"/proc/{user.pid}/cwd") == "/"


@case("MNT-33")
def expiring_and_stacked_mounts(m: Machine) -> None:
    """EXPIRE marks and is EAGAIN, and removes what nobody has used since; the topmost goes first; NOFOLLOW meets no mount at a link."""
    tmpfs(m.init, "/tmp", "d/")
    for name in ("lower", "upper"):
        tmpfs(m.init, "/tmp/d", name)
    with raises("EAGAIN"):
        m.init.umount2("/tmp/d", UmountFlag.EXPIRE)
    assert m.init.listdir("/tmp/d") == ("upper",)
    with raises("EAGAIN"):
        m.init.umount2("/tmp/d", UmountFlag.EXPIRE)
    m.init.umount2("/tmp/d", UmountFlag.EXPIRE)
    assert m.init.listdir("/tmp/d") == ("lower",)
    m.init.chdir("/tmp/d")
    user = m.init.fork()
    m.init.chdir("/")
    with raises("EINVAL"):
        m.init.umount2(f"/proc/{user.pid}/cwd", UmountFlag.NOFOLLOW)


@case("MNT-35")
def a_mount_point_is_safe_in_its_own_namespace(m: Machine) -> None:
    """EBUSY to remove it; from another namespace it goes, and the mount with it."""
    tmpfs(m.init, "/tmp", "file")
    other = m.init.clone(NEWNS)
    bind(other, "/dev/null", "/tmp/file")
    with raises("EBUSY"):
        other.unlink("/tmp/file")
    m.init.unlink("/tmp/file")
    assert not exists(other, "/tmp/file")
    other.chroot("/tmp")
    assert [line.point for line in mountinfo(m.init, other.pid)] == ["/"]


@case("MNT-40")
def what_bind_and_move_refuse(m: Machine) -> None:
    """The target first; no source, EINVAL; a file on a directory, ENOTDIR to bind and EINVAL to move; into itself, ELOOP."""
    tmpfs(m.init, "/tmp", "d/", "file", "e/")
    tmpfs(m.init, "/tmp/d", "sub/")
    bind(m.init, "/dev/null", "/tmp/file")
    with raises("ENOENT"):
        bind(m.init, "", "/tmp/missing")
    for source in (None, ""):
        for flags in (BIND, MOVE):
            with raises("EINVAL"):
                m.init.mount(source, "/tmp/d", None, flags)
    with raises("ENOENT"):
        bind(m.init, "/tmp/missing", "/tmp/d")
    for source, target in (("/tmp/file", "/tmp/d"), ("/tmp/d", "/tmp/file")):
        with raises("ENOTDIR"):
            bind(m.init, source, target)
        with raises("EINVAL"):
            m.init.mount(source, target, None, MOVE)
    with raises("EINVAL"):
        m.init.mount("/tmp/d/sub", "/tmp/e", None, MOVE)
    with raises("ELOOP"):
        m.init.mount("/tmp/d", "/tmp/d/sub", None, MOVE)
    for flags in (REMOUNT | BIND, REMOUNT):
        with raises("EINVAL"):
            m.init.mount(None, "/tmp/e", None, flags)
    m.init.mount("/tmp/d", "/tmp/e", None, MOVE)
    assert (exists(m.init, "/tmp/e/sub"), exists(m.init, "/tmp/d/sub")) == (True, False)


@case("MNT-14")
def who_writes_keeps_a_mount_writable(m: Machine) -> None:
    """EBUSY to make it read-only, the mount or its file system; who may not change the file system is EPERM."""
    tmpfs(m.init, "/tmp", "file")
    fd = m.init.open("/tmp/file", OpenFlag.WRONLY)
    for flags in (REMOUNT | BIND | RDONLY, REMOUNT | RDONLY):
        with raises("EBUSY"):
            m.init.mount(None, "/tmp", None, flags)
    m.init.close(fd)
    with raises("EPERM"):
        m.init.clone(NEWUSER | NEWNS).mount(None, "/tmp", None, REMOUNT)
    m.init.mount(None, "/tmp", None, REMOUNT | RDONLY)
    with raises("EROFS"):
        m.init.open("/tmp/file", OpenFlag.WRONLY)


@case("MNT-40")
def a_bind_is_the_same_place_twice(m: Machine) -> None:
    """Without REC what is mounted below stays behind."""
    tmpfs(m.init, "/tmp", "d/", "e/", "f/")
    tmpfs(m.init, "/tmp/d", "sub/", "file")
    tmpfs(m.init, "/tmp/d/sub", "deep")
    bind(m.init, "/tmp/d", "/tmp/e")
    bind(m.init, "/tmp/d", "/tmp/f", REC)
    write(m.init, "/tmp/e/file", "word")
    assert read(m.init, "/tmp/d/file") == read(m.init, "/tmp/f/file") == "word"
    assert (exists(m.init, "/tmp/e/sub/deep"), exists(m.init, "/tmp/f/sub/deep")) == (False, True)


@case("MNT-41", "NSFS-LIFE-01")
def a_bound_namespace_file_keeps_the_namespace(m: Machine) -> None:
    """It is a file, no link, and can be entered; the own mount namespace cannot be bound."""
    tmpfs(m.init, "/tmp", "pid", "mnt")
    inner = m.init.clone(NEWPID | NEWNS)
    bind(m.init, f"/proc/{inner.pid}/ns/pid", "/tmp/pid")
    with raises("EINVAL"):
        m.init.readlink("/tmp/pid")
    inode = m.init.stat(f"/proc/{inner.pid}/ns/pid").st_ino
    assert m.init.stat("/tmp/pid").st_ino == inode
    with raises("EINVAL"):
        bind(m.init, "/proc/self/ns/mnt", "/tmp/mnt")
    inner.exit(0)
    m.init.waitpid(inner.pid)
    fd = m.init.open("/tmp/pid")
    with raises("EBUSY"):
        m.init.umount2("/tmp/pid")
    joiner = m.init.fork()
    joiner.setns(fd, NEWPID)
    with raises("ENOMEM"):
        joiner.fork()
