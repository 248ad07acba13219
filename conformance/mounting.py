"""Mounts and files that cases make."""

from __future__ import annotations

from nscore import Machine, MountFlag, OpenFlag, Process

BIND = MountFlag.BIND


def create(process: Process, *paths: str) -> None:
    """Empty files, and directories where a path ends with a slash."""
    for path in paths:
        if path.endswith("/"):
            process.mkdir(path[:-1])
        else:
            process.close(process.open(path, OpenFlag.CREAT | OpenFlag.WRONLY))


def tmpfs(process: Process, path: str, *files: str) -> None:
    """A new one there, with files that are named from its root."""
    process.mount("none", path, "tmpfs")
    create(process, *[f"{path}/{name}" for name in files])


def bind(process: Process, source: str, target: str, flags: int = 0) -> None:
    """mount --bind"""
    process.mount(source, target, None, BIND | flags)


def change(process: Process, path: str, flags: int) -> None:
    """Set a mount's propagation."""
    process.mount(None, path, None, flags)


def exists(process: Process, path: str) -> bool:
    """Whether there is something."""
    return process.access(path, 0)


def chrooted(m: Machine, path: str) -> Process:
    """A process whose mountinfo begins at path."""
    reader = m.init.fork()
    reader.chroot(path)
    return reader
