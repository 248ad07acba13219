"""proc(5): status, stat and the other files of a process, in life and in death.  fs/proc/array.c, fs/proc/base.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import exists
from conformance.steps import drop, enter, reap
from conformance.views import read, set_last_pid, state, status, write
from nscore import Calls, Capability, CloneFlag, Disposition, Machine, OpenFlag, Prctl, SigMask, Signal

NEWPID = CloneFlag.NEWPID
WRONLY, DIRECTORY = OpenFlag.WRONLY, OpenFlag.DIRECTORY


def stat_fields(calls: Calls, pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat, from 1; the second is parenthesised and may hold anything."""
    text = read(calls, f"/proc/{pid}/stat")
    head, _, tail = text.rpartition(") ")
    pid_field, _, comm = head.partition(" (")
    return ["", pid_field, comm, *tail.split()]


# --- stat and status


@case("PROC-40", "PROC-41")
def names_are_raw_in_stat_and_escaped_in_status(m: Machine) -> None:
    """Only newlines and backslashes, and only there."""
    child = m.init.fork()
    child.prctl(Prctl.SET_NAME, "a) b(\n\\\t c")
    text = read(m.init, "/proc/2/stat")
    assert text.startswith("2 (a) b(\n\\\t c) S 1 1 1 ")
    assert (text[-1], len(stat_fields(m.init, 2))) == ("\n", 53)
    assert status(m.init, 2)["Name"] == "a) b(\\n\\\\\t c"
    assert read(m.init, "/proc/2/comm") == "a) b(\n\\\t c\n"


@case("PROC-42", "PROC-45")
def what_stat_says(m: Machine) -> None:
    """Identity, threads, exit signal, and the private masks of signals up to 31; of a thread its exit signal is -1."""
    leader = m.init.clone(exit_signal=0)
    thread = leader.thread()
    leader.sigprocmask(SigMask.BLOCK, {Signal.USR1, 34})
    leader.sigaction(Signal.USR2, Disposition.IGN)
    leader.tkill(leader.tid, Signal.USR1)
    leader.setpgid(0, 0)
    fields = stat_fields(m.init, 2)
    assert fields[1:2] + fields[3:9] == ["2", "S", "1", "2", "1", "0", "-1"]
    assert int(fields[9]) & 0x40
    assert fields[20] == "2"
    assert (fields[31], fields[32], fields[33]) == (str(1 << Signal.USR1 - 1), str(1 << Signal.USR1 - 1), str(1 << Signal.USR2 - 1))
    assert fields[38] == "0"
    assert stat_fields(m.init, 1)[38] == "17"
    other = stat_fields(m.init, f"2/task/{thread.tid}")
    assert (other[1], other[20], other[31], other[38]) == ("3", "2", "0", "-1")
    leader.execve(m.image)
    assert not int(stat_fields(m.init, 2)[9]) & 0x40


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


@case("PROC-46", needs=("many_ids",))
def what_status_says(m: Machine) -> None:
    """In this order, with tabs; groups sorted, each with a blank after it."""
    child = m.init.fork()
    child.setgroups((9, 3, 5, 3))
    child.setresgid(1, 2, 3)
    child.setresuid(4, 5, 6)
    lines = status(m.init, child.pid)
    known = [
        "Name",
        "Umask",
        "State",
        "Tgid",
        "Pid",
        "PPid",
        "TracerPid",
        "Uid",
        "Gid",
        "FDSize",
        "Groups",
        "NStgid",
        "NSpid",
        "NSpgid",
        "NSsid",
    ]
    known += [
        "Threads",
        "SigQ",
        "SigPnd",
        "ShdPnd",
        "SigBlk",
        "SigIgn",
        "SigCgt",
        "CapInh",
        "CapPrm",
        "CapEff",
        "CapBnd",
        "CapAmb",
        "NoNewPrivs",
    ]
    assert [key for key in lines if key in known] == known
    assert (lines["Groups"], lines["Uid"], lines["Gid"]) == ("3 3 5 9 ", "4\t5\t6\t5", "1\t2\t3\t2")
    assert (lines["Tgid"], lines["Threads"], lines["SigPnd"], lines["Umask"]) == ("2", "1", "0" * 16, status(m.init, 1)["Umask"])
    assert status(m.init, 1)["Groups"] == " "


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


@case("PROC-48")
def the_words_for_states(m: Machine) -> None:
    """A reader runs; who waits sleeps; then stopped and zombie."""
    child, zombie = m.init.fork(), m.init.fork()
    zombie.exit(0)
    m.init.kill(child.pid, Signal.STOP)
    m.settle()
    assert [status(m.init, pid)["State"] for pid in ("self", 2, 3)] == ["R (running)", "T (stopped)", "Z (zombie)"]
    m.init.kill(child.pid, Signal.CONT)
    m.settle()
    assert status(m.init, child.pid)["State"] == "S (sleeping)"


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


# --- in death


@case("PROC-55")
def what_only_one_kind_of_directory_has(m: Machine) -> None:
    """task is for processes, children for threads."""
    child = m.init.fork()
    directory, of_thread = f"/proc/{child.pid}", f"/proc/{child.pid}/task/{child.pid}"
    assert [exists(m.init, f"{where}/{name}") for where in (directory, of_thread) for name in ("task", "children")] == [
        True,
        False,
        False,
        True,
    ]


#: Files of a process that are read in full at once, and of which nothing is known but that they can be.
ALWAYS = ("stat", "status", "comm", "limits", "uid_map", "gid_map", "setgroups", "oom_score_adj")


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
    comm = m.init.open(f"{there}/comm", WRONLY)
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
    with raises("ESRCH"):
        m.init.write(comm, b"x")


