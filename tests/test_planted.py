"""Faults planted in the model are seen in random calls."""

from __future__ import annotations

from tests.conftest import need
from tests.planted import FAULTS, Planted


def test_each_of_ten_planted_faults_breaks_a_trace_that_linux_made() -> None:
    need("linux")
    planted = Planted()
    shown = {fault: planted.shown(fault) for fault in FAULTS}
    places = {at for at in shown.values() if at is not None}
    assert [fault.rule for fault, at in shown.items() if at is None] == []
    assert planted.real(places) == dict.fromkeys(places, True)
