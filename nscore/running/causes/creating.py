"""Why namespaces and processes are not made: unshare and clone."""

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
    NEWPID,
    NEWUSER,
    Applies,
    Cause,
    always,
    both,
    flagged,
    lacks,
    pending,
)
from nscore.running.causes.counting import FULL_OF_PROCESSES, LIFELESS
from nscore.running.facts import Facts
from nscore.running.failures import Failure

FS, VM, SIGHAND, THREAD = int(CloneFlag.FS), int(CloneFlag.VM), int(CloneFlag.SIGHAND), int(CloneFlag.THREAD)
PARENT, PIDFD, DETACHED, CLEAR = int(CloneFlag.PARENT), int(CloneFlag.PIDFD), int(CloneFlag.DETACHED), int(CloneFlag.CLEAR_SIGHAND)
#: What unshare knows, and the low byte that clone has the exit signal in.
KNOWN = NEWUSER | NEW | FS | VM | SIGHAND | THREAD | int(CloneFlag.FILES | CloneFlag.SYSVSEM)
CSIGNAL, NEWTIME = 0xFF, int(CloneFlag.NEWTIME)
#: include/linux/pid_namespace.h:MAX_PID_NS_LEVEL is 32, and 31 is what can be told from what lies above: see asking.level.
DEEPEST = 31
#: The value of a limit that nobody has set.
UNSET = 2**31 - 1
SIGNALS = 64


def limited(kind: str) -> Applies:
    """The process's own user namespace allows no more of that kind."""
    return lambda failure, facts: bool(failure.flags() & FLAGS[kind]) and facts.limits.get(kind, UNSET) < UNSET


def zero(kind: str) -> Applies:
    """It allows none at all."""
    return lambda failure, facts: bool(failure.flags() & FLAGS[kind]) and facts.limits.get(kind) == 0


def deepest(failure: Failure, facts: Facts) -> bool:
    """A PID namespace below the process's own would lie too deep."""
    return bool(failure.flags() & NEWPID) and facts.level == DEEPEST


def number_row(kind: str, applies: Applies, words: str) -> Cause:
    """The limit of a kind of namespaces."""
    return Cause(
        f"max_{kind}_namespaces",
        "ENOSPC EUSERS",
        applies,
        f"user.max_{kind}_namespaces is {{facts.limits[{kind}]}} in this user namespace: {words}",
        f"Raise the sysctl user.max_{kind}_namespaces (or end what holds such namespaces)",
        "kernel/ucount.c:inc_ucount; rules CREATE",
    )


#: ENOSPC.  A 0 is certain; a number is reached here or, if it is smaller, in a user namespace above.
FULL = (
    *[number_row(kind, zero(kind), f"no {kind} namespace may be made") for kind in FLAGS],
    Cause(
        "pid_level",
        "ENOSPC",
        deepest,
        "PID namespaces nest 32 deep, and this process lies in the lowest",
        "Start it further up",
        "kernel/pid_namespace.c:create_pid_namespace; rule CREATE-08",
    ),
    *[number_row(kind, limited(kind), f"so many {kind} namespaces exist, or a user namespace above allows fewer") for kind in FLAGS],
    Cause(
        "limit_above",
        "ENOSPC EUSERS",
        always,
        "a user namespace above allows no more namespaces of the kind (its user.max_*_namespaces), or user namespaces nest 33 deep",
        "Raise the limit there, as who has CAP_SYS_RESOURCE in it (bubblewrap's --disable-userns sets it), or start it further up",
        "kernel/ucount.c:inc_ucount; kernel/user_namespace.c:create_user_ns",
    ),
)


def known_unmapped(failure: Failure, facts: Facts) -> bool:
    """The effective user or group is not in the user namespace's map."""
    maps = ((facts.uid, facts.uid_map), (facts.gid, facts.gid_map))
    return any(
        number is not None and id_map is not None and not any(line.inside <= number < line.inside + line.count for line in id_map)
        for number, id_map in maps
    )


def unprivileged(failure: Failure, facts: Facts) -> bool:
    """The process has no CAP_SYS_ADMIN over the initial user namespace."""
    return facts.initial_user is False or lacks(Capability.SYS_ADMIN)(failure, facts)


def asks_for_capability(failure: Failure, facts: Facts) -> bool:
    """A namespace other than a user namespace, and no user namespace that would give the right to it; or nobody knows."""
    return "flags" not in failure.arguments or (bool(failure.flags() & NEW) and not failure.flags() & NEWUSER)


