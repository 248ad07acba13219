"""proc(5): whose numbers a proc shows, what it lists, and which views are the reader's.  fs/proc/root.c, fs/proc/base.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import bind, chrooted, exists, tmpfs
from conformance.steps import drop, enter, reap
from conformance.views import last_pid, mountinfo, read, set_last_pid, state, status
from nscore import CloneFlag, Disposition, Machine, MountFlag, OpenFlag, Process, Signal

NEWPID, NEWNS, NEWUTS, NEWUSER = CloneFlag.NEWPID, CloneFlag.NEWNS, CloneFlag.NEWUTS, CloneFlag.NEWUSER


def pids(process: Process, path: str = "/proc") -> list[int]:
    """The numbers in a proc, in its order."""
    return [int(name) for name in process.listdir(path) if name.isdigit()]


# --- which namespace


@case("PROC-01")
def a_proc_shows_where_its_mounter_lives(m: Machine) -> None:
    """Not where its children will: after unshare the old world, in the child the new one."""
    maker = m.init.fork()
    maker.unshare(NEWPID | NEWNS)
    maker.mount("proc", "/tmp", "proc")
    assert (maker.readlink("/tmp/self"), pids(maker, "/tmp")) == ("2", [1, 2])
    first = maker.fork()
    first.mount("proc", "/tmp", "proc")
    assert (first.readlink("/tmp/self"), pids(first, "/tmp")) == ("1", [1])
    assert pids(maker, "/tmp") == [1]


@case("PROC-03", needs=("6.18",))
def pidns_names_the_namespace(m: Machine) -> None:
    """The caller's own or one below it; what is no PID namespace, or elsewhere, is EINVAL; a remount cannot change it."""
    tmpfs(m.init, "/tmp", "p/")
    inner = m.init.clone(NEWPID)
    inner.fork()
    m.init.mount("proc", "/tmp/p", "proc", 0, f"pidns=/proc/{inner.pid}/ns/pid")
    assert pids(m.init, "/tmp/p") == [1, 2]
    with raises("EBUSY"):
        m.init.mount(None, "/tmp/p", None, MountFlag.REMOUNT, f"pidns=/proc/{inner.pid}/ns/pid")
    for wrong in ("/proc/1/ns/user", "/dev/null"):
        with raises("EINVAL"):
            m.init.mount("proc", "/tmp/p", "proc", 0, f"pidns={wrong}")
    with raises("ENOENT"):
        m.init.mount("proc", "/tmp/p", "proc", 0, "pidns=/tmp/missing")
    with raises("EINVAL"):
        inner.mount("proc", "/tmp/p", "proc", 0, "pidns=/proc/1/ns/pid")


@case("PROC-04", "PROC-05")
def each_mount_has_its_own_options(m: Machine) -> None:
    """One may lie on another; a remount changes all copies of it, with BIND only the mount."""
    tmpfs(m.init, "/tmp", "p/")
    m.init.mount("proc", "/tmp/p", "proc")
    m.init.mount("proc", "/tmp/p", "proc", 0, "hidepid=2")
    copy = m.init.clone(NEWNS)
    reader, other = chrooted(m, "/tmp"), copy.fork()
    other.chroot("/tmp")
    assert [line.super_options for line in mountinfo(m.init, reader.pid)[1:]] == ["rw", "rw,hidepid=invisible"]
    m.init.mount(None, "/tmp/p", None, MountFlag.REMOUNT, "hidepid=1")
    m.init.mount(None, "/tmp/p", None, MountFlag.REMOUNT | MountFlag.BIND | MountFlag.RDONLY)
    for pid, options in ((reader.pid, "ro,relatime"), (other.pid, "rw,relatime")):
        line = mountinfo(m.init, pid)[-1]
        assert (line.options, line.super_options) == (options, "rw,hidepid=noaccess")


