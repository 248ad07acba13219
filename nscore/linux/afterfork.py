"""What makes the child of a raw clone a sound Python process, and why.

os.fork() is more than a system call: around it the C library takes its own locks, the interpreter takes its own, and both are put right in
the child.  A raw clone has to do so itself:

- The GIL is kept across the call: a child that is born without it waits for it for ever, since its owner is a thread of the parent's.
- PyOS_BeforeFork and PyOS_AfterFork_Child or _Parent come in pairs, on failure too.  They run os.register_at_fork()'s functions, forget the
  other threads and renew the interpreter's locks.  Nothing runs between them but the one foreign call, the collector included.
- The C library remembers its thread's id at the address that set_tid_address(2) was told of; CLONE_CHILD_SETTID writes the child's there.
- The C library's locks (malloc's, stdio's, the loader's) cannot be put right from outside: a raw clone is for a process of one thread,
  or for one whose other threads are known to sleep in a system call.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from _thread import get_ident

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import POINTER
from nscore.linux.structs import buffer

if TYPE_CHECKING:
    from collections.abc import Callable

PR_GET_TID_ADDRESS = 40

_before = ctypes.pythonapi.PyOS_BeforeFork
_after_child = ctypes.pythonapi.PyOS_AfterFork_Child
_after_parent = ctypes.pythonapi.PyOS_AfterFork_Parent
#: Without one there are threads that the C library may have started in malloc at any moment.
HAS_GIL = bool(getattr(sys, "_is_gil_enabled", lambda: True)())
_addresses: dict[int, int] = {}
for _hook in (_before, _after_child, _after_parent):
    _hook.argtypes, _hook.restype = (), None


#: The threads, by get_ident(), whose next fork only execs: what it inherits is closed there, and to do it before takes as long as the fork.
execs: set[int] = set()


def hooked(enter: Callable[..., int], *args: object) -> int:
    """Make the foreign call that creates a process, between the interpreter's hooks; 0 in the child, -1 where it failed."""
    collecting = gc.isenabled()
    gc.disable()
    _before()
    result = enter(*args)
    (_after_child if result == 0 else _after_parent)()
    if collecting:
        gc.enable()
    return result


def tid_address() -> int:
    """Where the C library keeps the calling thread's id; 0 where the kernel does not tell (no CONFIG_CHECKPOINT_RESTORE).

    It is asked once a thread: what it finds lies in the C library's own description of the thread, which get_ident() names.
    """
    ident = get_ident()
    found = _addresses.get(ident)
    if found is None:
        found = _addresses[ident] = _tid_address()
    return found


def _tid_address() -> int:
    where = buffer(POINTER)
    try:
        syscall("prctl", PR_GET_TID_ADDRESS, where, 0, 0, 0)
    except OSError:  # EINVAL: the kernel was built without the option
        return 0
    return int.from_bytes(where.raw, sys.byteorder)


def alone() -> bool:
    """Whether the process has one thread and a GIL.  fs/proc/base.c:proc_task_getattr counts C libraries' threads too."""
    return HAS_GIL and os.stat("/proc/self/task").st_nlink == 3


def glibc() -> bool:
    """Whether the C library is glibc.  musl's tid address is that of a lock, and only its own fork puts its counters right."""
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (ValueError, OSError):
        return False


def forget() -> None:
    """Drop what the child of a program must not share with its parent.

    The hooks do most of it; these are told apart by PID, and a nested init has its parent's.
    """
    import signal

    signal.set_wakeup_fd(-1)
    if "tempfile" in sys.modules:
        sys.modules["tempfile"]._name_sequence = None  # type: ignore[attr-defined]
    if "asyncio" in sys.modules:
        sys.modules["asyncio"]._set_running_loop(None)