@case("PROC-56")
def the_directory_of_the_reaped(m: Machine) -> None:
    """It is listed no more, and nothing is found below; so it is for who works in it."""
    child, visitor = m.init.fork(), m.init.fork()
    there = f"/proc/{child.pid}"
    above = [m.init.open(f"{there}{name}", DIRECTORY) for name in ("", "/task")]
    below = [m.init.open(f"{there}/{name}", DIRECTORY) for name in ("ns", f"task/{child.pid}")]
    visitor.chdir(there)
    reap(m.init, child)
    for fd in above:
        with raises("ESRCH"):
            m.init.openat(fd, "status")
    for fd in below:
        with raises("ENOENT"):
            m.init.openat(fd, "pid")
    assert m.init.fstat(above[0]).st_mode == 0o40555
    with raises("ENOENT"):
        visitor.getcwd()
    with raises("ESRCH"):
        visitor.stat(".")
    with raises("ENOENT"):
        visitor.listdir(there)


@case("USER-32", needs=("root", "6.18"))
def memory_is_open_to_who_may_watch_performance(m: Machine) -> None:
    """CAP_PERFMON or CAP_SYS_ADMIN in the initial user namespace are as good as the right to trace."""
    target = m.init.fork()
    target.setuid(1000)
    for kept, may in ((Capability.PERFMON, True), (Capability.SYS_ADMIN, True), (Capability.SYS_TIME, False)):
        reader = m.init.fork()
        drop(reader, *(set(Capability) - {kept}))
        if may:
            reader.close(reader.open(f"/proc/{target.pid}/environ"))
        else:
            with raises("EACCES"):
                reader.open(f"/proc/{target.pid}/environ")


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


@case("PROC-58", "PROC-59")
def an_open_file_goes_on_describing_its_process(m: Machine) -> None:
    """Whoever inherited it, and whatever image that has meanwhile."""
    child = m.init.fork()
    child.prctl(Prctl.SET_NAME, "before")
    fd = child.open("/proc/self/status")
    grandchild = child.fork()
    assert b"\nPid:\t2\n" in grandchild.read(fd, 65536)
    text = m.init.open("/proc/2/status")
    child.execve(m.image)
    assert b"Name:\tbefore\n" not in m.init.read(text, 65536)
    assert b"\nPid:\t2\n" in m.init.pread(text, 65536, 0)


# --- files that can be written


@case("PROC-60")
def a_name_is_written_by_its_own_process(m: Machine) -> None:
    """For any of its threads; 15 bytes of it are kept; another's is EINVAL, with all rights; nothing is an empty name."""
    leader = m.init.fork()
    thread = leader.thread()
    fd = m.init.open(f"/proc/{leader.pid}/comm", WRONLY)
    with raises("EINVAL"):
        m.init.write(fd, b"x")
    fd = leader.open(f"/proc/self/task/{thread.tid}/comm", WRONLY)
    assert leader.write(fd, b"a name of 20 bytes..") == 20
    assert (thread.prctl(Prctl.GET_NAME), leader.prctl(Prctl.GET_NAME)) == ("a name of 20 by", "init")
    write(thread, "/proc/thread-self/comm", "two\nlines")
    assert thread.prctl(Prctl.GET_NAME) == "two\nlines"
    write(thread, "/proc/thread-self/comm", "")
    assert thread.prctl(Prctl.GET_NAME) == ""


@case("PROC-60", needs=("many_ids",))
def a_name_is_its_owners(m: Machine) -> None:
    """EACCES to open it for another user."""
    child = m.init.fork()
    child.setuid(1000)
    for pid in (1, "self"):
        with raises("EACCES"):
            child.open(f"/proc/{pid}/comm", WRONLY)
    child.prctl(Prctl.SET_DUMPABLE, 1)
    write(child, "/proc/self/comm", "mine")
    assert read(m.init, f"/proc/{child.pid}/comm") == "mine\n"


@case("MISC-10")
def oom_score_adj_has_limits(m: Machine) -> None:
    """-1000 to 1000; below where it was only with CAP_SYS_RESOURCE, otherwise EACCES; up and back again always."""
    child = m.init.fork()
    drop(child)
    before = int(read(child, "/proc/self/oom_score_adj"))
    for wrong in ("1001", "-1001", "x", ""):
        fd = child.open("/proc/self/oom_score_adj", WRONLY)
        with raises("EINVAL"):
            child.write(fd, wrong.encode())
    fd = child.open("/proc/self/oom_score_adj", WRONLY)
    with raises("EACCES"):
        child.write(fd, str(before - 1).encode())
    for value in (1000, before):
        write(child, "/proc/self/oom_score_adj", str(value))
        assert int(read(m.init, f"/proc/{child.pid}/oom_score_adj")) == value
    assert int(read(child.fork(), "/proc/self/oom_score_adj")) == before


@case("PROC-20", "SETNS-11")
def stat_tells_numbers_of_the_mounts_namespace(m: Machine) -> None:
    """0 for a parent, a group and a session that have none there."""
    inner = m.init.clone(NEWPID | CloneFlag.NEWNS)
    inner.mount("proc", "/proc", "proc")
    joiner = m.init.fork()
    enter(joiner, inner.pid, "pid")
    injected = joiner.fork()
    fields = stat_fields(inner, 2)
    assert (fields[1], fields[4:7]) == ("2", ["0", "0", "0"])
    assert stat_fields(m.init, injected.pid)[4:7] == [str(joiner.pid), "1", "1"]
