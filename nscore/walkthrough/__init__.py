"""The classic walkthrough of PID namespaces, on any backend or on two side by side.

script.py says what is typed, commands.py and shell.py carry it out with driven processes, screen.py prints it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack

from nscore.backends import boot
from nscore.interface.machine import Machine
from nscore.walkthrough.commands import carry_out
from nscore.walkthrough.screen import Screen
from nscore.walkthrough.script import PARTS, Line, Part
from nscore.walkthrough.shell import Terminal

__all__ = ["play"]


def play(backends: Sequence[str], screen: Screen) -> int:
    """Play all parts on the backends, step by step beside each other, and return in how many steps these differed."""
    different = 0
    for part in PARTS:
        screen.part(part)
        with ExitStack() as stack:
            different += _play_part(part, [Stage(machine) for machine in _boot(backends, stack)], screen)
    steps = sum(len(part.lines) for part in PARTS)
    screen.note("")
    if len(backends) == 1:
        screen.note(f"{steps} steps on {backends[0]}.")
    else:
        screen.note(f"{steps} steps on {' and '.join(backends)}: {f'{different} differ' if different else 'the same on both'}.")
    return different


class Stage:
    """A machine with two terminals, and symbols for the inodes of its namespaces, by first appearance."""

    def __init__(self, machine: Machine) -> None:
        self.backend = machine.backend
        machine.init.sethostname("host")
        self._terminals = {number: Terminal(machine) for number in (1, 2)}
        self._symbols: dict[str, str] = {}

    def prompt(self, line: Line) -> str:
        """The prompt at which line is typed; "" for a look: the shell that was there may have ended."""
        return self._terminals[line.terminal].prompt() if line.typed else ""

    def type(self, line: Line) -> list[str]:
        """What comes out."""
        return carry_out(self._terminals[line.terminal], line.typed)

    def comparable(self, lines: Sequence[str]) -> list[str]:
        """Lines without what no two kernels have in common."""
        return [
            INODE.sub(lambda match: f"{match[1]}:[{self._symbols.setdefault(match[0], str(len(self._symbols)))}]", line) for line in lines
        ]


#: "pid:[4026531836]"
INODE = re.compile(r"\b(\w+):\[\d+\]")


def _boot(backends: Sequence[str], stack: ExitStack) -> list[Machine]:
    """A machine of each; the model's namespace lies as deep as the other's, since the depth is limited."""
    machines: list[Machine] = []
    for backend in sorted(backends, key="sim".__eq__):
        options = {"level": machines[0].level} if machines else {}
        machines.append(stack.enter_context(boot(backend, trace_limit=0, **options)))
    return machines


def _play_part(part: Part, stages: Sequence[Stage], screen: Screen) -> int:
    different = 0
    for line in part.lines:
        prompts = [stage.prompt(line) for stage in stages]
        screen.typed(line, prompts[0])
        results = [stage.type(line) for stage in stages]
        compared = [[prompt, *stage.comparable(result)] for stage, prompt, result in zip(stages, prompts, results)]
        wrong = any(result != compared[0] for result in compared)
        if wrong or any(result != results[0] for result in results):
            screen.apart({stage.backend: result for stage, result in zip(stages, results)}, wrong)
        else:
            screen.same(results[0])
        screen.why(line)
        different += wrong
    return different
