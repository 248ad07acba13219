"""What can be seen of a command: by itself, in its own /proc, and by its caller, from outside."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from typing import Any

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

View = dict[str, str]

#: What the command reads of itself, by one head(1), which has all of its shell's attributes.
FILES = ("status", "stat", "limits", "environ", "cgroup", "timerslack_ns", "oom_score_adj", "personality", "timens_offsets", "attr/current")
#: The part of the shell comes after what is asked in addition; then it waits to be looked at from outside.
SCRIPT = """%s
echo "==> umask <=="; umask
echo "==> descriptors <=="; echo /proc/self/fd/*
echo "==> namespaces <=="; readlink /proc/self/ns/*
head -v -c 65536 {} 2>&1
read line
exit 0
""".format(" ".join(f"/proc/self/{name}" for name in FILES))

#: Lines of status that differ from one child to the next, whoever makes it, or are numbers of the namespace.
VOLATILE = (
    "Tgid",
    "Ngid",
    "Pid",
    "PPid",
    "TracerPid",
    "NStgid",
    "NSpid",
    "NSpgid",
    "NSsid",
    "FDSize",
    "Threads",
    "SigQ",
    "SigPnd",
    "ShdPnd",
)
MEASURED = ("Vm", "Rss", "Hugetlb", "voluntary", "nonvoluntary", "State", "Name", "SigCgt", "SigQ", "SigPnd", "ShdPnd", "untag", "x86")
#: SIGCANCEL and SIGSETXID, which glibc's posix_spawn leaves ignored; a preexec_fn keeps subprocess from it.
INTERNAL = 3 << 31
#: The fields of stat that are compared, counted from 1: proc_pid_stat(5).
STAT = {7: "tty_nr", 18: "priority", 19: "nice", 40: "rt_priority", 41: "policy"}
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts")
#: ioprio_get(2) by architecture.
IOPRIO_GET = {"x86_64": 252, "aarch64": 31, "riscv64": 31}.get(os.uname().machine)

#: What cannot be the same: the namespaces that a command is given.
ALWAYS = frozenset({"namespace pid", "namespace mnt", "seen namespace pid", "seen namespace pid_for_children", "seen namespace mnt"})
#: What cannot be the same of a command in a user namespace that maps its caller's two ids alone; from outside all of it is.
IN_USER_NAMESPACE = ALWAYS | {
    "Uid",  # an id that is not mapped reads 65534 inside
    "Gid",
    "Groups",
    "namespace user",
    "seen namespace user",
}


def view(popen: type[subprocess.Popen[Any]], ask: str | None = "", **options: Any) -> View:
    """All that is seen of a command that this class makes, or the exception that it raises.

    Args:
        ask: What else the command is to say of itself; None for one that is no shell, which would unblock signals.
    """
    words = ["/bin/cat", "/proc/self/status", "-"] if ask is None else ["/bin/sh", "-c", SCRIPT % ask]
    try:
        command = popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return {"exception": f"{[kind.__name__ for kind in type(error).__mro__[-5:]]} {error} {getattr(error, 'filename', None)}"}
    with command:
        seen = outside(command.pid)
        assert command.stdout is not None and command.stdin is not None
        command.stdin.close()
        text = command.stdout.read().decode(errors="backslashreplace")
    inside = status(text) if ask is None else parsed(text)
    return inside | seen | {"returncode": str(command.returncode)}


def parsed(text: str) -> View:
    """What the command has written, by names."""
    asked, _, rest = text.partition("==> umask <==")
    sections = {}
    for section in ("umask <==" + rest).split("==> "):
        name, _, content = section.partition(" <==\n")
        sections[name.removeprefix("/proc/self/")] = content.strip("\n")
    answer = {"asked": asked} | status(sections.pop("status", ""))
    answer |= stat(sections.pop("stat", ""))
    for link in sections.pop("namespaces", "").split():
        answer["namespace " + link.partition(":")[0]] = link
    return answer | {name: "\n".join(sorted(content.split("\0"))) for name, content in sections.items()}


def status(text: str) -> View:
    """The lines of a status file that are to be compared."""
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    answer = {name: value.strip() for name, value in lines.items() if name not in VOLATILE and not name.startswith(MEASURED)}
    if "SigIgn" in answer:
        answer["SigIgn"] = f"{int(answer['SigIgn'], 16) & ~INTERNAL:016x}"
    return answer


def stat(text: str) -> View:
    """The fields of a stat file that are to be compared."""
    fields = text.rpartition(")")[2].split()
    return {name: fields[number - 3] for number, name in STAT.items()} if fields else {}


def outside(pid: int) -> View:
    """What the caller sees of a child of his."""
    folder = f"/proc/{pid}/"
    fields = attempt(f"{folder}stat").rpartition(")")[2].split()
    lines = status(attempt(f"{folder}status"))
    answer = {f"seen {name}": lines[name] for name in ("Uid", "Gid", "Groups", "CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb")}
    answer["parent"] = named(int(fields[1]), pid)
    answer["group"], answer["session"] = named(os.getpgid(pid), pid), named(os.getsid(pid), pid)
    answer["terminal"], answer["foreground"] = fields[4], named(int(fields[5]), pid)
    answer["owner"] = str(os.stat(f"{folder}environ").st_uid)
    for name in NAMESPACES:
        answer[f"seen namespace {name}"] = attempt(f"{folder}ns/{name}", os.readlink)
    for name in ("root", "cwd"):  # by inode: the path of what is in another mount namespace may be another
        answer[f"seen {name}"] = attempt(folder + name, lambda path: os.stat(path)[1:3])
    answer["/proc mounted at its caller's"] = str(attempt("/proc/thread-self/mountinfo").count(" /proc "))
    if IOPRIO_GET is not None:
        answer["ioprio"] = str(ctypes.CDLL(None).syscall(IOPRIO_GET, 1, pid))
    return answer


def named(number: int, pid: int) -> str:
    """A PID as the caller sees it, which is a symbol where it is the command's own."""
    return {pid: "its own", os.getpid(): "its caller"}.get(number, str(number))


def attempt(path: str, look: Any = None) -> str:
    """What is there, or why that cannot be seen."""
    try:
        if look is not None:
            return str(look(path))
        with open(path, errors="backslashreplace") as file:
            return file.read()
    except OSError as error:
        return f"{type(error).__name__}"


def differences(theirs: View, ours: View, ordinary: bool) -> list[str]:
    """Where the two differ, but for what cannot be the same.

    Args:
        ordinary: Whether the command is in a user namespace.
    """
    if "exception" in theirs.keys() ^ ours.keys():
        theirs, ours = ({"exception": seen.get("exception", "none")} for seen in (theirs, ours))
    but = IN_USER_NAMESPACE if ordinary else ALWAYS
    names = [name for name in (*theirs, *(name for name in ours if name not in theirs)) if name not in but]
    return [
        f"{name}: {theirs.get(name)!r} with subprocess, {ours.get(name)!r} with ours"
        for name in names
        # Who owns the user namespace of a process may look where he may not with several ids of his own.
        if theirs.get(name) != ours.get(name) and not (ordinary and theirs.get(name) == "PermissionError")
    ]
