"""The event loops of tests."""

from __future__ import annotations

import pytest

from tests.conftest import need
from tests.running.loops import LOOPS, Loop, missing


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    """Each of the two loops."""
    need("linux")
    if missing(request.param):
        pytest.skip(missing(request.param))
    return LOOPS[request.param]
