"""The process that does what it is told: it reads a command, makes the call, replies, and reads again.

Idle, it sits in a plain read of its control descriptor.  Once it has installed a handler, signals stay masked but inside that one wait
and inside the calls that it is told to make, as handler.py asks for.
"""

from __future__ import annotations

import _thread
import errno
import marshal
import os
import resource
import sys
from ctypes import byref

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.calls import TABLE, close, close_range, dup3, execve, exit, fcntl, gettid, received, sigaction
from nscore.linux.calls.creation import SIGCHLD, VFORK, raw, thread_refusal
from nscore.linux.calls.syscall import syscall
from nscore.linux.numbers import ARCH, SIGPROCMASK_HOW, SIGSET_SIZE
from nscore.linux.structs import pollfd, sigset, sigset_t
from nscore.linux.wire import CONTROL, FAULT, LIMIT, REFUSED, RESERVED, VERSION, described, receive_descriptors, reserve, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

O_CLOEXEC, F_SETFD, FD_CLOEXEC, POLLIN = 0o2000000, 2, 1, 1
HANDLE = 2
ALL = sigset(range(1, 65))
SETMASK = SIGPROCMASK_HOW.get(ARCH, {}).get(2, 2)
#: Python ignores these two and handles INT as soon as it starts.
SIGINT, SIGPIPE, SIGXFSZ = 2, 13, 25

#: Parameters that are descriptors, by the names that the man pages give them.
DESCRIPTORS = frozenset(("fd", "fd2", "dirfd", "targetfd"))

#: How each small interpreter of ours begins: with the package bare, so that its own __init__ and all behind it stay out.
BARE_PACKAGE = "import sys; package = type(sys)('nscore'); package.__path__ = [sys.argv[1]]; sys.modules['nscore'] = package; "

#: What an image runs.
IMAGE = BARE_PACKAGE + "from nscore.linux.agent import resume; resume(sys.argv[2:5])"


class Process:
    """What the driven threads of a process share."""

    __slots__ = ("handles", "image", "threads")

    def __init__(self, image: str) -> None:
        #: What goes on being driven after execve: the path, and the file that it was when the machine was booted.
        self.image = (image, identity(image)) if image else None
        #: Whether a handler has been installed, and whether there are threads.
        self.handles = self.threads = False


