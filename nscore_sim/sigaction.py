"""What a process does about signals: actions, masks, taking them in a call.  Models the system calls of kernel/signal.c."""

from __future__ import annotations

from nscore.errors import Errno
from nscore.flags import Disposition, SigActionFlag, SigMask
from nscore_sim.sched import Restart, Sleep, signal_pending, sleep_on, timed_out
from nscore_sim.signal import SIG_DFL, flush_process, sig_handler_ignored
from nscore_sim.sigpending import (
    NSIG,
    SIG_KERNEL_ONLY_MASK,
    dequeue_signal,
    recalc_sigpending,
    set_of,
    set_task_blocked,
    sigmask,
    signals_of,
)
from nscore_sim.task import Action, SighandStruct, Task

HANDLE = int(Disposition.HANDLE)
SA_SIGINFO = int(SigActionFlag.SIGINFO)
SA_RESTORER = 0x04000000
#: include/linux/signal.h:UAPI_SA_FLAGS: what the kernel keeps of a caller's flags.  SA_EXPOSE_TAGBITS has no name elsewhere.
SA_EXPOSE_TAGBITS = 0x800
UAPI_SA_FLAGS = SA_EXPOSE_TAGBITS
for _flag in SigActionFlag:
    UAPI_SA_FLAGS |= int(_flag)

ALL_SIGNALS = (1 << NSIG) - 1
DEFAULT_ACTIONS: tuple[Action, ...] = ((SIG_DFL, 0, 0),) * (NSIG + 1)


def set_action(sighand: SighandStruct, sig: int, action: Action) -> None:
    """Write one action; the table may be shared by reference."""
    table = list(sighand.action)
    table[sig] = action
    sighand.action = tuple(table)


def flush_signal_handlers(task: Task, force_default: bool) -> None:
    """Forget the handlers, of execve(2).  kernel/signal.c:flush_signal_handlers"""
    if task.sighand.action is not DEFAULT_ACTIONS:
        kept = task.sighand.action
        ignored = int(Disposition.IGN)
        task.sighand.action = tuple([(ignored if old[0] == ignored and not force_default else SIG_DFL, 0, 0) for old in kept])


def sigaction(task: Task, sig: int, action: int | None, flags: int) -> tuple[int, int]:
    """kernel/signal.c:do_sigaction"""
    if action is not None and action not in (*Disposition,):
        raise Errno("EINVAL")  # an address that is no handler of ours
    if not 1 <= sig <= NSIG or (action is not None and SIG_KERNEL_ONLY_MASK >> sig - 1 & 1):
        raise Errno("EINVAL")
    handler, old_flags, _ = task.sighand.action[sig]
    if action is not None:
        flags &= UAPI_SA_FLAGS
        if action == HANDLE:
            set_action(task.sighand, sig, (action, flags | SA_SIGINFO, ALL_SIGNALS & ~SIG_KERNEL_ONLY_MASK))
        else:
            set_action(task.sighand, sig, (action, flags, 0))
        if sig_handler_ignored(action, sig):
            flush_process(task, sigmask(sig))
    return handler, old_flags


def sigprocmask(task: Task, how: int, set: tuple[int, ...]) -> tuple[int, ...]:
    """kernel/signal.c:sigprocmask"""
    old, given = task.blocked, set_of(set) & ~SIG_KERNEL_ONLY_MASK
    if how == SigMask.BLOCK:
        new = old | given
    elif how == SigMask.UNBLOCK:
        new = old & ~given
    elif how == SigMask.SETMASK:
        new = given
    else:
        raise Errno("EINVAL")
    if new != old:
        set_task_blocked(task, new)
    return signals_of(old)


def sigpending(task: Task) -> tuple[int, ...]:
    """kernel/signal.c:do_sigpending"""
    pending = 0
    for queue in (task.pending, task.signal.shared_pending):
        if queue is not None:
            pending |= queue.signal
    return signals_of(pending & task.blocked)


def rt_sigtimedwait(task: Task, set: tuple[int, ...], seconds: int | None) -> tuple[int, ...] | Sleep:
    """kernel/signal.c:do_sigtimedwait"""
    if seconds is not None and seconds < 0:
        raise Errno("EINVAL")
    mask = ~(set_of(set) & ~SIG_KERNEL_ONLY_MASK)
    slept = task.restart is not None
    if slept:
        # While it slept those of the set were let in, so that they wake it.
        blocked, task.real_blocked = task.real_blocked, 0
        set_task_blocked(task, blocked)
        task.restart = None
    info = dequeue_signal(task, mask)
    if info is not None:
        return info
    if slept or seconds == 0:
        raise Errno("EINTR" if slept and not timed_out(task) else "EAGAIN")
    if seconds is not None:
        task.timeout = task.kernel.clock + seconds
    task.restart = mask
    task.real_blocked = task.blocked
    task.blocked &= mask
    if recalc_sigpending(task):
        return rt_sigtimedwait(task, set, seconds)
    return sleep_on(task)


def pause(task: Task) -> Restart | Sleep:
    """kernel/signal.c:sys_pause"""
    return Restart.NOHAND if signal_pending(task) else sleep_on(task)
