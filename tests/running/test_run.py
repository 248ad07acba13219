"""run() and Popen are subprocess's, in a PID namespace that ends with the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import need
from tests.running.storms import mark, marked

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from nscore.running import CalledProcessError, CompletedProcess, Guarantee, Popen, TimeoutExpired, run

PYTHON = [sys.executable, "-I", "-S", "-c"]


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    need("linux")


@pytest.fixture
def descriptors() -> Iterator[None]:
    """No descriptor and no thread that holds a command is left behind."""
    run(["true"])
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert set(os.listdir("/proc/self/fd")) == before


def sleeper(word: str) -> list[str]:
    return ["sleep", "1000", f"0.{word}"]


def test_a_result_is_a_completed_process_with_its_guarantee() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True, text=True)
    assert isinstance(done, CompletedProcess) and isinstance(done, subprocess.CompletedProcess)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert done.guarantee is Guarantee.PID_NAMESPACE
    assert repr(done) == repr(subprocess.run(done.args, capture_output=True, text=True, check=False))


def test_a_command_is_pid_2_below_an_init_and_sees_nobody_else() -> None:
    script = "import os; print(os.getpid(), os.getppid(), *sorted(filter(str.isdigit, os.listdir('/proc'))))"
    assert run([*PYTHON, script], stdout=subprocess.PIPE, text=True).stdout == "2 0 1 2\n"


def test_a_command_may_be_its_own_init() -> None:
    done = run([*PYTHON, "import os; print(os.getpid())"], init=False, proc=False, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "1\n"


def test_without_a_proc_of_its_own_it_sees_the_callers() -> None:
    script = f"import os; print(os.path.exists('/proc/{os.getpid()}'), os.readlink('/proc/self') == str(os.getpid()))"
    assert run([*PYTHON, script], proc=False, stdout=subprocess.PIPE, text=True).stdout.startswith("True ")


def test_orphans_are_reaped() -> None:
    script = """
import os, time
for _ in range(20):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
for _ in range(20):
    os.wait()
while len([pid for pid in os.listdir("/proc") if pid.isdigit()]) > 2:
    time.sleep(0.001)
