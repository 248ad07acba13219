"""nscore_sim/fork.py and exec.py: what is refused, shared, copied, and what a new image keeps."""

from __future__ import annotations

import gc

import pytest

from nscore.flags import THREAD_FLAGS, CloneFlag, Disposition, Prctl, Signal
from nscore_sim.kernel import OTHER_IMAGE
from nscore_sim.task import PF_FORKNOEXEC, TASK_KILLABLE, Task
from tests.sim.kernelcalls import NEWPID, PENDING, boot, call, clone, create, numbers, outcome, thread

VM, SIGHAND, THREAD, PARENT = CloneFlag.VM, CloneFlag.SIGHAND, CloneFlag.THREAD, CloneFlag.PARENT


@pytest.mark.parametrize(
    ("flags", "exit_signal"),
    [
        (CloneFlag.NEWNS | CloneFlag.FS, 17),
        (CloneFlag.NEWUSER | CloneFlag.FS, 17),
        (THREAD, 0),
        (SIGHAND, 17),
        (THREAD | SIGHAND, 0),
        (THREAD | SIGHAND | VM | NEWPID, 0),
        (THREAD | SIGHAND | VM | CloneFlag.NEWUSER, 0),
        (THREAD | SIGHAND | VM, 17),
        (PARENT, 17),
        (PARENT, 0),
        (CloneFlag.DETACHED, 17),
        (1, 17),
        (SIGHAND | VM | CloneFlag.CLEAR_SIGHAND, 17),
        (1 << 40, 17),
        (0, 65),
    ],
)
def test_refused_before_a_number_is_taken(flags: int, exit_signal: int) -> None:
    """PREC-01, PREC-02; the caller is an init, which may have no siblings."""
    kernel, init = boot()
    before = kernel.nr_threads, init.cred.usage, init.cred.ucounts.rlimit[0]
    assert create(init, int(flags), exit_signal)[1] == "EINVAL"
    assert (kernel.nr_threads, init.cred.usage, init.cred.ucounts.rlimit[0]) == before
    assert init.thread_pid.ns.idr.idr_next == 2


def test_a_failure_gives_back_everything_but_the_number() -> None:
    _, init = boot()
    assert init.nsproxy is not None and init.files is not None and init.fs is not None
    before = (init.nsproxy.count, init.files.fdt.refs, init.cred.usage, init.fs.root.mnt.mnt_count, init.thread_pid.ns.ns.count)
    assert create(init, int(CloneFlag.INTO_CGROUP))[1] == "EBADF"
    assert (init.nsproxy.count, init.files.fdt.refs, init.cred.usage, init.fs.root.mnt.mnt_count, init.thread_pid.ns.ns.count) == before
    assert numbers(clone(init))[0] == 3


def test_faults_fail_the_nth_call() -> None:
    kernel, init = boot()
    kernel.faults = {"alloc_pid": (2, "ENOMEM"), "copy_process": (3, "EAGAIN")}
    assert [create(init)[1] for _ in range(4)] == [(2, None), "ENOMEM", "EAGAIN", (3, None)]


def test_a_sibling_has_its_makers_parent_and_exit_signal() -> None:
    """EXITSIG-03, REPARENT-12"""
    _, init = boot()
    a = clone(init, 0, int(Signal.USR1))
    b, _ = create(a, int(PARENT), 0)
    assert b is not None
    assert (b.real_parent, b.exit_signal, call(a, "waitpid", -1, 0)) == (init, Signal.USR1, "ECHILD")


def test_threads_need_the_namespace_of_their_process() -> None:
    """CREATE-14"""
    _, init = boot()
    a = clone(init)
    call(a, "unshare", NEWPID)
    assert create(a, int(THREAD_FLAGS), 0)[1] == "EINVAL"


def test_vfork_sleeps_until_the_child_execs_or_ends() -> None:
    kernel, init = boot()
    for ending in (("exit", 0), ("execve", kernel.image, (), ())):
        child, result = create(init, int(CloneFlag.VFORK))
        assert child is not None
        assert (result, init.state) == (PENDING, TASK_KILLABLE)
        call(child, *ending)
        assert outcome(init) == (child.pid, None)


def test_a_vfork_parent_can_be_killed() -> None:
    """VFORK-02"""
    _, init = boot()
    parent = clone(init)
    child, _ = create(parent, int(CloneFlag.VFORK | CloneFlag.NEWPID))
    assert child is not None
    call(init, "kill", 2, int(Signal.TERM))
    assert parent.exit_state
    assert (child.real_parent, child.vfork_done) == (init, None)
    assert call(init, "waitpid", 2, 0) == (2, int(Signal.TERM))