#: EPERM of CLONE_NEWUSER.
FORBIDDEN = (
    Cause(
        "unprivileged_userns_clone",
        "EPERM",
        both(flagged(NEWUSER), unprivileged, lambda failure, facts: facts.userns_clone == 0),
        "kernel.unprivileged_userns_clone is 0: only root makes user namespaces",
        "Set the sysctl kernel.unprivileged_userns_clone to 1, or run as root",
        "Debian's kernel: kernel/fork.c:copy_process",
    ),
    Cause(
        "chroot",
        "EPERM",
        both(flagged(NEWUSER), lambda failure, facts: facts.chrooted is True),
        "the process is chrooted, and whoever is makes no user namespace: its capabilities would reveal what is outside",
        "Use pivot_root(2) in a mount namespace instead of chroot(2), or do without CLONE_NEWUSER",
        "kernel/user_namespace.c:create_user_ns; rule USER",
    ),
    Cause(
        "unmapped_id",
        "EPERM",
        both(flagged(NEWUSER), known_unmapped),
        "the process's user {facts.uid} or group {facts.gid} is not mapped in its user namespace",
        "Write uid_map and gid_map of the user namespace before anything else, or become an id that is mapped",
        "kernel/user_namespace.c:create_user_ns; rule USER",
    ),
    Cause(
        "apparmor",
        "EPERM EACCES",
        both(flagged(NEWUSER), unprivileged, lambda failure, facts: facts.apparmor == 1),
        "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor keeps user namespaces from what has no profile that allows them",
        "Set the sysctl kernel.apparmor_restrict_unprivileged_userns to 0, or give the program a profile with the rule userns",
        "security/apparmor/lsm.c:apparmor_userns_create",
    ),
    Cause(
        "chroot",
        "EPERM",
        both(flagged(NEWUSER), lambda failure, facts: facts.chrooted is None and facts.label in (None, "unconfined", "kernel")),
        "nothing else that can be seen forbids user namespaces: the process is chrooted, or a security module refuses silently",
        "Use pivot_root(2) in a mount namespace instead of chroot(2)",
        "kernel/user_namespace.c:create_user_ns",
    ),
    Cause(
        "cap_sys_admin",
        "EPERM",
        both(asks_for_capability, CAP_SYS_ADMIN.applies),
        CAP_SYS_ADMIN.words,
        CAP_SYS_ADMIN.remedy,
        CAP_SYS_ADMIN.rule,
    ),
)
#: EINVAL of CLONE_NEWPID.
NOT_NOW = (
    Cause(
        "pid_for_children",
        "EINVAL",
        both(flagged(NEWPID, THREAD), pending),
        "an earlier unshare or setns of a PID namespace is in force: the process's children are born in another one than its own",
        "Fork first: the child is in the new namespace and free to make others; or setns back to /proc/self/ns/pid",
        "kernel/pid_namespace.c:copy_pid_ns; rules CREATE-13, CREATE-14",
    ),
    Cause(
        "pid_namespace_foreign",
        "EINVAL",
        both(flagged(NEWPID), lambda failure, facts: facts.owned is not None and facts.owned.get("pid") is False),
        "the process's PID namespace is owned by a user namespace below its own, and what is made there must be of that one or deeper",
        "Join the user namespace that owns the PID namespace first (setns with CLONE_NEWUSER)",
        "kernel/pid_namespace.c:create_pid_namespace; rule CREATE",
    ),
    Cause(
        "not_built",
        "EINVAL",
        both(flagged(NEWPID), lambda failure, facts: facts.pid_ns is None and facts.shown not in (None, "")),
        "this kernel has no PID namespaces",
        "Use a kernel with CONFIG_PID_NS",
        "include/linux/pid_namespace.h:copy_pid_ns",
    ),
)
UNSHARE = (
    FILTERED,
    Cause(
        "flags_unknown",
        "EINVAL",
        lambda failure, facts: bool(failure.flags() & ~KNOWN),
        "unshare does not know all of the flags",
        "Leave out what is no CLONE_NEW* flag, CLONE_FILES, CLONE_FS or CLONE_SYSVSEM",
        "kernel/fork.c:check_unshare_flags",
    ),
    Cause(
        "threads",
        "EINVAL",
        both(flagged(NEWUSER, THREAD, SIGHAND, VM), lambda failure, facts: (facts.threads or 1) > 1),
        "the process has {facts.threads} threads, and only one of a single thread may leave its user namespace",
        "Fork first, and unshare in the child; or do it before the first thread starts",
        "kernel/fork.c:check_unshare_flags; rule CREATE",
    ),
    *FULL,
    *FORBIDDEN,
    *NOT_NOW,
    CONFINED,
)

#: kernel/fork.c:copy_process, in its order: (all of these together, none of those) and what that says.
EXCLUSIVE = (
    (SIGHAND | CLEAR, 0, "CLONE_SIGHAND and CLONE_CLEAR_SIGHAND"),
    (NEWNS | FS, 0, "CLONE_NEWNS and CLONE_FS"),
    (NEWUSER | FS, 0, "CLONE_NEWUSER and CLONE_FS"),
    (THREAD, SIGHAND, "CLONE_THREAD without CLONE_SIGHAND"),
    (SIGHAND, VM, "CLONE_SIGHAND without CLONE_VM"),
    (THREAD | NEWUSER, 0, "CLONE_THREAD and CLONE_NEWUSER"),
    (THREAD | NEWPID, 0, "CLONE_THREAD and CLONE_NEWPID"),
    (PIDFD | DETACHED, 0, "CLONE_PIDFD and CLONE_DETACHED"),
)


