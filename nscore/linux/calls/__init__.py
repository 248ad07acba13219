"""System calls, one to one: ints, str and bytes in, the same and tuples of them out, an OSError where the kernel refuses.

The functions have the names, the parameters and, as tuples, the results of interface.calls.Calls; seconds are nanoseconds here, and
sets of signals are sorted tuples.  The message of an error names the call that was made: openat, where open was asked for.  Nothing is
retried, EINTR included.  Paths are UTF-8, with surrogates for what is none.  This package alone enters the kernel, and never by way of a
wrapper of the C library's.  What changes ids, capabilities, namespaces or a mask changes them for the calling thread alone.
"""

from __future__ import annotations

import sys

from nscore.linux.calls.execution import execve, exit, exit_group
from nscore.linux.calls.files import (
    access,
    chdir,
    chroot,
    close,
    close_range,
    dup,
    dup3,
    fcntl,
    fstat,
    getcwd,
    listdir,
    lseek,
    mkdir,
    open,
    openat,
    pipe2,
    poll,
    ppoll,
    pread,
    read,
    readlink,
    recvmsg,
    sendmsg,
    setsockopt,
    socketpair,
    stat,
    unlink,
    write,
)
from nscore.linux.calls.identity import (
    capget,
    capset,
    getegid,
    geteuid,
    getgid,
    getgroups,
    getpgid,
    getpid,
    getppid,
    getsid,
    gettid,
    getuid,
    setgid,
    setgroups,
    setpgid,
    setregid,
    setresgid,
    setresuid,
    setreuid,
    setsid,
    setuid,
)
from nscore.linux.calls.mounts import (
    fsconfig,
    fsmount,
    fsopen,
    mount,
    mount_setattr,
    move_mount,
    open_tree,
    pivot_root,
    umount2,
)
from nscore.linux.calls.namespaces import (
    ns_get_nstype,
    ns_get_owner_uid,
    ns_get_parent,
    ns_get_pid_from_pidns,
    ns_get_pid_in_pidns,
    ns_get_tgid_from_pidns,
    ns_get_tgid_in_pidns,
    ns_get_userns,
    setns,
    unshare,
)
from nscore.linux.calls.pidfds import pidfd_get_info, pidfd_get_namespace, pidfd_getfd, pidfd_open, pidfd_send_signal
from nscore.linux.calls.signals import (
    kill,
    pause,
    received,
    sigaction,
    sigpending,
    sigprocmask,
    sigqueue,
    sigtimedwait,
    tgkill,
    tkill,
)
from nscore.linux.calls.syscall import syscall
from nscore.linux.calls.system import monotonic, prctl, reboot, sethostname, sleep, uname
from nscore.linux.calls.waiting import wait4, waitid, waitpid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from nscore.interface.backend import Plain
assert not TYPE_CHECKING or sys.platform == "linux"

#: Not in TABLE: what the interface does not declare as a call, or gives to programs alone.
__all__ = [
    "TABLE",
    "close_range",
    "execve",
    "exit",
    "exit_group",
    "fsconfig",
    "fsmount",
    "fsopen",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "ppoll",
    "received",
    "syscall",
    "wait4",
]

_CALLS: tuple[Callable[..., Plain], ...] = (
    *(getpid, gettid, getppid, getpgid, setpgid, getsid, setsid, getuid, geteuid, getgid, getegid, setuid, setgid, setreuid, setregid),
    *(setresuid, setresgid, getgroups, setgroups, capget, capset),
    *(unshare, setns, ns_get_parent, ns_get_userns, ns_get_nstype, ns_get_owner_uid),
    *(ns_get_pid_from_pidns, ns_get_tgid_from_pidns, ns_get_pid_in_pidns, ns_get_tgid_in_pidns),
    *(waitid, waitpid),
    *(kill, tkill, tgkill, sigqueue, sigaction, sigprocmask, sigpending, sigtimedwait, pause),
    *(pidfd_open, pidfd_send_signal, pidfd_getfd, pidfd_get_info, pidfd_get_namespace),
    *(open, openat, close, read, write, pread, lseek, fstat, stat, readlink, listdir, access, mkdir, unlink, chdir, getcwd, chroot),
    *(dup, dup3, fcntl, pipe2, poll, socketpair, sendmsg, recvmsg, setsockopt),
    *(mount, umount2, pivot_root),
    *(prctl, uname, sethostname, reboot, sleep, monotonic),
)

#: What the interface declares, by name.
TABLE: dict[str, Callable[..., Plain]] = {call.__name__: call for call in _CALLS}
__all__ += list(TABLE)
