"""nscore_sim/user_namespace.py and uid_map.py: who may create, who may map, what ids look like."""

from __future__ import annotations

import errno

import pytest

from nscore import Machine, Process, boot
from nscore.errors import Errno
from nscore.flags import CloneFlag, OpenFlag
from nscore_sim.uid_map import parse

OVERFLOW = 65534


def name(error: OSError) -> str:
    """The errno's name."""
    assert error.errno is not None
    return errno.errorcode[error.errno]


def write(process: Process, path: str, data: bytes) -> str:
    """What comes of it: "", or the errno's name."""
    try:
        fd = process.open(path, OpenFlag.WRONLY)
    except OSError as error:
        return f"open {name(error)}"
    try:
        process.write(fd, data)
    except OSError as error:
        return name(error)
    finally:
        process.close(fd)
    return ""


def read(process: Process, path: str) -> str:
    """The text of a file."""
    fd = process.open(path)
    text = process.read(fd, 4096)
    process.close(fd)
    return text.decode()


def test_the_creator_has_all_capabilities_and_no_name(machine: Machine) -> None:
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWUSER)
    assert (a.getuid(), a.getgid()) == (OVERFLOW, OVERFLOW)
    assert a.capget().permitted == a.capget().effective == (1 << 41) - 1
    with pytest.raises(PermissionError):
        a.unshare(CloneFlag.NEWUSER)  # nobody without a name
    with pytest.raises(PermissionError):
        a.sethostname("x")  # which is still the outer one's


def test_a_map_is_written_once_and_read_from_either_side(machine: Machine) -> None:
    init = machine.init
    a = init.fork()
    a.unshare(CloneFlag.NEWUSER)
    assert write(init, f"/proc/{a.pid}/uid_map", b"5 1000 10\n0 0 1") == ""
    assert write(init, f"/proc/{a.pid}/uid_map", b"7 7 7") == "EPERM"
    assert read(a, "/proc/self/uid_map") == read(init, f"/proc/{a.pid}/uid_map")
    assert a.getuid() == 0
    a.setuid(6)
    b = init.fork()
    b.setuid(1001)
    with pytest.raises(OSError, match="Invalid argument"):
        a.setuid(1)


def test_one_may_map_oneself_and_the_group_after_denying_setgroups(machine: Machine) -> None:
    a = machine.init.fork()
    a.setresgid(1000, 1000, 1000)
    a.setresuid(1000, 1000, 1000)
    a.prctl(4, 1)  # or its files are root's
    a.unshare(CloneFlag.NEWUSER)
    assert write(a, "/proc/self/uid_map", b"0 1001 1") == "EPERM"
    assert write(a, "/proc/self/uid_map", b"0 1000 2") == "EPERM"
    assert write(a, "/proc/self/uid_map", b"0 1000 1") == ""
    assert write(a, "/proc/self/gid_map", b"0 1000 1") == "EPERM"
    assert write(a, "/proc/self/setgroups", b"deny") == ""
    assert write(a, "/proc/self/gid_map", b"0 1000 1") == ""
    assert (a.getuid(), a.getgid()) == (0, 0)
    with pytest.raises(PermissionError):
        a.setgroups(())


def deepen(process: Process) -> str:
    """Go one user namespace down and be root there; "", or the errno's name."""
    try:
        process.unshare(CloneFlag.NEWUSER)
    except OSError as error:
        return name(error)
    for file, text in (("setgroups", b"deny"), ("uid_map", b"0 0 1"), ("gid_map", b"0 0 1")):
        assert write(process, f"/proc/self/{file}", text) == ""
    return ""


def test_33_levels_and_no_more() -> None:
    with boot("sim") as machine:  # on linux the machine may be some levels down itself
        a = machine.init.fork()
        assert [deepen(a) for _ in range(34)] == [""] * 33 + ["ENOSPC"]


def test_the_owners_id_alone_opens_a_namespace_from_the_parent(machine: Machine) -> None:
    init = machine.init
    a, b, stranger = init.fork(), init.fork(), init.fork()
    for process, uid in ((a, 1000), (b, 1000), (stranger, 1001)):
        process.setresgid(1000, 1000, 1000)
        process.setresuid(uid, uid, uid)
        process.prctl(4, 1)
    a.unshare(CloneFlag.NEWUSER)
    fd = b.open(f"/proc/{a.pid}/ns/user")
    b.setns(fd, CloneFlag.NEWUSER)
    assert b.capget().effective == (1 << 41) - 1
    with pytest.raises(OSError, match="Invalid argument"):
        b.setns(fd, 0)  # already there
    with pytest.raises(PermissionError):
        stranger.open(f"/proc/{a.pid}/ns/user")


def test_who_is_chrooted_may_not(machine: Machine) -> None:
    a = machine.init.fork()
    a.chroot("/proc")
    with pytest.raises(PermissionError):
        a.unshare(CloneFlag.NEWUSER)


GOOD = {
    b"0 0 1": ((0, 0, 1),),
    b" 0\t0  1 \r\n": ((0, 0, 1),),
    b"0 0 4294967295": ((0, 0, 4294967295),),
    b"4294967296 0 1": ((0, 0, 1),),
    b"0 0 1\0junk": ((0, 0, 1),),
    b"3 0 1\n1 5 2\n": ((3, 0, 1), (1, 5, 2)),
}
BAD = (
    *(b"", b"\n", b"0 0 1\n\n", b"0 0", b"0 0 1 1", b"0 0 0", b"-1 0 1", b"0x0 0 1", b"0,0,1"),
    *(b"4294967295 0 1", b"1 0 4294967295", b"0 0 1\n0 1 1"),
)


def test_the_format_of_a_map() -> None:
    for text, extents in GOOD.items():
        assert parse(text, wrap=True) == extents
    for text in BAD:
        with pytest.raises(Errno, match="EINVAL"):
            parse(text, wrap=True)
    assert len(parse(b"".join(b"%d %d 1\n" % (n, n) for n in range(340)), wrap=True)) == 340
    with pytest.raises(Errno, match="EINVAL"):
        parse(b"".join(b"%d %d 1\n" % (n, n) for n in range(341)), wrap=True)


def test_numbers_beyond_64_bits_differ_by_release() -> None:
    assert parse(b"18446744073709551616 0 1", wrap=True) == ((0, 0, 1),)
    with pytest.raises(Errno, match="EINVAL"):
        parse(b"18446744073709551616 0 1", wrap=False)
