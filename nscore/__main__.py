"""The command line: python3 -m nscore COMMAND."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from nscore.backends import available
from nscore.errors import Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nscore.walkthrough.screen import Screen

#: The commands that parse their own arguments: module, function, and a line of help.
COMMANDS = {
    "run": ("nscore.running.commands", "main_run", "a command in a PID namespace, which ends with all that it has started"),
    "init": ("nscore.running.init_command", "main_init", "be PID 1 to a command: forward signals, reap orphans"),
    "doctor": ("nscore.running.doctor", "main_doctor", "what can be had here, and what to change for the rest"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit status; 2 where it asks for what cannot be had."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        if argv and argv[0] in COMMANDS:
            module, function, _ = COMMANDS[argv[0]]
            return int(getattr(import_module(module), function)(argv[1:]))
        args = _parser().parse_args(argv)
        return int(args.command(args))
    except Unavailable as error:
        print(f"nscore {argv[0]}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has left.  Nothing more is to be said, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def walkthrough(args: argparse.Namespace) -> int:
    """Play the walkthrough; 1 where two backends differ."""
    from nscore.walkthrough import play
    from nscore.walkthrough.screen import Screen

    screen = Screen(sys.stdout, args.explain)
    return 1 if play(_backends(args.backend, screen), screen) else 0


def _backends(asked: str | None, screen: Screen) -> tuple[str, ...]:
    """Those asked for, or all that can be had here: what cannot is then said, and no error."""
    if asked in ("sim", "linux"):
        return (asked,)
    why = available("linux")
    if why is None:
        return ("linux", "sim")
    if asked == "both":
        raise why
    screen.note(f"On the model alone, since {why}")
    return ("sim",)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m nscore", description="Linux PID namespaces: on a real kernel, and on a model of one.")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    command = commands.add_parser("walkthrough", help="the classic walkthrough of PID namespaces, step by step")
    command.add_argument("--backend", choices=("sim", "linux", "both"), help="where it is played; both, where linux can be had")
    command.add_argument("--explain", action="store_true", help="add the kernel's reason and the rule's id to each step")
    command.set_defaults(command=walkthrough)
    for name, (_, _, line) in COMMANDS.items():
        commands.add_parser(name, help=line)
    return parser


if __name__ == "__main__":
    sys.exit(main())
