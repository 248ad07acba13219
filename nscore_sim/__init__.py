"""A model of the Linux kernel in memory: PID namespaces and what makes them useful.

A file is named after the kernel file whose job it has, a function after the kernel's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nscore.errors import Unavailable
from nscore.interface.backend import Backend, World


class SimBackend:
    """Backend of nscore.interface.backend."""

    name = "sim"

    @property
    def calls(self) -> Collection[str]:
        """What the model kernel has."""
        from nscore_sim.syscalls import TABLE

        return TABLE.keys()

    def available(self) -> Unavailable | None:
        """Everywhere."""
        return None

    def boot(self, options: Mapping[str, object]) -> World:
        """Boot a machine: nscore_sim.boot has the options."""
        from nscore_sim.world import SimWorld

        return SimWorld(options)


BACKEND: Backend = SimBackend()
