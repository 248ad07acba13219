"""The traps on the way to run() are avoided, by root and by an ordinary user: see traps.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.running.verdict import Tried, nothing_is_wrong, tried_by

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import diminished, traps


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    """What became of all the traps as root, or as nobody, found out once."""
    with tried_by("tests.running.traps") as answers:
        yield answers


@pytest.mark.parametrize("name", traps.TRAPS)
@pytest.mark.parametrize("who", ["root", "nobody"])
def test_a_trap_is_avoided(tried: Tried, who: str, name: str) -> None:
    nothing_is_wrong(tried, name, who)


def test_who_has_two_ids_may_have_maps(tried: Tried) -> None:
    name = diminished.who_has_two_ids_may_have_maps.__name__
    nothing_is_wrong(tried, name, "dropped", name)
