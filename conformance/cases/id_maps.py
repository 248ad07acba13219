"""user_namespaces(7): uid_map, gid_map and setgroups.  kernel/user_namespace.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, map_root
from conformance.views import numbers, read, status, write
from nscore import Capability, CloneFlag, Machine, Process, Signal

NEWUSER, NEWPID, NEWUTS, NEWNS, NEWIPC = CloneFlag.NEWUSER, CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWNS, CloneFlag.NEWIPC
WRONLY = 1
NOBODY = 65534


def uid_map(reader: Process, pid: int | str) -> list[list[int]]:
    """The lines of a uid_map as numbers."""
    return [[int(number) for number in line.split()] for line in read(reader, f"/proc/{pid}/uid_map").splitlines()]


def refused(writer: Process, path: str, *texts: str) -> None:
    """Each text is EINVAL."""
    for text in texts:
        fd = writer.open(path, WRONLY)
        with raises("EINVAL"):
            writer.write(fd, text.encode())
        writer.close(fd)


@case("USER-20", needs=("many_ids",))
def a_map_is_for_the_owner_to_write_and_for_all_to_read(m: Machine) -> None:
    """EACCES for a stranger; all members show it, a zombie too."""
    stranger = m.init.fork()
    stranger.setuid(1000)
    child = m.init.clone(NEWUSER)
    for name in ("uid_map", "gid_map", "setgroups"):
        with raises("EACCES"):
            stranger.open(f"/proc/{child.pid}/{name}", WRONLY)
    write(m.init, f"/proc/{child.pid}/uid_map", "0 0 10")
    member = child.fork()
    assert uid_map(stranger, child.pid) == uid_map(stranger, member.pid) == [[0, 0, 10]]
    member.exit(0)
    m.settle()
    assert uid_map(m.init, member.pid) == [[0, 0, 10]]


@case("USER-21")
def a_map_is_written_once(m: Machine) -> None:
    """From its start: an offset is EINVAL; a second write EPERM, garbage too; a bad format comes before ids that are not the writer's."""
    child = m.init.clone(NEWUSER)
    path = f"/proc/{child.pid}/uid_map"
    refused(child, path, "0 0 0", "x")
    fd = child.open(path, WRONLY)
    child.lseek(fd, 1)
    with raises("EINVAL"):
        child.write(fd, b"0 0 1")
    child.lseek(fd, 0)
    with raises("EINVAL"):
        child.write(fd, b"0 0 1" + b" " * 4096)
    with raises("EPERM"):
        child.write(fd, b"0 5 1")
    assert child.write(fd, b"0 0 1") == 5
    child.lseek(fd, 0)
    for text in (b"0 0 1", b"x"):
        with raises("EPERM"):
            child.write(fd, text)


@case("USER-21")
def only_the_namespace_and_its_parent_write_a_map(m: Machine) -> None:
    """EPERM for who lives anywhere else, for who has no right in it when the file is opened, and for ids that the parent has not."""
    child, other = m.init.clone(NEWUSER), m.init.clone(NEWUSER)
    bare = child.fork()
    fd = other.open(f"/proc/{child.pid}/uid_map", WRONLY)
    with raises("EPERM"):
        other.write(fd, b"0 0 1")
    drop(bare)
    with raises("EACCES"):
        bare.open("/proc/self/setgroups", WRONLY)
    fd = bare.open("/proc/self/uid_map", WRONLY)
    with raises("EPERM"):
        bare.write(fd, b"0 0 1")
    map_root(child)
    grandchild = child.clone(NEWUSER)
    path = f"/proc/{grandchild.pid}/uid_map"
    fd = m.init.open(path, WRONLY)
    with raises("EPERM"):
        m.init.write(fd, b"0 0 1")
    fd = child.open(path, WRONLY)
    with raises("EPERM"):
        child.write(fd, b"0 0 2")
    assert child.write(fd, b"0 0 1") == 5


@case("USER-22")
def the_format_of_a_map(m: Machine) -> None:
    """Three decimal numbers a line, blanks free; nothing empty, no count of 0, no overlap, no id beyond the last."""
    child = m.init.clone(NEWUSER)
    path = f"/proc/{child.pid}/uid_map"
    refused(
        child, path, "", "\n", "\n0 0 1", "0 0 1\n\n", "0 0", "0 0 1 1", "0 0 0", "-1 0 1", "0x0 0 1", "0,0,1", "0 0 1,", "4294967295 0 1",
        "0 4294967295 1", "4294967294 0 2", "0 4294967294 2", "0 0 1\n0 1 1", "0 0 1\n1 0 1", "0 0 1\n" * 341,
    )  # fmt: skip
    write(child, path, " \t4294967296\t0  1 ")
    assert uid_map(m.init, child.pid) == [[0, 0, 1]]
    assert child.getuid() == 0


