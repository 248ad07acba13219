"""A machine as it leaves the zygote, and why one cannot be had."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux.calls import capget
from nscore.linux.calls.creation import GLIBC
from nscore.linux.wire import CONTROL, receive_descriptors
from nscore.linux.zygotes import Zygote, zygote

CAP_SYS_ADMIN = 21
#: Seconds within which a dying init is expected to be gone.
PATIENCE = 10.0
SIM = "or set NSCORE_BACKEND=sim for the model"

#: The switches that keep user namespaces from ordinary users: the file, the value that forbids, the remedy.
SWITCHES = (
    ("/proc/sys/user/max_user_namespaces", "0", "Set the sysctl user.max_user_namespaces above 0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "Set the sysctl kernel.unprivileged_userns_clone to 1"),
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "Set the sysctl kernel.apparmor_restrict_unprivileged_userns to 0"),
)


class Booted:
    """A machine's init and what the driver holds of it.

    Attributes:
        pidfd: The init.
        control: The driver's end of the init's socket.
        proc: A directory descriptor of the machine's /proc.
    """

    def __init__(self, zygote: Zygote, pid: int, pidfd: int, control: int, proc: int) -> None:
        self._zygote, self._pid = zygote, pid
        self.pidfd, self.control, self.proc = pidfd, control, proc

    def inherited(self) -> bool:
        """Whether this is a copy in a forked child, which must not touch the machine."""
        return self._zygote.control < 0

    def kill(self) -> None:
        """Kill the init, which ends all others first, and have it reaped."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        if not ended(self.pidfd):
            raise TimeoutError("the machine's init does not end: something outside holds a number of its namespace")
        self._zygote.reap(self._pid)

    def close(self) -> None:
        """Close the descriptors that nobody else closes, and let go of the zygote, which may have been replaced."""
        del self._zygote
        os.close(self.pidfd)
        os.close(self.proc)


def ended(pidfd: int) -> bool:
    """Wait until the process is dead."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(PATIENCE * 1000))


def booted(keeper_of: Callable[[], Zygote] = zygote) -> Booted:
    """Boot a machine: with CAP_SYS_ADMIN as it is, otherwise in a user namespace where the caller is 0.

    Args:
        keeper_of: What gives the zygote to ask.
    """
    check_proc()
    check_limit()
    if not GLIBC:
        raise Unavailable("a C library other than glibc does not survive a raw clone, which agents are made by", f"Use glibc, {SIM}")
    ids = None if capabilities() >> CAP_SYS_ADMIN & 1 else (os.geteuid(), os.getegid())
    keeper = keeper_of()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid, pidfd = keeper.boot(theirs.fileno(), ids)
    except OSError as error:
        ours.close()
        raise refused(error, "clone", ids) from error
    finally:
        theirs.close()
    control = ours.detach()
    hello, descriptors = receive_descriptors(control)
    if hello == (0, None):
        return Booted(keeper, pid, pidfd, control, descriptors[0])
    try:
        Booted(keeper, pid, pidfd, control, control).kill()
    finally:
        os.close(pidfd)
        os.close(control)
    if hello is None:
        raise Unavailable("the machine's init died before it said a word", f"Run it elsewhere, {SIM}")
    number, step = hello
    raise refused(OSError(number, os.strerror(number)), step, ids)


def capabilities() -> int:
    """The effective ones of the calling thread.  capget(2)"""
    return capget()[0]


def check_proc() -> None:
    """Unavailable where /proc does not show this process by its own number."""
    try:
        shown = os.readlink("/proc/self")
    except OSError:
        shown = "nothing"
    if shown != str(os.getpid()):
        raise Unavailable(
            f"/proc shows {shown} for this process, whose PID is {os.getpid()}: it is of another PID namespace, or not mounted",
            f"Mount proc on /proc in this PID namespace, {SIM}",
        )


def check_limit() -> None:
    """Unavailable where an agent's own descriptors would lie beyond the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard <= CONTROL:
        raise Unavailable(f"RLIMIT_NOFILE is {hard}, and agents keep descriptors up to {CONTROL}", f"Raise the hard limit, {SIM}")


def refused(error: OSError, step: str, ids: tuple[int, int] | None) -> Unavailable:
    """What it means that the kernel refused a step of the boot."""
    who = "an ordinary user" if ids else "root"
    reason = f"{who} cannot boot a machine here: {step}: {os.strerror(error.errno or 0)}"
    if step == "mount of /proc":
        return Unavailable(
            reason, f"A container's /proc is masked: start it without masked paths (--security-opt systempaths=unconfined), {SIM}"
        )
    if step == "clone" and ids:
        return Unavailable(reason, f"{forbidding() or 'Allow user namespaces, or run as root with CAP_SYS_ADMIN'}, {SIM}")
    if step == "clone":
        return Unavailable(reason, f"Raise the limits of namespaces in /proc/sys/user, {SIM}")
    return Unavailable(reason, f"Run it elsewhere, {SIM}")


def forbidding() -> str:
    """The remedy of the first switch that keeps user namespaces from ordinary users; "" if none does."""
    for path, value, remedy in SWITCHES:
        with suppress(OSError), open(path) as file:
            if file.read().strip() == value:
                return remedy
    return ""
