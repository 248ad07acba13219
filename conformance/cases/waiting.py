"""wait(2): what becomes of children."""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from nscore import CloneFlag, IdType, Machine, Signal, WaitOption, WaitResult


@case("WAIT-01", "WAIT-11", "ALLOC-20", "VIS-11")
def a_reaped_child_has_no_number(m: Machine) -> None:
    """Reaping frees the number before wait returns."""
    child = m.init.fork()
    child.exit(7)
    assert m.init.waitid(IdType.ALL, 0, WaitOption.EXITED) == WaitResult(child.pid, m.init.getuid(), Signal.CHLD, 7, 1)
    with raises("ESRCH"):
        m.init.kill(child.pid, 0)


@case("WAIT-07")
def nohang_with_a_living_child_is_none(m: Machine) -> None:
    """WNOHANG with children but none ready: 0, and waitid fills in nothing."""
    m.init.fork()
    assert m.init.waitid(IdType.ALL, 0, WaitOption.EXITED | WaitOption.NOHANG) is None
    assert m.init.waitpid(-1, WaitOption.NOHANG) == (0, 0)


@case("WAIT-06")
def the_oldest_zombie_is_reaped_first(m: Machine) -> None:
    """Order of creation, not of death."""
    first, second = m.init.fork(), m.init.fork()
    second.exit(2)
    m.settle()
    first.exit(1)
    assert m.init.waitpid(-1) == (first.pid, 1 << 8)
    assert m.init.waitpid(-1) == (second.pid, 2 << 8)
    with raises("ECHILD"):
        m.init.waitpid(-1)


@case("WAIT-02")
def only_children_are_waited_for(m: Machine) -> None:
    """A grandchild, the parent and oneself are ECHILD."""
    child = m.init.fork()
    grandchild = child.fork()
    for pid in (grandchild.getpid(), m.init.getpid()):
        with raises("ECHILD"):
            m.init.waitpid(pid)
    with raises("ECHILD"):
        child.waitpid(m.init.getpid())


@case("WAIT-03", "WAIT-04")
def what_wait_refuses(m: Machine) -> None:
    """INT_MIN is ESRCH, unknown options and id types are EINVAL, unknown numbers ECHILD."""
    init = m.init
    init.fork()
    for pid, options, name in ((-(1 << 31), 0, "ESRCH"), (-1, 0x40, "EINVAL"), (99, 0, "ECHILD"), (-99, 0, "ECHILD")):
        with raises(name):
            init.waitpid(pid, options)
    exited = WaitOption.EXITED
    for idtype, id, options, name in (
        (IdType.ALL, 0, WaitOption.NOHANG, "EINVAL"),
        (IdType.PID, 0, exited, "EINVAL"),
        (IdType.PGID, -1, exited, "EINVAL"),
        (IdType.PIDFD, -1, exited, "EINVAL"),
        (IdType.PIDFD, 0, exited, "EBADF"),
        (9, 0, exited, "EINVAL"),
    ):
        with raises(name):
            init.waitid(idtype, id, options)


@case("ALLOC-01", "ALLOC-24", "VIS-05", "CREATE-02")
def a_new_namespace_begins_at_1(m: Machine) -> None:
    """clone(NEWPID): PID 1 inside, the next number outside, and no parent to be seen."""
    inner = m.init.clone(CloneFlag.NEWPID)
    assert (inner.pid, inner.getpid(), inner.getppid()) == (2, 1, 0)


@case("SIG-03", "SIG-02", "INIT-04")
def init_dies_by_a_signal_from_outside_alone(m: Machine) -> None:
    """KILL from inside returns 0 and does nothing; from an ancestor it ends the namespace."""
    inner = m.init.clone(CloneFlag.NEWPID)
    member = inner.fork()
    member.kill(1, Signal.KILL)
    assert inner.getpid() == 1
    m.init.kill(inner.pid, Signal.KILL)
    assert m.init.waitpid(inner.pid) == (inner.pid, Signal.KILL)
    with raises("ESRCH"):
        m.init.kill(member.pid + 2, 0)
