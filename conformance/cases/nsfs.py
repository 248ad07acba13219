"""Namespaces as files: the links of /proc/PID/ns, the ioctls, mounts of them, what keeps them alive.  fs/nsfs.c, fs/proc/namespaces.c"""

from __future__ import annotations

from conformance.case import case
from conformance.descriptors import fdinfo, hand, inode, is_cloexec, pid_and_numbers, powerless, ready, take
from conformance.expect import raises
from conformance.mounting import chrooted
from conformance.steps import enter, link, open_ns, reap
from conformance.views import mountinfo
from nscore import CloneFlag, Machine, MessageFlag, MountFlag, OpenFlag, PidfdNamespace, PollEvent, Prctl

NEWPID, NEWUTS, NEWUSER, NEWNS = CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWUSER, CloneFlag.NEWNS

#: The links, in the kernel's order, with the name in their text and the type.
LINKS = {
    "net": ("net", CloneFlag.NEWNET),
    "uts": ("uts", CloneFlag.NEWUTS),
    "ipc": ("ipc", CloneFlag.NEWIPC),
    "pid": ("pid", CloneFlag.NEWPID),
    "pid_for_children": ("pid", CloneFlag.NEWPID),
    "user": ("user", CloneFlag.NEWUSER),
    "mnt": ("mnt", CloneFlag.NEWNS),
    "cgroup": ("cgroup", CloneFlag.NEWCGROUP),
    "time": ("time", CloneFlag.NEWTIME),
    "time_for_children": ("time", CloneFlag.NEWTIME),
}


def mountpoint(m: Machine) -> str:
    """An empty file on a file system of the machine's own."""
    m.init.mount("tmpfs", "/tmp", "tmpfs")
    m.init.close(m.init.open("/tmp/ns", OpenFlag.CREAT | OpenFlag.WRONLY, 0o600))
    return "/tmp/ns"


# The links


@case("NSFS-LINK-01", "NSFS-LINK-02", "NSFS-LINK-03")
def the_links_of_a_process(m: Machine) -> None:
    """Ten names; the text has the type and the inode, which the file has too, on the one device of all of them."""
    child = m.init.fork()
    thread = child.thread()
    for directory in ("/proc/self/ns", f"/proc/{child.pid}/task/{thread.tid}/ns", f"/proc/{thread.tid}/ns"):
        assert m.init.listdir(directory) == tuple(LINKS)
    assert m.init.stat("/proc/self/ns").st_mode == 0o40511
    with raises("ENOENT"):
        m.init.readlink("/proc/self/ns/net2")
    devices = set()
    for name, (text, _) in LINKS.items():
        st = m.init.stat(f"/proc/self/ns/{name}")
        assert (st.st_mode, st.st_nlink, st.st_size) == (0o100444, 1, 0)
        assert link(m.init, "self", name) == f"{text}:[{st.st_ino}]"
        fd = open_ns(m.init, "self", name)
        assert m.init.readlink(f"/proc/self/fd/{fd}") == f"{text}:[{st.st_ino}]"
        assert inode(m.init, fd) == (st.st_dev, st.st_ino)
        devices.add(st.st_dev)
    assert len(devices) == 1


@case("NSFS-LINK-03", "NSFS-LINK-02")
def two_namespaces_are_one_where_their_inodes_are(m: Machine) -> None:
    """A process and its child share all of them; clone tells apart what it makes new."""
    child = m.init.fork()
    other = m.init.clone(NEWPID | NEWUTS)
    for name, (_, flag) in LINKS.items():
        own, inherited, new = (m.init.stat(f"/proc/{pid}/ns/{name}").st_ino for pid in ("self", child.pid, other.pid))
        assert own == inherited
        assert (own != new) == (flag in (NEWPID, NEWUTS))


@case("NSFS-LINK-05")
def how_a_link_is_opened(m: Machine) -> None:
    """To be read alone, whoever asks; not close-on-exec by itself; opened with PATH it is no namespace."""
    path = "/proc/self/ns/pid"
    for flags in (OpenFlag.RDWR, OpenFlag.WRONLY, OpenFlag.TRUNC):
        with raises("EPERM"):
            m.init.open(path, flags)
    with raises("ELOOP"):
        m.init.open(path, OpenFlag.NOFOLLOW)
    with raises("ENOTDIR"):
        m.init.open(path, OpenFlag.DIRECTORY)
    m.init.close(m.init.open(path, OpenFlag.CREAT))
    fd = m.init.open(path)
    assert not is_cloexec(m.init, fd)
    bare = m.init.open(path, OpenFlag.PATH)
    with raises("EBADF"):
        m.init.setns(bare, NEWPID)
    with raises("EBADF"):
        m.init.ns_get_nstype(bare)
    again = m.init.open(f"/proc/self/fd/{fd}")
    assert m.init.ns_get_nstype(again) == NEWPID


