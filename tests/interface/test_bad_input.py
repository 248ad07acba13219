"""Bad input: the same exception on every backend, before anything happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nscore import Calls, CloneFlag, IdType, Machine, Siginfo, WaitOption, boot
from nscore.errors import Blocked, Gone
from tests.conftest import BACKENDS, need

Kind = tuple[str, Callable[[Machine, Any], object], type[BaseException]]


def _ended(m: Machine) -> Any:
    child = m.init.fork()
    child.exit(0)
    m.settle()
    return child


def _closed(m: Machine) -> Any:
    m.close()
    return m.init


def _blocked(m: Machine) -> Any:
    child = m.init.fork()
    child.start(Calls.pause)
    return child


#: What is done with a machine and its PID 1, and what comes of it.  init is Any: these are the calls that a type checker would refuse.
KINDS: tuple[Kind, ...] = (
    ("str for a pid", lambda m, i: i.kill("2", 9), TypeError),
    ("float for a pid", lambda m, i: i.kill(2.0, 9), TypeError),
    ("None for a pid", lambda m, i: i.kill(None, 9), TypeError),
    ("bool for a pid", lambda m, i: i.kill(True, 9), TypeError),
    ("bool for a signal", lambda m, i: i.kill(2, True), TypeError),
    ("bytes for a signal", lambda m, i: i.kill(2, b"9"), TypeError),
    ("a missing argument", lambda m, i: i.kill(2), TypeError),
    ("an argument too many", lambda m, i: i.kill(2, 9, 1), TypeError),
    ("an unknown keyword", lambda m, i: i.kill(2, signal=9), TypeError),
    ("an argument given twice", lambda m, i: i.kill(2, 9, pid=2), TypeError),
    ("a pid beyond int", lambda m, i: i.kill(1 << 31, 9), OverflowError),
    ("a pid below int", lambda m, i: i.kill(-(1 << 31) - 1, 9), OverflowError),
    ("a descriptor beyond int", lambda m, i: i.close(1 << 40), OverflowError),
    ("wait options beyond unsigned", lambda m, i: i.waitid(IdType.ALL, 0, 1 << 32), OverflowError),
    ("negative wait options", lambda m, i: i.waitid(IdType.ALL, 0, -1), OverflowError),
    ("str for an id type", lambda m, i: i.waitid("P_ALL", 0, 4), TypeError),
    ("str for an id", lambda m, i: i.waitid(IdType.ALL, "0", 4), TypeError),
    ("negative flags", lambda m, i: i.unshare(-1), OverflowError),
    ("flags beyond unsigned long", lambda m, i: i.unshare(1 << 64), OverflowError),
    ("str for flags", lambda m, i: i.unshare("NEWPID"), TypeError),
    ("None for flags", lambda m, i: i.unshare(None), TypeError),
    ("bytes for a path", lambda m, i: i.open(b"/", 0), TypeError),
    ("int for a path", lambda m, i: i.open(3, 0), TypeError),
    ("None for a path", lambda m, i: i.chdir(None), TypeError),
    ("a NUL in a path", lambda m, i: i.open("a\0b", 0), ValueError),
    ("a NUL at the end of a path", lambda m, i: i.readlink("/proc/self\0"), ValueError),
    ("a NUL in a hostname", lambda m, i: i.sethostname("a\0"), ValueError),
    ("bytes for a hostname", lambda m, i: i.sethostname(b"a"), TypeError),
    ("a negative length", lambda m, i: i.read(0, -1), OverflowError),
    ("a length beyond int", lambda m, i: i.read(0, 1 << 31), OverflowError),
    ("str to write", lambda m, i: i.write(1, "x"), TypeError),
    ("bytearray to write", lambda m, i: i.write(1, bytearray(b"x")), TypeError),
    ("an offset beyond long", lambda m, i: i.lseek(0, 1 << 63), OverflowError),
    ("a user id beyond unsigned", lambda m, i: i.setuid(1 << 32), OverflowError),
    ("a user id below -1", lambda m, i: i.setuid(-2), OverflowError),
    ("int for groups", lambda m, i: i.setgroups(5), TypeError),
    ("a set of groups", lambda m, i: i.setgroups({5}), TypeError),
    ("str among groups", lambda m, i: i.setgroups(["5"]), TypeError),
    ("negative capabilities", lambda m, i: i.capset(-1, 0, 0), OverflowError),
    ("str for a signal set", lambda m, i: i.sigprocmask(0, "9"), TypeError),
    ("int for a signal set", lambda m, i: i.sigprocmask(0, 9), TypeError),
    ("signal 0 in a set", lambda m, i: i.sigprocmask(0, [0]), ValueError),
    ("signal 65 in a set", lambda m, i: i.sigprocmask(0, [65]), ValueError),
    ("bool in a signal set", lambda m, i: i.sigprocmask(0, [True]), TypeError),
    ("negative seconds", lambda m, i: i.sleep(-1), ValueError),
    ("seconds that are no number", lambda m, i: i.sleep(float("nan")), ValueError),
    ("endless seconds", lambda m, i: i.sleep(float("inf")), ValueError),
    ("str for seconds", lambda m, i: i.sleep("1"), TypeError),
    ("bool for seconds", lambda m, i: i.sigtimedwait([10], True), TypeError),
    ("str for poll's list", lambda m, i: i.poll("ab", 0), TypeError),
    ("poll's descriptor alone", lambda m, i: i.poll([3], 0), TypeError),
    ("poll's triple", lambda m, i: i.poll([(3, 1, 1)], 0), TypeError),
    ("str for an action", lambda m, i: i.sigaction(15, "SIG_IGN"), TypeError),
    ("a function for an action", lambda m, i: i.sigaction(15, print), TypeError),
    ("negative action flags", lambda m, i: i.sigaction(15, 0, -1), OverflowError),
    ("a tuple for a siginfo", lambda m, i: i.pidfd_send_signal(3, 9, (9, 0)), TypeError),
    ("a siginfo with a str", lambda m, i: i.pidfd_send_signal(3, 9, Siginfo("9", 0)), TypeError),  # type: ignore[arg-type]
    ("str for prctl's number", lambda m, i: i.prctl(36, "1"), TypeError),
    ("a number for a name", lambda m, i: i.prctl(15, 1), TypeError),
    ("a NUL in a name", lambda m, i: i.prctl(15, "a\0"), ValueError),
    ("prctl's number beyond long", lambda m, i: i.prctl(36, 1 << 64), OverflowError),
    ("str for clone's flags", lambda m, i: i.clone("NEWPID"), TypeError),
    ("bool for clone's flags", lambda m, i: i.clone(True), TypeError),
    ("negative clone flags", lambda m, i: i.clone(-1), OverflowError),
    ("int for set_tid", lambda m, i: i.clone(0, set_tid=5), TypeError),
    ("str in set_tid", lambda m, i: i.clone(0, set_tid=("5",)), TypeError),
    ("set_tid by position", lambda m, i: i.clone(0, 17, (5,)), TypeError),
    ("an exit signal that is negative", lambda m, i: i.clone(0, exit_signal=-1), OverflowError),
    ("str for an exit status", lambda m, i: i.exit("0"), TypeError),
    ("an exit status beyond int", lambda m, i: i.exit(1 << 31), OverflowError),
    ("bytes for an image", lambda m, i: i.execve(b"/init"), TypeError),
    ("a NUL in an argument", lambda m, i: i.execve("/init", ("a\0",)), ValueError),
    ("a list for an environment", lambda m, i: i.execve("/init", (), ["A=1"]), TypeError),
    ("a bound method to start", lambda m, i: i.start(i.getpid), TypeError),
    ("a function to start", lambda m, i: i.start(print), TypeError),
    ("a started call with too little", lambda m, i: i.start(Calls.kill, 5), TypeError),
    ("a started call with a str", lambda m, i: i.start(Calls.kill, "5", 9), TypeError),
    ("a closed descriptor", lambda m, i: i.read(99, 1), OSError),
    ("a descriptor below 0", lambda m, i: i.close(-1), OSError),
    ("an unknown flag", lambda m, i: i.unshare(0x1), OSError),
    ("an unknown clone flag", lambda m, i: i.clone(1 << 40), OSError),
    ("an unknown wait option", lambda m, i: i.waitid(IdType.ALL, 0, int(WaitOption.EXITED) | 0x40), OSError),
    ("a call on an ended process", lambda m, i: _ended(m).getpid(), Gone),
    ("a fork of an ended process", lambda m, i: _ended(m).fork(), Gone),
    ("a started call of an ended process", lambda m, i: _ended(m).start(Calls.getpid), Gone),
    ("the exit of an ended process", lambda m, i: _ended(m).exit(0), Gone),
    ("a second call", lambda m, i: _blocked(m).getpid(), Blocked),
    ("a second started call", lambda m, i: _blocked(m).start(Calls.getpid), Blocked),
    ("a call after the machine closed", lambda m, i: _closed(m).getpid(), Gone),
    ("a clone after the machine closed", lambda m, i: _closed(m).clone(CloneFlag.NEWPID), Gone),
    ("settle after the machine closed", lambda m, i: _closed(m)._machine.settle(), Gone),
    ("run after the machine closed", lambda m, i: _closed(m)._machine.run(lambda s: 0), Gone),
    ("an unknown option of boot", lambda m, i: boot(m.backend, no_such_option=1), TypeError),
    ("a number for a backend", lambda m, i: boot(5), TypeError),  # type: ignore[arg-type]
)


def outcome(backend: str, kind: Kind) -> tuple[type[BaseException], str]:
    """What comes of it on a fresh machine."""
    need(backend)
    _, use, expected = kind
    with boot(backend) as machine:
        with pytest.raises(expected) as caught:
            use(machine, machine.init)
        message = str(caught.value).replace(repr(machine.backend), "BACKEND").replace(machine.backend, "BACKEND")
    return type(caught.value), message


@pytest.mark.parametrize("kind", KINDS, ids=[name for name, _, _ in KINDS])
def test_bad_input_is_the_same_exception_on_both(kind: Kind) -> None:
    left, right = (outcome(backend, kind) for backend in BACKENDS)
    assert left == right


def test_there_are_enough_kinds() -> None:
    assert len(KINDS) >= 60
    assert len({name for name, _, _ in KINDS}) == len(KINDS)


@pytest.mark.parametrize("backend", BACKENDS)
def test_boot_does_not_nest_inside_a_program(backend: str) -> None:
    need(backend)

    def program(_: object) -> int:
        try:
            boot(backend)
        except RuntimeError:
            return 7
        return 0

    with boot(backend) as machine:
        assert machine.run(program) == 7


def test_nothing_happened() -> None:
    """A refused call leaves no trace and burns no number."""
    with boot("sim") as machine:
        with pytest.raises(TypeError):
            machine.init.clone("NEWPID")  # type: ignore[arg-type]
        assert len(machine.trace) == 0
        assert machine.init.fork().pid == 2
