"""How capabilities change: by capset, set*uid, execve and prctl.  Models security/commoncap.c and the calls of kernel/capability.c.

Left out: file capabilities, since no file of the model has any, and prctl's operations on the ambient set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability, Prctl
from nscore_sim.capability import CAP_EMPTY_SET, CAP_FULL_SET, CAP_LAST_CAP, cap_issubset, ns_capable
from nscore_sim.cred import commit_creds, prepare_creds, put_cred
from nscore_sim.pid import find_task_by_vpid
from nscore_sim.user_namespace import make_kuid

if TYPE_CHECKING:
    from collections.abc import Callable

    from nscore.interface.backend import Plain
    from nscore_sim.cred import Cred
    from nscore_sim.task import Task

CAP_SETPCAP, CAP_SETUID = int(Capability.SETPCAP), int(Capability.SETUID)

#: Cred.securebits; what locks a bit is the bit above it.  include/uapi/linux/securebits.h
SECBIT_NOROOT, SECBIT_NO_SETUID_FIXUP, SECBIT_KEEP_CAPS, SECBIT_KEEP_CAPS_LOCKED = 0x01, 0x04, 0x10, 0x20
SECURE_ALL_BITS = 0x55
#: What programs say to themselves about scripts; the kernel only keeps it.  Since 6.14
SECURE_ALL_UNPRIVILEGED = 0x500


def capget(task: Task, pid: int) -> Plain:
    """capget(2): effective, permitted, inheritable.  kernel/capability.c:sys_capget"""
    if pid < 0:
        raise Errno("EINVAL")
    target = task if pid in (0, task.pid) else find_task_by_vpid(task, pid)
    if target is None:
        raise Errno("ESRCH")
    cred = target.cred
    return (cred.cap_effective, cred.cap_permitted, cred.cap_inheritable)


def capset(task: Task, effective: int, permitted: int, inheritable: int) -> Plain:
    """capset(2).  kernel/capability.c:sys_capset"""
    new = prepare_creds(task)
    try:
        cap_capset(task, new, effective & CAP_FULL_SET, inheritable & CAP_FULL_SET, permitted & CAP_FULL_SET)
    except Errno:
        put_cred(new)
        raise
    commit_creds(task, new)
    return None


def cap_inh_is_capped(task: Task) -> bool:
    """security/commoncap.c:cap_inh_is_capped"""
    return not ns_capable(task, task.cred.user_ns, CAP_SETPCAP)


def cap_capset(task: Task, new: Cred, effective: int, inheritable: int, permitted: int) -> None:
    """security/commoncap.c:cap_capset"""
    old = task.cred
    if cap_inh_is_capped(task) and not cap_issubset(inheritable, old.cap_inheritable | old.cap_permitted):
        raise Errno("EPERM")
    if not cap_issubset(inheritable, old.cap_inheritable | old.cap_bset):
        raise Errno("EPERM")
    if not cap_issubset(permitted, old.cap_permitted) or not cap_issubset(effective, permitted):
        raise Errno("EPERM")
    new.cap_effective = effective
    new.cap_inheritable = inheritable
    new.cap_permitted = permitted
    new.cap_ambient &= permitted & inheritable


# Changes of ids


def cap_task_fix_setuid(new: Cred, old: Cred) -> None:
    """security/commoncap.c:cap_task_fix_setuid"""
    if not old.securebits & SECBIT_NO_SETUID_FIXUP:
        cap_emulate_setxuid(new, old)


def cap_emulate_setxuid(new: Cred, old: Cred) -> None:
    """Who leaves root leaves its capabilities.  security/commoncap.c:cap_emulate_setxuid"""
    root = make_kuid(old.user_ns, 0)
    if root in (old.uid, old.euid, old.suid) and root not in (new.uid, new.euid, new.suid):
        if not old.securebits & SECBIT_KEEP_CAPS:
            new.cap_permitted = new.cap_effective = CAP_EMPTY_SET
        new.cap_ambient = CAP_EMPTY_SET
    if old.euid == root != new.euid:
        new.cap_effective = CAP_EMPTY_SET
    if old.euid != root == new.euid:
        new.cap_effective = new.cap_permitted


# execve


def unsafe_exec(task: Task) -> bool:
    """Whether a process outside could use what this one gains: it shares the directories.  fs/exec.c:check_unsafe_exec"""
    fs = task.fs
    return fs is not None and fs.users > sum(thread.fs is fs for thread in task.signal.threads)


def cap_bprm_creds_from_file(task: Task, new: Cred) -> None:
    """The capabilities of the new image, of a file without set-id bits and capabilities.  security/commoncap.c:cap_bprm_creds_from_file"""
    old = task.cred
    new.cap_permitted = CAP_EMPTY_SET
    root = make_kuid(new.user_ns, 0)
    privileged = not old.securebits & SECBIT_NOROOT
    if privileged and root in (new.euid, new.uid):
        new.cap_permitted = old.cap_bset | old.cap_inheritable
    effective = privileged and new.euid == root
    is_setid = new.euid != old.uid or new.egid != old.gid
    gained = not cap_issubset(new.cap_permitted, old.cap_permitted)
    if (is_setid or gained) and (task.no_new_privs or unsafe_exec(task)):
        if task.no_new_privs or not ns_capable(task, new.user_ns, CAP_SETUID):
            new.euid, new.egid = new.uid, new.gid
        new.cap_permitted &= old.cap_permitted
    new.suid = new.fsuid = new.euid
    new.sgid = new.fsgid = new.egid
    if is_setid:
        new.cap_ambient = CAP_EMPTY_SET
    new.cap_permitted |= new.cap_ambient
    new.cap_effective = new.cap_permitted if effective else new.cap_ambient
    new.securebits &= ~SECBIT_KEEP_CAPS


# prctl


def cap_task_prctl(task: Task, option: int, arg2: int) -> int | None:
    """What prctl(2) has about capabilities; None where option is another's.  security/commoncap.c:cap_task_prctl"""
    function = PRCTL.get(option)
    return None if function is None else function(task, arg2)


