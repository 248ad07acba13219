"""The system calls by name.  Models kernel/sys_ni.c's opposite: what is here can be called.

A call is a function of the calling task and plain values that returns one, or puts the task to sleep.
"""

from __future__ import annotations

from collections.abc import Callable

from nscore.interface.backend import Plain
from nscore_sim.af_unix import recvmsg, sendmsg, setsockopt, socketpair
from nscore_sim.chdir import chdir, chroot, getcwd
from nscore_sim.commoncap import capget, capset
from nscore_sim.exec import execve
from nscore_sim.exit import exit, exit_group
from nscore_sim.fcntl import fcntl
from nscore_sim.file import close, dup, dup3
from nscore_sim.kill import kill, rt_sigqueueinfo, tgkill, tkill
from nscore_sim.namei import mkdir, unlink
from nscore_sim.namespace import mount, umount2
from nscore_sim.nsfs import (
    ns_get_nstype,
    ns_get_owner_uid,
    ns_get_parent,
    ns_get_pid_from_pidns,
    ns_get_pid_in_pidns,
    ns_get_tgid_from_pidns,
    ns_get_tgid_in_pidns,
    ns_get_userns,
)
from nscore_sim.nsproxy import setns
from nscore_sim.open import access, open, openat
from nscore_sim.pidfd_signal import pidfd_send_signal
from nscore_sim.pidfs import pidfd_get_info, pidfd_get_namespace, pidfd_getfd, pidfd_open
from nscore_sim.pipe import pipe2
from nscore_sim.pivot_root import pivot_root
from nscore_sim.posix_timers import clock_gettime, clock_nanosleep
from nscore_sim.read_write import lseek, pread, read, write
from nscore_sim.readdir import listdir
from nscore_sim.reboot import reboot
from nscore_sim.sched import Restart, Sleep
from nscore_sim.select import poll
from nscore_sim.setids import (
    getegid,
    geteuid,
    getgid,
    getgroups,
    getuid,
    setgid,
    setgroups,
    setregid,
    setresgid,
    setresuid,
    setreuid,
    setuid,
)
from nscore_sim.sigaction import pause, rt_sigtimedwait, sigaction, sigpending, sigprocmask
from nscore_sim.stat import fstat, readlink, stat
from nscore_sim.sys import getpgid, getpid, getppid, getsid, gettid, prctl, sethostname, setpgid, setsid, uname
from nscore_sim.unshare import unshare
from nscore_sim.wait import wait4, waitid

TABLE: dict[str, Callable[..., Plain | Sleep | Restart]] = {
    "access": access,
    "capget": capget,
    "capset": capset,
    "chdir": chdir,
    "chroot": chroot,
    "close": close,
    "dup": dup,
    "dup3": dup3,
    "execve": execve,
    "exit": exit_group,
    "exit_thread": exit,
    "fcntl": fcntl,
    "fstat": fstat,
    "getcwd": getcwd,
    "getegid": getegid,
    "geteuid": geteuid,
    "getgid": getgid,
    "getgroups": getgroups,
    "getpgid": getpgid,
    "getpid": getpid,
    "getppid": getppid,
    "getsid": getsid,
    "gettid": gettid,
    "getuid": getuid,
    "kill": kill,
    "listdir": listdir,
    "lseek": lseek,
    "mkdir": mkdir,
    "monotonic": clock_gettime,
    "mount": mount,
    "ns_get_nstype": ns_get_nstype,
    "ns_get_owner_uid": ns_get_owner_uid,
    "ns_get_parent": ns_get_parent,
    "ns_get_pid_from_pidns": ns_get_pid_from_pidns,
    "ns_get_pid_in_pidns": ns_get_pid_in_pidns,
    "ns_get_tgid_from_pidns": ns_get_tgid_from_pidns,
    "ns_get_tgid_in_pidns": ns_get_tgid_in_pidns,
    "ns_get_userns": ns_get_userns,
    "open": open,
    "openat": openat,
    "pause": pause,
    "pidfd_get_info": pidfd_get_info,
    "pidfd_get_namespace": pidfd_get_namespace,
    "pidfd_getfd": pidfd_getfd,
    "pidfd_open": pidfd_open,
    "pidfd_send_signal": pidfd_send_signal,
    "pipe2": pipe2,
    "pivot_root": pivot_root,
    "poll": poll,
    "prctl": prctl,
    "pread": pread,
    "read": read,
    "readlink": readlink,
    "reboot": reboot,
    "recvmsg": recvmsg,
    "sendmsg": sendmsg,
    "setgid": setgid,
    "setgroups": setgroups,
    "sethostname": sethostname,
    "setns": setns,
    "setpgid": setpgid,
    "setregid": setregid,
    "setresgid": setresgid,
    "setresuid": setresuid,
    "setreuid": setreuid,
    "setsid": setsid,
    "setsockopt": setsockopt,
    "setuid": setuid,
    "sigaction": sigaction,
    "sigpending": sigpending,
    "sigprocmask": sigprocmask,
    "sigqueue": rt_sigqueueinfo,
    "sigtimedwait": rt_sigtimedwait,
    "sleep": clock_nanosleep,
    "socketpair": socketpair,
    "stat": stat,
    "tgkill": tgkill,
    "tkill": tkill,
    "umount2": umount2,
    "uname": uname,
    "unlink": unlink,
    "unshare": unshare,
    "waitid": waitid,
    "waitpid": wait4,
    "write": write,
}
