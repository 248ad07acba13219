"""Processes that are not found, signalled, looked into or waited for; and what nscore says itself."""

from __future__ import annotations

import contextlib

from nscore import Disposition, IdType, Machine, PidfdFlag, Signal, WaitOption
from tests.running.provoked.ways import NEWPID, ordinary, outsider, provoked, reaped


@provoked("no_such_process")
def a_signal_to_nobody(m: Machine) -> object:
    return m.init.kill(9999, Signal.TERM)


@provoked("foreign_proc")
def a_signal_by_another_s_number(m: Machine) -> object:
    inner = m.init.clone(NEWPID)
    return inner.kill(inner.pid, Signal.TERM)


@provoked("not_yours", ids=True)
def a_signal_to_another_user(m: Machine) -> object:
    return ordinary(m).kill(1, Signal.TERM)


@provoked("not_a_pid")
def a_pidfd_of_zero(m: Machine) -> object:
    return m.init.pidfd_open(0)


@provoked("thread")
def a_pidfd_of_a_thread(m: Machine) -> object:
    return m.init.pidfd_open(m.init.thread().tid)


@provoked("no_number_here")
def a_signal_to_one_outside(m: Machine) -> object:
    inner, pidfd = outsider(m)
    return inner.pidfd_send_signal(pidfd, 0)


@provoked("reaped")
def a_signal_to_the_reaped(m: Machine) -> object:
    return m.init.pidfd_send_signal(reaped(m), 0)


@provoked("not_a_pidfd")
def a_signal_by_a_plain_file(m: Machine) -> object:
    return m.init.pidfd_send_signal(m.init.open("/proc/self/status"), 0)


@provoked("no_number_here", since=(6, 13))
def the_facts_of_one_outside(m: Machine) -> object:
    inner, pidfd = outsider(m)
    return inner.pidfd_get_info(pidfd)


@provoked("not_a_pidfd")
def the_facts_of_a_plain_file(m: Machine) -> object:
    return m.init.pidfd_get_info(m.init.open("/proc/self/status"))


@provoked("ptrace_access", ids=True)
def a_look_at_another_user_s_descriptors(m: Machine) -> object:
    child = ordinary(m)
    return child.pidfd_getfd(child.pidfd_open(1), 0)


@provoked("no_such_descriptor")
def a_descriptor_that_is_not_there(m: Machine) -> object:
    return m.init.pidfd_getfd(m.init.pidfd_open(m.init.fork().pid), 99)


@provoked("ptrace_access", ids=True)
def a_look_at_another_user_s_namespace(m: Machine) -> object:
    return ordinary(m).open("/proc/1/ns/pid")


@provoked("process_gone")
def a_namespace_of_nobody(m: Machine) -> object:
    return m.init.open("/proc/9999/ns/pid")


@provoked("no_init_yet", before=(7, 2))
def a_namespace_without_an_init(m: Machine) -> object:
    m.init.unshare(NEWPID)
    return m.init.open("/proc/self/ns/pid_for_children")


# Waiting


@provoked("no_children")
def waiting_for_no_child(m: Machine) -> object:
    return m.init.waitid(IdType.ALL, 0, WaitOption.EXITED)


@provoked("not_your_child")
def waiting_for_a_grandchild(m: Machine) -> object:
    child = m.init.fork()
    grandchild = child.fork()
    return m.init.waitpid(grandchild.pid)


@provoked("reaped")
def waiting_twice(m: Machine) -> object:
    child = m.init.fork()
    child.exit(0)
    m.init.waitpid(child.pid)
    return m.init.waitpid(child.pid)


@provoked("reaped")
def waiting_twice_by_pidfd(m: Machine) -> object:
    return m.init.waitid(IdType.PIDFD, reaped(m), WaitOption.EXITED)


@provoked("sigchld_ignored")
def waiting_where_the_kernel_reaps(m: Machine) -> object:
    m.init.sigaction(Signal.CHLD, Disposition.IGN)
    m.init.fork().exit(0)
    return m.init.waitid(IdType.ALL, 0, WaitOption.EXITED)


@provoked("exit_signal")
def waiting_for_one_that_sends_nothing(m: Machine) -> object:
    m.init.clone(exit_signal=0)
    return m.init.waitid(IdType.ALL, 0, WaitOption.EXITED)


@provoked("wait_options")
def waiting_for_nothing(m: Machine) -> object:
    return m.init.waitid(IdType.ALL, 0, 0)


# What nscore says itself


@provoked("blocked")
def a_wait_that_does_not_return(m: Machine) -> object:
    m.init.fork()
    return m.init.waitid(IdType.ALL, 0, WaitOption.EXITED)


@provoked("ended")
def a_call_of_the_dead(m: Machine) -> object:
    child = m.init.fork()
    child.exit(0)
    return child.getpid()


@provoked("ended_in_call")
def an_end_in_a_call(m: Machine) -> object:
    child = m.init.fork()
    return child.kill(child.pid, Signal.KILL)


@provoked("machine_closed")
def a_call_in_a_closed_machine(m: Machine) -> object:
    m.close()
    return m.init.kill(1, 0)


@provoked("descriptors")
def no_descriptor_left(m: Machine) -> object:
    pidfd = m.init.pidfd_open(1)
    with contextlib.suppress(OSError):
        while True:
            m.init.dup(pidfd)
    return m.init.pidfd_open(1, PidfdFlag.NONBLOCK)
