"""The way into the kernel and out of it.  Models kernel/entry/common.c and the architecture's signal return.

A task enters with a call; the call returns, sleeps or ends the task.  On the way out it takes its signals: a handler runs (and is a
record of the siginfo), the process stops or ends, and a call that was interrupted is made again or becomes EINTR.
"""

from __future__ import annotations

from collections.abc import Callable

from nscore.errors import Errno
from nscore.interface.backend import Args, Plain
from nscore_sim.sched import SLEEP, Restart, Sleep
from nscore_sim.signal_delivery import get_signal
from nscore_sim.task import PF_EXITING, TASK_INTERRUPTIBLE, TASK_RUNNING, Task


def enter(task: Task, function: Callable[..., Plain | Sleep | Restart], args: Args) -> None:
    """Begin a call.  What becomes of it is in task: call is None when it has returned, and result holds what."""
    task.state = TASK_RUNNING
    task.call = (function, args)
    task.restart = None
    task.timeout = None
    task.resume = syscall
    syscall(task)


def syscall(task: Task) -> None:
    """Make the call that task is in, once more if it has slept.  arch/x86/entry/common.c:do_syscall_64"""
    assert task.call is not None
    function, args = task.call
    try:
        result = function(task, *args)
    except Errno as error:
        result = Restart.NOINTR if error.name == "ERESTARTNOINTR" else error  # type: ignore[assignment]
    if result is SLEEP or task.flags & PF_EXITING:
        return
    task.result = result
    task.resume = exit_to_user_mode
    if task.sigpending or result.__class__ is Restart:
        exit_to_user_mode(task)
        return
    task.call = None
    if task.program is None:
        task.state = TASK_INTERRUPTIBLE


def exit_to_user_mode(task: Task) -> None:
    """Take the signals, decide about an interrupted call, and be in user mode.

    A driven process waits there for its next command, asleep; a program runs on.
    kernel/entry/common.c:exit_to_user_mode_loop, arch/x86/kernel/signal.c:arch_do_signal_or_restart
    """
    while task.sigpending:
        delivered = get_signal(task)
        if task.state != TASK_RUNNING or task.flags & PF_EXITING:
            return  # stopped, to come here again on waking; or ended
        if delivered is None:
            break
        if isinstance(task.result, Restart) and task.call is not None:
            # The first handler decides: what runs after it did not interrupt the call.
            again = task.result is Restart.NOINTR or (task.result is Restart.SYS and delivered.restart)
            task.result = Restart.NOINTR if again else Errno("EINTR")
    if task.call is not None:
        if isinstance(task.result, Restart):
            if task.result is not Restart.BLOCK:
                task.restart = task.timeout = None  # from the beginning
            task.resume = syscall
            syscall(task)
            return
        task.call = None
    if task.program is None:
        task.state = TASK_INTERRUPTIBLE
