"""Connected pairs of sockets.  Models net/unix/af_unix.c, and of net/socket.c the calls on them.

Left out: names, listening, the other families.  A queue is full when its bytes fill the sender's buffer; Linux counts the memory that
they take.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import AddressFamily, MessageFlag, PollEvent, Signal, SocketType
from nscore_sim.dcache import Dentry, Path
from nscore_sim.file import O_NONBLOCK, O_RDWR, File, fd_install, fget, get_unused_fds
from nscore_sim.inode import Inode
from nscore_sim.mount import kern_mount
from nscore_sim.pidfs import pidfs_register_pid
from nscore_sim.sched import Restart, Sleep, signal_pending, sleep_on, wake_up
from nscore_sim.scm import ScmCookie, drop_files, scm_copy, scm_credentials, scm_destroy, scm_detach_fds, scm_send, scm_set_cred
from nscore_sim.signal import send_sig

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.inode import SuperBlock
    from nscore_sim.sched import WaitQueueHead
    from nscore_sim.task import Task

SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET = int(SocketType.STREAM), int(SocketType.DGRAM), int(SocketType.SEQPACKET)
SOCK_NONBLOCK, SOCK_CLOEXEC = int(SocketType.NONBLOCK), int(SocketType.CLOEXEC)
SOCK_TYPE_MASK, SOCK_RAW = 0xF, 3

MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT = int(MessageFlag.PEEK), int(MessageFlag.TRUNC), int(MessageFlag.DONTWAIT)
MSG_NOSIGNAL, MSG_CMSG_CLOEXEC = int(MessageFlag.NOSIGNAL), int(MessageFlag.CMSG_CLOEXEC)

SOL_SOCKET, SO_PASSCRED = 1, 16
#: Options that change nothing here.  asm-generic/socket.h: SO_REUSEADDR, SNDBUF, RCVBUF, KEEPALIVE, PASSPIDFD
IGNORED_OPTIONS = (2, 7, 8, 9, 76)

#: net.core.wmem_default
SNDBUF = 212992

POLL_READABLE = int(PollEvent.IN | PollEvent.RDNORM)
POLL_WRITABLE = int(PollEvent.OUT | PollEvent.WRNORM | PollEvent.WRBAND)
POLL_HUP, POLL_ERR, POLL_RDHUP = int(PollEvent.HUP), int(PollEvent.ERR), int(PollEvent.RDHUP)


class Message:
    """A message in a queue, or what is left of it.  include/linux/skbuff.h:sk_buff, net/af_unix.h:unix_skb_parms"""

    __slots__ = ("data", "scm")

    def __init__(self, data: bytes, scm: ScmCookie) -> None:
        self.data = data
        self.scm = scm


class UnixSock(Inode):
    """An end of a pair.  include/net/af_unix.h:unix_sock"""

    __slots__ = ("passcred", "peer", "queue", "refused", "reset", "type", "wait")

    def __init__(self, i_sb: SuperBlock, i_uid: int, i_gid: int, type: int) -> None:
        super().__init__(i_sb, i_sb.new_ino(), stat.S_IFSOCK | 0o777, i_uid, i_gid)
        self.type = type
        self.queue: list[Message] = []
        self.peer: UnixSock | None = None  #: None once the other end is closed
        self.passcred = False
        self.refused = False  #: it has sent to an end that was closed
        self.reset = False  #: the other end was closed with something unread
        self.wait: WaitQueueHead = {}

    def dname(self, dentry: Dentry) -> str:
        return f"socket:[{self.i_ino}]"

    def open(self, task: Task, path: Path, flags: int) -> File:
        raise Errno("ENXIO")


class SocketFile(File):
    """net/socket.c:socket_file_ops"""

    __slots__ = ("sock",)
    seekable = False

    def __init__(self, sock: UnixSock, path: Path, flags: int, task: Task) -> None:
        super().__init__(path, flags, task.cred)
        self.sock = sock

    def read(self, task: Task, n: int, pos: int) -> bytes | Sleep | Restart:
        """What came along is lost.  net/socket.c:sock_read_iter"""
        received = unix_recvmsg(task, self, n, 0)
        if not isinstance(received, tuple):
            return received
        data, scms, _ = received
        for scm in scms:
            scm_destroy(task, scm)
        return data

    def write(self, task: Task, data: bytes, pos: int) -> int | Sleep | Restart:
        """net/socket.c:sock_write_iter"""
        return unix_sendmsg(task, self, data, ScmCookie(), 0)

    def poll(self, task: Task) -> int:
        """net/unix/af_unix.c:unix_poll"""
        sock = self.sock
        closed = sock.peer is None and sock.type != SOCK_DGRAM
        mask = POLL_READABLE if sock.queue or closed else 0
        if sock.reset:
            mask |= POLL_ERR
        if closed:
            mask |= POLL_RDHUP | POLL_HUP
        return mask | (POLL_WRITABLE if sock.peer is None or has_room(sock.peer, 1) else 0)

    def poll_wait(self, task: Task) -> tuple[WaitQueueHead, ...]:
        peer = self.sock.peer
        return (self.sock.wait,) if peer is None else (self.sock.wait, peer.wait)

    def release(self, task: Task) -> None:
        """net/unix/af_unix.c:unix_release_sock"""
        sock, peer = self.sock, self.sock.peer
        unread, sock.queue = sock.queue, []
        if peer is not None:
            peer.reset = bool(unread) and sock.type != SOCK_DGRAM
            peer.peer = sock.peer = None
            wake_up(peer.wait)
        for message in unread:
            scm_destroy(task, message.scm)
        wake_up(sock.wait)


def has_room(receiver: UnixSock, size: int) -> bool:
    """Whether the sender's buffer takes size bytes more.  net/unix/af_unix.c:unix_writable"""
    return sum(len(message.data) for message in receiver.queue) + size <= SNDBUF


