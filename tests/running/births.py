"""Commands that are born by a fork or by a stub, and what subprocess's have beside them.  A program that tries them, as whoever starts it.

    python -m tests.running.births small|large|threaded [NAME...]

Each is tried in a process of its own: as small as it is, or with so much memory, or with another thread, that a stub makes its commands.
"""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from nscore.linux import stubs
from nscore.running import Popen, TimeoutExpired
from nscore.running import run as typed_run
from tests.running import forks, witness

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

#: The options are told apart at run time.
run: Any = typed_run
SHAPES = ("small", "large", "threaded")
SCENES: dict[str, Callable[[], None]] = {}
#: What has been executed in this process, by subprocess: "stub", or the command itself.
MADE: list[str] = []
#: What auditors are told of that.
TOLD: list[tuple[Any, ...]] = []
SHAPE = [SHAPES[0]]
#: The status of a process, but for what is of it alone.
STATUS = "Umask|SigBlk|SigIgn|SigCgt|Cap[IPEA]|NoNewPrivs|Seccomp"
ANYTHING: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


def scene(body: Callable[[], None]) -> Callable[[], None]:
    """Register one under its name."""
    SCENES[body.__name__] = body
    return body


def heard(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook."""
    if event == "subprocess.Popen":
        TOLD.append(args)
        MADE.append("stub" if stubs.BARE in args[1] else "command")


def by_stub(**options: Any) -> bool:
    """Whether a stub makes such a command in this shape."""
    if forks.root() and not options.keys() & {"map_root_user", "process_group"} and options.get("init", True):
        return False  # a thread makes it
    return SHAPE[0] != "small"


def alike(argv: Any, **options: Any) -> bytes:
    """What subprocess's command says, and ours says too, with the same arguments."""
    theirs, ours = (way(argv, check=False, **{**ANYTHING, **options}) for way in (subprocess.run, run))
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout), (ours, theirs)
    return bytes(theirs.stdout)


@scene
def the_way_is_chosen_by_the_caller_that_has_to_fork() -> None:
    os.setpgid(0, 0)  # a group that began outside our PID namespace has no number but 0 here
    for options in ({}, {"init": False}, {"map_root_user": True}, {"process_group": os.getpgid(0)}):
        if "process_group" in options and sys.version_info < (3, 11):
            continue
        MADE.clear()
        assert run(["true"], **options).returncode == 0
        # A stub is told of after its command.
        assert (["command", "stub"] if by_stub(**options) else ["command"]) == MADE, (options, MADE)


@scene
def what_a_preexec_fn_does_is_done_in_the_command() -> None:
    if SHAPE[0] == "threaded":
        raise forks.Impossible("a fork of a process with threads is what subprocess, too, warns of")
    assert run(["sh", "-c", "umask"], preexec_fn=lambda: os.umask(0o27), stdout=subprocess.PIPE).stdout == b"0027\n"


@scene
def what_cannot_be_executed_is_told_as_subprocess_tells_it() -> None:
    """The same exception, with the same number and the same path."""
    cases: list[tuple[Any, dict[str, Any]]] = [
        (["/nowhere"], {}),
        (["nowhere"], {"env": {"PATH": "/nowhere:/etc"}}),
        (["nowhere"], {"env": {}}),
        (["/etc/passwd"], {}),
        (Path("/etc/passwd"), {}),
        (b"/etc/passwd", {}),
        ([""], {}),
        ([], {}),
        ([3], {}),
        (["a\0b"], {}),
        (["true", "a\0b"], {}),
        (["true"], {"env": {"a=b": "c"}}),
        (["true"], {"env": {"a": "b\0c"}}),
        (["true"], {"cwd": "/nowhere"}),
        (["true"], {"cwd": "/etc/passwd"}),
        (["true"], {"executable": "/nowhere"}),
        ("exit", {"shell": True, "executable": "/nowhere"}),
        (["true", "x" * 200_000], {}),
        (["true"], {"pass_fds": (-1,)}),
    ]
    for init in (True, False):
        for argv, options in cases:
            theirs, ours = refusal(subprocess.run, argv, options), refusal(run, argv, {**options, "init": init})
            assert ours == theirs, (argv, options, ours, theirs)
    with suppress(ChildProcessError):
        raise AssertionError(os.waitpid(-1, os.WNOHANG))


