"""A command without a PID namespace: what its caller holds of it and of its warden, and how both are born.

subprocess forks, and its child forks the warden and ends, so that no wait() of the caller's meets a child that is not his.  The warden
forks the command, which goes on in subprocess's code before exec, and becomes a small interpreter of its own.
"""

from __future__ import annotations

import _thread
import os
import select
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Any

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux import cgroups, warden
from nscore.linux.agent import PACKAGE, image_flags
from nscore.linux.boot import check_proc
from nscore.linux.calls import close_range, pidfd_get_info, pidfd_open, pidfd_send_signal, prctl, sigaction, sigprocmask, socketpair
from nscore.linux.calls.ahead import setting_action, setting_mask
from nscore.linux.calls.creation import SIGCHLD
from nscore.linux.command import first_readable
from nscore.linux.credentials import handled, status_of_thread
from nscore.linux.entrance import lead, obey, take_ids
from nscore.linux.init import SIGKILL, reset_signals
from nscore.linux.masked import SIG_BLOCK, blocked
from nscore.linux.wire import F_DUPFD_CLOEXEC, SEQPACKET_CLOEXEC, above_standard, receive_descriptors, send_descriptors
from nscore.linux.zygotes import BARE, IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from nscore.linux.calls.ahead import Call
    from nscore.linux.surround import Spawn

#: Seconds within which what is killed is expected to be gone; how often a status is asked for, and the seconds between.
PATIENCE, TRIES, PAUSE = 1.0, 50, 0.002
PR_SET_CHILD_SUBREAPER = 36
ECHILD, IGNORE, DEFAULT = 10, 1, 0


class Warded:
    """A command and its warden.

    Attributes:
        pid: The command's number; 0 before its birth.
        init: A pidfd of the warden, who ends when nothing is left; -1 when that has been seen.
    """

    def __init__(self, with_cgroup: bool) -> None:
        self.pid, self.init = 0, -1
        self._with_cgroup = with_cgroup
        self._pidfd = self._control = -1
        self._group: cgroups.Group | None = None
        self._status: int | None = None
        self._gone = self._deaf = False
        self._lock = _thread.RLock()

    def born(self, spawn: Spawn, wishes: dict[str, Any]) -> None:
        """Give birth to the command.

        Raises:
            Unavailable: No cgroup is to be had, or what is wished for takes a namespace.
            OSError: What spawn raises.
        """
        asked = [name for name in ("hostname", "user", "mounts") if wishes.get(name)]
        if asked:
            raise Unavailable(f"{' and '.join(asked)}: only a namespace has that")
        check_proc()
        if self._with_cgroup:
            self._group = cgroups.new()
        mask = sigprocmask(SIG_BLOCK, ())
        try:
            blocked(partial(self._born, spawn, mask))
        finally:
            if not self.pid and self._group is not None:
                self._unwarded(PATIENCE)
                self._forget_group()

    def _born(self, spawn: Spawn, mask: tuple[int, ...]) -> None:
        ours, theirs = (above_standard(fd) for fd in socketpair(1, SEQPACKET_CLOEXEC))
        caller = above_standard(pidfd_open(os.getpid()))
        asked = spawn.arguments
        group = asked.get("process_group", -1)
        changes: dict[str, Any] = {"process_group": -1} if group == 0 else {}
        # The warden keeps the caller's ids, so that who runs under others cannot harm it.
        ids = {name: asked[name] for name in ("gids", "gid", "uid")} if os.geteuid() == 0 else {}
        changes |= dict.fromkeys(ids)
        # What arrives between here and exec is for the command: none of the caller's handlers runs in it.
        defaults = [setting_action(number, DEFAULT) for number in handled(status_of_thread())] if asked["preexec_fn"] is None else []
        calls = [*defaults, setting_mask(mask)]
        follow = partial(become, bool(asked["start_new_session"]), group == 0, calls, asked["preexec_fn"])
        failure: BaseException | None = None
        middle = 0
        try:
            middle = spawn(preexec_fn=partial(enter, theirs, caller, self._group, ids, follow), start_new_session=False, **changes)
        except Exception as error:
            failure = error
        finally:
            os.close(theirs)
            os.close(caller)
        self._meet(middle, ours, failure)

    def _meet(self, middle: int, ours: int, failure: BaseException | None) -> None:
        told, descriptors = receive_descriptors(ours)
        if middle:
            with suppress(ChildProcessError):  # another thread's wait() was first
                os.waitpid(middle, 0)
        if not descriptors:
            os.close(ours)
            if told is not None:
                error = OSError(told, f"fork: {os.strerror(told)}")
                raise error if self._group is None else cgroups.unavailable("the caller's", error) from error
            raise failure or Unavailable("the fork that was to become the command's warden died")
        self._control, (self._pidfd, self.init) = ours, descriptors
        if failure is not None:
            self.end(-1)
            self.release()
            raise failure
        self.pid = told

    def signal(self, sig: int) -> None:
        """Send the command a signal."""
        pidfd_send_signal(self._pidfd, sig)

    def kill(self) -> None:
        """Have the warden end everything; what can be done without it where it has been killed."""
        if self.init < 0:
            return
        try:
            send_descriptors(self._control, "kill", ())
        except (BrokenPipeError, ConnectionResetError):
            with suppress(ProcessLookupError):
                pidfd_send_signal(self._pidfd, SIGKILL)
            if self._group is not None and not self._gone:
                with suppress(FileNotFoundError):  # the warden has removed it
                    self._group.kill()

    def waited(self, flags: int) -> tuple[int, int]:
        """What waitpid would give: the warden tells it."""
        poll = select.poll()
        while self._status is None:
            with self._lock:
                if self._deaf or self.init < 0:
                    self._status = self.lost_status()
                    break
                poll.register(self._control, select.POLLIN)
                if poll.poll(0):
                    self._hear()
                    continue
            if flags & os.WNOHANG:
                return 0, 0
            poll.poll()
        return self.pid, self._status

    def _hear(self) -> None:
        """Take one message."""
        told, _ = receive_descriptors(self._control)
        if told is None:
            self._deaf = True
        elif told[0] == warden.STATUS:
            self._status = told[1]
        else:
            self._gone = True

    def expire(self, patience: float) -> None:
        """Return when the warden has told of the command, which has been killed, or after so many seconds."""
        first_readable(self.lend(), patience)

    def lost_status(self) -> int:
        """The status of a command whose warden has been killed: the kernel tells it, from 6.15 on, once somebody has reaped it.

        That is the caller, where he is a subreaper or PID 1.
        """
        self.kill()
        for _ in range(TRIES if self.init >= 0 else 0):
            with suppress(ChildProcessError):
                reaped = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
                if reaped is not None:
                    return reaped.si_status << 8 if reaped.si_code == os.CLD_EXITED else reaped.si_status
            with suppress(OSError):
                status = pidfd_get_info(self._pidfd)[-1]
                if status is not None:
                    return status
            time.sleep(PAUSE)
        raise ChildProcessError(ECHILD, "the command's warden has been killed, and its status is lost with it")

    def end(self, patience: float) -> tuple[str, ...]:
        """Kill everything, and return when nothing of it is left: or what is left after so many seconds, -1 for any time."""
        with self._lock:
            if self.init < 0:
                return ()
            self.kill()
            poll = select.poll()
            poll.register(self.init, select.POLLIN)
            if not poll.poll(-1 if patience < 0 else patience * 1000):
                return (f"what PID {self.pid} has started",)
            while not self._gone and not self._deaf:
                self._hear()
            left = () if self._gone else self._unwarded(patience)
            self.release()
            return left

    def _unwarded(self, patience: float) -> tuple[str, ...]:
        """What is left where the warden has been killed."""
        self.kill()
        if self._group is None:
            return (f"what PID {self.pid} has started, whose warden has been killed",)
        with suppress(FileNotFoundError):
            if not self._group.emptied(max(int(patience * 1000), 0)):
                return tuple([f"PID {pid}" for pid in self._group.get("cgroup.procs").split()])
            self._group.remove()
        return ()

    def lend(self) -> tuple[int, int]:
        """A descriptor that is readable when the warden has told something, and one of the warden; the caller closes them."""
        with self._lock:
            return (os.dup(self._control), os.dup(self.init)) if self.init >= 0 else (-1, -1)

    def release(self) -> None:
        """Close what is held: whereupon the warden ends everything."""
        with self._lock:
            if self.init >= 0:
                for fd in (self.init, self._pidfd, self._control):
                    os.close(fd)
                self.init = -1
                self._forget_group()

    def _forget_group(self) -> None:
        if self._group is not None:
            os.close(self._group.parent)
            self._group = None

    def __del__(self) -> None:
        self.release()


