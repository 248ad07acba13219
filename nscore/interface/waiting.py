# mypy: disable-error-code="empty-body"
"""wait(2): what becomes of children."""

from __future__ import annotations

from nscore.flags import IdType, WaitOption
from nscore.interface.caller import Caller, CInt, CUint, syscall
from nscore.results import WaitResult


class Waiting(Caller):
    """waitid and waitpid."""

    __slots__ = ()

    @syscall
    def waitid(self, idtype: IdType | CInt, id: CInt, options: WaitOption | CUint) -> WaitResult | None:
        """Wait for a child to change state; None where WNOHANG was given and none has.

        Numbers are those of the caller's PID namespace.

        Args:
            idtype: IdType; id is a PID, a process group (0: the caller's own) or a pidfd accordingly.
            options: At least one of EXITED, STOPPED, CONTINUED.

        Raises, the first that applies:
            EINVAL: An unknown option, or none of those three.
            EINVAL: An unknown idtype; id <= 0 with PID, < 0 with PGID or PIDFD.
            EBADF: id is no pidfd.
            ECHILD: No such child, or none of the kind that options ask for.
            EAGAIN: A non-blocking pidfd whose child lives.
            EINTR: A signal was handled.

        waitid(2); rules WAIT, EXITSIG-05, PIDFD-WAITID
        """

    @syscall
    def waitpid(self, pid: CInt, options: WaitOption | CUint = 0) -> tuple[int, int]:
        """Wait for a child: its PID and wait status, (0, 0) where WNOHANG was given and none is ready.  The call is wait4(2).

        Args:
            pid: A PID, -1 for any, 0 for the caller's process group, below -1 for the group -pid.

        Raises, the first that applies:
            EINVAL: An unknown option.
            ESRCH: pid is the least int.
            ECHILD: No such child, or none of the kind that options ask for.
            EINTR: A signal was handled.

        wait4(2); rules WAIT
        """
