"""The environment that a command line's command is to have."""

from __future__ import annotations

import os


def inherited() -> dict[str, str]:
    """The environment as this process was given it: in the C locale Python sets LC_CTYPE, which is none of the command's.  PEP 538"""
    environ = dict(os.environ)
    try:
        with open("/proc/self/environ", "rb") as file:
            given = file.read()
    except OSError:  # no /proc yet
        return environ
    if not any(entry.startswith(b"LC_CTYPE=") for entry in given.split(b"\0")):
        environ.pop("LC_CTYPE", None)
    return environ
