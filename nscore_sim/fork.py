"""Making tasks: fork, clone, clone3.  Models kernel/fork.c.

unshare(2) is in unshare.py.  Left out: memory, stacks and thread-local storage, cgroups, ptrace(2).
"""

from __future__ import annotations

from nscore.errors import Errno
from nscore.flags import Capability, CloneFlag
from nscore_sim.capability import capable
from nscore_sim.cred import Cred, copy_creds, put_cred
from nscore_sim.entry import exit_to_user_mode
from nscore_sim.fault_inject import should_fail
from nscore_sim.file import copy_files, fd_install, put_files_struct
from nscore_sim.fs_struct import copy_fs, free_fs_struct
from nscore_sim.jobctl import task_join_group_stop
from nscore_sim.nsproxy import copy_namespaces, put_nsproxy
from nscore_sim.pid import Pid, alloc_pid, attach_group, free_pid, pid_nr_ns
from nscore_sim.pidfs import PIDFD_THREAD, pidfd_prepare
from nscore_sim.sched import sleep_on
from nscore_sim.sigaction import flush_signal_handlers
from nscore_sim.sigpending import NSIG, fatal_signal_pending, recalc_sigpending
from nscore_sim.task import (
    PF_FORKNOEXEC,
    SIGNAL_UNKILLABLE,
    TASK_KILLABLE,
    TASK_RUNNING,
    Mm,
    SighandStruct,
    SignalStruct,
    Task,
)
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, dec_rlimit_ucounts, is_rlimit_overlimit

CLONE_VM, CLONE_FS, CLONE_SIGHAND, CLONE_PIDFD = map(int, (CloneFlag.VM, CloneFlag.FS, CloneFlag.SIGHAND, CloneFlag.PIDFD))
CLONE_VFORK, CLONE_PARENT, CLONE_THREAD = map(int, (CloneFlag.VFORK, CloneFlag.PARENT, CloneFlag.THREAD))
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = map(int, (CloneFlag.NEWNS, CloneFlag.NEWUSER, CloneFlag.NEWPID))
CLONE_NEWTIME, CLONE_DETACHED = int(CloneFlag.NEWTIME), int(CloneFlag.DETACHED)
CLONE_CLEAR_SIGHAND, CLONE_INTO_CGROUP = int(CloneFlag.CLEAR_SIGHAND), int(CloneFlag.INTO_CGROUP)
CLONE_LEGACY_FLAGS = (1 << 32) - 1
CSIGNAL = 0xFF

CAP_SYS_ADMIN, CAP_SYS_RESOURCE = int(Capability.SYS_ADMIN), int(Capability.SYS_RESOURCE)

RLIMIT_NPROC = 6
#: How many numbers clone3(2) takes.  include/linux/pid_namespace.h:MAX_PID_NS_LEVEL
MAX_SET_TID = 32

#: kernel/fork.c:copy_process, in its order: (all of these together, none of those) is EINVAL.
REFUSED = (
    (CLONE_NEWNS | CLONE_FS, 0),
    (CLONE_NEWUSER | CLONE_FS, 0),
    (CLONE_THREAD, CLONE_SIGHAND),
    (CLONE_SIGHAND, CLONE_VM),
    (CLONE_THREAD | CLONE_NEWUSER, 0),
    (CLONE_THREAD | CLONE_NEWPID, 0),
    (CLONE_PIDFD | CLONE_DETACHED, 0),
)
#: Without any of these there is nothing to refuse.
ODD = CLONE_FS | CLONE_THREAD | CLONE_SIGHAND | CLONE_PARENT | CLONE_PIDFD


def kernel_clone(task: Task, flags: int, exit_signal: int, set_tid: tuple[int, ...] = ()) -> tuple[Task, tuple[int, int | None]]:
    """Create a task: it and what the call returns, (its number for task, pidfd or None).

    With CLONE_VFORK task is asleep when it returns.  kernel/fork.c:clone3, kernel_clone
    """
    if flags or set_tid or not 0 <= exit_signal <= NSIG:
        clone3_args_valid(flags, exit_signal, set_tid)
    if task.sigpending and recalc_sigpending(task):
        raise Errno("ERESTARTNOINTR")
    child, pidfd = copy_process(task, flags, exit_signal, set_tid)
    result = (pid_nr_ns(child.thread_pid, task.thread_pid.ns), pidfd)
    task.kernel.runqueue.append(child)  # kernel/sched/core.c:wake_up_new_task
    if flags & CLONE_VFORK:
        child.vfork_done = task
        task.restart = (child, result)
        task.resume = wait_for_vfork_done
        sleep_on(task, state=TASK_KILLABLE)
    return child, result


