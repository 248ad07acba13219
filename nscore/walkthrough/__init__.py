"""The classic walkthrough of PID namespaces, on any backend or on two side by side.

script.py says what is typed, commands.py and shell.py carry it out with driven processes, screen.py prints it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack

from nscore.backends import boot
from nscore.flags import AccessMode
from nscore.interface.machine import Machine
from nscore.tools import procfs
from nscore.walkthrough.commands import carry_out
from nscore.walkthrough.screen import Screen
from nscore.walkthrough.script import PARTS, Line
from nscore.walkthrough.shell import Terminal

__all__ = ["play"]


def play(backends: Sequence[str], screen: Screen) -> int:
    """Play all parts on the backends, step by step beside each other, and return in how many steps these differed."""
    steps = different = 0
    for part in PARTS:
        screen.part(part)
        with ExitStack() as stack:
            stages = [Stage(machine) for machine in _boot(backends, stack)]
            lines = [line for line in part.lines if all(stage.has(line.needs) for stage in stages)]
            if len(lines) < len(part.lines):
                screen.note(f"({len(part.lines) - len(lines)} steps are left out: this kernel lacks what they need)")
            steps += len(lines)
            different += sum(_play_line(line, stages, screen) for line in lines)
    screen.note("")
    if len(backends) == 1:
        screen.note(f"{steps} steps on {backends[0]}.")
    else:
        screen.note(f"{steps} steps on {' and '.join(backends)}: {f'{different} differ' if different else 'the same on both'}.")
    return different


class Stage:
    """A machine with two terminals, and symbols for what no two kernels have in common."""

    def __init__(self, machine: Machine) -> None:
        self.backend = machine.backend
        self._init = machine.init
        self._init.sethostname("host")
        self._terminals = {number: Terminal(machine) for number in (1, 2)}
        self._pid_max = int(procfs.read(self._init, "/proc/sys/kernel/pid_max"))
        #: Inodes of namespaces by first appearance, and numbers that depend on pid_max, which before 6.14 is the host's.
        self._symbols = {str(self._pid_max): "pid_max", str(self._pid_max - 1): "pid_max - 1"}

    def has(self, path: str) -> bool:
        """Whether what a line needs is there."""
        return not path or self._init.access(path, AccessMode.W)

    def prompt(self, line: Line) -> str:
        """The prompt at which line is typed; "" for a look: the shell that was there may have ended."""
        return self._terminals[line.terminal].prompt() if line.typed else ""

    def typed(self, line: Line) -> str:
        """What is typed here."""
        return line.typed.replace("LAST", str(self._pid_max - 2))

    def type(self, line: Line) -> list[str]:
        """What comes out."""
        return carry_out(self._terminals[line.terminal], self.typed(line))

    def comparable(self, lines: Sequence[str]) -> list[str]:
        """Lines with symbols."""
        return [NUMBER.sub(self._symbol, line) for line in lines]

    def _symbol(self, match: re.Match[str]) -> str:
        if match[0].startswith("["):
            return self._symbols.setdefault(match[0], f"[{len(self._symbols)}]")
        return self._symbols.get(match[0], match[0])


#: A number, or the inode in "pid:[4026531836]".
NUMBER = re.compile(r"(?<=:)\[\d+\]|\d+")


def _boot(backends: Sequence[str], stack: ExitStack) -> list[Machine]:
    """A machine of each; the model's namespace lies as deep as the other's, since the depth is limited."""
    machines: list[Machine] = []
    for backend in sorted(backends, key="sim".__eq__):
        options = {"level": machines[0].level} if machines else {}
        machines.append(stack.enter_context(boot(backend, trace_limit=0, **options)))
    return machines


def _play_line(line: Line, stages: Sequence[Stage], screen: Screen) -> bool:
    """Play a line on each and print it; whether they differed."""
    prompts = [stage.prompt(line) for stage in stages]
    screen.typed(line, prompts[0], stages[0].typed(line))
    results = [stage.type(line) for stage in stages]
    compared = [[prompt, *stage.comparable(result)] for stage, prompt, result in zip(stages, prompts, results)]
    wrong = any(result != compared[0] for result in compared)
    if wrong or any(result != results[0] for result in results):
        screen.apart({stage.backend: result for stage, result in zip(stages, results)}, wrong)
    else:
        screen.same(results[0])
    screen.why(line)
    return wrong
