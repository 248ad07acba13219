"""Machines: their life, their time, their trace, programs in them."""

from __future__ import annotations

import warnings

import pytest

from nscore import Calls, CloneFlag, Disposition, Gone, Machine, Signal, Syscalls, Unavailable, available, boot
from nscore.flags import WaitOption
from tests.conftest import BACKENDS, need


def test_pid_1_has_no_parent_and_leads_its_session(machine: Machine) -> None:
    init = machine.init
    assert (init.pid, init.getpid(), init.getppid(), init.getsid(), init.getpgid()) == (1, 1, 0, 1, 1)


def test_the_first_descriptor_is_3(machine: Machine) -> None:
    assert machine.init.open("/proc/self/stat") == 3


def test_closing_twice_is_closing_once(machine: Machine) -> None:
    machine.close()
    machine.close()
    with pytest.raises(Gone, match="closed"):
        machine.settle()


def test_a_dropped_machine_warns(machine: Machine) -> None:
    with pytest.warns(ResourceWarning, match="unclosed"):
        machine.__del__()


def test_time_passes_in_sleep(machine: Machine) -> None:
    sleeper = machine.init.fork()
    pending = sleeper.start(Calls.sleep, 0.03)
    machine.settle()
    assert not pending.done
    machine.sleep(0.06)
    machine.settle()
    assert pending.done


def test_the_trace_has_two_rows_for_a_pending_call(machine: Machine) -> None:
    child = machine.init.fork()
    waiter = machine.init.start(Calls.waitpid, -1)
    child.exit(1)
    machine.settle()
    assert waiter.done
    assert str(machine.trace).splitlines() == [
        "1  fork() = 2",
        "1  waitpid(-1, 0 <unfinished ...>",
        "2  exit(1) = ?",
        "1  <... waitpid resumed> = (2, 256)",
    ]


def test_the_trace_is_bounded_and_counts_what_fell_out() -> None:
    with boot("sim", trace_limit=2) as machine:
        for _ in range(5):
            machine.init.getpid()
        assert (len(machine.trace), machine.trace.dropped) == (2, 3)
        assert machine.trace[-1].name == "getpid"


def test_the_trace_can_be_off() -> None:
    with boot("sim", trace_limit=0) as machine:
        machine.init.getpid()
        assert list(machine.trace) == []


def test_a_program_has_a_status(machine: Machine) -> None:
    assert machine.run(lambda sys: None) == 0
    assert machine.run(lambda sys: 7) == 7
    assert machine.run(lambda sys: sys.exit(9)) == 9


def test_a_program_is_pid_1_below(machine: Machine) -> None:
    assert machine.run(lambda sys: 10 * sys.getpid() + sys.getppid()) == 10


def family(sys: Syscalls) -> int:
    """A program that clones, waits and counts."""

    def child(sys: Syscalls) -> int:
        return sys.getpid()

    pid = sys.clone(child, CloneFlag.NEWPID).pid
    other = sys.fork(child)
    statuses = [sys.waitpid(one)[1] >> 8 for one in (pid, other)]
    return int(statuses == [1, other] and (pid, other) == (2, 3))


def test_programs_create_programs(machine: Machine) -> None:
    assert machine.run(family) == 1


def test_a_program_is_interrupted_by_its_child(machine: Machine) -> None:
    def program(sys: Syscalls) -> int:
        sys.sigaction(Signal.USR1, Disposition.HANDLE)
        sys.fork(lambda child: child.kill(1, Signal.USR1))
        sys.waitpid(-1)
        return len(sys.received())

    assert machine.run(program) == 1


def test_a_program_that_raises_ends_with_1(machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    def program(sys: Syscalls) -> int:
        raise ValueError("a bug")

    assert machine.run(program) == 1
    assert "ValueError: a bug" in capfd.readouterr().err


def test_a_program_that_is_killed_has_the_signals_number(machine: Machine) -> None:
    def program(sys: Syscalls) -> int:
        pid = sys.fork(lambda child: child.kill(child.getpid(), Signal.KILL))
        return sys.waitpid(pid)[1]

    assert machine.run(program) == Signal.KILL


def test_threads_of_a_program(machine: Machine) -> None:
    def program(sys: Syscalls) -> int:
        def thread(sys: Syscalls) -> None:
            sys.exit_thread(0)

        tid = sys.thread(thread)
        while len(sys.listdir("/proc/self/task")) > 1:
            sys.sleep(0.01)
        return tid

    assert machine.run(program) == 2


def test_machines_live_side_by_side(machine: Machine) -> None:
    with boot(machine.backend) as other:
        other.init.fork()
        assert machine.init.fork().pid == other.init.fork().pid - 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_booting_leaves_no_warning(backend: str) -> None:
    need(backend)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with boot(backend) as machine:
            machine.init.waitpid(-1, WaitOption.NOHANG) if machine.init.fork() else None


def test_no_backend_of_that_name() -> None:
    with pytest.raises(Unavailable, match="no backend is called 'none'"):
        boot("none")
    assert isinstance(available("none"), Unavailable)


def test_the_environment_names_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSCORE_BACKEND", "sim")
    with boot() as machine:
        assert machine.backend == "sim"


def test_elsewhere_linux_is_unavailable_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(Unavailable) as caught:
        boot("linux")
    assert "darwin" in caught.value.reason
    assert "NSCORE_BACKEND=sim" in caught.value.remedy


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"seed": 1, "replay": "0"}, TypeError),
        ({"seed": "x"}, TypeError),
        ({"level": 0}, ValueError),
        ({"level": True}, TypeError),
        ({"release": "2.6"}, Unavailable),
        ({"faults": {"no_such_function": (1, "EAGAIN")}}, ValueError),
        ({"faults": {"alloc_pid": 3}}, TypeError),
        ({"faults": {"alloc_pid": ("3", "EAGAIN")}}, TypeError),
        ({"faults": {"alloc_pid": (0, "EAGAIN")}}, ValueError),
        ({"faults": {"alloc_pid": (3, "EXTRA")}}, ValueError),
        ({"no_such_option": 1}, TypeError),
    ],
)
def test_the_models_options_are_checked(options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        boot("sim", **options)  # type: ignore[arg-type]


def test_a_fault_comes_when_it_was_asked_for() -> None:
    with boot("sim", faults={"alloc_pid": (3, "EAGAIN")}) as machine:
        made = []
        for _ in range(4):
            try:
                made.append(machine.init.fork().pid)
            except BlockingIOError:
                made.append(0)
        assert made == [2, 3, 0, 4]
