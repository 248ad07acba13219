# mypy: disable-error-code="empty-body"
"""prctl(2), uname(2), reboot(2) and time."""

from __future__ import annotations

from typing import cast

from nscore.flags import Prctl, Reboot
from nscore.interface.backend import Args
from nscore.interface.caller import Caller, CInt, CUint, CUlong, Seconds, checked, syscall
from nscore.results import Uname


def _prctl_arguments(args: Args) -> None:
    option, arg = args
    if (option == Prctl.SET_NAME) != isinstance(arg, str):
        raise TypeError(f"prctl: arg must be {'str' if option == Prctl.SET_NAME else 'int'} for option {cast(int, option)}")


class System(Caller):
    """What sys.c of the kernel holds, and clocks."""

    __slots__ = ()

    @checked(_prctl_arguments)
    def prctl(self, option: Prctl | CInt, arg: CUlong | str = 0) -> int | str:
        """Set or get an attribute of the process or thread; the value of a GET option, otherwise 0.

        Args:
            arg: A str (cut to 15 bytes) for SET_NAME, which names the thread; an int for all others.

        Raises, the first that applies:
            EINVAL: An unknown option; a value that it does not take.
            EPERM: CAPBSET_DROP without CAP_SETPCAP; a locked securebit.

        prctl(2); rules MISC-01 to 05, PDEATH-01, REPARENT-06
        """

    @syscall
    def uname(self) -> Uname:
        """Return the names of the caller's UTS namespace.

        uname(2); rule UTS-03
        """

    @syscall
    def sethostname(self, name: str) -> None:
        """Set the node name of the caller's UTS namespace, at most 64 bytes.

        Raises, the first that applies:
            EPERM: No CAP_SYS_ADMIN in the user namespace that owns the UTS namespace.
            EINVAL: More than 64 bytes.

        sethostname(2); rule UTS-02
        """

    @syscall
    def reboot(self, cmd: Reboot | CUint) -> None:
        """End the caller's PID namespace: its init is reported as killed by HUP (RESTART, RESTART2) or INT (HALT, POWER_OFF).

        It does not return.  A machine's namespace is never the initial one, where the call would be real.

        Raises, the first that applies:
            EPERM: No CAP_SYS_BOOT in the user namespace that owns the PID namespace.
            EINVAL: Any other cmd.

        reboot(2); rules REBOOT
        """

    @syscall
    def sleep(self, seconds: Seconds) -> None:
        """Sleep; the call is clock_nanosleep(2) on CLOCK_MONOTONIC.

        Raises, the first that applies:
            EINTR: A signal was handled.
        """

    @syscall
    def monotonic(self) -> Seconds:
        """Return CLOCK_MONOTONIC in seconds; only differences mean something.

        clock_gettime(2)
        """
