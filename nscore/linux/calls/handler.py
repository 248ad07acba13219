"""The handler that records siginfos: one closure for all signals, made at import, before anything forks.

It is Python code that the kernel enters, so it must find the interpreter's lock free: a signal may be unmasked only while its thread is
inside a foreign call that dropped the GIL.  There the handler takes the lock, records, and gives it back.  In a thread that runs
bytecode it would run in the middle of whatever C code it met, malloc included.  Who drives a process therefore keeps all signals
masked, opens the mask with sigprocmask (what is pending is delivered inside that very call), makes the one call, and masks again; who
waits for commands does so in ppoll with the mask as its argument, which leaves no gap at all.

A child that was forked inherits what its parent has recorded: it begins with received().
"""

from __future__ import annotations

import sys
from ctypes import CFUNCTYPE, byref, c_int, c_void_p, cast

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import ARCH, SIGSET_SIZE
from nscore.linux.structs import kernel_sigaction, siginfo, siginfo_t

SA_RESTORER = 0x04000000
_SEEN: list[tuple[int, int, int, int, int, int]] = []


def received() -> tuple[tuple[int, int, int, int, int, int], ...]:
    """The siginfos recorded since the last look, oldest first, each as results.Siginfo's fields.  No system call."""
    # One by one: what is recorded meanwhile is taken too, or left for the next look, but never lost.
    return tuple([_SEEN.pop(0) for _ in range(len(_SEEN))])


def _record(sig: int, info: int, ucontext: int) -> None:
    _SEEN.append(siginfo(siginfo_t.from_address(info)))


_CLOSURE = CFUNCTYPE(None, c_int, c_void_p, c_void_p)(_record)
#: Its code, for sa_handler.
HANDLER = cast(_CLOSURE, c_void_p).value


def _find_restorer() -> int:
    """The code that a handler returns to, where the kernel has none of its own: x86-64 alone, and there it is a must.

    The C library gives its own with every action that it sets, for SIG_IGN and SIG_DFL too, and Python has set some before this module
    can be imported.  A page of machine code would do as well, but not where writable memory may not become executable.
    """
    if ARCH != "x86_64":
        return 0
    for sig in range(1, 65):
        action = kernel_sigaction()
        syscall("rt_sigaction", sig, None, byref(action), SIGSET_SIZE)
        if action.sa_flags & SA_RESTORER and action.sa_restorer:
            found: int = action.sa_restorer
            return found
    return 0


_RESTORER = _find_restorer()


def recording(flags: int) -> kernel_sigaction:
    """The action that records, with all signals masked meanwhile.  flags are the architecture's, SA_SIGINFO among them."""
    action = kernel_sigaction(sa_handler=HANDLER, sa_flags=flags)
    for word in range(len(action.sa_mask.sig)):
        action.sa_mask.sig[word] = -1
    if ARCH == "x86_64":
        if not _RESTORER:
            raise Unavailable("no action of the C library's was found to take sa_restorer from")
        action.sa_flags |= SA_RESTORER
        action.sa_restorer = _RESTORER
    return action
