"""credentials(7), capabilities(7): what changing ids and exec do to capabilities.  kernel/sys.c, security/commoncap.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop
from conformance.views import status, write
from nscore import Capability, CloneFlag, Machine, Prctl, Process

NONE = -1
NOROOT, NO_SETUID_FIXUP, KEEP_CAPS_LOCKED = 1 << 0, 1 << 2, 1 << 5


def ids(process: Process, key: str = "Uid") -> tuple[int, ...]:
    """Real, effective, saved and file system ids of a process, as it sees them itself."""
    return tuple(int(number) for number in status(process, "self")[key].split())


def full(process: Process) -> int:
    """The capabilities that an exec by root gives: the bounding set."""
    return int(status(process, "self")["CapBnd"], 16)


@case("USER-40", needs=("many_ids",))
def leaving_0_for_good_loses_all_capabilities(m: Machine) -> None:
    """While one of real, effective and saved id is 0 the permitted ones stay, and the effective ones go and come with the effective id."""
    child = m.init.fork()
    all_of_them = child.capget().permitted
    child.setresuid(NONE, 1000, NONE)
    assert (child.capget().effective, child.capget().permitted) == (0, all_of_them)
    child.setresuid(NONE, 0, NONE)
    assert (child.capget().effective, child.capget().permitted) == (all_of_them, all_of_them)
    child.setresuid(1000, 1000, NONE)
    assert (child.capget().effective, child.capget().permitted) == (0, all_of_them)
    child.setresuid(NONE, NONE, 1000)
    assert (child.capget().effective, child.capget().permitted) == (0, 0)
    assert ids(child) == (1000, 1000, 1000, 1000)


@case("USER-40", "MISC-05", needs=("many_ids",))
def keepcaps_keeps_the_permitted_ones(m: Machine) -> None:
    """Not the effective ones; a copy of it goes to children, with all else."""
    child = m.init.fork()
    all_of_them = child.capget().permitted
    child.prctl(Prctl.SET_KEEPCAPS, 1)
    grandchild = child.fork()
    assert grandchild.prctl(Prctl.GET_KEEPCAPS) == 1
    child.setuid(1000)
    assert (child.capget().effective, child.capget().permitted) == (0, all_of_them)
    child.capset(all_of_them, all_of_them, 0)
    child.setresuid(2000, 2000, 2000)
    assert child.capget().effective == all_of_them


@case("USER-40", "USER-41", needs=("many_ids",))
def a_securebit_takes_the_fixup_away(m: Machine) -> None:
    """With NO_SETUID_FIXUP changes of ids leave capabilities alone."""
    child = m.init.fork()
    before = child.capget()
    child.prctl(Prctl.SET_SECUREBITS, NO_SETUID_FIXUP)
    child.setuid(1000)
    assert child.capget() == before


@case("USER-41", "USER-43")
def exec_by_root_gives_back_what_was_dropped(m: Machine) -> None:
    """All of the bounding set, and keep-caps is cleared; with no_new_privs nothing is gained."""
    child, humble = m.init.fork(), m.init.fork()
    child.prctl(Prctl.CAPBSET_DROP, Capability.SYS_TIME)
    child.prctl(Prctl.SET_KEEPCAPS, 1)
    bounding = full(child)
    drop(child)
    child.execve(m.image)
    assert (child.capget().effective, child.capget().permitted) == (bounding, bounding)
    assert not bounding >> Capability.SYS_TIME & 1
    assert child.prctl(Prctl.GET_KEEPCAPS) == 0
    humble.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
    drop(humble, Capability.KILL)
    kept = humble.capget().permitted
    humble.execve(m.image)
    assert (humble.capget().permitted, humble.prctl(Prctl.GET_NO_NEW_PRIVS)) == (kept, 1)


@case("USER-41")
def exec_without_a_mapped_0_loses_capabilities(m: Machine) -> None:
    """In a user namespace before its map is written; and with NOROOT 0 itself is nobody special."""
    newcomer, plain = m.init.fork(), m.init.fork()
    newcomer.unshare(CloneFlag.NEWUSER)
    plain.prctl(Prctl.SET_SECUREBITS, NOROOT)
    for process in (newcomer, plain):
        assert process.capget().effective
        process.execve(m.image)
        assert (process.capget().effective, process.capget().permitted) == (0, 0)


@case("USER-41", "MISC-02", needs=("many_ids",))
def exec_with_0_as_the_real_id_alone(m: Machine) -> None:
    """All is permitted and nothing effective; and as the ids differ the process is not dumpable."""
    child = m.init.fork()
    child.unshare(CloneFlag.NEWUSER)
    write(m.init, f"/proc/{child.pid}/uid_map", "1000 0 1\n0 5000 1")
    child.setresuid(0, NONE, NONE)
    bounding = full(child)
    child.execve(m.image)
    assert (child.capget().effective, child.capget().permitted) == (0, bounding)
    assert (child.getuid(), child.geteuid(), child.prctl(Prctl.GET_DUMPABLE)) == (0, 1000, 0)


@case("USER-42")
def capset_only_gives_up(m: Machine) -> None:
    """Effective within permitted, permitted within what it was; inheritable within permitted unless one has SETPCAP."""
    child = m.init.fork()
    had = child.capget().permitted
    kill, chown = 1 << Capability.KILL, 1 << Capability.CHOWN
    child.capset(kill, kill | chown, kill)
    assert child.capget().inheritable == kill
    with raises("EPERM"):
        child.capset(kill, had, 0)
    with raises("EPERM"):
        child.capset(kill | 1 << Capability.SETUID, kill | chown, 0)
    with raises("EPERM"):
        child.capset(0, kill, kill | 1 << Capability.SETUID)
    child.capset(0, kill, kill)
    child.capset(kill, kill, 0)
    other = m.init.fork()
    other.prctl(Prctl.CAPBSET_DROP, Capability.KILL)
    with raises("EPERM"):
        other.capset(had, had, kill)
    child.capset(0, 0, 0)
    with raises("EPERM"):
        child.capset(0, kill, 0)
    assert child.capget(1).permitted == had
    with raises("ESRCH"):
        child.capget(99)
    with raises("EINVAL"):
        child.capget(-1)


@case("USER-43")
def no_new_privs_is_for_ever(m: Machine) -> None:
    """1 is the only value, and it is inherited."""
    child = m.init.fork()
    for value in (0, 2):
        with raises("EINVAL"):
            child.prctl(Prctl.SET_NO_NEW_PRIVS, value)
    child.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
    assert status(child.fork(), "self")["NoNewPrivs"] == "1"
    with raises("EINVAL"):
        child.prctl(Prctl.GET_NO_NEW_PRIVS, 1)
    with raises("EINVAL"):
        child.prctl(Prctl.SET_NO_NEW_PRIVS, 0)


@case("USER-27", needs=("many_ids",))
def without_setuid_one_chooses_among_ones_own_ids(m: Machine) -> None:
    """Real, effective and saved; setuid and setgid change the effective one alone."""
    child = m.init.fork()
    child.setgroups((7, 5))
    child.setresgid(10, 20, 30)
    child.setresuid(1000, 2000, 3000)
    assert (child.getgroups(), ids(child), ids(child, "Gid")) == ((5, 7), (1000, 2000, 3000, 2000), (10, 20, 30, 20))
    assert (child.getuid(), child.geteuid(), child.getgid(), child.getegid()) == (1000, 2000, 10, 20)
    with raises("EPERM"):
        child.setresuid(NONE, 0, NONE)
    with raises("EPERM"):
        child.setresgid(NONE, 0, NONE)
    for ids_of in ((NONE, 0), (3000, NONE), (30, NONE)):
        with raises("EPERM"):
            child.setreuid(*ids_of)
        with raises("EPERM"):
            child.setregid(*ids_of)
    with raises("EPERM"):
        child.setuid(2000)
    with raises("EPERM"):
        child.setgid(20)
    with raises("EPERM"):
        child.setgroups((5,))
    with raises("EINVAL"):
        m.init.setgroups((5,) * 65537)
    child.setuid(3000)
    child.setgid(30)
    assert (ids(child), ids(child, "Gid")) == ((1000, 3000, 3000, 3000), (10, 30, 30, 30))


@case("USER-40", needs=("many_ids",))
def setreuid_saves_the_effective_id(m: Machine) -> None:
    """When the real one is given or the effective one becomes another than the real one."""
    child = m.init.fork()
    child.setregid(NONE, 20)
    child.setreuid(NONE, 1000)
    assert (ids(child), ids(child, "Gid")) == ((0, 1000, 1000, 1000), (0, 20, 20, 20))
    child.setreuid(NONE, 0)
    assert ids(child) == (0, 0, 1000, 0)
    child.setreuid(0, NONE)
    assert ids(child) == (0, 0, 0, 0)


@case("USER-27")
def there_is_no_id_beyond_the_last(m: Machine) -> None:
    """-1 is no id, for setuid and setgid; where -1 means leave it, nothing changes."""
    child = m.init.fork()
    before = ids(child), ids(child, "Gid")
    with raises("EINVAL"):
        child.setuid(NONE)
    with raises("EINVAL"):
        child.setgid(NONE)
    child.setreuid(NONE, NONE)
    child.setregid(NONE, NONE)
    child.setresuid(NONE, NONE, NONE)
    child.setresgid(NONE, NONE, NONE)
    assert (ids(child), ids(child, "Gid")) == before


# --- prctl


@case("MISC-01")
def a_thread_has_a_name_of_15_bytes(m: Machine) -> None:
    """Longer ones are cut; each thread has its own, and children copy it; an unknown option is EINVAL."""
    child = m.init.fork()
    child.prctl(Prctl.SET_NAME, "a name of 20 bytes..")
    thread = child.thread()
    thread.prctl(Prctl.SET_NAME, "other")
    assert (child.prctl(Prctl.GET_NAME), thread.prctl(Prctl.GET_NAME)) == ("a name of 20 by", "other")
    assert status(m.init, child.pid)["Name"] == "a name of 20 by"
    assert status(m.init, f"{child.pid}/task/{thread.tid}")["Name"] == "other"
    assert child.fork().prctl(Prctl.GET_NAME) == "a name of 20 by"
    with raises("EINVAL"):
        child.prctl(99)


@case("MISC-02", needs=("many_ids",))
def a_change_of_ids_makes_a_process_undumpable(m: Machine) -> None:
    """Not one of the real id alone, nor of groups, nor the loss of capabilities, nor a new user namespace; exec makes it dumpable again."""
    child = m.init.fork()
    for value in (2, 3):
        with raises("EINVAL"):
            child.prctl(Prctl.SET_DUMPABLE, value)
    drop(child, Capability.SYS_TIME)
    child.setgroups((5,))
    child.setresuid(1000, NONE, NONE)
    child.unshare(CloneFlag.NEWUSER)
    assert child.prctl(Prctl.GET_DUMPABLE) == 1
    other = m.init.fork()
    other.setresgid(NONE, 1000, NONE)
    assert other.prctl(Prctl.GET_DUMPABLE) == 0
    other.prctl(Prctl.SET_DUMPABLE, 1)
    other.setresuid(NONE, 1000, NONE)
    assert other.prctl(Prctl.GET_DUMPABLE) == 0
    other.setresuid(NONE, 0, NONE)
    other.setresgid(NONE, 0, NONE)
    other.execve(m.image)
    assert other.prctl(Prctl.GET_DUMPABLE) == 1


@case("MISC-02")
def threads_share_dumpable(m: Machine) -> None:
    """It belongs to the memory, of which a child has a copy."""
    child = m.init.fork()
    thread = child.thread()
    thread.prctl(Prctl.SET_DUMPABLE, 0)
    assert child.prctl(Prctl.GET_DUMPABLE) == 0
    grandchild = child.fork()
    assert grandchild.prctl(Prctl.GET_DUMPABLE) == 0
    grandchild.prctl(Prctl.SET_DUMPABLE, 1)
    assert child.prctl(Prctl.GET_DUMPABLE) == 0


@case("MISC-03", "PROC-63", needs=("many_ids",))
def an_undumpable_process_does_not_own_its_proc(m: Machine) -> None:
    """Its files are root's, its directory remains its own; it cannot list its own ns/ nor open environ, though it can read the links."""
    child = m.init.fork()
    child.setresgid(50, 50, 50)
    child.setresuid(1000, 1000, 1000)
    for name, owner in (("", 1000), ("/task", 1000), ("/status", 0), ("/ns", 0)):
        st = m.init.stat(f"/proc/{child.pid}{name}")
        assert (st.st_uid, st.st_gid) == (owner, 50 if owner else 0)
    with raises("EACCES"):
        child.listdir("/proc/self/ns")
    with raises("EACCES"):
        child.open("/proc/self/environ")
    assert child.readlink("/proc/self/ns/pid") == m.init.readlink("/proc/self/ns/pid")
    assert child.access("/proc/self/fd/0", 0)
    child.prctl(Prctl.SET_DUMPABLE, 1)
    assert m.init.stat(f"/proc/{child.pid}/status").st_uid == 1000
    assert "pid" in child.listdir("/proc/self/ns")
    child.close(child.open("/proc/self/environ"))


