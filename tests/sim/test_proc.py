"""nscore_sim/proc: what a process sees of others, in whose numbers, and what it may not see."""

from __future__ import annotations

import re

import pytest

from conformance.expect import raises
from nscore import Machine, Process, boot
from nscore.flags import CloneFlag, MountFlag, OpenFlag, Prctl, Signal

#: Of status, in the kernel's order; memory, processors and the like are no part of the promise.
KEYS = [
    *("Name", "Umask", "State", "Tgid", "Ngid", "Pid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups"),
    *("NStgid", "NSpid", "NSpgid", "NSsid", "Kthread", "Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"),
    *("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters"),
]


def text(process: Process, path: str) -> str:
    fd = process.open(path)
    try:
        return process.read(fd, 1 << 16).decode()
    finally:
        process.close(fd)


def status(process: Process, pid: object) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in text(process, f"/proc/{pid}/status").splitlines())


def numbers(process: Process) -> list[str]:
    return [name for name in process.listdir("/proc") if name.isdigit()]


def test_status_has_the_kernels_keys_in_its_order(machine: Machine) -> None:
    """PROC-46"""
    found = status(machine.init, 1)
    assert [key for key in found if key in KEYS] == KEYS
    assert (found["Name"], found["State"], found["Umask"], found["Groups"][-1]) == ("init", "R (running)", "0022", " ")
    assert (found["NSpid"], found["NSpgid"], found["Threads"]) == ("1", "1", "1")


def test_a_zombies_status(machine: Machine) -> None:
    """PROC-47"""
    a = machine.init.fork()
    b = a.fork()
    a.kill(b.pid, Signal.KILL)
    machine.settle()
    found = status(machine.init, 3)
    assert (found["State"], found["ShdPnd"], found["FDSize"], found["Threads"]) == ("Z (zombie)", "0000000000000100", "0", "1")
    assert not {"Umask", "VmSize"} & set(found)
    fields = text(machine.init, "/proc/3/stat").rpartition(")")[2].split()
    assert (fields[0], fields[1], fields[-1], int(fields[6]) & 0x404) == ("Z", "2", "9", 0x404)


def test_numbers_are_those_of_the_mount(machine: Machine) -> None:
    """PROC-12, PROC-20, PROC-21"""
    a = machine.init.fork()
    inner = a.clone(CloneFlag.NEWPID | CloneFlag.NEWNS)
    child = inner.fork()
    child.setsid()
    grandchild = child.fork()
    grandchild.setpgid(0, 0)
    assert [status(a, pid)["NSpid"] for pid in (3, 4, 5)] == ["3\t1", "4\t2", "5\t3"]
    assert [status(a, 5)[key] for key in ("NStgid", "NSpgid", "NSsid", "PPid")] == ["5\t3", "5\t3", "4\t2", "4"]
    assert inner.readlink("/proc/self") == "3"
    inner.mount("proc", "/proc", "proc")
    assert (numbers(inner), inner.readlink("/proc/self")) == (["1", "2", "3"], "1")
    assert [status(inner, pid)["PPid"] for pid in (1, 2, 3)] == ["0", "1", "2"]
    assert status(inner, 1)["NSpgid"] == "0"
    assert text(inner, "/proc/1/task/1/children") == "2 "
    assert a.listdir("/proc/3/root/proc")[-3:] == ("1", "2", "3")


def test_self_of_a_reader_outside_is_missing(machine: Machine) -> None:
    """PROC-11"""
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWNS)
    inner = a.clone(CloneFlag.NEWPID)
    inner.mount("proc", "/proc", "proc")
    for path in ("/proc/self", "/proc/thread-self"):
        with pytest.raises(FileNotFoundError):
            a.readlink(path)
    with pytest.raises(FileNotFoundError):
        a.open("/proc/mounts")
    assert "self" in a.listdir("/proc")


def test_a_proc_shows_where_its_mounter_lives(machine: Machine) -> None:
    """PROC-01: not where its children will."""
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWNS | CloneFlag.NEWPID)
    a.mount("proc", "/proc", "proc")
    assert (a.readlink("/proc/self"), numbers(a)) == ("2", ["1", "2"])


def test_a_number_is_written_in_one_way_only(machine: Machine) -> None:
    """PROC-08, PROC-09"""
    init = machine.init
    for name in ("01", "+1", " 1", "1 ", "0", "4294967297", "nope", "\u0661"):
        assert not init.access(f"/proc/{name}", 0)
    thread = init.thread()
    assert init.access(f"/proc/{thread.tid}/status", 4) and str(thread.tid) not in numbers(init)
    assert init.listdir("/proc/1/task") == ("1", str(thread.tid)) == init.listdir(f"/proc/{thread.tid}/task")
    assert thread.readlink("/proc/thread-self") == f"1/task/{thread.tid}"
    init.fork()
    assert not init.access(f"/proc/1/task/{init.fork().pid}", 0)


