"""The model plays where there is no Linux, and always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: The standard library's own modules are imported before the platform changes; then Linux's are gone.
ELSEWHERE = """
import argparse, contextlib, dataclasses, enum, errno, functools, heapq, inspect, itertools, os, random, re, shutil, sys, threading
import traceback, typing, warnings, importlib.metadata, textwrap, collections.abc, importlib, signal, time, types
sys.platform = PLATFORM
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ctypes", "fcntl", "_ctypes"):
            raise ImportError(f"no {name} here")
sys.meta_path.insert(0, Gone())
for name in ("ctypes", "fcntl", "_ctypes"):
    sys.modules.pop(name, None)
for name in ("fork", "waitid", "kill", "waitpid", "setns", "unshare", "pidfd_open", "pipe2", "getuid", "uname"):
    if hasattr(os, name):
        delattr(os, name)
import nscore.__main__
sys.exit(nscore.__main__.main(["walkthrough", *ARGS]))
"""


def play(platform: str, hash_seed: str = "0", args: tuple[str, ...] = ("--backend", "sim")) -> str:
    """The walkthrough's output on that platform."""
    program = f"PLATFORM, ARGS = {platform!r}, {args!r}\n{ELSEWHERE}"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_walkthrough_plays_on_the_model_elsewhere(platform: str) -> None:
    assert play(platform) == play("linux")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_without_a_name_it_says_why_and_plays_on_the_model(platform: str) -> None:
    first, _, rest = play(platform, args=()).partition("\n")
    assert platform in first
    assert rest == play(platform)


def test_the_hash_seed_changes_nothing() -> None:
    assert play("linux", "0") == play("linux", "1") == play("linux", "2")
