"""PID namespaces: rights, owners and limits.  kernel/pid_namespace.c, kernel/ucount.c"""

from __future__ import annotations

from conformance.case import case
from conformance.expect import raises
from conformance.steps import drop, map_root, open_ns
from conformance.views import write
from nscore import Capability, CloneFlag, Machine

NEWPID, NEWUSER, NEWNS = CloneFlag.NEWPID, CloneFlag.NEWUSER, CloneFlag.NEWNS
MAX_PID_NAMESPACES = "/proc/sys/user/max_pid_namespaces"


@case("PERM-02")
def a_fork_into_a_prepared_namespace_needs_nothing(m: Machine) -> None:
    """The right was asked for at unshare."""
    maker = m.init.fork()
    maker.unshare(NEWPID)
    drop(maker)
    assert maker.fork().getpid() == 1
    assert maker.fork().getpid() == 2


@case("PERM-03", "SETNS-03")
def the_owner_of_a_namespace_is_its_creators_user_namespace(m: Machine) -> None:
    """Made in one call, the new one; made before NEWUSER, the old one: then the newcomer may not join it."""
    below = m.init.clone(NEWUSER | NEWPID)
    above = m.init.clone(NEWPID)
    for pid, owner in ((below.pid, below.pid), (above.pid, 1)):
        fd = m.init.ns_get_userns(open_ns(m.init, pid, "pid"))
        assert m.init.fstat(fd).st_ino == m.init.stat(f"/proc/{owner}/ns/user").st_ino
    caller = m.init.fork()
    theirs = open_ns(caller, above.pid, "pid")
    caller.setns(theirs)
    caller.unshare(NEWUSER)
    with raises("EPERM"):
        caller.setns(theirs)


@case("PERM-05")
def a_namespace_is_charged_to_every_owner_above(m: Machine) -> None:
    """The limit of an ancestor forbids what the own one allows."""
    root = m.init.clone(NEWUSER)
    map_root(root)
    write(root, MAX_PID_NAMESPACES, "1")
    keeper = root.fork()
    keeper.unshare(NEWPID)
    child = root.clone(NEWUSER)
    with raises("ENOSPC"):
        child.unshare(NEWPID)
    with raises("ENOSPC"):
        root.clone(NEWUSER | NEWPID)


@case("PERM-06")
def a_namespace_is_charged_to_the_user_namespace_made_with_it(m: Machine) -> None:
    """With a limit of 1 set inside, not even one more is possible."""
    root = m.init.clone(NEWUSER | NEWPID)
    write(root, MAX_PID_NAMESPACES, "1")
    with raises("ENOSPC"):
        root.unshare(NEWPID)
    with raises("ENOSPC"):
        root.clone(NEWPID)


@case("PERM-08")
def limits_are_set_by_who_has_the_right_over_resources(m: Machine) -> None:
    """CAP_SYS_RESOURCE in that user namespace, otherwise EACCES at open; 0 forbids all."""
    root = m.init.clone(NEWUSER)
    write(root, MAX_PID_NAMESPACES, "0")
    with raises("ENOSPC"):
        root.clone(NEWPID)
    drop(root, Capability.SYS_RESOURCE)
    with raises("EACCES"):
        root.open(MAX_PID_NAMESPACES, 1)


@case("PERM-11")
def user_and_pid_namespaces_nest_to_32(m: Machine) -> None:
    """The depth of user namespaces, 33, is not met first."""
    deepest = m.init
    for _ in range(m.level, 32):
        deepest = deepest.clone(NEWUSER | NEWPID)
        map_root(deepest)
    with raises("ENOSPC"):
        deepest.clone(NEWUSER | NEWPID)
    assert deepest.getpid() == 1
