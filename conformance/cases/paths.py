"""open(2), path_resolution(7), access(2), execve(2): paths, and what is refused on them.  fs/namei.c, fs/open.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import create, tmpfs
from conformance.steps import drop, map_root
from conformance.views import read, write
from nscore import (
    AT_FDCWD,
    AccessMode,
    CloneFlag,
    FcntlCommand,
    Machine,
    MountFlag,
    OpenFlag,
)

RDONLY, WRONLY, RDWR, CREAT = OpenFlag.RDONLY, OpenFlag.WRONLY, OpenFlag.RDWR, OpenFlag.CREAT


@case()
def what_open_refuses(m: Machine) -> None:
    """Paths, types, rights."""
    tmpfs(m.init, "/tmp", "dir/", "file", "closed")
    for path in ("/tmp/missing", "/tmp/missing/file", ""):
        with raises("ENOENT"):
            m.init.open(path)
    for path in ("/tmp/file/", "/tmp/file/below"):
        with raises("ENOTDIR"):
            m.init.open(path)
    with raises("ENOTDIR"):
        m.init.open("/tmp/file", OpenFlag.DIRECTORY)
    with raises("ELOOP"):
        m.init.open("/proc/self", OpenFlag.NOFOLLOW)
    with raises("EEXIST"):
        m.init.open("/tmp/file", CREAT | OpenFlag.EXCL | WRONLY)
    for path in ("/tmp/dir", "/", "/tmp/dir/.."):
        with raises("EEXIST"):
            m.init.open(path, CREAT | OpenFlag.EXCL)
    with raises("EINVAL"):
        m.init.open("/tmp/new", CREAT | OpenFlag.DIRECTORY)
    for flags in (WRONLY, RDWR, CREAT | WRONLY, CREAT):
        with raises("EISDIR"):
            m.init.open("/tmp/dir", flags)
    with raises("EISDIR"):
        m.init.open("/tmp/new/", CREAT | WRONLY)
    fd = m.init.open("/tmp/secret", CREAT | WRONLY, 0)
    m.init.write(fd, b"word")
    child = m.init.fork()
    drop(child)
    for flags in (RDONLY, WRONLY):
        with raises("EACCES"):
            child.open("/tmp/secret", flags)
    assert read(m.init, "/tmp/secret") == "word"


@case()
def paths_have_limits(m: Machine) -> None:
    """4096 bytes with the NUL, 255 a name, 40 links on the way."""
    m.init.stat("/" * 4095)
    for path in ("/" * 4096, "/tmp/" + "x" * 256):
        with raises("ENAMETOOLONG"):
            m.init.stat(path)
    with raises("ENOENT"):
        m.init.stat("/tmp/" + "x" * 255)
    m.init.stat("/proc/self/root" * 20)
    with raises("ELOOP"):
        m.init.stat("/proc/self/root" * 20 + "/proc/self")


@case(needs=("many_ids",))
def only_its_owner_reads_a_file_unnoticed(m: Machine) -> None:
    """NOATIME is EPERM for others, and the modes of a file are for whom they say."""
    tmpfs(m.init, "/tmp", "file")
    m.init.close(m.init.open("/tmp/group", CREAT | WRONLY, 0o640))
    owner, other = m.init.fork(), m.init.fork()
    other.setgroups(())
    other.setresgid(50, 50, 50)
    for process in (owner, other):
        process.setresuid(1000, 1000, 1000)
    with raises("EPERM"):
        other.open("/tmp/file", OpenFlag.NOATIME)
    fd = other.open("/tmp/file")
    with raises("EPERM"):
        other.fcntl(fd, FcntlCommand.SETFL, OpenFlag.NOATIME)
    owner.close(owner.open("/tmp/mine", CREAT | OpenFlag.NOATIME))
    other.close(other.open("/tmp/mine", OpenFlag.NOATIME))
    owner.close(owner.open("/tmp/group"))
    with raises("EACCES"):
        other.open("/tmp/group")
    with raises("EACCES"):
        owner.open("/tmp/group", WRONLY)
    st = m.init.stat("/tmp/mine")
    assert (st.st_uid, st.st_gid) == (1000, 0)


@case()
def a_read_only_file_system(m: Machine) -> None:
    """Nothing is opened for writing, made or removed in it."""
    tmpfs(m.init, "/tmp", "file")
    m.init.mount(None, "/tmp", None, MountFlag.REMOUNT | MountFlag.BIND | MountFlag.RDONLY)
    for flags in (WRONLY, RDWR, CREAT | WRONLY):
        with raises("EROFS"):
            m.init.open("/tmp/file", flags)
    with raises("EROFS"):
        m.init.open("/tmp/new", CREAT | WRONLY)
    with raises("EROFS"):
        m.init.mkdir("/tmp/new")
    with raises("EROFS"):
        m.init.unlink("/tmp/file")
    assert read(m.init, "/tmp/file") == ""
    assert [m.init.access("/tmp/file", mode) for mode in (0, AccessMode.R, AccessMode.W)] == [True, True, False]


@case("USER-27")
def files_need_an_owner_with_a_name(m: Machine) -> None:
    """Whose ids are not mapped makes none in a file system of its user namespace: EOVERFLOW."""
    child = m.init.clone(CloneFlag.NEWUSER | CloneFlag.NEWNS)
    child.mount("none", "/tmp", "tmpfs")
    with raises("EOVERFLOW"):
        child.open("/tmp/file", CREAT | WRONLY)
    with raises("EOVERFLOW"):
        child.mkdir("/tmp/dir")
    map_root(child)
    create(child, "/tmp/file", "/tmp/dir/")


@case()
def openat_begins_at_a_directory(m: Machine) -> None:
    """Only relative paths ask what it is."""
    tmpfs(m.init, "/tmp", "dir/", "dir/file", "file")
    plain, directory = m.init.open("/tmp/file"), m.init.open("/tmp/dir", OpenFlag.DIRECTORY)
    with raises("EBADF"):
        m.init.openat(99, "file")
    with raises("ENOTDIR"):
        m.init.openat(plain, "file")
    with raises("ENOENT"):
        m.init.openat(directory, "missing")
    for dirfd, path in ((directory, "file"), (99, "/tmp/file"), (plain, "/tmp/file"), (AT_FDCWD, "tmp/file"), (directory, "../file")):
        m.init.close(m.init.openat(dirfd, path))


@case()
def what_calls_on_paths_do_not_find(m: Machine) -> None:
    """What is not there, what is no directory, what is one."""
    tmpfs(m.init, "/tmp", "dir/", "file")
    calls = m.init
    with raises("ENOTDIR"):
        calls.stat("/tmp/file/x")
    with raises("ENOTDIR"):
        calls.readlink("/tmp/file/x")
    with raises("ENOTDIR"):
        calls.listdir("/tmp/file")
    with raises("ENOENT"):
        calls.mkdir("/tmp/missing/x")
    with raises("ENOTDIR"):
        calls.mkdir("/tmp/file/x")
    for path in ("/tmp/dir", "/tmp/file", "/", "/tmp/dir/."):
        with raises("EEXIST"):
            calls.mkdir(path)
    with raises("ENOENT"):
        calls.unlink("/tmp/missing")
    with raises("ENOTDIR"):
        calls.unlink("/tmp/file/x")
    for path in ("/tmp/dir", "/tmp/dir/", "/", "/tmp/dir/..", "/tmp/file/.."):
        with raises("EISDIR" if path != "/tmp/file/.." else "ENOTDIR"):
            calls.unlink(path)
    with raises("ENOTDIR"):
        calls.unlink("/tmp/file/")
    with raises("ENOENT"):
        calls.chdir("/tmp/missing")
    with raises("ENOTDIR"):
        calls.chdir("/tmp/file")
    with raises("EINVAL"):
        calls.readlink("/tmp/file")


@case()
def a_closed_directory_lets_nobody_in(m: Machine) -> None:
    """Without capabilities, that is: to search it, to read it, to change it."""
    tmpfs(m.init, "/tmp", "file")
    calls, bare = m.init, m.init.fork()
    calls.mkdir("/tmp/closed", 0)
    create(calls, "/tmp/closed/file")
    drop(bare)
    with raises("EACCES"):
        bare.mkdir("/tmp/closed/x")
    with raises("EACCES"):
        bare.unlink("/tmp/closed/file")
    with raises("EACCES"):
        bare.listdir("/tmp/closed")
    with raises("EACCES"):
        bare.stat("/tmp/closed/file")
    with raises("EACCES"):
        bare.chdir("/tmp/closed")
    calls.unlink("/tmp/file")
    assert calls.listdir("/tmp/closed") == ("file",)


@case()
def what_execve_refuses(m: Machine) -> None:
    """What is not there, what is no file, what has no permission for it, by itself or by its mount; the caller goes on."""
    tmpfs(m.init, "/tmp", "dir/")
    m.init.close(m.init.open("/tmp/file", CREAT | WRONLY, 0o644))
    m.init.close(m.init.open("/tmp/program", CREAT | WRONLY, 0o755))
    for path in ("/tmp/missing", ""):
        with raises("ENOENT"):
            m.init.execve(path)
    with raises("ENOTDIR"):
        m.init.execve("/tmp/file/x")
    for path in ("/tmp/dir", "/tmp/file", "/proc/self", "/dev/null"):
        with raises("EACCES"):
            m.init.execve(path)
    m.init.mount(None, "/tmp", None, MountFlag.REMOUNT | MountFlag.BIND | MountFlag.NOEXEC)
    with raises("EACCES"):
        m.init.execve("/tmp/program")
    assert m.init.getpid() == 1


@case()
def access_asks_for_the_real_ids(m: Machine) -> None:
    """False for every error."""
    tmpfs(m.init, "/tmp", "file")
    m.init.close(m.init.open("/tmp/secret", CREAT | WRONLY, 0o400))
    bare = m.init.fork()
    drop(bare)
    assert [bare.access("/tmp/secret", mode) for mode in (0, AccessMode.R, AccessMode.W, AccessMode.X)] == [True, True, False, False]
    assert [m.init.access("/tmp/secret", mode) for mode in (0, AccessMode.R, AccessMode.W, AccessMode.X)] == [True, True, True, False]
    assert (bare.access("/tmp/missing", 0), bare.access("/tmp/file/x", 0), bare.access("", 0), bare.access("/tmp/file", 99)) == (False,) * 4


@case(needs=("many_ids",))
def access_takes_the_real_id_for_the_effective_one(m: Machine) -> None:
    """With its capabilities: none for who is not 0 there."""
    tmpfs(m.init, "/tmp")
    m.init.close(m.init.open("/tmp/secret", CREAT | WRONLY, 0o600))
    child, other = m.init.fork(), m.init.fork()
    child.setresuid(1000, 0, 0)
    child.close(child.open("/tmp/secret"))
    assert not child.access("/tmp/secret", AccessMode.R)
    other.setresuid(0, 1000, 0)
    with raises("EACCES"):
        other.open("/tmp/secret")
    assert other.access("/tmp/secret", AccessMode.R)


@case()
def a_removed_file_lives_while_it_is_open(m: Machine) -> None:
    """And a removed name can be made anew."""
    tmpfs(m.init, "/tmp")
    write_end = m.init.open("/tmp/file", CREAT | RDWR)
    m.init.write(write_end, b"old")
    m.init.unlink("/tmp/file")
    create(m.init, "/tmp/file")
    assert (m.init.pread(write_end, 9, 0), read(m.init, "/tmp/file")) == (b"old", "")
    assert m.init.fstat(write_end).st_nlink == 0
    assert m.init.readlink(f"/proc/self/fd/{write_end}") == "/tmp/file (deleted)"
    with raises("EEXIST"):
        m.init.open("/tmp/file", CREAT | OpenFlag.EXCL | WRONLY)
    write(m.init, "/tmp/file", "new")
    assert read(m.init, "/tmp/file") == "new"