@case("MISC-04")
def a_subreaper_is_one_or_not(m: Machine) -> None:
    """Any value but 0 is 1, and it is not inherited."""
    child = m.init.fork()
    for value, kept in ((0, 0), (1, 1), (7, 1), (1 << 40, 1), (0, 0), (2, 1)):
        child.prctl(Prctl.SET_CHILD_SUBREAPER, value)
        assert child.prctl(Prctl.GET_CHILD_SUBREAPER) == kept
    assert child.fork().prctl(Prctl.GET_CHILD_SUBREAPER) == 0


@case("MISC-05")
def what_keepcaps_and_securebits_take(m: Machine) -> None:
    """0 or 1; nothing once it is locked; securebits need CAP_SETPCAP, and have no bits but the known."""
    child = m.init.fork()
    with raises("EINVAL"):
        child.prctl(Prctl.SET_KEEPCAPS, 2)
    child.prctl(Prctl.SET_KEEPCAPS, 1)
    assert (child.prctl(Prctl.GET_KEEPCAPS), child.prctl(Prctl.GET_SECUREBITS)) == (1, 1 << 4)
    child.prctl(Prctl.SET_SECUREBITS, KEEP_CAPS_LOCKED)
    with raises("EPERM"):
        child.prctl(Prctl.SET_KEEPCAPS, 1)
    with raises("EPERM"):
        child.prctl(Prctl.SET_SECUREBITS, 0)
    with raises("EPERM"):
        child.prctl(Prctl.SET_SECUREBITS, KEEP_CAPS_LOCKED | 1 << 30)
    drop(child, Capability.SETPCAP)
    with raises("EPERM"):
        child.prctl(Prctl.SET_SECUREBITS, KEEP_CAPS_LOCKED)
    with raises("EPERM"):
        child.prctl(Prctl.CAPBSET_DROP, Capability.CHOWN)


@case("USER-41")
def the_bounding_set_only_shrinks(m: Machine) -> None:
    """What is not a capability is EINVAL; children inherit it; a new user namespace has a full one."""
    child = m.init.fork()
    for option in (Prctl.CAPBSET_READ, Prctl.CAPBSET_DROP):
        with raises("EINVAL"):
            child.prctl(option, 63)
    child.prctl(Prctl.CAPBSET_DROP, Capability.CHOWN)
    grandchild = child.fork()
    assert (grandchild.prctl(Prctl.CAPBSET_READ, Capability.CHOWN), m.init.prctl(Prctl.CAPBSET_READ, Capability.CHOWN)) == (0, 1)
    grandchild.unshare(CloneFlag.NEWUSER)
    assert grandchild.prctl(Prctl.CAPBSET_READ, Capability.CHOWN) == 1
