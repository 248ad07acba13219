"""nscore_sim/nsfs.py: namespaces as files."""

from __future__ import annotations

import errno

from nscore import Machine, Process
from nscore.flags import CloneFlag, FcntlCommand, MountFlag, OpenFlag


def failure(process: Process, name: str, *args: object) -> str:
    """The errno's name of a call, "" where it returns."""
    try:
        getattr(process, name)(*args)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return ""


def test_a_link_names_what_it_leads_to(machine: Machine) -> None:
    a = machine.init.fork()
    for name in a.listdir("/proc/self/ns"):
        text = a.readlink(f"/proc/self/ns/{name}")
        fd = a.open(f"/proc/self/ns/{name}")
        status = a.fstat(fd)
        assert text == f"{name.removesuffix('_for_children')}:[{status.st_ino}]"
        assert (status.st_mode, status.st_uid, status.st_nlink) == (0o100444, 0, 1)
        assert a.readlink(f"/proc/self/fd/{fd}") == text
        assert failure(a, "read", fd, 1) == "EINVAL"
        assert failure(a, "lseek", fd, 0) == "ESPIPE"
        a.close(fd)


def test_nobody_writes_to_a_namespace(machine: Machine) -> None:
    a = machine.init.fork()
    for flags in (OpenFlag.WRONLY, OpenFlag.RDWR, OpenFlag.TRUNC):
        assert failure(a, "open", "/proc/self/ns/uts", flags) == "EPERM"
    assert failure(a, "open", "/proc/self/ns/uts", OpenFlag.NOFOLLOW) == "ELOOP"
    assert failure(a, "open", "/proc/self/ns/uts", OpenFlag.DIRECTORY) == "ENOTDIR"


def test_a_relative_is_shown_to_who_is_above_it(machine: Machine) -> None:
    init = machine.init
    inner = init.clone(CloneFlag.NEWPID | CloneFlag.NEWUSER)
    own, below = init.open("/proc/self/ns/pid"), init.open(f"/proc/{inner.pid}/ns/pid")
    parent = init.ns_get_parent(below)
    assert init.fstat(parent).st_ino == init.fstat(own).st_ino
    assert init.fcntl(parent, FcntlCommand.GETFD) == 1
    assert failure(init, "ns_get_parent", own) == "EPERM"
    assert failure(init, "ns_get_parent", init.open("/proc/self/ns/uts")) == "EINVAL"
    owner = init.ns_get_userns(below)
    assert init.readlink(f"/proc/self/fd/{owner}") == init.readlink(f"/proc/{inner.pid}/ns/user")
    assert init.ns_get_nstype(owner) == CloneFlag.NEWUSER
    assert init.ns_get_owner_uid(owner) == init.geteuid()
    assert failure(init, "ns_get_owner_uid", own) == "EINVAL"
    assert failure(init, "ns_get_nstype", 0) == "ENOTTY"
    assert failure(init, "ns_get_nstype", 99) == "EBADF"


def test_numbers_are_translated_both_ways(machine: Machine) -> None:
    init = machine.init
    inner = init.clone(CloneFlag.NEWPID)
    member = inner.fork()
    fd, own = init.open(f"/proc/{inner.pid}/ns/pid"), inner.open("/proc/1/ns/pid")
    assert init.ns_get_pid_from_pidns(fd, 2) == init.ns_get_tgid_from_pidns(fd, 2) == inner.pid + 1
    assert init.ns_get_pid_in_pidns(fd, inner.pid) == init.ns_get_tgid_in_pidns(fd, inner.pid) == 1
    for number in (0, -1, 99):
        assert failure(init, "ns_get_pid_from_pidns", fd, number) == "ESRCH"
    assert failure(init, "ns_get_pid_in_pidns", fd, 1) == "ESRCH"
    assert inner.ns_get_pid_in_pidns(own, 2) == inner.pid + 1  # whoever holds the file learns the outer number
    assert member.getpid() == 2


def test_a_bind_mount_keeps_a_namespace(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    a.unshare(CloneFlag.NEWNS | CloneFlag.NEWUTS)
    a.sethostname("kept")
    init.mount("none", "/mnt", "tmpfs", 0, None)
    init.close(init.open("/mnt/uts", OpenFlag.CREAT, 0o600))
    text = init.readlink(f"/proc/{a.pid}/ns/uts")
    init.mount(f"/proc/{a.pid}/ns/uts", "/mnt/uts", None, MountFlag.BIND, None)
    a.exit(0)
    init.waitpid(a.pid)
    fd = init.open("/mnt/uts")
    init.setns(fd, CloneFlag.NEWUTS)
    init.close(fd)
    assert (init.uname().nodename, init.readlink("/proc/self/ns/uts")) == ("kept", text)
    init.umount2("/mnt/uts")
    assert init.stat("/mnt/uts").st_mode == 0o100600


def test_a_link_needs_the_right_to_look_into_the_process(machine: Machine) -> None:
    init = machine.init
    a, b = init.fork(), init.fork()
    b.setuid(1000)
    assert failure(b, "readlink", f"/proc/{a.pid}/ns/pid") == "EACCES"
    assert failure(b, "open", f"/proc/{a.pid}/ns/pid") == "EACCES"
    a.exit(0)
    machine.settle()
    assert failure(b, "readlink", f"/proc/{a.pid}/ns/uts") == "EACCES"
    assert failure(init, "readlink", f"/proc/{a.pid}/ns/uts") == "ENOENT"
    assert init.readlink(f"/proc/{a.pid}/ns/user") == init.readlink("/proc/self/ns/user")
