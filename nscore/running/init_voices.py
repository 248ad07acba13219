"""What an init says of its doings: nothing, or the lines of nscore, tini and dumb-init, each to where that writes them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from nscore.flags import ChildCode, Signal
from nscore.results import WaitResult

STDOUT, STDERR = 1, 2
REAPING_HINT = (
    "Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
    "Zombie processes will not be re-parented to Tini, so zombie reaping won't work.\n"
    "To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to register Tini as a child subreaper, "
    "or run Tini as PID 1."
)


def write(fd: int, line: str) -> None:
    """A line, at once.  Nobody need be there to read it."""
    with suppress(OSError):
        os.write(fd, f"{line}\n".encode(errors="surrogateescape"))


def words(error: OSError) -> str:
    """strerror(3)"""
    return os.strerror(error.errno or 0)


class Voice:
    """One that says nothing."""

    def __init__(self, command: str = "") -> None:
        self.command = command

    def registered(self) -> None:
        """The init has become a subreaper."""

    def cannot_reap(self) -> None:
        """The init is neither PID 1 nor a subreaper."""

    def no_terminal(self, what: str, error: OSError | None) -> None:
        """It could not do with the terminal what it was to; without an error, it has left it as session leader or not."""

    def placed(self, place: str) -> None:
        """In the main child: it is in the Place of that name."""

    def spawned(self, pid: int) -> None:
        """The main child is there."""

    def received(self, sig: int) -> None:
        """A signal has come."""

    def skipped(self, sig: int) -> None:
        """It is one that leaving the terminal brings."""

    def rewritten(self, sig: int, to: int) -> None:
        """Another is to be sent in its place, or 0."""

    def dropped(self, sig: int) -> None:
        """It is rewritten to nothing."""

    def missed(self, sig: int) -> None:
        """Nobody was there to be sent it."""

    def forwarded(self, sig: int) -> None:
        """It has been sent."""

    def suspended(self) -> None:
        """The init is about to stop itself."""

    def reaped(self, found: WaitResult, main: bool) -> None:
        """A child has ended."""

    def nothing(self, children: bool) -> None:
        """No other child has ended; whether there are any."""

    def ended(self, status: int) -> None:
        """The main child has ended, and the init does."""

    def refused(self, error: OSError) -> None:
        """The exec has failed."""

    def fatal(self, error: OSError) -> None:
        """The init, or its child before the exec, cannot go on."""


class OwnVoice(Voice):
    """nscore's: errors, and all the rest on request."""

    def __init__(self, command: str, verbose: bool = False) -> None:
        super().__init__(command)
        self.verbose = verbose

    def say(self, line: str) -> None:
        write(STDERR, f"nscore init: {line}")

    def detail(self, line: str) -> None:
        if self.verbose:
            self.say(line)

    def cannot_reap(self) -> None:
        self.detail("orphans go to another process: this one is neither PID 1 nor a subreaper")

    def spawned(self, pid: int) -> None:
        self.detail(f"{self.command} is PID {pid}")

    def received(self, sig: int) -> None:
        self.detail(f"signal {sig} has come")

    def dropped(self, sig: int) -> None:
        self.detail("it is not forwarded")

    def missed(self, sig: int) -> None:
        self.detail(f"nobody is there for signal {sig}")

    def forwarded(self, sig: int) -> None:
        self.detail(f"signal {sig} is forwarded")

    def suspended(self) -> None:
        self.detail("the command has stopped")

    def reaped(self, found: WaitResult, main: bool) -> None:
        how = "with status" if found.si_code == ChildCode.EXITED else "by signal"
        self.detail(f"PID {found.si_pid} has ended {how} {found.si_status}")

    def refused(self, error: OSError) -> None:
        self.say(f"{self.command}: {words(error)}")

    def fatal(self, error: OSError) -> None:
        self.say(str(error.strerror or error))


