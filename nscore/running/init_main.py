"""The command of an init: a program that execs, as execvp(3) does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence

from nscore.interface.syscalls import Syscalls
from nscore.running.init_manners import Manner
from nscore.running.init_voices import Voice

#: glibc's posix/execvpe.c: what makes it look on.
NOT_HERE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES, getattr(errno, "ESTALE", 116), errno.ENODEV, errno.ETIMEDOUT))
DEFAULT_PATH = "/bin:/usr/bin"


class Command:
    """A Program that becomes argv, or says why not and returns the status for it."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], manner: Manner, voice: Voice) -> None:
        self.argv, self.env, self.manner, self.voice = list(argv), env, manner, voice

    def __call__(self, calls: Syscalls) -> int:
        error = self.refusal()
        self.voice.refused(error)
        refusals = self.manner.refusals
        return refusals.get(error.errno or 0, refusals[0])

    def refusal(self) -> OSError:
        """Exec the first that can be; why none could.  EACCES is said if any gave it, and otherwise the last one's."""
        last = denied = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        for path in self.candidates():
            try:
                self.execute(path)
            except OSError as error:
                last = error
                if error.errno == errno.EACCES:
                    denied = error
                if error.errno not in NOT_HERE:
                    return error
        return denied if denied.errno == errno.EACCES else last

    def candidates(self) -> Iterator[str]:
        """The paths that the name may be of."""
        name = self.argv[0]
        if "/" in name:
            yield name
        elif name:
            for folder in self.env.get("PATH", DEFAULT_PATH).split(":"):
                yield f"{folder}/{name}" if folder else name

    def execute(self, path: str) -> None:
        """Exec; by a shell what the kernel does not know how to."""
        try:
            os.execve(path, self.argv, self.env)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            os.execve("/bin/sh", ["/bin/sh", path, *self.argv[1:]], self.env)
