"""The process that keeps the namespaces of commands: it makes their inits, and kills an init when its command has ended.

It is a small interpreter of one thread, started at its caller's first run() and PID 1 of a namespace of its own, so that whatever ends it
ends every command.  It gives out namespaces and never an authority: nothing is executed by it.  A command is born of its caller, which
joins the namespace of an init that waits here in stock.

An init runs no code: it is clone(pause) in the keeper's own memory, with SIGCHLD ignored, so that the kernel reaps what it adopts.
"""

from __future__ import annotations

import mmap
import os
import select
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.linux.calls import (
    close,
    fsconfig,
    fsmount,
    fsopen,
    pidfd_get_namespace,
    pidfd_send_signal,
    prctl,
    recvmsg,
    sendmsg,
    setns,
    sigaction,
    socketpair,
    unshare,
)
from nscore.linux.calls.creation import FILES, NEWNS, NEWPID, NEWUSER, PIDFD, SIGCHLD, VM, raw
from nscore.linux.calls.syscall import clone_pause
from nscore.linux.init import FSCONFIG_CMD_CREATE, SIGKILL, map_ids
from nscore.linux.surround import receive_only
from nscore.linux.wire import FAULT, MSG_CMSG_CLOEXEC, MSG_NOSIGNAL, SEQPACKET_CLOEXEC, described, send_descriptors
from nscore.linux.zygote import PR_SET_DUMPABLE, lift_limit, settle_down

if TYPE_CHECKING:
    from typing import NoReturn

#: Inits that wait for a command, and the bytes of the stack on which one sleeps.
STOCK, STACK = 6, 65536
#: The bytes that say why there is none.
WORDS = 200
#: The PID of whoever mounts /proc from inside.
MEMBER = 300
#: How often a limit of namespaces is tried again where somebody waits, and the seconds between.
TRIES, PAUSE = 20, 0.01
#: What the caller says: the last but one of the inits has been taken, the last one has and somebody waits; this is the command of that
#: init, which is to end with it; kill that init.
MORE, NOW, WATCH, KILL = b"m", b"n", b"w", b"k"

IGNORE = 1
EINVAL, ENOTTY, ENOSPC = 22, 25, 28
FSCONFIG_SET_FD, FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC = 5, 1, 1
PIDFD_GET_PID_NAMESPACE = 5
#: MOUNT_ATTR_NOSUID, _NODEV and _NOEXEC, as everybody mounts proc.
PROC_ATTRIBUTES = 2 | 4 | 8


def main(control: int, caller: int, uid: int, gid: int) -> None:
    """Become PID 1 of a namespace and serve until the caller is gone.

    Args:
        control: The socket to the caller.
        caller: A pidfd of the caller.
        uid: Whom the user namespace maps, to itself; -1 for no user namespace.
        gid: Likewise.
    """
    try:
        os.setsid()
        if uid < 0:
            unshare(NEWPID)
        else:
            unshare(NEWUSER | NEWPID)
            prctl(PR_SET_DUMPABLE, 1)  # of a caller with several ids: else the files of its maps are root's
            map_ids((uid, gid), (uid, gid))
        if not may_mount():
            unshare(NEWNS)
            receive_only()
        if os.fork():
            os._exit(0)  # the caller's wait() never meets the keeper
        control, caller = settle_down(control, caller, "nscore-keeper")
        sigaction(SIGCHLD, IGNORE)
        lift_limit()
        memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        send_descriptors(control, (0, None), (memory,))
        os.close(memory)
        keeper = Keeper(control, caller)
        keeper.more(NOW, 0)
        keeper.serve()
    except BrokenPipeError:
        pass
    except OSError as error:
        send_descriptors(control, (error.errno or FAULT, str(error.strerror)), ())
    except BaseException:
        send_descriptors(control, (FAULT, described()), ())
    os._exit(0)


class Init:
    """One that waits or serves: its pidfd and the stack on which it sleeps; its command's pidfd, if that is to be watched."""

    __slots__ = ("command", "pidfd", "serial", "stack")

    def __init__(self, serial: int, pidfd: int, stack: mmap.mmap) -> None:
        self.serial, self.pidfd, self.stack = serial, pidfd, stack
        self.command = -1


