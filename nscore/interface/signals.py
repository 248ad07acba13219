# mypy: disable-error-code="empty-body"
"""signal(7): sending, handling, masking and taking signals."""

from __future__ import annotations

from nscore.flags import Disposition, SigActionFlag, SigCode, SigMask, Signal
from nscore.interface.caller import Caller, CInt, CUlong, Seconds, SignalSet, syscall
from nscore.results import SigAction, Siginfo


class Signals(Caller):
    """kill and its relatives, sigaction, masks."""

    __slots__ = ()

    @syscall
    def kill(self, pid: CInt, sig: Signal | CInt) -> None:
        """Send sig to a process, a group (0: the caller's own, below -1: -pid), or with -1 to all that the caller may name but itself.

        A namespace's init drops, without an error, what it has no handler for; KILL and STOP reach it from outside alone.

        Raises, the first that applies:
            ESRCH: No such process or group; -1: nobody else.
            EINVAL: No such signal.
            EPERM: The caller may signal none of them (-1: never).

        kill(2); rules KILL, SIG, PREC-06, PGRP-03 to 08
        """

    @syscall
    def tkill(self, tid: CInt, sig: Signal | CInt) -> None:
        """Send sig to one thread.

        Raises, the first that applies:
            EINVAL: tid <= 0.
            ESRCH: No such thread.
            EINVAL: No such signal.
            EPERM: The caller may not.

        tkill(2)
        """

    @syscall
    def tgkill(self, tgid: CInt, tid: CInt, sig: Signal | CInt) -> None:
        """Send sig to the thread tid of the process tgid.

        Raises, the first that applies:
            EINVAL: tgid <= 0 or tid <= 0.
            ESRCH: No such thread in that process.
            EINVAL: No such signal.
            EPERM: The caller may not.

        tgkill(2); rule VIS-09
        """

    @syscall
    def sigqueue(self, pid: CInt, sig: Signal | CInt, value: CInt = 0, code: SigCode | CInt = SigCode.QUEUE) -> None:
        """Send sig with a value and a si_code; si_pid and si_uid are the caller's own.

        Raises, the first that applies:
            EPERM: code is 0 or more, or TKILL, and pid is not the caller.
            ESRCH: No such process.
            EINVAL: No such signal.
            EPERM: The caller may not.
            EAGAIN: A real-time signal beyond RLIMIT_SIGPENDING.

        rt_sigqueueinfo(2); rules PREC-07, SINFO-03, SIG-18
        """

    @syscall
    def sigaction(self, sig: Signal | CInt, action: Disposition | CInt | None, flags: SigActionFlag | CUlong = 0) -> SigAction:
        """Set what becomes of sig and return the action before; None only asks.

        HANDLE installs a handler of nscore's that records the siginfo for received(), with all signals masked while it runs,
        SA_SIGINFO and flags, and no SA_RESTART unless flags has it.  On linux a driven process with a handler has all signals masked
        between its calls: of its threads another than the kernel's own choice may take one.

        Raises, the first that applies:
            EINVAL: No such signal; an action for KILL or STOP.

        sigaction(2)
        """

    @syscall
    def sigprocmask(self, how: SigMask | CInt, set: SignalSet) -> frozenset[int]:
        """Change the calling thread's mask and return the one before; KILL and STOP are left out.

        Raises, the first that applies:
            EINVAL: how is none of the three.

        sigprocmask(2)
        """

    @syscall
    def sigpending(self) -> frozenset[int]:
        """Return the signals that are pending for the thread or its process and masked.

        sigpending(2)
        """

    @syscall
    def sigtimedwait(self, set: SignalSet, seconds: Seconds | None = None) -> Siginfo:
        """Take one of the pending signals of set, waiting for it; None waits for ever.

        Raises, the first that applies:
            EAGAIN: The time is over.
            EINTR: A signal outside set was handled.

        sigtimedwait(2)
        """

    @syscall
    def pause(self) -> None:
        """Sleep until a signal is handled.

        Raises, the first that applies:
            EINTR: Always.

        pause(2)
        """