def refusal(way: Callable[..., Any], argv: Any, options: dict[str, Any]) -> tuple[Any, ...]:
    """What it raises."""
    try:
        way(argv, **options)
    except (OSError, ValueError, TypeError, IndexError) as error:
        return type(error), str(error), getattr(error, "errno", None), getattr(error, "filename", None)
    raise AssertionError(f"{argv}, {options}: it can be executed")


@scene
def the_command_has_its_own_name_and_arguments() -> None:
    show = ["sh", "-c", 'tr "\\0" "|" < /proc/self/cmdline; echo; printf "%s|" "$0" "$@"', "zero", "a b", "", "ü\udcff"]
    assert alike(show).endswith("zero|a b||ü".encode() + b"\xff|")
    alike([os.fsencode(word) for word in show])
    alike(["other", "-c", "tr '\\0' '|' < /proc/self/cmdline"], executable="/bin/sh")
    alike("echo $0 $((1 + 1))", shell=True)
    alike(["echo $0 $1", "zero", "one"], shell=True)
    alike("echo *", shell=True, executable="/bin/sh", cwd="/")
    alike(Path("/bin/true"))
    ways: tuple[Any, ...] = (subprocess.run, run)
    for way in ways:
        assert way((word for word in ("printf", "%s|", "a", "b")), stdout=subprocess.PIPE).stdout == b"a|b|"


@scene
def auditors_hear_of_it_what_they_hear_of_subprocesss() -> None:
    cases: list[tuple[Any, dict[str, Any]]] = [
        (["true"], {}),
        (("true", b"x"), {"cwd": "/", "env": {"PATH": "/bin:/usr/bin"}}),
        (Path("/bin/true"), {}),
        ("true", {}),
        ("true", {"shell": True}),
        (["zero"], {"executable": "/bin/true"}),
    ]
    for argv, options in cases:
        theirs, ours = (told_of(way, argv, options) for way in (subprocess.run, run))
        assert ours == theirs, (argv, options)


def told_of(way: Callable[..., Any], argv: Any, options: dict[str, Any]) -> tuple[Any, ...]:
    """The first event of such a command."""
    TOLD.clear()
    way(argv, check=True, **options)
    return TOLD[0]


@scene
def the_command_has_its_own_environment() -> None:
    """What would keep an interpreter from starting is for the command alone, and what C code has put there is not lost."""
    hostile = dict.fromkeys(("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"), "/nowhere") | {"ü": "\udcff"}
    show = ["env", "-0"]
    assert b"PYTHONHOME=/nowhere\0" in alike(show, env={"PATH": os.environ["PATH"], **hostile})
    assert alike(show, env={b"PATH": b"/bin:/usr/bin", b"A": b"b"}) == b"PATH=/bin:/usr/bin\0A=b\0"
    os.environ.update(hostile)
    os.putenv("OF_C", "alone")
    assert b"OF_C=alone\0" in alike(show)
    os.environ["PATH"] = "/nowhere"
    assert refusal(run, ["true"], {}) == refusal(subprocess.run, ["true"], {})


@scene
def a_long_command_line_and_environment_come_across() -> None:
    environment = {f"NAME{number}": "y" * 10_000 for number in range(40)}
    script = "import os, sys; print(len(sys.argv), len(os.environ), sum(map(len, sys.argv)))"
    alike([sys.executable, "-I", "-S", "-c", script, *["x" * 100_000] * 5], env=environment)


@scene
def the_command_has_the_descriptors_that_it_is_passed() -> None:
    show = [sys.executable, "-I", "-S", "-c", "import os; print(sorted(os.listdir('/proc/self/fd'), key=int))"]
    kept, other = os.pipe()
    os.set_inheritable(other, True)
    either: list[dict[str, Any]] = [{}, {"pass_fds": (kept,)}, {"close_fds": False}]
    for options in (*either, {"pass_fds": (kept, os.dup2(kept, 700))}, {"stdin": subprocess.DEVNULL}):
        alike(show, **options)
    os.close(0)  # the next descriptor will be 0, whoever's it is
    for options in either:
        alike(show, **options)
        assert run(["true"], init=False, **options).returncode == 0


