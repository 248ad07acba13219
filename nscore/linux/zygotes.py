"""The driver's side of the zygote: starting it, asking it for machines, and starting another where the driver has changed."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import weakref
from _thread import get_ident
from contextlib import suppress
from functools import partial
from typing import Any

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.afterfork import execs
from nscore.linux.agent import BARE_PACKAGE, PACKAGE, image_flags
from nscore.linux.calls import socketpair
from nscore.linux.wire import FAULT, SEQPACKET_CLOEXEC, receive_descriptors, send_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Held(Protocol):
        """What a process has started and keeps by a descriptor."""

        def close(self) -> None: ...


#: What a machine's processes can exec and go on being driven: an interpreter of their own.
IMAGE = sys.executable if sys.executable and os.access(sys.executable, os.X_OK) else ""

#: What such an interpreter runs: main() of a module.
BARE = BARE_PACKAGE + "import importlib; importlib.import_module('nscore.linux.' + sys.argv[2]).main(*map(int, sys.argv[3:]))"

#: What of proc/PID/status a zygote has from its driver for good.
INHERITED = (
    *("Umask", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters"),
    "Cpus_allowed",
)
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid_for_children", "user", "uts")


class Zygote:
    """The zygote of this process, as long as it is what the process has become since."""

    def __init__(self, control: int, facts: tuple[object, ...]) -> None:
        self.control, self.facts = control, facts
        self._serial = 0
        self._lock = threading.Lock()
        _all.add(self)

    def boot(self, theirs: int, ids: tuple[int, int] | None) -> tuple[int, int]:
        """Have an init cloned that obeys the other end of theirs: its PID and a pidfd."""
        pid, descriptors = self._ask("boot", (ids, IMAGE), (theirs,))
        return pid, descriptors[0]

    def reap(self, pid: int) -> None:
        """Return when the dying init has been reaped; at once if the zygote has died before it."""
        try:
            self._ask("reap", (pid,), ())
        except RuntimeError:
            return

    def _ask(self, name: str, args: tuple[object, ...], descriptors: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
        with self._lock:
            self._serial += 1
            serial = self._serial
            words = ""
            with suppress(BrokenPipeError):  # it may have said why
                send_descriptors(self.control, (serial, name, args), descriptors)
            while True:
                reply, received = receive_descriptors(self.control)
                if reply is None:
                    raise died(words)
                if reply[0] == serial:
                    break
                if reply[0] == FAULT:
                    words = reply[1]
                for fd in received:  # the answer to somebody who was interrupted
                    os.close(fd)
        _, number, result = reply
        if number == FAULT:
            raise RuntimeError(f"zygote: {result}")
        if number:
            raise OSError(number, f"{name}: {os.strerror(number)}")
        return result, received

    def alive(self) -> bool:
        """Whether nobody has killed it."""
        try:
            self._ask("reap", (0,), ())
        except RuntimeError:
            return False
        return True

    def close(self) -> None:
        """Let it end, with all its machines."""
        if self.control >= 0:
            os.close(self.control)
            self.control = -1

    def __del__(self) -> None:
        self.close()


def died(words: str) -> RuntimeError:
    """What is raised when the zygote does not answer; its last words, if it failed."""
    how = f"failed, and they died with it: {words}" if words else "has been killed, and they with it"
    return RuntimeError(f"nscore's zygote, the process that keeps this process's machines, {how}")


_lock = [threading.Lock()]
_all: weakref.WeakSet[Zygote] = weakref.WeakSet()
_current: list[Zygote] = []


def zygote() -> Zygote:
    """This process's zygote; a new one where there is none, or the old one has died or is no longer what this process is."""
    with _lock[0]:
        now = facts()
        if _current and (_current[0].facts != now or not _current[0].alive()):
            _current.clear()  # machines that it keeps hold it themselves
        if not _current:
            _current.append(Zygote(start(), now))
        return _current[0]


def disown(lock: list[threading.Lock], everything: Iterable[Held], current: list[Any] | dict[Any, Any]) -> None:
    """In a forked child: what its parent holds is not its own, and neither are the machines that it has copies of."""
    if get_ident() in execs:
        return
    lock[0] = threading.Lock()
    for inherited in everything:
        inherited.close()
    current.clear()


os.register_at_fork(after_in_child=partial(disown, _lock, _all, _current))


def facts() -> tuple[object, ...]:
    """All that a zygote has from its driver: where one of them has changed since, it would give a machine what the driver no longer has."""
    with open("/proc/thread-self/status", errors="surrogateescape") as file:
        status = [line for line in file if line.partition(":")[0] in INHERITED]
    with open("/proc/thread-self/limits") as file:
        limits = file.read()
    with open("/proc/thread-self/cgroup", "rb") as file:
        cgroup = file.read()
    root = os.stat("/")
    namespaces = [os.readlink(f"/proc/thread-self/ns/{name}") for name in NAMESPACES]
    return *status, limits, cgroup, root.st_dev, root.st_ino, *namespaces


def start() -> int:
    """Start a zygote: the descriptor of its socket."""
    ours, reply, _ = spawned("zygote")
    if reply != (0, None):
        os.close(ours)
        why = reply[1] if reply else "it dies at once"
        raise Unavailable(f"the zygote, a small interpreter, does not start: {why}", "Mend that, or set NSCORE_BACKEND=sim for the model")
    return ours


def spawned(module: str, *args: int) -> tuple[int, Any, tuple[int, ...]]:
    """Start a process that runs main() of a module of nscore.linux.

    Returns:
        A descriptor of our socket to it, and its first word, None for none, with the descriptors that came with it.
    """
    ours, theirs = socketpair(1, SEQPACKET_CLOEXEC)
    driver = os.pidfd_open(os.getpid())
    try:
        pid = _spawn(module, theirs, driver, args)
    finally:
        os.close(theirs)
        os.close(driver)
    with suppress(ChildProcessError):  # SIGCHLD is ignored, or another thread's wait() was first
        os.waitpid(pid, 0)
    reply, descriptors = receive_descriptors(ours)
    return ours, reply, descriptors


def _spawn(module: str, theirs: int, driver: int, args: tuple[int, ...]) -> int:
    """Exec a small interpreter, or fork where none can be: in an embedded one."""
    import fcntl

    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs, driver)]
    argv = [IMAGE, *image_flags("NSCORE_SITE" in os.environ), "-c", BARE, PACKAGE, module, "3", "4", *map(str, args)]
    actions = [(os.POSIX_SPAWN_DUP2, fd, place) for fd, place in zip(high, (3, 4))]
    ignorable = [sig for sig in signal.valid_signals() if sig not in (signal.SIGKILL, signal.SIGSTOP)]
    try:
        if not IMAGE:
            raise FileNotFoundError
        return os.posix_spawn(IMAGE, argv, os.environ, file_actions=actions, setsigmask=(), setsigdef=ignorable)
    except OSError:
        pid = os.fork()
        if pid == 0:
            try:
                importlib.import_module(f"nscore.linux.{module}").main(*high, *args)
            finally:
                os._exit(1)  # where its file is out of sight, in a chroot, it does not go on as the driver
        return pid
    finally:
        for fd in high:
            os.close(fd)
