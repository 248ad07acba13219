"""What Popen needs of a backend to hold a command and its namespace."""

from __future__ import annotations

from typing import Protocol


class Life(Protocol):
    """A command and its namespace; nscore.linux.command has the one there is."""

    pid: int
    init: int

    def signal(self, sig: int) -> None:
        """Send the command a signal; ProcessLookupError where it has ended."""

    def kill(self) -> None:
        """Have the namespace ended."""

    def expire(self, patience: float) -> None:
        """Return when the command, which has been killed, is to be reaped, or after so many seconds."""

    def lost_status(self) -> int:
        """The wait status of the command, which somebody else has reaped; ChildProcessError where nobody knows it."""

    def end(self, patience: float) -> tuple[str, ...]:
        """Kill the namespace, whose command has been reaped: what is left of it after so many seconds, in words."""

    def lend(self) -> tuple[int, int]:
        """Descriptors of the command and of the init, which the caller closes; -1 when nothing is left."""

    def release(self) -> None:
        """Hold it no more."""


class Warded(Life, Protocol):
    """One without a PID namespace, which is not its caller's own child: init is what its end is seen by."""

    def waited(self, flags: int) -> tuple[int, int]:
        """What os.waitpid gives of a child; ChildProcessError where its status is lost."""
