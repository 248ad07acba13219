"""The init's loop: on the model under drawn schedules, on linux, and in the calling process."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nscore import Blocked, Disposition, IdType, Prctl, Program, SigMask, Signal, Syscalls, Unavailable, WaitOption, boot
from nscore.running.init import init, init_program
from nscore.running.init_manners import DUMB_INIT, OWN, TINI, Manner, Place
from tests.conftest import BACKENDS, need
from tests.running import interrupts
from tests.running.orphans import LEFT, RIGHT, Init, Main, discards, exists, hasty, main_child, status_of, waits_for_main_first

MANNERS = {"nscore": OWN, "tini": TINI, "dumb-init": DUMB_INIT}
MAINS = {"patient": main_child, "hasty": hasty}


def check(init: Init, main: Main, examples: int) -> None:
    """The property: whatever the schedule, the main child's status is the init's, and nothing is left of an orphan."""

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, phases=(Phase.generate, Phase.shrink))
    @given(st.data())
    def nothing_is_left_and_the_status_is_right(data: st.DataObject) -> None:
        with boot("sim", choose=lambda label, n: data.draw(st.integers(0, n - 1), label)) as machine:
            try:
                status = status_of(machine, init, main, 3)
            except Blocked:
                raise AssertionError(f'it sleeps for ever: replay="{machine.replay}"') from None
            assert status == RIGHT, f'{status}: replay="{machine.replay}"'

    nothing_is_left_and_the_status_is_right()


@pytest.mark.parametrize("main", MAINS)
@pytest.mark.parametrize("name", MANNERS)
def test_every_orphan_is_reaped_and_the_status_is_right_under_every_schedule_drawn(name: str, main: str) -> None:
    check(lambda program: init_program(program, MANNERS[name]), MAINS[main], examples=30)


@pytest.mark.parametrize(("fault", "main"), [(waits_for_main_first, main_child), (discards, hasty)])
def test_an_init_with_a_fault_is_found_and_shrunk_to_a_line_that_replays_it(fault: Init, main: Main) -> None:
    with pytest.raises(AssertionError, match=r'replay="([0-9.]*)"') as caught:
        check(fault, main, examples=300)
    found = re.search('replay="([0-9.]*)"', str(caught.value))
    assert found is not None
    assert len(found[1]) < 120
    print(f'{fault.__name__}: replay="{found[1]}"')
    with boot("sim", replay=found[1]) as machine, suppress(Blocked):
        assert status_of(machine, fault, main, 3) != RIGHT


@pytest.mark.parametrize("seed", range(20))
def test_the_same_by_seeds(seed: int) -> None:
    with boot("sim", seed=seed) as machine:
        assert [status_of(machine, init_program, main, 4) for main in MAINS.values()] == [RIGHT, RIGHT]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", MANNERS)
def test_it_runs_on_every_backend(backend: str, name: str) -> None:
    need(backend)
    with boot(backend) as machine:
        assert status_of(machine, lambda program: init_program(program, MANNERS[name]), main_child, 5) == RIGHT


def status(backend: str, main: Program, manner: Manner = OWN) -> int:
    need(backend)
    with boot(backend) as machine:
        return machine.run(init_program(main, manner))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_main_child_that_a_signal_kills_ends_as_in_a_shell(backend: str) -> None:
    def main(calls: Syscalls) -> int:
        calls.kill(calls.getpid(), Signal.KILL)
        return 0

    assert status(backend, main) == 128 + Signal.KILL
    assert status(backend, main, Manner(expected=frozenset((137,)))) == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_signal_to_the_init_goes_to_the_main_child_alone(backend: str) -> None:
    """From inside: the init has it masked, so that it is not dropped."""

    def main(calls: Syscalls) -> int:
        calls.sigprocmask(SigMask.BLOCK, (Signal.TERM, Signal.USR1))
        calls.kill(1, Signal.TERM)
        return calls.sigtimedwait((Signal.TERM, Signal.USR1)).si_signo

    assert status(backend, main) == Signal.TERM
    assert status(backend, main, Manner(rewrite={Signal.TERM: Signal.USR1})) == Signal.USR1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_signal_that_is_rewritten_to_nothing_is_not_forwarded(backend: str) -> None:
    def main(calls: Syscalls) -> int:
        calls.sigprocmask(SigMask.BLOCK, (Signal.TERM, Signal.USR1))
        calls.kill(1, Signal.USR1)
        calls.kill(1, Signal.TERM)
        # Both are forwarded by the time that the later one is here, and the lower number comes first.
        return calls.sigtimedwait((Signal.TERM, Signal.USR1)).si_signo

    assert status(backend, main, Manner(rewrite={Signal.USR1: 0})) == Signal.TERM


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", Place)
def test_signals_reach_the_group_where_that_is_asked_for(backend: str, place: Place) -> None:
    """A signal to a group reaches one member after the other, but a later one none before that.  Of all that are pending HUP is first."""

    def main(calls: Syscalls) -> int:
        calls.sigprocmask(SigMask.BLOCK, (Signal.HUP, Signal.USR1, Signal.TERM))
        pid = calls.fork(waiting)
        calls.kill(1, Signal.HUP)
        calls.sigtimedwait((Signal.HUP,))
        calls.kill(1, Signal.USR1)
        calls.sigtimedwait((Signal.USR1,))
        calls.kill(pid, Signal.TERM)
        return calls.waitpid(pid)[1]

    def waiting(calls: Syscalls) -> int:
        calls.sigprocmask(SigMask.SETMASK, ())
        calls.pause()
        return 0

    grouped = place is not Place.CALLER
    assert status(backend, main, Manner(place=place, group=True)) == (Signal.HUP if grouped else Signal.TERM)
    assert status(backend, main, Manner(place=place)) == Signal.TERM


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", MANNERS)
def test_the_main_child_has_the_place_and_the_mask_that_it_is_to_have(backend: str, name: str) -> None:
    manner = MANNERS[name]

    def main(calls: Syscalls) -> int:
        own = calls.getpid()
        place = (calls.getpgid(0) == own, calls.getsid(0) == own)
        return int(place == (True, manner.place is Place.SESSION) and not calls.sigprocmask(SigMask.BLOCK, ()))

    assert status(backend, main, manner) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stop_of_the_main_child_is_one_of_an_init_that_is_not_pid_1(backend: str) -> None:
    """And CONT to the init continues both.  The observer is PID 1, the init its child."""

    def main(calls: Syscalls) -> int:
        calls.kill(calls.getpid(), Signal.STOP)
        return 5

    def observer(calls: Syscalls) -> int:
        pid = calls.fork(init_program(main))
        stopped = calls.waitid(IdType.PID, pid, WaitOption.STOPPED)
        calls.kill(pid, Signal.CONT)
        ended = calls.waitid(IdType.PID, pid, WaitOption.EXITED)
        assert stopped is not None and ended is not None
        return ended.si_status if stopped.si_status == Signal.STOP else 0

    need(backend)
    with boot(backend) as machine:
        assert machine.run(observer) == 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_continues_the_init_continues_the_whole_job(backend: str) -> None:
    """A terminal has stopped the whole group, not the main child alone."""

    def child(calls: Syscalls) -> int:
        calls.kill(calls.getpid(), Signal.STOP)
        return 5

    def main(calls: Syscalls) -> int:
        pid = calls.fork(child)
        calls.waitid(IdType.PID, pid, WaitOption.STOPPED)
        calls.kill(1, Signal.CONT)
        return calls.waitpid(pid)[1] >> 8

    assert status(backend, main) == 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_ignored_children_are_ignored_by_the_main_child_alone(backend: str) -> None:
    """Where SIGCHLD is ignored the kernel reaps, and no status is left."""

    def program(calls: Syscalls) -> int | None:
        calls.sigaction(Signal.CHLD, Disposition.IGN)
        return init_program(lambda main: 4 + main.sigaction(Signal.CHLD, None).handler)(calls)

    need(backend)
    with boot(backend) as machine:
        assert machine.run(program) == 4 + Disposition.IGN


@pytest.mark.parametrize("backend", BACKENDS)
def test_children_that_ended_before_it_was_an_init_are_reaped(backend: str) -> None:
    def program(calls: Syscalls) -> int | None:
        pid = calls.fork(lambda child: 0)
        calls.waitid(IdType.PID, pid, WaitOption.EXITED | WaitOption.NOWAIT)
        return init_program(lambda main: LEFT if exists(main, pid) else RIGHT)(calls)

    need(backend)
    with boot(backend) as machine:
        assert machine.run(program) == RIGHT


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_init_that_is_not_pid_1_adopts_orphans(backend: str) -> None:
    def observer(calls: Syscalls) -> int:
        pid = calls.fork(init_program(lambda main: main_child(2, main)))
        status = calls.waitpid(pid)[1]
        try:
            calls.waitpid(-1)
        except ChildProcessError:
            return status >> 8
        return 1

    need(backend)
    with boot(backend) as machine:
        assert machine.run(observer) == RIGHT


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_init_says_what_it_is_to_be_sent_when_its_parent_dies(backend: str) -> None:
    def observer(calls: Syscalls) -> int:
        def init(calls: Syscalls) -> int:
            return (init_program(lambda main: 3, Manner(pdeathsig=Signal.USR1))(calls) or 0) + int(calls.prctl(Prctl.GET_PDEATHSIG))

        return calls.waitpid(calls.fork(init))[1] >> 8

    need(backend)
    with boot(backend) as machine:
        assert machine.run(observer) == 3 + Signal.USR1


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (ValueError, {"argv": []}),
        (ValueError, {"argv": ["true"], "like": "catatonit"}),
        (ValueError, {"argv": ["true"], "rewrite": {0: 1}}),
        (ValueError, {"argv": ["true"], "rewrite": {1: 65}}),
        (ValueError, {"argv": ["true"], "pdeathsig": -1}),
    ],
)
def test_what_cannot_be_is_refused_before_anything_happens(error: type[Exception], arguments: dict[str, object]) -> None:
    mask = signals_masked()
    with pytest.raises(error, match="init: "):
        init(**arguments)  # type: ignore[arg-type]
    assert signals_masked() == mask


def signals_masked() -> object:
    if sys.platform == "linux":
        return signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return None


def test_an_interrupt_as_signals_are_blocked_leaves_the_mask_as_it_was() -> None:
    if sys.platform != "linux":
        pytest.skip("the calling process is for Linux")
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            mask = signals_masked()
            sys.setprofile(interrupts.AtBlock(0, (signal.SIGALRM,)))
            try:
                init(("true",))
            except KeyboardInterrupt:
                status = 0 if signals_masked() == mask else 98
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def forked_status(*argv: str, **options: Any) -> int:
    """What init() returns in a child, 98 if it leaves SIGTERM unmasked."""
    if sys.platform == "linux":
        pid = os.fork()
        if pid == 0:
            status = 99
            try:
                status = init(argv, **options)
                if signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ()):
                    status = 98
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    pytest.skip("the calling process is for Linux")


KILLED = ("sh", "-c", "kill $$")


@pytest.mark.parametrize(
    ("expected", "argv", "options"),
    [
        (3, ("sh", "-c", "(true &) ; exit 3"), {}),
        (143, KILLED, {}),
        (0, KILLED, {"expected": [143]}),
        (127, ("nosuch",), {"like": "tini"}),
        (2, ("nosuch",), {"like": "dumb-init"}),
        (5, ("sh", "-c", "exit $STATUS"), {"env": {"PATH": "/usr/bin:/bin", "STATUS": "5"}}),
        (138, ("sh", "-c", "kill $PPID; sleep 60"), {"rewrite": {Signal.TERM: Signal.USR1}, "group": True}),
        (129, ("sh", "-c", "kill -HUP $PPID; exec sleep 60"), {"like": "dumb-init", "group": False}),
    ],
)
def test_the_calling_process_returns_the_status_and_keeps_signals_masked(expected: int, argv: tuple[str, ...], options: Any) -> None:
    assert forked_status(*argv, **options) == expected


def test_a_process_with_threads_is_refused() -> None:
    if sys.platform != "linux":
        pytest.skip("the calling process is for Linux")
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="other threads"):
            init(["true"])
    finally:
        done.set()
        thread.join()


@pytest.mark.skipif(sys.platform == "linux", reason="here it can be had")
def test_elsewhere_it_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="Linux"):
        init(["true"])
