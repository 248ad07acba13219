"""What has become of each of many things that another process has tried: tests ask for it one by one, and it is found out once."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.check import Skipped
from tests.running.ordinary import HERE, Place, as_nobody, needs_namespaces

Tried = Callable[..., dict[str, Any]]


def place_of(who: str, stack: ExitStack) -> Place:
    """Where root runs, or an ordinary user, who has to have namespaces; or a root who drops his ids, with what he can still read then."""
    if who != "nobody" and (sys.platform != "linux" or os.geteuid() != 0):
        raise Skipped("needs root")
    if who == "root":
        return HERE
    place = stack.enter_context(as_nobody())
    needs_namespaces(place)
    return Place(place.python, place.root, {}) if who == "dropped" else place


@contextmanager
def tried_by(module: str) -> Iterator[Tried]:
    """What a module answers as root, or as nobody, and to other words."""
    with ExitStack() as stack:

        @functools.cache
        def place(who: str) -> Place:
            return place_of(who, stack)

        @functools.cache
        def answers(who: str, *words: str) -> dict[str, Any]:
            return dict(place(who).answer(module, *words))

        yield answers


def nothing_is_wrong(answers: Tried, name: str, *who: str) -> None:
    """Nothing was wrong with that one, unless it could not be tried."""
    try:
        answer = answers(*who)[name]
    except Skipped as why:
        pytest.skip(str(why))
    if "skipped" in answer:
        pytest.skip(answer["skipped"])
    assert answer["wrong"] == [], "\n".join(answer["wrong"])
