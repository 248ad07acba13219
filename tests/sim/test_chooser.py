"""nscore_sim/chooser.py: who is asked, in which thread, and what becomes of a question that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from nscore import Machine, Syscalls, boot


def family(sys: Syscalls) -> int:
    """Three children that run beside each other and their father."""
    for status in (1, 2, 3):
        sys.fork(lambda child, status=status: child.getppid() and status)  # type: ignore[misc]
    return sum(sys.waitpid(-1)[1] >> 8 for _ in range(3))


def machine(choose: Callable[[str, int], int]) -> Machine:
    return boot("sim", choose=choose)


def test_the_thread_that_runs_is_asked() -> None:
    asked: list[int] = []

    def choose(label: str, n: int) -> int:
        asked.append(threading.get_ident())
        return n - 1

    with machine(choose) as booted:
        assert booted.run(family) == 6
        assert set(asked) == {threading.get_ident()}
        replay = booted.replay
    with boot("sim", replay=replay) as again:
        assert again.run(family) == 6
        assert again.replay == replay


class Stop(BaseException):
    """As Hypothesis ends an example."""


@pytest.mark.parametrize("at", range(1, 7))
def test_a_question_that_fails_ends_the_run(at: int) -> None:
    left = [at]

    def choose(label: str, n: int) -> int:
        left[0] -= 1
        if not left[0]:
            raise Stop
        return left[0] % n

    with machine(choose) as booted:
        with pytest.raises(Stop):
            booted.run(family)
        assert booted.init.getpid() == 1
        assert booted.init.listdir("/proc").count("2") == 0, "nobody of the run is left"
        left[0] = 1000
        assert booted.run(family) == 6


def test_an_answer_out_of_range_is_refused() -> None:
    with machine(lambda label, n: n) as booted, pytest.raises(ValueError, match="range"):
        booted.run(family)


def test_the_same_seed_is_the_same_run() -> None:
    replays = []
    for _ in range(2):
        with boot("sim", seed=7) as booted:
            booted.run(family)
            replays.append(booted.replay)
    assert replays[0] == replays[1] != ""
