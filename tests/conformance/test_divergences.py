"""A row of divergences.py accepts the difference that it names, and fails when there is none."""

from __future__ import annotations

from conformance.case import Case
from conformance.divergences import DIVERGENCES, Divergence
from conformance.report import proven
from conformance.rules import RULES
from conformance.run import Result, accept, selected

ROW = Divergence("ALLOC-01", "a_case", "sim", ("6.18",), "it is younger")
CASE = Case("a_case", "family", lambda machine: None, ("ALLOC-01",))


def test_a_difference_is_accepted_and_proves_nothing() -> None:
    results = [Result(CASE, "linux"), Result(CASE, "sim", failure="the traces differ")]
    accept(ROW, results)
    assert [result.failure for result in results] == [None, None]
    assert results[1].accepted == "it is younger"
    assert proven(results) == []


def test_a_difference_that_has_gone_is_a_failure() -> None:
    results = [Result(CASE, "linux"), Result(CASE, "sim")]
    accept(ROW, results)
    assert results[0].failure is None
    assert results[1].failure is not None


def test_a_row_is_for_a_case_on_some_kernels() -> None:
    assert ROW.holds("a_case", "6.18.44")
    assert not ROW.holds("a_case", "6.12.1")
    assert not ROW.holds("another", "6.18.44")


def test_rows_name_cases_and_rules_that_there_are() -> None:
    names = {case.name for case in selected(None)}
    assert all(row.case in names and row.rule in RULES for row in DIVERGENCES)