def wait_for_vfork_done(task: Task) -> None:
    """The child has exec'ed or ended, or the parent is to die.  kernel/fork.c:wait_for_vfork_done"""
    assert isinstance(task.restart, tuple)
    child, result = task.restart
    if child.vfork_done is task:
        if not fatal_signal_pending(task):
            sleep_on(task, state=TASK_KILLABLE)
            return
        child.vfork_done = None
    task.result = result
    task.resume = exit_to_user_mode
    exit_to_user_mode(task)


def clone3_args_valid(flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> None:
    """kernel/fork.c:copy_clone_args_from_user, clone3_args_valid"""
    if len(set_tid) > MAX_SET_TID or not 0 <= exit_signal <= NSIG:
        raise Errno("EINVAL")
    if flags & ~(CLONE_LEGACY_FLAGS | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP) or flags & (CLONE_DETACHED | CSIGNAL & ~CLONE_NEWTIME):
        raise Errno("EINVAL")
    if flags & CLONE_SIGHAND and flags & CLONE_CLEAR_SIGHAND:
        raise Errno("EINVAL")
    if flags & (CLONE_THREAD | CLONE_PARENT) and exit_signal:
        raise Errno("EINVAL")


def check_clone_flags(task: Task, flags: int) -> None:
    """The first part of kernel/fork.c:copy_process"""
    if any(flags & have == have and not flags & lack for have, lack in REFUSED):
        raise Errno("EINVAL")
    # Siblings of an init would have to be adopted by somebody outside.
    if flags & CLONE_PARENT and task.signal.flags & SIGNAL_UNKILLABLE:
        raise Errno("EINVAL")
    # Threads of a process have one PID namespace.
    if flags & CLONE_THREAD:
        assert task.nsproxy is not None
        if task.nsproxy.pid_ns_for_children is not task.thread_pid.ns:
            raise Errno("EINVAL")


def copy_process(task: Task, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> tuple[Task, int | None]:
    """A new task and its pidfd.  kernel/fork.c:copy_process"""
    kernel = task.kernel
    if flags & ODD:
        check_clone_flags(task, flags)
    if kernel.faults is not None:
        should_fail(kernel, "copy_process")
    cred = copy_creds(task, flags)
    p = Task()
    p.files = p.fs = p.nsproxy = pid = None
    pidfd, pidfile = None, None
    try:
        if cred.uid or kernel.nr_threads >= kernel.max_threads:
            check_limits(task, cred)
        p.files = copy_files(flags, task)
        p.fs = copy_fs(flags, task)
        p.nsproxy = copy_namespaces(flags, task, cred, p.fs)
        if kernel.faults is not None:
            should_fail(kernel, "alloc_pid")
        pid = alloc_pid(task, p.nsproxy.pid_ns_for_children, set_tid)
        if flags & CLONE_PIDFD:
            pidfd, pidfile = pidfd_prepare(task, pid, PIDFD_THREAD if flags & CLONE_THREAD else 0, stale=True)
        if flags & CLONE_INTO_CGROUP:
            raise Errno("EBADF")  # there is no descriptor of a cgroup
    except Errno:
        undo_copies(task, p, cred, pid)
        raise
    # From here on nothing fails.
    p.cred = cred
    dup_task_struct(task, p, pid)
    share_or_copy(task, p, flags)
    adopt(task, p, flags, exit_signal)
    if flags & CLONE_THREAD:
        join_thread_group(task, p)
    else:
        lead_thread_group(task, p)
    kernel.nr_threads += 1
    kernel.total_forks += 1
    if pidfd is not None and pidfile is not None:
        fd_install(task, pidfd, pidfile, True)
    return p, pidfd


def undo_copies(task: Task, p: Task, cred: Cred, pid: Pid | None) -> None:
    """Give back what a task that is not to be has got so far.  The numbers stay used up.  kernel/fork.c:copy_process, its last part"""
    if pid is not None:
        free_pid(pid)
    if p.nsproxy is not None:
        put_nsproxy(p.nsproxy)
    if p.fs is not None:
        free_fs_struct(p.fs)
    if p.files is not None:
        put_files_struct(p.files, task)
    dec_rlimit_ucounts(cred.ucounts, UCOUNT_RLIMIT_NPROC, 1)
    put_cred(cred)


def check_limits(task: Task, cred: Cred) -> None:
    """Global root and who may raise the limit are exempt from RLIMIT_NPROC."""
    if cred.uid != 0 and is_rlimit_overlimit(cred.ucounts, UCOUNT_RLIMIT_NPROC, task.signal.rlim[RLIMIT_NPROC][0]):
        may = capable(task, CAP_SYS_RESOURCE) or capable(task, CAP_SYS_ADMIN)
        if not may:
            raise Errno("EAGAIN")
    if task.kernel.nr_threads >= task.kernel.max_threads:
        raise Errno("EAGAIN")


def dup_task_struct(task: Task, p: Task, pid: Pid) -> None:
    """Make p a copy of task as far as nothing is shared.  kernel/fork.c:dup_task_struct"""
    p.kernel = task.kernel
    pid.task = p
    p.thread_pid = pid
    p.pid = pid.numbers[-1]
    p.children = p.pending = p.vfork_done = p.call = p.restart = p.timeout = p.result = p.program = None
    p.exit_state = p.exit_code = p.pdeath_signal = p.jobctl = p.real_blocked = 0
    p.blocked = task.blocked
    p.sigpending = False
    p.flags = PF_FORKNOEXEC
    p.self_exec_id = task.self_exec_id
    p.no_new_privs = task.no_new_privs
    p.comm = task.comm
    p.start_time = task.kernel.clock
    p.state = TASK_RUNNING
    p.wait_heads = ()
    p.resume = exit_to_user_mode


def share_or_copy(task: Task, p: Task, flags: int) -> None:
    """Memory and the table of actions.  kernel/fork.c:copy_mm, copy_sighand"""
    mm = task.mm
    if mm is None:
        p.mm = None
    elif flags & CLONE_VM:
        mm.users += 1
        p.mm = mm
    else:
        p.mm = new = Mm(mm.user_ns, mm.exe)
        new.dumpable = mm.dumpable
    if flags & CLONE_SIGHAND:
        task.sighand.count += 1
        p.sighand = task.sighand
        return
    p.sighand = SighandStruct(task.sighand.action)
    if flags & CLONE_CLEAR_SIGHAND:
        flush_signal_handlers(p, False)


def adopt(task: Task, p: Task, flags: int, exit_signal: int) -> None:
    """Whose child it is, and what its parent is sent."""
    if flags & (CLONE_PARENT | CLONE_THREAD):
        p.real_parent = task.real_parent
        p.parent_exec_id = task.parent_exec_id
        p.exit_signal = -1 if flags & CLONE_THREAD else task.group_leader.exit_signal
    else:
        p.real_parent = task
        p.parent_exec_id = task.self_exec_id
        p.exit_signal = exit_signal


def join_thread_group(task: Task, p: Task) -> None:
    """One thread more.  kernel/fork.c:copy_process"""
    p.signal = signal = task.signal
    p.group_leader = task.group_leader
    signal.nr_threads += 1
    signal.live += 1
    signal.quick_threads += 1
    signal.threads[p] = None
    task_join_group_stop(task, p)


def lead_thread_group(task: Task, p: Task) -> None:
    """One process more.  kernel/fork.c:copy_signal and copy_process"""
    old = task.signal
    pid = p.thread_pid
    p.group_leader = p
    p.signal = signal = SignalStruct(p, old.pgrp, old.session, old.rlim, p.kernel.total_forks)
    signal.oom_score_adj, signal.oom_score_adj_min = old.oom_score_adj, old.oom_score_adj_min
    parent = p.real_parent
    signal.has_child_subreaper = parent.signal.has_child_subreaper or parent.signal.is_child_subreaper
    if pid.numbers[-1] == 1:
        pid.ns.child_reaper = p
        signal.flags = SIGNAL_UNKILLABLE
    pid.tgid = p
    attach_group(p, old.pgrp, old.session)
    if parent.children is None:
        parent.children = {p: None}
    else:
        parent.children[p] = None
