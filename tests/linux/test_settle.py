"""nscore.linux.settle: nothing moves after settle() has said so, and what only looks asleep is not taken for it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias, cast

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.interface.backend import Args, Fate
from nscore.linux import BACKEND
from nscore.linux.driven import LinuxDriven
from nscore.linux.world import LinuxWorld
from tests.linux.test_world import born

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
        self.unborn: list[LinuxDriven] = []
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
        self.idle += [driven for driven in self.unborn if driven.born]
        self.unborn = [driven for driven in self.unborn if not driven.born]
        self.idle = [driven for driven in self.idle if not driven.gone]

    def create(self, driven: LinuxDriven, name: str, *args: object) -> None:
        if len(self.world.driven) < 16:
            child, out = driven.create(name, cast(Args, args))
            if out is Fate.PENDING:
                self.idle.remove(driven)
                self.pending.append(driven)
            if child is not None:
                self.unborn.append(child)  # of a stopped process: nobody knows it until it is born

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
                    differences.append(
                        (done, moves, [(key, seen, after.get(key)) for key, seen in before.items() if seen != after.get(key)])
                    )
                walk.collect()
        finally:
            world.close()
    return differences


def deaths(rounds: int) -> list[object]:
    """Nested namespaces die, their members reaped by nobody: no settle may end while the init waits for a number to be given back."""
    world = booted()
    try:
        world.init.call("sigaction", (SIGCHLD, 1, 0))
        early: list[object] = []
        for count in range(rounds):
            inner, out = world.init.create("clone", (NEWPID, SIGCHLD, ()))
            assert inner is not None
            assert isinstance(out, tuple)
            member, _ = inner.create("fork", ())
            assert member is not None
            member.create("fork", ())
            if count % 2:
                inner.start("exit", (0,))
            else:
                world.init.start("kill", (out[0], SIGKILL))
            world.settle(10)
            left = world.scan.pids
            if left != ["1"]:
                early.append((count, left))
            world.init.outcome()
        return early
    finally:
        world.close()


def late_wakeups(rounds: int) -> int:
    """A cycle of sockets in flight holds the end of a pipe: how often its reader woke only after settle()."""
    late = 0
    for _ in range(rounds):
        world = booted()
        try:
            init = world.init
            assert init.call("pipe2", (0,)) == (3, 4)
            reader, _ = init.create("fork", ())
            assert reader is not None
            reader.call("close", (4,))
            assert init.call("socketpair", (1, 1, 0)) == (5, 6)
            init.call("sendmsg", (5, b"x", (6, 4), None, 0))
            init.call("close", (4,))
            reader.start("read", (3, 1))
            init.call("close", (6,))
            init.start("close", (5,))
            world.settle(10)
            late += reader.outcome() is Fate.PENDING
        finally:
            world.close()
    return late


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Other processes that compute all the time."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.parametrize("load", [0, 2])
def test_nothing_moves_after_settle(load: int) -> None:
    with busy_loops(load):
        assert fuzz(500, seed=1 + load * 1000) == []


def test_an_init_is_gone_with_its_namespace() -> None:
    assert deaths(60) == []


def test_the_kernel_has_collected_sockets_in_flight() -> None:
    assert late_wakeups(5) == 0


def test_an_init_that_waits_for_somebody_visible_is_settled() -> None:
    """INIT-06: its father, outside, has not reaped the one that was injected."""
    world = booted()
    try:
        father, _ = world.init.create("fork", ())
        assert father is not None
        inner, out = father.create("clone", (NEWPID, SIGCHLD, ()))
        assert inner is not None
        assert isinstance(out, tuple)
        assert father.call("open", (f"/proc/{out[0]!r}/ns/pid", 0, 0)) == 3
        father.call("setns", (3, NEWPID))
        injected, _ = father.create("fork", ())
        assert injected is not None
        world.settle(10)
        world.init.call("kill", (out[0], SIGKILL))
        world.settle(10)
        assert inner.gone
        assert injected.gone
        states = {thread.tid: (thread.letter, thread.exiting) for thread in world.scan.threads}
        assert states[inner.pid] in ((b"S", True), (b"I", True))  # as the release has it
        assert states[injected.pid] == (b"Z", False)
    finally:
        world.close()


def test_an_inode_number_that_is_used_again_lies_where_its_namespace_does() -> None:
    """Else an init would seem to be waited for by members of another namespace, and be settled while it ends."""
    world = booted()
    of, within = world.scan.namespaces.of, world.scan.namespaces.within

    def ended(*children: LinuxDriven) -> None:
        for child in children:
            world.init.call("kill", (int(child.pid), SIGKILL))
            world.settle(10)
            world.init.call("waitid", (1, int(child.pid), EXITED))

    try:
        upper: set[int] = set()
        lower: set[int] = set()
        for _ in range(50):
            outer = born(world.init, NEWPID)
            inner = born(outer, NEWPID)
            world.settle(10)
            upper.add(of[outer.pid])
            lower.add(of[inner.pid])
            assert within(inner.pid, of[outer.pid])
            ended(outer)
            pair = born(world.init, NEWPID), born(world.init, NEWPID)
            world.settle(10)
            first, second = (of[child.pid] for child in pair)
            assert not within(pair[0].pid, second)
            assert not within(pair[1].pid, first)
            upper |= {first, second}
            ended(*pair)
        assert upper & lower, "the kernel gives no number again, and this shows nothing"
    finally:
        world.close()


def test_the_leader_of_an_init_may_be_dead_while_a_thread_zaps() -> None:
    world = booted()
    try:
        inner, _ = world.init.create("clone", (NEWPID, SIGCHLD, ()))
        assert inner is not None
        thread, _ = inner.create("thread", ())
        assert thread is not None
        inner.create("fork", ())
        world.settle(10)
        inner.call("exit_thread", (1,))
        world.settle(10)
        assert thread.call("getpid", ()) == 1
        thread.start("exit_thread", (2,))
        world.settle(10)
        assert [(t.tid, t.letter) for t in world.scan.threads] == [("1", b"S"), (inner.pid, b"Z")]
        assert world.init.call("waitid", (0, 0, EXITED)) == (int(inner.pid), 0, SIGCHLD, 2, 1)
    finally:
        world.close()


@contextmanager
def on(*cpus: int) -> Iterator[None]:
    """This thread on those processors alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors: the woken one has not run when the next look is over")
