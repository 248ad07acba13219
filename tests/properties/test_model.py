"""Random lives of a small world, every invariant after every step, at any schedule."""

from __future__ import annotations

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nscore.flags import THREAD_FLAGS, CloneFlag, Disposition, Prctl, Signal
from nscore_sim.chooser import seeded
from nscore_sim.sched import schedule
from nscore_sim.task import PF_EXITING, TASK_INTERRUPTIBLE, Task
from tests.properties.invariants import check
from tests.sim.kernelcalls import PENDING, boot, call, clone, create, start

SIGNALS = st.sampled_from((0, 1, 9, 10, 15, 17, 18, 19, 20, 34, 65))
FLAGS = st.sampled_from(
    [
        *map(int, (0, 0, CloneFlag.NEWPID, CloneFlag.NEWPID, CloneFlag.PARENT, CloneFlag.VFORK, CloneFlag.FILES, CloneFlag.FS)),
        int(CloneFlag.VM | CloneFlag.SIGHAND),
        int(CloneFlag.PIDFD),
        int(CloneFlag.NEWPID | CloneFlag.INTO_CGROUP),
        int(CloneFlag.VFORK | CloneFlag.VM),
        int(CloneFlag.CLEAR_SIGHAND),
    ]
)
NUMBERS = st.integers(-3, 12)
WHO = st.integers(0, 1 << 16)


class World(RuleBasedStateMachine):
    """Tasks that make calls; those in a call that has not returned are left alone until it has."""

    @initialize(seed=st.integers(0, 3))
    def boot(self, seed: int) -> None:
        self.kernel, init = boot(seeded(seed))
        self.tasks: list[Task] = [init]

    def idle(self) -> list[Task]:
        """Who can be told to make a call."""
        return [task for task in self.tasks if task.call is None and task.state == TASK_INTERRUPTIBLE and not task.flags & PF_EXITING]

    def one(self, who: int) -> Task:
        idle = self.idle()
        return idle[who % len(idle)]

    @precondition(lambda self: self.idle())
    @rule(who=WHO, flags=FLAGS, exit_signal=st.sampled_from((17, 17, 0, 10, 9)), set_tid=st.lists(st.integers(0, 9), max_size=3))
    def clone(self, who: int, flags: int, exit_signal: int, set_tid: list[int]) -> None:
        child, result = create(self.one(who), flags, exit_signal if not flags & CloneFlag.PARENT else 0, tuple(set_tid))
        assert (child is None) == isinstance(result, str)
        if child is not None:
            self.tasks.append(child)

    @precondition(lambda self: self.idle())
    @rule(who=WHO)
    def thread(self, who: int) -> None:
        child, _ = create(self.one(who), int(THREAD_FLAGS), 0)
        if child is not None:
            self.tasks.append(child)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, flags=st.sampled_from((int(CloneFlag.NEWPID), int(CloneFlag.NEWPID), int(CloneFlag.FS))))
    def unshare(self, who: int, flags: int) -> None:
        call(self.one(who), "unshare", flags)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, number=NUMBERS, sig=SIGNALS)
    def kill(self, who: int, number: int, sig: int) -> None:
        call(self.one(who), "kill", number, sig)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, number=NUMBERS, sig=SIGNALS)
    def tkill(self, who: int, number: int, sig: int) -> None:
        call(self.one(who), "tkill", number, sig)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, sig=SIGNALS, action=st.sampled_from(Disposition), flags=st.sampled_from((0, 1, 2, 0x10000000)))
    def sigaction(self, who: int, sig: int, action: Disposition, flags: int) -> None:
        call(self.one(who), "sigaction", sig, int(action), flags)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, how=st.integers(0, 2), signals=st.lists(SIGNALS, max_size=3))
    def sigprocmask(self, who: int, how: int, signals: list[int]) -> None:
        call(self.one(who), "sigprocmask", how, tuple(signals))

    @precondition(lambda self: self.idle())
    @rule(who=WHO, signals=st.lists(SIGNALS, max_size=3), limit=st.sampled_from((None, 0, 5)))
    def sigtimedwait(self, who: int, signals: list[int], limit: int | None) -> None:
        call(self.one(who), "sigtimedwait", tuple(signals), limit)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, number=NUMBERS, options=st.sampled_from((0, 1, 1, 2, 3, 0x40000001, 0x80000001, 0x20000000)))
    def wait(self, who: int, number: int, options: int) -> None:
        call(self.one(who), "waitpid", number, options)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, number=NUMBERS)
    def setns(self, who: int, number: int) -> None:
        task = self.one(who)
        fd = call(task, "pidfd_open", number, 0)
        if isinstance(fd, int):
            call(task, "setns", fd, int(CloneFlag.NEWPID))
            call(task, "close", fd)

    @precondition(lambda self: self.idle())
    @rule(who=WHO, number=NUMBERS, group=NUMBERS)
    def setpgid(self, who: int, number: int, group: int) -> None:
        call(self.one(who), "setpgid", number, group)

    @precondition(lambda self: self.idle())
    @rule(who=WHO)
    def setsid(self, who: int) -> None:
        call(self.one(who), "setsid")

    @precondition(lambda self: self.idle())
    @rule(who=WHO, option=st.sampled_from((Prctl.SET_PDEATHSIG, Prctl.SET_CHILD_SUBREAPER)), value=st.sampled_from((0, 1, 9, 10)))
    def prctl(self, who: int, option: Prctl, value: int) -> None:
        call(self.one(who), "prctl", int(option), value)

    @precondition(lambda self: len(self.idle()) > 1)
    @rule(who=WHO, how=st.sampled_from(("exit", "exit_thread")), status=st.integers(0, 255))
    def exit(self, who: int, how: str, status: int) -> None:
        call(self.one(who), how, status)

    @precondition(lambda self: len(self.idle()) > 1)
    @rule(who=WHO)
    def execve(self, who: int) -> None:
        call(self.one(who), "execve", self.kernel.image, (), ())

    @rule()
    def time_passes(self) -> None:
        self.kernel.clock += 5
        self.kernel.timers.expire(self.kernel.clock)
        schedule(self.kernel)

    @invariant()
    def holds(self) -> None:
        check(self.kernel)
        self.tasks = [task for task in self.tasks if not task.flags & PF_EXITING]

    def teardown(self) -> None:
        """Whatever has happened, killing the init from outside leaves nothing, once its outside relatives are gone."""
        outside = self.kernel.init_task
        start(outside, "kill", -1, int(Signal.KILL))
        schedule(self.kernel)
        while call(outside, "waitpid", -1, 0x40000001) not in ("ECHILD", (0, 0), PENDING):
            pass
        check(self.kernel)
        assert list(self.kernel.init_pid_ns.idr.entries) == [1]


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_two_kernels_with_the_same_choices_are_alike() -> None:
    """Nothing depends on anything but the calls and the choices."""

    def life(seed: int) -> list[object]:
        draw = random.Random(seed)
        _, init = boot(seeded(seed))
        tasks, seen = [init], list[object]()
        for _ in range(300):
            idle = [task for task in tasks if task.call is None and task.state == TASK_INTERRUPTIBLE and not task.flags & PF_EXITING]
            if not idle:
                break
            task = draw.choice(idle)
            kind = draw.randrange(4)
            if kind == 0:
                tasks.append(clone(task, draw.choice((0, int(CloneFlag.NEWPID)))))
            else:
                seen.append(call(task, *draw.choice((("kill", draw.randrange(9), 10), ("waitpid", -1, 1), ("getppid",), ("setsid",)))))
        return seen

    assert life(1) == life(1)
    assert life(1) != life(2)
