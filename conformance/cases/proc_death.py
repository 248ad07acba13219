"""proc(5): what is left of a process in /proc when it has died, and when it has been reaped.  fs/proc/base.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, reap
from conformance.views import set_last_pid, stat_fields, state, status
from nscore import Machine, OpenFlag, Prctl, SigMask, Signal

WRONLY, DIRECTORY = OpenFlag.WRONLY, OpenFlag.DIRECTORY

#: Files of a process that are read in full at once, and of which nothing is known but that they can be.
ALWAYS = ("stat", "status", "comm", "limits", "uid_map", "gid_map", "setgroups", "oom_score_adj")


@case("PROC-43", "PROC-44")
def a_zombies_exit_code_is_for_those_who_may_trace(m: Machine) -> None:
    """0 for others; group, session and parent are there until it is reaped."""
    exited, killed = m.init.fork(), m.init.fork()
    bare = m.init.fork()
    exited.setpgid(0, 0)
    drop(bare)
    exited.exit(7)
    m.init.kill(killed.pid, Signal.TERM)
    m.settle()
    for pid, code in ((exited.pid, 7 << 8), (killed.pid, Signal.TERM)):
        assert (stat_fields(m.init, pid)[52], stat_fields(bare, pid)[52]) == (str(int(code)), "0")
    fields = stat_fields(m.init, exited.pid)
    assert (fields[3:7], fields[20]) == (["Z", "1", str(exited.pid), "1"], "1")


@case("PROC-47")
def a_zombies_status(m: Machine) -> None:
    """Its credentials and masks as at death, no umask and no memory; what killed it stays pending."""
    child = m.init.fork()
    child.sigprocmask(SigMask.BLOCK, {Signal.USR1})
    child.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
    drop(child)
    m.init.kill(child.pid, Signal.KILL)
    m.settle()
    lines = status(m.init, child.pid)
    assert (lines["State"], lines["FDSize"], lines["Threads"], lines["NoNewPrivs"]) == ("Z (zombie)", "0", "1", "1")
    assert (lines["CapPrm"], lines["SigBlk"], lines["SigPnd"], lines["ShdPnd"]) == ("0" * 16, f"{1 << 9:016x}", "0" * 16, f"{1 << 8:016x}")
    assert not {"Umask", "VmSize"} & set(lines)


@case("PROC-49")
def a_group_whose_leader_has_exited(m: Machine) -> None:
    """The leader is a zombie that counts its threads; the other's directory is complete."""
    leader = m.init.fork()
    thread = leader.thread()
    leader.exit_thread(0)
    m.settle()
    lines = status(m.init, leader.pid)
    assert (lines["State"], lines["Threads"]) == ("Z (zombie)", "2")
    assert status(m.init, thread.tid)["State"] == "S (sleeping)"
    with raises("ENOENT"):
        m.init.readlink(f"/proc/{leader.pid}/cwd")
    assert m.init.readlink(f"/proc/{thread.tid}/cwd") == "/"


@case("PROC-47", "PROC-56", needs=("root",))
def what_can_be_read_of_a_zombie(m: Machine) -> None:
    """What is kept till it is reaped; its links to directories are ENOENT, its mounts EINVAL, its command line is empty."""
    child = m.init.fork()
    child.exit(0)
    m.settle()
    there = f"/proc/{child.pid}"
    for name in ALWAYS:
        assert m.init.read(m.init.open(f"{there}/{name}"), 1)
    for name in ("cwd", "root", "exe", "ns/mnt", "ns/uts", "ns/ipc", "ns/pid_for_children"):
        with raises("ENOENT"):
            m.init.readlink(f"{there}/{name}")
    for name in ("ns/pid", "ns/user"):
        assert m.init.readlink(f"{there}/{name}") == m.init.readlink(f"/proc/1/{name}")
    for name in ("mountinfo", "mounts"):
        with raises("EINVAL"):
            m.init.open(f"{there}/{name}")
    with raises("ESRCH"):
        m.init.open(f"{there}/environ")
    assert m.init.read(m.init.open(f"{there}/cmdline"), 1) == b""
    assert (m.init.listdir(f"{there}/fd"), m.init.listdir(f"{there}/task")) == ((), (str(child.pid),))
    assert len(m.init.listdir(f"{there}/ns")) == len(m.init.listdir("/proc/1/ns"))


@case("PROC-56", "PROC-16")
def what_an_open_file_says_of_the_reaped(m: Machine) -> None:
    """ESRCH mostly; a namespace that it holds goes on answering, and children/ is empty."""
    child = m.init.fork()
    there = f"/proc/{child.pid}"
    gone = {name: m.init.open(f"{there}/{name}") for name in ("stat", "status", "comm", "limits", "cmdline", "oom_score_adj")}
    held = [m.init.open(f"{there}/{name}") for name in ("uid_map", "gid_map", "setgroups")]
    children = m.init.open(f"{there}/task/{child.pid}/children")
    written = [m.init.open(f"{there}/{name}", WRONLY) for name in ("comm", "oom_score_adj")]
    reap(m.init, child)
    for name, fd in gone.items():
        with raises("ESRCH"):
            m.init.read(fd, 1)
        with raises("ESRCH"):
            m.init.pread(fd, 1, 0)
        with raises("ENOENT"):
            m.init.open(f"{there}/{name}")
    assert all(m.init.read(fd, 1) for fd in held)
    assert m.init.read(children, 1) == b""
    for fd in written:
        with raises("ESRCH"):
            m.init.write(fd, b"1")


@case("PROC-56")
def the_directory_of_the_reaped(m: Machine) -> None:
    """It is listed no more, and nothing is found below; so it is for who works in it."""
    child, visitor = m.init.fork(), m.init.fork()
    there = f"/proc/{child.pid}"
    above = [m.init.open(f"{there}{name}", DIRECTORY) for name in ("", "/task")]
    below = [m.init.open(f"{there}/{name}", DIRECTORY) for name in ("ns", "fd", f"task/{child.pid}")]
    visitor.chdir(there)
    reap(m.init, child)
    for fd in above:
        with raises("ESRCH"):
            m.init.openat(fd, "status")
        with raises("ESRCH"):
            m.init.listdir(f"/proc/self/fd/{fd}")
    for fd in below:
        with raises("ENOENT"):
            m.init.openat(fd, "pid")
        with raises("ENOENT"):
            m.init.listdir(f"/proc/self/fd/{fd}")
    assert m.init.fstat(above[0]).st_mode == 0o40555
    assert m.init.readlink(f"/proc/self/fd/{above[0]}") == f"/proc/{child.pid} (deleted)"
    with raises("ENOENT"):
        visitor.getcwd()
    with raises("ESRCH"):
        visitor.stat(".")
    with raises("ENOENT"):
        visitor.listdir(there)


@case("PROC-57", needs=("set_tid",))
def a_directory_is_its_processs_not_its_numbers(m: Machine) -> None:
    """When the number has come to another, the path shows that, and the open one is still nobody's."""
    child = m.init.fork()
    fd, file = m.init.open("/proc/2", DIRECTORY), m.init.open("/proc/2/status")
    reap(m.init, child)
    set_last_pid(m.init, 1)
    assert m.init.fork().pid == 2
    assert state(m.init, 2) == "S"
    with raises("ESRCH"):
        m.init.openat(fd, "status")
    with raises("ESRCH"):
        m.init.read(file, 1)
