"""Orphans: who becomes the parent.  kernel/exit.c:find_new_reaper"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, handle, has_ended, injected
from conformance.views import numbers, state
from nscore import CloneFlag, Disposition, Machine, MountFlag, Prctl, Process, Signal, Syscalls, WaitOption

NEWPID = CloneFlag.NEWPID


def subreaper(process: Process, value: int = 1) -> Process:
    """Let process adopt the orphans below it."""
    process.prctl(Prctl.SET_CHILD_SUBREAPER, value)
    return process


def end(*processes: Process) -> None:
    """End them one after the other."""
    for process in processes:
        process.exit(0)


@case("REPARENT-01", "REPARENT-04", "REPARENT-05")
def the_nearest_subreaper_adopts(m: Machine) -> None:
    """Before the namespace's init, and when it ends its children pass to the next."""
    inner = m.init.clone(NEWPID)
    outer = subreaper(inner.fork())
    nearer = subreaper(outer.fork())
    father = nearer.fork()
    orphan = father.fork()
    for dying, heir in ((father, nearer), (nearer, outer), (outer, inner)):
        dying.exit(0)
        m.settle()
        assert orphan.getppid() == heir.getpid()


@case("REPARENT-02", "REPARENT-09")
def the_fathers_namespace_decides(m: Machine) -> None:
    """Who lives inside with a father outside passes to the outer subreaper, or init: its parent is out of sight as before."""
    inner = m.init.clone(NEWPID)
    outer = subreaper(m.init.fork())
    father = outer.fork()
    child = injected(father, inner.pid)
    nested = m.init.fork()
    first = nested.clone(NEWPID)
    end(father, nested)
    m.settle()
    assert (child.getppid(), first.getppid()) == (0, 0)
    assert numbers(m.init, 5, "PPid") == (outer.pid,)
    assert numbers(m.init, 7, "PPid") == (1,)
    outer.exit(0)
    m.settle()
    assert (child.getppid(), numbers(m.init, 5, "PPid")) == (0, (1,))


@case("REPARENT-03", "REPARENT-09")
def no_subreaper_adopts_from_another_level(m: Machine) -> None:
    """Not even the children of its own child, where that lives inside: they pass to the inner init."""
    outer = subreaper(m.init.fork())
    inner = outer.clone(NEWPID)
    for father in (inner.fork(), injected(outer, 3)):
        orphan = father.fork()
        father.exit(0)
        m.settle()
        assert orphan.getppid() == 1


@case("REPARENT-06", "MISC-04")
def a_subreaper_is_a_process(m: Machine) -> None:
    """Any value but 0 makes it one, for all its threads and through exec, not for its children."""
    child = subreaper(m.init.fork(), 77)
    assert child.prctl(Prctl.GET_CHILD_SUBREAPER) == 1
    assert child.thread().prctl(Prctl.GET_CHILD_SUBREAPER) == 1
    assert child.fork().prctl(Prctl.GET_CHILD_SUBREAPER) == 0
    child.execve(m.image)
    assert child.prctl(Prctl.GET_CHILD_SUBREAPER) == 1
    subreaper(child, 0)
    assert child.prctl(Prctl.GET_CHILD_SUBREAPER) == 0


@case("REPARENT-07", "REPARENT-08")
def a_subreaper_adopts_while_it_is_one(m: Machine) -> None:
    """Those who were born before too; whom it has adopted it keeps."""
    reaper = m.init.fork()
    first, second = reaper.fork(), reaper.fork()
    early, late = first.fork(), second.fork()
    subreaper(reaper)
    first.exit(0)
    m.settle()
    subreaper(reaper, 0)
    second.exit(0)
    m.settle()
    assert (early.getppid(), late.getppid()) == (reaper.pid, 1)


@case("REPARENT-10")
def the_new_parent_hears_of_a_zombie(m: Machine) -> None:
    """CHLD is sent for it, and it can be reaped; where CHLD is ignored it is gone at once."""
    for action in (Disposition.HANDLE, Disposition.IGN):
        inner = m.init.clone(NEWPID)
        reaper = subreaper(inner.fork())
        father = reaper.fork()
        father.fork().exit(5)
        m.settle()
        reaper.sigaction(Signal.CHLD, action)
        father.exit(0)
        if action == Disposition.HANDLE:
            assert [reaper.waitpid(-1) for _ in range(2)] == [(3, 0), (4, 5 << 8)]
            assert 4 in [info.si_pid for info in reaper.received()]
        with raises("ECHILD"):
            reaper.waitpid(-1)


@case("REPARENT-11")
def a_stopped_init_adopts(m: Machine) -> None:
    """It needs to do nothing for it."""
    inner = m.init.clone(NEWPID)
    father = inner.fork()
    orphan = father.fork()
    m.init.kill(inner.pid, Signal.STOP)
    father.exit(0)
    m.settle()
    assert (orphan.getppid(), state(m.init, inner.pid)) == (1, "T")


