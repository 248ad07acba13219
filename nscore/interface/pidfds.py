# mypy: disable-error-code="empty-body"
"""pidfd_open(2): processes by file descriptor."""

from __future__ import annotations

from nscore.flags import PidfdFlag, PidfdNamespace, PidfdSignalFlag, Signal
from nscore.interface.caller import Caller, CInt, CUint, syscall
from nscore.results import PidfdInfo, Siginfo


class Pidfds(Caller):
    """The pidfd_* calls and the ioctls of pidfs."""

    __slots__ = ()

    @syscall
    def pidfd_open(self, pid: CInt, flags: PidfdFlag | CUint = 0) -> int:
        """Return a close-on-exec descriptor of the process (THREAD: the thread) pid.

        Raises, the first that applies:
            EINVAL: An unknown flag; pid <= 0.
            ESRCH: No such number in the caller's PID namespace; since 6.16: no task has it.
            ENOENT: A thread that does not lead its process, without THREAD (before 6.16: EINVAL).
            EMFILE: No descriptor is free.

        pidfd_open(2), since Linux 5.3; rules PIDFD-OPEN
        """

    @syscall
    def pidfd_send_signal(self, fd: CInt, sig: Signal | CInt, siginfo: Siginfo | None = None, flags: PidfdSignalFlag | CUint = 0) -> None:
        """Send sig to the process that fd refers to.

        Args:
            fd: A pidfd or a descriptor of a directory /proc/PID.
            siginfo: What the receiver sees; None: as kill(2) says it.
            flags: The scope, otherwise the descriptor's own; since 6.9.

        Raises, the first that applies:
            EINVAL: An unknown flag, or more than one.
            EBADF: fd is neither.
            EINVAL: The process has no number in the caller's PID namespace.
            EINVAL: siginfo has another si_signo.
            EPERM: siginfo's si_code is 0 or more, or TKILL, and the target is not the calling thread.
            ESRCH: The process has been reaped; PROCESS_GROUP: no group of that number.
            EINVAL: No such signal.
            EPERM: The caller may not.

        pidfd_send_signal(2), since Linux 5.1; rules PIDFD-SEND
        """

    @syscall
    def pidfd_getfd(self, fd: CInt, targetfd: CInt) -> int:
        """Return a close-on-exec duplicate of the descriptor targetfd of the process that fd refers to.

        Raises, the first that applies:
            EBADF: fd is no pidfd.
            ESRCH: The process has been reaped.
            EPERM: No ptrace access to it.
            ESRCH: It is a zombie.
            EBADF: It has no such descriptor.
            EMFILE: No descriptor is free.

        pidfd_getfd(2), since Linux 5.6; rules PIDFD-GETFD
        """

    @syscall
    def pidfd_get_info(self, fd: CInt) -> PidfdInfo:
        """Return what the kernel knows of the process, in numbers of the caller's namespaces.

        Every request bit but COREDUMP and SUPPORTED_MASK is set, EXIT too: a reaped process still tells its exit code.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no pidfd.
            EREMOTE: The process has no number in the caller's PID namespace (before 6.18.15: ESRCH).

        ioctl_pidfd(2), PIDFD_GET_INFO, since Linux 6.13; rules PIDFD-INFO
        """

    @syscall
    def pidfd_get_namespace(self, fd: CInt, kind: PidfdNamespace | CInt) -> int:
        """Return a close-on-exec descriptor of a namespace of the process.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no pidfd, or kind is unknown.
            ESRCH: The process is a zombie or has been reaped.
            EACCES: No ptrace access to it.
            EMFILE: No descriptor is free.

        ioctl_pidfd(2), since Linux 6.11; rules PIDFD-NSIOC
        """
