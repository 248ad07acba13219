"""The traps on the way to run() are avoided, by root and by an ordinary user: see traps.py."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.check import Skipped
from tests.running.ordinary import HERE, as_nobody, needs_namespaces

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import traps

Tried = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    """What became of all the traps as root, or as nobody, found out once."""
    with ExitStack() as stack:

        @functools.cache
        def answers(who: str) -> dict[str, Any]:
            if who == "nobody":
                place = stack.enter_context(as_nobody())
                needs_namespaces(place)
            elif os.geteuid() == 0:
                place = HERE
            else:
                raise Skipped("needs root")
            return dict(place.answer("tests.running.traps"))

        yield answers


@pytest.mark.parametrize("name", traps.TRAPS)
@pytest.mark.parametrize("who", ["root", "nobody"])
def test_a_trap_is_avoided(tried: Tried, who: str, name: str) -> None:
    try:
        answer = tried(who)[name]
    except Skipped as why:
        pytest.skip(str(why))
    if "skipped" in answer:
        pytest.skip(answer["skipped"])
    assert answer["wrong"] == []
