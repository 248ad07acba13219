"""What run() returns and raises: subprocess's classes, with what was guaranteed."""

from __future__ import annotations

import enum
import subprocess
from typing import AnyStr


class Guarantee(enum.Enum):
    """What keeps the processes of a command together, and ends them with it."""

    #: The kernel: nothing that the command has forked survives its namespace's init.  pid_namespaces(7)
    PID_NAMESPACE = "pid namespace"
    #: Weaker: a cgroup of its own, which the kernel kills as a whole, and a subreaper as below.  What can write to cgroup.procs of another
    #: cgroup (root; an ordinary user in one that is delegated to him) can leave it.  cgroups(7)
    CGROUP = "cgroup"
    #: Weaker: a process beside the caller adopts whoever loses his parent, and kills its children until it has none.  What it may not kill,
    #: such as a program that is set-user-ID, or what kills it first, is left; and so may be who forks faster than it looks.  prctl(2)
    SUBREAPER = "subreaper"


class CompletedProcess(subprocess.CompletedProcess[AnyStr]):
    """A command that has ended, as subprocess.CompletedProcess.

    Attributes:
        guarantee: What ended all that the command had started.
    """

    guarantee = Guarantee.PID_NAMESPACE

    def check_returncode(self) -> None:
        """Raise CalledProcessError if the exit status is not 0."""
        if self.returncode:
            raise CalledProcessError(self.returncode, self.args, self.stdout, self.stderr)


class CalledProcessError(subprocess.CalledProcessError):
    """The command's exit status was not 0, and check was asked for; subprocess.CalledProcessError catches it too."""


class TimeoutExpired(subprocess.TimeoutExpired):
    """The time was up; run() has ended the command and everything that it had started; output is what was read so far.

    subprocess.TimeoutExpired catches it too.
    """


class Unkillable(subprocess.SubprocessError):
    """The kernel does not end all processes of a killed namespace: one of them sleeps uninterruptibly, say.  The message names them."""
