"""The traps on the way to run(), each with what shows that it is avoided.  A program that tries them, as whoever starts it.

    python -m tests.running.traps [NAME...]

Each is tried in a process of its own, which is killed where it hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from nscore.linux import command, keeper
from nscore.running import Popen, Unkillable, popen, run
from tests.check import keeps_status
from tests.running import changes, diminished, forks, interrupts, visits, witness

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

PTRACE_SEIZE = 0x4206
TRAPS: dict[str, Callable[[], None]] = {}


def trap(body: Callable[[], None]) -> Callable[[], None]:
    """Register one under its name."""
    TRAPS[body.__name__] = body
    return body


# The thread in which a command is born.


@trap
def a_command_that_asks_for_a_signal_at_its_parents_death_does_not_get_it() -> None:
    """The parent of a command is a thread, and PDEATHSIG comes when it ends: it sleeps until the command has been reaped."""
    asks = ["setpriv", "--pdeathsig", "KILL", "sleep", ".003"]
    with ThreadPoolExecutor(1) as pool:
        statuses = [run(asks).returncode for _ in range(50)] + list(pool.map(lambda _: run(asks).returncode, range(50)))
    assert statuses == [0] * 100, statuses
    assert run(["sleep", ".05"], preexec_fn=lambda: changes.prctl(1, signal.SIGKILL)).returncode == 0


@trap
def no_signal_is_blocked_that_the_caller_has_not_blocked() -> None:
    """A command inherits the mask of the moment in which it is born."""
    options: Any
    for options in ({}, {"init": False, "proc": False}, {"start_new_session": True}):
        status = run(["cat", "/proc/self/status"], capture_output=True, text=True, **options).stdout
        assert "SigBlk:\t0000000000000000" in status, (options, status)
        assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


@trap
def the_thread_keeps_no_command_alive() -> None:
    """Else subprocess's ResourceWarning would never come."""
    process = Popen(["sleep", "1000"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del process
        gc.collect()
    assert [str(warning.message).split(" ", 2)[2] for warning in caught] == ["is still running"], caught


# The status.


@trap
def a_status_that_somebody_else_has_reaped_is_not_0() -> None:
    """waitpid(-1) in another place, or an ignored SIGCHLD: subprocess says 0 then."""
    if not keeps_status():
        raise forks.Impossible("needs Linux 6.15 or later, which keeps it")
    for status, words in ((9, "exit 9"), (-15, "kill -TERM $$")):
        process = Popen(["sh", "-c", words])
        reaped, _ = os.waitpid(-1, 0)
        assert (reaped, process.wait()) == (process.pid, status)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert run(["sh", "-c", "exit 9"]).returncode == 9
    with Popen(["sh", "-c", f"{witness.ESCAPES} kill -KILL $$"]) as process:
        pass
    assert process.returncode == -9


@trap
def a_thread_that_reaps_whatever_ends_takes_no_status_away() -> None:
    """Or it is lost, where the end comes before anything is known of the command, and said to be."""
    over = threading.Event()

    def reap() -> None:
        while not over.is_set():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, 0)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(reap)
        for _ in range(100):
            with contextlib.suppress(ChildProcessError):
                assert run(["sh", "-c", "exit 9"]).returncode == 9
        over.set()
        subprocess.run(["true"], check=False)  # for whom it waits; ours would say that its status is lost


@trap
def a_status_that_nobody_knows_is_an_error() -> None:
    """Before 6.15 the kernel does not keep it: here it is kept from us."""

    def refuse(pidfd: int) -> tuple[int | None, ...]:
        raise OSError(errno.ENOTTY, "no such ioctl")

    vars(command)["pidfd_get_info"] = refuse
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ends = ["sh", "-c", f"{witness.ESCAPES} exit 9"]
    with witness.nothing_left() as options:
        try:
            raise AssertionError(f"a status out of nothing: {run(ends, **options)}")
        except ChildProcessError:
            pass
    for error in (LookupError, KeyboardInterrupt):  # what goes through a with block says more
        with witness.nothing_left() as options:
            process = Popen(ends, stdout=subprocess.PIPE, **options)
            try:
                with process:
                    raise error
            except error:
                assert process.init is None and process.stdout and process.stdout.closed


# What has escaped holds a pipe.


@trap
def what_has_escaped_with_the_pipes_holds_nobody_up() -> None:
    """The end of the command ends its namespace, though its caller waits for the end of its output."""
    for _ in range(10):
        with witness.nothing_left() as options:
            done = run(["sh", "-c", f"{witness.ESCAPES} echo out; exit 5"], stdout=subprocess.PIPE, timeout=30, **options)
        assert (done.returncode, done.stdout) == (5, b"out\n")


@trap
def asyncios_watcher_may_be_the_first_to_reap() -> None:
    """With ours in subprocess's place, transports get the status and the end of the output, and nothing is left."""
    vars(subprocess)["Popen"] = Popen

    async def one(number: int, options: dict[str, Any]) -> None:
        words = f"{witness.ESCAPES} echo hi; exit {number}"
        process = await asyncio.create_subprocess_exec("sh", "-c", words, stdout=subprocess.PIPE, **options)
        assert process.stdout is not None
        assert await process.stdout.read() == b"hi\n"
        assert await process.wait() == number

    async def several(options: dict[str, Any]) -> None:
        await asyncio.gather(*[one(number, options) for number in range(10)])

    seen = witness.Witness()
    asyncio.run(several(seen.passed))
    gc.collect()
    os.close(seen.theirs)
    assert os.read(seen.ours, 1) == b"", "something of a command lives"


# The stock of inits.


@trap
def more_commands_live_at_once_than_there_are_inits_in_stock() -> None:
    with witness.nothing_left() as options:
        alive = [Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options) for _ in range(3 * keeper.STOCK)]
        for number, process in enumerate(alive):
            assert process.communicate(b"%d" % number, timeout=30) == (b"%d" % number, None)


