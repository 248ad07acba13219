"""Connected pairs of sockets.  Models net/unix/af_unix.c, and of net/socket.c the calls on them.

Left out: names, listening, the other families.
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
from nscore_sim.read_write import Transfer, finish
from nscore_sim.sched import SLEEP, Restart, Sleep, signal_pending, sleep_on, wake_up
from nscore_sim.scm import ScmCookie, drop_files, scm_copy, scm_credentials, scm_destroy, scm_detach_fds, scm_send, scm_set_cred
from nscore_sim.signal import send_sig
from nscore_sim.skbuff import SKB_MAX_ALLOC, SKB_MAX_HEAD, truesize

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
#: What a stream is cut into: what a page holds beside the header, and UNIX_SKB_FRAGS_SZ.
STREAM_PIECE = SKB_MAX_HEAD + 32768

POLL_READABLE = int(PollEvent.IN | PollEvent.RDNORM)
POLL_WRITABLE = int(PollEvent.OUT | PollEvent.WRNORM | PollEvent.WRBAND)
POLL_HUP, POLL_ERR, POLL_RDHUP = int(PollEvent.HUP), int(PollEvent.ERR), int(PollEvent.RDHUP)


class Message:
    """A message in a queue, or what is left of it.  include/linux/skbuff.h:sk_buff, net/af_unix.h:unix_skb_parms"""

    __slots__ = ("data", "scm", "truesize")

    def __init__(self, data: bytes, scm: ScmCookie, truesize: int) -> None:
        self.data = data
        self.scm = scm
        self.truesize = truesize  #: taken from the sender's buffer until all is read


class Sending(Transfer):
    """A message on its way: what goes along, which is collected once."""

    __slots__ = ("scm",)

    def __init__(self, file: File, scm: ScmCookie) -> None:
        super().__init__(file)
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
    fasync = True
    stream = True

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
        return mask | (POLL_WRITABLE if unix_writable(sock) else 0)

    def poll_wait(self, task: Task) -> tuple[WaitQueueHead, ...]:
        return (self.sock.wait,)

    def release(self, task: Task) -> None:
        """net/unix/af_unix.c:unix_release_sock"""
        sock, peer = self.sock, self.sock.peer
        unread, sock.queue = sock.queue, []
        if peer is not None:
            # An empty message in front does not count: it could be one of which only urgent data was left.
            seen = bool(unread) and not unread[0].data
            peer.reset = len(unread) > seen and sock.type != SOCK_DGRAM
            peer.peer = sock.peer = None
            wake_up(peer.wait)
        for message in unread:
            scm_destroy(task, message.scm)
        wake_up(sock.wait)


def sk_wmem_alloc(sock: UnixSock) -> int:
    """What of a sender's buffer is taken: that the other end has not read.  include/net/sock.h:sk_wmem_alloc_get"""
    return 0 if sock.peer is None else sum(message.truesize for message in sock.peer.queue)


def unix_writable(sock: UnixSock) -> bool:
    """Whether to wake who waits for room: when three quarters are free.  net/unix/af_unix.c:unix_writable"""
    return sk_wmem_alloc(sock) * 4 <= SNDBUF


def sock_error(sock: UnixSock) -> None:
    """An error that has come up is reported once.  include/net/sock.h:sock_error"""
    if sock.reset:
        sock.reset = False
        raise Errno("ECONNRESET")


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
    state = task.restart
    if state is None:
        file = sockfd_lookup(task, fd)
        task.restart = state = Sending(file, scm_send(task, rights, credentials))
    assert isinstance(state, Sending)
    assert isinstance(state.file, SocketFile)
    out: int | Sleep | Restart | None = None
    try:
        out = unix_sendmsg(task, state.file, data, state.scm, flags)
        return out
    finally:
        if out is not SLEEP:
            scm_destroy(task, state.scm)
            finish(task, state)


def unix_sendmsg(task: Task, file: SocketFile, data: bytes, scm: ScmCookie, flags: int) -> int | Sleep | Restart:
    """Queue data for the other end, with copies of what goes along."""
    if file.sock.type == SOCK_STREAM:
        return unix_stream_sendmsg(task, file, data, scm, flags)
    return unix_dgram_sendmsg(task, file, data, scm, flags)


def unix_stream_sendmsg(task: Task, file: SocketFile, data: bytes, scm: ScmCookie, flags: int) -> int | Sleep | Restart:
    """As much as there is room for, piece by piece.  net/unix/af_unix.c:unix_stream_sendmsg"""
    state, sock = task.restart, file.sock
    assert isinstance(state, Transfer)
    if sock.peer is None and not state.slept:
        if not flags & MSG_NOSIGNAL:
            send_sig(int(Signal.PIPE), task, force=False)
        raise Errno("EPIPE")
    while state.done < len(data):
        try:
            full = sock_alloc_send_pskb(task, file, flags)
        except Errno:
            if state.done:
                return state.done
            raise
        if full is not None:
            state.slept = True
            return state.done if state.done and full is not SLEEP else full
        piece = data[state.done : state.done + STREAM_PIECE]
        queue(task, sock, Message(piece, scm_copy(scm, files=not state.done), truesize(len(piece), SKB_MAX_HEAD)))
        state.done += len(piece)
    return state.done