@case("PROC-11")
def self_is_the_reader(m: Machine) -> None:
    """By the number of its process in the mount's namespace, and its thread's; nobody where it has none, and then nothing has mounts."""
    leader = m.init.fork()
    thread = leader.thread()
    assert (thread.readlink("/proc/self"), thread.readlink("/proc/thread-self")) == ("2", "2/task/3")
    tmpfs(m.init, "/tmp", "p/")
    m.init.mount(None, "/tmp", None, MountFlag.SHARED)
    inner = m.init.clone(NEWPID | NEWNS)
    inner.mount("proc", "/tmp/p", "proc")
    for name in ("self", "thread-self"):
        assert name in m.init.listdir("/tmp/p")
        with raises("ENOENT"):
            m.init.readlink(f"/tmp/p/{name}")
    for name in ("self/status", "mounts"):
        with raises("ENOENT"):
            m.init.open(f"/tmp/p/{name}")
    assert m.init.readlink("/tmp/p/mounts") == "self/mounts"


@case("PROC-12")
def the_mount_decides_not_the_reader(m: Machine) -> None:
    """An inner one shows inner numbers to whoever looks, an outer one the outside to those inside."""
    inner = m.init.clone(NEWPID | NEWNS)
    assert (inner.readlink("/proc/self"), pids(inner)) == ("2", [1, 2])
    inner.mount("proc", "/proc", "proc")
    inner.fork()
    there = f"/proc/{inner.pid}/root/proc"
    assert pids(m.init, there) == [1, 2]
    assert "\nNSpid:\t2\n" in read(m.init, f"{there}/2/status")
    assert pids(m.init) == [1, 2, 3]


@case("PROC-15", "PROC-16")
def a_proc_outlives_its_namespace(m: Machine) -> None:
    """With nobody in it: the zombie init is the last to be listed; what is not about processes goes on."""
    tmpfs(m.init, "/tmp", "p/")
    m.init.mount(None, "/tmp", None, MountFlag.SHARED)
    inner = m.init.clone(NEWPID | NEWNS)
    inner.mount("proc", "/tmp/p", "proc")
    inner.fork()
    inner.exit(0)
    m.settle()
    assert pids(m.init, "/tmp/p") == [1]
    assert "\nState:\tZ (zombie)\n" in read(m.init, "/tmp/p/1/status")
    m.init.waitpid(inner.pid)
    assert pids(m.init, "/tmp/p") == []
    for name in ("1/status", "self", "2"):
        with raises("ENOENT"):
            m.init.open(f"/tmp/p/{name}")
    assert read(m.init, "/tmp/p/sys/kernel/hostname") == read(m.init, "/proc/sys/kernel/hostname")
    m.init.umount2("/tmp/p")


# --- what is listed


@case("PROC-06", "PROC-08", "PROC-10", needs=("set_tid",))
def processes_by_number_and_threads_by_birth(m: Machine) -> None:
    """Leaders only, zombies and those below too; a thread's number is no entry, but leads to a directory."""
    set_last_pid(m.init, 60)
    leader = m.init.fork()
    set_last_pid(m.init, 40)
    first = leader.thread()
    set_last_pid(m.init, 20)
    inner = m.init.clone(NEWPID)
    zombie = inner.fork()
    zombie.exit(0)
    set_last_pid(m.init, 30)
    second = leader.thread()
    assert (leader.pid, first.tid, inner.pid, second.tid) == (61, 41, 21, 31)
    names = m.init.listdir("/proc")
    assert names[names.index("self") :] == ("self", "thread-self", "1", "21", "22", "61")
    assert m.init.listdir("/proc/61/task") == m.init.listdir("/proc/31/task") == ("61", "41", "31")
    assert status(m.init, 31)["Pid"] == "31"
    assert status(m.init, 31)["Tgid"] == "61"
    assert not exists(m.init, "/proc/61/task/21")


@case("PROC-09")
def numbers_are_written_plainly(m: Machine) -> None:
    """Decimal, without a sign, a blank or a zero in front, and no larger than a number can be."""
    m.init.fork()
    for name in ("0", "02", "+2", " 2", "2 ", "-2", "0x2", "4294967298", "99"):
        with raises("ENOENT"):
            m.init.stat(f"/proc/{name}")
    m.init.stat("/proc/2")


