"""Why a namespace is not joined, and why its relatives are not shown: setns and the ioctls of nsfs."""

from __future__ import annotations

from nscore.flags import Capability, CloneFlag
from nscore.running.causes.cause import (
    CAP_SYS_ADMIN,
    CONFINED,
    DESCRIPTORS,
    FILTERED,
    FLAGS,
    NEW,
    NEWNS,
    NEWUSER,
    Applies,
    Cause,
    always,
    both,
    lacks,
    target,
)
from nscore.running.facts import Facts
from nscore.running.failures import Failure

NEWTIME = int(CloneFlag.NEWTIME)


def wanted(failure: Failure, facts: Facts) -> int:
    """The flags of the namespaces that are to be joined."""
    return failure.number("nstype", 0) or FLAGS.get(facts.target.nstype or "", 0)


def joins(flag: int) -> Applies:
    """A namespace of that kind is to be joined."""
    return lambda failure, facts: bool(wanted(failure, facts) & flag)


def no_namespace(failure: Failure, facts: Facts) -> bool:
    """The descriptor is neither a namespace nor a pidfd."""
    return facts.target.nstype == ""


def another_type(failure: Failure, facts: Facts) -> bool:
    """It is a namespace of another kind than nstype says."""
    return bool(facts.target.nstype) and failure.number("nstype", 0) not in (0, FLAGS.get(facts.target.nstype or "", 0))


def no_types(failure: Failure, facts: Facts) -> bool:
    """A pidfd stands for all namespaces of its process, so that nstype must choose."""
    nstype = failure.number("nstype", 0)
    return "[pidfd]" in facts.target.path and (not nstype or bool(nstype & ~(NEW | NEWUSER)))


def threaded(failure: Failure, facts: Facts) -> bool:
    """The process has more than one thread."""
    return (facts.threads or 1) > 1


