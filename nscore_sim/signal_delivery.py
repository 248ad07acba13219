"""Taking signals on the way to user mode.  Models kernel/signal.c:get_signal and what it calls.

The one handler there is records the siginfo and returns at once.  Left out: core dumps, ptrace(2), freezing.
"""

from __future__ import annotations

from dataclasses import dataclass

from nscore.flags import SigActionFlag
from nscore.interface.backend import Args
from nscore_sim.exit import do_group_exit, is_current_pgrp_orphaned
from nscore_sim.jobctl import CLD_CONTINUED, CLD_STOPPED, do_notify_parent_cldstop, do_signal_stop
from nscore_sim.signal import SIG_DFL, SIG_IGN
from nscore_sim.sigpending import (
    SIG_KERNEL_IGNORE_MASK,
    SIG_KERNEL_ONLY_MASK,
    SIG_KERNEL_STOP_MASK,
    SIGKILL,
    SIGSTOP,
    dequeue_signal,
)
from nscore_sim.task import (
    JOBCTL_STOP_PENDING,
    PF_SIGNALED,
    SIGNAL_CLD_CONTINUED,
    SIGNAL_CLD_MASK,
    SIGNAL_GROUP_EXIT,
    SIGNAL_UNKILLABLE,
    Task,
)

SA_RESTART, SA_RESETHAND = int(SigActionFlag.RESTART), int(SigActionFlag.RESETHAND)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A signal whose handler ran."""

    sig: int
    restart: bool  #: SA_RESTART


def get_signal(task: Task) -> Delivered | None:
    """Take pending signals until a handler has run or none is left.

    When it returns task may have stopped or ended.  kernel/signal.c:get_signal
    """
    signal = task.signal
    while True:
        if signal.flags & SIGNAL_CLD_MASK:
            # The first thread that wakes up after a stop tells the parent.
            why = CLD_CONTINUED if signal.flags & SIGNAL_CLD_CONTINUED else CLD_STOPPED
            signal.flags &= ~SIGNAL_CLD_MASK
            do_notify_parent_cldstop(task, why)
        if signal.flags & SIGNAL_GROUP_EXIT or signal.group_exec_task is not None:
            die(task, SIGKILL)
            return None
        if task.jobctl & JOBCTL_STOP_PENDING and do_signal_stop(task, 0):
            return None
        info = dequeue_signal(task, task.blocked)
        if info is None:
            return None
        sig = info[0]
        handler, flags, _ = task.sighand.action[sig]
        if handler == SIG_IGN:
            continue
        if handler != SIG_DFL:
            return handle_signal(task, info, flags)
        if _default_action(task, sig):
            return None


def _default_action(task: Task, sig: int) -> bool:
    """Do what sig does where there is no handler; whether task has stopped or ended by it."""
    bit = 1 << sig - 1
    if bit & SIG_KERNEL_IGNORE_MASK:
        return False
    # What reaches an init here was masked when it was sent, or came from the kernel or from outside.
    if task.signal.flags & SIGNAL_UNKILLABLE and not bit & SIG_KERNEL_ONLY_MASK:
        return False
    if bit & SIG_KERNEL_STOP_MASK:
        if sig != SIGSTOP and is_current_pgrp_orphaned(task):
            return False
        return do_signal_stop(task, sig)
    die(task, sig)
    return True


def handle_signal(task: Task, info: tuple[int, ...], flags: int) -> Delivered:
    """Run the handler.  arch/x86/kernel/signal.c:handle_signal"""
    sig = info[0]
    if flags & SA_RESETHAND:
        action = list(task.sighand.action)
        action[sig] = (SIG_DFL, *action[sig][1:])
        task.sighand.action = tuple(action)
    mm = task.mm
    assert mm is not None
    if mm.received is None:
        mm.received = []
    mm.received.append(info)
    return Delivered(sig, bool(flags & SA_RESTART))


def received(task: Task) -> tuple[Args, ...]:
    """What the handler has recorded in task's process since the last look."""
    mm = task.mm
    if mm is None or mm.received is None:
        return ()
    seen, mm.received = tuple(mm.received), None
    return seen


def die(task: Task, sig: int) -> None:
    """End the process by sig."""
    task.flags |= PF_SIGNALED
    do_group_exit(task, sig)
