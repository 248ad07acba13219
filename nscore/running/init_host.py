"""What a process that is an init has beyond the calls: a terminal, and the interpreter's own handlers."""

from __future__ import annotations

from typing import Protocol

from nscore.running.init_voices import Voice


class Host(Protocol):
    """nscore.linux.calling has the calling process's."""

    def leave(self, voice: Voice) -> frozenset[int]:
        """Before the fork: leave the terminal, where the main child is to have it; the signals that this brings, once each."""

    def child(self, voice: Voice) -> None:
        """In the main child, which is in its group or session: take the terminal, and have no handlers.  OSError is the end of it."""

    def continued(self, pid: int) -> None:
        """After SIGCONT: lend the terminal again."""

    def ended(self, pid: int) -> None:
        """The main child has ended: have the terminal back."""


class Bare:
    """A Host that has neither: a program's."""

    def leave(self, voice: Voice) -> frozenset[int]:
        return frozenset()

    def child(self, voice: Voice) -> None:
        pass

    def continued(self, pid: int) -> None:
        pass

    def ended(self, pid: int) -> None:
        pass
