"""What is measured, and how: alternating runs, their medians or a low decile, and the ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Name -> what measures it.
FIGURES: dict[str, Callable[[], list[Figure]]] = {}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, its aim (at most) and the absolute time, in µs, of one of what was measured."""

    name: str
    value: float
    aim: float
    unit: str
    microseconds: float

    @property
    def met(self) -> bool:
        """Whether it is at most its aim."""
        return self.value <= self.aim

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"name": self.name, "value": self.value, "aim": self.aim, "unit": self.unit, "us": self.microseconds, "met": self.met}

    def __str__(self) -> str:
        verdict = "" if self.met else "   MISSED"
        return f"{self.name:<58} {self.value:8.2f} {self.unit:<4} (aim {self.aim:g}; {self.microseconds:.2f} µs each){verdict}"


def figure(measure: Callable[[], list[Figure]]) -> Callable[[], list[Figure]]:
    """Register what measures figures, under its name."""
    FIGURES[measure.__name__] = measure
    return measure


def seconds(run: Callable[[], object]) -> float:
    """How long one run takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def alternate(rounds: int, *runs: Callable[[], object]) -> list[list[float]]:
    """The seconds of each run, round by round, so that noise hits all alike."""
    taken: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for times, run in zip(taken, runs):
            times.append(seconds(run))
    return taken


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Ratio of medians."""
    return statistics.median(ours) / statistics.median(theirs)


def p10(times: list[float]) -> float:
    """The tenth percentile: what it takes when nothing else runs."""
    return sorted(times)[len(times) // 10]
