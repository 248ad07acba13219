"""What a type checker makes of the interface: checked on three platforms, never run."""

from __future__ import annotations

from typing_extensions import assert_type

from nscore import (
    Calls,
    Child,
    CloneFlag,
    IdType,
    Machine,
    Pending,
    PidfdInfo,
    Process,
    SigAction,
    Siginfo,
    Stat,
    Syscalls,
    Unavailable,
    WaitOption,
    WaitResult,
    available,
    boot,
)


def of_a_machine(machine: Machine) -> None:
    init = machine.init
    assert_type(init, Process)
    assert_type(init.getpid(), int)
    assert_type(init.setsid(), None)
    assert_type(init.waitid(IdType.ALL, 0, WaitOption.EXITED), WaitResult | None)
    assert_type(init.start(Calls.waitid, IdType.ALL, 0, WaitOption.EXITED), Pending[WaitResult | None])
    assert_type(init.start(Calls.getpid).result(), int)
    assert_type(init.clone(CloneFlag.NEWPID), Process)
    assert_type(init.poll([(3, 1)], 5), tuple[tuple[int, int], ...])
    assert_type(init.sigpending(), frozenset[int])
    assert_type(init.sigaction(15, None), SigAction)
    assert_type(init.received(), tuple[Siginfo, ...])
    assert_type(init.stat("/proc"), Stat)
    assert_type(init.pidfd_get_info(3), PidfdInfo)
    assert_type(init.monotonic(), float)
    assert_type(machine.run(of_a_program), int)
    pending: Pending[int] = init.start(Calls.getppid)
    assert_type(pending.done, bool)


def of_a_program(sys: Syscalls) -> int | None:
    assert_type(sys.clone(of_a_program, CloneFlag.NEWPID), Child)
    assert_type(sys.fork(of_a_program), int)
    assert_type(sys.waitpid(-1), tuple[int, int])
    return 0


def of_boot() -> None:
    assert_type(boot("sim", seed=7), Machine)
    assert_type(available("linux"), Unavailable | None)


def refused(machine: Machine) -> None:
    init = machine.init
    init.kill("1", 9)  # type: ignore[arg-type]
    init.kill(1)  # type: ignore[call-arg]
    init.waitid(IdType.ALL, 0, options="x")  # type: ignore[arg-type]
    init.start(Calls.waitid, IdType.ALL)  # type: ignore[call-arg]
    init.start(init.waitid, IdType.ALL, 0, 4)  # type: ignore[arg-type, call-arg]
    init.open(b"/x", 0)  # type: ignore[arg-type]
