"""What cases read: views of /proc, through the calls of whoever looks."""

from __future__ import annotations

from dataclasses import dataclass

from nscore import Calls, OpenFlag


def read(calls: Calls, path: str) -> str:
    """The text of a file."""
    fd = calls.open(path, OpenFlag.RDONLY)
    text = b""
    while part := calls.read(fd, 65536):
        text += part
    calls.close(fd)
    return text.decode()


def write(calls: Calls, path: str, text: str) -> None:
    """Write a file in one write(2); the descriptor is closed whatever comes of it."""
    fd = calls.open(path, OpenFlag.WRONLY)
    try:
        calls.write(fd, text.encode())
    finally:
        calls.close(fd)


def status(calls: Calls, pid: int | str) -> dict[str, str]:
    """/proc/PID/status, line by line."""
    return dict(line.split(":\t", 1) for line in read(calls, f"/proc/{pid}/status").splitlines())


def stat_fields(calls: Calls, pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat, from 1; the second is parenthesised and may hold anything."""
    text = read(calls, f"/proc/{pid}/stat")
    head, _, tail = text.rpartition(") ")
    pid_field, _, comm = head.partition(" (")
    return ["", pid_field, comm, *tail.split()]


def numbers(calls: Calls, pid: int | str, key: str = "NSpid") -> tuple[int, ...]:
    """A line of numbers of /proc/PID/status, outermost namespace first."""
    return tuple(int(number) for number in status(calls, pid)[key].split())


def state(calls: Calls, pid: int | str) -> str:
    """The state letter of a process."""
    return status(calls, pid)["State"][0]


def last_pid(calls: Calls) -> int:
    """The number that was last given cyclically in the caller's PID namespace."""
    return int(read(calls, "/proc/sys/kernel/ns_last_pid"))


def set_last_pid(calls: Calls, number: int) -> None:
    """Let the next number be the lowest free one above."""
    write(calls, "/proc/sys/kernel/ns_last_pid", str(number))


def set_pid_max(calls: Calls, number: int) -> None:
    """Let numbers of the caller's PID namespace be below number."""
    write(calls, "/proc/sys/kernel/pid_max", str(number))


@dataclass(frozen=True, slots=True)
class MountLine:
    """A line of mountinfo: proc_pid_mountinfo(5).  tags are the optional fields, peer groups numbered by appearance."""

    id: int
    parent: int
    device: str
    root: str
    point: str
    options: str
    tags: tuple[str, ...]
    fstype: str
    source: str
    super_options: str


def mountinfo(calls: Calls, pid: int | str) -> list[MountLine]:
    """/proc/PID/mountinfo, line by line."""
    groups: dict[str, int] = {}
    lines = []
    for line in read(calls, f"/proc/{pid}/mountinfo").splitlines():
        fields = line.split(" ")
        end = fields.index("-", 6)
        tags = []
        for tag in fields[6:end]:
            name, colon, group = tag.partition(":")
            tags.append(f"{name}:{groups.setdefault(group, len(groups) + 1)}" if colon else name)
        device, root, point, options = fields[2:6]
        fstype, source, super_options = fields[end + 1 :]
        lines.append(MountLine(int(fields[0]), int(fields[1]), device, root, point, options, tuple(tags), fstype, source, super_options))
    return lines
