"""Namespaces that are not joined, and relatives that are not shown."""

from __future__ import annotations

from nscore import Machine
from tests.running.provoked.ways import NEWPID, NEWUSER, namespace, ordinary, outsider, provoked, reaped, root_of_user, zombie


@provoked("not_open")
def joining_what_is_not_open(m: Machine) -> object:
    return m.init.setns(99)


@provoked("not_a_namespace")
def joining_a_plain_file(m: Machine) -> object:
    return m.init.setns(m.init.open("/proc/self/status"))


@provoked("nstype_differs")
def joining_another_type(m: Machine) -> object:
    return m.init.setns(namespace(m.init, "uts"), NEWPID)


@provoked("nstype_missing")
def joining_a_process_without_a_type(m: Machine) -> object:
    return m.init.setns(m.init.pidfd_open(1))


@provoked("reaped")
def joining_the_reaped(m: Machine) -> object:
    return m.init.setns(reaped(m), NEWPID)


@provoked("namespaces_given_up")
def joining_a_zombie(m: Machine) -> object:
    return m.init.setns(zombie(m), NEWPID)


@provoked("already_there")
def joining_one_s_own_user_namespace(m: Machine) -> object:
    return m.init.setns(namespace(m.init, "user"))


@provoked("threads")
def joining_a_user_namespace_with_threads(m: Machine) -> object:
    child = m.init.clone(NEWUSER)
    fd = m.init.open(f"/proc/{child.pid}/ns/user")
    m.init.thread()
    return m.init.setns(fd, NEWUSER)


@provoked("pid_namespace_not_below")
def joining_the_parent(m: Machine) -> object:
    fd = namespace(m.init, "pid")
    return m.init.clone(NEWPID).setns(fd, NEWPID)


@provoked("pid_namespace_not_below")
def joining_the_parent_by_its_process(m: Machine) -> object:
    inner, pidfd = outsider(m)
    return inner.setns(pidfd, NEWPID)


@provoked("cap_sys_admin", ids=True)
def joining_without_the_right(m: Machine) -> object:
    child = ordinary(m)
    return child.setns(namespace(child, "uts"))


@provoked("foreign_owner")
def joining_what_belongs_above(m: Machine) -> object:
    fd = namespace(m.init, "uts")
    return root_of_user(m.init).setns(fd)


@provoked("out_of_sight")
def a_parent_out_of_sight(m: Machine) -> object:
    return m.init.ns_get_parent(namespace(m.init, "pid"))


@provoked("no_hierarchy")
def a_parent_of_a_uts_namespace(m: Machine) -> object:
    return m.init.ns_get_parent(namespace(m.init, "uts"))


@provoked("not_a_namespace")
def the_parent_of_a_plain_file(m: Machine) -> object:
    return m.init.ns_get_parent(m.init.open("/proc/self/status"))


@provoked("no_number", since=(6, 11))
def a_translation_of_nobody(m: Machine) -> object:
    return m.init.ns_get_pid_from_pidns(namespace(m.init, "pid"), 9999)
