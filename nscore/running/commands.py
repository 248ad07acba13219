"""python3 -m nscore run: a command in a PID namespace, with the exit statuses of timeout(1) and env(1)."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any, NoReturn

from nscore.errors import Unavailable
from nscore.running.environment import inherited
from nscore.running.mounts import Bind, ReadOnly, Tmpfs
from nscore.running.popen import unborn
from nscore.running.results import TimeoutExpired
from nscore.running.run import run

DESCRIPTION = """\
Run a command in a PID namespace of its own, with an init and a /proc.  When it ends, when the time is up and when this process ends, by
whatever it be, everything ends that it has started."""
EPILOG = """\
The exit status is the command's, 128+n where signal n killed it, 124 where the time was up, 125 where nscore itself failed, 126 where the
command cannot be executed, 127 where it is not found."""

TIME_UP, FAILED, NOT_EXECUTED, NOT_FOUND = 124, 125, 126, 127
#: Seconds of timeout(1)'s units.
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: Options, what each mounts, and what it takes; they are made in the order of the command line.
MOUNTS: tuple[tuple[str, Any, tuple[str, ...], str], ...] = (
    ("--read-only", ReadOnly, ("PATH",), "everything below PATH can only be read"),
    ("--tmpfs", Tmpfs, ("PATH",), "an empty file system in memory at PATH"),
    ("--bind", Bind, ("SOURCE", "PATH"), "SOURCE is at PATH too"),
    ("--ro-bind", partial(Bind, read_only=True), ("SOURCE", "PATH"), "SOURCE is at PATH too, where it can only be read"),
)
WEAKER = ("cgroup", "subreaper")
#: What asks this process to end; SIGINT is Python's KeyboardInterrupt.
ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT")


class Parser(argparse.ArgumentParser):
    """One that exits as env(1) does where the command line is wrong."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(FAILED, f"{self.prog}: {message}\n")


class Mounting(argparse.Action):
    """A mount after the mounts before it: const is its kind."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        try:
            mount = self.const(*values)
        except ValueError as error:
            raise argparse.ArgumentError(self, str(error)) from None
        namespace.mounts = [*namespace.mounts, mount]


class Ended(BaseException):
    """A signal asks this process to end."""


def main_run(argv: Sequence[str]) -> int:
    """Carry out the command line after "run"; the exit status."""
    asked = parser().parse_args(argv)
    command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
    if not command:
        parser().error("no command")
    try:
        unborn()  # imports the rest: in the middle of that an exception of a signal's can be lost, in a callback of importlib's
        listen()
        status = run(command, timeout=asked.timeout, env=inherited(), **options(asked)).returncode
    except Ended as ended:
        return 128 + int(ended.args[0])
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except TimeoutExpired:
        return TIME_UP
    except (OSError, ValueError, Unavailable, subprocess.SubprocessError) as error:
        return failed(error, command[0])
    return 128 - status if status < 0 else status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = Parser("nscore run", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    add = parser.add_argument
    add("--timeout", type=duration, metavar="DURATION", help="end it all after so many seconds, or 5m, 2h, 1d; 0 is never")
    add("--hostname", metavar="NAME", help="a host name of its own")
    add("--no-init", action="store_true", help="the command is PID 1 itself")
    add("--no-proc", action="store_true", help="no /proc of its own")
    for option, kind, words, line in MOUNTS:
        add(option, action=Mounting, const=kind, nargs=len(words), metavar=words, dest="mounts", default=[], help=line)
    add("-r", "--map-root-user", action="store_true", help="root in a user namespace of its own")
    add("-c", "--map-current-user", action="store_true", help="its own user in a user namespace of its own")
    add("-w", "--wd", metavar="DIR", help="the directory in which it starts")
    add("--weaker", action="append", choices=WEAKER, default=[], help="what to do with, where no PID namespace is to be had")
    add("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="and its arguments; -- may stand before it")
    return parser


def options(asked: argparse.Namespace) -> Any:
    """The keywords of run() for what was asked."""
    same = ("hostname", "mounts", "map_root_user", "map_current_user", "weaker")
    return {"init": not asked.no_init, "proc": not asked.no_proc, "cwd": asked.wd} | {name: getattr(asked, name) for name in same}


def duration(text: str) -> float | None:
    """Seconds, as timeout(1) has them; None for never."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "s")
    seconds = float(number) * UNITS[unit]
    if not 0 <= seconds <= inf:
        raise ValueError(text)
    return None if seconds in (0, inf) else seconds


def listen() -> None:
    """End in order where a signal asks for it, unless it was to be ignored."""
    for name in ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


def end(number: int, frame: object) -> None:
    """A second one does not wait for what the first one has begun: the end of this process is the end of all, in a moment."""
    raise Ended(number)


def failed(error: Any, command: str) -> int:
    """Say what went wrong, and whether it was with the command."""
    # subprocess names the file where exec has failed, and the directory where it was that.
    executed = isinstance(error, OSError) and error.filename == command
    words = f"{command}: {error.strerror}" if executed else str(error)
    print("\n".join(("nscore run: " + words, *getattr(error, "__notes__", ()))), file=sys.stderr)
    if not executed:
        return FAILED
    return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTED
