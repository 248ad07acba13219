"""python3 -m nscore init in its own way: statuses, options, the terminal and a shell's job control."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform != "linux":
    pytest.skip("inits are for Linux", allow_module_level=True)

from tests.conftest import need  # noqa: E402  what only Linux has
from tests.running.init_scenes import (  # noqa: E402
    PATIENCE,
    PYTHON,
    ROOT,
    answer,
    awaited,
    children,
    forwarded,
    grouped,
    namespaces,
    observed,
    output,
    status,
)

COMMAND = "from nscore.__main__ import main; sys.exit(main(['init', *sys.argv[1:]]))"
NSCORE = (*PYTHON, f"import sys; sys.path.insert(0, {str(ROOT)!r}); {COMMAND}")
#: What reaches the command where nothing is asked for; dumb-init's job control signals are not asked here either.
EVERY = ["17: []"]


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    need("linux")
    tried = subprocess.run([*namespaces(), "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no PID namespace is to be had: {tried.stderr.strip()}")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["true"], 0),
        (["--", "sh", "-c", "exit 3"], 3),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["--expect", "143", "--expect", "3", "--", "sh", "-c", "exit 3"], 0),
        (["--expect", "143", "sh", "-c", "kill $$"], 0),
        (["nosuch"], 127),
        (["/etc"], 126),
        (["/etc/passwd/x"], 126),
        ([], 125),
        (["--"], 125),
        (["--nope", "true"], 125),
        (["--expect", "256", "true"], 125),
        (["--rewrite", "TERM", "true"], 125),
        (["--rewrite", "TERM:BLA", "true"], 125),
        (["--rewrite", "0:TERM", "true"], 125),
        (["--pdeathsig", "65", "true"], 125),
        (["--like", "catatonit", "true"], 125),
        (["--like"], 125),
        (["--group", "--like", "tini", "true"], 125),
        (["--like=tini", "-e", "3", "--", "sh", "-c", "exit 3"], 0),
        (["--help"], 0),
    ],
)
def test_exit_statuses(args: list[str], expected: int) -> None:
    assert status(NSCORE, args) == expected


def test_an_error_is_one_line() -> None:
    assert output(NSCORE, ["nosuch"]) == (127, "", "nscore init: nosuch: No such file or directory\n")


def test_every_signal_is_forwarded() -> None:
    assert forwarded(NSCORE, []) == (7, EVERY)


def test_rewriting() -> None:
    assert forwarded(NSCORE, ["--rewrite", "SIGTERM:int", "--rewrite", "1:0"]) == (7, ["1: []", "15: [2]", *EVERY])


@pytest.mark.parametrize(("option", "reached"), [([], ""), (["--group"], " 10")])
def test_signals_go_to_the_command_or_to_its_group(option: list[str], reached: str) -> None:
    assert grouped(NSCORE, option) == (7, f"child has{reached}\n")


def test_orphans_are_reaped() -> None:
    assert output(NSCORE, ["@orphans"]) == (0, "left 0\n", "")


@pytest.mark.parametrize(("option", "adopted"), [([], True), (["--no-subreaper"], False)])
def test_orphans_are_adopted_where_it_is_not_pid_1(option: list[str], adopted: bool) -> None:
    assert observed(NSCORE, [*option, "@adopted"]) == (f"by the init {adopted}\nstatus 0\n", "")


def test_the_parents_death() -> None:
    assert observed(NSCORE, ["--pdeathsig", "TERM", "@reports"], observer="orphaner") == ("sent 15\n", "")


def test_tstp_and_cont_stop_and_continue_the_init_as_the_command() -> None:
    said = "main T init T\nmain S init S\nstatus 143\n"
    assert observed(NSCORE, ["sleep", "60"], observer="job", words=[str(PATIENCE)]) == (said, "")


def test_verbose_says_what_happens() -> None:
    said = "sh is PID 2", "signal 17 has come", "PID 2 has ended with status 3"
    assert output(NSCORE, ["--verbose", "sh", "-c", "exit 3"]) == (3, "", "".join(f"nscore init: {line}\n" for line in said))


def test_the_environment_is_as_it_was_in_the_c_locale_too() -> None:
    """Python sets LC_CTYPE for itself there."""
    assert output(NSCORE, ["env"], only={"PATH": "/usr/bin:/bin"}) == (0, "PATH=/usr/bin:/bin\n", "")


def test_it_needs_no_proc() -> None:
    """A PID 1 runs before anybody has mounted it."""
    without = ("sh", "-c", 'umount -l /proc && exec "$@"', "sh")
    assert answer((*without, *NSCORE), ["sh", "-c", "exit 3"]) == (3, "", "")


@contextmanager
def shell(command: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """A session with a terminal, whose leader this makes itself by a fork, and in it a job in the foreground.

    The primary side, and pipes to and from the leader: it stops and continues the job as told, and tells what it sees.
    """
    primary, secondary = os.openpty()
    (told, tell), (see, show) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            fcntl.ioctl(secondary, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            control(command, secondary, told, show)
        finally:
            os._exit(1)
    for fd in (secondary, told, show):
        os.close(fd)
    try:
        yield primary, tell, see
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for fd in (primary, tell, see):
            os.close(fd)


def control(command: Sequence[str], terminal: int, told: int, show: int) -> None:
    """What a shell with job control does: give the job the terminal, wait for its stop, take the terminal back; and on a word once more."""

    def lend() -> None:
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)

    job = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, preexec_fn=lend)  # noqa: PLW1509  there are no threads
    while True:
        _, seen = os.waitpid(job.pid, os.WUNTRACED)
        foreground = os.tcgetpgrp(terminal)
        os.write(show, f"{seen:x} {foreground == job.pid}\n".encode())
        if not os.WIFSTOPPED(seen):
            return
        os.tcsetpgrp(terminal, os.getpgrp())
        os.read(told, 1)
        os.tcsetpgrp(terminal, job.pid)
        os.kill(-job.pid, signal.SIGCONT)


def read_until(fd: int, word: bytes) -> bytes:
    said = b""
    while word not in said:
        said += os.read(fd, 1 << 12)
    return said


def test_a_shell_stops_and_continues_it_as_any_job() -> None:
    """The command has the terminal: it is what the terminal stops and interrupts, and the init follows."""
    body = (
        "import os, signal, time\ndef say(): os.write(1, b'has it %r' % (os.tcgetpgrp(0) == os.getpgrp()))\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {18}); say(); signal.sigwait({18}); say(); time.sleep(60)"
    )
    with shell([*NSCORE, *PYTHON, body]) as (primary, tell, see):
        read_until(primary, b"has it True")
        os.write(primary, b"\x1a")
        stopped, lent = read_until(see, b"\n").split()
        assert (int(stopped, 16), lent) == (signal.SIGSTOP << 8 | 0x7F, b"False")
        os.write(tell, b"0")
        read_until(primary, b"has it True")
        os.write(primary, b"\x03")
        assert read_until(primary, b"KeyboardInterrupt")
        ended, back = read_until(see, b"\n").split()
        assert (os.waitstatus_to_exitcode(int(ended, 16)), back) == (128 + signal.SIGINT, b"True")


def test_it_takes_no_terminal_that_is_not_its_own() -> None:
    """In the background it leaves the terminal to whoever has it."""
    report = "import os; print('has it', os.tcgetpgrp(0) == os.getpgrp(), flush=True)"
    background = "import os, subprocess, sys; sys.exit(subprocess.call(sys.argv[1:], preexec_fn=os.setpgrp))"
    with shell([*PYTHON, background, *NSCORE, *PYTHON, report]) as (primary, _, see):
        read_until(primary, b"has it False")
        assert read_until(see, b"\n").split()[0] == b"0"


def test_what_comes_before_the_command_runs_is_for_the_command() -> None:
    """A signal to a group that is still to be made, or to a child that is still Python, is not lost."""
    for like in (), ("--like", "dumb-init"), ("--like", "tini", "-g", "--"):
        for _ in range(5):
            none = subprocess.DEVNULL
            with subprocess.Popen([*NSCORE, *like, "sleep", "60"], stdin=none, stdout=none, stderr=none) as init:
                awaited(lambda: children(init.pid))
                init.terminate()
                assert init.wait(PATIENCE) == 143