@scene
def input_and_output_of_any_size_go_both_ways() -> None:
    data = random.Random(7).randbytes(1 << 20)
    assert run(["cat"], input=data, stdout=subprocess.PIPE).stdout == data
    done = run(["sh", "-c", "cat; echo err >&2; exit 3"], input="ü\n", capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (3, "ü\n", "err\n")


@scene
def signals_do_what_they_would_do_in_subprocesss_command() -> None:
    """An interpreter ignores SIGPIPE and SIGXFSZ, and handles SIGINT."""
    show = ["grep", "-E", f"^({STATUS})", "/proc/self/status"]
    alike(show)
    alike(show, restore_signals=False)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGRTMIN, signal.SIGINT})
    for options in ({}, {"restore_signals": False}, {"umask": 0o27}):
        alike(show, **options)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGTERM, signal.SIGRTMIN, signal.SIGINT}


@scene
def the_directory_is_the_callers_or_as_asked() -> None:
    alike(["pwd", "-P"], cwd="/usr")
    alike(["pwd", "-P"], cwd=b"/usr/bin")
    os.chdir("/usr")
    alike(["pwd", "-P"])
    alike(["pwd", "-P"], cwd="bin")
    alike(["./true"], cwd="/bin")


@scene
def a_deleted_directory_is_the_commands_too() -> None:
    folder = f"/tmp/nscore-births-{os.getpid()}"
    os.mkdir(folder)
    os.chdir(folder)
    os.rmdir(folder)
    assert alike(["readlink", "/proc/self/cwd"]).endswith(b" (deleted)\n")


@scene
def sessions_and_groups_are_seen_from_outside() -> None:
    group, leader = os.getpgid(0), os.fork()
    if leader == 0:
        signal.pause()
    os.setpgid(leader, leader)
    cases: list[tuple[dict[str, Any], Callable[[int], tuple[int, int]]]] = [
        ({}, lambda pid: (group, os.getsid(0))),
        ({"start_new_session": True}, lambda pid: (pid, pid)),
    ]
    if sys.version_info >= (3, 11):
        cases.append(({"process_group": 0}, lambda pid: (pid, os.getsid(0))))
        cases.append(({"process_group": leader}, lambda _: (leader, os.getsid(0))))
    for init in (True, False):
        for options, expected in cases:
            with Popen(["cat"], stdin=subprocess.PIPE, init=init, **options) as process:
                assert (os.getpgid(process.pid), os.getsid(process.pid)) == expected(process.pid), options
                process.communicate()
    if sys.version_info >= (3, 11):
        both = {"start_new_session": True, "process_group": leader}
        assert refusal(run, ["true"], both) == refusal(subprocess.run, ["true"], both)
    os.kill(leader, signal.SIGKILL)
    os.waitpid(leader, 0)


