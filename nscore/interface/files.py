# mypy: disable-error-code="empty-body"
"""path_resolution(7), pipe(7), unix(7): files, as far as processes and namespaces show themselves in them."""

from __future__ import annotations

from collections.abc import Sequence

from nscore.flags import AccessMode, AddressFamily, FcntlCommand, MessageFlag, OpenFlag, PollEvent, SeekWhence, SocketType
from nscore.interface.caller import Caller, CInt, CLong, CSize, CUint, syscall
from nscore.results import Credentials, Message, Stat


class Files(Caller):
    """Descriptors are plain ints of the process that holds them; the first that open gives is 3.  On linux a driven process has 1000."""

    __slots__ = ()

    @syscall
    def open(self, path: str, flags: OpenFlag | CInt = 0, mode: CUint = 0o777) -> int:
        """Open a file and return the lowest free descriptor.

        Raises, the first that applies:
            EINVAL: CREAT and DIRECTORY together.
            ENOENT: path does not exist, or is a /proc link of a process that is gone.
            ENOTDIR: A component is no directory; DIRECTORY and path is none.
            ELOOP: NOFOLLOW and path is a symbolic link.
            EACCES: Permission denied, also to a /proc link without ptrace access.
            EEXIST: CREAT|EXCL and path exists.
            EISDIR: A directory to be written.
            EROFS: To be written in a read-only file system.
            EOVERFLOW: To be made by who has no id that is mapped in the file system's user namespace.
            EPERM: A namespace file to be written; NOATIME by who is not the owner.
            EMFILE: No descriptor is free.

        open(2); rules NSFS-LINK-05, PROC-61
        """

    @syscall
    def openat(self, dirfd: CInt, path: str, flags: OpenFlag | CInt = 0, mode: CUint = 0o777) -> int:
        """As open, from the directory dirfd (AT_FDCWD: the current one).

        Raises, the first that applies:
            EBADF: dirfd is not open and path is relative.
            ENOTDIR: dirfd is no directory and path is relative.
            ENOENT: path does not exist.
            ESRCH: Below a /proc directory of a process that is gone.

        openat(2); rule PROC-56
        """

    @syscall
    def close(self, fd: CInt) -> None:
        """Close a descriptor.

        Raises, the first that applies:
            EBADF: fd is not open.

        close(2)
        """

    @syscall
    def read(self, fd: CInt, n: CSize) -> bytes:
        """Read at most n bytes; b"" at the end.

        Raises, the first that applies:
            EBADF: fd is not open for reading.
            EISDIR: A directory.
            EINVAL: A namespace file or a pidfd.
            ESRCH: A /proc file of a process that is gone.
            EAGAIN: Empty, and NONBLOCK is set.
            EINTR: A signal was handled before anything was read.

        read(2); rule PROC-56
        """

    @syscall
    def write(self, fd: CInt, data: bytes) -> int:
        """Write data and return how much was written.

        Raises, the first that applies:
            EBADF: fd is not open for writing.
            EINVAL: A pidfd; a /proc file of a process that takes nothing, or not that value.
            EIO: Any other /proc file that takes nothing.
            EPERM: A /proc file whose writing needs a capability.
            EACCES: oom_score_adj below where it was, without CAP_SYS_RESOURCE.
            ESRCH: A /proc file of a process that is gone.
            EPIPE: A pipe without readers; SIGPIPE is sent.
            EAGAIN: Full, and NONBLOCK is set.
            EINTR: A signal was handled before anything was written.

        write(2); rules SYSCTL-03, SYSCTL-05, USER-21
        """

    @syscall
    def pread(self, fd: CInt, n: CSize, offset: CLong) -> bytes:
        """Read at most n bytes from offset.

        Raises, the first that applies:
            EBADF: fd is not open for reading.
            EINVAL: offset is negative.
            ESPIPE: A pipe.
            ESRCH: A /proc file of a process that is gone.

        pread(2)
        """

    @syscall
    def lseek(self, fd: CInt, pos: CLong, whence: SeekWhence | CInt = SeekWhence.SET) -> int:
        """Move the offset and return it.

        Raises, the first that applies:
            EBADF: fd is not open.
            ESPIPE: A pipe, a namespace file or a pidfd.
            EINVAL: whence is unknown, or the offset would be negative.

        lseek(2)
        """

    @syscall
    def fstat(self, fd: CInt) -> Stat:
        """Return what the descriptor refers to.

        Raises, the first that applies:
            EBADF: fd is not open.

        fstat(2)
        """

    @syscall
    def stat(self, path: str) -> Stat:
        """Return what path refers to, links followed.

        Raises, the first that applies:
            ENAMETOOLONG: path has 4096 bytes, or a component 256.
            ENOENT: path does not exist.
            ENOTDIR: A component is no directory.
            EACCES: A /proc link without ptrace access.
            ELOOP: More than 40 links on the way.

        stat(2)
        """

    @syscall
    def readlink(self, path: str) -> str:
        """Return the text of a symbolic link, "pid:[4026531836]" of a namespace.

        Raises, the first that applies:
            ENOENT: path does not exist.
            ENOTDIR: A component is no directory.
            EINVAL: No symbolic link.
            EACCES: A /proc link without ptrace access.

        readlink(2); rules NSFS-LINK, PFC
        """

    @syscall
    def listdir(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory in the kernel's order, without "." and "..": open, getdents64 and close in one.

        Raises, the first that applies:
            ENOENT: path does not exist.
            ENOTDIR: path is no directory.
            EACCES: Permission denied.
            ESRCH: A /proc directory of a process that is gone.

        getdents(2); rules PROC-06, PROC-10
        """

    @syscall
    def access(self, path: str, mode: AccessMode | CInt) -> bool:
        """Say whether path is accessible to the real ids, as os.access does: False for every error.

        access(2)
        """

    @syscall
    def mkdir(self, path: str, mode: CUint = 0o777) -> None:
        """Create a directory.

        Raises, the first that applies:
            ENOENT: A component does not exist.
            ENOTDIR: A component is no directory.
            EEXIST: path exists.
            EROFS: A read-only file system.
            EOVERFLOW: The caller has no id that is mapped in the file system's user namespace.
            EACCES: Permission denied.

        mkdir(2)
        """

    @syscall
    def unlink(self, path: str) -> None:
        """Remove a file's name.

        Raises, the first that applies:
            ENOENT: path does not exist.
            ENOTDIR: A component is no directory.
            EROFS: A read-only file system.
            EISDIR: A directory.
            EACCES: Permission denied.
            EPERM: A file of /proc.
            EBUSY: A mount point.

        unlink(2)
        """

    @syscall
    def chdir(self, path: str) -> None:
        """Change the working directory.

        Raises, the first that applies:
            ENOENT: path does not exist.
            ENOTDIR: A component is no directory.
            EACCES: No search permission.

        chdir(2)
        """

    @syscall
    def getcwd(self) -> str:
        """Return the working directory.

        Raises, the first that applies:
            ENOENT: It is not below the root any more.

        getcwd(2)
        """

    @syscall
    def chroot(self, path: str) -> None:
        """Change the root directory; the working directory stays.

        Raises, the first that applies:
            ENOENT: path does not exist.
            ENOTDIR: A component is no directory.
            EACCES: No search permission.
            EPERM: No CAP_SYS_CHROOT in the caller's user namespace.

        chroot(2); rule MNT-44
        """

    @syscall
    def dup(self, fd: CInt) -> int:
        """Return the lowest free descriptor, of the same open file.

        Raises, the first that applies:
            EBADF: fd is not open.
            EMFILE: No descriptor is free.

        dup(2)
        """

    @syscall
    def dup3(self, fd: CInt, fd2: CInt, flags: OpenFlag | CInt = 0) -> int:
        """Make fd2 a descriptor of fd's open file, closing what it was, and return it.

        Raises, the first that applies:
            EINVAL: flags other than CLOEXEC; fd == fd2.
            EBADF: fd is not open; fd2 is beyond the limit.

        dup(2)
        """

    @syscall
    def fcntl(self, fd: CInt, cmd: FcntlCommand | CInt, arg: CLong = 0) -> int:
        """Do to a descriptor what cmd says: the new descriptor, flags or owner that it asks for, otherwise 0.

        Raises, the first that applies:
            EBADF: fd is not open.
            EINVAL: An unknown cmd; DUPFD beyond the limit.
            ESRCH: SETOWN: no such process or group in the caller's PID namespace.
            EMFILE: No descriptor is free.

        fcntl(2); rule SCM-30
        """

    @syscall
    def pipe2(self, flags: OpenFlag | CInt = 0) -> tuple[int, int]:
        """Create a pipe: the end to read from and the end to write to.

        Raises, the first that applies:
            EINVAL: An unknown flag.
            EMFILE: No two descriptors are free.

        pipe(2)
        """

    @syscall
    def poll(self, fds: Sequence[tuple[CInt, PollEvent | CInt]], milliseconds: CInt = -1) -> tuple[tuple[int, int], ...]:
        """Wait until one of fds is ready: (fd, events) of those that are, () when the time is over.

        A pidfd is IN when its process is a zombie and HUP too when it has been reaped.

        Args:
            fds: (descriptor, PollEvent) each; a negative descriptor is passed over.
            milliseconds: Below 0: no limit.

        Raises, the first that applies:
            EINTR: A signal was handled.

        poll(2); rules PIDFD-POLL
        """

    @syscall
    def socketpair(
        self, family: AddressFamily | CInt = AddressFamily.UNIX, type: SocketType | CInt = SocketType.STREAM, proto: CInt = 0
    ) -> tuple[int, int]:
        """Create two connected sockets.

        Raises, the first that applies:
            EOPNOTSUPP: A family without pairs.
            EMFILE: No two descriptors are free.

        socketpair(2)
        """

    @syscall
    def sendmsg(
        self, fd: CInt, data: bytes, rights: Sequence[CInt] = (), credentials: Credentials | None = None, flags: MessageFlag | CInt = 0
    ) -> int:
        """Send data with descriptors (SCM_RIGHTS) and credentials (SCM_CREDENTIALS); return how much was sent.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTSOCK: fd is no socket.
            EBADF: One of rights is not open.
            EINVAL: credentials has an id that is not mapped.
            EPERM: credentials claims what the sender is not.
            ESRCH: credentials claims a process that is not in the sender's PID namespace.
            EPIPE: STREAM: the other end is closed; SIGPIPE is sent.
            ECONNRESET: The other end was closed with something unread; reported once.
            ENOTCONN: DGRAM: after ECONNREFUSED.
            EMSGSIZE: Too much for a packet.
            EPIPE: SEQPACKET: the other end is closed; no signal.
            EAGAIN: Full, and not to block.
            ECONNREFUSED: DGRAM: the other end is closed.
            EINTR: A signal was handled before anything was sent.

        sendmsg(2), unix(7); rules SCM
        """

    @syscall
    def recvmsg(self, fd: CInt, n: CSize, flags: MessageFlag | CInt = 0) -> Message:
        """Receive at most n bytes with what came along, at most 64 descriptors.

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTSOCK: fd is no socket.
            ECONNRESET: Empty, and the other end was closed with something unread; reported once.
            EAGAIN: Empty, and not to block.
            EINTR: A signal was handled.

        recvmsg(2), unix(7); rules SCM
        """

    @syscall
    def setsockopt(self, fd: CInt, level: CInt, option: CInt, value: CInt) -> None:
        """Set a socket's option that takes an int: SO_PASSCRED is (1, 16).

        Raises, the first that applies:
            EBADF: fd is not open.
            ENOTSOCK: fd is no socket.
            ENOPROTOOPT: An unknown option.

        setsockopt(2)
        """
