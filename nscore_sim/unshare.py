"""unshare(2).  Models ksys_unshare of kernel/fork.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import CloneFlag
from nscore_sim.cred import commit_creds, put_cred, set_cred_ucounts
from nscore_sim.file import unshare_files
from nscore_sim.fs_struct import free_fs_struct, switch_fs, unshare_fs
from nscore_sim.nsproxy import CLONE_NEW_ALL, switch_task_namespaces, unshare_nsproxy_namespaces
from nscore_sim.task import thread_group_empty
from nscore_sim.time_namespace import current_is_single_threaded
from nscore_sim.user_namespace import unshare_userns

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.task import Task

CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND = map(int, (CloneFlag.VM, CloneFlag.FS, CloneFlag.FILES, CloneFlag.SIGHAND))
CLONE_THREAD, CLONE_NEWNS, CLONE_NEWUSER = int(CloneFlag.THREAD), int(CloneFlag.NEWNS), int(CloneFlag.NEWUSER)

#: What cannot be left without the other, in the order in which one thing brings another.
IMPLIED = (
    (CLONE_NEWUSER, CLONE_THREAD | CLONE_FS),
    (CLONE_VM, CLONE_SIGHAND),
    (CLONE_SIGHAND, CLONE_THREAD),
    (CLONE_NEWNS, CLONE_FS),
)
KNOWN = CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | int(CloneFlag.SYSVSEM) | CLONE_NEW_ALL


def unshare(task: Task, flags: int) -> Plain:
    """kernel/fork.c:ksys_unshare"""
    for flag, more in IMPLIED:
        if flags & flag:
            flags |= more
    check_unshare_flags(task, flags)
    new_fs = unshare_fs(flags, task)
    new_cred = None
    try:
        new_cred = unshare_userns(flags, task)
        new_nsproxy = unshare_nsproxy_namespaces(flags, task, new_cred, new_fs)
    except Errno:
        if new_cred is not None:
            put_cred(new_cred)
        if new_fs is not None:
            free_fs_struct(new_fs)
        raise
    # From here on nothing fails.
    if new_nsproxy is not None:
        switch_task_namespaces(task, new_nsproxy)
    if new_fs is not None:
        switch_fs(task, new_fs)
    if flags & CLONE_FILES:
        unshare_files(task)
    if new_cred is not None:
        set_cred_ucounts(new_cred)
        commit_creds(task, new_cred)
    return None


def check_unshare_flags(task: Task, flags: int) -> None:
    """Memory, handlers and the process can only be left where nobody else is in them.  kernel/fork.c:check_unshare_flags"""
    if flags & ~KNOWN:
        raise Errno("EINVAL")
    if flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) and not thread_group_empty(task):
        raise Errno("EINVAL")
    if flags & (CLONE_SIGHAND | CLONE_VM) and task.sighand.count > 1:
        raise Errno("EINVAL")
    if flags & CLONE_VM and not current_is_single_threaded(task):
        raise Errno("EINVAL")
