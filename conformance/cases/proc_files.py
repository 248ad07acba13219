"""proc(5): status, stat and the other files of a process, in life and in death.  fs/proc/array.c, fs/proc/base.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.mounting import exists
from conformance.steps import drop, enter
from conformance.views import last_pid, read, stat_fields, status, write
from nscore import Capability, CloneFlag, Disposition, Machine, OpenFlag, Prctl, SeekWhence, SigMask, Signal

NEWPID = CloneFlag.NEWPID
WRONLY, DIRECTORY = OpenFlag.WRONLY, OpenFlag.DIRECTORY


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


@case("USER-31", "PROC-63")
def descriptors_of_others_are_for_those_who_may_trace(m: Machine) -> None:
    """EACCES to look at them and to follow them; one's own are always there, and those that are not are ENOENT."""
    bare = m.init.fork()
    drop(bare)
    with raises("EACCES"):
        bare.listdir("/proc/1/fdinfo")
    for name in ("fd", "fdinfo"):
        with raises("ENOENT"):
            bare.stat(f"/proc/self/{name}/99")
    for name in ("fd/0", "cwd", "exe", "environ"):
        with raises("EACCES"):
            bare.open(f"/proc/1/{name}")
    with raises("EACCES"):
        bare.readlink("/proc/1/fd/0")
    assert bare.readlink("/proc/self/fd/0") == "/dev/null"
    assert m.init.readlink(f"/proc/{bare.pid}/fd/0") == "/dev/null"


@case()
def texts_are_read_from_their_beginning(m: Machine) -> None:
    """They have no end to seek from; what is left unread is read next."""
    fd = m.init.open("/proc/1/limits")
    whole = m.init.read(fd, 65536)
    m.init.lseek(fd, 0)
    assert m.init.read(fd, 10) + m.init.read(fd, 65536) == whole
    assert m.init.pread(fd, 10, 5) == whole[5:15]
    assert m.init.lseek(fd, -5, SeekWhence.CUR) == len(whole) - 5
    assert m.init.read(fd, 100) == whole[-5:]
    for offset, whence in ((0, SeekWhence.END), (-1, SeekWhence.SET)):
        with raises("EINVAL"):
            m.init.lseek(fd, offset, whence)


@case("SYSCTL-03")
def a_number_is_written_at_once(m: Machine) -> None:
    """What follows at an offset is counted and not looked at, what follows a blank is not counted, and nothing changes nothing."""
    inner = m.init.clone(NEWPID)
    fd = inner.open("/proc/sys/kernel/ns_last_pid", WRONLY)
    for text in (b"50", b"60", b"x", b""):
        assert inner.write(fd, text) == len(text)
    assert last_pid(inner) == 50
    inner.lseek(fd, 0)
    assert inner.write(fd, b"") == 0
    assert inner.write(fd, b" 70 x") == 4
    assert last_pid(inner) == 70


@case(needs=("root",))
def what_cannot_be_written_in_proc(m: Machine) -> None:
    """Of a process EINVAL, of the system EIO, when it is written, not when it is opened."""
    for path in ("/proc/1/status", "/proc/1/limits", "/proc/1/stat"):
        with raises("EINVAL"):
            m.init.write(m.init.open(path, WRONLY), b"x")
    for path in ("/proc/loadavg", "/proc/uptime"):
        with raises("EIO"):
            m.init.write(m.init.open(path, WRONLY), b"x")


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
