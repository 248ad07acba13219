"""unshare(1): what it does before its fork, and what it does in the child.

The fork is the caller's own, since a driven process and a program fork each in their way:

    leave(shell, CloneFlag.NEWPID | CloneFlag.NEWNS)
    inside = shell.fork()                      # a Process; a program: shell.fork(program), and arrive in the program
    arrive(inside, mount_proc=True)
"""

from __future__ import annotations

from nscore.flags import CloneFlag, MountFlag
from nscore.interface.calls import Calls
from nscore.tools import procfs

#: How --mount-proc mounts.  util-linux, sys-utils/unshare.c
PROC_FLAGS = MountFlag.NOSUID | MountFlag.NOEXEC | MountFlag.NODEV


def leave(
    calls: Calls,
    flags: CloneFlag | int,
    *,
    map_root_user: bool = False,
    propagation: MountFlag | int = MountFlag.PRIVATE,
    proc: str = procfs.PROC,
) -> None:
    """Leave what flags names, as unshare(1) does before it forks.

    Args:
        flags: CloneFlag.NEW*; map_root_user adds NEWUSER.
        map_root_user: Map the caller's user and group to root's in the new user namespace, which gives up setgroups.
        propagation: With NEWNS: what becomes of all mounts, so that those made from here on are nobody else's; 0 leaves them as they are.
        proc: Where a /proc shows the caller, for the id maps.

    Raises:
        OSError: As unshare; EPERM for the maps where the caller may not.
    """
    user, group = calls.geteuid(), calls.getegid()
    calls.unshare(int(flags) | (CloneFlag.NEWUSER if map_root_user else 0))
    if map_root_user:
        map_user(calls, user, group, proc=proc)
    if int(flags) & CloneFlag.NEWNS and propagation:
        calls.mount("none", "/", None, int(propagation) | MountFlag.REC)


def map_user(calls: Calls, user: int, group: int, *, to: int = 0, pid: procfs.Who = "self", proc: str = procfs.PROC) -> None:
    """Write the id maps of a new user namespace: one user and one group from outside become to inside.

    Without privilege outside a group can be mapped only once setgroups is given up.  user_namespaces(7)
    """
    procfs.write(calls, f"{proc}/{pid}/setgroups", "deny")
    procfs.write(calls, f"{proc}/{pid}/uid_map", f"{to} {user} 1")
    procfs.write(calls, f"{proc}/{pid}/gid_map", f"{to} {group} 1")


def arrive(calls: Calls, *, mount_proc: bool | str = False) -> None:
    """Settle in, as unshare(1) does in its child.

    Args:
        mount_proc: Mount a proc, which shows the PID namespace of the caller: on /proc, or on the path that is given.

    Raises:
        OSError: As mount.
    """
    if mount_proc:
        calls.mount("proc", mount_proc if isinstance(mount_proc, str) else procfs.PROC, "proc", PROC_FLAGS)