"""
    assert run([*PYTHON, script], timeout=20).returncode == 0


def test_a_host_name_of_its_own() -> None:
    if os.geteuid():
        pytest.skip("needs root")
    before = os.uname().nodename
    done = run([*PYTHON, "import os; print(os.uname().nodename)"], hostname="inside", stdout=subprocess.PIPE, text=True)
    assert (done.stdout, os.uname().nodename) == ("inside\n", before)


@pytest.mark.usefixtures("descriptors")
def test_a_timeout_ends_everything_and_has_the_output_so_far() -> None:
    word = mark()
    script = f"setsid sleep 1000 0.{word} & (sleep 1000 0.{word} &); echo so far; exec sleep 1000"
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        run(["sh", "-c", script], capture_output=True, timeout=0.2)
    assert isinstance(caught.value, TimeoutExpired)
    assert (caught.value.output, caught.value.stderr, caught.value.timeout) == (b"so far\n", None, 0.2)
    assert not marked(word)


def test_what_holds_the_pipes_ends_with_the_command() -> None:
    word = mark()
    start = time.monotonic()
    done = run(["sh", "-c", f"setsid sleep 1000 0.{word} & echo done"], capture_output=True, text=True, timeout=20)
    assert (done.stdout, time.monotonic() - start < 10) == ("done\n", True)
    assert not marked(word)


def test_check_raises_ours_which_is_subprocesss() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(["sh", "-c", "echo out; exit 7"], check=True, stdout=subprocess.PIPE)
    assert isinstance(caught.value, CalledProcessError)
    assert (caught.value.returncode, caught.value.output) == (7, b"out\n")
    with pytest.raises(CalledProcessError):
        run(["false"]).check_returncode()


def test_input_goes_in_and_comes_out() -> None:
    big = os.urandom(1 << 20)
    assert run(["cat"], input=big, capture_output=True).stdout == big
    assert run(["cat"], input="grüße\r\n", encoding="utf-8", stdout=subprocess.PIPE).stdout == "grüße\n"
    assert run(["cat"], input="ä", encoding="latin-1", stdout=subprocess.PIPE).stdout == "ä"
    assert run("echo $((6 * 7))", shell=True, text=True, stdout=subprocess.PIPE).stdout == "42\n"


BAD: dict[str, tuple[Any, dict[str, Any]]] = {
    "no such command": (["/nonexistent/command"], {}),
    "not executable": (["/etc/passwd"], {}),
    "no such directory": (["true"], {"cwd": "/nonexistent"}),
    "a NUL": (["true", "a\0b"], {}),
    "a fork that fails": (["true"], {"preexec_fn": lambda: 1 / 0}),
    "input and stdin": (["true"], {"input": b"", "stdin": subprocess.PIPE}),
    "captured twice": (["true"], {"capture_output": True, "stdout": subprocess.PIPE}),
    "no such keyword": (["true"], {"nonsense": 1}),
    "not a command": (3, {}),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("descriptors")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_an_error_is_that_of_subprocess(name: str) -> None:
    args, options = BAD[name]
    errors: list[BaseException] = []
    for way in (run, subprocess.run):
        with pytest.raises((OSError, ValueError, TypeError, subprocess.SubprocessError)) as caught:
            way(args, **options)
        errors.append(caught.value)
    ours, theirs = errors
    assert type(ours) is type(theirs)
    if name != "no such keyword":
        assert str(ours) == str(theirs)
    assert getattr(ours, "filename", None) == getattr(theirs, "filename", None)


def test_a_signal_is_the_returncode() -> None:
    assert run(["sh", "-c", "kill -TERM $$"]).returncode == -signal.SIGTERM


@pytest.mark.usefixtures("descriptors")
def test_signals_reach_the_command_by_its_pidfd() -> None:
    with Popen(["sleep", "1000"]) as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        assert process.poll() is None
        process.terminate()
        process.send_signal(signal.SIGCONT)
        assert process.wait() == -signal.SIGTERM
        process.send_signal(signal.SIGKILL)  # it has ended: nothing
    with Popen(["sleep", "1000"]) as process:
        process.kill()
        assert process.wait() == -signal.SIGKILL


def test_init_is_a_pidfd_until_nothing_is_left() -> None:
    with Popen(["sleep", "1000"]) as process:
        init = process.init
        assert init is not None
        namespace = os.readlink(f"/proc/{process.pid}/ns/pid")
        line = next(line for line in Path(f"/proc/self/fdinfo/{init}").read_text().splitlines() if line.startswith("NSpid"))
        assert line.split()[-1] == "1"
        assert namespace != os.readlink("/proc/self/ns/pid")
        signal.pidfd_send_signal(init, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert process.init is None


@pytest.mark.parametrize("way", ["kill_all", "abandon"])
@pytest.mark.usefixtures("descriptors")
def test_everything_can_be_ended_at_any_time(way: str) -> None:
    word = mark()
    process = Popen(["sh", "-c", f"setsid sleep 1000 0.{word} & echo; trap '' TERM; wait"], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.read(1)
        getattr(process, way)()
        assert process.wait() == -signal.SIGKILL
        assert not marked(word)
        process.kill_all()
        process.abandon()


@pytest.mark.usefixtures("descriptors")
def test_an_exception_in_the_with_block_ends_everything() -> None:
    word = mark()
    with pytest.raises(ZeroDivisionError), Popen(sleeper(word)) as process:
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGKILL
    assert not marked(word)


def test_wait_and_communicate_expire_as_subprocesss_and_may_be_tried_again() -> None:
    with Popen(["sh", "-c", "echo one; read line; echo two"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        with pytest.raises(TimeoutExpired):
            process.wait(0.01)
        with pytest.raises(TimeoutExpired):
            process.wait(0)
        assert process.communicate("line\n")[0] == "one\ntwo\n"
    assert process.returncode == 0


def test_one_that_is_forgotten_warns_and_what_it_leaves_ends_with_it() -> None:
    word = mark()
    process = Popen(["sh", "-c", f"setsid sleep 1000 0.{word} & echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stdin, stdout, pid = process.stdin, process.stdout, process.pid
    assert stdin is not None and stdout is not None
    stdout.read(1)
    with pytest.warns(ResourceWarning, match="still running"):
        del process
    assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, "it goes on, as subprocess's does"
    stdin.close()
    assert stdout.read() == b""
    stdout.close()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert not marked(word)
    vars(subprocess)["_cleanup"]()


@pytest.mark.usefixtures("descriptors")
def test_from_threads_at_once() -> None:
    found: list[str] = []

    def work(number: int) -> None:
        for _ in range(10):
            found.append(run(["sh", "-c", f"echo {number}"], stdout=subprocess.PIPE, text=True, timeout=60).stdout)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(found) == sorted(f"{number}\n" for number in range(8) for _ in range(10))


def test_many_commands_live_at_once() -> None:
    processes = [Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(30)]
    for number, process in enumerate(processes):
        with process:
            assert process.communicate(b"%d" % number)[0] == b"%d" % number


@pytest.mark.parametrize("close_fds", [True, False])
def test_no_descriptor_leaks_into_the_command(close_fds: bool) -> None:
    command = [*PYTHON, "import os; print(os.listdir('/proc/self/fd'))"]
    ours = run(command, stdout=subprocess.PIPE, close_fds=close_fds).stdout
    assert ours == subprocess.run(command, stdout=subprocess.PIPE, close_fds=close_fds, check=False).stdout
