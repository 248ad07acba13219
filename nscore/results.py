"""What calls return: frozen records with C's field names.

Each is built from the plain tuple that crosses the waist, field by field in this order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Child:
    """What clone(2) tells the parent; pidfd where CLONE_PIDFD was asked for."""

    pid: int
    pidfd: int | None = None


@dataclass(frozen=True, slots=True)
class WaitResult:
    """What waitid(2) says about a child; fields in the order of os.waitid_result."""

    si_pid: int
    si_uid: int
    si_signo: int
    si_status: int
    si_code: int


@dataclass(frozen=True, slots=True)
class Siginfo:
    """siginfo_t as a handler or sigtimedwait(2) sees it.

    si_status belongs to what tells of a child (a positive si_code of SIGCHLD, or of the child's other exit signal), si_value to every
    other; the field that does not apply is 0.
    """

    si_signo: int
    si_code: int
    si_pid: int = 0
    si_uid: int = 0
    si_status: int = 0
    si_value: int = 0


@dataclass(frozen=True, slots=True)
class SigAction:
    """The action of a signal: a Disposition as int, and SA_* flags (without SA_RESTORER, which is the architecture's affair)."""

    handler: int
    flags: int


@dataclass(frozen=True, slots=True)
class Uname:
    """struct new_utsname."""

    sysname: str
    nodename: str
    release: str
    version: str
    machine: str
    domainname: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The three sets of capget(2), each an int with one bit a Capability."""

    effective: int
    permitted: int
    inheritable: int


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of struct stat that tell files apart; times and sizes on disk are left out."""

    st_dev: int
    st_ino: int
    st_mode: int
    st_nlink: int
    st_uid: int
    st_gid: int
    st_size: int


@dataclass(frozen=True, slots=True)
class PidfdInfo:
    """struct pidfd_info; mask (PidfdInfoMask) says which fields hold something.

    exit_code is a wait status, or None before the process is reaped.
    """

    mask: int
    cgroupid: int
    pid: int
    tgid: int
    ppid: int
    ruid: int
    rgid: int
    euid: int
    egid: int
    suid: int
    sgid: int
    fsuid: int
    fsgid: int
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """struct ucred, as SCM_CREDENTIALS carries it."""

    pid: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Message:
    """What recvmsg(2) received: the data, descriptors of SCM_RIGHTS, the sender's credentials where SO_PASSCRED is set, MSG_* flags."""

    data: bytes
    rights: tuple[int, ...]
    credentials: Credentials | None
    flags: int