@case("PROC-13")
def the_root_of_a_proc(m: Machine) -> None:
    """Inode 1 and no sizes; task/ has a link for each thread and two."""
    leader = m.init.fork()
    leader.thread()
    root, tasks, text = m.init.stat("/proc"), m.init.stat("/proc/2/task"), m.init.stat("/proc/2/status")
    assert (root.st_ino, root.st_size, tasks.st_nlink, tasks.st_size, text.st_size) == (1, 0, 4, 0, 0)


@case("PROC-14", needs=("root",))
def nothing_is_made_in_proc(m: Machine) -> None:
    """A name that is not there is ENOENT, one that is EEXIST; nothing is removed."""
    with raises("ENOENT"):
        m.init.mkdir("/proc/new")
    with raises("ENOENT"):
        m.init.open("/proc/new", OpenFlag.CREAT | OpenFlag.WRONLY)
    with raises("EEXIST"):
        m.init.mkdir("/proc/1")
    with raises("EPERM"):
        m.init.unlink("/proc/self")
    with raises("EPERM"):
        m.init.unlink("/proc/1/status")


@case("PROC-16")
def what_is_reaped_is_gone_at_once(m: Machine) -> None:
    """By its parent, or without a wait where SIGCHLD is ignored."""
    child = m.init.fork()
    child.exit(0)
    m.settle()
    assert state(m.init, child.pid) == "Z"
    m.init.waitpid(child.pid)
    assert not exists(m.init, f"/proc/{child.pid}")
    m.init.sigaction(Signal.CHLD, Disposition.IGN)
    other = m.init.fork()
    other.exit(0)
    m.settle()
    assert pids(m.init) == [1]
    assert not exists(m.init, f"/proc/{other.pid}")


@case("PROC-23", "PROC-24")
def parents_and_children(m: Machine) -> None:
    """A thread's parent is its process's; children/ lists those that the thread itself forked, by birth, zombies and injected ones too."""
    leader = m.init.fork()
    thread = leader.thread()
    inner = leader.clone(NEWPID)
    zombie = leader.fork()
    other = thread.fork()
    enter(leader, inner.pid, "pid")
    injected = leader.fork()
    zombie.exit(0)
    m.settle()
    children = "/proc/2/task/{}/children"
    assert read(m.init, children.format(2)) == f"{inner.pid} {zombie.pid} {injected.pid} "
    assert read(m.init, children.format(thread.tid)) == f"{other.pid} "
    assert read(m.init, f"/proc/{other.pid}/task/{other.pid}/children") == ""
    assert status(m.init, f"2/task/{thread.tid}")["PPid"] == "1"
    assert status(m.init, other.pid)["PPid"] == "2"


# --- the reader's views


@case("PROC-30", "SYSCTL-14")
def some_numbers_are_the_readers_namespaces(m: Machine) -> None:
    """When it reads, through whatever mount and descriptor; of pid_max when it opens."""
    fd = m.init.open("/proc/loadavg")
    limit = m.init.open("/proc/sys/kernel/pid_max")
    m.init.fork()
    inner = m.init.clone(NEWPID)
    inner.fork()
    for process, number in ((m.init, 4), (inner, 2)):
        assert process.pread(fd, 100, 0).split()[-1] == read(process, "/proc/loadavg").split()[-1].encode() == str(number).encode()
        assert last_pid(process) == number
    assert inner.pread(limit, 100, 0) == m.init.pread(limit, 100, 0)


@case("PROC-31", "UTS-03")
def names_are_the_readers_uts_namespaces(m: Machine) -> None:
    """When it reads."""
    fd = m.init.open("/proc/sys/kernel/hostname")
    inner = m.init.clone(NEWUTS)
    m.init.sethostname("outer")
    inner.sethostname("inner")
    assert (m.init.pread(fd, 100, 0), inner.pread(fd, 100, 0)) == (b"outer\n", b"inner\n")
    assert (read(m.init, "/proc/sys/kernel/hostname"), read(inner, "/proc/sys/kernel/hostname")) == ("outer\n", "inner\n")
    names = inner.uname()
    for file, name in (
        ("ostype", names.sysname),
        ("osrelease", names.release),
        ("version", names.version),
        ("domainname", names.domainname),
    ):
        assert read(inner, f"/proc/sys/kernel/{file}") == name + "\n"
    for file in ("ostype", "osrelease", "version"):
        with raises("EACCES"):
            inner.open(f"/proc/sys/kernel/{file}", OpenFlag.WRONLY)


