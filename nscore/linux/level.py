"""How deep the driver's own PID namespace lies."""

from __future__ import annotations

import functools
import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"


#: include/linux/proc_ns.h:PROC_PID_INIT_INO
INITIAL = 0xEFFFFFFC
#: include/linux/pid_namespace.h:MAX_PID_NS_LEVEL
DEEPEST = 32


@functools.cache
def level() -> int:
    """The level of this process's PID namespace, the initial one's being 0.

    Nobody tells it, so that elsewhere than in the initial one it is what is missing to the deepest.
    """
    if os.stat("/proc/self/ns/pid").st_ino == INITIAL:
        return 0
    return DEEPEST - depth_below()


def depth_below() -> int:
    """How many namespaces nest below, tried in a machine."""
    from nscore.errors import Errno
    from nscore.linux.driven import LinuxDriven
    from nscore.linux.world import LinuxWorld

    world = LinuxWorld({})
    try:
        at: LinuxDriven = world.init
        for below in range(1, DEEPEST + 1):
            child, out = at.create("clone", (0x20000000, 17, ()))
            if child is None:
                assert out == Errno("ENOSPC"), out
                return below
            at = child
    finally:
        world.close()
    raise AssertionError("namespaces nest deeper than the kernel allows")
