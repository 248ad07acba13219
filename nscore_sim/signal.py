"""Sending signals: who may, what is dropped, who is woken.  Models kernel/signal.c.

Queues and masks are in sigpending.py, stops in jobctl.py, taking signals in signal_delivery.py, the system calls in kill.py and in
sigaction.py.
`task` is C's current, the sender; `t` or `p` is who it is sent to.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from nscore.errors import Errno
from nscore.flags import Capability, ChildCode, Disposition, SigActionFlag, SigCode
from nscore_sim.capability import ns_capable
from nscore_sim.pid import Pid, each_pid_task, pid_nr_ns
from nscore_sim.sched import try_to_wake_up, wake_up
from nscore_sim.siginfo_layout import has_si_pid_and_uid, tells_of_a_child
from nscore_sim.sigpending import (
    NSIG,
    SIG_KERNEL_COREDUMP_MASK,
    SIG_KERNEL_IGNORE_MASK,
    SIG_KERNEL_ONLY_MASK,
    SIG_KERNEL_STOP_MASK,
    SIGCHLD,
    SIGCONT,
    SIGKILL,
    SIGRTMIN,
    flush_sigqueue_mask,
    sigmask,
    signal_wake_up,
    sigqueue_alloc,
)
from nscore_sim.task import (
    _TASK_STOPPED,
    JOBCTL_STOP_CONSUME,
    JOBCTL_STOP_DEQUEUED,
    JOBCTL_STOP_PENDING,
    KILLED,
    PF_EXITING,
    PIDTYPE_PGID,
    PIDTYPE_PID,
    PIDTYPE_TGID,
    SIGNAL_CLD_CONTINUED,
    SIGNAL_CLD_STOPPED,
    SIGNAL_GROUP_EXIT,
    SIGNAL_STOP_CONTINUED,
    SIGNAL_STOP_MASK,
    SIGNAL_STOP_STOPPED,
    SIGNAL_UNKILLABLE,
    TASK_INTERRUPTIBLE,
    SigPending,
    Task,
    other_threads,
)
from nscore_sim.user_namespace import from_kuid_munged, make_kuid
from nscore_sim.wait_opts import pid_child_should_wake

if TYPE_CHECKING:
    from nscore_sim.user_namespace import UserNamespace

SIG_DFL, SIG_IGN = int(Disposition.DFL), int(Disposition.IGN)
SA_NOCLDWAIT = int(SigActionFlag.NOCLDWAIT)
SI_USER, SI_KERNEL, SI_TKILL = int(SigCode.USER), int(SigCode.KERNEL), int(SigCode.TKILL)
CLD_EXITED, CLD_KILLED, CLD_DUMPED = int(ChildCode.EXITED), int(ChildCode.KILLED), int(ChildCode.DUMPED)
CAP_KILL = int(Capability.KILL)


class Special(Enum):
    """In place of a siginfo.  include/linux/sched/signal.h"""

    NOINFO = "SEND_SIG_NOINFO: as kill(2) would say it, from the sender"
    PRIV = "SEND_SIG_PRIV: from the kernel"


NOINFO, PRIV = Special.NOINFO, Special.PRIV


class KernelSiginfo:
    """A siginfo on its way; sending may change it.  include/linux/signal_types.h:kernel_siginfo"""

    __slots__ = ("si_code", "si_pid", "si_signo", "si_status", "si_uid", "si_value")

    def __init__(self, si_signo: int, si_code: int, si_pid: int, si_uid: int, si_status: int = 0, si_value: int = 0) -> None:
        self.si_signo, self.si_code, self.si_pid, self.si_uid = si_signo, si_code, si_pid, si_uid
        self.si_status, self.si_value = si_status, si_value


Info: TypeAlias = "KernelSiginfo | Special"


def prepare_kill_siginfo(task: Task, sig: int, type: int) -> KernelSiginfo:
    """What kill(2) and its relatives say of the sender.  kernel/signal.c:prepare_kill_siginfo"""
    cred = task.cred
    number = task.group_leader.thread_pid.numbers[-1]
    return KernelSiginfo(sig, SI_TKILL if type == PIDTYPE_PID else SI_USER, number, from_kuid_munged(cred.user_ns, cred.uid))


# Permission


def kill_ok_by_cred(task: Task, t: Task) -> bool:
    """kernel/signal.c:kill_ok_by_cred"""
    cred, tcred = task.cred, t.cred
    return cred.euid in (tcred.suid, tcred.uid) or cred.uid in (tcred.suid, tcred.uid) or ns_capable(task, tcred.user_ns, CAP_KILL)


def check_kill_permission(task: Task, sig: int, info: Info, t: Task) -> None:
    """EINVAL for no signal, EPERM where task may not send it.  kernel/signal.c:check_kill_permission"""
    if not 0 <= sig <= NSIG:
        raise Errno("EINVAL")
    if info is PRIV or (isinstance(info, KernelSiginfo) and info.si_code > SI_USER):
        return
    if task.signal is t.signal or kill_ok_by_cred(task, t):
        return
    if sig != SIGCONT or t.signal.session is not task.signal.session:
        raise Errno("EPERM")


# Dropping and waking


def sig_handler_ignored(handler: int, sig: int) -> bool:
    """kernel/signal.c:sig_handler_ignored"""
    return handler == SIG_IGN or (handler == SIG_DFL and bool(SIG_KERNEL_IGNORE_MASK >> sig - 1 & 1))


def sig_ignored(t: Task, sig: int, force: bool) -> bool:
    """Whether sig is dropped on its way: what is masked never is.  kernel/signal.c:sig_ignored, sig_task_ignored"""
    bit = 1 << sig - 1
    if (t.blocked | t.real_blocked) & bit:
        return False
    handler = t.sighand.action[sig][0]
    only = bit & SIG_KERNEL_ONLY_MASK
    if only and t is t.kernel.init_task:
        return True
    if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE and not (force and only):
        return True
    return sig_handler_ignored(handler, sig)


def flush_process(p: Task, mask: int) -> None:
    """Drop the signals of mask, whichever thread they are for."""
    flush_sigqueue_mask(mask, p.signal.shared_pending)
    for t in p.signal.threads:
        flush_sigqueue_mask(mask, t.pending)


def prepare_signal(sig: int, p: Task, force: bool) -> bool:
    """Do what a stop signal or SIGCONT does by merely being sent; whether the signal goes on.  kernel/signal.c:prepare_signal"""
    if p.signal.flags & SIGNAL_GROUP_EXIT:
        return False
    bit = 1 << sig - 1
    if bit & SIG_KERNEL_STOP_MASK:
        flush_process(p, sigmask(SIGCONT))
    elif sig == SIGCONT:
        _continue(p)
    return not sig_ignored(p, sig, force)


def task_clear_stop(t: Task) -> None:
    """kernel/signal.c:task_clear_jobctl_pending, for JOBCTL_STOP_PENDING"""
    t.jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME | JOBCTL_STOP_DEQUEUED)


def _continue(p: Task) -> None:
    """Wake a stopped process, whatever becomes of the SIGCONT; a thread of it tells the parent."""
    signal = p.signal
    flush_process(p, SIG_KERNEL_STOP_MASK)
    for t in signal.threads:
        task_clear_stop(t)
        try_to_wake_up(t, _TASK_STOPPED)
    if signal.flags & SIGNAL_STOP_STOPPED:
        why = SIGNAL_CLD_CONTINUED
    elif signal.group_stop_count:
        why = SIGNAL_CLD_STOPPED
    else:
        return
    signal.flags = signal.flags & ~SIGNAL_STOP_MASK | why | SIGNAL_STOP_CONTINUED
    signal.group_stop_count = signal.group_exit_code = 0


def wants_signal(sig: int, t: Task) -> bool:
    """kernel/signal.c:wants_signal"""
    if t.blocked >> sig - 1 & 1 or t.flags & PF_EXITING:
        return False
    return sig == SIGKILL or (not t.state & _TASK_STOPPED and not t.sigpending)


def sig_fatal(p: Task, sig: int) -> bool:
    """include/linux/signal.h:sig_fatal"""
    return not (SIG_KERNEL_IGNORE_MASK | SIG_KERNEL_STOP_MASK) >> sig - 1 & 1 and p.sighand.action[sig][0] == SIG_DFL


def complete_signal(sig: int, p: Task, type: int) -> None:
    """Choose the thread that takes sig; what is fatal ends all of them at once.  kernel/signal.c:complete_signal"""
    signal = p.signal
    if wants_signal(sig, p):
        t = p
    elif type == PIDTYPE_PID or signal.nr_threads == 1:
        return
    else:
        first = signal.curr_target or p.group_leader
        found = next((t for t in (first, *other_threads(first)) if wants_signal(sig, t)), None)
        if found is None:
            return
        signal.curr_target = t = found
    # An init's thread drops it, though the leader, which had it masked, did not.
    spared = SIGNAL_GROUP_EXIT if sig == SIGKILL else SIGNAL_GROUP_EXIT | SIGNAL_UNKILLABLE
    if sig_fatal(p, sig) and not (signal.flags & spared or (t.real_blocked | SIG_KERNEL_COREDUMP_MASK) >> sig - 1 & 1):
        signal.flags = SIGNAL_GROUP_EXIT
        signal.group_exit_code = sig
        signal.group_stop_count = 0
        for t in signal.threads:
            kill_thread(t)
        return
    signal_wake_up(t, sig == SIGKILL)


def kill_thread(t: Task) -> None:
    """End one thread of a process that ends."""
    if t.jobctl:
        task_clear_stop(t)
    if t.pending is None:
        t.pending = KILLED
    elif t.pending is not KILLED:
        t.pending.signal |= 1 << SIGKILL - 1
    signal_wake_up(t, True)


def zap_other_threads(task: Task) -> int:
    """End all other threads of task's process; how many are still to come out.  kernel/signal.c:zap_other_threads"""
    task.signal.group_stop_count = 0
    others = other_threads(task)
    for t in others:
        if not t.exit_state:
            kill_thread(t)
    return len(others)


