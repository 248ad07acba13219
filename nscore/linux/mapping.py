"""A user namespace for a command: it makes it itself, and a process that stays outside, with the authority, writes its maps.

The mount and UTS namespaces that were made for it are copied into ones that the new user namespace owns, so that root inside may mount
and name the host, while what was mounted before is locked: it can be neither unmounted nor made writable.  mount_namespaces(7)
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import close, getegid, geteuid, socketpair, unshare
from nscore.linux.calls.creation import NEWUSER
from nscore.linux.surround import Refused, wish
from nscore.linux.wire import SEQPACKET_CLOEXEC, above_standard

if TYPE_CHECKING:
    from nscore.linux.surround import Extent, Options

OK = b"\0"
ESRCH = 3


class Mapper:
    """Both sides of it.  The writer makes it, before a /proc is mounted in which he has no number, and then clones the command.

    Args:
        options: With a user.
        uid: The command's effective id; where None, the caller's.
        gid: Likewise.
    """

    def __init__(self, options: Options, uid: int | None = None, gid: int | None = None) -> None:
        self._flags = NEWUSER | options.namespaces
        self._files = files(options, geteuid() if uid is None else uid, getegid() if gid is None else gid)
        self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._outside, self._inside = (above_standard(fd) for fd in socketpair(1, SEQPACKET_CLOEXEC))

    def write(self, pid: int) -> None:
        """Outside: write the maps of the new-born command, whose number is one of the /proc from before, and let it go on.

        Whatever is raised, the command ends by itself, unreaped.
        """
        close(self._inside)
        try:
            said = os.read(self._outside, 4)
            if said != OK:
                number = int.from_bytes(said, "little") or ESRCH
                raise Refused("new user namespace", OSError(number, os.strerror(number)))
            for name, text in self._files:
                wish(name, lambda path, text=text: self._put(path, text), f"/proc/{pid}/{name}")
            os.write(self._outside, OK)
        finally:
            close(self._outside)
            close(self._proc)

    def _put(self, path: str, text: str) -> None:
        fd = os.open(path.removeprefix("/proc/"), os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._proc)
        try:
            os.write(fd, text.encode())
        finally:
            close(fd)

    def enter(self) -> None:
        """In the command: be in the namespace, with all capabilities over it, or end."""
        close(self._outside)
        close(self._proc)
        try:
            unshare(self._flags)
        except OSError as error:
            os.write(self._inside, (error.errno or 0).to_bytes(4, "little"))
            os._exit(1)
        os.write(self._inside, OK)
        if os.read(self._inside, 1) != OK:
            os._exit(1)
        close(self._inside)


def files(options: Options, uid: int, gid: int) -> list[tuple[str, str]]:
    """What is written, in this order: gid_map after setgroups.  user_namespaces(7)"""
    if isinstance(options.user, str):
        zero = options.user == "root"
        uids, gids = ((0 if zero else uid, uid, 1),), ((0 if zero else gid, gid, 1),)
        # As unshare(1) has it: whoever has but one group must not shed it, and with it what it forbids.
        return [("uid_map", lines(uids)), ("setgroups", "deny"), ("gid_map", lines(gids))]
    return [(name, lines(extents)) for name, extents in zip(("uid_map", "gid_map"), options.user or ()) if extents]


def lines(extents: tuple[Extent, ...]) -> str:
    """The text of a map."""
    return "".join(f"{inside} {outside} {count}\n" for inside, outside, count in extents)
