"""The options of a command line as glibc's getopt_long(3) reads them: one after the other, so that the first that ends all is obeyed.

Models the observable part: permutation, abbreviated long options, the words of its errors.  Python's getopt reads all or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence


class Refused(Exception):
    """An option that does not exist, or has an argument too much or too few: getopt's message."""


class Options:
    """What is read of argv, whose first member is the program's name.

    Attributes:
        rest: What is no option, once all have been read.
    """

    def __init__(self, argv: Sequence[str], letters: str, longs: Mapping[str, str] | None = None) -> None:
        """letters are getopt's, with + first where the first argument that is no option ends them; longs says which letter a word is."""
        self.name, self.left = argv[0], list(argv[1:])
        self.in_order = letters.startswith("+") or "POSIXLY_CORRECT" in os.environ
        self.letters, self.longs = letters.lstrip("+"), longs or {}
        self.rest: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Letter and argument of each option; raises Refused."""
        while self.left:
            argument = self.left.pop(0)
            if argument == "--":
                break
            if argument.startswith("--") and self.longs:
                yield self.long(argument[2:])
            elif argument.startswith("-") and argument != "-":
                yield from self.short(argument[1:])
            else:
                self.rest.append(argument)
                if self.in_order:
                    break
        self.rest += self.left

    def short(self, cluster: str) -> Iterator[tuple[str, str]]:
        """Letters in one argument, the last of which may have the rest of it as its own."""
        while cluster:
            letter, cluster = cluster[0], cluster[1:]
            if letter not in self.letters.replace(":", ""):
                raise Refused(f"{self.name}: invalid option -- '{letter}'")
            if not self.takes_argument(letter):
                yield letter, ""
                continue
            if not cluster and not self.left:
                raise Refused(f"{self.name}: option requires an argument -- '{letter}'")
            yield letter, cluster or self.left.pop(0)
            return

    def long(self, text: str) -> tuple[str, str]:
        """A word, or a beginning that only one has."""
        word, equals, value = text.partition("=")
        fitting = [word] if word in self.longs else [name for name in self.longs if name.startswith(word)]
        if not fitting:
            raise Refused(f"{self.name}: unrecognized option '--{word}'")
        if len(fitting) > 1:
            possible = " ".join(f"'--{name}'" for name in fitting)
            raise Refused(f"{self.name}: option '--{text}' is ambiguous; possibilities: {possible}")
        name = fitting[0]
        letter = self.longs[name]
        if not self.takes_argument(letter):
            if equals:
                raise Refused(f"{self.name}: option '--{name}' doesn't allow an argument")
            return letter, ""
        if not equals and not self.left:
            raise Refused(f"{self.name}: option '--{name}' requires an argument")
        return letter, value if equals else self.left.pop(0)

    def takes_argument(self, letter: str) -> bool:
        """Whether getopt's letters say so."""
        return f"{letter}:" in self.letters
