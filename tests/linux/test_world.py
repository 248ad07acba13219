"""nscore.linux.world and what it drives: boot, agents, threads, images, programs, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Errno, Unavailable
from nscore.interface.backend import Args, Fate, Outcome, Task
from nscore.linux import BACKEND, level
from nscore.linux.driven import LinuxDriven
from nscore.linux.wire import LIMIT
from nscore.linux.world import LinuxWorld

VM, FS, FILES, SIGHAND, PIDFD, VFORK, PARENT, THREAD = 0x100, 0x200, 0x400, 0x800, 0x1000, 0x4000, 0x8000, 0x10000
NEWNS, NEWUTS, NEWUSER, NEWPID = 0x20000, 0x4000000, 0x10000000, 0x20000000
SIGKILL, SIGUSR1, SIGPIPE, SIGCHLD, SIGCONT, SIGSTOP = 9, 10, 13, 17, 18, 19
EXITED, ALL = 4, 0


@pytest.fixture
def world() -> Iterator[LinuxWorld]:
    booted = cast(LinuxWorld, BACKEND.boot({}))
    yield booted
    booted.close()


@pytest.fixture
def init(world: LinuxWorld) -> LinuxDriven:
    return world.init


def born(parent: LinuxDriven, flags: int = 0, exit_signal: int = SIGCHLD, set_tid: tuple[int, ...] = ()) -> LinuxDriven:
    """The child of a clone that succeeds."""
    child, out = parent.create("clone", (flags, exit_signal, set_tid))
    assert child is not None, out
    assert out is not Fate.GONE
    return child


def boots(rounds: int) -> list[str]:
    """Boot, populate and close; what is left of it."""
    cast(LinuxWorld, BACKEND.boot({})).close()
    descriptors, mounts = len(os.listdir("/proc/self/fd")), Path("/proc/self/mountinfo").read_text()
    left = []
    for count in range(rounds):
        world = cast(LinuxWorld, BACKEND.boot({}))
        if count % 5 == 0:
            born(born(world.init), NEWPID).create("thread", ())
            world.settle(10)
        world.close()
        if Path(f"/proc/{world.machine._pid}").exists():
            left.append(f"init {world.machine._pid}")
    if len(os.listdir("/proc/self/fd")) != descriptors:
        left.append("descriptors")
    if Path("/proc/self/mountinfo").read_text() != mounts:
        left.append("mounts")
    return left


def test_fifty_boots_leave_nothing() -> None:
    assert boots(50) == []


def test_boot_takes_no_options() -> None:
    with pytest.raises(TypeError, match="release"):
        BACKEND.boot({"release": "6.1"})


def test_the_backend_says_what_it_has() -> None:
    assert BACKEND.name == "linux"
    assert {"getpid", "setns", "recvmsg"} <= set(BACKEND.calls)
    assert BACKEND.available() is None


def test_several_machines_live_at_once(world: LinuxWorld, init: LinuxDriven) -> None:
    other = cast(LinuxWorld, BACKEND.boot({}))
    born(other.init)
    assert init.call("kill", (-1, SIGKILL)) == Errno("ESRCH")
    other.close()
    other.close()
    assert init.call("getpid", ()) == 1


def test_init_is_as_a_machine_promises(init: LinuxDriven) -> None:
    assert [init.call(name, args) for name, args in (("getpid", ()), ("getppid", ()), ("getcwd", ()))] == [1, 0, "/"]
    assert init.call("prctl", (16, 0)) == "init"
    assert init.call("sigprocmask", (0, ())) == ()
    assert {init.call("sigaction", (sig, None, 0)) for sig in range(1, 65)} == {(0, 0)}
    assert [init.call("readlink", (f"/proc/self/fd/{fd}",)) for fd in (0, 1, 2)] == ["/dev/null"] * 3
    assert init.call("open", ("/dev/null", 0, 0)) == 3
    listed = init.call("listdir", ("/proc",))
    assert isinstance(listed, tuple)
    assert [name for name in listed if isinstance(name, str) and name.isdigit()] == ["1"]


def test_its_proc_can_be_unmounted(init: LinuxDriven) -> None:
    assert init.call("umount2", ("/proc", 0)) is None


def test_life_and_death(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    assert child.call("getppid", ()) == 1
    assert child.call("exit", (259,)) is Fate.GONE
    assert child.gone
    assert init.call("waitid", (ALL, 0, EXITED)) == (2, 0, SIGCHLD, 3, 1)
    victim = born(init)
    init.call("kill", (3, SIGKILL))
    world.settle(10)
    assert victim.gone
    assert victim.outcome() is Fate.GONE
    assert init.call("exit", (0,)) is Fate.GONE
    world.settle(10)


def test_a_call_that_sleeps_is_pending_until_it_returns(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    assert init.call("waitid", (ALL, 0, EXITED)) is Fate.PENDING
    assert init.outcome() is Fate.PENDING
    assert child.call("exit", (4,)) is Fate.GONE
    world.settle(10)
    assert init.outcome() == (2, 0, SIGCHLD, 4, 1)


def test_a_call_of_a_stopped_process_is_pending(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    init.call("kill", (2, SIGSTOP))
    world.settle(10)
    assert child.call("getpid", ()) is Fate.PENDING
    grandchild, out = init.create("clone", (0, SIGCHLD, ()))
    assert grandchild is not None
    assert out == (3, None)
    init.call("kill", (2, SIGCONT))
    world.settle(10)
    assert child.outcome() == 2


def test_a_stopped_process_clones_when_it_goes_on(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    init.call("kill", (2, SIGSTOP))
    world.settle(10)
    grandchild, out = child.create("fork", ())
    assert grandchild is not None
    assert out is Fate.PENDING
    init.call("kill", (2, SIGCONT))
    world.settle(10)
    assert child.outcome() == (3, None)
    assert grandchild.call("getppid", ()) == 2


def test_namespaces_nest_to_the_limit(world: LinuxWorld, init: LinuxDriven) -> None:
    chain = [init]
    for _ in range(32 - world.level):
        chain.append(born(chain[-1], NEWPID))
    assert chain[-1].create("clone", (NEWPID, SIGCHLD, ())) == (None, Errno("ENOSPC"))
    assert chain[-1].call("getpid", ()) == 1
    chain[1].call("exit", (0,))
    world.settle(10)
    assert [driven.gone for driven in chain] == [False] + [True] * (32 - world.level)


def test_set_tid_pidfd_and_parent(init: LinuxDriven) -> None:
    child = born(init, NEWPID, SIGCHLD, (1, 300))
    assert child.pid == "300"
    watched, out = init.create("clone", (PIDFD, SIGCHLD, ()))
    assert watched is not None
    assert out == (2, 3)  # a number that is chosen does not move the next
    assert watched.call("open", ("/dev/null", 0, 0)) == 3
    assert init.call("pidfd_send_signal", (3, SIGKILL, None, 0)) is None
    sibling = born(child := born(init), PARENT, 0)
    assert sibling.call("getppid", ()) == 1
    assert init.create("clone", (PARENT, 0, ())) == (None, Errno("EINVAL"))
    assert init.create("clone", (0, SIGCHLD, (1,))) == (None, Errno("EEXIST"))


@pytest.mark.parametrize("flags", [THREAD, SIGHAND, NEWNS | FS, NEWUSER | FS, THREAD | SIGHAND | VM | NEWPID])
def test_the_kernel_refuses_what_it_refuses(init: LinuxDriven, flags: int) -> None:
    assert init.create("clone", (flags, 0, ())) == (None, Errno("EINVAL"))
    assert init.call("open", ("/dev/null", 0, 0)) == 3
    assert born(init).pid == "2"


@pytest.mark.parametrize("flags", [VM, FILES, VM | SIGHAND, VM | SIGHAND | THREAD, VM | VFORK])
def test_what_agents_cannot_share_is_unavailable(init: LinuxDriven, flags: int) -> None:
    with pytest.raises(Unavailable, match="share"):
        init.create("clone", (flags, 0, ()))
    assert init.call("open", ("/dev/null", 0, 0)) == 3
    assert born(init).pid == "2"


def test_threads(world: LinuxWorld, init: LinuxDriven) -> None:
    process = born(init)
    thread, out = process.create("thread", ())
    assert thread is not None
    assert out == (3, None)
    assert (thread.pid, thread.tid) == ("2", "3")
    assert [thread.call(name, ()) for name in ("getpid", "gettid", "getppid")] == [2, 3, 1]
    assert thread.call("open", ("/dev/null", 0, 0)) == 3
    assert process.call("close", (3,)) is None
    assert thread.call("pause", ()) is Fate.PENDING
    assert process.call("getpid", ()) == 2
    child = born(process)
    assert child.call("getppid", ()) == 2
    assert process.call("exit_thread", (1,)) is Fate.GONE
    world.settle(10)
    assert init.call("waitid", (ALL, 0, EXITED | 1)) is None
    init.call("kill", (2, SIGKILL))
    world.settle(10)
    assert thread.gone
    assert init.call("waitid", (ALL, 0, EXITED)) == (2, 0, SIGCHLD, SIGKILL, 2)


def test_a_thread_that_cannot_be_has_the_kernels_errno(init: LinuxDriven) -> None:
    process = born(init)
    process.call("unshare", (NEWPID,))
    assert process.create("thread", ()) == (None, Errno("EINVAL"))
    assert process.call("open", ("/dev/null", 0, 0)) == 3


def test_vfork(world: LinuxWorld, init: LinuxDriven) -> None:
    child, out = init.create("clone", (VFORK, SIGCHLD, ()))
    assert child is not None
    assert out is Fate.PENDING
    world.settle(10)
    assert child.call("getppid", ()) == 1
    assert child.call("execve", (world.image, ("image",), ())) is None
    world.settle(10)
    assert init.outcome() == (2, None)
    second, out = init.create("clone", (VFORK, SIGCHLD, ()))
    assert second is not None
    second.call("exit", (0,))
    world.settle(10)
    assert init.outcome() == (3, None)
    assert init.create("clone", (VFORK | THREAD, SIGCHLD, ())) == (None, Errno("EINVAL"))


def test_vfork_of_a_process_with_threads_is_unavailable(init: LinuxDriven) -> None:
    init.create("thread", ())
    with pytest.raises(Unavailable, match="VFORK"):
        init.create("clone", (VFORK, SIGCHLD, ()))


def test_the_image_goes_on_being_driven(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    child.call("sigaction", (SIGPIPE, 1, 0))
    child.call("sigaction", (SIGUSR1, 2, 0))
    child.call("sigprocmask", (0, (12,)))
    assert child.call("open", ("/dev/null", 0, 0)) == 3
    assert child.call("open", ("/dev/null", 0o2000000, 0)) == 4
    thread, _ = child.create("thread", ())
    assert thread is not None
    assert thread.call("execve", (world.image, ("image", "x"), ("A=B",))) is None
    world.settle(10)
    assert child.gone
    assert [thread.call(name, ()) for name in ("getpid", "gettid")] == [2, 2]
    assert thread.call("sigaction", (SIGPIPE, None, 0)) == (1, 0)
    assert [thread.call("sigaction", (sig, None, 0)) for sig in (2, SIGUSR1, 25, 33)] == [(0, 0)] * 4
    assert thread.call("sigprocmask", (0, ())) == (12,)
    assert thread.call("fcntl", (3, 1, 0)) == 0
    assert thread.call("fcntl", (4, 1, 0)) == Errno("EBADF")
    assert born(thread).call("getppid", ()) == 2


def test_another_image_is_gone_and_an_exec_that_fails_is_not(init: LinuxDriven) -> None:
    child = born(init)
    assert child.call("execve", ("/nowhere", ("x",), ())) == Errno("ENOENT")
    assert child.call("execve", ("/dev/null", ("x",), ())) == Errno("EACCES")
    assert child.call("execve", ("/bin/sh", ("sh", "-c", "exit 7"), ())) is Fate.GONE
    assert init.call("waitid", (ALL, 0, EXITED)) == (2, 0, SIGCHLD, 7, 1)


def test_the_agents_descriptors_are_not_open(init: LinuxDriven) -> None:
    for name, args in (
        ("close", (1023,)),
        ("dup3", (0, 1023, 0)),
        ("dup3", (1023, 5, 0)),
        ("fcntl", (1023, 0, 0)),
        ("read", (1023, 1)),
        ("write", (1023, b"x")),
        ("sendmsg", (0, b"x", (1023,), None, 0)),
    ):
        assert init.call(name, cast(Args, args)) == Errno("EBADF"), name
    assert init.call("getpid", ()) == 1


@pytest.mark.parametrize("size", [LIMIT - 30, LIMIT, 4 * LIMIT, 1 << 20])
def test_long_data_crosses_both_ways(world: LinuxWorld, init: LinuxDriven, size: int) -> None:
    assert init.call("open", ("/dev/zero", 0, 0)) == 3
    assert init.call("open", ("/dev/null", 1, 0)) == 4
    assert init.call("read", (3, size)) == bytes(size)
    assert init.call("write", (4, b"x" * size)) == size
    init.start("write", (4, b"x" * size))
    world.settle(10)
    assert init.outcome() == size


def test_a_long_command_waits_for_a_stopped_process(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    assert child.call("open", ("/dev/null", 1, 0)) == 3
    init.call("kill", (2, SIGSTOP))
    world.settle(10)
    assert child.call("write", (3, b"x" * (1 << 20))) is Fate.PENDING
    init.call("kill", (2, SIGCONT))
    world.settle(10)
    assert child.outcome() == 1 << 20


def test_an_agent_ends_with_its_driver_in_the_middle_of_a_command(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    child.sock.send(b"x" * LIMIT)
    child.lost()
    world.settle(10)
    assert init.call("waitid", (ALL, 0, EXITED)) == (2, 0, SIGCHLD, 0, 1)


def test_signals_are_recorded_whether_it_sleeps_or_not(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    child.call("sigaction", (SIGUSR1, 2, 0))
    init.call("sigqueue", (2, SIGUSR1, 5, -1))
    world.settle(10)
    assert child.received() == ((SIGUSR1, -1, 1, 0, 0, 5),)
    assert child.call("pause", ()) is Fate.PENDING
    init.call("kill", (2, SIGUSR1))
    world.settle(10)
    assert child.outcome() == Errno("EINTR")
    assert [info[0] for info in child.received()] == [SIGUSR1]
    grandchild = born(child)
    assert grandchild.received() == ()
    assert grandchild.call("kill", (3, SIGUSR1)) is None
    assert grandchild.received() == ((SIGUSR1, 0, 3, 0, 0, 0),)
    assert grandchild.call("sigprocmask", (0, (SIGUSR1,))) == ()
    assert grandchild.call("sigprocmask", (0, ())) == (SIGUSR1,)


def test_many_agents(world: LinuxWorld, init: LinuxDriven) -> None:
    crowd = [born(init) for _ in range(60)]
    world.settle(10)
    assert [driven.call("getpid", ()) for driven in crowd] == list(range(2, 62))


def test_without_descriptors_another_process_is_unavailable(world: LinuxWorld, init: LinuxDriven) -> None:
    world.last = 3
    with pytest.raises(Unavailable, match="RLIMIT_NOFILE"):
        init.create("fork", ())
    world.settle(10)
    assert init.call("getpid", ()) == 1


def generations(rounds: int) -> int:
    """Each clones the next and ends; how many there were."""
    world = cast(LinuxWorld, BACKEND.boot({}))
    try:
        at = world.init
        for count in range(rounds):
            child = born(at, NEWPID if count < 20 else 0)
            assert child.call("gettid", ()) == child.call("getpid", ())
            if count > 20:
                at.call("exit", (0,))
            at = child
        return rounds
    finally:
        world.close()


def test_generations() -> None:
    assert generations(60) == 60


Program = Callable[[Task], "int | None"]


def exits(task: Task) -> int:
    return 5


def raises(task: Task) -> int:
    raise ValueError("from a program")


def suicide(task: Task) -> None:
    def victim(child: Task) -> None:
        child.call("pause", ())

    assert task.clone(victim, 0, SIGCHLD, ()) == (2, None)
    assert task.call("kill", (2, SIGKILL)) is None
    assert task.call("waitid", (ALL, 0, EXITED)) == (2, 0, SIGCHLD, SIGKILL, 2)


def nests(task: Task) -> int:
    assert [task.call(name, ()) for name in ("getpid", "getppid", "getpgid", "getsid")] == [1, 0, 0, 0]
    assert task.call("open", ("/dev/null", 0, 0)) == 3

    def inner(child: Task) -> int:
        assert child.call("getpid", ()) == 1
        return 9

    assert task.clone(inner, NEWPID | PIDFD, SIGCHLD, ()) == (2, 4)
    waited = task.call("waitid", (3, 4, EXITED))
    assert waited == (2, 0, SIGCHLD, 9, 1)
    return 8


def threads(task: Task) -> int:
    def sleeper(thread: Task) -> None:
        thread.call("pause", ())

    assert task.clone(sleeper, VM | FS | FILES | SIGHAND | THREAD | 0x40000, 0, ()) == (2, None)
    born = task.clone(exits, 0, SIGCHLD, ())
    assert isinstance(born, tuple)
    assert task.call("waitid", (ALL, 0, EXITED)) == (born[0], 0, SIGCHLD, 5, 1)
    return 3


def handles(task: Task) -> int:
    task.call("sigaction", (SIGUSR1, 2, 0))
    task.call("kill", (1, SIGUSR1))
    assert task.received() == ((SIGUSR1, 0, 1, 0, 0, 0),)
    assert task.call("waitid", (ALL, 0, EXITED)) == Errno("ECHILD")
    task.call("exit", (2,))
    return 1


@pytest.mark.parametrize(("program", "status"), [(exits, 5), (raises, 1), (suicide, 0), (nests, 8), (threads, 3), (handles, 2)])
def test_programs(world: LinuxWorld, program: Program, status: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert world.run(program) == status
    printed = capfd.readouterr().err
    assert ("ValueError: from a program" in printed) == (program is raises), printed


def test_a_program_takes_one_number_of_the_machine(world: LinuxWorld, init: LinuxDriven) -> None:
    assert world.run(exits) == 5
    assert world.run(exits) == 5
    assert born(init).pid == "4"


def test_a_program_is_init_of_a_namespace_and_is_waited_for_by_its_descriptor(world: LinuxWorld) -> None:
    def program(task: Task) -> int:
        assert task.call("kill", (1, SIGKILL)) is None  # an init is deaf to its own
        return 0 if task.call("prctl", (15, "program")) == 0 else 1

    outcome: Outcome = world.run(program)
    assert outcome == 0


def test_forty_threads(init: LinuxDriven) -> None:
    threads = [init.create("thread", ())[0] for _ in range(40)]
    assert [thread.call("gettid", ()) for thread in threads if thread] == list(range(2, 42))
    assert init.call("open", ("/dev/null", 0, 0)) == 3


def test_a_process_that_made_itself_undumpable_is_seen_all_the_same(world: LinuxWorld, init: LinuxDriven) -> None:
    child = born(init)
    assert child.call("prctl", (4, 0)) == 0
    grandchild = born(child)
    world.settle(10)
    assert grandchild.call("pause", ()) is Fate.PENDING


def test_an_interrupted_call_is_let_go_of(init: LinuxDriven) -> None:
    child = born(init)
    child.start("getppid", ())  # as far as a caller got that was interrupted
    assert child.call("getpid", ()) == 2
    init.start("waitid", (ALL, 0, EXITED))
    with pytest.raises(RuntimeError, match="interrupted"):
        init.call("getpid", ())
    assert child.call("exit", (0,)) is Fate.GONE
    assert init.call("getpid", ()) == 1


def test_the_level_is_told_by_what_is_missing_to_the_deepest(monkeypatch: pytest.MonkeyPatch, world: LinuxWorld) -> None:
    told = world.level
    monkeypatch.setattr(level, "INITIAL", 0)
    level.level.cache_clear()
    assert world.level == told


def test_a_driver_that_is_interrupted_leaves_no_program(world: LinuxWorld, init: LinuxDriven) -> None:
    class Interruption(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interruption

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interruption):
            world.run(lambda task: cast(None, task.call("pause", ())))
    finally:
        signal.signal(signal.SIGALRM, before)
    world.settle(10)
    assert [thread.pid for thread in world.scan.threads] == ["1"]
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_a_program_prints_is_printed_once(world: LinuxWorld, capfd: pytest.CaptureFixture[str]) -> None:
    def program(task: Task) -> None:
        print("parent", end=" ")
        task.clone(lambda child: print("child", end=" "), 0, SIGCHLD, ())
        task.call("waitid", (ALL, 0, EXITED))

    print("driver", end=" ")
    assert world.run(program) == 0
    assert capfd.readouterr().out == "driver parent child "
