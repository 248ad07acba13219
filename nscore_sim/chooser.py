"""Choices: what Linux leaves to chance, decided in one place.  (No kernel file.)

Every choice has a label and a number of possibilities; the answers, joined by dots, replay a run.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nscore_sim.task import Task

#: (label, number of possibilities) -> one of them
Choose = Callable[[str, int], int]
#: Carries a question to the thread that is to answer it.
Route = Callable[[Choose, str, int], int]


class Chooser:
    """Asks for each choice and remembers the answers.

    Attributes:
        foreign: choose is a user's, and what it draws from (Hypothesis' data, say) may know one thread alone: see Programs.ask.
        route: How to ask it, while programs' threads run.
    """

    __slots__ = ("_choose", "choices", "foreign", "route")

    def __init__(self, choose: Choose, foreign: bool = False) -> None:
        self._choose = choose
        self.foreign = foreign
        self.route: Route | None = None
        self.choices: list[int] = []

    def choose(self, label: str, n: int) -> int:
        """One of range(n)."""
        choice = self.decide(label, n) if self.route is None else self.route(self.decide, label, n)
        self.choices.append(choice)
        return choice

    def decide(self, label: str, n: int) -> int:
        """Ask, and look at the answer."""
        choice = self._choose(label, n)
        if not isinstance(choice, int) or not 0 <= choice < n:
            raise ValueError(f"choose: {choice!r} is not in range({n}) for {label}")
        return choice

    def pick(self, queue: deque[Task]) -> Task:
        """Take the task that runs next out of the run queue."""
        if self._choose is first:
            return queue.popleft()  # there is nothing to remember: replay says nothing of first possibilities
        index = self.choose("run", len(queue))
        task = queue[index]
        del queue[index]
        return task

    @property
    def replay(self) -> str:
        """The answers so far; "" where each was the first possibility."""
        kept = self.choices
        while kept and not kept[-1]:
            kept = kept[:-1]
        return ".".join(map(str, kept))


def first(label: str, n: int) -> int:
    """The first possibility, always."""
    return 0


def seeded(seed: int) -> Choose:
    """Drawn by a generator of its own: the same seed, the same run."""
    draw = random.Random(seed)
    return lambda label, n: draw.randrange(n)


def replayed(text: str) -> Choose:
    """The answers in text, then always the first possibility."""
    answers = iter([int(answer) for answer in text.split(".") if answer])
    return lambda label, n: min(next(answers, 0), n - 1)