# Sending


def queue_signal(sig: int, info: tuple[int, ...], t: Task, type: int, override_rlimit: bool = True) -> bool:
    """Make sig pending for t or its process and wake who takes it; False where there is no room for what it says.

    kernel/signal.c:__send_signal_locked, after prepare_signal
    """
    pending = t.pending if type == PIDTYPE_PID else t.signal.shared_pending
    bit = 1 << sig - 1
    if pending is None or pending is KILLED:
        if pending is KILLED and sig == SIGKILL:
            return True
        pending = KILLED if sig == SIGKILL else SigPending() if pending is None else SigPending(KILLED.signal)
        if type == PIDTYPE_PID:
            t.pending = pending
        else:
            t.signal.shared_pending = pending
    elif sig < SIGRTMIN and pending.signal & bit:
        return True  # pending already: this one says nothing new
    if sig != SIGKILL:
        queued = sigqueue_alloc(t, info, override_rlimit)
        if queued is not None:
            pending.list.append(queued)
        elif sig >= SIGRTMIN and info[1] != SI_USER:
            return False
    if pending is not KILLED:
        pending.signal |= bit
    complete_signal(sig, t, type)
    return True


def send_signal_locked(task: Task, sig: int, info: Info, t: Task, type: int) -> None:
    """Send sig from task to t, or to the process of t; EAGAIN.  kernel/signal.c:send_signal_locked

    An init takes SIGKILL and SIGSTOP only from the kernel and from where it cannot see.
    """
    if info is NOINFO:
        here = t.thread_pid.ns
        number = pid_nr_ns(task.group_leader.thread_pid, here)
        if prepare_signal(sig, t, not pid_nr_ns(task.thread_pid, here)):
            queue_signal(sig, (sig, SI_USER, number, from_kuid_munged(t.cred.user_ns, task.cred.uid), 0, 0), t, type)
    elif info is PRIV:
        if prepare_signal(sig, t, True):
            queue_signal(sig, (sig, SI_KERNEL, 0, 0, 0, 0), t, type)
    else:
        assert isinstance(info, KernelSiginfo)
        if task.kernel.release.siginfo_copied:
            info = KernelSiginfo(info.si_signo, info.si_code, info.si_pid, info.si_uid, info.si_status, info.si_value)
        force = has_si_pid_and_uid(info.si_signo, info.si_code) and _translate(task, info, t)
        if prepare_signal(sig, t, force):
            fields = (info.si_signo, info.si_code, info.si_pid, info.si_uid, info.si_status, info.si_value)
            if not queue_signal(sig, fields, t, type, sig < SIGRTMIN and info.si_code >= 0):
                raise Errno("EAGAIN")