def excluded(have: int, lack: int) -> Applies:
    """All of have was asked for, and nothing of lack."""
    return lambda failure, facts: failure.flags() & have == have and not failure.flags() & lack


def set_tid(failure: Failure) -> tuple[int, ...]:
    """The numbers that were asked for."""
    value = failure.arguments.get("set_tid")
    return tuple(value) if isinstance(value, (tuple, list)) else ()


def too_many(failure: Failure, facts: Facts) -> bool:
    """More numbers than the child has levels."""
    deeper = 1 if failure.flags() & NEWPID else 0
    return facts.level is not None and len(set_tid(failure)) > facts.level + 1 + deeper


def bad_exit_signal(failure: Failure, facts: Facts) -> bool:
    """No signal, or one where the parent's own is inherited."""
    signal = failure.number("exit_signal", 0)
    return not 0 <= signal <= SIGNALS or bool(signal and failure.flags() & (PARENT | THREAD))


MALFORMED = (
    Cause(
        "flags_unknown",
        "EINVAL",
        lambda failure, facts: bool(failure.flags() & (DETACHED | CSIGNAL & ~NEWTIME)) or failure.flags() >= 1 << 34,
        "clone3 knows no such flag; what clone has in the low byte is exit_signal here",
        "Pass exit_signal by its own name",
        "kernel/fork.c:clone3_args_valid",
    ),
    Cause(
        "exit_signal",
        "EINVAL",
        bad_exit_signal,
        "exit_signal is no signal, or must be 0: with CLONE_PARENT and CLONE_THREAD the child has the caller's",
        "Pass exit_signal=0",
        "kernel/fork.c:clone3_args_valid; rule EXITSIG",
    ),
    *[
        Cause(
            "flags_exclusive",
            "EINVAL",
            excluded(have, lack),
            f"{words}: that excludes itself",
            "Leave one out",
            "kernel/fork.c:copy_process; rule PREC-01",
        )
        for have, lack, words in EXCLUSIVE
    ],
    Cause(
        "parent_of_init",
        "EINVAL",
        both(flagged(PARENT), lambda failure, facts: facts.pid == 1),
        "PID 1 of a namespace has its parent outside, where CLONE_PARENT would put the child",
        "Leave out CLONE_PARENT, or clone in a child of PID 1",
        "kernel/fork.c:copy_process; rule CREATE",
    ),
    *NOT_NOW,
    Cause(
        "set_tid_levels",
        "EINVAL",
        too_many,
        "set_tid has more numbers than the child has levels; the process lies at level {facts.level}",
        "Pass at most one number a level, the innermost first",
        "kernel/pid.c:alloc_pid; rule SETTID",
    ),
    Cause(
        "set_tid_number",
        "EINVAL",
        lambda failure, facts: bool(set_tid(failure)),
        "a number of set_tid is below 1, not below pid_max, or not 1 in a namespace that has no init yet",
        "Pass numbers from 1 to /proc/sys/kernel/pid_max - 1; 1 for the first process of a namespace",
        "kernel/pid.c:alloc_pid; rule SETTID",
    ),
)
REFUSED_NUMBERS = (
    Cause(
        "set_tid_capability",
        "EPERM",
        lambda failure, facts: bool(set_tid(failure)),
        "set_tid takes CAP_CHECKPOINT_RESTORE (or CAP_SYS_ADMIN) over the owner of each PID namespace that it names a number for",
        "Run it with that capability, or name numbers of fewer levels",
        "kernel/pid.c:alloc_pid; rule SETTID",
    ),
    Cause(
        "set_tid_taken",
        "EEXIST",
        always,
        "a process, group or session has a number of set_tid already",
        "Choose another, or wait until its owner has been reaped",
        "kernel/pid.c:alloc_pid; rule SETTID",
    ),
)


NO_SUCH_CGROUP = Cause(
    "cgroup",
    "EBADF",
    flagged(CloneFlag.INTO_CGROUP),
    "the descriptor is of no directory of a cgroup v2 hierarchy",
    "Open a directory below /sys/fs/cgroup with O_PATH or O_RDONLY",
    "kernel/cgroup/cgroup.c:cgroup_css_set_fork",
)
CLONE = (
    *(FILTERED, *MALFORMED, *FULL_OF_PROCESSES, *FULL, *FORBIDDEN),
    *(*REFUSED_NUMBERS, *LIFELESS, NO_SUCH_CGROUP, DESCRIPTORS, CONFINED),
)
