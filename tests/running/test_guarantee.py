"""Commands where no PID namespace is to be had, by the weaker ways that were asked for: see unnamespaced.py."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.check import Skipped
from tests.running.ordinary import needs_namespaces
from tests.running.verdict import nothing_is_wrong, place_of

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import unnamespaced

Tried = Callable[[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    """The answers for somebody with a way, found out once."""
    with ExitStack() as stack:

        @functools.cache
        def answers(who: str, way: str) -> dict[str, Any]:
            if not shutil.which("unshare"):
                raise Skipped("needs unshare(1)")
            place = place_of(who, stack)
            if who == "root":
                needs_namespaces(place)
            argv = ["unshare", "-r", place.python, "-m", "tests.running.unnamespaced", who, way]
            done = subprocess.run(argv, check=True, cwd=place.root, stdout=subprocess.PIPE, timeout=120, **place.options)
            return dict(json.loads(done.stdout))

        yield answers


@pytest.mark.parametrize("who", ["root", "ordinary"])
@pytest.mark.parametrize("way", ["cgroup", "subreaper"])
@pytest.mark.parametrize("name", unnamespaced.SCENES)
def test_what_is_asked_for_is_done_and_said(tried: Tried, who: str, way: str, name: str) -> None:
    nothing_is_wrong(tried, name, who, way)