@case("USER-22", needs=("root",))
def a_map_of_everything(m: Machine) -> None:
    """All ids but the last, by one line."""
    child, other = m.init.clone(NEWUSER), m.init.clone(NEWUSER)
    write(m.init, f"/proc/{child.pid}/uid_map", "0 0 4294967295")
    assert read(m.init, f"/proc/{child.pid}/uid_map") == "         0          0 4294967295\n"
    write(m.init, f"/proc/{other.pid}/uid_map", "".join(f"{number} {number + 7} 1\n" for number in range(340)))
    assert len(uid_map(m.init, other.pid)) == 340
    whole = read(m.init, f"/proc/{other.pid}/uid_map").encode()
    fd = m.init.open(f"/proc/{other.pid}/uid_map")
    parts = [m.init.read(fd, n) for n in (10, 23, 33, 5000, 5000, 5000, 5000)]
    assert b"".join(parts) == whole
    for offset in (0, 10, 33, 4000, len(whole) - 3):
        part = m.init.pread(fd, 6000, offset)
        assert part == whole[offset : offset + len(part)] != b""
    assert m.init.pread(fd, 10, len(whole)) == b""


@case("USER-23")
def an_ordinary_user_maps_only_itself(m: Machine) -> None:
    """One line, one id, its own; any inside id."""
    caller = m.init.fork()
    drop(caller, *(set(Capability) - {Capability.SETFCAP}))
    child = caller.clone(NEWUSER)
    for text in (b"0 0 2", b"0 1 1", b"0 0 1\n1 1 1"):
        fd = child.open("/proc/self/uid_map", WRONLY)
        with raises("EPERM"):
            child.write(fd, text)
    assert child.write(fd, b"7 0 1") == 5
    assert child.getuid() == 7


@case("USER-23", "USER-26", needs=("many_ids",))
def an_ordinary_user_maps_its_group_once_setgroups_is_denied(m: Machine) -> None:
    """EPERM before."""
    caller = m.init.fork()
    drop(caller)
    child = caller.clone(NEWUSER)
    fd = child.open("/proc/self/gid_map", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"7 0 1")
    write(child, "/proc/self/setgroups", "deny")
    assert child.write(fd, b"7 0 1") == 5
    assert child.getgid() == 7


@case("USER-24")
def mapping_the_parents_0_needs_setfcap(m: Machine) -> None:
    """Of the creator, when it is written from inside; of the opener, when from the parent."""
    lacking, having = m.init.fork(), m.init.fork()
    drop(lacking, Capability.SETFCAP)
    child = lacking.clone(NEWUSER)
    fd = child.open("/proc/self/uid_map", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"5 0 1")
    fd = lacking.open(f"/proc/{child.pid}/uid_map", WRONLY)
    with raises("EPERM"):
        lacking.write(fd, b"5 0 1")
    write(having, f"/proc/{child.pid}/uid_map", "5 0 1")
    assert child.getuid() == 5
    other = having.clone(NEWUSER)
    write(other, "/proc/self/uid_map", "5 0 1")
    assert other.getuid() == 5


@case("USER-23", needs=("root",))
def project_ids_are_anybodys(m: Machine) -> None:
    """Mapping them takes no right."""
    caller = m.init.fork()
    drop(caller)
    child = caller.clone(NEWUSER)
    drop(child)
    write(child, "/proc/self/projid_map", "0 5 9\n9 14 1")
    assert len(read(m.init, f"/proc/{child.pid}/projid_map").splitlines()) == 2


@case("USER-24", needs=("many_ids",))
def mapping_other_ids_does_not(m: Machine) -> None:
    """Without SETFCAP all but 0 can be mapped."""
    lacking = m.init.fork()
    drop(lacking, Capability.SETFCAP)
    child = lacking.clone(NEWUSER)
    fd = lacking.open(f"/proc/{child.pid}/uid_map", WRONLY)
    with raises("EPERM"):
        lacking.write(fd, b"5 0 2")
    assert lacking.write(fd, b"0 1 10") == 6


