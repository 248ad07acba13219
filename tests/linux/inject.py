"""strace(1) fails the calls of a zygote and of an init, one after the other: what comes of it, and what is left.

`python3 -m tests.linux.inject WHO`, with NSCORE_ARMED set, is the driver that this happens to.  Zygote and init wait at that pipe until the
test has attached strace to the one of them whose call is to fail; each of strace's counts then begins there.
"""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

assert not TYPE_CHECKING or sys.platform == "linux"

import nscore
from nscore import AddressFamily, Capability, CloneFlag, FcntlCommand, IdType, Machine, OpenFlag, PollEvent, Prctl, SocketType, WaitOption
from nscore.linux import zygotes
from nscore.linux.calls import capset, prctl

#: What fails, and how; close_range, rt_sigaction and the like have no reason to.
KINDS: Mapping[str, str] = {
    "clone": "EAGAIN",
    "clone3": "EAGAIN",
    "unshare": "EPERM",
    "setns": "EPERM",
    "mount": "EPERM",
    "openat": "EMFILE",
    "write": "EIO",
    "socketpair": "EMFILE",
    "sendmsg": "ENOBUFS",
    "recvmsg": "ENOMEM",
    "prctl": "EINVAL",
    "pidfd_open": "EMFILE",
    "fcntl": "EMFILE",
    "poll": "ENOMEM",
    "ppoll": "ENOMEM",
    "waitid": "EINVAL",
    "dup3": "EBUSY",
    "fsopen": "ENOSYS",
    "fsconfig": "EINVAL",
    "fsmount": "EPERM",
}
#: Who makes the calls: the third is the second, until it obeys, of a driver that needs a user namespace.
ZYGOTE, INIT, ORDINARY = WHO = ("zygote", "init", "init of an ordinary user")
#: The one capability that it has, for root to map itself.  user_namespaces(7)
SETFCAP = 1 << Capability.SETFCAP
#: What a clear error has: what could not be done, and why.
CLEAR = re.compile(
    r"\w+: (\[Errno \d+\] \w+: |(root|an ordinary user) cannot boot a machine here: |the zygote|.*the process (has )?ended|nscore's zygote)"
)
#: Seconds after which a driver hangs, and after which nothing of it may be left.
PATIENCE, SOON = 30.0, 3.0
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Point:
    """The nth call of a kind that the zygote or the init makes; 0 is each of them."""

    who: str
    call: str
    nth: int
    error: str

    def __str__(self) -> str:
        return f"{self.who}: {self.call} {self.nth or 'always'} {self.error}"

    def options(self) -> list[str]:
        """For strace."""
        if not self.call:
            return []
        when = f":when={self.nth}" if self.nth else ""
        return ["-e", f"inject={self.call}:error={self.error}{when}"]


#: What a driver without clone3 lives with.
FALL_BACKS = tuple([Point(who, "clone3", 0, error) for who in (ZYGOTE, INIT) for error in ("ENOSYS", "EPERM")])


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of a driver."""

    #: What it said: its errors, and what of descriptors, mounts and inits was left while it lived.
    errors: list[str]
    left: list[str]
    #: Strace's lines, the marker the first.
    log: list[str]

    @property
    def injected(self) -> bool:
        """Whether the point was come to."""
        return any("(INJECTED)" in line for line in self.log)


def drive(who: str) -> None:
    """Boot, make calls, close; then boot again: what came of it, and what is left.  There is one fault: what follows it is sound."""
    if who == ORDINARY:
        prctl(Prctl.SET_NO_NEW_PRIVS, 1)
        capset(SETFCAP, SETFCAP, 0)
    before = len(os.listdir("/proc/self/fd")), Path("/proc/self/mountinfo").read_text()
    errors, left = [], []
    for body in (exercise, multiply, multiply):
        try:
            use(body)
        except (OSError, RuntimeError) as raised:
            errors.append(f"{type(raised).__name__}: {raised}")
        left += left_in_zygote()
        if body is multiply and not errors[1:]:
            break
    zygotes._current.clear()
    gc.collect()  # machines and their processes know each other
    if (len(os.listdir("/proc/self/fd")), Path("/proc/self/mountinfo").read_text()) != before:
        left.append(f"descriptors or mounts: {[os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')[:-1]]}")
    print(json.dumps({"errors": errors, "left": left}))


def use(body: Callable[[Machine], object]) -> None:
    """Boot, do it and close."""
    with nscore.boot() as machine:
        body(machine)


def multiply(machine: Machine) -> None:
    """What a sound machine can."""
    machine.init.clone(CloneFlag.NEWPID).fork()


def exercise(machine: Machine) -> None:
    """Calls of every kind that fails."""
    init = machine.init
    child = init.fork()
    init.thread().exit_thread(0)
    pidfd = init.pidfd_open(child.pid)
    init.clone(CloneFlag.NEWPID).exit(0)
    init.waitid(IdType.ALL, 0, WaitOption.EXITED)
    namespace = init.open("/proc/self/ns/uts", OpenFlag.RDONLY)
    init.unshare(CloneFlag.NEWUTS)
    init.setns(namespace)
    init.mount("none", "/proc", "tmpfs")
    one, other = init.socketpair(AddressFamily.UNIX, SocketType.STREAM)
    init.write(one, b"x")
    init.poll([(other, PollEvent.IN)], 0)
    init.sendmsg(one, b"y", [pidfd])
    init.recvmsg(other, 10)
    init.fcntl(one, FcntlCommand.GETFD)
    init.prctl(Prctl.SET_CHILD_SUBREAPER, 1)
    child.exit(3)
    init.waitid(IdType.ALL, 0, WaitOption.EXITED)


def left_in_zygote() -> list[str]:
    """What the zygote, if it lives, has of a machine that is gone: an init, or a descriptor beside its own five."""
    limit = time.monotonic() + SOON
    while True:
        keeper = zygote(os.environ["NSCORE_ARMED"])
        left = []
        if keeper is not None:
            left = [f"init {pid}" for pid in children(keeper)]
            with suppress(FileNotFoundError, ProcessLookupError):
                fds = os.listdir(f"/proc/{keeper}/fd")
                left += [f"descriptors of the zygote: {fds}"] if len(fds) > 5 else []
        if not left or time.monotonic() > limit:
            return left
        time.sleep(0.01)


def marked(mark: str) -> Iterator[int]:
    """The processes, zombies excepted, that have a mark in their environment."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if os.fsencode(mark) in (entry / "environ").read_bytes():
                    yield int(entry.name)