def test_a_pending_signal_restarts_fork_before_it_takes_a_number() -> None:
    """ALLOC-26"""
    _, init = boot()
    a = clone(init)
    call(a, "sigaction", int(Signal.USR1), int(Disposition.HANDLE), 0)
    a.sigpending = True
    call(init, "kill", 2, int(Signal.USR1))
    assert create(a)[1] == (3, None)


def test_exec_keeps_and_drops() -> None:
    """CREATE-07, EXITSIG-06, PDEATH-02, SIG-13"""
    kernel, init = boot()
    a = clone(init, 0, 0)
    call(a, "prctl", int(Prctl.SET_PDEATHSIG), 10)
    call(a, "prctl", int(Prctl.SET_CHILD_SUBREAPER), 1)
    call(a, "sigaction", 10, int(Disposition.HANDLE), 0)
    call(a, "sigaction", 12, int(Disposition.IGN), 0)
    call(a, "sigprocmask", 0, (15,))
    call(a, "unshare", NEWPID)
    ns = a.nsproxy
    assert call(a, "execve", kernel.image, (), ()) is None
    assert (a.exit_signal, a.pdeath_signal, a.nsproxy, a.blocked, a.comm) == (17, 10, ns, 1 << 14, b"image")
    assert call(a, "prctl", int(Prctl.GET_CHILD_SUBREAPER), 0) == 1
    assert (call(a, "sigaction", 10, None, 0), call(a, "sigaction", 12, None, 0)) == ((0, 0), (1, 0))
    assert not a.flags & PF_FORKNOEXEC


def test_an_image_nobody_drives_ends() -> None:
    _, init = boot()
    a = clone(init)
    assert call(a, "execve", "/no/such", (), ()) == "ENOENT"
    call(a, "execve", OTHER_IMAGE, (), ())
    assert call(init, "waitpid", -1, 0) == (2, 0)


@pytest.mark.parametrize("init_itself", [False, True])
def test_exec_in_a_thread_takes_the_leaders_place(init_itself: bool) -> None:
    """ALLOC-22, THREAD-06"""
    kernel, init = boot()
    leader = init if init_itself else clone(init)
    outside = leader.real_parent
    first, second = thread(leader), thread(leader)
    orphan = clone(first)
    assert call(second, "execve", kernel.image, (), ()) is None
    number = 1 if init_itself else 2
    assert (numbers(second)[0], second.group_leader, second.real_parent) == (number, second, outside)
    assert list(second.signal.threads) == [second]
    assert orphan.real_parent is second
    assert (leader.exit_state, first.exit_state) == (0x10, 0x10)
    assert second.thread_pid.tgid is second and second.thread_pid.task is second
    assert call(second, "getpid") == call(second, "gettid") == number
    call(second, "exit", 7)
    assert call(outside, "waitpid", -1, 0) == (second.thread_pid.numbers[outside.thread_pid.level], 7 << 8)


def test_a_handler_table_that_is_shared_is_one() -> None:
    _, init = boot()
    a = clone(init, int(VM | SIGHAND))
    call(a, "sigaction", 10, int(Disposition.IGN), 0)
    assert call(init, "sigaction", 10, None, 0) == (1, 0)
    b = clone(init, int(CloneFlag.CLEAR_SIGHAND))
    assert call(b, "sigaction", 10, None, 0) == (1, 0)  # ignored stays ignored


def test_nproc_counts_for_all_but_root() -> None:
    """PERM-09, MISC-06"""
    _, init = boot()
    a = clone(init)
    limits = list(a.signal.rlim)
    limits[6] = (2, 2)
    a.signal.rlim = tuple(limits)
    assert create(a)[1] == (3, None)
    call(a, "setuid", 1000)
    assert create(a)[1] == (4, None)
    assert create(a)[1] == "EAGAIN"


def test_ten_thousand_lives_leave_nothing_for_the_collector() -> None:
    kernel, init = boot()

    def live() -> None:
        child = clone(init, NEWPID)
        t = thread(child)
        call(init, "sigprocmask", 0, (17,))
        call(t, "exit_thread", 0)
        call(child, "exit", 0)
        call(init, "waitpid", -1, 0)
        call(init, "sigprocmask", 1, (17,))

    live()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(10_000):
            child = clone(init)
            call(child, "exit", 0)
            call(init, "waitpid", -1, 0)
        for _ in range(500):
            live()
        del child
        assert len(gc.get_objects()) - before < 50
    finally:
        gc.enable()
    kernel.chooser.choices.clear()
    assert kernel.nr_threads == 2


def test_what_a_reaped_task_was_part_of_is_cut() -> None:
    _, init = boot()
    a: Task | None = clone(init)
    assert a is not None
    call(a, "exit", 0)
    call(init, "waitpid", -1, 0)
    assert not hasattr(a, "sighand") and not hasattr(a, "real_parent") and not a.signal.threads
