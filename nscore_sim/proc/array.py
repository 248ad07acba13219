"""/proc/PID/{status,stat,statm,children}.  Models fs/proc/array.c.

Times, memory and processors, which the model does not have, are shown as zero or as a machine with one processor would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.flags import Disposition
from nscore_sim.pid import pid_nr_ns
from nscore_sim.ptrace import PTRACE_MODE_READ_FSCREDS, ptrace_may_access
from nscore_sim.task import (
    EXIT_DEAD,
    EXIT_ZOMBIE,
    PF_EXITING,
    SIGNAL_GROUP_EXIT,
    SIGNAL_STOP_STOPPED,
    TASK_INTERRUPTIBLE,
    TASK_STOPPED,
    TASK_UNINTERRUPTIBLE,
)
from nscore_sim.ucount import UCOUNT_RLIMIT_SIGPENDING
from nscore_sim.user_namespace import RLIMIT_SIGPENDING, from_kgid_munged, from_kuid_munged

if TYPE_CHECKING:
    from nscore_sim.cred import Cred
    from nscore_sim.file import File
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import SigPending, Task
    from nscore_sim.user_namespace import UserNamespace

#: A bit of Task.state or Task.exit_state, the lowest first.  fs/proc/array.c:task_state_array
TASK_STATES = (
    (TASK_INTERRUPTIBLE, "S (sleeping)"),
    (TASK_UNINTERRUPTIBLE, "D (disk sleep)"),
    (TASK_STOPPED, "T (stopped)"),
    (EXIT_DEAD, "X (dead)"),
    (EXIT_ZOMBIE, "Z (zombie)"),
)

#: Task.flags' bits that every process has, and those of one that has ended: PF_POSTCOREDUMP, PF_NOFREEZE.  include/linux/sched.h
PF_RANDOMIZE, PF_ENDED = 0x400000, 0x8008

MEMORY = (
    *("VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem"),
    *("VmData", "VmStk", "VmExe", "VmLib", "VmPTE", "VmSwap", "HugetlbPages"),
)
#: What follows the memory of a process that has some.
MM_LINES = "CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n"
MACHINE_LINES = (
    "Seccomp:\t0\nSeccomp_filters:\t0\nSpeculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\talways enabled\n"
    "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t00000001\nMems_allowed_list:\t0\n"
    "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n"
)


def get_task_state(p: Task) -> str:
    """fs/proc/array.c:get_task_state"""
    state = p.state | p.exit_state
    return next((word for bit, word in TASK_STATES if state & bit), "R (running)")


def proc_task_name(comm: bytes) -> bytes:
    """fs/proc/array.c:proc_task_name with escape"""
    return comm.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def ids_line(key: str, ids: tuple[int, ...]) -> str:
    """Numbers behind tabs."""
    return f"{key}:" + "".join(f"\t{each}" for each in ids)


def numbers_by_level(p: Task, role: Pid, ns: PidNamespace) -> tuple[int, ...]:
    """A role's number at each level from ns's down to p's own."""
    own = p.thread_pid.ns.path
    return tuple(pid_nr_ns(role, each) for each in own[ns.level :])


def task_state(p: Task, pid: Pid, ns: PidNamespace, user_ns: UserNamespace) -> list[str]:
    """fs/proc/array.c:task_state"""
    cred: Cred = p.cred
    leader = p.group_leader.thread_pid
    umask = [] if p.fs is None else [f"Umask:\t{p.fs.umask:04o}"]
    uids = tuple(from_kuid_munged(user_ns, each) for each in (cred.uid, cred.euid, cred.suid, cred.fsuid))
    gids = tuple(from_kgid_munged(user_ns, each) for each in (cred.gid, cred.egid, cred.sgid, cred.fsgid))
    groups = " ".join(str(from_kgid_munged(user_ns, gid)) for gid in cred.groups)
    return [
        *umask,
        f"State:\t{get_task_state(p)}",
        f"Tgid:\t{pid_nr_ns(leader, ns)}",
        "Ngid:\t0",
        f"Pid:\t{pid_nr_ns(pid, ns)}",
        f"PPid:\t{task_ppid_nr_ns(p, ns)}",
        "TracerPid:\t0",
        ids_line("Uid", uids),
        ids_line("Gid", gids),
        f"FDSize:\t{max_fds(p)}",
        f"Groups:\t{groups} ",
        ids_line("NStgid", numbers_by_level(p, leader, ns)),
        ids_line("NSpid", numbers_by_level(p, pid, ns)),
        ids_line("NSpgid", numbers_by_level(p, p.signal.pgrp, ns)),
        ids_line("NSsid", numbers_by_level(p, p.signal.session, ns)),
        "Kthread:\t0",
    ]


def task_ppid_nr_ns(p: Task, ns: PidNamespace) -> int:
    """include/linux/sched.h:task_ppid_nr_ns"""
    return pid_nr_ns(p.real_parent.group_leader.thread_pid, ns)


