"""Driven processes: what blocks, what is pending, what has ended."""

from __future__ import annotations

import pytest

from nscore import Blocked, Calls, CloneFlag, Disposition, Gone, IdType, Machine, Pending, Signal, WaitOption


def test_a_call_that_does_not_return_is_blocked_and_stays(machine: Machine) -> None:
    child = machine.init.fork()
    with pytest.raises(Blocked, match="waitid has not returned"):
        machine.init.waitid(IdType.ALL, 0, WaitOption.EXITED)
    pending = machine.init.pending
    assert pending is not None
    assert not pending.done
    child.exit(4)
    result = pending.result()
    assert getattr(result, "si_status", None) == 4
    assert machine.init.pending is None


def test_start_does_not_wait(machine: Machine) -> None:
    pending = machine.init.fork().start(Calls.pause)
    assert not pending.done
    with pytest.raises(Blocked, match="pause"):
        pending.result()


def test_a_started_call_raises_from_result(machine: Machine) -> None:
    pending: Pending[None] = machine.init.start(Calls.kill, 99, Signal.TERM)
    with pytest.raises(ProcessLookupError, match="kill"):
        pending.result()


def test_result_lets_time_pass_for_whose_call_has_a_limit(machine: Machine) -> None:
    sleeper = machine.init.fork()
    waiter = machine.init.start(Calls.waitpid, -1)
    sleeper.start(Calls.sleep, 0.05)
    with pytest.raises(Blocked):
        waiter.result()
    sleeper.exit(3)
    assert waiter.result() == (2, 3 << 8)


def test_a_handler_interrupts_a_pending_call(machine: Machine) -> None:
    child = machine.init.fork()
    child.sigaction(Signal.USR1, Disposition.HANDLE)
    pending = child.start(Calls.pause)
    machine.init.kill(child.pid, Signal.USR1)
    with pytest.raises(InterruptedError):
        pending.result()
    assert [info.si_signo for info in child.received()] == [Signal.USR1]


def test_the_death_of_the_caller_ends_a_pending_call(machine: Machine) -> None:
    child = machine.init.fork()
    pending = child.start(Calls.pause)
    machine.init.kill(child.pid, Signal.KILL)
    with pytest.raises(Gone, match="pause"):
        pending.result()
    with pytest.raises(Gone):
        child.getpid()


def test_a_call_in_which_the_caller_dies_is_gone(machine: Machine) -> None:
    child = machine.init.fork()
    with pytest.raises(Gone, match="ended in kill"):
        child.kill(child.pid, Signal.KILL)


def test_a_vfork_child_is_there_while_its_parent_waits(machine: Machine) -> None:
    parent = machine.init.fork()
    child = parent.clone(CloneFlag.VFORK | CloneFlag.VM if machine.backend == "sim" else CloneFlag.VFORK)
    assert (child.pid, parent.pending is not None) == (0, True)
    assert child.getppid() == parent.pid
    child.exit(0)
    machine.settle()
    assert parent.pending is None
    assert child.pid == 3
    assert parent.waitpid(-1) == (3, 0)


def test_a_stopped_process_forks_when_it_goes_on(machine: Machine) -> None:
    parent = machine.init.fork()
    machine.init.kill(parent.pid, Signal.STOP)
    with pytest.raises(Blocked, match="fork"):
        parent.fork()
    pending = parent.pending
    assert pending is not None
    machine.init.kill(parent.pid, Signal.CONT)
    child = pending.result()
    assert getattr(child, "pid", None) == 3


def test_threads_are_driven_one_by_one(machine: Machine) -> None:
    leader = machine.init.fork()
    thread = leader.thread()
    assert (thread.pid, thread.tid) == (leader.pid, 3)
    assert (thread.getpid(), thread.gettid()) == (leader.pid, 3)
    leader.exit_thread(1)
    assert thread.getpid() == leader.pid
    thread.exit_thread(2)
    assert machine.init.waitpid(-1) == (leader.pid, 2 << 8)


def test_the_image_goes_on_being_driven(machine: Machine) -> None:
    child = machine.init.fork()
    child.sigaction(Signal.USR1, Disposition.IGN)
    child.sigaction(Signal.USR2, Disposition.HANDLE)
    child.execve(machine.image)
    assert child.getpid() == child.pid
    assert child.sigaction(Signal.USR1, None).handler == Disposition.IGN
    assert child.sigaction(Signal.USR2, None).handler == Disposition.DFL


def test_an_executable_that_is_none_raises(machine: Machine) -> None:
    with pytest.raises(FileNotFoundError, match="execve"):
        machine.init.fork().execve("/no/such/file")
