"""subprocess.Popen with the child in a PID namespace of its own, which ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext, suppress
from functools import partial
from types import TracebackType
from typing import Any, AnyStr, overload

from nscore.errors import Unavailable
from nscore.running.results import Guarantee, TimeoutExpired, Unkillable
from nscore.running.signatures import passing_on_to
from nscore.running.users import wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from typing_extensions import Unpack

    from nscore.running.keywords import Arguments, ByEncoding, ByErrors, ByNewlines, ByText, InBytes, InEither
    from nscore.running.life import Life, Warded
    from nscore.running.mounts import Mount
    from nscore.running.users import Extent

    Birth: TypeAlias = "Callable[[Spawn, dict[str, Any]], None]"

WNOHANG = 1
#: Seconds within which a killed namespace is expected to be gone.
PATIENCE = 5.0

_execute_child: Any = getattr(subprocess.Popen, "_execute_child")  # noqa: B009 - typeshed does not know it
_communicate: Any = subprocess.Popen.communicate
_close_pipe_fds: Any = getattr(subprocess.Popen, "_close_pipe_fds")  # noqa: B009
_poll: Any = getattr(subprocess.Popen, "_internal_poll")  # noqa: B009
NAMES = _execute_child.__code__.co_varnames[1 : _execute_child.__code__.co_argcount]


class Popen(subprocess.Popen[AnyStr]):
    """Start a command in a new PID namespace, with an init that reaps and a /proc of its own.

    Everything is as in subprocess.Popen, whose subclass this is: arguments, attributes, methods, exceptions.  pid, returncode and
    send_signal() are the command's.  It is a child of the caller, and has all that a child of the caller has: its directory, root and
    mounts, ids, limits, signals.  In its namespace it is PID 2, or 1 with init=False.

    When it ends, when the with block is left by an exception, and when the calling process dies, the kernel ends everything that it has
    started: what has become a daemon, leads a session or ignores signals too.

    Args beside subprocess's:
        hostname: A host name of its own, in a UTS namespace.
        init: Whether an init is PID 1 and reaps; else the command is PID 1, which no signal from inside ends.
        proc: Whether a /proc of the namespace is mounted, in a mount namespace of its own.
        mounts: What else is mounted there, in this order: ReadOnly, Tmpfs and Bind of nscore.running.mounts.
        map_root_user: A user namespace in which the command is root, and its ids outside are those it would have without: what it may
            do to files stays what it was.
        map_current_user: A user namespace in which it has its ids.
        uid_map, gid_map: A user namespace with these maps, each line (inside, outside, count).  More than one's own id takes CAP_SETUID
            and CAP_SETGID.  Ids that none maps read as 65534.
        weaker: What to do where no PID namespace is to be had, in this order: "cgroup", "subreaper"; guarantee says what was done.  What
            they cannot do stands with the values of Guarantee.  The command has the caller's numbers then, and neither an init nor a
            /proc of its own; its parent is a process beside the caller.  With hostname, mounts or a user namespace there is no weaker way.

    Raises:
        Unavailable: No PID namespace is to be had here; reason and remedy say more.
        OSError, ValueError, subprocess.SubprocessError: As subprocess.Popen.
        EINVAL: hostname is longer than 64 bytes; a map overlaps or has more than 340 lines.
        EPERM: A map has ids that are not the caller's to give.
        ENOENT, ENOTDIR, EACCES: A mount's path; or the directory of the caller is hidden by a mount.

    Attributes:
        guarantee: What keeps the command's processes together.

    pid_namespaces(7), user_namespaces(7), mount_namespaces(7), sethostname(2); rules INIT
    """

    guarantee = Guarantee.PID_NAMESPACE
    _life: Life | None = None
    #: The same, where there is no PID namespace: then the command is not the caller's own child.
    _warded: Warded | None = None
    #: Its wait status, once it has been reaped here.
    _status: int | None = None
    #: Whether the kernel was seen not to end it, when it had been killed.
    _given_up = False
    #: Whether the end of the command is to end its namespace even while its caller waits for something else, such as a pipe.
    _watch = True

    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByText]) -> None: ...
    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByEncoding]) -> None: ...
    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByErrors]) -> None: ...
    @overload
    def __init__(self: Popen[str], args: Arguments, **options: Unpack[ByNewlines]) -> None: ...
    @overload
    def __init__(self: Popen[bytes], args: Arguments, **options: Unpack[InBytes]) -> None: ...
    @overload
    def __init__(self: Popen[Any], args: Arguments, **options: Unpack[InEither]) -> None: ...
    @passing_on_to(subprocess.Popen.__init__)
    def __init__(
        self,
        args: Any,
        *positional: Any,
        hostname: str | None = None,
        init: bool = True,
        proc: bool = True,
        mounts: Sequence[Mount] = (),
        uid_map: Iterable[Extent] | None = None,
        gid_map: Iterable[Extent] | None = None,
        map_root_user: bool = False,
        map_current_user: bool = False,
        weaker: Sequence[str] = (),
        **named: Any,
    ) -> None:
        self._weaker = ways(weaker) if weaker else ()
        self._options: dict[str, Any] = {"hostname": hostname, "init": init, "proc": proc, "watch": self._watch}
        self._options["user"] = wanted(uid_map, gid_map, map_root_user, map_current_user)
        self._options["mounts"] = tuple([mount.lowered() for mount in mounts])
        super().__init__(args, *positional, **named)

    @property
    def init(self) -> int | None:
        """A pidfd of the namespace's PID 1, for setns and the like; None when nothing of the namespace is left.  It stays this object's."""
        return self._life.init if self._life is not None and self._life.init >= 0 and self._warded is None else None

    def kill_all(self) -> None:
        """Have the kernel end the command and everything that it has started, at once.  wait() then returns."""
        if self._life is not None:
            self._life.kill()

    def abandon(self) -> None:
        """Kill everything and wait until nothing is left; nothing where that has been done or nothing was born.

        Raises:
            Unkillable: Something does not die.
        """
        life = self._life
        if life is not None and life.pid and life.init >= 0:
            life.kill()
            self._finish()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the command, and until nothing of its namespace is left; returncode.

        Raises:
            TimeoutExpired: It runs still after timeout seconds, as before.
            ChildProcessError: Somebody else has reaped it, or an interrupt came as it was reaped, and the kernel, before 6.15, does not
                keep its status.
            Unkillable: Something of the namespace does not die.
        """
        try:
            status = super().wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise expired(error) from None
        except ChildProcessError:
            self._end()
            raise
        self._end()
        return status

    def poll(self) -> int | None:
        """The returncode if the command has ended, and then nothing of its namespace is left; else None."""
        status = super().poll()
        if status is not None:
            self._end()
        return status

    def communicate(self, input: AnyStr | None = None, timeout: float | None = None) -> tuple[AnyStr, AnyStr]:
        """As subprocess's.  What has escaped with the pipes dies with the command: nobody waits for it."""
        try:
            answer: tuple[AnyStr, AnyStr] = _communicate(self, input, timeout)
            return answer
        except subprocess.TimeoutExpired as error:
            raise expired(error) from None

    def send_signal(self, sig: int) -> None:
        """Send the command a signal, by its pidfd: never another process that has got its number.  Nothing if it has ended."""
        with suppress(ChildProcessError):  # its status is lost: it has ended
            self.poll()
        if self.returncode is None and self._life is not None:
            with suppress(ProcessLookupError):
                self._life.signal(sig)

    def __exit__(self, exc_type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None) -> None:
        if exc_type is not None:
            self.kill_all()
            self._finish()
        if not self._given_up:
            # What goes through here says more than that the status of a command which is killed for it is lost.
            with nullcontext() if exc_type is None else suppress(ChildProcessError):
                super().__exit__(exc_type, value, traceback)

    def _execute_child(self, command: Any, *others: Any) -> None:
        if not isinstance(command, (list, str, bytes, os.PathLike)):
            command = list(command)  # once: a birth may take two tries
        args = (command, *others)
        self._pipe_ends: list[tuple[int, ...]] = []
        try:
            try:
                self._bear(*unborn(), args)
            except Unavailable as error:
                if not self._weaker:
                    raise
                self._bear_weaker(error, args)
        except (Unavailable, OSError) as error:
            if isinstance(error, Unavailable) or ": " in (error.strerror or ""):  # a call's name: subprocess's own errors have none
                annotate(error)
            raise
        finally:
            for ends in self._pipe_ends[:1]:
                _close_pipe_fds(self, *ends)

    def _bear(self, life: Life, born: Birth, args: tuple[Any, ...]) -> None:
        self._life = life
        try:
            born(Spawn(self, args), self._options)
            self.pid = life.pid
        except BaseException:
            if life.pid:
                self.pid = life.pid
                self.abandon()
            elif self.returncode is None:
                self.returncode = 255  # as subprocess has it: else __del__ looks for a child
            raise

    def _bear_weaker(self, error: Unavailable, args: tuple[Any, ...]) -> None:
        """By the first of the weaker ways that there is."""
        reasons = [error.reason]
        for guarantee in self._weaker:
            self.guarantee, (self._warded, born) = guarantee, unborn_weaker(guarantee)
            try:
                self._bear(self._warded, born, args)
                return
            except Unavailable as why:
                reasons.append(f"{guarantee.value}: {why.reason}")
        raise Unavailable("; ".join(reasons), error.remedy) from error

    def _close_pipe_fds(self, *ends: int) -> None:
        """The child's ends of its pipes; later, as a birth may take two tries."""
        self._pipe_ends.append(ends)

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """waitpid, but where subprocess would say 0 of a command that somebody else has reaped, what the kernel kept of it."""
        if self._warded is not None:
            return self._warded.waited(wait_flags)
        try:
            pid, status = os.waitpid(self.pid, wait_flags)
        except ChildProcessError:
            if self._life is None:
                raise
            pid, status = self.pid, self._life.lost_status() if self._status is None else self._status
        if pid == self.pid:
            self._status = status
        return pid, status

    def _internal_poll(self, _deadstate: int | None = None, **names: Any) -> int | None:
        if _deadstate is not None:
            return self._poll_forgotten(_deadstate, names)
        if self.returncode is None and self._waitpid_lock.acquire(False):  # type: ignore[attr-defined]
            try:
                if self.returncode is None:
                    pid, status = self._try_wait(WNOHANG)
                    if pid == self.pid:
                        self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode

    def _poll_forgotten(self, deadstate: int, names: dict[str, Any]) -> int | None:
        """From __del__, or for one that nobody holds any more: its status matters to nobody."""
        status: int | None
        if self._warded is None:
            status = _poll(self, deadstate, **names)
        else:
            try:
                status = self._internal_poll()
            except ChildProcessError:
                status = self.returncode = deadstate
        if status is not None and self._life is not None:
            self._life.kill()
            self._life.release()
        return status

    def _finish(self) -> None:
        """Reap the command, which has been killed, and return when nothing is left; nothing where that has been waited for in vain."""
        if self._life is None or self._given_up:
            return
        if self.returncode is None:
            self._life.expire(PATIENCE)
            try:
                self.wait(PATIENCE / 10)
            except ChildProcessError:  # its status is lost, and nobody asks for it
                return
            except subprocess.TimeoutExpired:
                pass
        if self.returncode is None:
            raise self._giving_up((f"PID {self.pid}, the command itself",))
        self._end()

    def _end(self) -> None:
        """Return when nothing is left of the namespace."""
        life = self._life
        if life is not None and life.init >= 0:
            left = life.end(PATIENCE)
            if left:
                raise self._giving_up(left)

    def _giving_up(self, left: tuple[str, ...]) -> Unkillable:
        self._given_up = True
        return unkillable(left)


