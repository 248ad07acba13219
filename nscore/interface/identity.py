# mypy: disable-error-code="empty-body"
"""credentials(7): PIDs, process groups, sessions, user and group ids, capabilities."""

from __future__ import annotations

from collections.abc import Sequence

from nscore.interface.caller import Caller, CId, CInt, CUlong, syscall
from nscore.results import Capabilities


class Identity(Caller):
    """Who a process is."""

    __slots__ = ()

    @syscall
    def getpid(self) -> int:
        """Return the caller's PID in its own PID namespace.

        unshare and setns do not change it: they move only later children.

        getpid(2); rule VIS-04
        """

    @syscall
    def gettid(self) -> int:
        """Return the calling thread's id in its own PID namespace.

        gettid(2)
        """

    @syscall
    def getppid(self) -> int:
        """Return the parent's PID in the caller's PID namespace, 0 where the parent is outside.

        getppid(2); rule VIS-05
        """

    @syscall
    def getpgid(self, pid: CInt = 0) -> int:
        """Return the process group of pid (0: the caller), 0 where the group is led from outside.

        Raises, the first that applies:
            ESRCH: No such process in the caller's PID namespace.

        getpgid(2); rule VIS-03
        """

    @syscall
    def setpgid(self, pid: CInt, pgid: CInt) -> None:
        """Move pid (0: the caller) to the process group pgid (0: its own).

        Raises, the first that applies:
            EINVAL: pgid is negative.
            ESRCH: No such process.
            EINVAL: pid is a thread that does not lead its process.
            EPERM: A child in another session.
            EACCES: A child that has exec'ed.
            ESRCH: Neither the caller nor a child of it.
            EPERM: pid leads a session.
            EPERM: No such group in the caller's session.

        setpgid(2); rule PREC-09
        """

    @syscall
    def getsid(self, pid: CInt = 0) -> int:
        """Return the session of pid (0: the caller), 0 where it is led from outside.

        Raises, the first that applies:
            ESRCH: No such process in the caller's PID namespace.

        getsid(2); rule VIS-03
        """

    @syscall
    def setsid(self) -> None:
        """Begin a session, and a process group in it, both numbered as the caller.

        Raises, the first that applies:
            EPERM: The caller leads a session, or a group with its number has members.

        setsid(2); rule PGRP-13
        """

    @syscall
    def getuid(self) -> int:
        """Return the real user id, 65534 where it is not mapped.

        getuid(2)
        """

    @syscall
    def geteuid(self) -> int:
        """Return the effective user id, 65534 where it is not mapped.

        getuid(2)
        """

    @syscall
    def getgid(self) -> int:
        """Return the real group id, 65534 where it is not mapped.

        getgid(2)
        """

    @syscall
    def getegid(self) -> int:
        """Return the effective group id, 65534 where it is not mapped.

        getgid(2)
        """

    @syscall
    def setuid(self, uid: CId) -> None:
        """Set the effective user id, and with CAP_SETUID the real and the saved one too.

        Raises, the first that applies:
            EINVAL: uid is not mapped in the caller's user namespace.
            EPERM: Without CAP_SETUID, uid is neither the real nor the saved id.

        setuid(2); rules USER-27, USER-40
        """

    @syscall
    def setgid(self, gid: CId) -> None:
        """Set the effective group id, and with CAP_SETGID the real and the saved one too.

        Raises, the first that applies:
            EINVAL: gid is not mapped in the caller's user namespace.
            EPERM: Without CAP_SETGID, gid is neither the real nor the saved id.

        setgid(2)
        """

    @syscall
    def setreuid(self, ruid: CId, euid: CId) -> None:
        """Set the real and the effective user id; -1 leaves one as it is.

        Raises, the first that applies:
            EINVAL: An id is not mapped.
            EPERM: Without CAP_SETUID, an id the caller does not have.

        setreuid(2)
        """

    @syscall
    def setregid(self, rgid: CId, egid: CId) -> None:
        """Set the real and the effective group id; -1 leaves one as it is.

        Raises, the first that applies:
            EINVAL: An id is not mapped.
            EPERM: Without CAP_SETGID, an id the caller does not have.

        setregid(2)
        """

    @syscall
    def setresuid(self, ruid: CId, euid: CId, suid: CId) -> None:
        """Set the real, effective and saved user id; -1 leaves one as it is.

        Raises, the first that applies:
            EINVAL: An id is not mapped.
            EPERM: Without CAP_SETUID, an id the caller does not have.

        setresuid(2)
        """

    @syscall
    def setresgid(self, rgid: CId, egid: CId, sgid: CId) -> None:
        """Set the real, effective and saved group id; -1 leaves one as it is.

        Raises, the first that applies:
            EINVAL: An id is not mapped.
            EPERM: Without CAP_SETGID, an id the caller does not have.

        setresuid(2)
        """

    @syscall
    def getgroups(self) -> tuple[int, ...]:
        """Return the supplementary groups, sorted.

        getgroups(2)
        """

    @syscall
    def setgroups(self, groups: Sequence[CId]) -> None:
        """Set the supplementary groups.

        Raises, the first that applies:
            EPERM: No CAP_SETGID, gid_map not written, or setgroups denied in the user namespace.
            EINVAL: More than 65536 groups, or one that is not mapped.

        setgroups(2); rule USER-26
        """

    @syscall
    def capget(self, pid: CInt = 0) -> Capabilities:
        """Return the capability sets of the thread pid (0: the caller).

        Raises, the first that applies:
            EINVAL: pid is negative.
            ESRCH: No such thread in the caller's PID namespace.

        capget(2); rule USER-42
        """

    @syscall
    def capset(self, effective: CUlong, permitted: CUlong, inheritable: CUlong) -> None:
        """Set the calling thread's capability sets.

        Raises, the first that applies:
            EPERM: inheritable has what is neither inheritable nor permitted (without CAP_SETPCAP) or not in the bounding set.
            EPERM: permitted has what is not permitted now.
            EPERM: effective has what is not in the new permitted set.

        capset(2); rule USER-42
        """