def unix_dgram_sendmsg(task: Task, file: SocketFile, data: bytes, scm: ScmCookie, flags: int) -> int | Sleep | Restart:
    """All of it or nothing.  net/unix/af_unix.c:unix_dgram_sendmsg, unix_seqpacket_sendmsg"""
    sock = file.sock
    sock_error(sock)
    if sock.refused:
        raise Errno("ENOTCONN")
    if len(data) > SNDBUF - 32:
        raise Errno("EMSGSIZE")
    full = sock_alloc_send_pskb(task, file, flags)
    if full is not None:
        return full
    if sock.peer is None:
        sock.refused = True  # whoever notices that the other end is gone forgets it
        raise Errno("ECONNREFUSED")
    queue(task, sock, Message(data, scm_copy(scm), truesize(len(data), SKB_MAX_ALLOC)))
    return len(data)


def sock_alloc_send_pskb(task: Task, file: SocketFile, flags: int) -> Sleep | Restart | None:
    """None where there is room, however much is to go in; else wait for it.  net/core/sock.c:sock_alloc_send_pskb"""
    sock = file.sock
    sock_error(sock)
    if sock.peer is None and sock.type != SOCK_DGRAM:
        raise Errno("EPIPE")
    if sk_wmem_alloc(sock) < SNDBUF:
        return None
    if flags & MSG_DONTWAIT or file.f_flags & O_NONBLOCK:
        raise Errno("EAGAIN")
    return Restart.SYS if signal_pending(task) else sleep_on(task, sock.wait)


def queue(task: Task, sock: UnixSock, message: Message) -> None:
    """Give the other end a message, with its sender's credentials if either wants them.  net/unix/af_unix.c:unix_maybe_add_creds"""
    peer = sock.peer
    assert peer is not None
    if message.scm.pid is None and (sock.passcred or peer.passcred):
        tgid = task.group_leader.thread_pid
        pidfs_register_pid(tgid)
        scm_set_cred(message.scm, tgid, task.cred.uid, task.cred.gid)
    peer.queue.append(message)
    wake_up(peer.wait)


Received = tuple[bytes, "list[ScmCookie]", int]


def recvmsg(task: Task, fd: int, n: int, flags: int) -> Plain | Sleep | Restart:
    """recvmsg(2): the fields of results.Message.  net/socket.c:__sys_recvmsg"""
    state = task.restart
    if state is None:
        task.restart = state = Transfer(sockfd_lookup(task, fd))
    assert isinstance(state, Transfer)
    assert isinstance(state.file, SocketFile)
    received: Received | Sleep | Restart | None = None
    try:
        received = unix_recvmsg(task, state.file, n, flags)
        return received_message(task, state.file.sock, received, flags) if isinstance(received, tuple) else received
    finally:
        if received is not SLEEP:
            finish(task, state)


def received_message(task: Task, sock: UnixSock, received: Received, flags: int) -> Plain:
    """What the receiver gets of it.  include/net/scm.h:scm_recv_unix"""
    data, scms, msg_flags = received
    credentials: Plain = None
    if sock.passcred and scms:
        credentials = scm_credentials(task, scms[0])
    elif sock.passcred and sock.type == SOCK_STREAM:
        end = ScmCookie()
        end.uid = end.gid = 0  # of the end of a stream there is nothing but zeroes
        credentials = scm_credentials(task, end)
    fds, truncated = scm_detach_fds(task, [passed for scm in scms for passed in scm.fp], flags)
    for scm in scms:
        scm_destroy(task, scm)
    return data, fds, credentials, msg_flags | truncated | flags & MSG_CMSG_CLOEXEC


def unix_recvmsg(task: Task, file: SocketFile, n: int, flags: int) -> Received | Sleep | Restart:
    """Data, and what came with it, which the caller has to drop.  net/unix/af_unix.c:unix_recvmsg"""
    sock = file.sock
    if not sock.queue:
        sock_error(sock)
        if sock.peer is None and sock.type != SOCK_DGRAM:
            return b"", [], 0
        if flags & MSG_DONTWAIT or file.f_flags & O_NONBLOCK:
            raise Errno("EAGAIN")
        return Restart.SYS if signal_pending(task) else sleep_on(task, sock.wait)
    received = unix_stream_read(task, sock, n, flags) if sock.type == SOCK_STREAM else unix_dgram_read(sock, n, flags)
    if sock.peer is not None and unix_writable(sock.peer):
        wake_up(sock.peer.wait)  # net/unix/af_unix.c:unix_write_space
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