def test_stat_says_what_thread_and_process_are(machine: Machine) -> None:
    """PROC-40 to PROC-45"""
    a = machine.init.fork()
    a.prctl(Prctl.SET_NAME, "a) b\\")
    a.setsid()
    line = text(machine.init, "/proc/2/stat")
    head, _, tail = line.rpartition(")")
    fields = tail.split()
    assert (head, fields[:6], len(fields), line[-1]) == ("2 (a) b\\", ["S", "1", "2", "2", "0", "-1"], 50, "\n")
    assert (fields[17], fields[35], fields[49], int(fields[6]) & 0x40) == ("1", "17", "0", 0x40)
    assert text(machine.init, "/proc/2/status").startswith("Name:\ta) b\\\\\n")
    thread = a.thread()
    assert text(machine.init, f"/proc/2/task/{thread.tid}/stat").rpartition(")")[2].split()[35] == "-1"


def test_files_of_a_process_that_was_reaped(machine: Machine) -> None:
    """PROC-56, PROC-57, the last column of the table"""
    a = machine.init.fork()
    b = a.fork()
    opened = {name: a.open(f"/proc/3/{name}") for name in ("status", "stat", "comm", "uid_map", "mountinfo", "task/3/children")}
    directory, namespaces = a.open("/proc/3", OpenFlag.PATH), a.open("/proc/3/ns")
    b.exit(0)
    a.waitpid(-1)
    for name in ("status", "stat", "comm"):
        with pytest.raises(ProcessLookupError):
            a.read(opened[name], 10)
    assert a.read(opened["uid_map"], 99).split() == [b"0", b"0", b"4294967295"]
    assert a.read(opened["mountinfo"], 10) and not a.read(opened["task/3/children"], 10)
    for name in ("status", "ns/pid", "task"):
        with pytest.raises(ProcessLookupError):
            a.openat(directory, name)
    with pytest.raises(FileNotFoundError):
        a.openat(namespaces, "pid")
    assert a.readlink(f"/proc/self/fd/{directory}") == "/proc/3 (deleted)"
    with pytest.raises(FileNotFoundError):
        a.stat("/proc/3")


def test_links_of_a_zombie(machine: Machine) -> None:
    """NSFS-LINK-08"""
    machine.init.fork().exit(0)
    machine.settle()
    assert machine.init.readlink("/proc/2/ns/pid") == machine.init.readlink("/proc/1/ns/pid")
    assert machine.init.readlink("/proc/2/ns/user").startswith("user:[")
    for name in ("ns/mnt", "ns/uts", "ns/pid_for_children", "cwd", "root", "exe"):
        with pytest.raises(FileNotFoundError):
            machine.init.readlink(f"/proc/2/{name}")
    with raises("EINVAL"):
        machine.init.open("/proc/2/mountinfo")
    with pytest.raises(ProcessLookupError):
        machine.init.open("/proc/2/environ")
    assert machine.init.listdir("/proc/2/fd") == ()


def test_another_users_links_are_closed(machine: Machine) -> None:
    """PROC-63, MISC-03, USER-31"""
    a = machine.init.fork()
    a.setresgid(1000, 1000, 1000)
    a.setresuid(1000, 1000, 1000)
    assert (a.stat("/proc/self/status").st_uid, a.stat("/proc/self").st_uid) == (0, 1000)
    assert a.readlink("/proc/self/ns/pid").startswith("pid:[")
    for path in ("/proc/self/ns", "/proc/1/fd", "/proc/1/ns"):
        with pytest.raises(PermissionError):
            a.listdir(path)
    for path in ("/proc/1/ns/pid", "/proc/1/cwd", "/proc/1/exe"):
        with pytest.raises(PermissionError):
            a.readlink(path)
    with pytest.raises(PermissionError):
        a.open("/proc/self/environ")
    assert text(a, "/proc/1/comm") == "init\n"


def test_comm_is_written_by_its_own_process(machine: Machine) -> None:
    """PROC-60"""
    a = machine.init.fork()
    fd = a.open("/proc/self/comm", OpenFlag.WRONLY)
    assert a.write(fd, b"a name that is too long") == 23
    assert text(a, "/proc/self/comm") == "a name that is \n"
    with raises("EINVAL"):
        machine.init.write(machine.init.open("/proc/2/comm", OpenFlag.WRONLY), b"x")


