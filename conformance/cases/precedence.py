"""Which error comes first.  kernel/fork.c, kernel/nsproxy.c, kernel/signal.c, kernel/reboot.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, open_ns, reap
from conformance.views import set_last_pid, set_pid_max, write
from nscore import Capability, CloneFlag, Machine, Signal

NEWPID, NEWUSER, NEWNS = CloneFlag.NEWPID, CloneFlag.NEWUSER, CloneFlag.NEWNS
MAX_PID_NAMESPACES = "/proc/sys/user/max_pid_namespaces"


@case("PREC-01", "PREC-02")
def what_clone_refuses_by_its_arguments(m: Machine) -> None:
    """Before any question of rights or of room: a caller without capabilities at the limit of depth hears EINVAL."""
    caller = m.init.fork()
    drop(caller)
    sighand, thread = CloneFlag.SIGHAND, CloneFlag.THREAD
    for flags, exit_signal, set_tid in (
        (NEWPID, 65, ()),
        (NEWPID | 1 << 40, 17, ()),
        (NEWPID | CloneFlag.DETACHED, 17, ()),
        (NEWPID | 17, 17, ()),
        (NEWPID | CloneFlag.PARENT, 17, ()),
        (NEWNS | CloneFlag.FS, 17, ()),
        (NEWUSER | CloneFlag.FS, 17, ()),
        (NEWPID | thread, 0, ()),
        (NEWPID | sighand, 17, ()),
        (NEWPID, 17, (1,) * 33),
    ):
        with raises("EINVAL"):
            caller.clone(flags, exit_signal=exit_signal, set_tid=set_tid)
    with raises("EPERM"):
        caller.clone(NEWPID)


@case("PREC-02", "PREC-04")
def rights_are_asked_before_places(m: Machine) -> None:
    """An unknown flag is EINVAL, then no right is EPERM, then an earlier unshare is EINVAL."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    with raises("EINVAL"):
        maker.unshare(NEWPID)
    drop(maker)
    with raises("EINVAL"):
        maker.unshare(NEWPID | 1)
    with raises("EPERM"):
        maker.unshare(NEWPID)
    with raises("EPERM"):
        maker.clone(NEWPID)


@case("PREC-02", "ALLOC-09", needs=("set_tid",))
def a_full_ancestor_comes_before_a_dead_namespace(m: Machine) -> None:
    """Numbers are looked for at every level before anybody asks whether the innermost is dead."""
    outer = m.init.clone(NEWPID)
    set_pid_max(outer, 301)
    set_last_pid(outer, 298)
    maker = outer.fork()
    maker.unshare(NEWPID)
    reap(maker, maker.fork())
    filler = outer.fork()
    assert (maker.pid, filler.pid) == (299, 300)
    with raises("EAGAIN"):
        maker.fork()
    reap(outer, filler)
    with raises("ENOMEM"):
        maker.fork()


@case("PREC-03", "PERM-05", "CREATE-17")
def the_place_is_asked_before_the_limit(m: Machine) -> None:
    """EINVAL for an earlier unshare, then ENOSPC; a namespace that nobody lives in counts as any other."""
    root = m.init.clone(NEWUSER)
    write(root, MAX_PID_NAMESPACES, "1")
    maker, other = root.fork(), root.fork()
    maker.unshare(NEWPID)
    with raises("EINVAL"):
        maker.unshare(NEWPID)
    for call in (other.unshare, other.clone):
        with raises("ENOSPC"):
            call(NEWPID)


@case("PREC-05", "SETNS-04", "SETNS-05")
def what_setns_refuses(m: Machine) -> None:
    """EBADF, then the type, whoever asks; a pidfd wants to be told what to join."""
    inner = m.init.clone(NEWPID)
    other = m.init.fork()
    caller = m.init.fork()
    fd, pidfd, plain = open_ns(caller, inner.pid, "pid"), caller.pidfd_open(other.pid), caller.open("/")
    with raises("EBADF"):
        caller.setns(99)
    for nstype in (0, NEWPID):
        caller.setns(fd, nstype)
    drop(caller)
    for nstype in (CloneFlag.NEWUTS, NEWPID | NEWNS, 1):
        with raises("EINVAL"):
            caller.setns(fd, nstype)
    for nstype in (0, 1, NEWPID | 1):
        with raises("EINVAL"):
            caller.setns(pidfd, nstype)
    with raises("EINVAL"):
        caller.setns(plain)


@case("PREC-05", "SETNS-03")
def setns_asks_for_rights_before_kinship(m: Machine) -> None:
    """Without a capability even the own namespace is EPERM; with it a sibling is EINVAL."""
    first, second = m.init.clone(NEWPID), m.init.clone(NEWPID)
    sibling, own = open_ns(first, second.pid, "pid"), open_ns(first, first.pid, "pid")
    pidfd = m.init.pidfd_open(1)
    with raises("EINVAL"):
        first.setns(sibling)
    first.setns(own)
    drop(first)
    for fd in (sibling, own):
        with raises("EPERM"):
            first.setns(fd)
    bare = m.init.fork()
    drop(bare)
    with raises("EPERM"):
        bare.setns(pidfd, NEWPID)


@case("PREC-06", "PERM-10", "KILL-01", needs=("many_ids",))
def kill_looks_first_then_at_the_signal_then_at_rights(m: Machine) -> None:
    """Nobody there is ESRCH, an impossible signal EINVAL, another user's process EPERM; namespaces play no part in the last."""
    caller = m.init.fork()
    inner = m.init.clone(NEWPID)
    member = inner.fork()
    caller.setuid(1000)
    with raises("ESRCH"):
        caller.kill(99, 65)
    for pid in (1, inner.pid, 4):
        with raises("EINVAL"):
            caller.kill(pid, 65)
        with raises("EPERM"):
            caller.kill(pid, 0)
    member.setuid(1000)
    caller.kill(4, Signal.KILL)
    m.settle()
    assert inner.waitpid(-1) == (2, Signal.KILL)


@case("PREC-07")
def sigqueue_looks_first_at_its_code(m: Machine) -> None:
    """A code that only the kernel may use towards others is EPERM, then nobody there ESRCH, then an impossible signal EINVAL."""
    caller = m.init.fork()
    for code in (0, 1, -6):
        with raises("EPERM"):
            caller.sigqueue(99, 65, 0, code)
    with raises("ESRCH"):
        caller.sigqueue(99, 65)
    with raises("EINVAL"):
        caller.sigqueue(1, 65)
    caller.sigqueue(caller.pid, 0, 0, 1)


@case("PREC-08", "REBOOT-01", needs=("reboot",))
def reboot_asks_for_rights_first(m: Machine) -> None:
    """EPERM without CAP_SYS_BOOT, EINVAL for a command that means nothing in a namespace."""
    inner = m.init.clone(NEWPID)
    for cmd in (0, 0x89ABCDEF, 0x45584543, 0xD000FCE2, 5):
        with raises("EINVAL"):
            inner.reboot(cmd)
    drop(inner, Capability.SYS_BOOT)
    with raises("EPERM"):
        inner.reboot(5)
