"""nscore.linux.zygote: nothing outlives its driver, whatever the driver does."""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.interface.backend import Fate
from nscore.linux import BACKEND, zygotes
from nscore.linux.calls import prctl
from nscore.linux.run import close_others
from nscore.linux.world import LinuxWorld

NEWPID, SIGCHLD, SIGSTOP = 0x20000000, 17, 19
PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 36, 37
#: Seconds after which nothing may be left.
SOON = 2.0


def booted() -> LinuxWorld:
    return cast(LinuxWorld, BACKEND.boot({}))


def children() -> dict[int, str]:
    """The processes whose parent this is, and their names."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            name, _, rest = text.partition("(")[2].rpartition(")")
            if int(rest.split()[1]) == os.getpid():
                found[int(entry.name)] = name
    return found


def plain(world: LinuxWorld) -> None:
    """Nothing special."""


def stopped(world: LinuxWorld) -> None:
    """PID 1 is stopped."""
    signal.pidfd_send_signal(world.machine.pidfd, SIGSTOP)


def unprivileged(world: LinuxWorld) -> None:
    """PID 1 has lost its PDEATHSIG by a change of ids, and sleeps."""
    if os.geteuid() == 0:
        world.init.call("setuid", (1000,))
    world.init.start("pause", ())


def forker(world: LinuxWorld) -> None:
    """The driver has a worker that holds copies of all its descriptors, and lives on."""
    if os.fork() == 0:
        prctl(15, "worker")
        time.sleep(SOON)
        os._exit(0)


def runner(world: LinuxWorld) -> None:
    """The driver runs a program."""
    world.run(lambda task: cast(None, task.call("pause", ())))


def threaded(world: LinuxWorld) -> None:
    """The thread that booted has ended."""


def zygote(world: LinuxWorld) -> None:
    """Not the driver but the zygote is killed."""


def booted_in_a_thread() -> LinuxWorld:
    worlds: list[LinuxWorld] = []
    thread = threading.Thread(target=lambda: worlds.append(booted()))
    thread.start()
    thread.join()
    return worlds[0]


MODES: dict[str, Callable[[LinuxWorld], None]] = {
    mode.__name__: mode for mode in (plain, stopped, unprivileged, forker, runner, threaded, zygote)
}


def drive(mode: str, told: int) -> NoReturn:
    """A driver that boots, forks, nests and injects until it is killed; it tells when it has begun."""
    os.write(told, b"0")
    world = booted_in_a_thread() if mode == "threaded" else booted()
    one, _ = world.init.create("fork", ())
    assert one is not None
    nested, out = one.create("clone", (NEWPID, SIGCHLD, ()))
    assert nested is not None
    assert isinstance(out, tuple)
    one.call("open", (f"/proc/{out[0]!r}/ns/pid", 0, 0))
    one.call("setns", (3, NEWPID))
    injected, _ = one.create("fork", ())
    assert injected is not None
    injected.start("pause", ())
    nested.start("waitid", (0, 0, 4))
    os.write(told, b"1")
    MODES[mode](world)
    while True:
        child, _ = world.init.create("fork", ())
        if child is None:
            signal.pause()
        else:
            child.call("exit", (0,))
            world.init.call("waitid", (0, 0, 4))


def killed(mode: str, rounds: int, seed: int = 0, anywhen: bool = False) -> list[dict[int, str]]:
    """Kill drivers at random moments, in the middle of their start too; what was left of each."""
    chance = random.Random(seed)
    before = prctl(PR_GET_CHILD_SUBREAPER)
    prctl(PR_SET_CHILD_SUBREAPER, 1)  # whatever survives becomes a child of ours
    try:
        return [left for _ in range(rounds) if (left := _killed(mode, chance, anywhen))]
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, before)


def _killed(mode: str, chance: random.Random, anywhen: bool) -> dict[int, str]:
    hear, tell = os.pipe()
    ours = children()
    driver = os.fork()
    if driver == 0:
        close_others(tell)
        try:
            drive(mode, tell)
        finally:
            os._exit(1)
    os.close(tell)
    heard = os.read(hear, 1)
    if not anywhen:
        heard += os.read(hear, 1)
    time.sleep(chance.random() * (0.12 if anywhen else 0.004))
    victim = driver
    if mode == "zygote":
        victim = next(pid for pid, name in children().items() if name == "nscore-zygote" and pid not in ours)
        ours[driver] = "spared"
    os.kill(victim, signal.SIGKILL)
    os.close(hear)
    limit = time.monotonic() + SOON
    while time.monotonic() < limit:
        left = {pid: name for pid, name in children().items() if pid not in ours}
        if all(name == "worker" for name in left.values()):
            break
        for pid in left:
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)
    if victim != driver:
        os.kill(driver, signal.SIGKILL)
        os.waitpid(driver, 0)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return {pid: name for pid, name in left.items() if name != "worker"}


@pytest.mark.parametrize("mode", MODES)
def test_nothing_outlives_a_killed_driver(mode: str) -> None:
    assert killed(mode, 5, seed=1) == []


def test_nor_one_that_is_killed_while_it_boots() -> None:
    assert killed("plain", 8, seed=2, anywhen=True) == []


def test_a_machine_outlives_the_thread_that_booted_it() -> None:
    world = booted_in_a_thread()
    try:
        assert world.init.call("getpid", ()) == 1
    finally:
        world.close()


def test_a_machine_dies_with_the_zygote_and_the_next_boot_has_another() -> None:
    world = booted()
    pid = int(Path(f"/proc/{world.machine._pid}/stat").read_text().rpartition(")")[2].split()[1])
    assert Path(f"/proc/{pid}/comm").read_text() == "nscore-zygote\n"
    watched = os.pidfd_open(world.machine._pid)
    os.kill(pid, signal.SIGKILL)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    assert poll.poll(SOON * 1000)
    os.close(watched)
    assert world.init.call("getpid", ()) is Fate.GONE
    with pytest.raises(RuntimeError, match="zygote"):
        world.machine._zygote.boot(0, None)
    world.close()
    another = booted()
    assert another.init.call("getpid", ()) == 1
    another.close()


def test_the_application_never_waits_for_a_machine(forked: Callable[[Callable[[], object]], None]) -> None:
    def body() -> None:
        world = booted()
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        world.close()

    forked(body)


def test_a_forked_child_of_the_driver_has_its_own_and_cannot_end_its_parents() -> None:
    world = booted()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            world.close()
            own = booted()
            status = 0 if own.init.call("getpid", ()) == 1 else 2
            own.close()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert world.init.call("getpid", ()) == 1
    world.close()


def test_a_driver_that_has_changed_gets_a_zygote_that_has_what_it_has(forked: Callable[[Callable[[], object]], None]) -> None:
    def body() -> None:
        first = booted()
        os.umask(0o037)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        second = booted()
        assert first.machine._zygote is not second.machine._zygote
        assert second.init.call("open", ("/proc/self/status", 0, 0)) == 3
        status = second.init.call("read", (3, 4096))
        assert isinstance(status, bytes)
        with open("/proc/self/status", "rb") as file:
            own = next(line for line in file if line.startswith(b"Cpus_allowed:"))
        assert b"Umask:\t0037\n" in status and own in status
        assert first.init.call("getpid", ()) == 1
        replaced = weakref.ref(first.machine._zygote)
        first.close()
        assert replaced() is None, "it would live as long as what its last machine left in a cycle"
        second.close()

    forked(body)


def test_where_no_interpreter_can_be_run_the_driver_forks_its_zygote(
    forked: Callable[[Callable[[], object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zygotes, "IMAGE", "")

    def body() -> None:
        zygotes._current.clear()
        world = booted()
        child, _ = world.init.create("fork", ())
        assert child is not None
        assert child.call("getppid", ()) == 1
        world.close()

    forked(body)
