"""A command that is its own init, made by the calling thread itself: it leaves its PID namespace for its children, makes one by
subprocess's own vfork and exec, and comes back, and meanwhile none of the caller's code runs in it.

A handler of a signal that ran there and forked would have its child in the new namespace; and signals cannot be blocked, since the command
inherits the mask.  But handlers run between bytecodes alone.  So the three calls are made by one, zip(), which asks an iterator for each;
iter(call, -1) makes the call, and ends where it has failed.  What they have answered is in a list before anything else runs.

For a mount or UTS namespace there is a thread, which ends there: who left his mounts would have to find back to his directory and root
too.  But to start it, to have it woken and to have its caller woken costs a third of the time of a subprocess.run().
"""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from itertools import islice
from types import FunctionType, SimpleNamespace

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls.creation import NEWPID
from nscore.linux.calls.syscall import holding_gil
from nscore.linux.numbers import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Where the calling thread's children are born.
HOME = "/proc/thread-self/ns/pid_for_children"
#: What no call returns, so that all are made.
NEVER = object()
_unshare = partial(holding_gil(1), NUMBERS["unshare"], NEWPID)
_setns = partial(holding_gil(2), NUMBERS["setns"])


class Stay(Exception):
    """It cannot be made so: the namespace is not to be had, or there is no way back, or no child."""


class Visit:
    """To a new PID namespace, for one command.

    Attributes:
        settled: Whether somebody has taken charge of what was made.
    """

    def __init__(self) -> None:
        self.settled = False
        self._home: list[int] = []
        #: What leaving, making and coming back have answered; nothing where no child was made.
        self._answers: list[tuple[int, int, int]] = []

    @property
    def pid(self) -> int:
        """The child's, as its parent sees it; 0 where there is none."""
        return self._answers[0][1] if self._answers else 0

    def make(self, execute: FunctionType, popen: object, args: tuple[Any, ...]) -> None:
        """Call execute, which is subprocess.Popen._execute_child, and have its child made there.

        Raises:
            Stay: None was made.
            OSError: As execute: the child could not execute anything, and has been reaped.
        """
        names = {**execute.__globals__, "_USE_POSIX_SPAWN": False}
        if "_fork_exec" in names:
            names["_fork_exec"] = partial(self._fork_exec, names["_fork_exec"])
        elif "_posixsubprocess" not in names:  # neither as Python 3.11 to 3.14 have it nor as those before
            raise Stay
        else:
            names["_posixsubprocess"] = SimpleNamespace(fork_exec=partial(self._fork_exec, names["_posixsubprocess"].fork_exec))
        FunctionType(execute.__code__, names, execute.__name__, execute.__defaults__, execute.__closure__)(popen, *args)

    def close(self) -> None:
        """Be sure to be back."""
        for fd in self._home:
            if not self._answers or self._answers[0][2]:
                _setns(fd, NEWPID)  # where there is no child nobody has come back
            os.close(fd)
        self._home.clear()

    def _fork_exec(self, fork_exec: Callable[..., int], *args: Any) -> int:
        try:
            self._home.extend(map(os.open, (HOME,), (os.O_RDONLY | os.O_CLOEXEC,)))
            home = partial(_setns, self._home[0], NEWPID)
            if home() == -1:  # it is there still; EPERM where another user namespace owns it
                raise Stay
            calls = zip(iter(_unshare, -1), iter(partial(fork_exec, *args), NEVER), iter(home, NEVER))
            collects = gc.isenabled()
            try:
                gc.disable()  # what it calls is Python
                self._answers.extend(islice(calls, 1))
            finally:
                if collects:
                    gc.enable()
        except OSError:
            raise Stay from None
        if not self._answers:
            raise Stay
        return self.pid

    def __del__(self) -> None:
        self.close()
