"""Machines for tests: on every backend that this host has."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from nscore import Machine, available, boot

BACKENDS = ("sim", "linux")

if sys.platform == "linux":
    # A shell's background job ignores them, and so would what the tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def need(backend: str) -> None:
    """Skip where backend cannot be had; with NSCORE_STRICT set that is a failure."""
    why = available(backend)
    if why is None:
        return
    if os.environ.get("NSCORE_STRICT"):
        pytest.fail(f"{backend} cannot be exercised: {why}")
    pytest.skip(f"{backend}: {why}")


@pytest.fixture(params=BACKENDS)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """A machine on each backend."""
    need(request.param)
    with boot(request.param) as booted:
        yield booted
