"""Sets and queues of pending signals.  Models include/linux/signal.h and the first part of kernel/signal.c.

A set is an int with bit (sig - 1).  Left out: the precedence of faults (dequeue_synchronous_signal), as nothing faults here.
"""

from __future__ import annotations

from collections.abc import Iterable

from nscore.flags import Signal
from nscore_sim.sched import try_to_wake_up
from nscore_sim.task import (
    JOBCTL_STOP_DEQUEUED,
    JOBCTL_STOP_PENDING,
    PF_EXITING,
    TASK_INTERRUPTIBLE,
    TASK_WAKEKILL,
    SigPending,
    SigQueue,
    Task,
    other_threads,
)
from nscore_sim.ucount import UCOUNT_RLIMIT_SIGPENDING, dec_rlimit_ucounts, inc_rlimit_get_ucounts

SIGRTMIN, NSIG = 32, 64
RLIMIT_SIGPENDING = 11

SIGHUP, SIGINT, SIGKILL, SIGCHLD, SIGCONT, SIGSTOP = map(int, (Signal.HUP, Signal.INT, Signal.KILL, Signal.CHLD, Signal.CONT, Signal.STOP))


def sigmask(*signals: int) -> int:
    """The set of signals.  include/linux/signal.h:sigmask"""
    mask = 0
    for sig in signals:
        mask |= 1 << sig - 1
    return mask


#: include/linux/signal.h: what the default action is; any other signal ends the process.
SIG_KERNEL_ONLY_MASK = sigmask(Signal.KILL, Signal.STOP)
SIG_KERNEL_STOP_MASK = sigmask(Signal.STOP, Signal.TSTP, Signal.TTIN, Signal.TTOU)
SIG_KERNEL_IGNORE_MASK = sigmask(Signal.CONT, Signal.CHLD, Signal.WINCH, Signal.URG)
SIG_KERNEL_COREDUMP_MASK = sigmask(
    *(Signal.QUIT, Signal.ILL, Signal.TRAP, Signal.ABRT, Signal.FPE, Signal.SEGV, Signal.BUS, Signal.SYS, Signal.XCPU, Signal.XFSZ)
)
#: kernel/signal.c:SYNCHRONOUS_MASK: taken before all others.
SYNCHRONOUS_MASK = sigmask(Signal.SEGV, Signal.BUS, Signal.ILL, Signal.TRAP, Signal.FPE, Signal.SYS)


def signals_of(mask: int) -> tuple[int, ...]:
    """The signals in a set, ascending."""
    return tuple([sig for sig in range(1, NSIG + 1) if mask >> sig - 1 & 1])


def set_of(signals: Iterable[int]) -> int:
    """The set of those that are signals; a sigset_t has no room for others."""
    return sigmask(*(sig for sig in signals if 1 <= sig <= NSIG))


# Queues


def sigqueue_alloc(t: Task, info: tuple[int, ...], override_rlimit: bool) -> SigQueue | None:
    """Room for one more signal of t's user, None where it has too many.  kernel/signal.c:__sigqueue_alloc"""
    ucounts = t.cred.ucounts
    count = inc_rlimit_get_ucounts(ucounts, UCOUNT_RLIMIT_SIGPENDING, override_rlimit)
    if not count:
        return None
    if not override_rlimit and count > t.signal.rlim[RLIMIT_SIGPENDING][0]:
        dec_rlimit_ucounts(ucounts, UCOUNT_RLIMIT_SIGPENDING, 1)
        return None
    return SigQueue(info, ucounts)


def flush_sigqueue_mask(mask: int, pending: SigPending | None) -> None:
    """Drop the signals of mask.  kernel/signal.c:flush_sigqueue_mask"""
    if pending is None or not pending.signal & mask:
        return
    pending.signal &= ~mask
    kept = []
    for queued in pending.list:
        if mask >> queued.info[0] - 1 & 1:
            dec_rlimit_ucounts(queued.ucounts, UCOUNT_RLIMIT_SIGPENDING, 1)
        else:
            kept.append(queued)
    pending.list = kept


