"""What a check of tests.long is, and which there are."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from typing import TypeAlias

import nscore

#: A check's figures, and what failed.
Outcome: TypeAlias = "tuple[str, list[str]]"
Check: TypeAlias = Callable[[float], Outcome]

#: Name -> what makes the check at a scale.
CHECKS: dict[str, Check] = {}


class Skipped(Exception):
    """This machine cannot make the check: why."""


def check(run: Check) -> Check:
    """Register a check under its name."""
    CHECKS[run.__name__] = run
    return run


def scaled(number: int, scale: float) -> int:
    """number at the scale, at least 1."""
    return max(1, round(number * scale))


def need_linux(root: bool = False) -> None:
    """Skip where the Linux backend cannot be had."""
    why = nscore.available("linux")
    if why is not None:
        raise Skipped(f"linux: {why}")
    if root and sys.platform == "linux" and os.geteuid() != 0:
        raise Skipped("needs root")


def keeps_status() -> bool:
    """Whether the kernel tells of a status that somebody else has reaped: from 6.15 on.  ioctl_pidfd: PIDFD_GET_INFO"""
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    return found is not None and tuple(map(int, found.groups())) >= (6, 15)
