"""Calls: every call that means the same wherever it is made."""

from __future__ import annotations

from nscore.interface.files import Files
from nscore.interface.identity import Identity
from nscore.interface.mounts import Mounts
from nscore.interface.namespaces import Namespaces
from nscore.interface.pidfds import Pidfds
from nscore.interface.signals import Signals
from nscore.interface.system import System
from nscore.interface.waiting import Waiting


class Calls(Identity, Namespaces, Waiting, Signals, Pidfds, Files, Mounts, System):
    """All families of calls.

    An error is the OSError subclass that Python gives the errno, with the message "call: reason".  Arguments of a wrong type are a
    TypeError, numbers out of C's range an OverflowError, a NUL in a path a ValueError, before anything happened.  A call that a
    backend does not have is Unavailable.
    """

    __slots__ = ()