@trap
def eight_threads_run_forty_commands_each() -> None:
    def several(number: int) -> list[int]:
        with open(os.devnull, "w") as null:
            return [run(["sh", "-c", f"(sleep 1000 &); exit {number + step}"], stdout=null).returncode for step in range(40)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(several, range(8)))
    assert answers == [list(range(number, number + 40)) for number in range(8)], answers
    witness.assert_childless()


# Ctrl-C.

trap(interrupts.an_interrupt_at_a_random_moment_leaves_nothing)
trap(interrupts.an_interrupt_at_each_line_of_ours_leaves_nothing)
trap(interrupts.handlers_that_run_as_signals_are_blocked_leave_the_mask_as_it_was)


# A command that the calling thread makes itself.

trap(visits.whoever_makes_a_command_himself_is_back_at_once)
trap(visits.no_handler_runs_there)
trap(visits.an_interrupt_at_each_line_of_a_visit_leaves_nothing)
trap(visits.where_no_child_can_be_made_the_thread_comes_back)
trap(visits.who_could_not_come_back_does_not_go)
trap(visits.whose_children_are_born_elsewhere_has_them_there_still)
trap(visits.a_signal_at_the_death_of_the_thread_comes_as_to_subprocesss_child)


# Callers who have given up ids or a /proc, or have odd names.

trap(diminished.ids_may_be_dropped_after_a_run)
trap(diminished.ids_may_be_dropped_while_a_command_runs)
trap(diminished.who_has_two_ids_may_have_maps)
trap(diminished.a_root_without_a_proc_is_told_of)
trap(diminished.a_name_need_not_be_text)


# Whoever signals while another waits.


