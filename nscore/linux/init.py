"""What a machine's PID 1 does, new-born from the zygote, before it obeys."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.agent import Agent, Process, allow_descriptors
from nscore.linux.calls import close, close_range, dup3, fsconfig, fsmount, fsopen, mount, poll, prctl, setsid, sigaction, sigprocmask
from nscore.linux.wire import CONTROL, RESERVED, send, send_descriptors

O_CLOEXEC, POLLIN = 0o2000000, 1
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
SIGKILL, SIGSTOP = 9, 19
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x8, 0x4000, 0x40000
FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 1, 6


def begin(control: int, ids: tuple[int, int] | None, image: str) -> None:
    """Prepare, say hello with a descriptor of the machine's /proc, and obey; or say in which step what failed.

    Args:
        control: The descriptor to obey.
        ids: In a new user namespace: the user and group id outside, which become 0.
        image: What execve makes an agent again.
    """
    armed()
    step, told = "control descriptor", control
    try:
        dup3(control, CONTROL, O_CLOEXEC)
        told = CONTROL
        for name, prepare in STEPS:
            step = name
            prepare(ids)
        step = "/proc"
        proc = open_proc()
        process = Process(image)
        step = "hello"
        send_descriptors(CONTROL, (0, None), (proc,))
        close(proc)
    except OSError as error:
        send(told, (error.errno, step))
        os._exit(1)
    Agent(CONTROL, process).serve()


def armed() -> None:
    """Let a test that injects faults attach strace(1): it holds the pipe of NSCORE_ARMED until it has, and counts from the stat on."""
    pipe = os.environ.get("NSCORE_ARMED")
    if pipe:
        fd = os.open(pipe, os.O_RDONLY | os.O_CLOEXEC)
        os.read(fd, 1)
        os.close(fd)
        with suppress(FileNotFoundError):
            os.stat("nscore:armed")


def map_ids(ids: tuple[int, int] | None, inside: tuple[int, int] = (0, 0)) -> None:
    """Become 0 in a new user namespace, or somebody else: setgroups first, each file in one write, from inside.  user_namespaces(7)"""
    if ids is None:
        return
    (uid, gid), (uid_outside, gid_outside) = inside, ids
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid_outside} 1"), ("gid_map", f"{gid} {gid_outside} 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
        os.write(fd, text.encode())
        os.close(fd)


def close_inherited(_: object) -> None:
    """Keep 0 to 2, /dev/null in the zygote, and the control descriptor."""
    close_range(3, CONTROL - 1)
    close_range(CONTROL + 1, 0x7FFFFFFF)


def limit_descriptors(_: object) -> None:
    """What the machine's processes open ends where the agents' own begins."""
    allow_descriptors(RESERVED)


def die_with_zygote(_: object) -> None:
    """PDEATHSIG, and then a look whether it came too late: before that no zygote's end is noticed."""
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    if poll([(CONTROL, POLLIN)], 0):
        os._exit(0)


def reset_signals(_: object) -> None:
    """Default actions for all, the C library's own included, and nothing masked."""
    for sig in range(1, 65):
        if sig not in (SIGKILL, SIGSTOP):
            sigaction(sig, 0)
    sigprocmask(2, ())


def lead_session(_: object) -> None:
    """Leave the zygote's session and group: kill(0) in the machine would reach the zygote and every other machine."""
    setsid()


def mount_proc(_: object) -> None:
    """Let no mount out, and mount what shows this PID namespace."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir("/")
    prctl(PR_SET_NAME, "init")


STEPS = (
    ("id maps", map_ids),
    ("descriptors", close_inherited),
    ("limit of descriptors", limit_descriptors),
    ("PDEATHSIG", die_with_zygote),
    ("signals", reset_signals),
    ("session", lead_session),
    ("mount of /proc", mount_proc),
)


def open_proc() -> int:
    """A /proc of the machine for its driver: a mount of its own, so that nothing inside is ever busy because of it, which lists only PIDs.

    Without subset=pid (before Linux 5.8) or fsopen (5.2) it is the machine's own.
    """
    try:
        fs = fsopen("proc", 1)
        try:
            fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid")
            fsconfig(fs, FSCONFIG_CMD_CREATE)
            mounted = fsmount(fs, 1)
        finally:
            close(fs)
    except OSError:
        return os.open("/proc", DIRECTORY)
    try:
        return os.open(".", DIRECTORY, dir_fd=mounted)  # what fsmount gives is O_PATH
    finally:
        close(mounted)
