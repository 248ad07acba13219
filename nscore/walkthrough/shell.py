"""Terminals and the shells in them: what a learner sits at.

A typed line is carried out by driven processes.  An external command is a fork that takes its name, works through its own calls, exits
and is waited for; a builtin is the shell's own call and burns no number.  What comes out is read by those processes: nothing is known
beforehand.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from nscore.errors import Gone
from nscore.flags import Disposition, Prctl, Signal
from nscore.interface.calls import Calls
from nscore.interface.machine import Machine
from nscore.interface.process import Pending, Process

#: What bash says of a foreground command that a signal ended.
ENDED_BY = {Signal.HUP: "Hangup", Signal.KILL: "Killed", Signal.TERM: "Terminated"}


@dataclass(frozen=True, slots=True)
class Waiter:
    """Who waits for a shell to end: the unshare that started it, and the shell in which that was typed."""

    process: Process
    pending: Pending[tuple[int, int]]


@dataclass(slots=True)
class Shell:
    """A shell: a driven process, who waits for it, the nearest first, and its traps."""

    process: Process
    waiters: tuple[Waiter, ...] = ()
    traps: dict[int, str] = field(default_factory=dict)

    def spawn(self, name: str) -> Process:
        """Fork a command."""
        return self._become(self.process.fork(), name)

    def background(self, name: str) -> None:
        """(NAME &): a subshell starts a command, does not wait for it, and ends."""
        subshell = self.process.fork()
        self._become(subshell.fork(), name)
        subshell.exit(0)
        self.process.waitpid(subshell.pid)

    def _become(self, child: Process, name: str) -> Process:
        """Signals are as the shell found them: bash puts back what it ignores, execve what has a handler."""
        for number in (Signal.TERM, *self.traps):
            child.sigaction(number, Disposition.DFL)
        child.prctl(Prctl.SET_NAME, name)
        return child

    def external(self, words: list[str], work: Callable[[Process, list[str]], list[str]]) -> list[str]:
        """Run a command to its end and return its lines."""
        child = self.spawn(words[0].rpartition("/")[2])
        status = 0
        try:
            lines = work(child, words[1:])
        except OSError as error:
            status, lines = 1, [": ".join([*words[:1], *words[-1:], name_of(error)])]
        child.exit(status)
        self.process.waitpid(child.pid)
        return lines


class Terminal:
    """A terminal: the innermost of its shells reads what is typed."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.shells: list[Shell] = []
        process = machine.init.fork()
        self.begin(process, "bash", ())

    @property
    def shell(self) -> Shell:
        """The shell that reads."""
        return self.shells[-1]

    def prompt(self) -> str:
        """The host name, which is the UTS namespace's, as bash's prompt has it."""
        return f"{self.shell.process.uname().nodename}# "

    def begin(self, process: Process, name: str, started_by: tuple[Process, ...]) -> None:
        """Let process be a shell, as an interactive one ignoring TERM; started_by wait for it, each for the one before."""
        process.prctl(Prctl.SET_NAME, name)
        process.sigaction(Signal.TERM, Disposition.IGN)
        waiters = []
        child = process
        for waiter in started_by:
            waiters.append(Waiter(waiter, waiter.start(Calls.waitpid, child.pid)))
            child = waiter
        self.shells.append(Shell(process, tuple(waiters)))

    def look(self) -> list[str]:
        """The lines that have appeared by themselves: of traps, and of shells that ended."""
        self._machine.settle()
        lines: list[str] = []
        while (ended := self._ended(self.shell)) is not None:
            self.shells.pop()
            lines += ended
        shell = self.shell
        if shell.traps:
            lines += [shell.traps[info.si_signo] for info in shell.process.received()]
        return lines

    def _ended(self, shell: Shell) -> list[str] | None:
        """What its parent says of a shell's end, None while it lives."""
        said: list[str] | None = None
        for index, waiter in enumerate(shell.waiters, 1):
            try:
                if not waiter.pending.done:
                    return None
                status = waiter.pending.result()[1]
            except Gone:
                said = []
                continue  # it was killed too; who waits for it comes next
            if index == len(shell.waiters):
                return [ENDED_BY[Signal(status & 0x7F)]] if status & 0x7F else []
            self._pass_on(waiter.process, status)
        return said

    def _pass_on(self, process: Process, status: int) -> None:
        """End as the child ended, by the same signal or with the same status: sys-utils/unshare.c."""
        if signal := status & 0x7F:
            with suppress(Gone):
                process.kill(process.getpid(), signal)
        else:
            process.exit(status >> 8)
        self._machine.settle()


def name_of(error: OSError) -> str:
    """An error's name: its text differs from system to system."""
    return errno.errorcode[error.errno or 0]
