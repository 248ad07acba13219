"""Linux's numbers, on every system.  Models include/uapi/linux and asm-generic.

Sets of bits are IntFlags and keep bits they have no name for, since the kernel is the one to judge them; one of many is an
IntEnum.  Numbers that some architectures have otherwise (O_*, SOCK_*) are the generic ones here: the Linux backend translates them.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class CloneFlag(IntFlag):
    """CLONE_* of sched.h."""

    NEWTIME = 0x00000080
    VM = 0x00000100
    FS = 0x00000200
    FILES = 0x00000400
    SIGHAND = 0x00000800
    PIDFD = 0x00001000
    PTRACE = 0x00002000
    VFORK = 0x00004000
    PARENT = 0x00008000
    THREAD = 0x00010000
    NEWNS = 0x00020000
    SYSVSEM = 0x00040000
    SETTLS = 0x00080000
    PARENT_SETTID = 0x00100000
    CHILD_CLEARTID = 0x00200000
    DETACHED = 0x00400000
    UNTRACED = 0x00800000
    CHILD_SETTID = 0x01000000
    NEWCGROUP = 0x02000000
    NEWUTS = 0x04000000
    NEWIPC = 0x08000000
    NEWUSER = 0x10000000
    NEWPID = 0x20000000
    NEWNET = 0x40000000
    IO = 0x80000000
    CLEAR_SIGHAND = 0x100000000
    INTO_CGROUP = 0x200000000


#: What a thread shares with its process.  pthread_create(3)
THREAD_FLAGS = CloneFlag.VM | CloneFlag.FS | CloneFlag.FILES | CloneFlag.SIGHAND | CloneFlag.THREAD | CloneFlag.SYSVSEM


class Signal(IntEnum):
    """The standard signals, with the numbers of every architecture but mips, alpha, sparc and hppa; real-time ones have no name."""

    HUP = 1
    INT = 2
    QUIT = 3
    ILL = 4
    TRAP = 5
    ABRT = 6
    BUS = 7
    FPE = 8
    KILL = 9
    USR1 = 10
    SEGV = 11
    USR2 = 12
    PIPE = 13
    ALRM = 14
    TERM = 15
    STKFLT = 16
    CHLD = 17
    CONT = 18
    STOP = 19
    TSTP = 20
    TTIN = 21
    TTOU = 22
    URG = 23
    XCPU = 24
    XFSZ = 25
    VTALRM = 26
    PROF = 27
    WINCH = 28
    IO = 29
    PWR = 30
    SYS = 31


#: The kernel's real-time signals; the C library keeps 32 and 33 (and musl 34) for itself.
SIGRTMIN, SIGRTMAX = 32, 64


class SigCode(IntEnum):
    """si_code where the sender is a program or the kernel at large."""

    ASYNCNL = -60
    DETHREAD = -7
    TKILL = -6
    SIGIO = -5
    ASYNCIO = -4
    MESGQ = -3
    TIMER = -2
    QUEUE = -1
    USER = 0
    KERNEL = 0x80


class ChildCode(IntEnum):
    """CLD_*: si_code of SIGCHLD and of waitid."""

    EXITED = 1
    KILLED = 2
    DUMPED = 3
    TRAPPED = 4
    STOPPED = 5
    CONTINUED = 6


class Disposition(IntEnum):
    """What becomes of a signal.  HANDLE is a handler of nscore's that records the siginfo: see received()."""

    DFL = 0
    IGN = 1
    HANDLE = 2


class SigActionFlag(IntFlag):
    """SA_* of signal.h."""

    NOCLDSTOP = 0x00000001
    NOCLDWAIT = 0x00000002
    SIGINFO = 0x00000004
    ONSTACK = 0x08000000
    RESTART = 0x10000000
    NODEFER = 0x40000000
    RESETHAND = 0x80000000


class SigMask(IntEnum):
    """SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK: how sigprocmask(2) takes the set."""

    BLOCK = 0
    UNBLOCK = 1
    SETMASK = 2


