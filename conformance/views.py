"""What cases read: views of /proc, through the calls of whoever looks."""

from __future__ import annotations

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
