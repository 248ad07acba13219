"""Hypothesis draws the schedule on the model, finds the supervisor's race, shrinks it and prints a line that replays it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nscore import Blocked, Syscalls, boot
from tests.conftest import BACKENDS, need
from tests.examples.supervisor import JOBS, STATUSES, Job, racing, sound

Supervisor = Callable[[Syscalls, list[Job], dict[int, int]], int]


def check(supervisor: Supervisor) -> None:
    """The property: whatever the schedule, the supervisor ends and has every status."""

    @settings(max_examples=300, deadline=None, database=None, derandomize=True, phases=(Phase.generate, Phase.shrink))
    @given(st.data())
    def every_status_is_seen(data: st.DataObject) -> None:
        with boot("sim", choose=lambda label, n: data.draw(st.integers(0, n - 1), label)) as machine:
            statuses: dict[int, int] = {}
            try:
                machine.run(lambda sys: supervisor(sys, JOBS, statuses))
            except Blocked:
                raise AssertionError(f'it sleeps for ever: replay="{machine.replay}"') from None
            assert statuses == STATUSES, f'a status is lost: replay="{machine.replay}"'

    every_status_is_seen()


def test_the_race_is_found_and_shrunk_to_a_line_that_replays_it() -> None:
    with pytest.raises(AssertionError, match=r'replay="([0-9.]*)"') as caught:
        check(racing)
    found = re.search('replay="([0-9.]*)"', str(caught.value))
    assert found is not None
    assert len(found[1]) < 60
    with boot("sim", replay=found[1]) as machine, pytest.raises(Blocked):
        machine.run(lambda sys: racing(sys, JOBS, {}))


def test_the_cure_holds_under_every_schedule_drawn() -> None:
    check(sound)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_cure_runs_on_every_backend(backend: str) -> None:
    """What a program puts into its memory stays there on linux, so the status says whether all was well."""
    need(backend)

    def program(sys: Syscalls) -> int:
        statuses: dict[int, int] = {}
        sound(sys, JOBS, statuses)
        return int(statuses == STATUSES)

    with boot(backend) as machine:
        assert machine.run(program) == 1
