"""Programs: plain blocking functions that run as tasks, one thread each, one at a time.  (No kernel file.)

Whoever holds the baton runs; it passes directly from thread to thread, and stays where the chooser goes on with the same program.  A task
that ends is unwound in its own thread by Killed, raised at its switch point.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from nscore.errors import Blocked, Unavailable
from nscore.interface.backend import Args, Body, Outcome, Plain
from nscore_sim.chooser import Choose
from nscore_sim.entry import enter
from nscore_sim.exit import do_group_exit
from nscore_sim.fork import kernel_clone
from nscore_sim.hrtimer import advance
from nscore_sim.sched import SLEEP, Restart, Sleep
from nscore_sim.signal_delivery import received
from nscore_sim.syscalls import TABLE
from nscore_sim.task import PF_EXITING, TASK_RUNNING, Task

if TYPE_CHECKING:
    from nscore_sim.kernel import Kernel

#: How often a program may swallow Killed before its thread is given up.
REFUSALS = 100


class Killed(BaseException):
    """The task has ended; its program is unwound."""


class Programs:
    """The programs of one machine.run and whose turn it is."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.root: Task | None = None  #: the task whose end is the end of the run
        self.home = threading.Lock()  #: the baton's place outside all programs
        self.home.acquire()
        self.recalled = False  #: whoever runs gives the baton back at its next call
        self.question: tuple[Choose, str, int] | None = None  #: what a program's thread asks the one that is at home
        self.answer = 0
        self.answered = threading.Lock()
        self.answered.acquire()
        self.failed: BaseException | None = None  #: what the question raised
        self.idle: list[Worker] = []

    def run(self, root: Task, body: Body) -> None:
        """Run body as root, and what it creates, until root has ended."""
        self.root, self.recalled, self.failed = root, False, None
        chooser = self.kernel.chooser
        if chooser.foreign:
            here = threading.get_ident()
            chooser.route = lambda choose, label, n: self.ask(here, choose, label, n)
        Program(self, root, body)
        try:
            self.dispatch(None)
            if not self.ended():
                raise Blocked("run: every program sleeps, and no time runs out")
        finally:
            # What ends the programs is nobody's choice, least of all of a choose that has just failed.
            chooser.route = lambda choose, label, n: 0
            if not self.ended():
                self.kill(root)
            chooser.route = None

    def ask(self, home: int, choose: Choose, label: str, n: int) -> int:
        """Have the thread home answer: one of range(n).  Once a question has failed, the baton goes home by the first way."""
        if threading.get_ident() == home:
            return choose(label, n)
        if self.failed is None:
            self.question = choose, label, n
            self.home.release()
            self.answered.acquire()
        return self.answer if self.failed is None else 0

    def come_home(self) -> None:
        """Wait until the baton is home, answering what is asked meanwhile."""
        self.home.acquire()
        while self.question is not None:
            choose, label, n = self.question
            self.question = None
            try:
                self.answer = choose(label, n)
            except BaseException as error:
                self.failed, self.recalled = error, True
            self.answered.release()
            self.home.acquire()
        if self.failed is not None:
            raise self.failed

    def ended(self) -> bool:
        """Whether root has come to its end, its namespace with it."""
        return self.root is not None and self.root.exit_state != 0

    def kill(self, root: Task) -> None:
        """End root from outside, and with it all that is in its namespace."""
        from nscore_sim.signal import send_sig
        from nscore_sim.sigpending import SIGKILL

        send_sig(SIGKILL, root, force=True)
        self.recalled, self.failed = False, None
        self.dispatch(None)

    def dispatch(self, mine: Program | None) -> None:
        """Let tasks take steps until mine (None: nobody's program) is to run on; another program's turn is given to its thread.

        Called and left with the baton.
        """
        while not self.ended() and not self.recalled:
            task = self.pick()
            if task is None:
                break
            task.resume(task)
            program = task.program
            if program is None:
                continue
            if task.flags & PF_EXITING:
                if program is mine:
                    return
                program.unwind()
            elif task.call is None and task.state == TASK_RUNNING:
                if program is not mine:
                    self.hand_over(program, mine)
                return
        if mine is not None:
            self.home.release()
            mine.wait()

    def leave(self) -> None:
        """Give the baton away for good: to the next program whose turn it is, or home."""
        while not self.ended() and not self.recalled and (task := self.pick()) is not None:
            task.resume(task)
            program = task.program
            if program is not None and task.flags & PF_EXITING:
                program.unwind()
            elif program is not None and task.call is None and task.state == TASK_RUNNING:
                program.go()
                return
        self.home.release()

    def pick(self) -> Task | None:
        """The next task to take a step; the clock jumps when all sleep."""
        kernel = self.kernel
        queue = kernel.runqueue
        while not queue:
            when = kernel.timers.next()
            if when is None:
                return None
            advance(kernel, when)
        return queue.popleft() if len(queue) == 1 else kernel.chooser.pick(queue)

    def hand_over(self, program: Program, mine: Program | None) -> None:
        """Give the baton to program's thread and wait until it comes back."""
        program.go()
        if mine is not None:
            mine.wait()
            return
        try:
            self.come_home()
        except KeyboardInterrupt:
            if self.failed is None:  # it came while we waited: somebody else has the baton
                self.recalled = True
                self.come_home()
            raise

    def worker(self) -> Worker:
        """A thread that waits for work."""
        return self.idle.pop() if self.idle else Worker(self)

    def close(self) -> None:
        """End the threads that wait for work."""
        for worker in self.idle:
            worker.program = None
            worker.lock.release()
            worker.thread.join()
        self.idle.clear()


