"""What a run of the cases says: for people, and as JSON."""

from __future__ import annotations

import json

from conformance.case import NEEDS
from conformance.rules import NOT_PROVABLE, RULES
from conformance.run import Result


def proven(results: list[Result]) -> list[str]:
    """The rules that a case has shown on every backend it was run on."""
    failed = {rule for result in results if result.failure or result.accepted for rule in result.case.rules}
    shown = {rule for result in results if not result.missing for rule in result.case.rules}
    return [rule for rule in RULES if rule in shown - failed]


def counts(results: list[Result]) -> tuple[int, int, int]:
    """(passed, failed, skipped), a case on a backend each."""
    failed = sum(result.failure is not None for result in results)
    skipped = sum(result.missing is not None for result in results)
    return len(results) - failed - skipped, failed, skipped


def as_json(results: list[Result]) -> str:
    """One object."""
    passed, failed, skipped = counts(results)
    return json.dumps(
        {
            "passed": passed,
            "failed": failed,
            "skipped": skipped,
            "rules_proven": proven(results),
            "not_provable": NOT_PROVABLE,
            "failures": {f"{r.case.family}.{r.case.name} on {r.backend}": r.failure for r in results if r.failure},
        },
        indent=1,
    )


def print_report(results: list[Result], seconds: float) -> None:
    """Failures whole, skips with what is missing, and a closing line."""
    for result in results:
        if result.failure:
            print(
                f"FAILED {result.case.family}.{result.case.name} on {result.backend} ({', '.join(result.case.rules)})\n{result.failure}\n"
            )
    for result in results:
        if result.accepted:
            print(f"differs on {result.backend}, as divergences.py argues: {result.case.name}: {result.accepted}")
    for need in dict.fromkeys(result.missing for result in results if result.missing):
        names = dict.fromkeys(result.case.name for result in results if result.missing == need)
        print(f"skipped, needs {need} ({NEEDS[need]}): {', '.join(names)}")
    passed, failed, skipped = counts(results)
    print(f"rules proven: {len(proven(results))} of {len(RULES)} ({len(NOT_PROVABLE)} not provable) in {seconds:.1f} s")
    print(f"conformance: {passed} passed, {failed} failed, {skipped} skipped")
