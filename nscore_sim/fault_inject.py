"""Failures on request.  Models lib/fault-inject.c.

A kind is the name of the kernel function that is to fail, (n, errno) says at which call of it from now on and how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from nscore.errors import Errno

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel

#: The functions that can be made to fail.
KINDS = ("alloc_pid", "copy_process")

Faults: TypeAlias = "dict[str, tuple[int, str]]"


def should_fail(kernel: Kernel, kind: str) -> None:
    """Fail if this is the call that was asked for.  lib/fault-inject.c:should_fail"""
    faults = kernel.faults
    if faults is None or kind not in faults:
        return
    n, name = faults[kind]
    if n > 1:
        faults[kind] = (n - 1, name)
        return
    del faults[kind]
    raise Errno(name)