class Worker:
    """A thread that runs one program after another."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs
        self.program: Program | None = None
        self.lock = threading.Lock()
        self.lock.acquire()
        self.thread = threading.Thread(target=self.work, name="nscore-sim", daemon=True)
        self.thread.start()

    def work(self) -> None:
        """Run programs until there is none."""
        while True:
            self.lock.acquire()
            if self.program is None:
                return
            self.program.main()


class Program:
    """A body, the task it runs as and the thread it runs in: a Task of the waist."""

    def __init__(self, programs: Programs, task: Task, body: Body) -> None:
        self.programs, self.task, self.body = programs, task, body
        self.worker: Worker | None = None
        self.refusals = 0
        self.unwound = False
        self.unwinder: threading.Lock | None = None  #: who waits for the end of the unwinding
        task.program = self

    # Task of nscore.interface.backend

    def call(self, name: str, args: Args) -> Outcome:
        """Make the call; others may run before it returns."""
        function = TABLE.get(name)
        if function is None:
            raise Unavailable(f"the model has no {name}")
        return self.enter(function, args)

    def clone(self, body: Body, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> Outcome:
        """Create a task that runs body."""

        def sys_clone(task: Task) -> Plain | Sleep:
            child, created = kernel_clone(task, flags, exit_signal, set_tid)
            Program(self.programs, child, body)
            return created if task.state == TASK_RUNNING else SLEEP

        return self.enter(sys_clone, ())

    def received(self) -> tuple[Args, ...]:
        """The siginfos since the last look."""
        return received(self.task)

    # The thread

    def enter(self, function: Callable[..., Plain | Sleep | Restart], args: Args) -> Outcome:
        """Enter the kernel and come back when it is this program's turn again."""
        task, programs = self.task, self.programs
        if task.flags & PF_EXITING:
            self.refuse()
        enter(task, function, args)
        if task.flags & PF_EXITING:
            raise Killed
        queue = programs.kernel.runqueue
        if task.call is None and (queue or programs.recalled):
            queue.appendleft(task)  # the first possibility: it goes on
        if task.call is not None or queue:
            programs.dispatch(self)
            if task.flags & PF_EXITING:
                raise Killed
        return task.result  # type: ignore[return-value]

    def refuse(self) -> None:
        """A program that has ended may not call.  One that swallows Killed for ever is left alone, parked."""
        self.refusals += 1
        if self.refusals > REFUSALS:
            self.finish()
            self.wait()
        raise Killed

    def main(self) -> None:
        """What the thread does for the program, from its first turn to its end."""
        task = self.task
        try:
            if not task.flags & PF_EXITING:
                status = self.body(self)
                if not task.flags & PF_EXITING:
                    do_group_exit(task, ((status or 0) & 0xFF) << 8)
        except Killed:
            pass
        except BaseException:
            with suppress(OSError, ValueError):  # nobody reads it, which must not keep the baton here
                traceback.print_exc()
            if not task.flags & PF_EXITING:
                do_group_exit(task, 1 << 8)
        worker = self.worker
        assert worker is not None
        self.programs.idle.append(worker)
        self.finish()

    def finish(self) -> None:
        """Give the baton away for the last time."""
        self.unwound = True
        if self.unwinder is not None:
            self.unwinder.release()
        else:
            self.programs.leave()

    def unwind(self) -> None:
        """End the thread of a task that somebody else has ended, and wait for it."""
        if self.unwound:
            return
        if self.worker is None:
            self.unwound = True  # it never ran
            return
        self.unwinder = threading.Lock()
        self.unwinder.acquire()
        self.worker.lock.release()
        self.unwinder.acquire()

    def go(self) -> None:
        """Let the thread run."""
        if self.worker is None:
            self.worker = self.programs.worker()
            self.worker.program = self
        self.worker.lock.release()

    def wait(self) -> None:
        """Wait for the baton."""
        assert self.worker is not None
        self.worker.lock.acquire()
        if self.task.flags & PF_EXITING:
            raise Killed