@case("REPARENT-12")
def a_siblings_parent_can_be_out_of_sight(m: Machine) -> None:
    """PARENT gives the caller's own parent, who may be in an outer namespace: getppid is 0 for one that is no init."""
    inner = m.init.clone(NEWPID)
    member = injected(m.init.fork(), inner.pid)
    sibling = member.clone(CloneFlag.PARENT, exit_signal=0)
    assert (sibling.getpid(), sibling.getppid()) == (3, 0)
    assert numbers(m.init, 5, "PPid") == numbers(m.init, 4, "PPid") == (3,)
    with raises("ECHILD"):
        member.waitpid(-1)


@case("REPARENT-13")
def a_sibling_of_an_orphan_is_the_new_parents(m: Machine) -> None:
    """PARENT is the parent at that time."""
    father = m.init.fork()
    orphan = father.fork()
    assert orphan.clone(CloneFlag.PARENT, exit_signal=0).getppid() == father.pid
    father.exit(0)
    m.settle()
    assert orphan.clone(CloneFlag.PARENT, exit_signal=0).getppid() == 1


@case("REPARENT-14")
def a_namespace_outlives_who_made_it(m: Machine) -> None:
    """Its init passes to the outer one, who waits for it as for any child."""
    maker = m.init.fork()
    inner = maker.clone(NEWPID)
    member = inner.fork()
    maker.exit(0)
    m.settle()
    assert (inner.getppid(), member.getppid(), numbers(m.init, 3, "PPid")) == (0, 1, (1,))
    inner.exit(8)
    assert m.init.waitpid(3) == (3, 8 << 8)
    assert has_ended(member)


@case("WAIT-06")
def adopted_children_come_after_ones_own(m: Machine) -> None:
    """A wait takes zombies in the order of the parent's list: its own as they were born, then adopted ones as they were born to theirs."""
    first = m.init.fork()
    father = m.init.fork()
    adopted = [father.fork() for _ in range(2)]
    last = m.init.fork()
    father.exit(0)
    m.settle()
    newest = m.init.fork()
    end(newest, *reversed(adopted), last, first)
    assert [m.init.waitpid(-1)[0] for _ in range(6)] == [2, 3, 6, 4, 5, 7]


@case("REPARENT-09", "PDEATH-03")
def once_a_father_is_reaped_his_children_have_their_parent(m: Machine) -> None:
    """And their death signals are on the way."""
    father = m.init.fork()
    children = [father.fork() for _ in range(3)]
    for child in children:
        child.prctl(Prctl.SET_PDEATHSIG, Signal.USR1)
        handle(child, Signal.USR1)
    waiting = m.init.start(Process.waitpid, father.pid)
    father.exit(0)
    assert waiting.result() == (father.pid, 0)
    assert [child.getppid() for child in children] == [1, 1, 1]
    assert [len(child.received()) for child in children] == [1, 1, 1]
    assert m.init.waitpid(-1, WaitOption.NOHANG) == (0, 0)


def waits_for_a_father(calls: Syscalls) -> int:
    """PID 1: the parent of PID 3 at the moment when its father is reaped."""
    calls.unshare(CloneFlag.NEWNS)
    calls.mount("none", "/", None, MountFlag.REC | MountFlag.PRIVATE)
    calls.mount("proc", "/proc", "proc")

    def father(calls: Syscalls) -> None:
        calls.fork(lambda calls: calls.sleep(60))

    assert calls.waitpid(calls.fork(father)) == (2, 0)
    return numbers(calls, 3, "PPid")[0]


@case("WAIT-12")
def adoption_is_over_before_wait_returns(m: Machine) -> None:
    """Seen by a program, which nobody holds up in between."""
    assert m.run(waits_for_a_father) == 1


def is_told_of_its_fathers_death(calls: Syscalls) -> int:
    """PID 1: the parent of its grandchild at the moment when that takes its death signal."""
    reader, writer = calls.pipe2()

    def child(calls: Syscalls) -> int:
        block(calls, Signal.USR1)
        calls.prctl(Prctl.SET_PDEATHSIG, Signal.USR1)
        calls.write(writer, b"!")
        calls.sigtimedwait({Signal.USR1}, 60)
        return calls.getppid()

    def father(calls: Syscalls) -> None:
        calls.fork(child)
        calls.read(reader, 1)

    assert calls.waitpid(calls.fork(father)) == (2, 0)
    pid, status = calls.waitpid(-1)
    assert pid == 3
    return status >> 8


@case("PDEATH-08")
def the_death_signal_comes_after_adoption(m: Machine) -> None:
    """Seen by a program."""
    assert m.run(is_told_of_its_fathers_death) == 1