class Keeper:
    """The inits that live.  It sleeps while commands are born and end, whose processors are few: only what it is told wakes it up."""

    def __init__(self, control: int, caller: int) -> None:
        self.control, self.caller = control, caller
        self.home = os.open("/proc/thread-self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self.has_option = True
        self.serial = 0
        self.inits: dict[int, Init] = {}
        self.commands: dict[int, Init] = {}
        self.stacks: list[mmap.mmap] = []
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.poll.register(caller, select.POLLIN)

    def serve(self) -> None:
        """Obey, and kill the inits of commands that end, until the caller is gone; the end of this process is the end of all inits."""
        while True:
            for fd, _ in self.poll.poll():
                if fd == self.caller or (fd == self.control and not self.obey()):
                    return
                if fd in self.commands:
                    init = self.commands.pop(fd)
                    init.command = -1
                    self.poll.unregister(fd)
                    close(fd)
                    kill(init.pidfd)

    def obey(self) -> bool:
        """Take one message: a letter, the serial number of an init, perhaps a descriptor."""
        try:
            data, descriptors, _, _ = recvmsg(self.control, 8, MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            return False
        if not data:
            return False
        letter, serial = data[:1], int.from_bytes(data[1:], "little")
        init = self.inits.get(serial)
        if letter in (MORE, NOW):
            self.more(letter, serial)
        elif init is not None and letter == KILL:
            kill(init.pidfd)
        elif init is not None:
            self.commands[descriptors[0]] = init
            init.command = descriptors[0]
            self.poll.register(init.command, select.POLLIN)
        return True

    def more(self, letter: bytes, taken: int) -> None:
        """Put inits into the socket, whence any thread of the caller takes one, until STOCK are there beyond those taken; one at least.

        Whoever takes the last but one is told so with it, and asks for more.  Where none can be made whoever waits gets an errno instead.
        """
        self.bury()
        last = max(taken + STOCK, self.serial + 1)
        tries = TRIES if letter == NOW else 1
        while self.serial < last:
            try:
                init, proc = self.make()
            except OSError as error:
                tries -= 1
                if tries > 0 and error.errno == ENOSPC:
                    time.sleep(PAUSE)  # the kernel counts what it has not yet taken apart
                    continue
                if letter == NOW:
                    self.say(error.errno or 0, str(error.strerror).encode()[:WORDS])
                return
            self.say(init.serial, bytes((init.serial == last - 1,)), init.pidfd, proc)
            close(proc)
            letter, tries = MORE, 1

    def say(self, number: int, data: bytes, *descriptors: int) -> None:
        sendmsg(self.control, number.to_bytes(4, "little") + data, descriptors, None, MSG_NOSIGNAL)

    def bury(self) -> None:
        """Forget the inits that have ended; their stacks are used again."""
        poll = select.poll()
        for init in self.inits.values():
            poll.register(init.pidfd, select.POLLIN)
        ended = {fd for fd, _ in poll.poll(0)}
        for init in [init for init in self.inits.values() if init.pidfd in ended]:
            del self.inits[init.serial]
            self.stacks.append(init.stack)
            close(init.pidfd)
            if init.command >= 0:
                del self.commands[init.command]
                self.poll.unregister(init.command)
                close(init.command)

    def make(self) -> tuple[Init, int]:
        """An init in a new PID namespace, and its /proc as a mount that is nowhere yet."""
        stack = self.stacks.pop() if self.stacks else mmap.mmap(-1, STACK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pidfd = clone_pause(stack, VM | FILES | NEWPID | PIDFD | SIGCHLD)
        self.serial += 1
        init = self.inits[self.serial] = Init(self.serial, pidfd, stack)
        try:
            return init, self.mounted(pidfd)
        except OSError:
            kill(pidfd)
            raise

    def mounted(self, pidfd: int) -> int:
        """A detached /proc of the init's namespace: by proc's option pidns since Linux 6.18, before that by a member of it."""
        if self.has_option:
            try:
                return self.by_option(pidfd)
            except OSError as error:
                if error.errno not in (EINVAL, ENOTTY):  # no such option; before 6.11 no such ioctl
                    raise
            self.has_option = False
        return self.by_member(pidfd)

    def by_option(self, pidfd: int) -> int:
        """Name the namespace to proc."""
        namespace = pidfd_get_namespace(pidfd, PIDFD_GET_PID_NAMESPACE)
        try:
            return proc_mount(namespace)
        finally:
            close(namespace)

    def by_member(self, pidfd: int) -> int:
        """Have a process that is forked into the namespace make the mount."""
        ours, theirs = socketpair(1, SEQPACKET_CLOEXEC)
        setns(pidfd, NEWPID)
        pid = -1
        try:
            # By a number of its own choice, which leaves the next one to the command: 2, as with the option.
            pid, _ = raw(0, SIGCHLD, (MEMBER,))
            if pid == 0:
                tell_mount(theirs)
        finally:
            if pid:
                setns(self.home, NEWPID)
        close(theirs)
        data, descriptors, _, _ = recvmsg(ours, 1, MSG_CMSG_CLOEXEC)
        close(ours)
        if not descriptors:
            number = data[0] if data else 0
            raise OSError(number, f"mount of /proc: {os.strerror(number)}")
        return descriptors[0]


def tell_mount(told: int) -> NoReturn:
    """In a member of the namespace: make the mount, hand it over, and end."""
    try:
        sendmsg(told, b"\0", (proc_mount(None),))
    except OSError as error:
        sendmsg(told, bytes((error.errno or 0,)))
    finally:
        os._exit(0)


def kill(pidfd: int) -> None:
    """Kill what may have ended meanwhile."""
    with suppress(ProcessLookupError):
        pidfd_send_signal(pidfd, SIGKILL)


def may_mount() -> bool:
    """Whether the mount namespace is of our user namespace, or of one below: with another one there is no fsopen."""
    try:
        close(fsopen("proc", FSOPEN_CLOEXEC))
    except PermissionError:
        return False
    return True


def proc_mount(namespace: int | None) -> int:
    """A mount of proc for that PID namespace, or for the caller's own."""
    fs = fsopen("proc", FSOPEN_CLOEXEC)
    try:
        if namespace is not None:
            fsconfig(fs, FSCONFIG_SET_FD, "pidns", None, namespace)
        fsconfig(fs, FSCONFIG_CMD_CREATE)
        return fsmount(fs, FSMOUNT_CLOEXEC, PROC_ATTRIBUTES)
    finally:
        close(fs)