def _translate(task: Task, info: KernelSiginfo, t: Task) -> bool:
    """Say in t's numbers who sends it; whether that is the kernel or somebody whom t cannot see."""
    ours, theirs = task.cred.user_ns, t.cred.user_ns
    if ours is not theirs:
        info.si_uid = _translate_uid(ours, theirs, info.si_uid)
    number = pid_nr_ns(task.thread_pid, t.thread_pid.ns)
    if not number:
        info.si_pid = 0
        return True
    if task.kernel.release.si_pid_translated and info.si_code in (SI_USER, SI_TKILL):
        info.si_pid = pid_nr_ns(task.group_leader.thread_pid, t.thread_pid.ns)
    return info.si_code == SI_KERNEL


def _translate_uid(ours: UserNamespace, theirs: UserNamespace, uid: int) -> int:
    return from_kuid_munged(theirs, make_kuid(ours, uid))


def group_send_sig_info(task: Task, sig: int, info: Info, p: Task, type: int) -> None:
    """Send sig to the process of p if task may; sig 0 only asks.  kernel/signal.c:group_send_sig_info"""
    check_kill_permission(task, sig, info, p)
    if sig:
        send_signal_locked(task, sig, info, p, type)


def send_sig(sig: int, p: Task, force: bool) -> None:
    """Send sig from the kernel (force), or from p itself.  kernel/signal.c:send_sig"""
    send_signal_locked(p, sig, PRIV if force else NOINFO, p, PIDTYPE_PID)


