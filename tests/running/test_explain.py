"""explain(): provoked failures, and the causes that it must name."""

from __future__ import annotations

import pytest

from nscore import Blocked, Gone, Machine
from nscore.running.explain import explain
from nscore.tools import procfs
from tests.running.provoked import NEED_IDS, PROVOKED, Scenario


@pytest.mark.parametrize("scenario", PROVOKED, ids=lambda scenario: scenario.__name__)
def test_the_cause_is_named(machine: Machine, scenario: Scenario) -> None:
    if scenario in NEED_IDS and len(procfs.uid_map(machine.init)) == 1 and procfs.uid_map(machine.init)[0].count == 1:
        pytest.skip("a machine of an ordinary user has one id alone")
    try:
        scenario(machine)
    except (OSError, Blocked, Gone) as raised:
        error = raised
    else:
        pytest.fail("it succeeds")
    calls = len(machine.trace)
    explained = explain(error)
    assert explained is not None
    assert explained.cause == PROVOKED[scenario], explained
    assert len(machine.trace) == calls, "an explanation is no part of the story"
