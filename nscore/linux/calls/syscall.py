"""The way into the kernel: the C library's syscall(2), through ctypes, and but for the clone of clone_pause no other function of it.

Every argument crosses as a whole register: an int of either sign, None for NULL, bytes, or what ctypes.byref and structs.buffer give.
Left to itself ctypes would pass an int as C's int, in 32 bits.
"""

from __future__ import annotations

import os
import sys
from ctypes import CDLL, POINTER, PyDLL, addressof, byref, c_char, c_char_p, c_int, c_long, c_void_p, cast, get_errno

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.numbers import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap


def entry(library: CDLL, arity: int) -> Callable[..., int]:
    """syscall(2) for a number and so many arguments; -1 and ctypes' errno where the call failed."""
    function = library["syscall"]
    function.argtypes = (c_long, *(c_void_p,) * arity)
    function.restype = c_long
    return function


_DROPS_GIL = CDLL(None, use_errno=True)
_LIBC_CLONE = _DROPS_GIL["clone"]
_LIBC_CLONE.argtypes = (c_void_p, c_void_p, c_int, c_void_p, c_void_p, c_void_p, c_void_p)
_BY_ARITY = tuple([entry(_DROPS_GIL, arity) for arity in range(7)])


def syscall(name: str | int, *args: object) -> int:
    """Make the call, by name or by number, without the GIL, and return its result.

    An error is an OSError with the message "name: reason", EINTR included.
    """
    result = _BY_ARITY[len(args)](NUMBERS[name] if isinstance(name, str) else name, *args)
    if result == -1:
        raise failure(name)
    return result


def failure(name: str | int) -> OSError:
    """The OSError of the call that has just failed in this thread."""
    number = get_errno()
    return OSError(number, f"{name}: {os.strerror(number)}")


def holding_gil(arity: int) -> Callable[..., int]:
    """A foreign function (number, arguments) -> result that keeps the GIL, for what makes a process.

    A child that is born without the GIL waits for it for ever: its owner is a thread of the parent's.  -1 is an error: see failure.
    """
    return entry(PyDLL(None, use_errno=True), arity)


def clone_pause(stack: mmap, flags: int) -> int:
    """Clone a process that shares our memory and does nothing but pause(2): its pidfd.

    This is the one place where the C library's clone is called: a child that shares memory needs a stack of its own and must run no
    Python.  flags have CLONE_PIDFD; stack is to be kept as long as the child lives.
    """
    buffer = c_char.from_buffer(stack)
    top = addressof(buffer) + len(stack) - 64
    pidfd = c_int(-1)
    if _LIBC_CLONE(cast(_DROPS_GIL["pause"], c_void_p), top, flags, None, byref(pidfd), None, None) < 0:
        raise failure("clone")
    return pidfd.value


#: As syscall, for calls that take nothing, cannot fail and never sleep: (number) -> result.  It costs half: nothing is converted, errno
#: is left alone, and the GIL is kept.
getter: Callable[[int], int] = PyDLL(None)["syscall"]
getter.restype = c_long  # type: ignore[attr-defined]


def environ() -> list[bytes]:
    """What execv would give its program: what of C's has put there is not in os.environ."""
    found: list[bytes] = []
    strings = POINTER(c_char_p).in_dll(_DROPS_GIL, "environ")
    while strings and strings[len(found)] is not None:
        found.append(strings[len(found)])
    return found
