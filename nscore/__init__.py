"""Linux PID namespaces: one interface over a real kernel and over a model of one."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - pip would say so, but the walkthrough runs without it
    raise ImportError("nscore needs Python 3.10 or later, and this is " + sys.version.split()[0])

from nscore.backends import available, boot
from nscore.errors import Blocked, Gone, Unavailable
from nscore.flags import (
    AT_FDCWD,
    FD_CLOEXEC,
    PIDFD_SELF_THREAD,
    PIDFD_SELF_THREAD_GROUP,
    SIGRTMAX,
    SIGRTMIN,
    AccessMode,
    AddressFamily,
    Capability,
    ChildCode,
    CloneFlag,
    Disposition,
    FcntlCommand,
    IdType,
    MessageFlag,
    MountFlag,
    OpenFlag,
    PidfdFlag,
    PidfdInfoMask,
    PidfdNamespace,
    PidfdSignalFlag,
    PollEvent,
    Prctl,
    Reboot,
    SeekWhence,
    SigActionFlag,
    SigCode,
    SigMask,
    Signal,
    SocketType,
    UmountFlag,
    WaitOption,
)
from nscore.interface.calls import Calls
from nscore.interface.machine import Machine
from nscore.interface.process import Pending, Process
from nscore.interface.syscalls import Program, Syscalls
from nscore.results import Capabilities, Child, Credentials, Message, PidfdInfo, SigAction, Siginfo, Stat, Uname, WaitResult
from nscore.trace import Call, Trace

__version__ = "0.1.0"

__all__ = [
    "AT_FDCWD",
    "FD_CLOEXEC",
    "PIDFD_SELF_THREAD",
    "PIDFD_SELF_THREAD_GROUP",
    "SIGRTMAX",
    "SIGRTMIN",
    "AccessMode",
    "AddressFamily",
    "Blocked",
    "Call",
    "Calls",
    "Capabilities",
    "Capability",
    "Child",
    "ChildCode",
    "CloneFlag",
    "Credentials",
    "Disposition",
    "FcntlCommand",
    "Gone",
    "IdType",
    "Machine",
    "Message",
    "MessageFlag",
    "MountFlag",
    "OpenFlag",
    "Pending",
    "PidfdFlag",
    "PidfdInfo",
    "PidfdInfoMask",
    "PidfdNamespace",
    "PidfdSignalFlag",
    "PollEvent",
    "Prctl",
    "Process",
    "Program",
    "Reboot",
    "SeekWhence",
    "SigAction",
    "SigActionFlag",
    "SigCode",
    "SigMask",
    "Siginfo",
    "Signal",
    "SocketType",
    "Stat",
    "Syscalls",
    "Trace",
    "UmountFlag",
    "Unavailable",
    "Uname",
    "WaitOption",
    "WaitResult",
    "available",
    "boot",
]