@scene
def a_command_may_be_its_own_init() -> None:
    """It is PID 1 of the /proc that it sees; without that it sees its caller's."""
    show = ["sh", "-c", "echo $$ $PPID; exec readlink /proc/self /proc/1/ns/pid /proc/self/ns/pid"]
    pid, myself, *namespaces = run(show, init=False, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    assert (pid, myself) == ("1 0", "1") and len(set(namespaces)) == 1, namespaces
    done = run(["sh", "-c", "echo $$; cat /proc/self/comm"], init=False, proc=False, stdout=subprocess.PIPE, text=True)
    assert done.stdout.splitlines()[0] == "1"
    assert run(["hostname"], init=False, hostname="apart", stdout=subprocess.PIPE).stdout == b"apart\n"
    assert run(["id", "-u"], init=False, map_root_user=True, stdout=subprocess.PIPE).stdout == b"0\n"
    with Popen(["sleep", "1000"], init=False) as process:
        assert process.init is not None and Path(f"/proc/{process.pid}/status").exists()
        process.terminate()  # from outside a signal ends it only if it is SIGKILL, or handled
        with suppress(TimeoutExpired):
            raise AssertionError(process.wait(0.05))
        process.kill_all()
        assert process.wait() == -signal.SIGKILL


@scene
def all_of_it_ends_with_the_time() -> None:
    """Whatever has become a daemon, too; and the output so far is there."""
    for options in ({}, {"init": False}):
        run(["true"], **options)  # whoever keeps it, with his descriptors
        with witness.nothing_left() as passed:
            try:
                run(
                    ["sh", "-c", f"echo out; trap '' TERM; {witness.ESCAPES} sleep 1000"],
                    timeout=0.3,
                    stdout=subprocess.PIPE,
                    **passed,
                    **options,
                )
            except TimeoutExpired as error:
                output = error.output
            assert output == b"out\n"


@scene
def the_death_of_the_caller_is_the_commands() -> None:
    """At any moment: of a command that is its own init, and of one that has an init."""
    ours, theirs = os.pipe()
    for number in range(24):
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            grow()
            while True:
                run(["sh", "-c", f"{witness.ESCAPES} exec sleep 0.01"], pass_fds=(theirs,), init=number % 2 == 0)
        time.sleep(random.uniform(0.02, 0.12))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(theirs)
    poll = select.poll()
    poll.register(ours, select.POLLIN)
    assert poll.poll(5000) and not os.read(ours, 1), "something lives that holds the pipe"


@scene
def a_signal_for_the_group_reaches_a_command_that_is_not_there_yet() -> None:
    """A terminal's Ctrl-C while a fork or a stub is at work: subprocess's command would be there, and get it."""
    os.setpgid(0, 0)
    caught: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    run(["true"])  # the keeper
    for _ in range(12):
        pid = os.fork()
        if pid == 0:
            grow()
            os._exit(interrupted())
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"the command ended with {os.waitstatus_to_exitcode(status)}"


def interrupted() -> int:
    """0 where a signal that is sent to the group as soon as there is a child ends the command."""
    run(["true"])
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        while not children(os.getppid()) - {os.getpid()}:
            pass
        os.killpg(0, signal.SIGINT)
        os._exit(0)
    status = run(["sleep", "1"]).returncode
    os.waitpid(pid, 0)
    return 0 if status == -signal.SIGINT else 1


def children(pid: int) -> set[int]:
    """Of all its threads."""
    found: set[int] = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with suppress(OSError):
            found |= {int(child) for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()}
    return found


@scene
def eight_threads_run_commands_at_once() -> None:
    def several(number: int) -> list[bytes]:
        return [run(["sh", "-c", f"echo {number}; exit {number}"], stdout=subprocess.PIPE).stdout for _ in range(5)]

    run(["true"])
    with witness.nothing_left(), ThreadPoolExecutor(8) as pool:
        assert list(pool.map(several, range(8))) == [[b"%d\n" % number] * 5 for number in range(8)]


@scene
def limits_are_the_commands() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    alike(["sh", "-c", "ulimit -f; ulimit -n; ulimit -c; nice"])


@scene
def where_a_stub_does_not_start_a_fork_does() -> None:
    for image in ("/nowhere", "/bin/false", "/etc/passwd"):
        vars(stubs)["IMAGE"] = image
        for options in ({}, {"init": False}):
            done = run(["cat"], input=b"text", stdout=subprocess.PIPE, **options)
            assert (done.returncode, done.stdout) == (0, b"text"), (image, done)
        assert refusal(run, ["true"], {"cwd": "/nowhere"}) == refusal(subprocess.run, ["true"], {"cwd": "/nowhere"})


@scene
def who_gives_up_his_ids_for_a_while_may_run_commands_meanwhile() -> None:
    """A daemon of root's: as long as its effective ids are others it is an ordinary user.  It writes no id map itself, as its files in
    /proc are root's; the keeper, whose ids are all the same, can."""
    forks.needs_root()
    run(["true"])  # what is imported as root need not be readable for others
    for _ in range(2):
        os.setegid(65534)
        os.seteuid(65534)
        done = run(["sh", "-c", "id -u; id -ru"], stdout=subprocess.PIPE, text=True)
        assert done.stdout.split() == ["65534", "65534"], done
        os.seteuid(0)
        os.setegid(0)
        assert run(["id", "-u"], stdout=subprocess.PIPE).stdout == b"0\n"


def grow() -> None:
    """Become what the shape says; a fork has no thread but its own."""
    if SHAPE[0] == "threaded":
        threading.Thread(target=threading.Event().wait, daemon=True).start()


def main(shape: str, *names: str) -> None:
    """Print what became of each, as JSON."""

    def tried(body: Callable[[], None]) -> Callable[[], list[str]]:
        def wrong() -> list[str]:
            grow()
            body()
            return []

        return wrong

    SHAPE[0] = shape
    ballast = bytearray((200 << 20) if shape == "large" else 0)
    for at in range(0, len(ballast), 4096):
        ballast[at] = 1
    sys.addaudithook(heard)
    os.chdir("/")
    print(json.dumps({name: forks.apart(tried(SCENES[name])) for name in names or SCENES}))


if __name__ == "__main__":
    main(*sys.argv[1:])