def zygote(mark: str) -> int | None:
    """The zygote of the driver with that mark."""
    for pid in marked(mark):
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/comm").read_text() == "nscore-zygote\n":
                return pid
    return None


def children(pid: int) -> list[str]:
    """The children of a process of one thread."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return []


class Injection:
    """One driver, and strace attached to what waits at its pipe as whom the point names."""

    def __init__(self, folder: Path, point: Point) -> None:
        self.point, self.pipe, self.log = point, folder / "armed", folder / "log"
        os.mkfifo(self.pipe, 0o666)
        self.strace: subprocess.Popen[str] | None = None

    def run(self) -> Ending:
        """The whole of it."""
        environment = {**os.environ, "NSCORE_ARMED": str(self.pipe), "NSCORE_BACKEND": "linux"}
        command = [sys.executable, "-m", "tests.linux.inject", self.point.who]
        driver = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        limit = time.monotonic() + PATIENCE
        while driver.poll() is None and time.monotonic() < limit:
            self.release()
            time.sleep(0.002)
        hung = driver.poll() is None
        if hung:
            driver.kill()
        out, err = driver.communicate()
        left = [*self.swept(), *(["a driver that hangs"] if hung else [])]
        ended = {"errors": [err.strip()], "left": [f"a driver that ended with {driver.returncode}"]}
        said = ended if driver.returncode else json.loads(out)
        return Ending(said["errors"], [*left, *said["left"]], self.logged())

    def release(self) -> None:
        """Let go of who waits at the pipe, with strace attached if it is the one."""
        try:
            fd = os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody is there
            return
        try:
            keeper = zygote(str(self.pipe))
            if self.strace is None and keeper is not None:
                inits = children(keeper)  # where there is one, the zygote has left the pipe
                if (self.point.who != ZYGOTE) == bool(inits):
                    self.attach(int(inits[0]) if inits else keeper)
        finally:
            os.close(fd)

    def attach(self, pid: int) -> None:
        """Have strace follow a process, from when it says so."""
        kinds = ",".join(["stat", "newfstatat", *KINDS])
        command = ["strace", "-o", str(self.log), "-p", str(pid), "-e", f"trace=?{kinds.replace(',', ',?')}", *self.point.options()]
        self.strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.strace.stderr is not None
        line = self.strace.stderr.readline()
        assert "attached" in line, line

    def swept(self) -> list[str]:
        """What processes are left a while later; they are killed."""
        limit = time.monotonic() + SOON
        while (left := list(marked(str(self.pipe)))) and time.monotonic() < limit:
            time.sleep(0.01)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.strace is not None:
            self.strace.communicate(timeout=PATIENCE)
        return [f"process {pid}" for pid in left]

    def logged(self) -> list[str]:
        """Strace's lines from the marker on."""
        if not self.log.exists():
            return []
        lines = self.log.read_text().splitlines()
        start = next((at for at, line in enumerate(lines) if "nscore:armed" in line), 0)
        return lines[start:]


def inject(point: Point) -> Ending:
    """Run a driver with a point failing."""
    with tempfile.TemporaryDirectory(prefix="nscore-inject-") as folder:
        return Injection(Path(folder), point).run()


def points() -> list[Point]:
    """All that there are: the calls of those kinds that zygote and init make when nothing fails."""
    found = []
    for who in WHO:
        ending = inject(Point(who, "", 0, ""))
        assert not ending.errors and not ending.left and "nscore:armed" in ending.log[0], ending
        names = [match.group() for line in ending.log if (match := re.match(r"\w+", line))]
        counts = Counter(names[: names.index("recvmsg")] if who == ORDINARY else names)
        found += [Point(who, call, nth, error) for call, error in KINDS.items() for nth in range(1, counts[call] + 1)]
    return found


def verdict(point: Point, ending: Ending) -> str | None:
    """What is wrong with an ending, None if nothing: how often the zygote polls is a matter of chance, and a point may not be come to."""
    if ending.left:
        return f"{point}: left: {ending.left} {ending.errors}"
    if len(ending.errors) > 1:
        return f"{point}: not sound again: {ending.errors}"
    if ending.errors and not CLEAR.match(ending.errors[0]):
        return f"{point}: unclear: {ending.errors}"
    return None


if __name__ == "__main__":
    drive(sys.argv[1])