@pytest.mark.parametrize("room", [4, 1000])
def test_who_has_been_woken_and_has_not_run_yet_is_not_settled(room: int) -> None:
    ours, theirs, *_ = sorted(os.sched_getaffinity(0))
    with on(theirs):
        world = booted()
    try:
        world.scan.room = room
        child, _ = world.init.create("fork", ())
        assert child is not None
        with on(ours):
            for _ in range(100):
                world.settle(10)
                first = world.scan.look()
                assert first is not None
                assert world.scan.again(first)
                child.start("getpid", ())
                assert not world.scan.again(first)
                world.settle(10)
                assert child.outcome() == 2
    finally:
        world.close()


def test_what_runs_is_not_settled() -> None:
    world = booted()
    try:
        child, _ = world.init.create("fork", ())
        assert child is not None
        child.call("execve", ("/bin/sh", ("sh", "-c", "while :; do :; done"), ()))
        assert child.gone
        with pytest.raises(TimeoutError, match="sh"):
            world.settle(0.1)
    finally:
        world.close()


def test_a_finite_wait_is_settled_and_so_is_a_stopped_process() -> None:
    world = booted()
    try:
        child, _ = world.init.create("fork", ())
        assert child is not None
        child.start("sleep", (60_000_000_000,))
        world.settle(10)
        assert child.outcome() is Fate.PENDING
        world.init.call("kill", (2, SIGSTOP))
        world.settle(10)
        world.init.call("kill", (2, SIGCONT))
        world.settle(10)
        assert child.outcome() is Fate.PENDING
        world.init.call("kill", (2, SIGSTOP))
        other, _ = world.init.create("fork", ())
        assert other is not None
        assert other.call("getpid", ()) == 3
    finally:
        world.close()


def test_without_room_for_descriptors_each_look_opens_its_own() -> None:
    world = booted()
    try:
        world.scan.room = 4
        for _ in range(4):
            world.init.create("fork", ())
        world.settle(10)
        before = len(os.listdir("/proc/self/fd"))
        world.settle(10)
        assert sorted(world.scan.known) == ["1", "2"]
        assert [thread.tid for thread in world.scan.threads] == ["1", "2", "3", "4", "5"]
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        world.close()
