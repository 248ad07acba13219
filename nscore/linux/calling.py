"""The calling process as a task and as an init's host: it forks plainly, has handlers of Python's own, and may have a terminal."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Errno
from nscore.interface.backend import Body, Outcome
from nscore.linux.agent import Process
from nscore.linux.calls import sigaction
from nscore.linux.program import LinuxTask, flush
from nscore.linux.wire import errno_name

if TYPE_CHECKING:
    from typing import Protocol

    class Voice(Protocol):
        """Who is told what went otherwise."""

        def no_terminal(self, what: str, error: OSError | None) -> None: ...


STDIN = 0
#: The machine's SIG_DFL and nscore.flags.Disposition.HANDLE.
DFL, HANDLE = 0, 2
#: What Python ignores when it starts, and a command is not to.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def other_threads() -> bool:
    """Whether the process has more than one thread, as far as /proc tells: a PID 1 may run before that is mounted."""
    try:
        return os.stat("/proc/self/task").st_nlink > 3
    except FileNotFoundError:
        return False


class Forking(LinuxTask):
    """LinuxTask whose clone is os.fork(): that is sound with every C library, and looks at nothing in /proc."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(Process(""))

    def clone(self, body: Body, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> Outcome:
        assert not flags and not set_tid and exit_signal == signal.SIGCHLD, "an init only forks"
        flush()
        try:
            pid = os.fork()
        except OSError as error:
            return Errno(errno_name(error.errno or 0))
        if pid == 0:
            self.begin(body)
        return pid, None


class LinuxHost:
    """nscore.running.init_host.Host of the calling process.  terminal is the name of a nscore.running.init_manners.Terminal."""

    def __init__(self, terminal: str) -> None:
        self.terminal = terminal
        self.group = os.getpgrp()

    def leave(self, voice: Voice) -> frozenset[int]:
        """tty_ioctl(4), TIOCNOTTY: a session leader's whole session loses the terminal, and its foreground group gets HUP and CONT."""
        if self.terminal != "PASSED":
            return frozenset()
        try:
            fcntl.ioctl(STDIN, termios.TIOCNOTTY)
        except OSError as error:
            voice.no_terminal("detach from", error)
            return frozenset()
        leads = os.getsid(0) == os.getpid()
        voice.no_terminal("session leader" if leads else "no session leader", None)
        return frozenset((signal.SIGHUP, signal.SIGCONT)) if leads else frozenset()

    def child(self, voice: Voice) -> None:
        """Signals are masked, so that SIGTTOU stops nobody who takes the terminal from the background."""
        if self.terminal == "PASSED":
            try:
                fcntl.ioctl(STDIN, termios.TIOCSCTTY, 0)
            except OSError as error:
                voice.no_terminal("attach to", error)
        elif self.terminal == "TAKEN":
            try:
                os.tcsetpgrp(STDIN, os.getpgrp())
            except OSError as error:
                if error.errno not in (25, 6):  # ENOTTY, ENXIO
                    raise OSError(error.errno, f"tcsetpgrp failed: {os.strerror(error.errno or 0)}") from None
                voice.no_terminal("take", error)
        elif self.terminal == "LENT":
            pass_on(self.group, os.getpgrp())
        for sig in range(1, 65):
            if sig in IGNORED_BY_PYTHON or (sig not in (signal.SIGKILL, signal.SIGSTOP) and sigaction(sig, None)[0] == HANDLE):
                sigaction(sig, DFL)

    def continued(self, pid: int) -> None:
        """A shell makes the job that it continues the foreground one first."""
        if self.terminal == "LENT":
            pass_on(self.group, pid)

    def ended(self, pid: int) -> None:
        """The rest of the group, in the background, is no reason to keep it."""
        if self.terminal == "LENT":
            pass_on(pid, self.group)


def pass_on(owner: int, to: int) -> None:
    """Make to the foreground group of the terminal, if owner is that now; nothing where there is no terminal of this session."""
    with suppress(OSError):
        if os.tcgetpgrp(STDIN) == owner:
            os.tcsetpgrp(STDIN, to)
