"""The cases under pytest: each on every backend, and their traces against each other."""

from __future__ import annotations

import os

import pytest

from conformance.case import Case
from conformance.run import Runner, selected
from nscore import available


@pytest.fixture(scope="session")
def runner() -> Runner:
    """Both backends; sim alone where linux cannot be had, which NSCORE_STRICT makes a failure."""
    why = available("linux")
    if why is not None and os.environ.get("NSCORE_STRICT"):
        pytest.fail(f"linux cannot be exercised: {why}")
    return Runner(("sim",) if why else ("linux", "sim"))


@pytest.mark.parametrize("case", selected(None), ids=lambda case: f"{case.family}.{case.name}")
def test_case(runner: Runner, case: Case) -> None:
    results = runner.run(case)
    for result in results:
        assert result.failure is None, result.failure
    if results[0].missing:
        pytest.skip(f"the machine lacks {results[0].missing}")
