"""Clone from a process with four busy threads: every child is sound.  A child that hangs is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from tests.linux.busy import MAKERS

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "linux" and os.geteuid() != 0, reason="needs root")


def unsound(maker: str, way: str, count: int) -> int:
    """How many of count children were not sound; the way "" is what clone() finds."""
    environment = {**os.environ, "NSCORE_CLONE": way, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "tests.linux.busy", maker, str(count)]
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=60 + count, check=False).returncode


@pytest.mark.parametrize("way", ["", "fork"])
@pytest.mark.parametrize("maker", MAKERS)
def test_ten_of_ten_children_are_sound(maker: str, way: str) -> None:
    assert unsound(maker, way, 10) == 0
