"""The command lines of tini 0.19.0 and dumb-init 1.2.5, option for option, and what they make of their environments."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nscore.flags import Signal
from nscore.running.gnu_options import Options, Refused
from nscore.running.init_manners import DUMB_INIT, TINI, Manner, single
from nscore.running.init_voices import STDERR, STDOUT, DumbInitVoice, TiniVoice, Voice, write


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, and how its init is to be."""

    argv: Sequence[str]
    manner: Manner
    voice: Voice


class Answer(Exception):
    """A command line that is answered without running anything: an exit status, and what is written where."""

    def __init__(self, status: int, fd: int, text: str) -> None:
        super().__init__(text)
        self.status, self.fd, self.text = status, fd, text

    def given(self) -> int:
        """Write it; the status."""
        write(self.fd, self.text)
        return self.status


TINI_VERSION = "tini version 0.19.0 - nscore"
#: The signals that tini knows by name: all but STKFLT, IO and PWR.
TINI_SIGNALS = {f"SIG{sig.name}": sig for sig in Signal if sig not in (Signal.STKFLT, Signal.IO, Signal.PWR)}
TINI_USAGE = f"""\
tini ({TINI_VERSION})
Usage: tini [OPTIONS] PROGRAM -- [ARGS] | --version

  --version     print the version, where it is the only argument
  -h            print this
  -s            be a child subreaper
  -p SIGNAL     be sent SIGNAL (SIGKILL, say) when the parent dies
  -v            be more verbose, up to three times
  -w            warn when an orphan is reaped
  -g            send signals to the child's process group
  -e EXIT_CODE  exit with 0 where the child exits with EXIT_CODE, 0 to 255
  -l            print the license

Environment: TINI_SUBREAPER is -s, TINI_KILL_PROCESS_GROUP is -g; TINI_VERBOSITY is the level, 1 by default."""
TINI_LICENSE = "The MIT License (MIT)\n\nThis is nscore, which takes the options of tini; it has none of tini's code."


def tini(argv: Sequence[str], environ: Mapping[str, str]) -> Asked:
    """What tini is asked for by argv, its own name first; raises Answer."""
    if list(argv[1:]) == ["--version"]:
        raise Answer(0, STDOUT, TINI_VERSION)
    manner, verbosity, warn = TINI, 1, False
    options = Options(argv, "p:hvwgle:s")
    try:
        for letter, value in options:
            if letter in TINI_ANSWERS:
                raise Answer(0, STDOUT, TINI_ANSWERS[letter])
            verbosity += letter == "v"
            warn = warn or letter == "w"
            manner = changed(manner, letter, value)
    except Refused as why:
        raise Answer(1, STDERR, f"{why}\n{TINI_USAGE}") from None
    if not options.rest:
        raise Answer(1, STDERR, TINI_USAGE)
    if "TINI_VERBOSITY" in environ:
        verbosity = atoi(environ["TINI_VERBOSITY"])
    manner = replace(
        manner,
        subreaper=manner.subreaper or "TINI_SUBREAPER" in environ,
        group=manner.group or "TINI_KILL_PROCESS_GROUP" in environ,
    )
    return Asked(options.rest, manner, TiniVoice(options.rest[0], verbosity, warn))


TINI_ANSWERS = {"h": TINI_USAGE, "l": TINI_LICENSE}


def changed(manner: Manner, letter: str, value: str) -> Manner:
    """The manner that an option of tini's makes of one."""
    if letter == "s":
        return replace(manner, subreaper=True)
    if letter == "g":
        return replace(manner, group=True)
    if letter == "p":
        if value not in TINI_SIGNALS:
            raise invalid("p", value)
        return replace(manner, pdeathsig=TINI_SIGNALS[value])
    if letter == "e":
        # strtol(3) makes 0 of nothing.
        number = re.fullmatch(r"(\s*[+-]?[0-9]+)?", value)
        if number is None or not 0 <= int(value or 0) <= 255:
            raise invalid("e", value)
        return replace(manner, expected=manner.expected | {int(value or 0)})
    return manner


def invalid(letter: str, value: str) -> Answer:
    """tini's words, as what ends it, whatever the level."""
    return Answer(1, STDERR, f"[FATAL tini ({os.getpid()})] Not a valid option for -{letter}: {value}")


def atoi(text: str) -> int:
    """atoi(3): the number that text begins with, or 0."""
    number = re.match(r"\s*[+-]?[0-9]+", text)
    return int(number[0]) if number else 0


DUMB_INIT_VERSION = "dumb-init v1.2.5"
DUMB_INIT_USAGE = f"""\
{DUMB_INIT_VERSION} (nscore)
Usage: dumb-init [option] command [[arg] ...]

  -c, --single-child  send signals to the child alone, which leads no session then
  -r, --rewrite s:r   send signal r where s has come, nothing where r is 0; it can be given several times
  -v, --verbose       say on standard error what happens
  -h, --help          print this
  -V, --version       print the version

Environment: DUMB_INIT_DEBUG=1 is -v, DUMB_INIT_SETSID=0 is -c."""
DUMB_INIT_REWRITE = "Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31."
DUMB_INIT_LONG = {"help": "h", "single-child": "c", "rewrite": "r", "verbose": "v", "version": "V"}
DUMB_INIT_ANSWERS = {"h": DUMB_INIT_USAGE, "V": DUMB_INIT_VERSION}


def dumb_init(argv: Sequence[str], environ: Mapping[str, str]) -> Asked:
    """What dumb-init is asked for by argv, its own name first; raises Answer."""
    debug = alone = False
    rewrite: dict[int, int] = {}
    options = Options(argv, "+hvVcr:", DUMB_INIT_LONG)
    try:
        for letter, value in options:
            if letter in DUMB_INIT_ANSWERS:
                raise Answer(0, STDERR, DUMB_INIT_ANSWERS[letter])
            debug = debug or letter == "v"
            alone = alone or letter == "c"
            if letter == "r":
                rewrite.update([rewriting(value)])
    except Refused as why:
        raise Answer(1, STDERR, str(why)) from None
    if not options.rest:
        raise Answer(1, STDERR, f"Usage: {argv[0]} [option] program [args]\nTry {argv[0]} --help for full usage.")
    voice = DumbInitVoice(options.rest[0], debug or environ.get("DUMB_INIT_DEBUG") == "1")
    if environ.get("DUMB_INIT_DEBUG") == "1":
        voice.say("Running in debug mode.")
    if environ.get("DUMB_INIT_SETSID") == "0":
        alone = True
        voice.say("Not running in setsid mode.")
    manner = single(DUMB_INIT) if alone else DUMB_INIT
    return Asked(options.rest, replace(manner, rewrite={**manner.rewrite, **rewrite}), voice)


def rewriting(text: str) -> tuple[int, int]:
    """sscanf(3) of "%d:%d": what follows the second number is nobody's."""
    found = re.match(r"\s*([+-]?[0-9]+):\s*([+-]?[0-9]+)", text)
    if found is None or not 1 <= int(found[1]) <= 31 or not 0 <= int(found[2]) <= 31:
        raise Answer(1, STDERR, DUMB_INIT_REWRITE)
    return int(found[1]), int(found[2])


#: By the name that --like takes.
LIKES = {"tini": tini, "dumb-init": dumb_init}
