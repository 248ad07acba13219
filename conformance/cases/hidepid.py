"""proc(5): hidepid, gid, subset.  fs/proc/base.c:has_pid_permissions"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import exists, tmpfs
from nscore import CloneFlag, Machine, MountFlag, OpenFlag, Prctl, Process


def hiding(m: Machine, options: str) -> tuple[Process, Process, Process]:
    """A proc at /tmp/p with those options, and three processes of other users: 1000 in group 50, twice, and 2000 in group 60."""
    tmpfs(m.init, "/tmp", "p/")
    m.init.mount("proc", "/tmp/p", "proc", 0, options)
    users = []
    for uid, gid in ((1000, 50), (1000, 50), (2000, 60)):
        user = m.init.fork()
        user.setgroups(())
        user.setresgid(gid, gid, gid)
        user.setresuid(uid, uid, uid)
        user.prctl(Prctl.SET_DUMPABLE, 1)
        users.append(user)
    return users[0], users[1], users[2]


def pids(process: Process) -> list[int]:
    """What it sees there."""
    return [int(name) for name in process.listdir("/tmp/p") if name.isdigit()]


@case("PROC-71", "PROC-72", needs=("many_ids",))
def noaccess_closes_directories(m: Machine) -> None:
    """They are listed and can be looked at; what is in them is EPERM, except for those who may trace and for gid's group."""
    same, other, stranger = hiding(m, "hidepid=1,gid=60")
    assert pids(same) == [1, 2, 3, 4]
    same.stat("/tmp/p/4")
    for name in ("4/status", "1/status"):
        with raises("EPERM"):
            same.open(f"/tmp/p/{name}")
        with raises("EPERM"):
            same.stat(f"/tmp/p/{name}")
    for process, pid in ((same, 3), (same, "self"), (stranger, 2), (stranger, 1), (m.init, 4)):
        process.close(process.open(f"/tmp/p/{pid}/status"))
    assert other.pid == 3


@case("PROC-71", "PROC-73", needs=("many_ids",))
def invisible_hides_them(m: Machine) -> None:
    """They are not listed and ENOENT; but to be held with O_PATH they are there.  Signals do not care."""
    same, _, stranger = hiding(m, "hidepid=2,gid=7")
    assert (pids(same), pids(stranger), pids(m.init)) == ([2, 3], [4], [1, 2, 3, 4])
    for name in ("4", "4/status"):
        with raises("ENOENT"):
            same.stat(f"/tmp/p/{name}")
    same.close(same.open("/tmp/p/4", OpenFlag.PATH))
    with raises("EPERM"):
        same.kill(4, 0)
    with raises("ENOENT"):
        same.open("/tmp/p/4", OpenFlag.DIRECTORY)


@case("PROC-71", needs=("many_ids",))
def root_is_the_group_that_sees_all(m: Machine) -> None:
    """Without gid the exempt group is 0, also as a supplementary one."""
    same, _, _ = hiding(m, "hidepid=2")
    member = m.init.fork()
    member.setgroups((0,))
    member.setresgid(70, 70, 70)
    member.setuid(3000)
    assert (pids(member), pids(same)) == ([1, 2, 3, 4, 5], [2, 3])


@case("PROC-71", "PROC-74", needs=("many_ids",))
def ptraceable_asks_for_nothing_else(m: Machine) -> None:
    """gid's group does not help; what one may not trace is not there."""
    same, _, stranger = hiding(m, "hidepid=4,gid=60")
    assert (pids(same), pids(stranger)) == ([2, 3], [4])
    for path in ("/tmp/p/2", "/tmp/p/1"):
        assert not exists(stranger, path)
        with raises("ENOENT"):
            stranger.stat(path)


@case("PROC-75", needs=("many_ids",))
def the_undumpable_are_hidden_from_their_own_user(m: Machine) -> None:
    """Zombies keep what they were at death; a right over the target's user namespace sees all."""
    same, other, _ = hiding(m, "hidepid=2,gid=7")
    other.prctl(Prctl.SET_DUMPABLE, 0)
    assert (pids(same), pids(other)) == ([2], [2, 3])
    other.exit(0)
    m.settle()
    assert pids(same) == [2]
    same.exit(0)
    m.settle()
    late = m.init.fork()
    late.setgroups(())
    late.setresgid(50, 50, 50)
    late.setresuid(1000, 1000, 1000)
    assert pids(late) == [2, 5]


@case("PROC-76")
def a_subset_of_pids(m: Machine) -> None:
    """self, thread-self and the numbers; nothing of the system."""
    tmpfs(m.init, "/tmp", "p/")
    m.init.mount("proc", "/tmp/p", "proc", 0, "subset=pid")
    m.init.fork()
    assert m.init.listdir("/tmp/p") == ("self", "thread-self", "1", "2")
    for name in ("mounts", "sys", "uptime", "version", "loadavg"):
        with raises("ENOENT"):
            m.init.stat(f"/tmp/p/{name}")
    assert m.init.readlink("/tmp/p/self") == "1"
    m.init.mount(None, "/tmp/p", None, MountFlag.REMOUNT)
    assert not exists(m.init, "/tmp/p/sys")
    inner = m.init.clone(CloneFlag.NEWNS)
    inner.mount(None, "/tmp/p", None, MountFlag.REMOUNT | MountFlag.BIND | MountFlag.RDONLY)
    assert not exists(inner, "/tmp/p/sys")