def socketpair(task: Task, family: int, type: int, proto: int) -> Plain:
    """socketpair(2).  net/socket.c:__sys_socketpair, net/unix/af_unix.c:unix_create, unix_socketpair"""
    flags, kind = type & ~SOCK_TYPE_MASK, type & SOCK_TYPE_MASK
    if flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC):
        raise Errno("EINVAL")
    fds = get_unused_fds(task, 2)
    if family != AddressFamily.UNIX:
        raise Errno("EOPNOTSUPP" if family == AddressFamily.INET else "EAFNOSUPPORT")
    if proto not in (0, AddressFamily.UNIX):
        raise Errno("EPROTONOSUPPORT")
    kind = SOCK_DGRAM if kind == SOCK_RAW else kind
    if kind not in (SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET):
        raise Errno("ESOCKTNOSUPPORT")
    pidfs_register_pid(task.group_leader.thread_pid)  # its peers may want to know: prepare_peercred
    mnt = kern_mount(task.kernel, "sockfs")
    ends = [UnixSock(mnt.mnt_sb, task.cred.fsuid, task.cred.fsgid, kind) for _ in fds]
    ends[0].peer, ends[1].peer = ends[1], ends[0]
    for fd, sock in zip(fds, ends):
        file = SocketFile(sock, Path(mnt, Dentry("", None, sock)), O_RDWR | flags & SOCK_NONBLOCK, task)
        fd_install(task, fd, file, bool(flags & SOCK_CLOEXEC))
    return tuple(fds)


def sockfd_lookup(task: Task, fd: int) -> SocketFile:
    """EBADF, ENOTSOCK.  net/socket.c:sockfd_lookup_light"""
    file = fget(task, fd)
    if not isinstance(file, SocketFile):
        raise Errno("ENOTSOCK")
    return file


def setsockopt(task: Task, fd: int, level: int, option: int, value: int) -> Plain:
    """setsockopt(2).  net/core/sock.c:sk_setsockopt"""
    sock = sockfd_lookup(task, fd).sock
    if level != SOL_SOCKET:
        raise Errno("EOPNOTSUPP")
    if option == SO_PASSCRED:
        sock.passcred = bool(value)
    elif option not in IGNORED_OPTIONS:
        raise Errno("ENOPROTOOPT")
    return None


def sendmsg(
    task: Task, fd: int, data: bytes, rights: tuple[int, ...], credentials: tuple[int, int, int] | None, flags: int
) -> Plain | Sleep | Restart:
    """sendmsg(2).  net/socket.c:__sys_sendmsg"""
    file = sockfd_lookup(task, fd)
    scm = scm_send(task, rights, credentials)
    sent = False
    try:
        out = unix_sendmsg(task, file, data, scm, flags)
        sent = isinstance(out, int)
        return out
    finally:
        if not sent:
            scm_destroy(task, scm)