@case("NSFS-LINK-05")
def an_open_namespace_as_a_file(m: Machine) -> None:
    """Neither read nor sought; always ready; its fdinfo says nothing of its own."""
    fd = open_ns(m.init, "self", "uts")
    with raises("EINVAL"):
        m.init.read(fd, 1)
    with raises("EBADF"):
        m.init.write(fd, b"x")
    with raises("ESPIPE"):
        m.init.lseek(fd, 0)
    assert ready(m.init, fd) == PollEvent.IN
    assert list(fdinfo(m.init, fd)) == ["pos", "flags", "mnt_id", "ino"]


@case("NSFS-LINK-06")
def who_may_follow_a_link(m: Machine) -> None:
    """Whoever ptrace lets look, and oneself always; the names are there for all who may list the directory."""
    other = powerless(m.init)
    for name in LINKS:
        path = f"/proc/1/ns/{name}"
        with raises("EACCES"):
            other.readlink(path)
        with raises("EACCES"):
            other.stat(path)
        with raises("EACCES"):
            other.open(path)
        with raises("EACCES"):
            other.open(path, OpenFlag.PATH)
        other.close(other.open(path, OpenFlag.PATH | OpenFlag.NOFOLLOW))
    assert other.listdir("/proc/1/ns") == tuple(LINKS)
    other.prctl(Prctl.SET_DUMPABLE, 0)
    for name in LINKS:
        assert link(other, "self", name) == link(m.init, "self", name)


@case("NSFS-LINK-06", needs=("many_ids",))
def the_directory_of_an_undumpable_process_is_roots(m: Machine) -> None:
    """Others of its id may not list it then."""
    one, two = m.init.fork(), m.init.fork()
    for each in (one, two):
        each.setuid(1000)
        each.prctl(Prctl.SET_DUMPABLE, 1)
    path = f"/proc/{one.pid}/ns"
    assert two.listdir(path) == tuple(LINKS)
    one.prctl(Prctl.SET_DUMPABLE, 0)
    with raises("EACCES"):
        two.listdir(path)


@case("NSFS-LINK-08", "SETNS-08")
def the_links_of_a_zombie(m: Machine) -> None:
    """Those of the PID and the user namespace, until it is reaped: then a directory that is held has nothing."""
    inner = m.init.clone(NEWPID)
    text = link(m.init, inner.pid, "pid")
    directory = m.init.open(f"/proc/{inner.pid}/ns")
    inner.exit(0)
    m.settle()
    other = powerless(m.init)
    assert link(m.init, inner.pid, "pid") == text
    assert link(m.init, inner.pid, "user") == link(m.init, "self", "user")
    for name in LINKS:
        if name not in ("pid", "user"):
            with raises("ENOENT"):
                m.init.stat(f"/proc/{inner.pid}/ns/{name}")
            with raises("EACCES"):
                other.readlink(f"/proc/{inner.pid}/ns/{name}")
    fd = m.init.openat(directory, "pid")
    m.init.setns(fd, NEWPID)
    m.init.waitpid(inner.pid)
    with raises("ENOENT"):
        m.init.openat(directory, "pid")
    with raises("ENOENT"):
        m.init.readlink(f"/proc/self/fd/{directory}/pid")
    assert m.init.fstat(directory).st_mode == 0o40511
    with raises("ENOMEM"):
        m.init.fork()