@case("USER-25")
def a_map_is_told_in_the_readers_terms(m: Machine) -> None:
    """The outside ids are the reader's; for a reader inside, its parent's; 4294967295 where it has no name for them."""
    child = m.init.clone(NEWUSER)
    write(child, "/proc/self/uid_map", "10 0 1")
    write(child, "/proc/self/setgroups", "deny")
    write(child, "/proc/self/gid_map", "10 0 1")
    grandchild = child.clone(NEWUSER)
    write(grandchild, "/proc/self/uid_map", "20 10 1")
    stranger = m.init.clone(NEWUSER)
    for reader, line in ((m.init, [20, 0, 1]), (child, [20, 10, 1]), (grandchild, [20, 10, 1]), (stranger, [20, 4294967295, 1])):
        assert uid_map(reader, grandchild.pid) == [line]
    assert uid_map(child, child.pid) == uid_map(m.init, child.pid) == [[10, 0, 1]]
    assert uid_map(grandchild, child.pid) == [[10, 20, 1]]
    assert uid_map(m.init, stranger.pid) == []


@case("USER-25", needs=("many_ids",))
def long_maps_are_sorted(m: Machine) -> None:
    """Five lines stay as they were written; six are shown by their inside ids."""
    five, six = m.init.clone(NEWUSER), m.init.clone(NEWUSER)
    for child, count in ((five, 5), (six, 6)):
        lines = [[number, 100 + number, 1] for number in range(count - 1, -1, -1)]
        write(m.init, f"/proc/{child.pid}/uid_map", "".join("{} {} {}\n".format(*line) for line in lines))
        assert uid_map(m.init, child.pid) == (lines if count == 5 else sorted(lines))


@case("USER-26", needs=("many_ids",))
def setgroups_is_allowed_or_denied(m: Machine) -> None:
    """Denied it stays, below too; after gid_map it cannot be denied any more."""
    child = m.init.clone(NEWUSER)
    refused(child, "/proc/self/setgroups", "", "x", "denyx", "deny    ")
    assert read(child, "/proc/self/setgroups") == "allow\n"
    with raises("EPERM"):
        child.setgroups(())
    write(child, "/proc/self/setgroups", "allow")
    assert read(child, "/proc/self/setgroups") == "allow\n"
    write(child, "/proc/self/setgroups", "deny\n")
    write(child, "/proc/self/setgroups", "deny")
    fd = child.open("/proc/self/setgroups", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"allow")
    write(child, "/proc/self/uid_map", "0 0 1")
    write(child, "/proc/self/gid_map", "0 0 1")
    with raises("EPERM"):
        child.setgroups(())
    assert read(child.clone(NEWUSER), "/proc/self/setgroups") == "deny\n"


@case("USER-26", "USER-27", needs=("many_ids",))
def setgroups_wants_mapped_ids(m: Machine) -> None:
    """Where a privileged map leaves it allowed; then it cannot be denied any more."""
    child = m.init.clone(NEWUSER)
    write(m.init, f"/proc/{child.pid}/uid_map", "0 0 10")
    write(m.init, f"/proc/{child.pid}/gid_map", "0 0 10")
    child.setgroups((3, 9))
    with raises("EINVAL"):
        child.setgroups((10,))
    fd = child.open("/proc/self/setgroups", WRONLY)
    with raises("EPERM"):
        child.write(fd, b"deny")
    with raises("EINVAL"):
        child.setuid(10)
    with raises("EINVAL"):
        child.setgid(10)
    with raises("EINVAL"):
        child.setreuid(10, -1)
    with raises("EINVAL"):
        child.setregid(10, -1)
    with raises("EINVAL"):
        child.setresuid(-1, 10, -1)
    with raises("EINVAL"):
        child.setresgid(-1, 10, -1)
    child.setuid(9)
    assert (child.geteuid(), child.capget().permitted) == (9, 0)
    assert numbers(m.init, child.pid, "Groups") == (3, 9)


@case("USER-27", "PROC-22")
def ids_without_a_name_read_65534(m: Machine) -> None:
    """In the reader's eyes, whoever's they are; for the others they are what they were."""
    child = m.init.clone(NEWUSER)
    assert status(child, "self")["Uid"] == "\t".join([str(NOBODY)] * 4)
    assert status(m.init, child.pid)["Uid"] == status(m.init, 1)["Uid"] == "0\t0\t0\t0"
    st = child.stat("/proc/self")
    assert (st.st_uid, st.st_gid) == (NOBODY, NOBODY)
    with raises("EINVAL"):
        child.setuid(0)
    write(child, "/proc/self/uid_map", "3 0 1")
    assert (child.getuid(), child.stat("/proc/self").st_uid) == (3, 3)
    child.kill(child.pid, 0)
    child.sigqueue(child.pid, Signal.CONT)
