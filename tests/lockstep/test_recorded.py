"""What linux showed in random steps, the model shows too, wherever it runs; and with a fault planted in it, it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import Mutant
from tests.planted import FAULTS, RECORDINGS, difference, shown_by


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_the_model_shows_what_linux_showed(recording: Path) -> None:
    assert difference(recording) is None, "the model is wrong, or other steps are drawn than were recorded: see conformance/lockstep.py"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.rule)
def test_a_planted_fault_shows_in_a_recording(fault: Mutant) -> None:
    assert shown_by(fault) in [path.stem for path in RECORDINGS]
