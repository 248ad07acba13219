"""The tables: for each call, what it can fail of, in the order in which the kernel checks."""

from __future__ import annotations

from collections.abc import Mapping

from nscore.flags import Capability
from nscore.running.causes import creating, identifying, joining, mounting, processes
from nscore.running.causes.cause import Cause
from nscore.running.facts import Facts
from nscore.running.failures import Failure

#: The release that a call came with.
SINCE = {
    "pidfd_send_signal": (5, 1),
    "fsopen": (5, 2),
    "fsconfig": (5, 2),
    "fsmount": (5, 2),
    "move_mount": (5, 2),
    "open_tree": (5, 2),
    "pidfd_open": (5, 3),
    "clone": (5, 3),
    "pidfd_getfd": (5, 6),
    "close_range": (5, 9),
    "mount_setattr": (5, 12),
}
#: ENOSYS, of any call.
MISSING = (
    Cause(
        "kernel_too_old",
        "ENOSYS",
        lambda failure, facts: facts.release is not None and facts.release < SINCE.get(failure.call, (0, 0)),
        "Linux {facts.release[0]}.{facts.release[1]} does not have {failure.said}",
        "Upgrade the kernel",
        "man pages, HISTORY",
    ),
    Cause(
        "seccomp",
        "ENOSYS",
        lambda failure, facts: facts.seccomp == 2,
        "a seccomp filter hides {failure.said}: it says ENOSYS, so that the C library falls back to a call that it can judge",
        "Give the container a newer profile, --cap-add SYS_ADMIN or --security-opt seccomp=unconfined",
        "kernel/seccomp.c:__seccomp_filter",
    ),
    Cause(
        "not_built",
        "ENOSYS",
        lambda failure, facts: True,
        "this kernel, or what stands for one (gVisor, WSL 1, an emulator), does not have {failure.said}",
        "Upgrade the kernel, or build it with that part",
        "kernel/sys_ni.c",
    ),
)
CAUSES: Mapping[str, tuple[Cause, ...]] = {
    "unshare": creating.UNSHARE,
    "clone": creating.CLONE,
    "setns": joining.SETNS,
    **dict.fromkeys(("ns_get_parent", "ns_get_userns", "ns_get_nstype", "ns_get_owner_uid"), joining.RELATIVES),
    **dict.fromkeys(
        ("ns_get_pid_from_pidns", "ns_get_tgid_from_pidns", "ns_get_pid_in_pidns", "ns_get_tgid_in_pidns"), joining.TRANSLATION
    ),
    **dict.fromkeys(("mount", "fsopen", "fsconfig", "fsmount", "move_mount", "open_tree", "mount_setattr"), mounting.MOUNT),
    "umount2": mounting.UMOUNT,
    "pivot_root": mounting.PIVOT_ROOT,
    "chroot": mounting.CHROOT,
    "write": identifying.WRITE,
    **dict.fromkeys(("open", "readlink", "listdir", "stat"), identifying.OPEN),
    "setgroups": identifying.SETGROUPS,
    **dict.fromkeys(("setuid", "setreuid", "setresuid"), identifying.ids(Capability.SETUID)),
    **dict.fromkeys(("setgid", "setregid", "setresgid"), identifying.ids(Capability.SETGID)),
    "sethostname": identifying.SETHOSTNAME,
    "capset": identifying.CAPSET,
    "reboot": identifying.REBOOT,
    **dict.fromkeys(("kill", "tkill", "tgkill"), processes.KILL),
    "sigqueue": processes.SIGQUEUE,
    "pidfd_open": processes.PIDFD_OPEN,
    "pidfd_send_signal": processes.PIDFD_SEND_SIGNAL,
    "pidfd_getfd": processes.PIDFD_GETFD,
    "pidfd_get_info": processes.PIDFD_GET_INFO,
    "pidfd_get_namespace": processes.PIDFD_GET_NAMESPACE,
    **dict.fromkeys(("waitid", "waitpid"), processes.WAIT),
}


def decided(failure: Failure, facts: Facts) -> Cause | None:
    """The first check that the facts show to fail; None where the tables have none for the call and its error."""
    rows = (*CAUSES.get(failure.call, ()), *MISSING)
    return next((row for row in rows if failure.errno in row.errnos.split() and row.applies(failure, facts)), None)