@case("NSFS-LINK-09", "PFC-02", "NSFS-LIFE-04")
def the_link_for_children(m: Machine) -> None:
    """There is none before the init; when that is dead there still is, and it can be opened and joined."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    with raises("ENOENT"):
        maker.readlink("/proc/self/ns/pid_for_children")
    first = maker.fork()
    text = link(maker, "self", "pid_for_children")
    assert text == link(m.init, 3, "pid") != link(maker, "self", "pid")
    reap(maker, first)
    assert link(m.init, maker.pid, "pid_for_children") == text
    fd = open_ns(m.init, maker.pid, "pid_for_children")
    m.init.setns(fd, NEWPID)
    with raises("ENOMEM"):
        m.init.fork()


@case("NSFS-LINK-09")
def the_time_namespace_for_children(m: Machine) -> None:
    """unshare makes it; the next child has it as its own."""
    maker = m.init.fork()
    maker.unshare(CloneFlag.NEWTIME)
    mine, theirs = link(maker, "self", "time"), link(maker, "self", "time_for_children")
    assert mine == link(m.init, "self", "time") != theirs
    child = maker.fork()
    assert link(child, "self", "time") == link(child, "self", "time_for_children") == theirs


@case("NSFS-LINK-10")
def a_link_leads_past_all_mounts(m: Machine) -> None:
    """It works out of another mount namespace, through a procfs in which the process has a number."""
    other = m.init.clone(NEWNS | NEWPID)
    texts = [other.readlink(f"/proc/1/ns/{name}") for name in LINKS]
    assert texts == [m.init.readlink(f"/proc/self/ns/{name}") for name in LINKS]
    other.mount("proc", "/proc", "proc")
    assert link(other, 1, "pid") == link(m.init, other.pid, "pid")
    with raises("ENOENT"):
        other.readlink(f"/proc/{other.pid}/ns/pid")


# Mounts of them, and what else keeps them


@case("NSFS-LIFE-01")
def a_namespace_is_mounted_on_a_file(m: Machine) -> None:
    """Through its link or a descriptor, on a regular file alone; there it is the same inode, and no link."""
    target = mountpoint(m)
    reader = chrooted(m, "/tmp")
    fd = open_ns(m.init, "self", "pid")
    text = link(m.init, "self", "pid")
    for source in ("/proc/self/ns/pid", f"/proc/self/fd/{fd}"):
        with raises("ENOTDIR"):
            m.init.mount(source, "/tmp", None, MountFlag.BIND)
        m.init.mount(source, target, None, MountFlag.BIND)
        assert m.init.stat(target) == m.init.fstat(fd)
        with raises("EINVAL"):
            m.init.readlink(target)
        line = mountinfo(m.init, reader.pid)[-1]
        assert (line.point, line.root, line.fstype, line.source) == ("/ns", text, "nsfs", "nsfs")
        m.init.close(opened := m.init.open(target))
        assert opened == fd + 1
        with raises("EBUSY"):
            m.init.unlink(target)
        m.init.umount2(target)
    other = powerless(m.init)
    with raises("EPERM"):
        other.mount("/proc/self/ns/pid", target, None, MountFlag.BIND)
    m.init.unlink(target)


@case("NSFS-LIFE-02", "NSFS-LIFE-04")
def a_mount_keeps_a_namespace(m: Machine) -> None:
    """After its init has died it can be opened and joined; it never lives again."""
    target = mountpoint(m)
    inner = m.init.clone(NEWPID)
    text = link(m.init, inner.pid, "pid")
    m.init.mount(f"/proc/{inner.pid}/ns/pid", target, None, MountFlag.BIND)
    reap(m.init, inner)
    fd = m.init.open(target)
    assert m.init.readlink(f"/proc/self/fd/{fd}") == target
    m.init.setns(fd, NEWPID)
    assert link(m.init, "self", "pid_for_children") == text
    for _ in range(2):
        with raises("ENOMEM"):
            m.init.fork()


@case("NSFS-LIFE-03")
def a_mount_namespace_does_not_hold_itself(m: Machine) -> None:
    """Its own file is not mounted in it, where all other kinds are."""
    target = mountpoint(m)
    with raises("EINVAL"):
        m.init.mount("/proc/self/ns/mnt", target, None, MountFlag.BIND)
    for name in LINKS:
        if name != "mnt":
            m.init.mount(f"/proc/self/ns/{name}", target, None, MountFlag.BIND)
            m.init.umount2(target)


@case("NSFS-LIFE-04")
def a_message_on_its_way_keeps_a_namespace(m: Machine) -> None:
    """With a descriptor in flight, and nobody else who has it."""
    a, b = m.init.socketpair()
    inner = m.init.clone(NEWPID)
    fd = open_ns(m.init, inner.pid, "pid")
    before = inode(m.init, fd)
    hand(m.init, a, fd)
    m.init.close(fd)
    reap(m.init, inner)
    again = take(m.init, b)
    assert inode(m.init, again) == before
    m.init.setns(again, NEWPID)
    with raises("ENOMEM"):
        m.init.fork()


@case("NSFS-LIFE-04", "SETNS-07")
def children_and_joiners_keep_a_namespace(m: Machine) -> None:
    """Whoever is to have his children in it does; it is the same, and as dead, afterwards."""
    inner = m.init.clone(NEWPID)
    joiner = m.init.fork()
    enter(joiner, inner.pid, "pid")
    text = link(joiner, "self", "pid_for_children")
    reap(m.init, inner)
    assert link(joiner, "self", "pid_for_children") == text
    with raises("ENOMEM"):
        joiner.fork()
    assert link(joiner, "self", "pid_for_children") == text


@case("NSFS-LIFE-05", "PIDFD-OBJ-12")
def descriptors_pass_to_a_sibling_namespace(m: Machine) -> None:
    """Nobody checks; what they are good for there depends on who sees whom."""
    a, b = m.init.socketpair()
    one, two = m.init.clone(NEWPID | NEWUTS), m.init.clone(NEWPID)
    hand(one, a, one.pidfd_open(1))
    hand(one, a, open_ns(one, one.pid, "pid"))
    pidfd, ns = take(two, b), take(two, b, MessageFlag.CMSG_CLOEXEC)
    assert (is_cloexec(two, pidfd), is_cloexec(two, ns)) == (False, True)
    with raises("EINVAL"):
        two.pidfd_send_signal(pidfd, 0)
    assert ready(two, pidfd) == 0
    assert inode(two, two.pidfd_get_namespace(pidfd, PidfdNamespace.PID)) == inode(two, ns)
    assert two.ns_get_nstype(ns) == NEWPID
    with raises("EPERM"):
        two.ns_get_parent(ns)
    for fd in (pidfd, ns):
        with raises("EINVAL"):
            two.setns(fd, NEWPID)
    with raises("ESRCH"):
        two.ns_get_pid_from_pidns(ns, 1)
    two.setns(pidfd, NEWUTS)
    assert link(two, two.pid, "uts") == link(m.init, one.pid, "uts")
    two.unshare(NEWNS)
    two.mount("proc", "/proc", "proc")
    assert pid_and_numbers(two, pidfd) == (0,)