def unkillable(left: tuple[str, ...]) -> Unkillable:
    """What lives still when PATIENCE is at its end."""
    return Unkillable(f"killed {PATIENCE:g} s ago, and not ended by the kernel: {', '.join(left)}")


def unborn() -> tuple[Life, Birth]:
    """A command, and what gives birth to it."""
    if sys.platform == "linux":
        from nscore.linux.birth import born
        from nscore.linux.command import Command

        command = Command()
        return command, partial(born, command)
    raise Unavailable("PID namespaces are Linux's", 'Run it there; nscore.boot("sim") has a model of them')


def unborn_weaker(guarantee: Guarantee) -> tuple[Warded, Birth]:
    """The same without a PID namespace."""
    if sys.platform == "linux":
        from nscore.linux.weaker import Warded

        warded = Warded(guarantee is Guarantee.CGROUP)
        return warded, warded.born
    raise Unavailable("cgroups and subreapers are Linux's")


def annotate(error: BaseException) -> None:
    """Note on the exception what is to be changed; what finds that out is imported where there is such an error."""
    with suppress(ImportError):  # after chroot, or without the ids that may read the package: the error matters more than its note
        from nscore.running import explain

        explain.annotate(error)


def ways(names: Sequence[str]) -> tuple[Guarantee, ...]:
    """The weaker ways by their names."""
    found = tuple([Guarantee(name) for name in ((names,) if isinstance(names, str) else names)])
    if Guarantee.PID_NAMESPACE in found:
        raise ValueError("a PID namespace is no weaker way")
    return found


class Spawn:
    """Creates the child of a Popen by subprocess's own code, with some of its arguments changed, and returns its PID."""

    def __init__(self, popen: subprocess.Popen[Any], args: tuple[Any, ...]) -> None:
        self.popen, self.args = popen, args
        #: Those of subprocess.Popen._execute_child, by name.
        self.arguments: dict[str, Any] = dict(zip(NAMES, args))

    def __call__(self, **changes: Any) -> int:
        args = (self.arguments | changes).values() if changes else self.args
        self.popen.returncode = None  # of an earlier try
        _execute_child(self.popen, *args)
        return self.popen.pid

    def by(self, make: Callable[[Any, subprocess.Popen[Any], tuple[Any, ...]], None]) -> None:
        """The same by something that is given that code of subprocess's, and tells of the child itself."""
        self.popen.returncode = None
        make(_execute_child, self.popen, self.args)

    @property
    def reaped(self) -> bool:
        """Whether subprocess has reaped the child, which could not execute anything."""
        return self.popen.returncode is not None


def expired(error: subprocess.TimeoutExpired) -> TimeoutExpired:
    """Ours in the place of subprocess's."""
    return TimeoutExpired(error.cmd, error.timeout, error.output, error.stderr)