NOT_OPEN = Cause(
    "not_open",
    "EBADF",
    target(exists=False),
    "the process has no such descriptor open: it was closed, or belongs to another process (also: not inherited across exec)",
    "Pass a descriptor that this process has open",
    "fs/file.c:fget",
)
SETNS = (
    FILTERED,
    NOT_OPEN,
    Cause(
        "not_a_namespace",
        "EINVAL",
        no_namespace,
        "the descriptor is neither a namespace nor a pidfd: it is {target.path}",
        "Open /proc/PID/ns/pid or the like, or take pidfd_open(PID)",
        "kernel/nsproxy.c:setns; rule SETNS",
    ),
    Cause(
        "nstype_differs",
        "EINVAL",
        another_type,
        "the descriptor is a namespace of the type {target.nstype}, and nstype names another",
        "Pass the CLONE_NEW* flag of its type, or 0",
        "kernel/nsproxy.c:setns; rule SETNS",
    ),
    Cause(
        "nstype_missing",
        "EINVAL",
        no_types,
        "a pidfd stands for all namespaces of its process, so nstype must name those to join, and nothing else",
        "Pass the CLONE_NEW* flags of the namespaces that are meant",
        "kernel/nsproxy.c:check_setns_flags; rule PIDFD-SETNS",
    ),
    Cause(
        "reaped",
        "ESRCH",
        target(pidfd=-1),
        "the pidfd's process has ended and been reaped",
        "Join while it lives, or keep its namespace by a descriptor of /proc/PID/ns/*",
        "kernel/nsproxy.c:validate_nsset; rule PIDFD-SETNS",
    ),
    Cause(
        "namespaces_given_up",
        "ESRCH",
        always,
        "the pidfd's process has given up its namespaces: it is a zombie, or an init that waits for the rest of its namespace to end",
        "Join while it lives, or keep its namespace by a descriptor of /proc/PID/ns/*",
        "kernel/nsproxy.c:validate_nsset; rule PIDFD-SETNS",
    ),
    Cause(
        "already_there",
        "EINVAL",
        both(joins(NEWUSER), target(own=True)),
        "the process is in that user namespace already, and nobody gains capabilities by entering where he is",
        "Leave it out",
        "kernel/user_namespace.c:userns_install; rule SETNS",
    ),
    Cause(
        "threads",
        "EINVAL EUSERS",
        both(joins(NEWUSER | NEWNS | NEWTIME), threaded),
        "the process has {facts.threads} threads: only one of a single thread joins a user or time namespace, and a thread that shares its "
        "directories with others no mount namespace",
        "Fork first, and join in the child; for a mount namespace unshare(CLONE_FS) in the thread is enough",
        "kernel/user_namespace.c:userns_install; fs/namespace.c:mntns_install; rule SETNS",
    ),
    Cause(
        "pid_namespace_not_below",
        "EINVAL",
        target(nstype="pid", below=False),
        "the PID namespace is neither the process's own nor below it, and nobody goes up or sideways",
        "Do it from a process of that namespace or of one above",
        "kernel/pid_namespace.c:pidns_install; rule SETNS",
    ),
    Cause(
        "pid_namespace_not_below",
        "EINVAL",
        joins(FLAGS["pid"]),
        "the PID namespace of the pidfd's process is neither the caller's own nor below it",
        "Do it from a process of that namespace or of one above",
        "kernel/pid_namespace.c:pidns_install; rule SETNS",
    ),
    CAP_SYS_ADMIN,
    Cause(
        "cap_sys_chroot",
        "EPERM",
        both(joins(NEWNS), lacks(Capability.SYS_CHROOT)),
        "joining a mount namespace takes CAP_SYS_CHROOT too",
        "Run it with that capability",
        "fs/namespace.c:mntns_install; rule SETNS",
    ),
    Cause(
        "foreign_owner",
        "EPERM",
        always,
        "the process has no CAP_SYS_ADMIN in the user namespace that owns the other one, or may not look into the pidfd's process",
        "Join the owning user namespace first or with it (CLONE_NEWUSER), or run it as that namespace's creator",
        "kernel/pid_namespace.c:pidns_install; kernel/ptrace.c:ptrace_may_access; rule SETNS",
    ),
    DESCRIPTORS,
    CONFINED,
)
NO_NAMESPACE = Cause(
    "not_a_namespace",
    "ENOTTY",
    target(nstype=""),
    "the descriptor is no namespace: it is {target.path}",
    "Open /proc/PID/ns/pid or the like",
    "fs/nsfs.c:ns_ioctl; rule NSFS-IOC",
)
NEWER = Cause(
    "kernel_too_old",
    "ENOTTY",
    always,
    "this kernel's nsfs has no such ioctl",
    "Use a newer kernel: translation of PIDs came with 6.11",
    "fs/nsfs.c:ns_ioctl",
)
RELATIVES = (
    NOT_OPEN,
    NO_NAMESPACE,
    NEWER,
    Cause(
        "no_hierarchy",
        "EINVAL",
        always,
        "only PID and user namespaces have parents, only user namespaces owners' ids",
        "Ask for the owner with ns_get_userns",
        "fs/nsfs.c:ns_ioctl; rule NSFS-IOC",
    ),
    Cause(
        "out_of_sight",
        "EPERM",
        always,
        "the relative is neither the process's own namespace nor below it: what is above is shown to nobody",
        "Ask from a process further up",
        "kernel/pid_namespace.c:pidns_get_parent; kernel/user_namespace.c:ns_get_owner; rule NSFS-IOC",
    ),
    DESCRIPTORS,
)
TRANSLATION = (
    NOT_OPEN,
    NO_NAMESPACE,
    NEWER,
    Cause(
        "not_a_pid_namespace",
        "EINVAL",
        always,
        "the descriptor is a namespace of another type ({target.nstype})",
        "Open /proc/PID/ns/pid",
        "fs/nsfs.c:ns_ioctl; rule NSFS-IOC",
    ),
    Cause(
        "no_number",
        "ESRCH",
        always,
        "no such process there, or it lies outside the other PID namespace and has no number in it",
        "Ask for a process of that namespace, or of one below",
        "fs/nsfs.c:ns_ioctl; rules NSFS-IOC-05, NSFS-IOC-06",
    ),
    DESCRIPTORS,
)
