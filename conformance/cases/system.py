"""uts_namespaces(7), ipc_namespaces(7): host names and who sets them.  kernel/utsname.c, kernel/sys.c, kernel/utsname_sysctl.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, enter, map_root, open_ns
from conformance.views import read, write
from nscore import Capability, CloneFlag, Machine, OpenFlag

NEWUTS, NEWIPC, NEWUSER = CloneFlag.NEWUTS, CloneFlag.NEWIPC, CloneFlag.NEWUSER
HOSTNAME = "/proc/sys/kernel/hostname"
WRONLY = OpenFlag.WRONLY


@case("UTS-01")
def a_uts_namespace_begins_as_a_copy(m: Machine) -> None:
    """Of all names, whether cloned or unshared; then each has its own."""
    m.init.sethostname("first")
    cloned, unshared, same = m.init.clone(NEWUTS), m.init.fork(), m.init.fork()
    unshared.unshare(NEWUTS)
    assert cloned.uname() == unshared.uname() == m.init.uname()
    m.init.sethostname("second")
    cloned.sethostname("third")
    assert [process.uname().nodename for process in (m.init, same, cloned, unshared)] == ["second", "second", "third", "first"]


@case("UTS-02")
def what_sethostname_takes(m: Machine) -> None:
    """Rights first; 64 bytes at most, any of them, and none."""
    bare = m.init.fork()
    drop(bare, Capability.SYS_ADMIN)
    for name in ("x" * 65, "x"):
        with raises("EPERM"):
            bare.sethostname(name)
    with raises("EINVAL"):
        m.init.sethostname("x" * 65)
    for name in ("x" * 64, "a b/c\nd", "", "name"):
        m.init.sethostname(name)
        assert m.init.uname().nodename == name
        assert read(m.init, HOSTNAME) == name + "\n"


@case("UTS-04", needs=("root",))
def the_file_asks_for_the_uid_and_the_call_for_a_right(m: Machine) -> None:
    """The host's root may write it without any capability, also from a user namespace; a root that is another user outside may not."""
    bare = m.init.fork()
    drop(bare)
    write(bare, HOSTNAME, "bare")
    assert m.init.uname().nodename == "bare"
    inside = m.init.clone(NEWUSER | NEWUTS)
    write(inside, HOSTNAME, "inside")
    assert inside.uname().nodename == "inside"
    other = m.init.clone(NEWUSER | NEWUTS)
    write(m.init, f"/proc/{other.pid}/uid_map", "0 3000 1")
    write(m.init, f"/proc/{other.pid}/gid_map", "0 3000 1")
    other.setuid(0)
    other.setgid(0)
    with raises("EACCES"):
        other.open(HOSTNAME, WRONLY)
    other.sethostname("other")
    assert read(other, HOSTNAME) == "other\n"


@case("UTS-05", needs=("root",))
def what_is_written_to_the_file(m: Machine) -> None:
    """Cut at the first newline and after 64 bytes, counted in full; nothing changes nothing; a second write goes on behind the first."""
    for text, name in (("one\ntwo", "one"), ("x" * 70, "x" * 64), ("", "x" * 64), ("\n", ""), ("last", "last")):
        fd = m.init.open(HOSTNAME, WRONLY)
        assert m.init.write(fd, text.encode()) == len(text)
        m.init.close(fd)
        assert m.init.uname().nodename == name
    fd = m.init.open(HOSTNAME, WRONLY)
    for part in (b"abc", b"def"):
        assert m.init.write(fd, part) == 3
    assert m.init.uname().nodename == "abcdef"


@case("UTS-06")
def a_thread_enters_alone(m: Machine) -> None:
    """A UTS or IPC namespace, with rights over it and over its own user namespace."""
    other = m.init.clone(NEWUTS | NEWIPC)
    other.sethostname("other")
    leader = m.init.fork()
    thread = leader.thread()
    enter(thread, other.pid, "uts")
    enter(thread, other.pid, "ipc")
    assert thread.uname().nodename == "other" != leader.uname().nodename
    there = m.init.readlink(f"/proc/{leader.pid}/task/{thread.tid}/ns/ipc")
    assert there == m.init.readlink(f"/proc/{other.pid}/ns/ipc") != m.init.readlink(f"/proc/{leader.pid}/ns/ipc")
    descriptors = [open_ns(leader, other.pid, kind) for kind in ("uts", "ipc")]
    drop(leader, Capability.SYS_ADMIN)
    for fd in descriptors:
        with raises("EPERM"):
            leader.setns(fd)


@case("UTS-06", "UTS-07")
def rights_over_a_uts_namespace_are_its_owners(m: Machine) -> None:
    """From above one enters and sets; from below not, although it is the own one."""
    below = m.init.clone(NEWUSER | NEWUTS)
    map_root(below)
    visitor = m.init.fork()
    enter(visitor, below.pid, "uts")
    visitor.sethostname("visited")
    assert below.uname().nodename == "visited"
    newcomer = m.init.fork()
    own = open_ns(newcomer, "self", "uts")
    newcomer.unshare(NEWUSER)
    with raises("EPERM"):
        newcomer.setns(own)
    with raises("EPERM"):
        newcomer.sethostname("mine")


@case("UTS-09", "PREC-02")
def semaphore_undo_belongs_to_one_ipc_namespace(m: Machine) -> None:
    """NEWIPC with SYSVSEM is EINVAL, once the right to NEWIPC is there."""
    caller = m.init.fork()
    with raises("EINVAL"):
        caller.clone(NEWIPC | CloneFlag.SYSVSEM)
    caller.clone(NEWIPC)
    drop(caller)
    with raises("EPERM"):
        caller.clone(NEWIPC | CloneFlag.SYSVSEM)