class TiniVoice(Voice):
    """tini's: warnings on standard error from 1 on, and on standard output 2 info, 3 debug, 4 trace."""

    def __init__(self, command: str, verbosity: int = 1, warn_on_reap: bool = False) -> None:
        super().__init__(command)
        self.verbosity, self.warn_on_reap = verbosity, warn_on_reap

    def say(self, level: int, line: str) -> None:
        if level <= self.verbosity:
            word = ("FATAL", "WARN ", "INFO ", "DEBUG", "TRACE")[level]
            write(STDERR if level < 2 else STDOUT, f"[{word} tini ({os.getpid()})] {line}")

    def registered(self) -> None:
        self.say(4, "Registered as child subreaper")

    def cannot_reap(self) -> None:
        self.say(1, REAPING_HINT)

    def no_terminal(self, what: str, error: OSError | None) -> None:
        if not os.isatty(STDOUT):
            return  # the child has only buffered it, and its exec forgets that
        why = "no tty" if error is not None and error.errno == 25 else "no such device"
        self.say(3, f"tcsetpgrp failed: {why} (ok to proceed)")

    def spawned(self, pid: int) -> None:
        self.say(2, f"Spawned child process '{self.command}' with pid '{pid}'")

    def received(self, sig: int) -> None:
        self.say(3, "Received SIGCHLD" if sig == Signal.CHLD else f"Passing signal: '{signal.strsignal(sig)}'")

    def missed(self, sig: int) -> None:
        self.say(1, "Child was dead when forwarding signal")

    def reaped(self, found: WaitResult, main: bool) -> None:
        self.say(3, f"Reaped child with pid: '{found.si_pid}'")
        if main and found.si_code == ChildCode.EXITED:
            self.say(2, f"Main child exited normally (with status '{found.si_status}')")
        elif main:
            self.say(2, f"Main child exited with signal (with signal '{signal.strsignal(found.si_status)}')")
        elif self.warn_on_reap:
            self.say(1, f"Reaped zombie process with pid={found.si_pid}")

    def nothing(self, children: bool) -> None:
        self.say(4, "No child to reap" if children else "No child to wait")

    def ended(self, status: int) -> None:
        self.say(4, "Exiting: child has exited")

    def refused(self, error: OSError) -> None:
        self.say(0, f"exec {self.command} failed: {words(error)}")

    def fatal(self, error: OSError) -> None:
        self.say(0, str(error.strerror or error))


class DumbInitVoice(Voice):
    """dumb-init's, on standard error."""

    def __init__(self, command: str, debug: bool = False) -> None:
        super().__init__(command)
        self.debug = debug

    def say(self, line: str) -> None:
        if self.debug:
            write(STDERR, f"[dumb-init] {line}")

    def no_terminal(self, what: str, error: OSError | None) -> None:
        if error is not None:
            self.say(f"Unable to {what} controlling tty (errno={error.errno} {words(error)}).")
        elif what == "session leader":
            self.say("Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive.")
        else:
            self.say("Detached from controlling tty, but was not session leader.")

    def placed(self, place: str) -> None:
        if place == "SESSION":
            self.say("setsid complete.")

    def spawned(self, pid: int) -> None:
        self.say(f"Child spawned with PID {pid}.")

    def received(self, sig: int) -> None:
        self.say(f"Received signal {sig}.")

    def skipped(self, sig: int) -> None:
        self.say(f"Ignoring tty hand-off signal {sig}.")

    def rewritten(self, sig: int, to: int) -> None:
        self.say(f"Translating signal {sig} to {to}.")

    def dropped(self, sig: int) -> None:
        self.say("Not forwarding signal 0 to children (ignored).")

    def forwarded(self, sig: int) -> None:
        self.say(f"Forwarded signal {sig} to children.")

    def suspended(self) -> None:
        self.say("Suspending self due to TTY signal.")

    def reaped(self, found: WaitResult, main: bool) -> None:
        how = "exited with exit status" if found.si_code == ChildCode.EXITED else "was terminated by signal"
        self.say(f"A child with PID {found.si_pid} {how} {found.si_status}.")

    def ended(self, status: int) -> None:
        self.say(f"Child exited with status {status}. Goodbye.")

    def refused(self, error: OSError) -> None:
        write(STDERR, f"[dumb-init] {self.command}: {words(error)}")

    def fatal(self, error: OSError) -> None:
        write(STDERR, f"[dumb-init] {error.strerror or error}")
