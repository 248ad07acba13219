"""The way of an ordinary user into a PID namespace: a fork joins the user namespace that owns it, and forks again.

Only a process of one thread may join a user namespace, and whoever joins a PID namespace is not in it, but his children are.  So
subprocess forks, its child joins both, clones the command by CLONE_PARENT, as a child of the caller, and ends.  The command goes on
where the fork was: in subprocess's own code before exec.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from functools import partial

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import capget, capset, close, prctl, setns, sigaction, sigprocmask, socketpair
from nscore.linux.calls.creation import NEWPID, NEWUSER, PARENT, PIDFD, raw
from nscore.linux.calls.syscall import syscall
from nscore.linux.command import Command
from nscore.linux.keepers import SIG_SETMASK, Taken, above_standard
from nscore.linux.mapping import Mapper
from nscore.linux.surround import Options, Refused, heard, step, surround
from nscore.linux.wire import SEQPACKET_CLOEXEC, receive_descriptors, send_descriptors

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nscore.linux.surround import Spawn

PR_CAPBSET_DROP, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_CAP_AMBIENT = 24, 27, 28, 47
PR_CAP_AMBIENT_RAISE = 2
ESRCH, IGNORE = 3, 1


def by_fork(command: Command, taken: Taken, spawn: Spawn, options: Options) -> None:
    """Make the command by a fork that joins the namespaces of an init."""
    ours, theirs = (above_standard(fd) for fd in socketpair(1, SEQPACKET_CLOEXEC))
    failure: BaseException | None = None
    middle = 0
    try:
        # What makes a leader is for the command itself; a group that exists is joined before its numbers are out of sight.
        asked = spawn.arguments
        group = asked.get("process_group", -1)
        changes: dict[str, Any] = {"process_group": -1} if group == 0 else {}
        ids = {name: asked[name] for name in ("gids", "gid", "uid")} if taken.keeper.privileged else {}
        changes |= dict.fromkeys(ids)  # who joins must be the caller still
        follow = partial(become, bool(asked["start_new_session"]), group == 0, command.mask, asked["preexec_fn"])
        child = partial(enter, theirs, taken, options, ids, follow)
        middle = spawn(preexec_fn=child, start_new_session=False, **changes)
    except Exception as error:
        failure = error
    finally:
        close(theirs)
    told, descriptors = receive_descriptors(ours)
    close(ours)
    if middle:
        with suppress(ChildProcessError):  # another thread's wait() was first
            os.waitpid(middle, 0)
    if told is None:
        raise failure or Refused("fork", OSError(ESRCH, "the fork died"))
    refusal = heard(told) if told[0] else None
    if refusal or failure:
        for pidfd in descriptors:
            with suppress(ChildProcessError):
                os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
            close(pidfd)
        raise refusal or failure or AssertionError
    command.born(told[1], descriptors[0], taken)
    if options.watch:
        taken.watch(descriptors[0])


def enter(told: int, taken: Taken, options: Options, ids: dict[str, Any], follow: Callable[[], None]) -> None:
    """In the fork: join, clone the command, tell of it and end.  In the command: go on."""
    before = None if taken.keeper.privileged else Credentials()
    mapper: Mapper | None = None
    born: tuple[int, ...] = ()
    try:
        if options.user is not None:
            mapper = step("user namespace", Mapper, options, ids.get("uid"), ids.get("gid"))
        if before is not None:
            step("user namespace", setns, taken.pidfd, NEWUSER)
        surround(options, taken.proc)
        step("setns", setns, taken.pidfd, NEWPID)
        try:
            pid, pidfd = raw(PARENT | PIDFD, 0, ())
        except OSError as error:
            raise Refused("clone", error) from None
        if pidfd is not None:
            born = (pidfd,)
            if mapper is not None:
                mapper.write(pid)
    except Refused as refusal:
        send_descriptors(told, refusal.told(), born)
        raise
    if born:
        send_descriptors(told, ("", pid), born)
        os._exit(0)
    take_ids(**ids)
    if mapper is not None:
        mapper.enter()  # what it has there is what a user namespace gives
    elif before is not None:
        before.restore()
    follow()


def take_ids(gids: list[int] | None = None, gid: int | None = None, uid: int | None = None) -> None:
    """In the command: what user, group and extra_groups ask for, as subprocess does it."""
    if gids is not None:
        os.setgroups(gids)
    if gid is not None:
        os.setregid(gid, gid)
    if uid is not None:
        os.setreuid(uid, uid)


def become(leads_session: bool, leads_group: bool, mask: tuple[int, ...] | None, preexec_fn: Callable[[], object] | None) -> None:
    """In the command: do what subprocess would have done in it."""
    if leads_session:
        os.setsid()
    if leads_group:
        os.setpgid(0, 0)
    if preexec_fn is None:
        # What arrives between here and exec is for the command: none of the caller's handlers runs in it.
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)) and sigaction(number, None)[0] != IGNORE:  # unless others than Python ignore it
                signal.signal(number, signal.SIG_DFL)
    if mask is not None:
        sigprocmask(SIG_SETMASK, mask)
    if preexec_fn is not None:
        preexec_fn()


class Credentials:
    """What a process has that joining a user namespace takes from it, or gives it in excess."""

    def __init__(self) -> None:
        self.capabilities = capget()
        self.securebits = int(prctl(PR_GET_SECUREBITS))
        with open("/proc/thread-self/status") as file:
            sets = {line[:6]: int(line[7:], 16) for line in file if line.startswith("Cap")}
        self.bounding, self.ambient = sets["CapBnd"], sets["CapAmb"]

    def restore(self) -> None:
        """Have inside what one had outside, by its numbers; over anything outside it is worth nothing."""
        for capability in members(~self.bounding & full()):
            prctl(PR_CAPBSET_DROP, capability)
        effective, permitted, inheritable = self.capabilities
        everything = full()
        capset(everything, everything, inheritable)
        for capability in members(self.ambient):
            syscall("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
        if self.securebits:
            prctl(PR_SET_SECUREBITS, self.securebits)
        capset(effective, permitted, inheritable)


def full() -> int:
    """The capabilities that the kernel knows: those of a process that has just joined a user namespace."""
    return capget()[1]


def members(capabilities: int) -> list[int]:
    """The numbers of a set."""
    return [number for number in range(capabilities.bit_length()) if capabilities >> number & 1]