@trap
def threads_may_kill_what_another_waits_for() -> None:
    """The waiting one closes the descriptors: they are never closed, nor another file's, under the hands of the others."""

    def kill(process: Popen[bytes]) -> None:
        process.terminate()
        while process.init is not None:
            process.kill_all()

    sys.setswitchinterval(1e-6)
    with ThreadPoolExecutor(3) as pool:
        for _ in range(100):
            with Popen(["sleep", "1000"]) as process:
                killing = [pool.submit(kill, process) for _ in range(3)]
                assert process.wait() in (-signal.SIGTERM, -signal.SIGKILL)
            for one in killing:
                one.result()


@trap
def a_handler_may_signal_what_it_interrupts_the_wait_for() -> None:
    """At any moment of it, that of the closing included."""
    process: Popen[bytes] | None = None
    calls, over = 0, False

    def handler(number: int, frame: object) -> None:
        nonlocal calls
        calls += 1
        if process is not None:
            process.poll()
            process.send_signal(0)
            if calls % 7 == 0:
                process.kill_all()
        if not over:
            signal.setitimer(signal.ITIMER_REAL, 0.0003)  # now: a slow machine's handlers would interrupt each other for ever

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    try:
        for _ in range(200):
            with Popen(["true"]) as process:
                assert process.wait() in (0, -signal.SIGKILL)
            assert process.poll() is not None and process.init is None
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert calls > 200, calls


# Descriptors.


@trap
def no_descriptor_of_ours_is_inheritable() -> None:
    """Not for a moment: children that others make meanwhile would have it."""
    over = threading.Event()
    inherited = inheritable()

    def look() -> set[str]:
        seen = set(inherited)
        while not over.is_set():
            seen |= inheritable()
        return seen

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        for _ in range(100):
            run(["true"], stdout=subprocess.PIPE)
        over.set()
        assert looking.result() == inherited
    seen = set(run(["ls", "/proc/self/fd"], close_fds=False, stdout=subprocess.PIPE, text=True).stdout.split())
    assert seen == inherited


def inheritable() -> set[str]:
    """What a child of subprocess's inherits, and what it opens itself to look."""
    looks = ["ls", "/proc/self/fd"]
    return set(subprocess.run(looks, close_fds=False, stdout=subprocess.PIPE, text=True, check=True).stdout.split())


# What a command sees of its caller, and of the keeper.


@trap
def the_parent_of_a_command_is_0() -> None:
    """So that `kill $PPID` is a signal to the whole process group: the caller's, or the command's own in a session of its own."""
    os.setsid()
    assert run(["sh", "-c", "echo $PPID"], capture_output=True, text=True).stdout == "0\n"
    with witness.nothing_left() as options:
        assert run(["sh", "-c", f"{witness.ESCAPES} kill -TERM $PPID; sleep 1000"], start_new_session=True, **options).returncode == -15
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asks = "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_DFL); os.kill(os.getppid(), signal.SIGTERM)"
    assert run([sys.executable, "-c", asks]).returncode == -15


@trap
def the_keepers_memory_is_not_the_commands() -> None:
    """Its inits share it.  Root inside is root: who is not may not."""
    ids: Any = {"user": changes.NOBODY, "group": changes.NOBODY, "extra_groups": []} if forks.root() else {}
    done = run(["sh", "-c", "cat /proc/1/mem; echo > /proc/1/mem"], stderr=subprocess.PIPE, text=True, **ids)
    assert done.stderr.lower().count("permission denied") == 2, done


# The keeper's death, forks, the end of the interpreter.


def keeper_of(process: Popen[bytes]) -> int:
    """The parent of its init."""
    assert process.init is not None
    init = next(line.split()[1] for line in Path(f"/proc/self/fdinfo/{process.init}").read_text().splitlines() if line.startswith("Pid:"))
    return next(int(line.split()[1]) for line in Path(f"/proc/{init}/status").read_text().splitlines() if line.startswith("PPid:"))


