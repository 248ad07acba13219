"""Calls made ready ahead of a fork, for syscall(*call) in it: whatever a fork touches for the first time has to be copied.

They are plain values, which a message can carry too.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.numbers import ARCH, SIGPROCMASK_HOW, SIGSET_SIZE
from nscore.linux.structs import cap_user_data, cap_user_header, kernel_sigaction, sigset

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    #: A name and its arguments: int, bytes, None.
    Call: TypeAlias = "tuple[Any, ...]"

SIG_SETMASK = 2
#: Dispositions.
DEFAULT, IGNORE = 0, 1


def setting_mask(signals: Iterable[int]) -> Call:
    """rt_sigprocmask(2) with SIG_SETMASK."""
    how = SIGPROCMASK_HOW.get(ARCH, {}).get(SIG_SETMASK, SIG_SETMASK)
    return "rt_sigprocmask", how, bytes(sigset(signals)), None, SIGSET_SIZE


def setting_action(sig: int, action: int) -> Call:
    """rt_sigaction(2) with DEFAULT or IGNORE."""
    return "rt_sigaction", sig, bytes(kernel_sigaction(sa_handler=action)), None, SIGSET_SIZE


def setting_capabilities(effective: int, permitted: int, inheritable: int) -> Call:
    """capset(2), version 3: the calling thread alone."""
    low = cap_user_data(effective & 0xFFFFFFFF, permitted & 0xFFFFFFFF, inheritable & 0xFFFFFFFF)
    high = cap_user_data(effective >> 32, permitted >> 32, inheritable >> 32)
    return "capset", bytes(cap_user_header(0x20080522, 0)), bytes(low) + bytes(high)


def controlling(option: int, *args: int) -> Call:
    """prctl(2); the arguments that are not given are 0."""
    return "prctl", option, *args, *(0,) * (4 - len(args))