def flush_sigqueue(pending: SigPending) -> None:
    """Drop what is in the queue; whose it was has none now.  kernel/signal.c:flush_sigqueue"""
    for queued in pending.list:
        dec_rlimit_ucounts(queued.ucounts, UCOUNT_RLIMIT_SIGPENDING, 1)


def next_signal(pending: SigPending, mask: int) -> int:
    """The signal to take next of those not in mask: faults first, then the lowest number.  kernel/signal.c:next_signal"""
    ready = pending.signal & ~mask
    if ready & SYNCHRONOUS_MASK:
        ready &= SYNCHRONOUS_MASK
    return (ready & -ready).bit_length()


def collect_signal(sig: int, pending: SigPending) -> tuple[int, ...]:
    """Take the oldest siginfo of sig off the queue.  kernel/signal.c:collect_signal"""
    found = None
    for queued in pending.list:
        if queued.info[0] == sig:
            if found is not None:
                break  # another one: it stays pending
            found = queued
    else:
        pending.signal &= ~(1 << sig - 1)
    if found is None:
        # It was sent, but there was no room for what it says.
        return (sig, 0, 0, 0, 0, 0)
    pending.list.remove(found)
    dec_rlimit_ucounts(found.ucounts, UCOUNT_RLIMIT_SIGPENDING, 1)
    return found.info


def dequeue_signal(task: Task, mask: int) -> tuple[int, ...] | None:
    """Take a pending signal that is not in mask, the thread's own first; its siginfo.  kernel/signal.c:dequeue_signal"""
    info = None
    for pending in (task.pending, task.signal.shared_pending):
        if pending is not None and (sig := next_signal(pending, mask)):
            info = collect_signal(sig, pending)
            break
    recalc_sigpending(task)
    if info is not None and SIG_KERNEL_STOP_MASK >> info[0] - 1 & 1:
        task.jobctl |= JOBCTL_STOP_DEQUEUED
    return info


# Who has to look at its signals


def recalc_sigpending(task: Task) -> bool:
    """Find out whether task has to look at its signals.  kernel/signal.c:recalc_sigpending"""
    open_to = ~task.blocked
    own, shared = task.pending, task.signal.shared_pending
    task.sigpending = bool(
        task.jobctl & JOBCTL_STOP_PENDING or (own is not None and own.signal & open_to) or (shared is not None and shared.signal & open_to)
    )
    return task.sigpending


def signal_wake_up(t: Task, fatal: bool) -> None:
    """Let t look at its signals, soon.  include/linux/sched/signal.h:signal_wake_up"""
    t.sigpending = True
    if t.state:
        try_to_wake_up(t, TASK_WAKEKILL | TASK_INTERRUPTIBLE if fatal else TASK_INTERRUPTIBLE)


def retarget_shared_pending(task: Task, which: int) -> None:
    """Let other threads take what task no longer will.  kernel/signal.c:retarget_shared_pending"""
    shared = task.signal.shared_pending
    retarget = 0 if shared is None else shared.signal & which
    if not retarget:
        return
    for t in other_threads(task):
        if t.flags & PF_EXITING or not retarget & ~t.blocked:
            continue
        retarget &= t.blocked
        if not t.sigpending:
            signal_wake_up(t, False)
        if not retarget:
            return


def set_task_blocked(task: Task, blocked: int) -> None:
    """Change the mask.  kernel/signal.c:__set_task_blocked"""
    if task.sigpending and task.signal.nr_threads > 1:
        retarget_shared_pending(task, blocked & ~task.blocked)
    task.blocked = blocked
    recalc_sigpending(task)


def fatal_signal_pending(task: Task) -> bool:
    """include/linux/sched/signal.h:fatal_signal_pending"""
    return task.sigpending and task.pending is not None and bool(task.pending.signal & 1 << SIGKILL - 1)
