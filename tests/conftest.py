"""Machines for tests: on every backend that this host has."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from nscore import Machine, available, boot

BACKENDS = ("sim", "linux")


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
