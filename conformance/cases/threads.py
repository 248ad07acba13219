"""Threads, and what an init is whose threads end one by one.  kernel/exit.c, fs/exec.c:de_thread"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.scenes import block, has_ended, is_alive, killed_by
from conformance.views import state, status
from nscore import CloneFlag, IdType, Machine, PollEvent, Prctl, Process, SigMask, Signal, WaitOption

NEWPID = CloneFlag.NEWPID


@case("THREAD-01")
def threads_share_what_their_process_is(m: Machine) -> None:
    """Namespace, numbers, group, session and the flag of a subreaper; not their id, mask, death signal and namespace for children."""
    leader = m.init.fork()
    thread = leader.thread()
    thread.setsid()
    thread.prctl(Prctl.SET_CHILD_SUBREAPER, 1)
    thread.prctl(Prctl.SET_PDEATHSIG, Signal.TERM)
    block(thread, Signal.USR1)
    thread.unshare(NEWPID)
    born = thread.fork()
    assert (thread.getpid(), thread.gettid(), leader.gettid()) == (2, 3, 2)
    assert (leader.getpgid(), leader.getsid(), leader.getppid(), thread.getppid()) == (2, 2, 1, 1)
    assert leader.prctl(Prctl.GET_CHILD_SUBREAPER) == 1
    assert leader.prctl(Prctl.GET_PDEATHSIG) == 0
    assert leader.sigprocmask(SigMask.BLOCK, ()) == frozenset()
    assert (born.getpid(), leader.fork().getpid()) == (1, 5)


@case("THREAD-02", "WAIT-09")
def an_init_is_its_threads(m: Machine) -> None:
    """The leader alone ends as a zombie: nothing is to be waited for, and the others go on as PID 1, with all that init is."""
    inner = m.init.clone(NEWPID)
    thread = inner.thread()
    pidfd = m.init.pidfd_open(inner.pid)
    inner.exit_thread(11)
    m.settle()
    assert (state(m.init, inner.pid), status(m.init, inner.pid)["Threads"]) == ("Z", "2")
    assert is_alive(m.init, inner.pid)
    assert m.init.waitpid(-1, WaitOption.NOHANG) == (0, 0)
    assert m.init.poll([(pidfd, PollEvent.IN)], 0) == ()
    m.init.kill(inner.pid, 0)
    assert thread.getpid() == 1
    child = thread.fork()
    orphan = child.fork()
    child.exit(0)
    m.settle()
    assert orphan.getppid() == 1


@case("THREAD-03")
def an_init_without_its_leader_is_as_protected(m: Machine) -> None:
    """KILL from inside is dropped, and from an ancestor ends all its threads."""
    inner = m.init.clone(NEWPID)
    thread = inner.thread()
    member = inner.fork()
    inner.exit_thread(0)
    member.kill(1, Signal.KILL)
    assert thread.getpid() == 1
    m.init.kill(inner.pid, Signal.KILL)
    assert killed_by(m.init, inner.pid) == Signal.KILL
    assert (has_ended(thread), has_ended(member)) == (True, True)


@case("THREAD-04", "THREAD-05")
def a_process_ends_with_its_last_thread(m: Machine) -> None:
    """Whichever that is; its status is the process's, and of a namespace's init it is the end of the namespace."""
    for flags in (0, NEWPID):
        leader = m.init.clone(flags)
        member = leader.fork()
        first, last = leader.thread(), leader.thread()
        for thread, code in ((leader, 11), (first, 22), (last, 33)):
            assert is_alive(m.init, leader.pid)
            assert not has_ended(member)
            thread.exit_thread(code)
            m.settle()
        assert m.init.waitpid(leader.pid) == (leader.pid, 33 << 8)
        assert has_ended(member) == bool(flags)


@case("THREAD-04")
def any_thread_ends_the_whole_init(m: Machine) -> None:
    """exit_group from one of them is the end of the namespace."""
    inner = m.init.clone(NEWPID)
    thread = inner.thread()
    member = thread.fork()
    thread.exit(9)
    assert m.init.waitpid(inner.pid) == (inner.pid, 9 << 8)
    assert (has_ended(inner), has_ended(member)) == (True, True)


@case("THREAD-06", "ALLOC-22")
def a_thread_that_execs_becomes_the_init(m: Machine) -> None:
    """It takes the leader's number, its own goes, the namespace and the protection stay."""
    inner = m.init.clone(NEWPID)
    thread = inner.thread()
    member = inner.fork()
    assert thread.gettid() == 2
    thread.execve(m.image)
    assert (thread.getpid(), thread.gettid()) == (1, 1)
    with raises("ESRCH"):
        member.kill(2, 0)
    member.kill(1, Signal.KILL)
    assert member.getppid() == 1
    assert not has_ended(thread)
    assert has_ended(inner)


