"""How inits differ: nscore's own, tini's and dumb-init's, each as one row of facts that the loop in init.py reads."""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from nscore.flags import SIGRTMAX, Signal

#: 32 and 33 are the C library's own, which its sigfillset() leaves out.
COLLECTABLE = frozenset(range(1, SIGRTMAX + 1)) - {Signal.KILL, Signal.STOP, 32, 33}
#: What the kernel sends for a fault of the receiver's.
FAULTS = frozenset((Signal.FPE, Signal.ILL, Signal.SEGV, Signal.BUS, Signal.ABRT, Signal.TRAP, Signal.SYS))
#: What a terminal, or whoever reads from it in the background, is sent.
TERMINAL_STOPS = frozenset((Signal.TSTP, Signal.TTIN, Signal.TTOU))


class Place(Enum):
    """Where the main child begins."""

    CALLER = "in the init's process group"
    GROUP = "in a process group of its own"
    SESSION = "in a session of its own"


class Stop(Enum):
    """When the init stops itself, so that whoever waits for it sees a stop.  The kernel lets no PID 1 stop itself: there it is nothing."""

    NEVER = "never"
    TOLD = "when a terminal's signal to stop has been forwarded"
    WITH_CHILD = "when the main child has stopped"


class Terminal(Enum):
    """What becomes of the terminal on standard input."""

    LEFT = "nothing"
    LENT = "where it is the init's, it is the main child's, until that stops or ends"
    TAKEN = "the main child's group becomes the foreground one; without a reason not to, it is an error if it cannot"
    PASSED = "the init leaves it, and the main child's session gets it"


@dataclass(frozen=True, slots=True)
class Manner:
    """What an init does.

    Attributes:
        collected: The signals that are taken and, but for CHLD, forwarded.
        ignored: Signals that the init ignores.
        place, stop, terminal: As their enums say.
        group: Whether signals go to the main child's process group.
        rewrite: What is forwarded in place of a signal; 0 is nothing.
        farewell: With group, what is sent to the rest of the main child's group when it has ended; 0 is nothing.
        strict: Whether it is the end if a signal may not be forwarded.
        subreaper: Whether orphans are adopted where the init is not PID 1.
        pdeathsig: What the init is to be sent when its parent dies; 0 is nothing.
        expected: Exit statuses that are reported as 0.
        root: Whether the init goes to /, so as to hold no file system.
        defaults: Signals that have their default actions in the main child, whatever they had before.
        unmasked: Whether the main child begins with no signal masked, instead of those that were masked before.
        refusals: What an exec that fails with an errno ends with; 0 has the status for all others.
        failed: The exit status where the init itself fails.
    """

    collected: frozenset[int] = COLLECTABLE
    ignored: frozenset[int] = frozenset()
    place: Place = Place.GROUP
    stop: Stop = Stop.WITH_CHILD
    terminal: Terminal = Terminal.LENT
    group: bool = False
    rewrite: Mapping[int, int] = field(default_factory=dict)
    farewell: int = 0
    strict: bool = False
    subreaper: bool = True
    pdeathsig: int = 0
    expected: frozenset[int] = frozenset()
    root: bool = False
    defaults: frozenset[int] = frozenset()
    unmasked: bool = False
    refusals: Mapping[int, int] = field(default_factory=lambda: {errno.ENOENT: 127, 0: 126})
    failed: int = 125


OWN = Manner()

#: tini 0.19.0
TINI = Manner(
    collected=COLLECTABLE - FAULTS - {Signal.TTIN, Signal.TTOU},
    ignored=frozenset((Signal.TTIN, Signal.TTOU)),
    stop=Stop.NEVER,
    terminal=Terminal.TAKEN,
    strict=True,
    subreaper=False,
    refusals={errno.ENOENT: 127, errno.EACCES: 126, 0: 1},
    failed=1,
)

#: dumb-init 1.2.5.  A group in a session of its own has nobody to continue it, so the kernel lets no terminal's signal stop it: STOP does.
DUMB_INIT = Manner(
    place=Place.SESSION,
    stop=Stop.TOLD,
    terminal=Terminal.PASSED,
    group=True,
    rewrite=dict.fromkeys(sorted(TERMINAL_STOPS), int(Signal.STOP)),
    farewell=Signal.TERM,
    subreaper=False,
    root=True,
    defaults=frozenset(range(1, 32)) - {Signal.KILL, Signal.STOP},
    unmasked=True,
    refusals={0: 2},
    failed=1,
)

MANNERS: Mapping[str | None, Manner] = {None: OWN, "tini": TINI, "dumb-init": DUMB_INIT}


def single(manner: Manner) -> Manner:
    """That init with signals for the main child alone, dumb-init's -c: it then makes no session and leaves the terminal and stops alone."""
    if manner.place is not Place.SESSION:
        return replace(manner, group=False)
    kept = {sig: to for sig, to in manner.rewrite.items() if DUMB_INIT.rewrite.get(sig) != to}
    return replace(manner, group=False, place=Place.CALLER, terminal=Terminal.LEFT, rewrite=kept)


def manner_of(
    like: str | None, group: bool | None, rewrite: Mapping[int, int], subreaper: bool | None, pdeathsig: int, expected: Collection[int]
) -> Manner:
    """The manner that init()'s arguments ask for; ValueError where there is none."""
    if like not in MANNERS:
        raise ValueError(f"init: like is None or one of {', '.join(name for name in MANNERS if name)}, not {like!r}")
    for sig in (*rewrite, *rewrite.values(), pdeathsig):
        if not 0 <= sig <= SIGRTMAX or (sig == 0 and sig in rewrite):
            raise ValueError(f"init: there is no signal {sig}")
    manner = MANNERS[like]
    if group is not None:
        manner = replace(manner, group=True) if group else single(manner)
    return replace(
        manner,
        rewrite={**manner.rewrite, **rewrite},
        subreaper=manner.subreaper if subreaper is None else subreaper,
        pdeathsig=pdeathsig,
        expected=frozenset(expected),
    )