@case("PROC-22")
def ids_are_told_to_whoever_opened(m: Machine) -> None:
    """A descriptor shows them as its opener's user namespace has them."""
    child = m.init.fork()
    fd = child.open("/proc/1/status")
    child.unshare(NEWUSER)
    assert b"\nUid:\t0\t0\t0\t0\n" in child.pread(fd, 65536, 0)
    assert status(child, 1)["Uid"] == "65534\t65534\t65534\t65534"
    assert status(child, 1)["CapEff"] == status(m.init, 1)["CapEff"]


@case("PROC-64")
def a_bind_of_a_process_pins_its_directory(m: Machine) -> None:
    """Not the process."""
    tmpfs(m.init, "/tmp", "d/")
    child = m.init.fork()
    bind(m.init, f"/proc/{child.pid}", "/tmp/d")
    reader = chrooted(m, "/tmp")
    fd = m.init.open("/tmp/d/status")
    assert mountinfo(m.init, reader.pid)[-1].root == f"/{child.pid}"
    reap(m.init, child)
    with raises("ESRCH"):
        m.init.open("/tmp/d/status")
    with raises("ESRCH"):
        m.init.read(fd, 100)
    assert mountinfo(m.init, reader.pid)[-1].root == f"/{child.pid}//deleted"


@case("PROC-64")
def what_is_mounted_on_a_process_goes_with_it(m: Machine) -> None:
    """When it is reaped, not when it dies."""
    tmpfs(m.init, "/tmp", "p/")
    m.init.mount("proc", "/tmp/p", "proc")
    child = m.init.fork()
    reader = chrooted(m, "/tmp")
    m.init.mount("none", f"/tmp/p/{child.pid}/ns", "tmpfs")
    child.exit(0)
    m.settle()
    assert [line.point for line in mountinfo(m.init, reader.pid)] == ["/", "/p", f"/p/{child.pid}/ns"]
    m.init.waitpid(child.pid)
    assert [line.point for line in mountinfo(m.init, reader.pid)] == ["/", "/p"]


@case("PROC-62")
def the_parent_namespace_is_not_told(m: Machine) -> None:
    """EPERM to ask one's own namespace for its parent or for its owner above; from above both are told."""
    child = m.init.clone(NEWUSER | NEWPID)
    user = child.open("/proc/self/ns/user")
    pid, uts = child.open("/proc/self/ns/pid"), child.open("/proc/self/ns/uts")
    for fd in (user, pid):
        with raises("EPERM"):
            child.ns_get_parent(fd)
    with raises("EPERM"):
        child.ns_get_userns(uts)
    for kind in ("user", "pid"):
        fd = m.init.ns_get_parent(m.init.open(f"/proc/{child.pid}/ns/{kind}"))
        assert m.init.fstat(fd).st_ino == m.init.stat(f"/proc/1/ns/{kind}").st_ino


@case("PROC-61", "NSFS-LINK-05")
def namespace_files_are_to_be_held(m: Machine) -> None:
    """Not to be written, followed by or read; listed in this order."""
    for flags in (OpenFlag.WRONLY, OpenFlag.RDWR):
        with raises("EPERM"):
            m.init.open("/proc/self/ns/pid", flags)
    with raises("ELOOP"):
        m.init.open("/proc/self/ns/pid", OpenFlag.NOFOLLOW)
    fd = m.init.open("/proc/self/ns/pid")
    with raises("EINVAL"):
        m.init.read(fd, 1)
    with raises("EBADF"):
        m.init.write(fd, b"x")
    names = m.init.listdir("/proc/self/ns")
    order = ("net", "uts", "ipc", "pid", "pid_for_children", "user", "mnt", "cgroup", "time", "time_for_children")
    assert names == order
    assert m.init.fstat(fd).st_mode == 0o100444
    bare = m.init.fork()
    drop(bare)
    assert bare.listdir("/proc/self/ns") == order