def cap_prctl_read(task: Task, arg2: int) -> int:
    """PR_CAPBSET_READ"""
    if arg2 > CAP_LAST_CAP:
        raise Errno("EINVAL")
    return task.cred.cap_bset >> arg2 & 1


def cap_prctl_drop(task: Task, arg2: int) -> int:
    """PR_CAPBSET_DROP.  security/commoncap.c:cap_prctl_drop"""
    if not ns_capable(task, task.cred.user_ns, CAP_SETPCAP):
        raise Errno("EPERM")
    if arg2 > CAP_LAST_CAP:
        raise Errno("EINVAL")
    new = prepare_creds(task)
    new.cap_bset &= ~(1 << arg2)
    commit_creds(task, new)
    return 0


def get_securebits(task: Task, arg2: int) -> int:
    """PR_GET_SECUREBITS"""
    return task.cred.securebits


def set_securebits(task: Task, arg2: int) -> int:
    """PR_SET_SECUREBITS"""
    bits = task.cred.securebits
    unprivileged = SECURE_ALL_UNPRIVILEGED if task.kernel.release.exec_securebits else 0
    known = SECURE_ALL_BITS | unprivileged
    locks = known << 1
    locked = (bits & locks) >> 1 & (bits ^ arg2)
    unlocking = bits & locks & ~arg2
    unknown = arg2 & ~(known | locks)
    if locked or unlocking or unknown:
        raise Errno("EPERM")
    changed = bits ^ arg2
    # No change at all is a privilege too.
    if (not changed or changed & ~(unprivileged | unprivileged << 1)) and not ns_capable(task, task.cred.user_ns, CAP_SETPCAP):
        raise Errno("EPERM")
    new = prepare_creds(task)
    new.securebits = arg2
    commit_creds(task, new)
    return 0


def get_keepcaps(task: Task, arg2: int) -> int:
    """PR_GET_KEEPCAPS"""
    return 1 if task.cred.securebits & SECBIT_KEEP_CAPS else 0


def set_keepcaps(task: Task, arg2: int) -> int:
    """PR_SET_KEEPCAPS"""
    if arg2 > 1:
        raise Errno("EINVAL")
    if task.cred.securebits & SECBIT_KEEP_CAPS_LOCKED:
        raise Errno("EPERM")
    new = prepare_creds(task)
    new.securebits = new.securebits & ~SECBIT_KEEP_CAPS | (SECBIT_KEEP_CAPS if arg2 else 0)
    commit_creds(task, new)
    return 0


PRCTL: dict[int, Callable[[Task, int], int]] = {
    Prctl.CAPBSET_READ: cap_prctl_read,
    Prctl.CAPBSET_DROP: cap_prctl_drop,
    Prctl.GET_SECUREBITS: get_securebits,
    Prctl.SET_SECUREBITS: set_securebits,
    Prctl.GET_KEEPCAPS: get_keepcaps,
    Prctl.SET_KEEPCAPS: set_keepcaps,
}