@trap
def a_keeper_that_is_killed_ends_all_and_the_next_run_has_another() -> None:
    seen = witness.Witness()
    alive = [Popen(["sh", "-c", f"{witness.ESCAPES} sleep 1000"], **seen.passed) for _ in range(3)]
    os.kill(keeper_of(alive[0]), signal.SIGKILL)
    assert [process.wait() for process in alive] == [-9] * 3
    assert seen.alone()
    for _ in range(10):
        assert run(["sh", "-c", "exit 7"]).returncode == 7


@trap
def a_keeper_that_is_dying_gives_nobody_an_init() -> None:
    """All of its inits have been killed by then; those that wait still die a little later than the one whose command has just ended."""
    for _ in range(30):
        process = Popen(["sleep", "1000"])
        os.kill(keeper_of(process), signal.SIGKILL)
        assert process.wait() == -9
        assert run(["sh", "-c", "exit 7"]).returncode == 7


@trap
def a_forked_child_has_a_keeper_of_its_own() -> None:
    with Popen(["sleep", "1000"]) as process:
        pid = os.fork()
        if pid == 0:
            try:
                with Popen(["cat"], stdin=subprocess.PIPE) as other:
                    different = keeper_of(other) != keeper_of(process)
                os._exit(0 if different and run(["sh", "-c", "exit 7"]).returncode == 7 else 2)
            finally:
                os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        assert process.poll() is None
        process.kill()
    assert run(["true"]).returncode == 0


@trap
def the_end_of_the_interpreter_ends_what_runs() -> None:
    """With subprocess's warning."""
    code = "from nscore.running import Popen; p = Popen(['sh', '-c', 'setsid sleep 1000 & sleep 1000'])"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "ResourceWarning: subprocess" in done.stderr and "is still running" in done.stderr, done


# Who is outside.


@trap
def a_command_that_its_caller_cannot_reap_is_named() -> None:
    """As long as a tracer does not look at its end, its parent does not see it: that is waited for, but not for ever."""
    popen.PATIENCE = 0.5
    for init in (True, False):
        process = Popen(["sleep", "1000"], init=init)
        with traced(process.pid):
            try:
                with process:
                    raise LookupError
            except Unkillable as error:
                said, reason = str(error), error.__context__
            assert f"PID {process.pid}, the command itself" in said and isinstance(reason, LookupError), (said, reason)
            process.abandon()
        assert process.wait() == -signal.SIGKILL and process.init is None


@contextlib.contextmanager
def traced(pid: int) -> Iterator[None]:
    """By a child that sleeps."""
    ours, theirs = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        os.write(theirs, b"%d" % ctypes.CDLL(None).ptrace(PTRACE_SEIZE, pid, 0, 0))
        while True:
            signal.pause()
    try:
        if os.read(ours, 9) != b"0":
            raise forks.Impossible("needs to trace")
        yield
    finally:
        os.kill(tracer, signal.SIGKILL)
        os.waitpid(tracer, 0)
        os.close(ours)
        os.close(theirs)


@trap
def an_outsider_in_a_dead_commands_group_holds_nobody_up() -> None:
    """INIT-12: the init stays for him, though it is dead; the namespace's /proc says that nothing runs there."""
    popen.PATIENCE = 10.0 * forks.PATIENCE
    with subprocess.Popen(["sleep", "1000"], preexec_fn=os.setsid) as outsider:  # noqa: PLW1509
        os.setpgid(0, 0)
        first = Popen(["sleep", ".05"], preexec_fn=lambda: os.setpgid(0, 0))
        second = subprocess.Popen(["sleep", "1000"], preexec_fn=lambda: os.setpgid(0, first.pid))  # noqa: PLW1509
        assert first.wait() == 0
        assert second.poll() is None
        for process in (second, outsider):
            process.kill()
            process.wait()


def main(*names: str) -> None:
    """Try the traps, all unless some are named, and print what was wrong as JSON."""

    def tried(body: Callable[[], None]) -> Callable[[], list[str]]:
        def answer() -> list[str]:
            run(["true"])
            body()
            return []

        return answer

    json.dump({name: forks.apart(tried(TRAPS[name])) for name in names or TRAPS}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
