"""A command has the attributes that subprocess's would have, and so has each of its arguments: see attributes.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.running.verdict import Tried, nothing_is_wrong, tried_by

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import attributes

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
    with tried_by("tests.running.attributes") as answers:
        yield answers


@pytest.mark.parametrize(("who", "where", "name"), CASES)
def test_a_command_has_what_subprocess_would_have_given_it(tried: Tried, who: str, where: str, name: str) -> None:
    nothing_is_wrong(tried, name, who, who, where)