def kill_pid_info(task: Task, sig: int, info: Info, pid: Pid | None, type: int = PIDTYPE_TGID) -> None:
    """Send sig to the process of pid; ESRCH.  kernel/signal.c:kill_pid_info_type"""
    if pid is None or pid.task is None:
        raise Errno("ESRCH")
    group_send_sig_info(task, sig, info, pid.task, type)


def kill_pgrp_info(task: Task, sig: int, info: Info, pgrp: Pid | None) -> None:
    """Send sig to all members of a group, the latest to join first; an error only where none got it.  kernel/signal.c:__kill_pgrp_info"""
    failed: Errno | None = Errno("ESRCH")
    for p in [] if pgrp is None else each_pid_task(pgrp, PIDTYPE_PGID):
        try:
            group_send_sig_info(task, sig, info, p, PIDTYPE_PGID)
        except Errno as error:
            failed = failed and error
        else:
            failed = None
    if failed is not None:
        raise failed


# Telling the parent


def wake_up_parent(p: Task, parent: Task) -> None:
    """Wake who waits for p.  kernel/exit.c:__wake_up_parent, child_wait_callback"""
    for task in list(parent.signal.wait_chldexit or ()):
        if pid_child_should_wake(task, p):
            try_to_wake_up(task, TASK_INTERRUPTIBLE)


def do_notify_pidfd(t: Task) -> None:
    """kernel/signal.c:do_notify_pidfd"""
    if t.thread_pid.wait_pidfd:
        wake_up(t.thread_pid.wait_pidfd)


def do_notify_parent(t: Task, sig: int) -> bool:
    """Tell the parent that t has ended; whether nobody will wait for it.  kernel/signal.c:do_notify_parent"""
    if t.thread_pid.wait_pidfd:
        do_notify_pidfd(t)
    parent = t.real_parent
    if sig != SIGCHLD and t.parent_exec_id != parent.self_exec_id:
        sig = SIGCHLD  # to whom the parent was before its execve, the child means nothing
    autoreap = False
    if sig == SIGCHLD:
        handler, flags, _ = parent.sighand.action[SIGCHLD]
        if handler == SIG_IGN or flags & SA_NOCLDWAIT:
            autoreap = True
            if handler == SIG_IGN:
                sig = 0
        elif handler == SIG_DFL and not (parent.blocked | parent.real_blocked) >> SIGCHLD - 1 & 1:
            sig = 0  # it would be dropped
    if 0 < sig <= NSIG and prepare_signal(sig, parent, False):
        queue_signal(sig, _child_siginfo(t, sig, parent), parent, PIDTYPE_TGID)
    if parent.signal.wait_chldexit:
        wake_up_parent(t, parent)
    return autoreap


def _child_siginfo(t: Task, sig: int, parent: Task) -> tuple[int, ...]:
    """What the exit signal says of a child that has ended; one with codes of its own says nothing."""
    code = t.exit_code
    number = pid_nr_ns(t.thread_pid, parent.thread_pid.ns)
    uid = from_kuid_munged(parent.cred.user_ns, t.cred.uid)
    if code & 0x80:
        why, status = CLD_DUMPED, code & 0x7F
    elif code & 0x7F:
        why, status = CLD_KILLED, code & 0x7F
    else:
        why, status = CLD_EXITED, code >> 8
    return (sig, why, number, uid, status, 0) if tells_of_a_child(sig, why) else (sig, why, 0, 0, 0, 0)