@case("THREAD-07")
def a_threads_children_pass_to_another_thread(m: Machine) -> None:
    """Of the same process: nobody is sent anything, and who waits for them is the process as before."""
    process = m.init.fork()
    thread, other = process.thread(), process.thread()
    child = thread.fork()
    block(process, Signal.CHLD)
    thread.exit_thread(0)
    m.settle()
    assert (child.getppid(), process.sigpending()) == (process.pid, frozenset())
    child.exit(1)
    assert other.waitpid(-1) == (5, 1 << 8)


@case("THREAD-08")
def a_process_waits_for_all_its_threads_children(m: Machine) -> None:
    """NOTHREAD leaves out those of the others."""
    process = m.init.fork()
    thread = process.thread()
    child = thread.fork()
    for pid in (-1, child.getpid()):
        with raises("ECHILD"):
            process.waitpid(pid, WaitOption.NOTHREAD)
        assert process.waitpid(pid, WaitOption.NOHANG) == (0, 0)
    waiting = process.start(Process.waitid, IdType.ALL, 0, WaitOption.EXITED)
    child.exit(2)
    result = waiting.result()
    assert result and result.si_status == 2
    second = thread.fork()
    second.exit(3)
    assert thread.waitpid(-1, WaitOption.NOTHREAD)[1] == 3 << 8


@case("THREAD-08", "WAIT-06")
def a_thread_looks_among_its_own_children_first(m: Machine) -> None:
    """Then among those of the threads after it, and round to those of the one before."""
    leader = m.init.fork()
    threads = (leader, *(leader.thread() for _ in range(3)))
    children = []
    for thread in (threads[3], threads[1], threads[0], threads[2]):
        child = thread.fork()
        child.exit(0)
        children.append(child.pid)
    m.settle()
    found = [thread.waitid(IdType.ALL, 0, WaitOption.EXITED | WaitOption.NOWAIT) for thread in threads]
    assert [result and result.si_pid for result in found] == [children[at] for at in (2, 1, 3, 0)]
    assert [threads[2].waitpid(-1)[0] for _ in range(4)] == [children[at] for at in (3, 0, 2, 1)]


@case("SIG-06", "THREAD-01")
def what_inits_leader_masks_its_threads_drop(m: Machine) -> None:
    """It is queued for the leader's sake, but the thread that has it unmasked takes it, and an init has no use for it."""
    inner = m.init.clone(NEWPID)
    thread = inner.thread()
    block(inner, Signal.TERM)
    sleeping = thread.start(Process.pause)
    m.init.kill(inner.pid, Signal.TERM)
    assert inner.sigpending() == frozenset()
    assert not sleeping.done
    block(inner, Signal.USR1)
    m.init.tgkill(inner.pid, inner.pid, Signal.USR1)
    assert inner.sigpending() == {Signal.USR1}


@case("SIG-06", "THREAD-01")
def a_thread_of_init_that_waits_is_disturbed_by_what_it_drops(m: Machine) -> None:
    """sigtimedwait, of something else, ends with EINTR."""
    inner = m.init.clone(NEWPID)
    thread = inner.thread()
    block(inner, Signal.TERM)
    waiting = thread.start(Process.sigtimedwait, {Signal.USR1}, 60)
    m.init.kill(inner.pid, Signal.TERM)
    m.settle()
    with raises("EINTR"):
        waiting.result()