def max_fds(p: Task) -> int:
    """The room in the table of descriptors: a power of two.  fs/file.c:alloc_fdtable"""
    if p.files is None:
        return 0
    size = 64
    while p.files.fdt.open_fds >> size:
        size *= 2
    return size


def pending_mask(pending: SigPending | None) -> int:
    """The signals in it."""
    return 0 if pending is None else pending.signal


def collect_sigign_sigcatch(p: Task) -> tuple[int, int]:
    """The masks of ignored and of handled signals.  fs/proc/array.c:collect_sigign_sigcatch"""
    ignored = caught = 0
    for sig, (handler, _, _) in enumerate(p.sighand.action):
        if handler == Disposition.IGN:
            ignored |= 1 << sig >> 1
        elif handler != Disposition.DFL:
            caught |= 1 << sig >> 1
    return ignored, caught


def task_sig(p: Task) -> list[str]:
    """fs/proc/array.c:task_sig"""
    ignored, caught = collect_sigign_sigcatch(p)
    queued = p.cred.ucounts.rlimit[UCOUNT_RLIMIT_SIGPENDING]
    masks = {
        "SigPnd": pending_mask(p.pending),
        "ShdPnd": pending_mask(p.signal.shared_pending),
        "SigBlk": p.blocked,
        "SigIgn": ignored,
        "SigCgt": caught,
    }
    head = [f"Threads:\t{p.signal.nr_threads}", f"SigQ:\t{queued}/{p.signal.rlim[RLIMIT_SIGPENDING][0]}"]
    return head + [f"{key}:\t{mask:016x}" for key, mask in masks.items()]


def task_cap(p: Task) -> list[str]:
    """fs/proc/array.c:task_cap"""
    cred = p.cred
    sets = {
        "CapInh": cred.cap_inheritable,
        "CapPrm": cred.cap_permitted,
        "CapEff": cred.cap_effective,
        "CapBnd": cred.cap_bset,
        "CapAmb": cred.cap_ambient,
    }
    return [f"{key}:\t{caps:016x}" for key, caps in sets.items()]


def proc_pid_status(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/array.c:proc_pid_status"""
    lines = task_state(p, pid, ns, file.f_cred.user_ns)
    memory = "" if p.mm is None else "".join(f"{key}:\t{0:8} kB\n" for key in MEMORY) + MM_LINES
    rest = [*task_sig(p), *task_cap(p), f"NoNewPrivs:\t{int(p.no_new_privs)}"]
    text = "\n".join(lines) + "\n" + memory + "\n".join(rest) + "\n" + MACHINE_LINES
    return b"Name:\t" + proc_task_name(p.comm) + b"\n" + text.encode()


def do_task_stat(task: Task, p: Task, pid: Pid, ns: PidNamespace, whole: bool) -> bytes:
    """fs/proc/array.c:do_task_stat"""
    sig = p.signal
    permitted = ptrace_may_access(task, p, PTRACE_MODE_READ_FSCREDS)
    exit_code = sig.group_exit_code if whole and sig.flags & (SIGNAL_GROUP_EXIT | SIGNAL_STOP_STOPPED) else p.exit_code
    ignored, caught = collect_sigign_sigcatch(p)
    state = get_task_state(p)[0]
    code = 0 if p.mm is None else 1
    masks = [mask & 0x7FFFFFFF for mask in (pending_mask(p.pending), p.blocked, ignored, caught)]
    wchan = int(permitted and (not whole or sig.nr_threads < 2) and state != "R")
    fields = [
        *(task_ppid_nr_ns(p, ns), pid_nr_ns(sig.pgrp, ns), pid_nr_ns(sig.session, ns), 0, -1, task_flags(p)),
        *(0, 0, 0, 0, 0, 0, 0, 0),
        *(20, 0, sig.nr_threads, 0, p.start_time // 10_000_000),
        *(0, 0, 2**64 - 1, code, code, 0, 0, 0),
        *masks,
        *(wchan, 0, 0, p.exit_signal, 0, 0, 0, 0, 0, 0),
        *(0, 0, 0, 0, 0, 0, 0),
        exit_code if permitted else 0,
    ]
    return b"%d (%b) %b %b\n" % (pid_nr_ns(pid, ns), p.comm, state.encode(), " ".join(map(str, fields)).encode())


def task_flags(p: Task) -> int:
    """PF_*"""
    return p.flags | PF_RANDOMIZE | (PF_ENDED if p.flags & PF_EXITING and p.exit_state else 0)


def proc_tgid_stat(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/array.c:proc_tgid_stat"""
    return do_task_stat(task, p, pid, ns, whole=True)


def proc_tid_stat(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/array.c:proc_tid_stat"""
    return do_task_stat(task, p, pid, ns, whole=False)


def proc_pid_statm(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/array.c:proc_pid_statm"""
    return b"0 0 0 0 0 0 0\n"


def children_seq_show(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/array.c:children_seq_show"""
    return "".join(f"{pid_nr_ns(child.thread_pid, ns)} " for child in p.children or ()).encode()
