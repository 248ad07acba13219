"""What an init is put through, in a fresh PID namespace, and what of it can be seen: the same for nscore's and for real ones.

A scene takes the init's own words, its arguments and what else a row of tests/running/test_init_like.py has, and returns what it saw.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

ROOT = Path(__file__).parent.parent.parent
PYTHON = (sys.executable, "-I", "-S", "-c")
#: A process of a scene prints this when it has made itself ready.
READY = "ready\n"
#: Seconds for what comes; rows say how long they wait for what does not.
PATIENCE = 20.0
#: The last to be taken of all that are pending.
MARK = 64
#: Signals that the C library and SIGKILL and SIGSTOP leave; without those that stop dumb-init's child.
ASKED = [sig for sig in range(1, MARK) if sig not in (9, 19, 20, 21, 22, 32, 33)]

Init = Sequence[str]

#: Children say what reached them when they are sent MARK - 1: till then all is masked and stays pending.  A signal to a group reaches one
#: member after the other, so that of the MARK itself, which the first may act on, nothing is said.
TOOLS = """
import os, signal, sys, time
EVERY = set(range(1, 65)) - {9, 19, 32, 33}
def fork(body):
    pid = os.fork()
    if not pid:
        body()
        os._exit(0)
    return pid
def say(*words):
    # a signal's name is not its number everywhere
    os.write(1, (" ".join(str(int(word) if isinstance(word, signal.Signals) else word) for word in words) + "\\n").encode())
def mask():
    signal.pthread_sigmask(signal.SIG_BLOCK, EVERY)
def told():
    signal.sigwait({63})
    say("child has", *sorted(signal.sigpending() - {64}))
def state(pid):
    return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
def others():
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid not in (1, os.getpid())]
def until(met):
    limit = time.monotonic() + 20
    while not met() and time.monotonic() < limit:
        time.sleep(0.002)
    return met()
"""
SCRIPTS = {
    "reports": "mask(); say('ready')\nwhile (sig := signal.sigwait(EVERY)) != 63: say(sig)\nsys.exit(7)",
    "has a child": (
        "mask(); child = fork(told); say('ready')\nwhile (sig := signal.sigwait(EVERY)) != 64: pass\n"
        "os.kill(child, 63); os.waitpid(child, 0); sys.exit(7)"
    ),
    "place": (
        "own = os.getpid(); say('leads its group', os.getpgid(0) == own, 'its session', os.getsid(0) == own,"
        " 'parent', os.getppid(), 'init is in', os.readlink('/proc/1/cwd'), 'masked', *sorted(signal.pthread_sigmask(0, ())))"
    ),
    "orphans": (
        "for _ in range(20): os.waitpid(fork(lambda: fork(lambda: None)), 0)\nuntil(lambda: not others()); say('left', len(others()))"
    ),
    "adopted": (
        "parent = os.getppid(); read, write = os.pipe()\n"
        "def orphan():\n"
        " until(lambda: os.getppid() != father); os.write(write, b'%d' % os.getppid())\n"
        "def middle():\n"
        " global father; father = os.getpid(); fork(orphan)\n"
        "os.waitpid(fork(middle), 0); say('by the init', int(os.read(read, 9)) == parent)"
    ),
    "leaves a child": "mask(); say(fork(told))",
    "terminal": (
        "own = os.getpid(); say('leads its group', os.getpgid(0) == own, 'session', os.getsid(0) == own);\n"
        "try: say('foreground', os.tcgetpgrp(0) == own)\n"
        "except OSError as error: say('no terminal', error.errno)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {1, 2, 18}); say('ready'); say('signal', signal.sigwait({1, 2, 18})); sys.exit(5)"
    ),
}
#: PID 1 of a scene where the init is not: it has the init's command line as its arguments.
OBSERVERS = {
    "shell": "import subprocess; status = subprocess.call(sys.argv[1:]); say('status', status)",
    "heir": (
        "import subprocess; init = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "child = int(init.stdout.readline()); status = init.wait(); os.kill(child, 63)\n"
        "say('status', status, init.stdout.readline().decode().strip())"
    ),
    "orphaner": (
        "import subprocess; shell = 'echo $$; \"$@\" & wait'\n"
        "middle = subprocess.Popen(['/bin/sh', '-c', shell, 'sh', *sys.argv[1:]], stdout=subprocess.PIPE)\n"
        "pid = int(middle.stdout.readline()); middle.stdout.readline(); os.kill(pid, 9)\n"
        "say('sent', middle.stdout.readline().decode().strip())"
    ),
    "job": (
        "import subprocess; patience = float(sys.argv[1]); init = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE,"
        " bufsize=0, preexec_fn=os.setpgrp)\n"
        "until(lambda: len(others()) == 2 and open(f'/proc/{max(others())}/comm').read() == 'sleep\\n'); main = max(others())\n"
        "init.send_signal(20); until(lambda: state(main) == 'T'); limit = time.monotonic() + patience\n"
        "while state(init.pid) != 'T' and time.monotonic() < limit: time.sleep(0.002)\n"
        "say('main', state(main), 'init', state(init.pid)); init.send_signal(18)\n"
        "until(lambda: state(main) == 'S' and state(init.pid) == 'S'); say('main', state(main), 'init', state(init.pid))\n"
        "init.send_signal(15); say('status', init.wait())"
    ),
}


def script(name: str) -> list[str]:
    """A command that plays a part."""
    return [*PYTHON, f"{TOOLS}\n{SCRIPTS.get(name) or OBSERVERS[name]}"]


def argv(init: Init, args: Sequence[str]) -> list[str]:
    """The init and its arguments, of which @NAME is a script."""
    words: list[str] = [*init]
    for arg in args:
        words += script(arg[1:]) if arg.startswith("@") else [arg]
    return words


def namespaces() -> list[str]:
    """What starts a command as PID 1."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--fork", "--pid", "--mount-proc", "--kill-child"]


