"""What holds in the model's kernel between any two steps."""

from __future__ import annotations

from collections.abc import Iterator

from nscore_sim.kernel import Kernel
from nscore_sim.pid import Pid
from nscore_sim.pid_namespace import PIDNS_ADDING, PidNamespace
from nscore_sim.task import EXIT_DEAD, EXIT_ZOMBIE, PF_EXITING, SIGNAL_STOP_STOPPED, TASK_RUNNING, Task
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, UCOUNT_RLIMIT_SIGPENDING


def tasks(kernel: Kernel) -> list[Task]:
    """All that have a number."""
    return [pid.task for pid in kernel.init_pid_ns.idr.entries.values() if pid.task is not None]


def check(kernel: Kernel) -> None:
    """Assert every invariant."""
    alive = tasks(kernel)
    assert kernel.nr_threads == len(alive)
    for pid in kernel.init_pid_ns.idr.entries.values():
        check_pid(pid)
    for task in alive:
        check_task(task, alive)
        check_process(task)
    for ns in namespaces(alive):
        check_namespace(ns)
    check_counts(kernel, alive)
    assert not kernel.runqueue


def check_pid(pid: Pid) -> None:
    """A number a level, each in its table; somebody uses it; who has it in a role knows."""
    assert len(pid.numbers) == pid.level + 1 == len(pid.ns.path)
    for ns, number in zip(pid.ns.path, pid.numbers):
        assert ns.idr.entries[number] is pid
        assert number > 0
    assert pid.task or pid.tgid or pid.pgrp or pid.session
    if pid.task is not None:
        assert pid.task.thread_pid is pid
    if pid.tgid is not None:
        assert pid.tgid.group_leader is pid.tgid and pid.tgid.thread_pid is pid
    assert all(member.signal.pgrp is pid for member in pid.pgrp or ())
    assert all(member.signal.session is pid for member in pid.session or ())


def check_task(task: Task, alive: list[Task]) -> None:
    """Relatives agree; what sleeps is on its queues and nowhere else; what is over has given everything up."""
    parent = task.real_parent
    assert parent.thread_pid.task is parent and task.group_leader.thread_pid.tgid is task.group_leader
    if task.group_leader is task and task is not task.kernel.init_task:
        assert parent.children is not None and task in parent.children
        assert task in (task.signal.pgrp.pgrp or ()) and task in (task.signal.session.session or ())
    assert all(child.real_parent is task and child.group_leader is child for child in task.children or ())
    assert task.exit_state != EXIT_DEAD
    assert (task.exit_signal >= 0) == (task.group_leader is task)
    for head in task.wait_heads:
        assert task in head
    if task.flags & PF_EXITING:
        assert [task.mm, task.files, task.fs, task.nsproxy] == [None] * 4
    if task.exit_state == EXIT_ZOMBIE:
        assert not task.children and not task.wait_heads
    elif not task.flags & PF_EXITING:
        assert task.state != TASK_RUNNING or task.program is not None


def check_process(task: Task) -> None:
    """The counts of a process are those of its threads; a stopped one is stopped as a whole."""
    signal = task.signal
    assert task in signal.threads
    assert signal.nr_threads == len(signal.threads)
    assert signal.live == sum(not thread.flags & PF_EXITING for thread in signal.threads)
    if signal.flags & SIGNAL_STOP_STOPPED:
        assert signal.group_stop_count == 0
        assert all(thread.state & 4 or thread.flags & PF_EXITING for thread in signal.threads)


def namespaces(alive: list[Task]) -> Iterator[PidNamespace]:
    """Those that a task lives in, and those above."""
    return iter({ns: None for task in alive for ns in task.thread_pid.ns.path})


def check_namespace(ns: PidNamespace) -> None:
    """It counts its numbers, knows its init, and marks what is taken."""
    entries = ns.idr.entries
    assert ns.pid_allocated & ~PIDNS_ADDING == len(entries)
    assert sum(map(sum, ns.idr.blocks.values())) == len(entries)
    for number in entries:
        assert ns.idr.blocks[number >> 11][number & 2047]
    reaper = ns.child_reaper
    if ns.pid_allocated & PIDNS_ADDING and any(pid.task is not None for pid in entries.values()):
        assert reaper is not None
        assert reaper.thread_pid.ns is ns and reaper.group_leader.thread_pid.numbers[-1] == 1


def check_counts(kernel: Kernel, alive: list[Task]) -> None:
    """Each task and each queued signal is charged to somebody, and once."""
    charged = kernel.init_user_ns.ucounts_of.values()
    assert sum(ucounts.rlimit[UCOUNT_RLIMIT_NPROC] for ucounts in charged) == len(alive)
    queues = [task.pending for task in alive]
    queues += [task.signal.shared_pending for task in alive if task.group_leader is task]
    queued = sum(len(queue.list) for queue in queues if queue is not None)
    assert sum(ucounts.rlimit[UCOUNT_RLIMIT_SIGPENDING] for ucounts in charged) == queued