def unix_sendmsg(task: Task, file: SocketFile, data: bytes, scm: ScmCookie, flags: int) -> int | Sleep | Restart:
    """net/unix/af_unix.c:unix_stream_sendmsg, unix_dgram_sendmsg"""
    sock = file.sock
    peer = sock.peer
    if peer is None:
        if sock.type == SOCK_DGRAM:
            # Whoever notices that the other end is gone forgets it.
            refused, sock.refused = sock.refused, True
            raise Errno("ENOTCONN" if refused else "ECONNREFUSED")
        if not flags & MSG_NOSIGNAL:
            send_sig(int(Signal.PIPE), task, force=False)
        raise Errno("EPIPE")
    if sock.type != SOCK_STREAM and len(data) > SNDBUF - 32:
        raise Errno("EMSGSIZE")
    if not data and sock.type == SOCK_STREAM:
        scm_destroy(task, scm)
        return 0
    if not has_room(peer, len(data)) and (peer.queue or sock.type != SOCK_STREAM):
        if flags & MSG_DONTWAIT or file.f_flags & O_NONBLOCK:
            raise Errno("EAGAIN")
        return Restart.SYS if signal_pending(task) else sleep_on(task, peer.wait)
    if scm.pid is None and (sock.passcred or peer.passcred):
        tgid = task.group_leader.thread_pid
        pidfs_register_pid(tgid)
        scm_set_cred(scm, tgid, task.cred.uid, task.cred.gid)
    peer.queue.append(Message(data, scm))
    wake_up(peer.wait)
    return len(data)


Received = tuple[bytes, "list[ScmCookie]", int]


def recvmsg(task: Task, fd: int, n: int, flags: int) -> Plain | Sleep | Restart:
    """recvmsg(2): the fields of results.Message.  net/socket.c:__sys_recvmsg"""
    file = sockfd_lookup(task, fd)
    received = unix_recvmsg(task, file, n, flags)
    if not isinstance(received, tuple):
        return received
    data, scms, msg_flags = received
    credentials = (scm_credentials(task, scms[0]) if scms else (0, 0, 0)) if file.sock.passcred else None
    fds, truncated = scm_detach_fds(task, [passed for scm in scms for passed in scm.fp], flags)
    for scm in scms:
        scm_destroy(task, scm)
    return data, fds, credentials, msg_flags | truncated | flags & MSG_CMSG_CLOEXEC


def unix_recvmsg(task: Task, file: SocketFile, n: int, flags: int) -> Received | Sleep | Restart:
    """Data, and what came with it, which the caller has to drop.  net/unix/af_unix.c:unix_recvmsg"""
    sock = file.sock
    if not sock.queue:
        if sock.reset:
            sock.reset = False
            raise Errno("ECONNRESET")
        if sock.peer is None and sock.type != SOCK_DGRAM:
            return b"", [], 0
        if flags & MSG_DONTWAIT or file.f_flags & O_NONBLOCK:
            raise Errno("EAGAIN")
        return Restart.SYS if signal_pending(task) else sleep_on(task, sock.wait)
    received = unix_stream_read(task, sock, n, flags) if sock.type == SOCK_STREAM else unix_dgram_read(sock, n, flags)
    wake_up(sock.wait)
    return received


def unix_dgram_read(sock: UnixSock, n: int, flags: int) -> Received:
    """One message, whole or cut off.  net/unix/af_unix.c:__unix_dgram_recvmsg"""
    message = sock.queue[0]
    msg_flags = MSG_TRUNC if n < len(message.data) else 0
    if flags & MSG_PEEK:
        return message.data[:n], [scm_copy(message.scm)], msg_flags
    del sock.queue[0]
    return message.data[:n], [message.scm], msg_flags


def unix_stream_read(task: Task, sock: UnixSock, n: int, flags: int) -> Received:
    """As much as there is of one sender, up to the first descriptors.  net/unix/af_unix.c:unix_stream_read_generic"""
    data = b""
    scms: list[ScmCookie] = []
    for message in list(sock.queue):
        scm = message.scm
        if scms and sock.passcred and (scm.pid, scm.uid, scm.gid) != (scms[0].pid, scms[0].uid, scms[0].gid):
            break
        taken = message.data[: n - len(data)]
        data += taken
        scms.append(scm_copy(scm))
        if not flags & MSG_PEEK:
            consume(task, sock, message, len(taken))
        if scms[-1].fp or len(data) == n:
            break
    return data, scms, 0


def consume(task: Task, sock: UnixSock, message: Message, size: int) -> None:
    """Take size bytes off a message; its descriptors were delivered with the first of them."""
    message.data = message.data[size:]
    drop_files(task, message.scm)
    if not message.data:
        sock.queue.remove(message)
        scm_destroy(task, message.scm)
