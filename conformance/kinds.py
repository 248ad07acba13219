"""The kinds of random steps: what is drawn, from what the machines have shown.

Numbers are drawn small, so that they hit: a PID that exists in the caller's view as often as one that does not.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from nscore import CloneFlag, Disposition, IdType, OpenFlag, Prctl, Process, SigActionFlag, SigMask, Signal, WaitOption


class Before(Enum):
    """Stands in an action's arguments for the result of the action before it."""

    RESULT = "the result before"


RESULT = Before.RESULT

#: The namespaces that clone can make.
NEW = int(CloneFlag.NEWPID | CloneFlag.NEWUTS | CloneFlag.NEWIPC | CloneFlag.NEWNS)

#: No more processes than this, so that views stay cheap.
CROWD = 14

#: In what status shows of the PID 1 of a namespace.
IS_INIT = re.compile(rb"\nNSpid:[\t0-9]*\t1\n")

#: What may go to a group where parents ignore CHLD: it ends nobody.
HARMLESS = {0, Signal.CONT, Signal.CHLD, 65}


@dataclass(frozen=True, slots=True)
class Action:
    """A call of a process, by its order of creation; args may hold RESULT."""

    who: int
    name: str
    args: tuple[object, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"p{self.who}.{self.name}({', '.join([*map(str, self.args), *(f'{k}={v}' for k, v in self.options.items())])})"


class Population:
    """Who lives, by order of creation, and which numbers there are.

    What decides between two of these is a race, so a play has one or the other:

    - Parents that ignore CHLD (where ignoring), or children that die together with their parents, by a signal to their group or a death
      signal: one that dies before such a parent leaves no zombie, one that dies after it leaves one to the parent's heir.
    - Handlers (where handling), or threads: on linux all signals are masked between two calls of a process with handlers, so that another
      thread is chosen for one, or it takes one that was another's.
    """

    def __init__(self, seed: int) -> None:
        self.ignoring, self.handling = bool(seed & 1), bool(seed & 2)
        self.idle: list[int] = [0]
        self.pids: list[int] = [1]
        self.crowded = False
        self.threads = False
        self.zombies: list[int] = []
        #: How many were made, and which of them as PID 1 of a namespace.
        self.made, self.inits = 1, {0}

    def update(self, processes: Sequence[Process | None], views: Sequence[tuple[str, bytes]]) -> None:
        """Look again."""
        if len(processes) > self.made and any(IS_INIT.search(view) for name, view in views if int(name) not in self.pids):
            self.inits.add(len(processes) - 1)
        self.made = len(processes)
        stopped = {int(name) for name, view in views if b"\nState:\tT" in view}
        self.idle = [
            index for index, process in enumerate(processes) if process is not None and process.pending is None and (index or not stopped)
        ]
        self.pids = [int(name) for name, _ in views]
        self.crowded = len(views) >= CROWD
        self.zombies = [int(name) for name, view in views if b"\nState:\tZ" in view]
        self.threads = any(b"\nThreads:\t1\n" not in view for _, view in views)

    def anyone(self, rng: random.Random) -> int:
        """A process that can be told something; PID 1 seldom, for it has to go on reading views."""
        others = self.idle[1:]
        return rng.choice(others) if others and rng.random() < 0.85 else 0

    def member(self, rng: random.Random) -> int | None:
        """A process other than PID 1."""
        return rng.choice(self.idle[1:]) if len(self.idle) > 1 else None

    def pid(self, rng: random.Random) -> int:
        """A number that somebody may have in some namespace."""
        return rng.choice(self.pids) if rng.random() < 0.6 else rng.randint(1, 9)


Draw = Callable[[random.Random, Population], Sequence[Action]]


def fork(rng: random.Random, who: Population) -> Sequence[Action]:
    """fork, or a clone with another exit signal, a chosen number, a sibling."""
    if who.crowded:
        return thin_out(rng, who)
    index = who.anyone(rng)
    roll = rng.random()
    if roll < 0.5:
        return [Action(index, "fork")]
    if roll < 0.6:
        return [Action(index, "clone", (0,), {"set_tid": (who.pid(rng),)})]
    if roll < 0.7:
        return [Action(index, "clone", (0,), {"exit_signal": rng.choice([0, int(Signal.USR1), 64, 65])})]
    flags = rng.choice([0, 0, CloneFlag.PARENT, CloneFlag.PIDFD]) if index else 0
    return [Action(index, "clone", (int(flags),), {"exit_signal": 0 if flags & CloneFlag.PARENT else int(Signal.CHLD)})]


def thin_out(rng: random.Random, who: Population) -> Sequence[Action]:
    """Fewer processes: PID 1 ends one, or reaps all that it can."""
    living = [pid for pid in who.pids if pid > 1 and pid not in who.zombies]
    if living and (not who.zombies or rng.random() < 0.4):
        return [Action(0, "kill", (rng.choice(living), int(Signal.KILL)))]
    reaped = [Action(0, "waitpid", (pid, int(WaitOption.NOHANG | WaitOption.ALL))) for pid in who.zombies[:3]]
    return reaped or [Action(0, "fork")]


def clone_new(rng: random.Random, who: Population) -> Sequence[Action]:
    """A child in new namespaces."""
    if who.crowded:
        return thin_out(rng, who)
    new = [CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWIPC, CloneFlag.NEWNS]
    flags = CloneFlag.NEWPID | rng.choice(new) if rng.random() < 0.8 else rng.choice(new) | rng.choice(new)
    return [Action(who.anyone(rng), "clone", (int(flags),))]


def leave(rng: random.Random, who: Population) -> Sequence[Action]:
    """exit, of any process but PID 1."""
    index = who.member(rng)
    if index is None:
        return fork(rng, who)
    return [Action(index, rng.choice(["exit", "exit", "exit_thread"]), (rng.randint(0, 9),))]


def kill(rng: random.Random, who: Population) -> Sequence[Action]:
    """A signal to a process or a group; never to all, and nothing to PID 1's group from outside it."""
    # Which thread takes a stop first, and whether the sender gets back to its program before it stops too, is a race.
    stop = Signal.CONT if who.threads else Signal.STOP
    sig = rng.choice([0, Signal.TERM, Signal.KILL, stop, Signal.CONT, Signal.CONT, Signal.USR1, Signal.HUP, Signal.CHLD, 64, 65])
    pid = who.pid(rng)
    # STOP to no group: a parent that is stopped together with its child takes CHLD before or after.
    to_groups = sig in HARMLESS if who.ignoring else sig != Signal.STOP
    target = -pid if pid > 1 and to_groups and rng.random() < 0.2 else pid
    return [Action(who.anyone(rng), "kill", (target, int(sig)))]


def wait(rng: random.Random, who: Population) -> Sequence[Action]:
    """waitid and waitpid, some of them to block.

    For any child only where one zombie at most is there: several that die at once, in a namespace's shutdown or by a signal to a group,
    come to their parents in an order that nobody promises.
    """
    index = who.anyone(rng)
    hang = WaitOption.NOHANG if index == 0 or rng.random() < 0.35 else WaitOption(0)
    options = hang | rng.choice([WaitOption(0), WaitOption.ALL, WaitOption.UNTRACED, WaitOption.CONTINUED, WaitOption.CLONE])
    one = rng.choice(who.zombies) if who.zombies and rng.random() < 0.5 else who.pid(rng)
    anyone = bool(hang) and len(who.zombies) < 2
    if rng.random() < 0.5:
        return [Action(index, "waitpid", (rng.choice([-1, 0, -one] if anyone else [one]), int(options)))]
    what = options | rng.choice([WaitOption.EXITED, WaitOption.EXITED, WaitOption.STOPPED, WaitOption.EXITED | WaitOption.NOWAIT])
    idtype, id = rng.choice([(IdType.ALL, 0), (IdType.PID, one), (IdType.PGID, 0)] if anyone else [(IdType.PID, one)])
    return [Action(index, "waitid", (int(idtype), id, int(what)))]


def sigaction(rng: random.Random, who: Population) -> Sequence[Action]:
    """An action, a mask, a look at what is pending or was received."""
    index = who.anyone(rng)
    sig = rng.choice([Signal.TERM, Signal.HUP, Signal.USR1, Signal.CHLD, Signal.CHLD, Signal.CONT, Signal.KILL, 64])
    roll = rng.random()
    if roll < 0.5:
        return [Action(index, "sigaction", (int(sig), *map(int, disposition(rng, who, sig))))]
    if roll < 0.7:
        return [Action(index, "sigprocmask", (int(rng.choice(list(SigMask))), (int(sig), int(Signal.HUP))))]
    return [Action(index, "sigpending")] if roll < 0.85 else [Action(index, "received")]


def disposition(rng: random.Random, who: Population, sig: int) -> tuple[Disposition, int]:
    """What is to become of sig, and the flags."""
    action = rng.choice([Disposition.DFL, Disposition.IGN, Disposition.HANDLE])
    flags = rng.choice([0, SigActionFlag.RESTART, *([SigActionFlag.NOCLDWAIT] * 2 if sig == Signal.CHLD else [0])])
    if sig == Signal.CHLD and not who.ignoring and (action == Disposition.IGN or flags == SigActionFlag.NOCLDWAIT):
        action, flags = Disposition.HANDLE, 0
    if action == Disposition.HANDLE and not who.handling:
        action = Disposition.DFL
    return action, flags


def sigwait(rng: random.Random, who: Population) -> Sequence[Action]:
    """Wait for a signal: it blocks, unless one is pending.

    sigtimedwait not for CHLD: two deaths at once are one signal or two, by how soon the first is taken.
    """
    index = who.member(rng)
    if index is None:
        return fork(rng, who)
    seconds = rng.choice([60.0, 60.0, 60.0, 60.0, 60.0, 0.0])
    return rng.choice(
        [
            [Action(index, "pause")],
            [Action(index, "sigtimedwait", ((int(Signal.USR1), int(Signal.HUP)), seconds))],
            [Action(index, "pipe2"), Action(index, "read", (rng.randint(3, 5), 1))],
        ]
    )


def setsid(rng: random.Random, who: Population) -> Sequence[Action]:
    """Sessions and groups."""
    index = who.anyone(rng)
    return rng.choice(
        [
            [Action(index, "setsid")],
            [Action(index, "setpgid", (rng.choice([0, who.pid(rng)]), rng.choice([0, who.pid(rng)])))],
            [Action(index, "getsid", (who.pid(rng),)), Action(index, "getpgid", (who.pid(rng),))],
        ]
    )


def unshare(rng: random.Random, who: Population) -> Sequence[Action]:
    """New namespaces for children and for oneself."""
    index = who.member(rng)
    if index is None:
        return fork(rng, who)
    if rng.random() < 0.4 and not who.crowded:
        return [Action(index, "unshare", (int(CloneFlag.NEWPID),)), Action(index, "fork")]
    return [Action(index, "unshare", (int(rng.choice([CloneFlag.NEWPID, CloneFlag.NEWUTS, CloneFlag.NEWIPC, 0x1])),))]


def setns(rng: random.Random, who: Population) -> Sequence[Action]:
    """Enter a namespace that /proc shows."""
    index = who.member(rng)
    if index is None:
        return fork(rng, who)
    kind = rng.choice(["pid", "pid", "pid_for_children", "uts"])
    path = f"/proc/{rng.choice(['self', who.pid(rng)])}/ns/{kind}"
    return [Action(index, "open", (path, 0)), Action(index, "setns", (RESULT, rng.choice([0, 0, int(CloneFlag.NEWPID)])))]


def prctl(rng: random.Random, who: Population) -> Sequence[Action]:
    """Subreaper, parent-death signal, name, dumpable."""
    index = who.anyone(rng)
    death_signals = (Signal.CHLD, 0) if who.ignoring else (Signal.USR1, Signal.TERM)
    option, arg = rng.choice(
        [
            (Prctl.SET_CHILD_SUBREAPER, 1),
            (Prctl.SET_CHILD_SUBREAPER, 0),
            (Prctl.GET_CHILD_SUBREAPER, 0),
            *[(Prctl.SET_PDEATHSIG, int(sig)) for sig in death_signals],
            (Prctl.GET_PDEATHSIG, 0),
            (Prctl.SET_PDEATHSIG, 65),
            (Prctl.SET_NAME, "a name"),
        ]
    )
    return [Action(index, "prctl", (int(option), arg))]


def thread(rng: random.Random, who: Population) -> Sequence[Action]:
    """A thread; of no PID 1, which of whose threads shuts the namespace down is a race, and that one stays when the others have gone."""
    members = [index for index in who.idle if index not in who.inits]
    if not members or who.handling or (who.crowded and rng.random() < 0.5):
        return fork(rng, who)
    return [Action(rng.choice(members), "thread")]


def pidfd(rng: random.Random, who: Population) -> Sequence[Action]:
    """Open one and use it."""
    index = who.anyone(rng)
    use = rng.choice(
        [
            Action(index, "pidfd_send_signal", (RESULT, int(rng.choice([0, Signal.USR1, Signal.CONT, Signal.TERM])))),
            Action(index, "waitid", (int(IdType.PIDFD), RESULT, int(WaitOption.EXITED | WaitOption.NOHANG))),
            Action(index, "poll", (((3, 1), (4, 1), (5, 1)), 0)),
            Action(index, "pidfd_get_info", (RESULT,)),
        ]
    )
    return [Action(index, "pidfd_open", (who.pid(rng), 0)), use]


def view(rng: random.Random, who: Population) -> Sequence[Action]:
    """A look at /proc by somebody, and a descriptor fewer."""
    index = who.anyone(rng)
    pid = rng.choice(["self", who.pid(rng)])
    return rng.choice(
        [
            [Action(index, "readlink", (f"/proc/{pid}/ns/{rng.choice(['pid', 'pid_for_children', 'uts'])}",))],
            [Action(index, "listdir", ("/proc/self/task",))],
            [Action(index, "open", (f"/proc/{pid}/stat", int(OpenFlag.RDONLY))), Action(index, "read", (RESULT, 4096))],
            [Action(index, "close", (rng.randint(3, 6),))],
            [Action(index, "open", ("/proc/self/ns/pid", int(OpenFlag.NOFOLLOW)))],
            [Action(index, "open", ("/proc/self/stat/x", 0))],
            [Action(index, "ns_get_nstype", (rng.choice([0, 3]),))],
        ]
    )


#: The kind of what was drawn, by its first call: where nobody can do what was meant, something else is drawn.
KIND_OF = {
    **dict.fromkeys(("exit", "exit_thread"), "exit"),
    **dict.fromkeys(("waitpid", "waitid"), "wait"),
    **dict.fromkeys(("sigaction", "sigprocmask", "sigpending", "received"), "sigaction"),
    **dict.fromkeys(("pause", "sigtimedwait", "pipe2"), "sigwait"),
    **dict.fromkeys(("setsid", "setpgid", "getsid", "getpgid"), "setsid"),
    **dict.fromkeys(("readlink", "listdir", "close", "ns_get_nstype"), "reads of /proc"),
    "pidfd_open": "pidfds",
}


def kind_of(actions: Sequence[Action]) -> str:
    """Which kind the actions are."""
    first = actions[0]
    if first.name == "open":
        return "setns" if actions[-1].name == "setns" else "reads of /proc"
    if first.name == "clone":
        return "clone NEW*" if isinstance(first.args[0], int) and first.args[0] & NEW else "fork"
    return KIND_OF.get(first.name, first.name)


#: Weight and draw of each kind.
KINDS: dict[str, tuple[int, Draw]] = {
    "fork": (14, fork),
    "clone NEW*": (13, clone_new),
    "exit": (10, leave),
    "kill": (16, kill),
    "wait": (14, wait),
    "sigaction": (9, sigaction),
    "sigwait": (20, sigwait),
    "setsid": (8, setsid),
    "unshare": (8, unshare),
    "setns": (8, setns),
    "prctl": (8, prctl),
    "thread": (22, thread),
    "pidfds": (8, pidfd),
    "reads of /proc": (7, view),
}