def enter(control: int, caller: int, group: cgroups.Group | None, ids: dict[str, Any], follow: Callable[[], None]) -> None:
    """In the fork: make the warden and end.  In the command: go on."""
    if os.fork():
        os._exit(0)
    before, _ = sigaction(SIGCHLD, DEFAULT)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        pid = forked_into(group)
    except OSError as error:
        send_descriptors(control, error.errno, ())
        os._exit(1)
    if pid:
        guard(control, caller, pid, group)
    if before == IGNORE:
        sigaction(SIGCHLD, IGNORE)
    take_ids(**ids)
    follow()


def become(session: bool, group: bool, calls: Sequence[Call], preexec_fn: Callable[[], object] | None) -> None:
    """In the command: do what subprocess would have done in it."""
    lead(session, group)
    obey(calls)
    if preexec_fn is not None:
        preexec_fn()


def forked_into(group: cgroups.Group | None) -> int:
    """Fork, with the child in the cgroup: by going there and back, so that it is never anywhere else."""
    if group is None:
        return os.fork()
    group.put("cgroup.procs", "0")
    pid = os.fork()
    if pid:
        cgroups.written("cgroup.procs", "0", group.parent)  # where it fails, the caller kills the cgroup
    return pid


def guard(control: int, caller: int, command: int, group: cgroups.Group | None) -> NoReturn:
    """In the warden: tell the caller, and become what does nothing else."""
    try:
        send_descriptors(control, command, (pidfd_open(command), pidfd_open(os.getpid())))
        os.setsid()
        os.chdir("/")
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        place(control, caller, group.parent if group else null, null)
        reset_signals(None)
        args = (3, 4, command, 5, group.number if group else 0)
        with suppress(OSError):
            if IMAGE:
                os.execv(IMAGE, [IMAGE, *image_flags("NSCORE_SITE" in os.environ), "-c", BARE, PACKAGE, "warden", *map(str, args)])
        warden.main(*args)
    finally:
        os._exit(1)


def place(*descriptors: int) -> None:
    """Keep these descriptors, from 3 on; the last one is what 0 to 2 become, and nothing else stays open."""
    import fcntl

    high = [fcntl.fcntl(fd, F_DUPFD_CLOEXEC, 10) for fd in descriptors]
    for number, fd in enumerate(high[:-1], 3):
        os.dup2(fd, number)
    for number in range(3):
        os.dup2(high[-1], number)
    close_range(3 + len(high) - 1, 0x7FFFFFFF)
