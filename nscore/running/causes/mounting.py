"""Why mounts are not made, moved or removed: mount, umount2, pivot_root and the calls of detached mounts."""

from __future__ import annotations

from nscore.flags import Capability, MountFlag
from nscore.running.causes.cause import (
    CAP_SYS_ADMIN,
    CONFINED,
    DESCRIPTORS,
    FILTERED,
    Applies,
    Cause,
    always,
    both,
    flagged,
    foreign,
    lacks,
    own_user_namespace,
)
from nscore.running.facts import Facts
from nscore.running.failures import Failure

PROPAGATION = int(MountFlag.SHARED | MountFlag.PRIVATE | MountFlag.SLAVE | MountFlag.UNBINDABLE)
BIND, MOVE, REMOUNT = int(MountFlag.BIND), int(MountFlag.MOVE), int(MountFlag.REMOUNT)
#: What a user namespace may mount.  include/linux/fs.h:FS_USERNS_MOUNT
FOR_USERS = ("proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "overlay", "ramfs", "fuse", "binder", "bpf")


def is_proc(failure: Failure, facts: Facts) -> bool:
    """A proc is to be mounted: a context of fsopen does not tell its file system, and nscore opens no other."""
    if failure.call in ("fsconfig", "fsmount", "move_mount") and not failure.text("fsname"):
        return True
    return "proc" in (failure.text("fstype"), failure.text("fsname"))


def on_no_mount(failure: Failure, facts: Facts) -> bool:
    """The target is the root of no mount."""
    path = failure.text("target").rstrip("/") or "/"
    return facts.mounts is not None and path.startswith("/") and not any(mount.point == path for mount in facts.mounts)


def on_mount(failure: Failure, facts: Facts) -> bool:
    """The target is the root of a mount."""
    return facts.mounts is not None and any(mount.point == (failure.text("target").rstrip("/") or "/") for mount in facts.mounts)


def needs_mount(failure: Failure, facts: Facts) -> bool:
    """The flags act on a mount that is there."""
    return bool(failure.flags() & (PROPAGATION | MOVE | REMOUNT))


def covered(failure: Failure, facts: Facts) -> bool:
    """Something is mounted over parts of a /proc that can be seen."""
    return any(mount.point.startswith("/proc/") for mount in facts.mounts or ())


def none_visible(failure: Failure, facts: Facts) -> bool:
    """No whole proc is mounted."""
    return facts.mounts is not None and not any(mount.fstype == "proc" and mount.root == "/" for mount in facts.mounts)


def same_again(failure: Failure, facts: Facts) -> bool:
    """The topmost mount there is of that file system."""
    point, kind = failure.text("target").rstrip("/") or "/", failure.text("fstype")
    there = [mount for mount in facts.mounts or () if mount.point == point]
    return bool(there) and there[-1].fstype == kind


FOREIGN_MOUNTS = Cause(
    "foreign_mount_namespace",
    "EPERM",
    foreign("mnt"),
    "the mount namespace is owned by a user namespace above the process's own, whose capabilities count",
    "Make a mount namespace with or after the user namespace (CLONE_NEWUSER | CLONE_NEWNS)",
    "fs/namespace.c:may_mount; rules MNT",
)
ABSENT = Cause(
    "no_such_path",
    "ENOENT",
    always,
    "the target or the source does not exist",
    "Make the directory first; in a chroot or after pivot_root paths begin there",
    "fs/namei.c:filename_lookup",
)
NO_DIRECTORY = Cause(
    "not_a_directory",
    "ENOTDIR",
    always,
    "a component of the path, or the target itself, is no directory",
    "Mount a directory on a directory, a file (with BIND) on a file",
    "fs/namespace.c:graft_tree; rules MNT",
)


def point_row(applies: Applies) -> Cause:
    """The flags act on a mount, and there is none."""
    return Cause(
        "no_mount_point",
        "EINVAL",
        applies,
        "nothing is mounted exactly at the target, and these flags act on a mount; in a chroot to a plain directory not even / is one",
        "Bind the directory onto itself first (MountFlag.BIND), or take the path of the mount",
        "fs/namespace.c:do_change_type, do_move_mount, do_remount; rules MNT",
    )


MOUNT = (
    FILTERED,
    ABSENT,
    CAP_SYS_ADMIN,
    FOREIGN_MOUNTS,
    Cause(
        "foreign_pid_namespace",
        "EPERM",
        both(is_proc, foreign("pid")),
        "a proc shows the PID namespace in which the process lives, and that is owned by a user namespace above its own",
        "Make a PID namespace with the user namespace (CLONE_NEWUSER | CLONE_NEWPID), fork, and mount in the child; or bind /proc",
        "fs/proc/root.c:proc_init_fs_context; fs/super.c:mount_capable; rules MNT",
    ),
    Cause(
        "masked_proc",
        "EPERM",
        both(is_proc, own_user_namespace, covered),
        "something is mounted over parts of the /proc that is visible here, as containers do, and a new proc would reveal what they hide",
        "Start the container without masked paths (--security-opt systempaths=unconfined), or do without a /proc of one's own",
        "fs/namespace.c:mount_too_revealing; rules MNT",
    ),
    Cause(
        "no_visible_proc",
        "EPERM",
        both(is_proc, own_user_namespace, none_visible),
        "no whole proc is mounted in this mount namespace, and a user namespace may only mount what can be seen already",
        "Keep a /proc mounted until the new one is there",
        "fs/namespace.c:mount_too_revealing; rules MNT",
    ),
    Cause(
        "masked_proc",
        "EPERM",
        both(is_proc, own_user_namespace),
        "the new proc would reveal more than the one that is mounted: that is read-only, or parts of it are hidden",
        "Mount it with the restrictions (read-only) of the one that is there, or run it outside the container",
        "fs/namespace.c:mount_too_revealing; rules MNT",
    ),
    Cause(
        "not_for_users",
        "EPERM",
        both(own_user_namespace, lambda failure, facts: bool(failure.text("fstype")) and failure.text("fstype") not in FOR_USERS),
        "file systems of this kind are mounted in the initial user namespace alone",
        "Have it mounted outside, and bind it",
        "fs/super.c:mount_capable",
    ),
    Cause(
        "locked_mount",
        "EPERM",
        both(own_user_namespace, needs_mount),
        "the mount came from a user namespace above with flags (read-only, nosuid, ...) that are locked here",
        "Keep these flags in the remount",
        "fs/namespace.c:can_change_locked_flags; rules MNT",
    ),
    point_row(both(needs_mount, on_no_mount)),
    Cause(
        "propagation_types",
        "EINVAL",
        lambda failure, facts: (failure.flags() & PROPAGATION).bit_count() > 1,
        "a mount is one of shared, slave, private and unbindable",
        "Pass one of them",
        "fs/namespace.c:flags_to_propagation_type; rules MNT",
    ),
    point_row(flagged(PROPAGATION)),
    Cause(
        "no_fstype",
        "EINVAL",
        lambda failure, facts: not failure.text("fstype") and not failure.flags() & (BIND | MOVE | REMOUNT | PROPAGATION),
        "a new mount needs the type of its file system",
        "Pass fstype, or one of BIND, MOVE, REMOUNT or a propagation type",
        "fs/namespace.c:do_new_mount; rules MNT",
    ),
    Cause(
        "locked_mount",
        "EINVAL",
        both(own_user_namespace, lambda failure, facts: bool(failure.flags() & (BIND | MOVE))),
        "the source has mounts below it that came from a user namespace above and are locked: they cannot be left out, moved or uncovered",
        "Bind with REC, so that all of them come along",
        "fs/namespace.c:__do_loopback, has_locked_children; rules MNT",
    ),
    Cause(
        "options",
        "EINVAL",
        always,
        "the file system does not know an option, or source and target cannot be brought together with these flags",
        "Look at dmesg, where the file system may say more",
        "fs/namespace.c:path_mount",
    ),
    Cause(
        "no_such_file_system",
        "ENODEV",
        always,
        "the kernel has no file system of that name",
        "Look into /proc/filesystems; load the module",
        "fs/namespace.c:do_new_mount; rules MNT",
    ),
    NO_DIRECTORY,
    Cause(
        "mounted_already",
        "EBUSY",
        same_again,
        "the same file system is mounted there already, on top",
        "Leave it, or unmount it first",
        "fs/namespace.c:do_add_mount",
    ),
    Cause(
        "mount_busy",
        "EBUSY",
        always,
        "the mount or its source is in use in a way that excludes this",
        "Close what is open for writing, or leave the directory",
        "fs/namespace.c:path_mount; rules MNT",
    ),
    Cause("mount_loop", "ELOOP", always, "a mount cannot be moved below itself", "Choose another target", "fs/namespace.c:do_move_mount"),
    Cause(
        "mount_max",
        "ENOSPC",
        always,
        "the mount namespace has as many mounts as fs.mount-max allows",
        "Raise the sysctl fs.mount-max",
        "fs/namespace.c:count_mounts",
    ),
    DESCRIPTORS,
    CONFINED,
)
UMOUNT = (
    FILTERED,
    ABSENT,
    CAP_SYS_ADMIN,
    FOREIGN_MOUNTS,
    Cause(
        "no_mount_point",
        "EINVAL",
        on_no_mount,
        "nothing is mounted exactly at {failure.arguments[target]}",
        "Take the path of the mount itself, as /proc/self/mountinfo has it",
        "fs/namespace.c:can_umount; rules MNT-30",
    ),
    Cause(
        "locked_mount",
        "EINVAL",
        both(on_mount, own_user_namespace),
        "the mount came from a user namespace above, and is locked together with those that came with it: what it hides stays hidden",
        "Mount over it, or remove it outside",
        "fs/namespace.c:can_umount, MNT_LOCKED; rules MNT-30",
    ),
    Cause(
        "umount_flags",
        "EINVAL",
        always,
        "an unknown flag, or EXPIRE together with FORCE or DETACH",
        "Leave one out",
        "fs/namespace.c:ksys_umount; rules MNT-30",
    ),
    Cause(
        "mount_busy",
        "EBUSY",
        always,
        "the mount is in use: a file is open in it, a process has its directory or root there, or something is mounted below",
        "End that, or pass DETACH",
        "fs/namespace.c:do_umount; rules MNT",
    ),
    Cause(
        "expiring",
        "EAGAIN",
        always,
        "EXPIRE marks at the first call, and unmounts at the second",
        "Call it again",
        "fs/namespace.c:do_umount",
    ),
)
PIVOT_ROOT = (
    FILTERED,
    CAP_SYS_ADMIN,
    FOREIGN_MOUNTS,
    ABSENT,
    NO_DIRECTORY,
    Cause(
        "pivot_mounts",
        "EINVAL",
        always,
        "new_root or the present root is no mount's root (or the initial ramfs), a parent of theirs is shared, or put_old is not "
        "below new_root",
        "Make all mounts private (mount none / with REC | PRIVATE), and bind new_root onto itself first",
        "fs/namespace.c:path_pivot_root; rules MNT-42, MNT-43",
    ),
    Cause(
        "pivot_same_mount",
        "EBUSY",
        always,
        "new_root or put_old is on the mount that is the root now",
        "Bind new_root onto itself first",
        "fs/namespace.c:path_pivot_root; rules MNT-42",
    ),
)
CHROOT = (
    FILTERED,
    ABSENT,
    NO_DIRECTORY,
    Cause(
        "cap_sys_chroot",
        "EPERM",
        lacks(Capability.SYS_CHROOT),
        "chroot takes CAP_SYS_CHROOT in the process's user namespace",
        "Run it as root, or in a user namespace of one's own",
        "fs/open.c:chroot",
    ),
)
