"""mount(2): mounting a proc, its options, and what it must not reveal.  fs/proc/root.c, fs/namespace.c:mount_too_revealing"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import bind, chrooted, exists, tmpfs
from conformance.steps import map_root
from conformance.views import mountinfo
from nscore import CloneFlag, Machine, MountFlag, Process, UmountFlag

NEWUSER, NEWNS, NEWPID = CloneFlag.NEWUSER, CloneFlag.NEWNS, CloneFlag.NEWPID
BIND, REMOUNT, RDONLY = MountFlag.BIND, MountFlag.REMOUNT, MountFlag.RDONLY
DETACH = UmountFlag.DETACH


@case("MNT-03", "PROC-70", "PROC-76")
def options_of_proc(m: Machine) -> None:
    """hidepid, gid and subset, by number or name; anything else is EINVAL, also a right name with a wrong value."""
    tmpfs(m.init, "/tmp", "p/")
    for wrong in (
        "nonsense",
        "newinstance",
        "source=twice",
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


@case("MNT-05")
def a_part_of_a_proc_licenses_nothing(m: Machine) -> None:
    """A directory of it that is bound somewhere does not show it whole."""
    maker = m.init.clone(NEWNS)
    tmpfs(maker, "/tmp", "p/", "sys/", "old/")
    bind(maker, "/proc/sys", "/tmp/sys")
    maker.pivot_root("/tmp", "/tmp/old")
    maker.umount2("/old", DETACH)
    with raises("EPERM"):
        maker.clone(NEWUSER | NEWNS | NEWPID).mount("proc", "/p", "proc")


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
