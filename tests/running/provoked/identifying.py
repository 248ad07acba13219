"""Ids that are not mapped, taken or changed."""

from __future__ import annotations

from nscore import Capability, Machine
from nscore.tools import procfs
from tests.running.provoked.ways import NEWUSER, USER, dumpable, ordinary, provoked, root_of_user


@provoked("map_written")
def a_map_twice(m: Machine) -> None:
    child = root_of_user(m.init)
    procfs.write(child, "/proc/self/uid_map", "0 0 1")


@provoked("not_dumpable", ids=True)
def a_map_after_a_change_of_ids(m: Machine) -> None:
    child = ordinary(m)
    child.unshare(NEWUSER)
    procfs.write(child, "/proc/self/uid_map", f"0 {USER} 1")


@provoked("setgroups_allowed", ids=True)
def a_group_map_with_setgroups(m: Machine) -> None:
    child = dumpable(m)
    child.unshare(NEWUSER)
    procfs.write(child, "/proc/self/gid_map", f"0 {USER} 1")


@provoked("foreign_ids", ids=True)
def a_map_of_foreign_ids(m: Machine) -> None:
    child = dumpable(m)
    child.unshare(NEWUSER)
    procfs.write(child, "/proc/self/uid_map", "0 0 100")


@provoked("map_malformed")
def a_map_of_nonsense(m: Machine) -> None:
    procfs.write(m.init.clone(NEWUSER), "/proc/self/uid_map", "0 0")


@provoked("setgroups_final")
def setgroups_too_late(m: Machine) -> None:
    procfs.write(root_of_user(m.init), "/proc/self/setgroups", "allow")


@provoked("gid_map_missing")
def groups_before_the_map(m: Machine) -> object:
    return m.init.clone(NEWUSER).setgroups([])


@provoked("setgroups_denied")
def groups_that_were_given_up(m: Machine) -> object:
    return root_of_user(m.init).setgroups([])


@provoked("cap_setgid", ids=True)
def groups_without_the_right(m: Machine) -> object:
    return ordinary(m).setgroups([0])


@provoked("unmapped_id")
def an_id_that_is_not_mapped(m: Machine) -> object:
    return root_of_user(m.init).setuid(5)


@provoked("cap_setuid", ids=True)
def an_id_of_somebody_else(m: Machine) -> object:
    return ordinary(m).setuid(5)


@provoked("foreign_uts_namespace")
def a_host_name_from_above(m: Machine) -> object:
    return root_of_user(m.init).sethostname("x")


@provoked("beyond_permitted", ids=True)
def a_capability_from_nowhere(m: Machine) -> object:
    return ordinary(m).capset(1 << Capability.KILL, 1 << Capability.KILL, 0)