class IdType(IntEnum):
    """P_*: what waitid(2) waits for."""

    ALL = 0
    PID = 1
    PGID = 2
    PIDFD = 3


class WaitOption(IntFlag):
    """W* of wait.h; WNOTHREAD, WALL and WCLONE are Linux's own."""

    NOHANG = 0x00000001
    STOPPED = 0x00000002
    UNTRACED = 0x00000002
    EXITED = 0x00000004
    CONTINUED = 0x00000008
    NOWAIT = 0x01000000
    NOTHREAD = 0x20000000
    ALL = 0x40000000
    CLONE = 0x80000000


class PidfdFlag(IntFlag):
    """PIDFD_NONBLOCK and PIDFD_THREAD of pidfd_open(2)."""

    THREAD = 0x80
    NONBLOCK = 0x800


class PidfdSignalFlag(IntFlag):
    """PIDFD_SIGNAL_*: the scope of pidfd_send_signal(2), since 6.9."""

    THREAD = 1
    THREAD_GROUP = 2
    PROCESS_GROUP = 4


class PidfdNamespace(IntEnum):
    """PIDFD_GET_*_NAMESPACE by the number of the ioctl, since 6.11."""

    CGROUP = 1
    IPC = 2
    MNT = 3
    NET = 4
    PID = 5
    PID_FOR_CHILDREN = 6
    TIME = 7
    TIME_FOR_CHILDREN = 8
    USER = 9
    UTS = 10


class PidfdInfoMask(IntFlag):
    """PIDFD_INFO_*: which fields of a PidfdInfo are filled in."""

    PID = 1
    CREDS = 2
    CGROUPID = 4
    EXIT = 8
    COREDUMP = 16
    SUPPORTED_MASK = 32


#: What pidfd_send_signal takes in place of a descriptor, since 6.15: the calling thread, the calling process (6.17 renumbered the latter).
PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP = -10000, -10001

#: openat's own directory: the current one.
AT_FDCWD = -100


class OpenFlag(IntFlag):
    """O_* of fcntl.h."""

    RDONLY = 0
    WRONLY = 0o1
    RDWR = 0o2
    CREAT = 0o100
    EXCL = 0o200
    NOCTTY = 0o400
    TRUNC = 0o1000
    APPEND = 0o2000
    NONBLOCK = 0o4000
    DSYNC = 0o10000
    DIRECT = 0o40000
    LARGEFILE = 0o100000
    DIRECTORY = 0o200000
    NOFOLLOW = 0o400000
    NOATIME = 0o1000000
    CLOEXEC = 0o2000000
    PATH = 0o10000000


class AccessMode(IntFlag):
    """R_OK, W_OK, X_OK; 0 is F_OK."""

    X = 1
    W = 2
    R = 4


class SeekWhence(IntEnum):
    """SEEK_*."""

    SET = 0
    CUR = 1
    END = 2


class FcntlCommand(IntEnum):
    """F_* of fcntl.h whose argument and result are plain numbers."""

    DUPFD = 0
    GETFD = 1
    SETFD = 2
    GETFL = 3
    SETFL = 4
    SETOWN = 8
    GETOWN = 9
    DUPFD_CLOEXEC = 1030


#: F_SETFD's one bit.
FD_CLOEXEC = 1


class PollEvent(IntFlag):
    """POLL* of poll.h."""

    IN = 0x001
    PRI = 0x002
    OUT = 0x004
    ERR = 0x008
    HUP = 0x010
    NVAL = 0x020
    RDNORM = 0x040
    RDBAND = 0x080
    WRNORM = 0x100
    WRBAND = 0x200
    RDHUP = 0x2000


class AddressFamily(IntEnum):
    """AF_* that nscore speaks of."""

    UNIX = 1
    INET = 2


class SocketType(IntFlag):
    """SOCK_* with the flags that socketpair(2) takes beside the type."""

    STREAM = 1
    DGRAM = 2
    SEQPACKET = 5
    NONBLOCK = 0o4000
    CLOEXEC = 0o2000000


