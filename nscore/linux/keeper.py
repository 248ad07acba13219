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
    recvmsg,
    sendmsg,
    setns,
    sigaction,
    socketpair,
    unshare,
)
from nscore.linux.calls.creation import FILES, NEWNS, NEWPID, NEWUSER, PIDFD, SIGCHLD, VM
from nscore.linux.calls.syscall import clone_pause
from nscore.linux.init import FSCONFIG_CMD_CREATE, SIGKILL, map_ids
from nscore.linux.wire import FAULT, MSG_CMSG_CLOEXEC, MSG_NOSIGNAL, SEQPACKET_CLOEXEC, described, send_descriptors
from nscore.linux.zygote import settle_down

#: Inits that wait for a command, and the bytes of the stack on which one sleeps.
STOCK, STACK = 2, 65536
#: In the place of a command's pidfd: none yet, none any more.
WAITING, SERVED = -1, -2
#: What the caller says: this is the command of that init; kill that init; kill this command if the caller dies.
WATCH, KILL, GUARD = b"w", b"k", b"g"

IGNORE, EINVAL = 1, 22
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
            unshare(NEWUSER | NEWPID | NEWNS)
            map_ids((uid, gid), (uid, gid))
        if os.fork():
            os._exit(0)  # the caller's wait() never meets the keeper
        control, caller = settle_down(control, caller, "nscore-keeper")
        sigaction(SIGCHLD, IGNORE)
        send_descriptors(control, (0, None), ())
        keeper = Keeper(control, caller)
        keeper.fill(STOCK)
        keeper.serve()
    except BrokenPipeError:
        pass
    except OSError as error:
        send_descriptors(control, (error.errno or FAULT, str(error)), ())
    except BaseException:
        send_descriptors(control, (FAULT, described()), ())
    os._exit(0)


class Init:
    """One that waits or serves: its pidfd, a detached mount of its /proc until it is given away, its command's pidfd."""

    __slots__ = ("command", "pidfd", "proc", "serial", "stack")

    def __init__(self, serial: int, pidfd: int, stack: mmap.mmap) -> None:
        self.serial, self.pidfd, self.stack = serial, pidfd, stack
        self.proc, self.command = -1, WAITING


class Keeper:
    """The inits that live, by their serial numbers, and what is polled, by descriptor."""

    def __init__(self, control: int, caller: int) -> None:
        self.control, self.caller = control, caller
        self.home = os.open("/proc/thread-self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self.has_option = True
        self.inits: dict[int, Init] = {}
        self.by_fd: dict[int, Init] = {}
        self.guarded: dict[int, None] = {}
        self.stacks: list[mmap.mmap] = []
        self.forgotten: list[int] = []
        self.serial = self.ready = 0
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.poll.register(caller, select.POLLIN)

    def serve(self) -> None:
        """Obey, kill and refill until the caller is gone; the end of this process is the end of all inits."""
        while True:
            # While a command is being born the processors are its own: the stock is filled when one has ended.
            wanted = 1
            for fd, _ in self.poll.poll():
                if fd == self.caller or (fd == self.control and not self.obey()):
                    for command in self.guarded:
                        self.kill(command)
                    return
                if fd in self.guarded:
                    del self.guarded[fd]
                    self.forget(fd)
                elif fd in self.by_fd:
                    self.ended(fd)
                    wanted = STOCK
            while self.forgotten:  # not before: a number that is used again would be taken for the old one's event
                close(self.forgotten.pop())
            self.fill(wanted)

    def obey(self) -> bool:
        """Take one message: a letter, the serial number of an init, perhaps a descriptor."""
        try:
            data, descriptors, _, _ = recvmsg(self.control, 8, MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            return False
        if not data:
            return False
        init = self.inits.get(int.from_bytes(data[1:], "little"))
        if data[:1] == GUARD:
            self.guarded[descriptors[0]] = None
            self.poll.register(descriptors[0], select.POLLIN)
        elif data[:1] == KILL and init is not None:
            self.kill(init.pidfd)
        elif data[:1] == WATCH and init is not None:
            self.ready -= 1
            init.command = descriptors[0]
            self.by_fd[init.command] = init
            self.poll.register(init.command, select.POLLIN)
        else:  # its init is dead already
            self.forgotten.extend(descriptors)
        return True

    def ended(self, fd: int) -> None:
        """A command has ended, and so must its init; or an init has."""
        init = self.by_fd.pop(fd)
        self.forget(fd)
        if fd == init.command:
            init.command = SERVED
            self.kill(init.pidfd)
            return
        del self.inits[init.serial]
        self.stacks.append(init.stack)
        if init.command >= 0:
            del self.by_fd[init.command]
            self.forget(init.command)
        self.ready -= init.command == WAITING

    def forget(self, fd: int) -> None:
        self.poll.unregister(fd)
        self.forgotten.append(fd)

    def kill(self, pidfd: int) -> None:
        with suppress(ProcessLookupError):
            pidfd_send_signal(pidfd, SIGKILL)

    def fill(self, wanted: int) -> None:
        """Make inits until so many wait in the socket, whence any thread of the caller takes one."""
        while self.ready < wanted:
            init = self.make()
            self.ready += 1
            sendmsg(self.control, init.serial.to_bytes(4, "little"), (init.pidfd, init.proc), None, MSG_NOSIGNAL)
            close(init.proc)

    def make(self) -> Init:
        """An init in a new PID namespace, and its /proc as a mount that is nowhere yet."""
        stack = self.stacks.pop() if self.stacks else mmap.mmap(-1, STACK, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pidfd = clone_pause(stack, VM | FILES | NEWPID | PIDFD | SIGCHLD)
        self.serial += 1
        init = self.inits[self.serial] = self.by_fd[pidfd] = Init(self.serial, pidfd, stack)
        self.poll.register(pidfd, select.POLLIN)
        init.proc = self.mounted(pidfd)
        return init

    def mounted(self, pidfd: int) -> int:
        """A detached /proc of the init's namespace: by proc's option pidns since Linux 6.18, before that by a member of it."""
        if self.has_option:
            namespace = pidfd_get_namespace(pidfd, PIDFD_GET_PID_NAMESPACE)
            try:
                return proc_mount(namespace)
            except OSError as error:
                if error.errno != EINVAL:
                    raise
            finally:
                close(namespace)
            self.has_option = False
        return self.by_member(pidfd)

    def by_member(self, pidfd: int) -> int:
        """Have a process that is forked into the namespace make the mount."""
        ours, theirs = socketpair(1, SEQPACKET_CLOEXEC)
        setns(pidfd, NEWPID)
        try:
            pid = os.fork()
        finally:
            setns(self.home, NEWPID)
        if pid == 0:
            try:
                sendmsg(theirs, b"\0", (proc_mount(None),))
            except OSError as error:
                sendmsg(theirs, bytes((error.errno or 0,)))
            finally:
                os._exit(0)
        close(theirs)
        data, descriptors, _, _ = recvmsg(ours, 1, MSG_CMSG_CLOEXEC)
        close(ours)
        if not descriptors:
            number = data[0] if data else 0
            raise OSError(number, f"mount of /proc: {os.strerror(number)}")
        return descriptors[0]


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
