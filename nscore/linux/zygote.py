"""The father of every machine's init: a small interpreter of one thread that the driver starts at its first boot.

It has none of the driver's threads, memory or descriptors, so that it clones soundly and fast whatever the driver is.  It reaps the inits,
and when its driver is gone, by a pidfd or by the end of their socket, it kills them and ends: no thread of the user's and no descriptor
that a forked worker holds can keep a machine alive, or end it.
"""

from __future__ import annotations

import os
import resource
import select
import sys
import time

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import close, close_range, pidfd_send_signal, prctl
from nscore.linux.calls.creation import NEWIPC, NEWNS, NEWPID, NEWUSER, NEWUTS, PIDFD, SIGCHLD, raw
from nscore.linux.init import SIGKILL, armed, begin, reset_signals
from nscore.linux.wire import CONTROL, FAULT, RESERVED, described, receive_descriptors, reserve, send_descriptors

PR_SET_DUMPABLE, PR_SET_NAME = 4, 15
MACHINE = NEWPID | NEWNS | NEWUTS | NEWIPC
#: How long the end of killed inits is waited for, in seconds, before it is left to whoever adopts them.
PATIENCE = 1.0


def main(control: int, driver: int) -> None:
    """Leave the driver's session and children, and serve until it is gone.

    Args:
        control: The socket of requests.
        driver: A pidfd of the driver.
    """
    try:
        os.setsid()
        if os.fork():
            os._exit(0)  # so that the zygote leads no session, and the driver's wait() never meets it
        control, driver = settle_down(control, driver)
        armed()
        send_descriptors(control, (0, None), ())
        Zygote(control, driver).serve()
    except BrokenPipeError:  # the driver died before it heard of us
        os._exit(0)
    except BaseException:
        send_descriptors(control, (FAULT, described()), ())
        os._exit(1)
    os._exit(0)


def settle_down(control: int, driver: int, name: str = "nscore-zygote") -> tuple[int, int]:
    """Limits, descriptors, signals and a name of its own; the numbers of the two descriptors from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, CONTROL + 1), hard), hard))
    floor = min(RESERVED, hard - 2)  # no machine boots where the limit is low, but commands run
    control, driver = reserve(control, floor), reserve(driver, floor)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    close_range(3, min(control, driver) - 1)
    close_range(max(control, driver) + 1, 0x7FFFFFFF)
    reset_signals(None)
    prctl(PR_SET_DUMPABLE, 1)  # a forked one whose driver has changed its ids: else the files of its inits in /proc are root's
    prctl(PR_SET_NAME, name)
    return control, driver


def lift_limit() -> None:
    """As many descriptors as may be, for one that keeps some for each command that lives."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Zygote:
    """The inits that live, by their pidfds."""

    def __init__(self, control: int, driver: int) -> None:
        self.control, self.driver = control, driver
        self.inits: dict[int, int] = {}
        self.poll = select.poll()
        for fd in (control, driver):
            self.poll.register(fd, select.POLLIN)

    def serve(self) -> None:
        """Answer requests and reap until the driver is gone; then kill."""
        alive = True
        while alive:
            for fd, _ in self.poll.poll():
                if fd in self.inits:
                    self.reap(fd)
                elif fd == self.driver or not self.request():
                    alive = False
        self.end()

    def request(self) -> bool:
        """Answer one: (serial, name, arguments) by (serial, errno, result)."""
        message, descriptors = receive_descriptors(self.control)
        if message is None:
            return False
        serial, name, args = message
        try:
            if name == "boot":
                pid, pidfd = self.boot(descriptors[0], *args)
                send_descriptors(self.control, (serial, 0, pid), (pidfd,))
            else:
                self.wait(args[0])
                send_descriptors(self.control, (serial, 0, None), ())
        except BrokenPipeError:
            return False
        except OSError as error:
            send_descriptors(self.control, (serial, error.errno, None), ())
        except Exception:
            send_descriptors(self.control, (serial, FAULT, described()), ())
        return True

    def boot(self, theirs: int, ids: tuple[int, int] | None, image: str) -> tuple[int, int]:
        """Clone an init; its PID and a pidfd."""
        try:
            flags = MACHINE | PIDFD | (NEWUSER if ids else 0)
            pid, pidfd = raw(flags, SIGCHLD, ())
            if pid == 0:
                try:
                    begin(theirs, ids, image)
                finally:
                    os._exit(1)  # an init that fails does not go on as a zygote
        finally:
            close(theirs)
        assert pidfd is not None
        self.inits[pidfd] = pid
        self.poll.register(pidfd, select.POLLIN)
        return pid, pidfd

    def wait(self, pid: int) -> None:
        """Reap the init if it has not been: it is dying."""
        for fd in [fd for fd, init in self.inits.items() if init == pid]:
            self.reap(fd)

    def reap(self, fd: int) -> None:
        """Reap the init of a pidfd."""
        os.waitid(os.P_PIDFD, fd, os.WEXITED)
        self.poll.unregister(fd)
        del self.inits[fd]
        os.close(fd)

    def end(self) -> None:
        """Kill all inits and, unless something outside holds one of them up, reap them."""
        for fd in self.inits:
            pidfd_send_signal(fd, SIGKILL)
        limit = time.monotonic() + PATIENCE
        self.poll.unregister(self.control)
        self.poll.unregister(self.driver)
        while self.inits and (left := limit - time.monotonic()) > 0:
            for fd, _ in self.poll.poll(left * 1000):
                self.reap(fd)
