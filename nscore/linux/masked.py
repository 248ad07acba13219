"""A piece of work with all signals blocked in the calling thread, and its mask as it was afterwards, whatever a handler raises.

A signal that comes just before the mask is set is handled just after: Python's handlers run when the interpreter next looks, and raise
there.  So the mask to go back to is known before it is changed, and the C function itself changes it, which calls what is to be handled
in its end: when the work begins, nothing is left to be handled, and nothing comes between its end and the mask's return.
"""

from __future__ import annotations

import sys
from _signal import pthread_sigmask, valid_signals  # type: ignore[import-not-found]

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

SIG_BLOCK, SIG_SETMASK = 0, 2
EVERY = valid_signals()


def blocked(work: Callable[[], T]) -> T:
    """Do it so; what it returns."""
    mask = pthread_sigmask(SIG_BLOCK, ())
    try:
        try:
            pthread_sigmask(SIG_BLOCK, EVERY)
            return work()
        finally:
            pthread_sigmask(SIG_SETMASK, mask)
    finally:  # Python 3.10 looks for what is to be handled where a finally begins, too
        pthread_sigmask(SIG_SETMASK, mask)
