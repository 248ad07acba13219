"""nscore/__init__.py: the public names, some of which are imported when they are asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nscore

ROOT = Path(__file__).parent.parent


def alone(program: str) -> None:
    """Run a program in an interpreter of its own, which has imported nothing yet."""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_every_public_name_is_there() -> None:
    assert all(hasattr(nscore, name) for name in nscore.__all__)
    assert set(nscore.__all__) <= set(dir(nscore))
    assert len(set(nscore.__all__)) == len(nscore.__all__)


def test_what_runs_commands_is_imported_when_it_is_asked_for() -> None:
    alone("import sys, nscore; assert not {'subprocess', 'nscore.running', 'asyncio', 'ctypes'} & set(sys.modules)")
    alone("import sys, nscore; assert 'run' in dir(nscore); nscore.run; assert nscore.running.run is nscore.run")
    alone("from nscore import *; run, Popen, aio, init, explain; assert issubclass(TimeoutExpired, Exception)")


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'nscore' has no attribute 'no_such_name'"):
        _ = nscore.no_such_name  # type: ignore[attr-defined]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_all_can_be_imported_and_says_that_it_needs_linux(platform: str) -> None:
    """subprocess and selectors are this system's own: they are imported before the platform changes."""
    alone(f"""
import asyncio, subprocess, sys, nscore
sys.platform = {platform!r}
[getattr(nscore, name) for name in nscore.__all__]
assert not [name for name in sys.modules if name.startswith("nscore.linux")]
for attempt in (lambda: nscore.run(["true"]), lambda: nscore.Popen("true", shell=True), lambda: asyncio.run(nscore.aio.run(["true"]))):
    try:
        attempt()
    except nscore.Unavailable as error:
        assert "Linux" in str(error)
    else:
        raise AssertionError
""")
