# mypy: disable-error-code="empty-body"
"""namespaces(7): leaving, joining and asking for the relatives of a namespace."""

from __future__ import annotations

from nscore.flags import CloneFlag
from nscore.interface.caller import Caller, CInt, CUlong, syscall


class Namespaces(Caller):
    """unshare, setns and the ioctls of nsfs."""

    __slots__ = ()

    @syscall
    def unshare(self, flags: CloneFlag | CUlong) -> None:
        """Leave what flags names; new namespaces are created for the calling thread.

        For a PID namespace the caller stays where it is: its next child is the new one's PID 1.

        Raises, the first that applies:
            EINVAL: An unknown flag; or NEWUSER, THREAD, SIGHAND or VM in a process with threads.
            ENOSPC: NEWUSER: 33 levels deep, or the limit of user namespaces.
            EPERM: NEWUSER: the caller's ids are not mapped, or it is chrooted.
            EPERM: No CAP_SYS_ADMIN for another NEW* flag.
            EINVAL: NEWPID: an earlier unshare or setns is in force; or the PID namespace is owned by another user namespace.
            ENOSPC: NEWPID: 32 levels deep; or a limit of namespaces.

        unshare(2); rules CREATE, PREC-04
        """

    @syscall
    def setns(self, fd: CInt, nstype: CloneFlag | CInt = 0) -> None:
        """Join the namespace that fd refers to.

        For a PID namespace the caller stays where it is: its later children are born there.

        Args:
            fd: A /proc/PID/ns file or, since Linux 5.8, a pidfd.
            nstype: The type fd must have, 0 for any.  With a pidfd: the namespaces to join, at least one.

        Raises, the first that applies:
            EBADF: fd is not open.
            EINVAL: fd is neither, or not of type nstype; a pidfd with nstype 0 or an unknown bit.
            ESRCH: The pidfd's process has been reaped.
            EPERM: No ptrace access to the pidfd's process.
            ESRCH: The pidfd's process has given up its namespaces: a zombie, or an init in its shutdown.
            EINVAL: NEWUSER: already there, or a process with threads, or its directories are shared.
            EPERM: No CAP_SYS_ADMIN over the target or over the caller's own user namespace (NEWNS: CAP_SYS_CHROOT too).
            EINVAL: NEWNS: the caller's directories are shared.
            EINVAL: NEWPID: neither the caller's own PID namespace nor below it.
            EUSERS: NEWTIME: a process with threads.

        setns(2); rules SETNS, PREC-05, PIDFD-SETNS
        """

    @syscall
    def ns_get_parent(self, fd: CInt) -> int:
        """Return a descriptor of the parent of a PID or user namespace.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace.
            EINVAL: A namespace without a hierarchy.
            EPERM: The parent is neither the caller's own namespace nor below it.
            EMFILE: No descriptor is free.

        ioctl_ns(2), NS_GET_PARENT; rules NSFS-IOC
        """

    @syscall
    def ns_get_userns(self, fd: CInt) -> int:
        """Return a descriptor of the user namespace that owns the namespace; of a user namespace: its parent.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace.
            EPERM: The owner is neither the caller's user namespace nor below it.
            EMFILE: No descriptor is free (before Linux 6.12: before EPERM).

        ioctl_ns(2), NS_GET_USERNS; rule NSFS-IOC-04
        """

    @syscall
    def ns_get_nstype(self, fd: CInt) -> int:
        """Return the CLONE_NEW* flag of the namespace's type.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace.

        ioctl_ns(2), NS_GET_NSTYPE
        """

    @syscall
    def ns_get_owner_uid(self, fd: CInt) -> int:
        """Return the user id that created a user namespace, 65534 where it is not mapped for the caller.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace.
            EINVAL: Not a user namespace.

        ioctl_ns(2), NS_GET_OWNER_UID; rule NSFS-IOC-08
        """

    @syscall
    def ns_get_pid_from_pidns(self, fd: CInt, id: CInt) -> int:
        """Return the caller's number of the task that has the number id in fd's PID namespace.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace; a kernel before 6.11.
            EINVAL: Not a PID namespace.
            ESRCH: No such task there, or it has no number here.

        ioctl_nsfs(2), NS_GET_PID_FROM_PIDNS, since Linux 6.11; rules NSFS-IOC-05, NSFS-IOC-06
        """

    @syscall
    def ns_get_tgid_from_pidns(self, fd: CInt, id: CInt) -> int:
        """As ns_get_pid_from_pidns, with the number of the process that the thread id belongs to.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace; a kernel before 6.11.
            EINVAL: Not a PID namespace.
            ESRCH: No such task there, or it has no number here.

        ioctl_nsfs(2), NS_GET_TGID_FROM_PIDNS, since Linux 6.11
        """

    @syscall
    def ns_get_pid_in_pidns(self, fd: CInt, id: CInt) -> int:
        """Return the number in fd's PID namespace of the task that the caller knows as id.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace; a kernel before 6.11.
            EINVAL: Not a PID namespace.
            ESRCH: No such task here, or it has no number there.

        ioctl_nsfs(2), NS_GET_PID_IN_PIDNS, since Linux 6.11
        """

    @syscall
    def ns_get_tgid_in_pidns(self, fd: CInt, id: CInt) -> int:
        """As ns_get_pid_in_pidns, with the number of the process that the thread id belongs to.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTTY: fd is no namespace; a kernel before 6.11.
            EINVAL: Not a PID namespace.
            ESRCH: No such task here, or it has no number there.

        ioctl_nsfs(2), NS_GET_TGID_IN_PIDNS, since Linux 6.11
        """
