"""signal(7): calls that sleep, and what becomes of them when a signal comes.  arch/x86/kernel/signal.c:handle_signal, kernel/signal.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import handle
from nscore import CloneFlag, Disposition, IdType, Machine, Pending, Process, SigActionFlag, Signal, WaitOption

NEWPID = CloneFlag.NEWPID


def asleep(process: Process) -> dict[str, Pending[object]]:
    """Processes below process, each asleep in a call, by its name; none of the calls ends by itself within the minute."""
    sleepers = {name: process.fork() for name in ("pause", "sigtimedwait", "sleep", "poll", "waitid", "waitpid", "read")}
    for sleeper in sleepers.values():
        sleeper.fork()
    reader, _ = sleepers["read"].pipe2()
    pending: dict[str, Pending[object]] = {
        "pause": sleepers["pause"].start(Process.pause),
        "sigtimedwait": sleepers["sigtimedwait"].start(Process.sigtimedwait, {Signal.USR2}, 60),
        "sleep": sleepers["sleep"].start(Process.sleep, 60),
        "poll": sleepers["poll"].start(Process.poll, [], 60000),
        "waitid": sleepers["waitid"].start(Process.waitid, IdType.ALL, 0, WaitOption.EXITED),
        "waitpid": sleepers["waitpid"].start(Process.waitpid, -1),
        "read": sleepers["read"].start(Process.read, reader, 1),
    }
    return pending


def ended(pending: dict[str, Pending[object]]) -> list[str]:
    """Those that have ended, each by EINTR."""
    names = [name for name, call in pending.items() if call.done]
    for name in names:
        with raises("EINTR"):
            pending[name].result()
    return names


@case("SIG-05")
def a_handler_interrupts_every_sleep(m: Machine) -> None:
    """EINTR, where the handler does not ask for a restart."""
    parent = m.init.clone(NEWPID)
    handle(parent, Signal.USR1)
    pending = asleep(parent)
    parent.sigaction(Signal.USR1, Disposition.IGN)
    parent.kill(-1, Signal.USR1)
    m.settle()
    assert ended(pending) == list(pending)


@case("SIG-05")
def some_calls_are_never_restarted(m: Machine) -> None:
    """With RESTART waits and reads go on; those with a time limit, and pause, end all the same."""
    parent = m.init.clone(NEWPID)
    parent.sigaction(Signal.USR1, Disposition.HANDLE, SigActionFlag.RESTART)
    pending = asleep(parent)
    parent.kill(-1, Signal.USR1)
    m.settle()
    assert ended(pending) == ["pause", "sigtimedwait", "sleep", "poll"]


@case("SIG-05")
def without_a_handler_sleeps_go_on(m: Machine) -> None:
    """A signal that is ignored wakes nobody.  To be stopped and continued ends sigtimedwait alone: the others are entered anew."""
    parent = m.init.clone(NEWPID)
    pending = asleep(parent)
    for sig in (Signal.WINCH, Signal.CHLD, Signal.CONT):
        parent.kill(-1, sig)
        m.settle()
        assert ended(pending) == []
    for sig in (Signal.STOP, Signal.CONT):
        parent.kill(-1, sig)
        m.settle()
    assert ended(pending) == ["sigtimedwait"]


@case("SIG-01", "SIG-05")
def an_inits_sleep_is_ended_by_what_it_handles_alone(m: Machine) -> None:
    """What it drops does not wake it."""
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    handle(inner, Signal.USR1)
    sleeping = inner.start(Process.pause)
    for sig in (Signal.TERM, Signal.KILL, Signal.STOP, Signal.CONT):
        member.kill(1, sig)
        m.settle()
        assert not sleeping.done
    member.kill(1, Signal.USR1)
    with raises("EINTR"):
        sleeping.result()
