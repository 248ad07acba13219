"""Mounts, host names and user namespaces by keyword, as root and as an ordinary user: see extras.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from nscore.running import mounts, users
from tests.running.verdict import Tried, nothing_is_wrong, tried_by

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import extras


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    """The answers for root and for nobody, found out once."""
    with tried_by("tests.running.extras") as answers:
        yield answers


@pytest.mark.parametrize("who", ["root", "nobody"])
@pytest.mark.parametrize("name", extras.SCENES)
def test_a_command_has_what_it_wishes_for(tried: Tried, who: str, name: str) -> None:
    nothing_is_wrong(tried, name, who)


def test_mounts_are_plain_values_for_the_backend() -> None:
    wishes: list[mounts.Mount] = [mounts.ReadOnly(), mounts.Tmpfs(b"/a", 4096, 0o700), mounts.Bind("/b", "c", read_only=True)]
    assert [wish.lowered() for wish in wishes] == [
        ("read-only", "/"),
        ("tmpfs", "/a", "mode=700,size=4096"),
        ("bind", "/b", f"{os.getcwd()}/c", True),
    ]


def test_one_way_to_map_users_is_asked_for() -> None:
    assert users.wanted(None, None, False, False) is None
    lines: Any = [[0, 1, 2]]
    assert users.wanted(lines, None, False, False) == (((0, 1, 2),), None)
    assert (users.wanted(None, None, True, False), users.wanted(None, None, False, True)) == ("root", "current")