@contextmanager
def started(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """It, in a session of its own, and gone afterwards with all that it has started."""
    options["env"] = options.pop("only", None) or {**os.environ, **options.pop("env", {})}
    options.update(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    with subprocess.Popen([*namespaces(), *command], **options) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its status and the rest of its output."""
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def init_of(process: subprocess.Popen[str]) -> int:
    """The init's PID, from outside."""
    return int(children(process.pid)[0])


def status(init: Init, args: Sequence[str], **options: Any) -> int:
    """The exit status."""
    with started(argv(init, args), **options) as process:
        return ended(process)[0]


def output(init: Init, args: Sequence[str], **options: Any) -> tuple[int, str, str]:
    """The exit status, and what is written where."""
    with started(argv(init, args), **options) as process:
        return ended(process)


def said(init: Init, args: Sequence[str], **options: Any) -> tuple[int, list[str]]:
    """The exit status, and the lines of what is said on standard error: two processes write there, one as soon as the other."""
    code, _, err = output(init, args, **options)
    return code, sorted(err.splitlines())


def answer(init: Init, args: Sequence[str], **options: Any) -> tuple[int, str, str]:
    """The exit status, and of what is written the first line where it is an error's, otherwise only where it is."""
    code, out, err = output(init, args, **options)
    first = err.partition("\n")[0]
    return code, "written" if out else "", first if re.match(r"(tini|dumb-init): |\[", first) else "written" if err else ""


def told(process: subprocess.Popen[str]) -> None:
    """Wait until the command is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == READY, line


def forwarded(init: Init, args: Sequence[str], **options: Any) -> tuple[int, list[str]]:
    """The exit status, and of ASKED the signals that do not reach the command, or as what."""
    unlike: list[str] = []
    with started(argv(init, [*args, "@reports"]), **options) as process:
        told(process)
        pid = init_of(process)
        assert process.stdout is not None
        for sig in ASKED[:-1]:
            os.kill(pid, sig)
            os.kill(pid, MARK)
            got = list(iter(lambda: int(process.stdout.readline()), MARK))  # type: ignore[union-attr]
            if got != [sig]:
                unlike.append(f"{sig}: {got}")
        os.kill(pid, 63)
        return ended(process)[0], unlike


def grouped(init: Init, args: Sequence[str], **options: Any) -> tuple[int, str]:
    """The exit status, and what reaches a child of the command's."""
    with started(argv(init, [*args, "@has a child"]), **options) as process:
        told(process)
        for sig in (signal.SIGUSR1, MARK):
            os.kill(init_of(process), sig)
        return ended(process)[:2]


def observed(init: Init, args: Sequence[str], observer: str = "shell", words: Sequence[str] = (), **options: Any) -> tuple[str, str]:
    """What an observer says, which is PID 1 in the init's stead, and what the init says."""
    with started([*script(observer), *words, *argv(init, args)], **options) as process:
        _, out, err = ended(process)
        return out, re.sub(r"\([0-9]+\)", "(N)", err).partition("\n")[0]


def inherited(init: Init, args: Sequence[str]) -> str:
    """What is ignored and masked of what was, as the command has it: TERM and INT ignored before, USR1 masked."""

    def prepare() -> None:
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGTTOU):
            signal.signal(sig, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    with started(argv(init, [*args, "grep", "^Sig[BI]", "/proc/self/status"]), preexec_fn=prepare) as process:
        return ended(process)[1]


def warned(init: Init, args: Sequence[str]) -> tuple[int, int]:
    """The exit status, and how many lines of warnings."""
    code, _, err = output(init, args)
    return code, err.count("[WARN  tini (1)] Reaped zombie process with pid=")


def forbidden(init: Init, args: Sequence[str], patience: float) -> str:
    """What becomes of an init that may not signal its command."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a user namespace of an ordinary user has one user id")
    weak = ("setpriv", "--bounding-set=-kill", "--inh-caps=-kill")
    with started([*weak, *argv(init, [*args, "setpriv", "--reuid=65534", "--clear-groups", "sleep", "60"])]) as process:
        pid = awaited(lambda: children(process.pid))[0]
        child = awaited(lambda: children(pid))[0]
        awaited(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n")
        os.kill(int(pid), signal.SIGTERM)
        try:
            return f"ends with {process.wait(patience)}"
        except subprocess.TimeoutExpired:
            return "lives" if "ShdPnd:\t0000000000000000" in Path(f"/proc/{pid}/status").read_text() else "has not looked"


def children(pid: object) -> list[str]:
    """The children of a process of one thread."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def awaited(what: Callable[[], Any]) -> Any:
    """What is there at last."""
    limit = monotonic() + PATIENCE
    while not (found := what()):
        assert monotonic() < limit
        sleep(0.002)
    return found


def at_a_terminal(init: Init, args: Sequence[str]) -> str:
    """The init leads a session that has a terminal; what the command says there, to whom the terminal sends an interrupt."""
    primary, secondary = os.openpty()
    command = [*namespaces(), "setsid", "--ctty", *argv(init, [*args, "@terminal"])]
    with subprocess.Popen(command, stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True) as process:
        os.close(secondary)
        said = b""
        try:
            while b"ready" not in said:
                said += os.read(primary, 1 << 16)
            os.write(primary, b"\x03")
            while True:
                said += os.read(primary, 1 << 16)
        except OSError:  # nobody has the other side any more
            process.wait(PATIENCE)
        finally:
            process.kill()
            os.close(primary)
    return said.decode().replace("^C", "").replace("\r\n", "; ") + str(process.returncode)
