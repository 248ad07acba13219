"""What is born by a fork or a stub, as an ordinary user, and as root where a thread cannot do it: see births.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.running.verdict import Tried, nothing_is_wrong, tried_by

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import births

CALLERS = [("nobody", shape) for shape in births.SHAPES] + [("root", "small"), ("root", "threaded")]


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    """The answers for a caller of that shape, found out once."""
    with tried_by("tests.running.births") as answers:
        yield answers


@pytest.mark.parametrize(("who", "shape"), CALLERS)
@pytest.mark.parametrize("name", births.SCENES)
def test_a_command_is_what_subprocesss_would_be(tried: Tried, who: str, shape: str, name: str) -> None:
    nothing_is_wrong(tried, name, who, shape)
