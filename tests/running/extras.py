"""Commands with mounts, a host name and a user namespace of their own.  A program that tries them, as whoever starts it.

    python -m tests.running.extras [NAME...]

Each is tried in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

if sys.platform == "linux":
    from tests.running import furnished, mapped
    from tests.running.forks import apart
    from tests.running.wishes import SCENES

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

__all__ = ["SCENES", "furnished", "mapped"]


def main(names: list[str]) -> None:
    """Print what became of each, as JSON."""

    def tried(body: Callable[[], None]) -> Callable[[], list[str]]:
        def wrong() -> list[str]:
            body()
            return []

        return wrong

    os.chdir("/")
    print(json.dumps({name: apart(tried(SCENES[name])) for name in names or SCENES}))


if __name__ == "__main__":
    main(sys.argv[1:])