class MessageFlag(IntFlag):
    """MSG_* of sendmsg(2) and recvmsg(2)."""

    PEEK = 0x02
    CTRUNC = 0x08
    TRUNC = 0x20
    DONTWAIT = 0x40
    NOSIGNAL = 0x4000
    CMSG_CLOEXEC = 0x40000000


class MountFlag(IntFlag):
    """MS_* of mount.h."""

    RDONLY = 0x00000001
    NOSUID = 0x00000002
    NODEV = 0x00000004
    NOEXEC = 0x00000008
    SYNCHRONOUS = 0x00000010
    REMOUNT = 0x00000020
    NOATIME = 0x00000400
    NODIRATIME = 0x00000800
    BIND = 0x00001000
    MOVE = 0x00002000
    REC = 0x00004000
    SILENT = 0x00008000
    UNBINDABLE = 0x00020000
    PRIVATE = 0x00040000
    SLAVE = 0x00080000
    SHARED = 0x00100000
    RELATIME = 0x00200000
    STRICTATIME = 0x01000000
    NOUSER = 0x80000000


class UmountFlag(IntFlag):
    """MNT_* and UMOUNT_NOFOLLOW of umount2(2)."""

    FORCE = 1
    DETACH = 2
    EXPIRE = 4
    NOFOLLOW = 8


class Prctl(IntEnum):
    """PR_* of prctl.h that a process model has to know."""

    SET_PDEATHSIG = 1
    GET_PDEATHSIG = 2
    GET_DUMPABLE = 3
    SET_DUMPABLE = 4
    GET_KEEPCAPS = 7
    SET_KEEPCAPS = 8
    SET_NAME = 15
    GET_NAME = 16
    CAPBSET_READ = 23
    CAPBSET_DROP = 24
    GET_SECUREBITS = 27
    SET_SECUREBITS = 28
    SET_CHILD_SUBREAPER = 36
    GET_CHILD_SUBREAPER = 37
    SET_NO_NEW_PRIVS = 38
    GET_NO_NEW_PRIVS = 39


class Reboot(IntEnum):
    """LINUX_REBOOT_CMD_*."""

    CAD_OFF = 0
    RESTART = 0x01234567
    POWER_OFF = 0x4321FEDC
    KEXEC = 0x45584543
    CAD_ON = 0x89ABCDEF
    RESTART2 = 0xA1B2C3D4
    HALT = 0xCDEF0123
    SW_SUSPEND = 0xD000FCE2


class Capability(IntEnum):
    """CAP_*: the number of a bit in a capability set."""

    CHOWN = 0
    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    FOWNER = 3
    FSETID = 4
    KILL = 5
    SETGID = 6
    SETUID = 7
    SETPCAP = 8
    LINUX_IMMUTABLE = 9
    NET_BIND_SERVICE = 10
    NET_BROADCAST = 11
    NET_ADMIN = 12
    NET_RAW = 13
    IPC_LOCK = 14
    IPC_OWNER = 15
    SYS_MODULE = 16
    SYS_RAWIO = 17
    SYS_CHROOT = 18
    SYS_PTRACE = 19
    SYS_PACCT = 20
    SYS_ADMIN = 21
    SYS_BOOT = 22
    SYS_NICE = 23
    SYS_RESOURCE = 24
    SYS_TIME = 25
    SYS_TTY_CONFIG = 26
    MKNOD = 27
    LEASE = 28
    AUDIT_WRITE = 29
    AUDIT_CONTROL = 30
    SETFCAP = 31
    MAC_OVERRIDE = 32
    MAC_ADMIN = 33
    SYSLOG = 34
    WAKE_ALARM = 35
    BLOCK_SUSPEND = 36
    AUDIT_READ = 37
    PERFMON = 38
    BPF = 39
    CHECKPOINT_RESTORE = 40
