"""A command has the attributes that subprocess's would have, and so has each of its arguments: see attributes.py."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.check import Skipped
from tests.running.ordinary import HERE, Place, as_nobody, needs_namespaces
from tests.running.verdict import nothing_is_wrong

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import attributes

Tried = Callable[[str, str], dict[str, Any]]

CALLERS = ("root", "nobody", "dropped")
CASES = [
    (who, where, name)
    for who in CALLERS
    for where in ("process", "thread")
    for name, attribute in attributes.ATTRIBUTES.items()
    if not (attribute.root and who == "nobody") and not (attribute.alone and where == "thread")
]


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    """All the answers for a caller who makes the changes in that way, found out once."""
    with ExitStack() as stack:

        @functools.cache
        def ordinary() -> Place:
            place = stack.enter_context(as_nobody())
            needs_namespaces(place)
            return place

        @functools.cache
        def answers(who: str, where: str) -> dict[str, Any]:
            if who != "nobody" and os.geteuid() != 0:
                raise Skipped("needs root")
            place = HERE if who == "root" else ordinary()
            if who == "dropped":  # he needs an interpreter that he can still run then
                place = Place(place.python, place.root, {})
            return dict(place.answer("tests.running.attributes", who, where))

        yield answers


@pytest.mark.parametrize(("who", "where", "name"), CASES)
def test_a_command_has_what_subprocess_would_have_given_it(tried: Tried, who: str, where: str, name: str) -> None:
    nothing_is_wrong(tried, name, who, where)