class Agent:
    """One driven thread."""

    __slots__ = ("control", "mask", "process")

    def __init__(self, control: int, process: Process, mask: sigset_t | None = None) -> None:
        self.control, self.process = control, process
        #: The mask as its calls see it, once handlers are installed.
        self.mask = mask

    def serve(self, reply: tuple[int, Any] | None = None) -> None:
        """Say reply, then obey until nobody is there to command."""
        read, write, loads, dumps, process = os.read, os.write, marshal.loads, marshal.dumps, self.process
        try:
            while True:
                if reply is not None:
                    data = dumps(reply, VERSION)
                    if len(data) < LIMIT:
                        write(self.control, data)
                    else:
                        send(self.control, reply)
                if process.handles:
                    self.wait()
                data = read(self.control, LIMIT)
                while len(data) % LIMIT == 0:
                    more = read(self.control, LIMIT) if data else b""
                    if not more:
                        os._exit(0)
                    data += more
                name, args = loads(data)
                try:
                    reply = 0, self.obey(name, args)
                except OSError as error:
                    reply = error.errno or 0, None
                except Unavailable as error:
                    reply = REFUSED, (error.reason, error.remedy)
                except Exception:
                    reply = FAULT, described()
        finally:
            os._exit(1)  # whoever called this, a zygote or a thread, has nothing to do here any more

    def obey(self, name: str, args: tuple[Any, ...]) -> Any:
        """Do as a command says."""
        call = CALLS.get(name)
        if call is None:
            return OWN[name](self, *args)
        return call(*args) if self.mask is None else self.unmasked(call, args)

    def wait(self) -> None:
        """Sleep until there is a command, with the mask open."""
        if self.mask is None:
            self.mask = masked()
        control = pollfd(fd=self.control, events=POLLIN)
        while not control.revents:
            try:
                syscall("ppoll", byref(control), 1, None, byref(self.mask), SIGSET_SIZE)
            except InterruptedError:
                continue

    def unmasked(self, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Make the call with the mask open."""
        assert self.mask is not None
        open_mask(self.mask)
        try:
            return call(*args)
        finally:
            self.mask = masked()

    def unmask(self) -> None:
        """Open the mask for good: a zombie shows the one that it died with."""
        if self.mask is not None:
            open_mask(self.mask)

    # Commands that are more than a call.

    def clone(self, flags: int, exit_signal: int, set_tid: tuple[int, ...]) -> tuple[int, int | None] | None:
        """Clone raw: all other threads sleep in system calls.  The child goes on with the control descriptor that was handed over."""
        theirs = self.handed()
        try:
            if flags & VFORK and self.process.threads:
                raise Unavailable("clone: VFORK in a process with driven threads would stop them all: the interpreter's lock is kept")
            if flags & VFORK and self.mask is not None:
                # What is not handled ends the parent while it waits for the child.
                pid, pidfd = self.unmasked(raw, (flags, exit_signal, set_tid))
            else:
                pid, pidfd = raw(flags, exit_signal, set_tid)
        except BaseException:
            close(theirs)
            raise
        if pid:
            close(theirs)
            return pid, pidfd
        self.born(theirs)
        return None

    def fork(self) -> tuple[int, int | None] | None:
        """Clone with nothing asked for."""
        return self.clone(0, SIGCHLD, ())

    def born(self, theirs: int) -> None:
        """In the child: nothing that is its parent's or its parent's threads' stays open."""
        if theirs != CONTROL:
            allow_descriptors(None)
            dup3(theirs, CONTROL, O_CLOEXEC)
            allow_descriptors(RESERVED)
        close_range(RESERVED, CONTROL - 1)
        close_range(CONTROL + 1, 0x7FFFFFFF)
        self.control, self.process.threads = CONTROL, False
        received()

    def thread(self) -> tuple[int, None]:
        """Start a thread that is driven over the control descriptor that was handed over."""
        theirs = self.handed()
        tids: list[int] = []
        started = _thread.allocate_lock()
        started.acquire()

        def run() -> None:
            tids.append(gettid())
            started.release()
            Agent(theirs, self.process, self.mask).serve((0, tids[0]))

        try:
            _thread.start_new_thread(run, ())
        except RuntimeError:
            close(theirs)
            raise thread_refusal() from None
        started.acquire()
        self.process.threads = True
        return tids[0], None

    def handed(self) -> int:
        """The descriptor that follows a command, moved out of the way: the next open gives the lowest again."""
        allow_descriptors(None)
        try:
            _, descriptors = receive_descriptors(self.control)
            if not descriptors:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return reserve(descriptors[0])
        finally:
            allow_descriptors(RESERVED)

    def execve(self, path: str, argv: tuple[str, ...], env: tuple[str, ...]) -> None:
        """execve; of the image as something that goes on obeying."""
        if self.process.image and path == self.process.image[0] and identity(path) == self.process.image[1]:
            ignored = [sig for sig in (SIGINT, SIGPIPE, SIGXFSZ) if sigaction(sig, None)[0] == 1]
            spec = (str(self.control), ",".join(map(str, ignored)), path)
            argv = (path, *image_flags(not sys.flags.no_site), "-c", IMAGE, PACKAGE, *spec, *argv[1:])
            fcntl(self.control, F_SETFD, 0)
        try:
            if self.mask is None:
                execve(path, argv, env)
            else:
                self.unmasked(execve, (path, argv, env))
        finally:
            fcntl(self.control, F_SETFD, FD_CLOEXEC)

    def sigaction(self, sig: int, action: int | None, flags: int = 0) -> Any:
        """sigaction(2); with a handler installed, signals are masked but where handler.py asks for it."""
        old = sigaction(sig, action, flags) if self.mask is None else self.unmasked(sigaction, (sig, action, flags))
        if action == HANDLE:
            self.process.handles = True
        return old

    def exit(self, status: int) -> None:
        """exit_group(2)"""
        self.unmask()
        os._exit(status)

    def exit_thread(self, status: int) -> None:
        """exit(2), with the control descriptor closed: the process's others would hold it."""
        close(self.control)
        self.unmask()
        exit(status)

    def received(self) -> tuple[Any, ...]:
        """What the handlers have seen."""
        return received()


def allow_descriptors(limit: int | None) -> None:
    """Set RLIMIT_NOFILE: calls run out of descriptors where the agent's own begin.  None: as many as there may be."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if limit is None else limit, hard))


def open_mask(mask: sigset_t) -> None:
    """Set the mask; what is pending and not in it is delivered in here."""
    syscall("rt_sigprocmask", SETMASK, byref(mask), None, SIGSET_SIZE)


def masked() -> sigset_t:
    """Mask all signals; the mask before."""
    before = sigset_t()
    syscall("rt_sigprocmask", SETMASK, byref(ALL), byref(before), SIGSET_SIZE)
    return before


def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, for which the agent's own descriptors are not open."""
    code = call.__code__
    places = [place for place, name in enumerate(code.co_varnames[: code.co_argcount]) if name in DESCRIPTORS]
    rights = code.co_varnames.index("rights") if "rights" in code.co_varnames[: code.co_argcount] else None
    if not places:
        return call

    def guard(*args: Any) -> Any:
        fds = [args[place] for place in places] if rights is None else [args[places[0]], *args[rights]]
        if max(fds) >= RESERVED:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return call(*args)

    return guard


def image_flags(site: bool) -> tuple[str, ...]:
    """The flags of an interpreter that serves; with site, as a test's coverage needs it, it starts more slowly."""
    return ("-I", *(() if site else ("-S",)), *(("-B",) if sys.dont_write_bytecode else ()))


def identity(path: str) -> tuple[int, int]:
    """Which file that is."""
    st = os.stat(path)
    return st.st_dev, st.st_ino


def resume(spec: list[str]) -> None:
    """In an image: put right what Python has done to signals, and go on."""
    control, ignored = int(spec[0]), spec[1].split(",")
    fcntl(control, F_SETFD, FD_CLOEXEC)
    for sig in (SIGINT, SIGPIPE, SIGXFSZ):
        sigaction(sig, int(str(sig) in ignored))
    Agent(control, Process(spec[2])).serve((0, None))


OWN: dict[str, Callable[..., Any]] = {
    "clone": Agent.clone,
    "fork": Agent.fork,
    "thread": Agent.thread,
    "execve": Agent.execve,
    "sigaction": Agent.sigaction,
    "exit": Agent.exit,
    "exit_thread": Agent.exit_thread,
    "received": Agent.received,
}
CALLS = {name: guarded(call) for name, call in TABLE.items() if name not in OWN}
#: The package's folder.
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
