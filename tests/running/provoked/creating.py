"""Namespaces and processes that are not made."""

from __future__ import annotations

from nscore import CloneFlag, Machine, OpenFlag, Signal
from nscore.tools import procfs
from tests.running.provoked.ways import NEWNS, NEWPID, NEWUSER, NEWUTS, deepest, jail, limited, ordinary, provoked, root_of_user


@provoked("pid_level")
def a_clone_too_deep(m: Machine) -> object:
    return deepest(m).clone(NEWPID)


@provoked("pid_level")
def an_unshare_too_deep(m: Machine) -> object:
    return deepest(m).unshare(NEWPID)


def limit_of(kind: str, flag: int) -> None:
    """A scenario for the limit of a kind."""

    def the_limit(m: Machine) -> object:
        return limited(m, kind).unshare(flag)

    the_limit.__name__ = f"the_limit_of_{kind}_namespaces"
    provoked(f"max_{kind}_namespaces")(the_limit)


for _kind, _flag in (
    *(("user", NEWUSER), ("pid", NEWPID), ("mnt", NEWNS), ("uts", NEWUTS), ("ipc", CloneFlag.NEWIPC)),
    *(("net", CloneFlag.NEWNET), ("cgroup", CloneFlag.NEWCGROUP), ("time", CloneFlag.NEWTIME)),
):
    limit_of(_kind, int(_flag))


@provoked("max_pid_namespaces")
def a_limit_that_is_reached(m: Machine) -> object:
    child = root_of_user(m.init)
    procfs.write(child, "/proc/sys/user/max_pid_namespaces", "1")
    child.clone(NEWPID)
    return child.clone(NEWPID)


@provoked("limit_above")
def a_limit_above(m: Machine) -> object:
    return root_of_user(limited(m, "pid")).unshare(NEWPID)


@provoked("chroot")
def a_user_namespace_in_a_chroot(m: Machine) -> object:
    m.init.chroot("/proc/sys")
    return m.init.unshare(NEWUSER)


@provoked("chroot")
def a_user_namespace_in_a_chroot_with_a_proc(m: Machine) -> object:
    jail(m)
    return m.init.unshare(NEWUSER)


@provoked("unmapped_id")
def a_user_namespace_of_nobody(m: Machine) -> object:
    return m.init.clone(NEWUSER).unshare(NEWUSER)


@provoked("cap_sys_admin", ids=True)
def an_unshare_without_the_right(m: Machine) -> object:
    return ordinary(m).unshare(NEWPID)


@provoked("cap_sys_admin", ids=True)
def a_clone_without_the_right(m: Machine) -> object:
    return ordinary(m).clone(NEWPID | NEWUTS)


@provoked("pid_for_children")
def a_second_unshare(m: Machine) -> object:
    m.init.unshare(NEWPID)
    return m.init.unshare(NEWPID)


@provoked("pid_for_children")
def a_thread_after_an_unshare(m: Machine) -> object:
    m.init.unshare(NEWPID)
    return m.init.thread()


@provoked("pid_namespace_foreign")
def a_namespace_in_one_that_belongs_below(m: Machine) -> object:
    inner = root_of_user(m.init, NEWPID)
    m.init.setns(m.init.open(f"/proc/{inner.pid}/ns/pid"))
    return m.init.fork().unshare(NEWPID)


@provoked("dead_init")
def a_fork_after_the_init_s_end(m: Machine) -> object:
    m.init.unshare(NEWPID)
    m.init.fork().exit(0)
    m.settle()
    return m.init.fork()


@provoked("dead_init")
def a_fork_into_an_ended_namespace(m: Machine) -> object:
    inner = m.init.clone(NEWPID)
    fd = m.init.open(f"/proc/{inner.pid}/ns/pid", OpenFlag.RDONLY)
    m.init.kill(inner.pid, Signal.KILL)
    m.settle()
    m.init.setns(fd)
    return m.init.fork()


@provoked("threads")
def a_user_namespace_with_threads(m: Machine) -> object:
    m.init.thread()
    return m.init.unshare(NEWUSER)


@provoked("flags_unknown")
def a_flag_that_is_none(m: Machine) -> object:
    return m.init.unshare(1)


@provoked("flags_exclusive")
def flags_that_exclude_each_other(m: Machine) -> object:
    return m.init.clone(NEWUSER | CloneFlag.FS)


@provoked("exit_signal")
def an_exit_signal_that_is_inherited(m: Machine) -> object:
    return m.init.fork().clone(CloneFlag.PARENT, exit_signal=Signal.CHLD)


@provoked("parent_of_init")
def a_sibling_of_an_init(m: Machine) -> object:
    return m.init.clone(CloneFlag.PARENT, exit_signal=0)


@provoked("set_tid_levels")
def numbers_beyond_the_levels(m: Machine) -> object:
    return m.init.clone(set_tid=[50] * (m.level + 2))


@provoked("set_tid_number")
def a_number_that_cannot_be(m: Machine) -> object:
    return m.init.clone(set_tid=[0])


@provoked("set_tid_taken")
def a_number_that_is_taken(m: Machine) -> object:
    return m.init.clone(set_tid=[1])


@provoked("set_tid_capability", ids=True)
def a_number_without_the_right(m: Machine) -> object:
    return ordinary(m).clone(set_tid=[77])


@provoked("pid_max", since=(6, 14))  # before, the limit is the whole system's
def no_number_left(m: Machine) -> object:
    inner = m.init.clone(NEWPID | NEWNS)
    inner.mount("proc", "/proc", "proc")
    procfs.write(inner, "/proc/sys/kernel/pid_max", "301")
    procfs.write(inner, "/proc/sys/kernel/ns_last_pid", "300")
    inner.fork()
    return inner.fork()
