"""Machines on a real Linux kernel.

Nothing is imported before it is used: a zygote and an image come through here too, and must start fast.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nscore.errors import Unavailable
    from nscore.interface.backend import Backend, World
assert not TYPE_CHECKING or sys.platform == "linux"


class LinuxBackend:
    """Backend of nscore.interface.backend."""

    name = "linux"

    @property
    def calls(self) -> Collection[str]:
        """What nscore.linux.calls has."""
        from nscore.linux.calls import TABLE

        return TABLE.keys()

    def available(self) -> Unavailable | None:
        """Try it, in a child."""
        from nscore.linux.available import tried

        return tried()

    def boot(self, options: Mapping[str, object]) -> World:
        """Boot a machine; there are no options."""
        from nscore.linux.world import LinuxWorld

        return LinuxWorld(options)


BACKEND: Backend = LinuxBackend()
