"""tests.long at a scale that shows that every check runs; elsewhere in these tests each is made in small."""

from __future__ import annotations

import pytest

from tests.check import CHECKS
from tests.conftest import need
from tests.long import main

NAMES = {"lockstep", "mutants", "settle", "kills", "boots", "inject", "threads", "cpython", "init", "runs", "callers", "benchmarks"}


def test_every_check_is_wired() -> None:
    assert set(CHECKS) == NAMES


@pytest.mark.parametrize("name", ["boots", "benchmarks"])
def test_a_check_runs_and_prints_its_figures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--scale", "0.001"]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: ")


def test_an_unknown_check_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])


def test_two_seeds_of_a_thousand_steps_in_lockstep() -> None:
    need("linux")
    assert main(["lockstep", "--scale", "0.1"]) == 0
