"""A machine on the model: boot, driven processes, time, programs.  (No kernel file.)

A process above the machine stands for whoever drives: it clones the machine's init, and the processes
that machine.run needs outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from nscore.errors import Errno, Unavailable
from nscore.flags import THREAD_FLAGS, CloneFlag
from nscore.interface.backend import Args, Body, Driven, Fate, Outcome, Plain
from nscore_sim.boot import NAMESPACES, boot_kernel
from nscore_sim.entry import enter, exit_to_user_mode
from nscore_sim.fork import kernel_clone
from nscore_sim.hrtimer import advance
from nscore_sim.pid import find_pid_ns
from nscore_sim.program import Programs
from nscore_sim.sched import SLEEP, Restart, Sleep, schedule
from nscore_sim.signal_delivery import received
from nscore_sim.sigpending import SIGCHLD
from nscore_sim.syscalls import TABLE
from nscore_sim.task import PF_EXITING, TASK_INTERRUPTIBLE, TASK_RUNNING, Task

Function = Callable[..., "Plain | Sleep | Restart"]


#: clone's arguments for what has none.
CREATE: dict[str, Args] = {"fork": (0, SIGCHLD, ()), "thread": (int(THREAD_FLAGS), 0, ())}

#: Calls without arguments that only look, so that there is nothing to do on the way in and out: they neither sleep nor fail.
LOOKS = frozenset(("getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid"))


class SimWorld:
    """World of nscore.interface.backend."""

    def __init__(self, options: Mapping[str, object]) -> None:
        self.kernel, self._outer, init = boot_kernel(options)
        self._init = SimDriven(init)
        self._programs = Programs(self.kernel)

    @property
    def init(self) -> Driven:
        """PID 1."""
        return self._init

    @property
    def level(self) -> int:
        """The level of the machine's PID namespace."""
        return self._init.task.thread_pid.level

    @property
    def image(self) -> str:
        """The one executable there is."""
        return self.kernel.image

    @property
    def replay(self) -> str:
        """The choices so far."""
        return self.kernel.chooser.replay

    def settle(self, patience: float) -> None:
        """Drain the run queue."""
        if self.kernel.runqueue:
            schedule(self.kernel)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass, timer by timer."""
        until = self.kernel.clock + round(seconds * 1_000_000_000)
        schedule(self.kernel)
        while advance(self.kernel, until):
            schedule(self.kernel)

    def run(self, body: Body) -> int:
        """Run body as PID 1 of a namespace below the machine's; its parent is a process outside, which joins the machine's namespaces."""
        outside = kernel_clone(self._outer, 0, SIGCHLD, ())[0]
        schedule(self.kernel)
        join(outside, self._init.task)
        root = below(outside)
        try:
            self._programs.run(root, body)
        finally:
            enter(outside, TABLE["waitpid"], (-1, 0))
            status = outside.result
            enter(outside, TABLE["exit"], (0,))
            enter(self._outer, TABLE["waitpid"], (-1, 1))
        assert isinstance(status, tuple) and isinstance(status[1], int), f"waitpid: {status!r}"
        return -(status[1] & 0x7F) if status[1] & 0x7F else status[1] >> 8

    def close(self) -> None:
        """End the threads; everything else is plain data."""
        self._programs.close()


class SimDriven:
    """Driven of nscore.interface.backend: a task whose calls are made here, one at a time."""

    __slots__ = ("born", "task")

    task: Task

    def __init__(self, task: Task | None) -> None:
        self.born = task is not None
        if task is not None:
            self.task = task

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self.born and bool(self.task.flags & PF_EXITING)

    def call(self, name: str, args: Args) -> Outcome:
        """Make the call and let everything move that can."""
        task = self.task
        function = TABLE.get(name)
        if function is None:
            raise Unavailable(f"the model has no {name}")
        if task.flags & PF_EXITING:
            return Fate.GONE
        if task.state != TASK_INTERRUPTIBLE or task.call is not None:
            self._start(function, args)
        elif name in LOOKS:
            return cast(Outcome, function(task))
        else:
            enter(task, function, args)
        if task.call is not None:
            schedule(task.kernel)
            return self.outcome()
        if task.flags & PF_EXITING:
            return Fate.GONE
        return task.result  # type: ignore[return-value]

    def start(self, name: str, args: Args) -> None:
        """Make the call as far as it goes."""
        function = TABLE.get(name)
        if function is None:
            raise Unavailable(f"the model has no {name}")
        self._start(function, args)

    def outcome(self) -> Outcome:
        """What came of it."""
        task = self.task
        if task.flags & PF_EXITING:
            return Fate.GONE
        if task.call is not None:
            return Fate.PENDING
        return task.result  # type: ignore[return-value]

    def create(self, name: str, args: Args) -> tuple[Driven | None, Outcome]:
        """clone, fork or thread."""
        child, task = SimDriven(None), self.task
        self._start(partial(sys_clone, child), CREATE.get(name, args))
        schedule(task.kernel)
        out = self.outcome()
        return (child if out.__class__ is not Errno else None), out

    def received(self) -> tuple[Args, ...]:
        """The siginfos since the last look."""
        return received(self.task)

    def _start(self, function: Function, args: Args) -> None:
        task = self.task
        if task.state == TASK_INTERRUPTIBLE:
            enter(task, function, args)
        else:
            task.call = (function, args)
            task.resume = begin


def sys_clone(child: SimDriven, task: Task, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> Plain | Sleep:
    """clone, whose child is to be driven."""
    child.task, created = kernel_clone(task, flags, exit_signal, set_tid)
    child.born = True
    return created if task.state == TASK_RUNNING else SLEEP


def begin(task: Task) -> None:
    """A stopped process was told to make a call: it does when it goes on."""
    call, task.call = task.call, None
    assert call is not None
    exit_to_user_mode(task)
    if task.flags & PF_EXITING:
        return
    if task.state == TASK_INTERRUPTIBLE:
        enter(task, *call)
    else:
        task.call, task.resume = call, begin


def join(task: Task, target: Task) -> None:
    """Let task, which is outside, join all of target's namespaces, for itself and its children."""
    number = target.thread_pid.numbers[task.thread_pid.level]
    enter(task, TABLE["pidfd_open"], (number, 0))
    fd = task.result
    assert isinstance(fd, int), f"pidfd_open: {fd!r}"
    user = 0 if task.cred.user_ns is target.cred.user_ns else int(CloneFlag.NEWUSER)
    enter(task, TABLE["setns"], (fd, NAMESPACES | user))
    assert task.result is None, f"setns: {task.result!r}"
    enter(task, TABLE["close"], (fd,))


def below(outside: Task) -> Task:
    """A child of outside as PID 1 of a namespace below the one that outside has joined.

    After setns outside cannot make one itself: a child that lives there does, as its sibling, and ends.  It has a number of its own
    choice, which does not move the next.
    """
    kernel = outside.kernel
    pid_ns = outside.nsproxy.pid_ns_for_children if outside.nsproxy else outside.thread_pid.ns
    free = next(number for number in (pid_ns.pid_max - 1, pid_ns.pid_max - 2, 299, 298) if find_pid_ns(number, pid_ns) is None)
    door, (number, _) = kernel_clone(outside, 0, SIGCHLD, (free,))
    schedule(kernel)
    root, _ = kernel_clone(door, int(CloneFlag.NEWPID | CloneFlag.PARENT), 0)
    enter(door, TABLE["exit"], (0,))
    enter(outside, TABLE["waitpid"], (number, 0))
    return root
