"""python3 -m nscore init: be PID 1, in nscore's own way or in that of tini or dumb-init."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace

from nscore.flags import SIGRTMAX, Signal
from nscore.running.environment import inherited
from nscore.running.init import init_here
from nscore.running.init_manners import OWN
from nscore.running.init_options import LIKES, Answer, Asked
from nscore.running.init_voices import OwnVoice

DESCRIPTION = """\
Run a command as its init: forward signals to it, reap all orphans, exit with its status, 128+n where signal n killed it; 127 and 126 where
it is missing or cannot be run, 125 where the init itself fails."""
EPILOG = """\
With --like tini or --like dumb-init as the first argument, all that follows is their command line, and everything is as they do it."""


def main_init(argv: Sequence[str]) -> int:
    """Carry out the command line after "init"; it returns when the command has ended, with the exit status.  Signals are masked then."""
    try:
        asked = parsed(argv)
    except Answer as answer:
        return answer.given()
    try:
        return init_here(asked.argv, inherited(), asked.manner, asked.voice)
    except OSError as error:
        asked.voice.fatal(error)
        return asked.manner.failed


def parsed(argv: Sequence[str]) -> Asked:
    """By the rules of whomever the first argument names."""
    argv = list(argv)
    if argv and argv[0].startswith("--like="):
        argv[:1] = ["--like", argv[0][len("--like=") :]]
    if len(argv) > 1 and argv[0] == "--like":
        if argv[1] not in LIKES:
            raise Answer(125, 2, f"nscore init: --like: {argv[1]!r} is none of {', '.join(LIKES)}")
        return LIKES[argv[1]](argv[1:], os.environ)
    return own(argv)


def own(argv: Sequence[str]) -> Asked:
    """nscore's own options."""
    try:
        options = parser().parse_args(argv)
        if options.like:
            parser().error("--like is the first argument")
    except SystemExit as end:
        raise SystemExit(125 if end.code else 0) from None
    manner = replace(
        OWN,
        group=options.group,
        rewrite=dict(options.rewrite),
        subreaper=not options.no_subreaper,
        pdeathsig=options.pdeathsig,
        expected=frozenset(options.expect),
    )
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise Answer(125, 2, "nscore init: no command")
    return Asked(command, manner, OwnVoice(command[0], options.verbose))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser("nscore init", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    add = parser.add_argument
    add("--like", choices=LIKES, help="take that one's options and do as it does; the first argument")
    add("--group", action="store_true", help="send signals to the command's whole process group")
    add("--rewrite", action="append", type=rewriting, default=[], metavar="SIG:SIG", help="send the second where the first comes, or 0")
    add("--expect", action="append", type=status, default=[], metavar="STATUS", help="exit with 0 where the command's status is this")
    add("--pdeathsig", type=number, default=0, metavar="SIG", help="be sent SIG when the parent dies")
    add("--no-subreaper", action="store_true", help="do not adopt orphans where this is not PID 1")
    add("--verbose", action="store_true", help="say on standard error what happens")
    add("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="and its arguments; -- may stand before it")
    return parser


def rewriting(text: str) -> tuple[int, int]:
    """SIG:SIG, by name or number."""
    before, colon, after = text.partition(":")
    if not colon:
        raise ValueError(text)
    return number(before), 0 if after == "0" else number(after)


def number(text: str) -> int:
    """A signal by name, with SIG or without, or by number."""
    name = text.upper().removeprefix("SIG")
    if name in Signal.__members__:
        return int(Signal[name])
    if not 1 <= int(text) <= SIGRTMAX:
        raise ValueError(text)
    return int(text)


def status(text: str) -> int:
    """0 to 255."""
    if not 0 <= int(text) <= 255:
        raise ValueError(text)
    return int(text)
