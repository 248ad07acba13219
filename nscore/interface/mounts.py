# mypy: disable-error-code="empty-body"
"""mount_namespaces(7): mount, umount2, pivot_root."""

from __future__ import annotations

from nscore.flags import MountFlag, UmountFlag
from nscore.interface.caller import Caller, CInt, CUlong, syscall


class Mounts(Caller):
    """The classic calls of a mount namespace."""

    __slots__ = ()

    @syscall
    def mount(self, source: str | None, target: str, fstype: str | None, flags: MountFlag | CUlong = 0, data: str | None = None) -> None:
        """Mount a file system on target, or (BIND, MOVE, REMOUNT, PRIVATE, ...) do to a mount what flags say.

        A proc shows for ever the PID namespace in which the caller lives, whatever unshare and setns have prepared for its children.

        Raises, the first that applies:
            ENOENT: target does not exist.
            ENOTDIR: A component of target is no directory.
            EINVAL: NOUSER.
            EPERM: No CAP_SYS_ADMIN in the user namespace that owns the caller's mount namespace.
            EINVAL: No fstype; two types of propagation; target is no mount's root, where flags need one.
            ENODEV: An unknown fstype.
            EINVAL: Options in data that the file system does not know.
            EPERM: proc: no CAP_SYS_ADMIN in the user namespace that owns the caller's PID namespace, or it would reveal too much.
            ENOTDIR: target is no directory.
            ELOOP: MOVE into itself.
            EBUSY: REMOUNT, read-only, of what is being written.

        mount(2); rules MNT-01 to 19
        """

    @syscall
    def umount2(self, target: str, flags: UmountFlag | CInt = 0) -> None:
        """Remove the topmost mount at target.

        Never call it on "/" without DETACH: that is a remount, read-only, of the whole root file system.

        Raises, the first that applies:
            EINVAL: An unknown flag.
            ENOENT: target does not exist.
            EPERM: No CAP_SYS_ADMIN in the user namespace that owns the caller's mount namespace.
            EINVAL: target is no mount's root, or locked; EXPIRE with FORCE or DETACH.
            EBUSY: In use, without DETACH.
            EAGAIN: EXPIRE, and it has been used since the last time.

        umount(2); rules MNT-30 to 34
        """

    @syscall
    def pivot_root(self, new_root: str, put_old: str) -> None:
        """Make the mount new_root the root of the mount namespace and put the old one at put_old.

        Raises, the first that applies:
            EPERM: No CAP_SYS_ADMIN in the user namespace that owns the mount namespace.
            ENOENT: A path does not exist.
            ENOTDIR: A path is no directory.
            EINVAL: The parent of a mount concerned is shared; new_root is locked.
            EBUSY: A path is on the current root mount.
            EINVAL: The root or new_root is no mount's root; put_old is not below new_root.

        pivot_root(2); rules MNT-42, MNT-43
        """
