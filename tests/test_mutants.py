"""The table of mutants still fits the model."""

from __future__ import annotations

import pytest

from conformance.rules import RULES
from tests.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.rule}-{m.file}")
def test_a_row_matches_exactly_once(mutant: Mutant) -> None:
    assert mutant.rule in RULES
    assert mutant.matches() == 1
    assert mutant.line != mutant.broken


def test_there_are_enough_rows_and_none_twice() -> None:
    assert len({(row.file, row.line, row.broken) for row in MUTANTS}) == len(MUTANTS) >= 60
