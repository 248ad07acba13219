"""Mounts that are not made, moved or removed."""

from __future__ import annotations

from nscore import Machine, MountFlag
from tests.running.provoked.ways import NEWNS, NEWPID, jail, ordinary, provoked, root_of_user


@provoked("cap_sys_admin", ids=True)
def a_mount_without_the_right(m: Machine) -> object:
    return ordinary(m).mount("proc", "/proc", "proc")


@provoked("foreign_mount_namespace")
def a_mount_in_a_mount_namespace_from_above(m: Machine) -> object:
    return root_of_user(m.init).mount("proc", "/proc", "proc")


@provoked("foreign_pid_namespace")
def a_proc_of_a_pid_namespace_from_above(m: Machine) -> object:
    return root_of_user(m.init, NEWNS).mount("proc", "/proc", "proc")


@provoked("masked_proc")
def a_proc_beside_a_masked_one(m: Machine) -> object:
    m.init.mount("tmpfs", "/proc/sys", "tmpfs")
    return root_of_user(m.init, NEWNS | NEWPID).mount("proc", "/proc", "proc")


@provoked("no_such_path")
def a_mount_on_nothing(m: Machine) -> object:
    return m.init.mount("proc", "/proc/no/such", "proc")


@provoked("not_a_directory")
def a_mount_on_a_file(m: Machine) -> object:
    return m.init.mount("proc", "/proc/self/status", "proc")


@provoked("no_such_file_system")
def a_mount_of_nothing(m: Machine) -> object:
    return m.init.mount("x", "/proc", "no_such_fs")


@provoked("no_fstype")
def a_mount_without_a_type(m: Machine) -> object:
    return m.init.mount("x", "/proc", None)


@provoked("no_mount_point")
def a_propagation_of_no_mount(m: Machine) -> object:
    m.init.chroot("/proc/sys")
    return m.init.mount("none", "/", None, MountFlag.SLAVE | MountFlag.REC)


@provoked("no_mount_point")
def a_propagation_in_a_chroot(m: Machine) -> object:
    jail(m)
    return m.init.mount("none", "/", None, MountFlag.SLAVE | MountFlag.REC)


@provoked("propagation_types")
def a_propagation_of_two_types(m: Machine) -> object:
    return m.init.mount("none", "/", None, MountFlag.SLAVE | MountFlag.PRIVATE)


@provoked("no_mount_point")
def an_unmount_of_no_mount(m: Machine) -> object:
    return m.init.umount2("/proc/sys")


@provoked("locked_mount")
def an_unmount_of_what_came_from_above(m: Machine) -> object:
    return root_of_user(m.init, NEWNS).umount2("/proc")


@provoked("mount_busy")
def an_unmount_of_what_is_in_use(m: Machine) -> object:
    m.init.mount("proc", "/proc", "proc")
    m.init.chdir("/proc")
    return m.init.umount2("/proc")


@provoked("pivot_mounts")
def a_pivot_to_no_mount(m: Machine) -> object:
    return m.init.pivot_root("/proc/sys", "/proc/sys")
