"""Commands where no PID namespace is to be had, by the weaker ways that were asked for: see unnamespaced.py."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.check import Skipped
from tests.running.ordinary import HERE, as_nobody, needs_namespaces

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
            if who == "root" and os.geteuid() != 0:
                raise Skipped("needs root")
            place = HERE if who == "root" else stack.enter_context(as_nobody())
            needs_namespaces(place)
            argv = ["unshare", "-r", place.python, "-m", "tests.running.unnamespaced", who, way]
            done = subprocess.run(argv, check=True, cwd=place.root, stdout=subprocess.PIPE, timeout=120, **place.options)
            return dict(json.loads(done.stdout))

        yield answers


@pytest.mark.parametrize("who", ["root", "ordinary"])
@pytest.mark.parametrize("way", ["cgroup", "subreaper"])
@pytest.mark.parametrize("name", unnamespaced.SCENES)
def test_what_is_asked_for_is_done_and_said(tried: Tried, who: str, way: str, name: str) -> None:
    try:
        answer = tried(who, way)[name]
    except Skipped as why:
        pytest.skip(str(why))
    if "skipped" in answer:
        pytest.skip(answer["skipped"])
    assert not answer["wrong"], "\n".join(answer["wrong"])
