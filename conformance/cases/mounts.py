"""mount(2), umount(2): mounting, binding, moving and unmounting, and proc above all.  fs/namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import bind, chrooted, create, exists, tmpfs
from conformance.steps import drop, map_root
from conformance.views import mountinfo, read, write
from nscore import CloneFlag, Machine, MountFlag, OpenFlag, Process, UmountFlag

NEWUSER, NEWNS, NEWPID = CloneFlag.NEWUSER, CloneFlag.NEWNS, CloneFlag.NEWPID
BIND, REC, MOVE, REMOUNT, RDONLY = MountFlag.BIND, MountFlag.REC, MountFlag.MOVE, MountFlag.REMOUNT, MountFlag.RDONLY
SHARED, PRIVATE, SLAVE, UNBINDABLE = MountFlag.SHARED, MountFlag.PRIVATE, MountFlag.SLAVE, MountFlag.UNBINDABLE
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
    child = m.init.fork()
    child.chdir("/tmp/c")
    m.init.mount("none", f"/proc/{child.pid}/cwd", "tmpfs")
    create(m.init, "/tmp/c/seen")


@case("MNT-03", "PROC-70", "PROC-76")
def options_of_proc(m: Machine) -> None:
    """hidepid, gid and subset, by number or name; anything else is EINVAL, also a right name with a wrong value."""
    tmpfs(m.init, "/tmp", "p/")
    for wrong in (
        "nonsense",
        "newinstance",
        "hidepid=3",
        "hidepid=-1",
        "hidepid=9",
        "hidepid=",
        "hidepid=x",
        "gid=x",
        "gid=",
        "subset=",
        "subset=x",
    ):
        with raises("EINVAL"):
            m.init.mount("proc", "/tmp/p", "proc", 0, wrong)
    reader = chrooted(m, "/tmp")
    for options, shown in (
        (",", "rw"),
        ("rw", "rw"),
        ("hidepid=0", "rw"),
        ("hidepid=1", "rw,hidepid=noaccess"),
        ("hidepid=2", "rw,hidepid=invisible"),
        ("hidepid=4", "rw,hidepid=ptraceable"),
        ("hidepid=noaccess,hidepid=off", "rw"),
        ("hidepid=ptraceable,hidepid=invisible", "rw,hidepid=invisible"),
        ("subset=pid", "rw,subset=pid"),
    ):
        m.init.mount("proc", "/tmp/p", "proc", 0, options)
        assert mountinfo(m.init, reader.pid)[-1].super_options == shown
        m.init.umount2("/tmp/p")


@case("MNT-04")
def mounting_proc_takes_rights_over_two_namespaces(m: Machine) -> None:
    """The owner of the mount namespace and the owner of the PID namespace that it would show."""
    for flags in (NEWUSER | NEWNS, NEWUSER | NEWPID):
        child = m.init.clone(flags)
        with raises("EPERM"):
            child.mount("proc", "/proc", "proc")
    late = m.init.clone(NEWPID)
    late.unshare(NEWUSER | NEWNS)
    with raises("EPERM"):
        late.mount("proc", "/proc", "proc")
    maker = m.init.fork()
    maker.unshare(NEWUSER | NEWNS | NEWPID)
    with raises("EPERM"):
        maker.mount("proc", "/proc", "proc")
    first = maker.fork()
    first.mount("proc", "/proc", "proc")
    assert first.readlink("/proc/self") == "1"


@case("MNT-05")
def a_new_proc_must_not_reveal_too_much(m: Machine) -> None:
    """What covers a part of the old one is locked in a less privileged copy; a second, clean one anywhere is a licence again."""
    tmpfs(m.init, "/tmp", "p/")
    for covered in ("/proc/sys", "/proc/1", "/proc/uptime"):
        cover = m.init.clone(NEWNS)
        if covered == "/proc/uptime":
            bind(cover, "/dev/null", covered)
        else:
            cover.mount("none", covered, "tmpfs")
        child = cover.clone(NEWUSER | NEWNS | NEWPID)
        with raises("EPERM"):
            child.mount("proc", "/tmp/p", "proc")
        cover.mount("proc", "/tmp/p", "proc")
        cover.clone(NEWUSER | NEWNS | NEWPID).mount("proc", "/tmp/p", "proc")


def small_world(m: Machine, flags: int = 0, options: str | None = None) -> Process:
    """A process whose mount namespace has an empty tmpfs with an empty directory /p, and a proc: nothing else."""
    maker = m.init.clone(NEWNS)
    tmpfs(maker, "/tmp", "p/", "proc/", "old/")
    maker.mount("proc", "/tmp/proc", "proc", flags, options)
    maker.pivot_root("/tmp", "/tmp/old")
    maker.umount2("/old", DETACH)
    return maker


@case("MNT-05")
def a_read_only_proc_licenses_only_its_like(m: Machine) -> None:
    """And the new one stays read-only.  Options, and flags but those of access times, do not matter."""
    child = small_world(m, RDONLY).clone(NEWUSER | NEWNS | NEWPID)
    with raises("EPERM"):
        child.mount("proc", "/p", "proc")
    child.mount("proc", "/p", "proc", RDONLY)
    with raises("EPERM"):
        child.mount(None, "/p", None, REMOUNT | BIND)
    small_world(m, MountFlag.NOSUID, "hidepid=2").clone(NEWUSER | NEWNS | NEWPID).mount("proc", "/p", "proc")


@case("MNT-05", needs=("root",))
def access_times_of_a_proc_are_licensed_too(m: Machine) -> None:
    """As the old one has them and not otherwise."""
    child = small_world(m, MountFlag.NOATIME).clone(NEWUSER | NEWNS | NEWPID)
    with raises("EPERM"):
        child.mount("proc", "/p", "proc")
    child.mount("proc", "/p", "proc", MountFlag.NOATIME)


@case("MNT-07", needs=("before 7.2",))
def a_subset_is_a_proc_as_any(m: Machine) -> None:
    """It may reveal too much, and where it is visible a full one may be mounted."""
    cover = small_world(m)
    cover.mount("none", "/proc/sys", "tmpfs")
    with raises("EPERM"):
        cover.clone(NEWUSER | NEWNS | NEWPID).mount("proc", "/p", "proc", 0, "subset=pid")
    child = small_world(m, 0, "subset=pid").clone(NEWUSER | NEWNS | NEWPID)
    child.mount("proc", "/p", "proc")
    assert exists(child, "/p/sys")


@case("MNT-06")
def ones_own_covers_do_not_count(m: Machine) -> None:
    """Until the next less privileged copy, where they are locked: it cannot remove them nor mount a proc."""
    child = m.init.clone(NEWUSER | NEWNS | NEWPID)
    map_root(child)
    tmpfs(child, "/tmp", "p/")
    child.mount("proc", "/proc", "proc")
    child.mount("none", "/proc/sys", "tmpfs")
    child.mount("proc", "/tmp/p", "proc")
    child.umount2("/tmp/p")
    same = child.clone(NEWNS | NEWPID)
    same.mount("proc", "/tmp/p", "proc")
    nested = child.clone(NEWUSER | NEWNS | NEWPID)
    with raises("EINVAL"):
        nested.umount2("/proc/sys")
    with raises("EPERM"):
        nested.mount("proc", "/tmp/p", "proc")


@case("MNT-08")
def file_systems_for_everybody(m: Machine) -> None:
    """tmpfs and ramfs may be mounted by whoever owns the mount namespace."""
    child = m.init.clone(NEWUSER | NEWNS)
    for fstype in ("tmpfs", "ramfs"):
        child.mount("none", "/tmp", fstype)
        assert child.listdir("/tmp") == ()


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
    with raises("EBUSY"):
        m.init.umount2("/tmp/d")


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


@case("MNT-40")
def what_bind_and_move_refuse(m: Machine) -> None:
    """The target first; no source, EINVAL; a file on a directory, ENOTDIR to bind and EINVAL to move; into itself, ELOOP."""
    tmpfs(m.init, "/tmp", "d/", "file", "e/")
    tmpfs(m.init, "/tmp/d", "sub/")
    bind(m.init, "/dev/null", "/tmp/file")
    with raises("ENOENT"):
        bind(m.init, "", "/tmp/missing")
    for source in (None, ""):
        with raises("EINVAL"):
            m.init.mount(source, "/tmp/d", None, BIND)
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
    with raises("EINVAL"):
        m.init.mount(None, "/tmp/e", None, REMOUNT | BIND)
    m.init.mount("/tmp/d", "/tmp/e", None, MOVE)
    assert (exists(m.init, "/tmp/e/sub"), exists(m.init, "/tmp/d/sub")) == (True, False)


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
