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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nscore.running import aio
    from nscore.running.explain import Explanation, explain
    from nscore.running.init import init, init_program
    from nscore.running.mounts import Bind, ReadOnly, Tmpfs
    from nscore.running.popen import Popen
    from nscore.running.results import CalledProcessError, CompletedProcess, Guarantee, TimeoutExpired, Unkillable
    from nscore.running.run import run

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
    "Bind",
    "Blocked",
    "Call",
    "CalledProcessError",
    "Calls",
    "Capabilities",
    "Capability",
    "Child",
    "ChildCode",
    "CloneFlag",
    "CompletedProcess",
    "Credentials",
    "Disposition",
    "Explanation",
    "FcntlCommand",
    "Gone",
    "Guarantee",
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
    "Popen",
    "Prctl",
    "Process",
    "Program",
    "ReadOnly",
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
    "TimeoutExpired",
    "Tmpfs",
    "Trace",
    "UmountFlag",
    "Uname",
    "Unavailable",
    "Unkillable",
    "WaitOption",
    "WaitResult",
    "aio",
    "available",
    "boot",
    "explain",
    "init",
    "init_program",
    "run",
]

#: What is imported when it is asked for, since it brings subprocess with it, and the module where it is.
_LATER = {
    "Bind": "nscore.running.mounts",
    "CalledProcessError": "nscore.running.results",
    "CompletedProcess": "nscore.running.results",
    "Explanation": "nscore.running.explain",
    "Guarantee": "nscore.running.results",
    "Popen": "nscore.running.popen",
    "ReadOnly": "nscore.running.mounts",
    "TimeoutExpired": "nscore.running.results",
    "Tmpfs": "nscore.running.mounts",
    "Unkillable": "nscore.running.results",
    "aio": "nscore.running.aio",
    "explain": "nscore.running.explain",
    "init": "nscore.running.init",
    "init_program": "nscore.running.init",
    "run": "nscore.running.run",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


if not TYPE_CHECKING:  # whose reader would take it for any name at all

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = import_module("nscore.running.aio") if name == "aio" else getattr(import_module(_LATER[name]), name)
        globals()[name] = found
        return found
