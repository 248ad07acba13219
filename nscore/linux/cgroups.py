"""A cgroup of version 2 for a command, below its caller's: whoever is born in it stays in it, and cgroup.kill ends them all.

cgroups(7)
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import select
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
POLLPRI = 2
_numbers = itertools.count()


class Group:
    """A cgroup, by the directory that it lies in and its number."""

    def __init__(self, parent: int, number: int) -> None:
        self.parent, self.number = parent, number

    @property
    def name(self) -> str:
        """Its directory."""
        return f"nscore-{self.number}"

    def put(self, name: str, text: str) -> None:
        """Write one of its files."""
        written(f"{self.name}/{name}", text, self.parent)

    def get(self, name: str) -> str:
        """Read one of its files."""
        with open(os.open(f"{self.name}/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.parent)) as file:
            return file.read()

    def kill(self) -> None:
        """Have the kernel end all who are in it, and whoever they are forking."""
        self.put("cgroup.kill", "1")

    def emptied(self, milliseconds: int) -> bool:
        """Wait until nobody lives in it."""
        with open(os.open(f"{self.name}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.parent)) as file:
            poll = select.poll()
            poll.register(file, POLLPRI)
            for wait in (milliseconds, 0):
                file.seek(0)
                if "populated 0" in file.read():
                    return True
                poll.poll(wait)
        return "populated 0" in self.get("cgroup.events")

    def remove(self) -> None:
        """Remove it, and those that a command may have made below it."""
        for _, folders, _, directory in os.fwalk(self.name, topdown=False, dir_fd=self.parent):
            for folder in folders:
                os.rmdir(folder, dir_fd=directory)
        os.rmdir(self.name, dir_fd=self.parent)


def written(path: str, text: str, directory: int) -> None:
    """One write of a file."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def new() -> Group:
    """A new cgroup below the calling thread's.

    Raises:
        Unavailable: There is none to be had.
    """
    home = own()
    try:
        parent = os.open(home, DIRECTORY)
    except OSError as error:
        raise unavailable(home, error) from error
    try:
        group = made(parent)
        if not os.path.exists(f"{home}/{group.name}/cgroup.kill"):
            group.remove()
            raise Unavailable("cgroups have no cgroup.kill before Linux 5.14")
        return group
    except OSError as error:
        os.close(parent)
        raise unavailable(home, error) from error
    except Unavailable:
        os.close(parent)
        raise


def made(parent: int) -> Group:
    """Make a directory that nobody has left there."""
    while True:
        group = Group(parent, os.getpid() << 24 | next(_numbers) & 0xFFFFFF)
        try:
            os.mkdir(group.name, dir_fd=parent)
        except FileExistsError:
            continue
        return group


def unavailable(home: str, error: OSError) -> Unavailable:
    """What it means that the kernel refuses."""
    number = error.errno or 0
    denied = number in (errno.EACCES, errno.EPERM, errno.EROFS)
    remedy = "Run in a cgroup that is delegated to you, as systemd-run --user --scope -p Delegate=yes makes it" if denied else ""
    return Unavailable(f"a cgroup below {home}: {os.strerror(number)}", remedy)


def own() -> str:
    """The directory of the calling thread's cgroup.  cgroups(7), proc_pid_cgroup(5)"""
    with open("/proc/thread-self/cgroup", errors="surrogateescape") as file:
        paths = [line[3:].rstrip("\n") for line in file if line.startswith("0::/")]
    with open("/proc/thread-self/mountinfo", errors="surrogateescape") as file:
        mounts = [match.groups() for line in file if (match := re.match(r"\S+ \S+ \S+ (\S+) (\S+) .* - cgroup2 ", line))]
    for path in paths:
        for root, point in mounts:
            if f"{path}/".startswith(f"{root.rstrip('/')}/") and ".." not in path:
                return f"{point}/{path[len(root.rstrip('/')) :].lstrip('/')}".rstrip("/")
    raise Unavailable("no cgroup2 is mounted that shows the caller's cgroup")
