"""nscore.linux.settle: nothing moves after settle() has said so, and what only looks asleep is not taken for it."""

from __future__ import annotations

import os
import random
import select
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Errno
from nscore.interface.backend import Args, Fate
from nscore.linux import BACKEND
from nscore.linux.driven import LinuxDriven
from nscore.linux.world import LinuxWorld, nspid

NEWPID = 0x20000000
EXITED, STOPPED, CONTINUED, NOHANG = 4, 2, 8, 1
SIGKILL, SIGUSR1, SIGCHLD, SIGCONT, SIGSTOP = 9, 10, 17, 18, 19
MASKABLE = (SIGUSR1, SIGCHLD)

Move: TypeAlias = "Callable[[Walk, LinuxDriven], object]"


def booted() -> LinuxWorld:
    return cast(LinuxWorld, BACKEND.boot({}))


def observed(world: LinuxWorld) -> dict[str, object]:
    """All that can be seen of the machine and may not change by itself."""
    seen: dict[str, object] = {}
    proc = world.machine.proc
    for pid in sorted(name for name in os.listdir(proc) if name.isdigit()):
        try:
            for tid in world.scan.tids(pid):
                seen[tid] = tuple(_text(proc, f"{pid}/task/{tid}/{name}") for name in ("stat", "schedstat", "status"))
        except FileNotFoundError:
            seen[pid] = "vanished"
    ready = world.epoll.poll(0)
    seen["replies"] = sorted(fd for fd, _ in ready)
    return seen


def _text(proc: int, path: str) -> object:
    with open(os.open(path, os.O_RDONLY, dir_fd=proc), "rb") as file:
        text = file.read()
    if path.endswith("/stat"):
        return text[text.rindex(b")") + 2 :].split()[:7]
    if path.endswith("/schedstat"):
        return text.split()[2]
    return [line for line in text.splitlines() if line[:3] in (b"Sig", b"Shd", b"NSp", b"PPi") and line[:4] != b"SigQ"]


class Walk:
    """Random commands, one to four at a time, to whoever is idle."""

    def __init__(self, world: LinuxWorld, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.idle: list[LinuxDriven] = [world.init]
        self.pending: list[LinuxDriven] = []
        self.threaded: set[str] = set()

    def step(self) -> list[str]:
        """Start some commands; their names."""
        self.random.shuffle(self.idle)
        moves = []
        for driven in self.idle[: self.random.randint(1, 4)]:
            if driven.gone:
                continue
            name = self.random.choice(list(MOVES if driven is not self.world.init else INIT_MOVES))
            moves.append(f"{driven.tid} {name}")
            (MOVES | INIT_MOVES)[name](self, driven)
        return moves

    def start(self, driven: LinuxDriven, name: str, *args: object) -> None:
        driven.start(name, cast(Args, args))
        self.idle.remove(driven)
        self.pending.append(driven)

    def collect(self) -> None:
        """Take what has come back."""
        for driven in list(self.pending):
            out = driven.outcome()
            if out is not Fate.PENDING:
                self.pending.remove(driven)
                if out is not Fate.GONE:
                    self.idle.append(driven)
        self.idle = [driven for driven in self.idle if not driven.gone]

    def create(self, driven: LinuxDriven, name: str, *args: object) -> None:
        if len(self.world.driven) < 16:
            child, _ = driven.create(name, cast(Args, args))
            if child is not None:
                self.idle.append(child)

    def target(self) -> int:
        """A number of somebody, PID 1 excepted."""
        return self.random.choice([int(driven.pid) for driven in self.world.driven.values() if driven.pid not in ("", "1")] or [2])


def _exit_thread(walk: Walk, driven: LinuxDriven) -> None:
    walk.start(driven, "exit_thread", 3)


def _signal(walk: Walk, driven: LinuxDriven) -> None:
    walk.start(driven, "kill", walk.target(), walk.random.choice((SIGKILL, SIGKILL, SIGSTOP, SIGCONT, SIGCONT, SIGUSR1, SIGCHLD)))


def _clone(walk: Walk, driven: LinuxDriven) -> None:
    walk.create(driven, "clone", walk.random.choice((0, 0, NEWPID)), walk.random.choice((SIGCHLD, SIGCHLD, 0)), ())


def _pipe(walk: Walk, driven: LinuxDriven) -> None:
    walk.start(driven, walk.random.choice(("read", "write")), *walk.random.choice(((3, 1), (4, b"x"))))


INIT_MOVES: dict[str, Move] = {
    "clone": _clone,
    "kill": _signal,
    "waitid": lambda walk, driven: walk.start(driven, "waitid", 0, 0, EXITED | STOPPED | CONTINUED | NOHANG),
    "sigaction": lambda walk, driven: walk.start(driven, "sigaction", walk.random.choice(MASKABLE), walk.random.randint(0, 1), 0),
    "write": lambda walk, driven: walk.start(driven, "write", 4, b"x"),
    "clone again": _clone,
    "kill all": lambda walk, driven: walk.start(driven, "kill", -1, SIGKILL) if len(walk.world.driven) > 14 else None,
}
MOVES: dict[str, Move] = {
    **{name: move for name, move in INIT_MOVES.items() if name != "kill all"},
    "thread": lambda walk, driven: walk.create(driven, "thread"),
    "exit": lambda walk, driven: walk.start(driven, "exit", 1),
    "exit_thread": _exit_thread,
    "wait": lambda walk, driven: walk.start(driven, "waitid", 0, 0, EXITED | STOPPED),
    "enter": lambda walk, driven: walk.start(driven, "open", f"/proc/{walk.target()}/ns/pid", 0, 0),
    "setns": lambda walk, driven: walk.start(driven, "setns", 5, 0),
    "image": lambda walk, driven: walk.start(driven, "execve", walk.world.image, ("image",), ()) if walk.random.random() < 0.3 else None,
    "pause": lambda walk, driven: walk.start(driven, "pause"),
    "sigtimedwait": lambda walk, driven: walk.start(driven, "sigtimedwait", (SIGUSR1,), None),
    "handle": lambda walk, driven: walk.start(driven, "sigaction", SIGUSR1, 2, 0),
    "read": lambda walk, driven: walk.start(driven, "read", 3, 1),
    "poll": lambda walk, driven: walk.start(driven, "poll", ((3, 1),), -1),
    "setsid": lambda walk, driven: walk.start(driven, "setsid"),
    "subreaper": lambda walk, driven: walk.start(driven, "prctl", 36, 1),
    "pdeathsig": lambda walk, driven: walk.start(driven, "prctl", 1, walk.random.choice((SIGKILL, SIGUSR1, SIGSTOP))),
}


def fuzz(steps: int, seed: int, pause: float = 0.005) -> list[object]:
    """Drive at random; after each settle all must be the same a little later.  The differences."""
    differences: list[object] = []
    done = 0
    while done < steps:
        world = booted()
        try:
            walk = Walk(world, seed + done)
            assert world.init.call("pipe2", (0,)) == (3, 4)
            for _ in range(60):
                done += 1
                moves = walk.step()
                world.settle(20)
                before = observed(world)
                time.sleep(pause)
                after = observed(world)
                if before != after:
                    differences.append((done, moves, {key: (before.get(key), after.get(key)) for key in before if before[key] != after.get(key)}))
                walk.collect()
        finally:
            world.close()
    return differences


def test_nothing_moves_after_settle() -> None:
    assert fuzz(180, seed=1) == []
