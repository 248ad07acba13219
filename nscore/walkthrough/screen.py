"""How the walkthrough looks: 80 columns, colours only on a terminal, ASCII where the output takes nothing else."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from nscore.walkthrough.script import Line, Part

COLUMNS = 80

#: Parameters of ECMA-48's SGR.
STYLES = {"title": "1", "says": "2", "prompt": "32", "typed": "1", "why": "36", "tag": "2", "wrong": "31"}

#: psmisc's pstree does the same.
ASCII = str.maketrans("─┬├└│", "-+|`|")


class Screen:
    """Where it is printed; explain adds the reason to each line that is typed."""

    def __init__(self, out: TextIO, explain: bool) -> None:
        self._out, self._explain = out, explain
        self._colour = out.isatty() and not os.environ.get("NO_COLOR")
        self._terminal = 0

    def part(self, part: Part) -> None:
        """Begin a part."""
        self._terminal = 0
        self._print()
        self._print(self._style("title", f"{part.name}. {part.title}"))

    def typed(self, line: Line, prompt: str, text: str) -> None:
        """What is typed, and at which prompt."""
        self._print()
        if line.terminal != self._terminal:
            self._terminal = line.terminal
            self._print(self._style("tag", f"--- terminal {line.terminal} ".ljust(COLUMNS, "-")))
        self._print(self._style("says", f"# {line.says}"))
        if text:
            self._print(self._style("prompt", prompt) + self._style("typed", text))

    def same(self, lines: Iterable[str]) -> None:
        """What came out, on every backend."""
        for line in lines:
            for piece in pieces(line, COLUMNS):
                self._print(piece)

    def apart(self, results: Mapping[str, Sequence[str]], wrong: bool) -> None:
        """What came out on each backend: wrong where it should have been the same."""
        widest = max(map(len, results))
        for name, lines in results.items():
            for line in lines or ["(nothing)"]:
                for piece in pieces(line, COLUMNS - widest - 3):
                    self._print(f"{piece.ljust(COLUMNS - widest - 2)}{self._style('tag', f'[{name}]'.rjust(widest + 2))}")
        if wrong:
            self._print(self._style("wrong", "^ They differ."))

    def why(self, line: Line) -> None:
        """The kernel's reason and the rules' ids, where they are asked for."""
        if self._explain:
            text = f"{line.why} [{', '.join(line.rules)}]"
            for piece in textwrap.wrap(text, COLUMNS - 4, break_on_hyphens=False):
                self._print(self._style("why", f"    {piece}"))

    def note(self, text: str) -> None:
        """A line of our own."""
        self._print(text)

    def _style(self, name: str, text: str) -> str:
        return f"\x1b[{STYLES[name]}m{text}\x1b[0m" if self._colour and text else text

    def _print(self, text: str = "") -> None:
        try:
            text.encode(self._out.encoding or "utf-8")
        except UnicodeEncodeError:
            text = text.translate(ASCII)
        print(text, file=self._out, flush=True)


def pieces(line: str, width: int) -> list[str]:
    """A line as a terminal of that width shows it, broken at a blank where it has one."""
    return textwrap.wrap(line.expandtabs(), width, break_on_hyphens=False) or [""]