def test_ns_last_pid_is_the_readers_and_pid_max_the_openers(machine: Machine) -> None:
    """SYSCTL-01 to SYSCTL-05, SYSCTL-13"""
    a = machine.init.fork()
    last = a.open("/proc/sys/kernel/ns_last_pid", OpenFlag.RDWR)
    limit = a.open("/proc/sys/kernel/pid_max", OpenFlag.RDWR)
    a.write(limit, b"5000")
    inner = a.clone(CloneFlag.NEWPID)
    assert (inner.pread(last, 9, 0), a.pread(last, 9, 0), inner.pread(limit, 9, 0)) == (b"1\n", b"3\n", b"5000\n")
    assert text(inner, "/proc/sys/kernel/pid_max") == "4194304\n"
    inner.write(last, b"100 junk")
    assert inner.fork().pid == 101
    again = inner.open("/proc/sys/kernel/ns_last_pid", OpenFlag.WRONLY)
    for wrong in (b"x", b"-1", b"4194305", b"12x"):
        with raises("EINVAL"):
            inner.write(again, wrong)
    a.setresuid(1000, 1000, 1000)
    mine = a.open("/proc/sys/kernel/ns_last_pid", OpenFlag.WRONLY)
    with pytest.raises(PermissionError):
        a.write(mine, b"7")
    with pytest.raises(PermissionError):
        a.open("/proc/sys/kernel/pid_max", OpenFlag.WRONLY)


def test_hostname_is_the_readers(machine: Machine) -> None:
    """UTS-03 to UTS-05, PROC-31"""
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWUTS)
    fd = a.open("/proc/sys/kernel/hostname", OpenFlag.RDWR)
    assert (a.write(fd, b"abc"), a.write(fd, b"def\nxyz")) == (3, 7)
    inner = a.clone(CloneFlag.NEWUTS)
    inner.sethostname("inner")
    assert (inner.pread(fd, 99, 0), a.pread(fd, 99, 0)) == (b"inner\n", b"abcdef\n")
    with pytest.raises(PermissionError):
        a.open("/proc/sys/kernel/ostype", OpenFlag.WRONLY)


def test_hidepid_hides_from_strangers(machine: Machine) -> None:
    """PROC-70 to PROC-73, PROC-76"""
    init = machine.init
    a = init.fork()
    a.setresgid(7, 7, 7)
    a.setresuid(7, 7, 7)
    init.mount(None, "/proc", None, MountFlag.REMOUNT, "hidepid=noaccess")
    assert "1" in numbers(a) and a.stat("/proc/1").st_uid == 0
    with pytest.raises(PermissionError):
        a.open("/proc/1/comm")
    init.mount(None, "/proc", None, MountFlag.REMOUNT, "hidepid=invisible")
    assert "1" not in numbers(a) and a.open("/proc/1", OpenFlag.PATH)
    for call in (lambda: a.stat("/proc/1"), lambda: a.open("/proc/1/comm")):
        with pytest.raises(FileNotFoundError):
            call()
    init.mount(None, "/proc", None, MountFlag.REMOUNT, "gid=7")
    assert "1" in numbers(a)
    init.mount(None, "/proc", None, MountFlag.REMOUNT, "subset=pid")
    assert init.listdir("/proc") == ("self", "thread-self", "1", "2")
    assert not init.access("/proc/sys", 0)


def test_fdinfo_of_a_file(machine: Machine) -> None:
    a = machine.init.fork()
    fd = a.open("/proc/self/ns/pid", OpenFlag.CLOEXEC)
    inode = a.fstat(fd).st_ino
    lines = text(a, f"/proc/self/fdinfo/{fd}")
    assert re.fullmatch(rf"pos:\t0\nflags:\t02100000\nmnt_id:\t\d+\nino:\t{inode}\n", lines)
    assert a.readlink(f"/proc/self/fd/{fd}") == f"pid:[{inode}]"


def test_a_dead_namespaces_proc_lists_nobody(machine: Machine) -> None:
    """PROC-15"""
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWNS)
    inner = a.clone(CloneFlag.NEWPID)
    inner.mount("proc", "/proc", "proc")
    inner.exit(0)
    machine.settle()
    assert numbers(a) == ["1"]
    a.waitpid(-1)
    assert numbers(a) == []
    assert text(a, "/proc/sys/kernel/ostype") == "Linux\n"


def test_a_mount_on_a_process_goes_with_it(machine: Machine) -> None:
    """PROC-64"""
    a = machine.init.fork()
    a.unshare(CloneFlag.NEWNS)
    b = a.fork()
    a.mount("cover", "/proc/3", "tmpfs")
    assert a.listdir("/proc/3") == ()
    b.exit(0)
    a.waitpid(-1)
    assert "cover" not in text(a, "/proc/self/mountinfo")
    assert not a.access("/proc/3", 0)


def test_the_model_has_the_machines_files_only_as_far_as_they_are_about_processes() -> None:
    with boot("sim") as machine:
        names = machine.init.listdir("/proc")
        assert names[-3:] == ("self", "thread-self", "1")
        assert {"loadavg", "mounts", "stat", "sys", "uptime", "version"} <= set(names)
        assert re.fullmatch(r"0.00 0.00 0.00 1/2 1\n", text(machine.init, "/proc/loadavg"))
