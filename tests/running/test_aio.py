"""nscore/running/aio.py: run and Popen in tasks of asyncio and of trio."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nscore
from nscore import CalledProcessError, Popen, TimeoutExpired, aio
from nscore.running.loops import running_loop
from tests.check import keeps_status
from tests.conftest import need
from tests.running.loops import ENDS, STAYS, Loop, shell, sleeper
from tests.running.stalls import Stalls
from tests.running.storms import mark, marked

assert not TYPE_CHECKING or sys.platform == "linux"

ROOT = Path(__file__).parent.parent.parent
LATE = 0.1

OPTIONS: dict[str, dict[str, Any]] = {
    "bytes": {"input": b"\r\nin\xff", "capture_output": True},
    "nothing": {"input": b"", "stdout": subprocess.PIPE},
    "into one": {"input": b"in", "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
    "text": {"input": "\r\nin\rä", "capture_output": True, "text": True},
    "encoding": {"input": "ä", "stdout": subprocess.PIPE, "encoding": "latin-1"},
    "errors": {"input": "aä", "stdout": subprocess.PIPE, "encoding": "ascii", "errors": "ignore"},
    "no pipes": {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL},
    "a host name": {"stdout": subprocess.PIPE, "hostname": "inside"},
    "no init": {"stdout": subprocess.PIPE, "init": False},
    "no /proc": {"stdout": subprocess.PIPE, "init": False, "proc": False},
    "unbuffered": {"input": b"in", "stdout": subprocess.PIPE, "bufsize": 0},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_result_is_that_of_run(loop: Loop, options: dict[str, Any]) -> None:
    options = {"stdin": subprocess.DEVNULL, **options}
    if "input" in options:
        del options["stdin"]
    command = ["sh", "-c", "cat; uname -n; echo $$; echo err >&2; exit 3"]
    theirs = nscore.run(command, **options)
    ours = loop.run(partial(aio.run, command, **options))
    assert (ours.args, ours.returncode, ours.stdout, ours.stderr) == (theirs.args, theirs.returncode, theirs.stdout, theirs.stderr)
    assert type(ours) is type(theirs)
    assert ours.guarantee is theirs.guarantee


FAILURES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "not found": (["no-such-command"], {}),
    "not executable": (["/etc/passwd"], {}),
    "check": (["sh", "-c", "echo out; exit 3"], {"check": True, "capture_output": True}),
    "stdin and input": (["true"], {"input": b"", "stdin": 0}),
    "stdout and capture_output": (["true"], {"stdout": 1, "capture_output": True}),
    "no such option": (["true"], {"no_such_option": 1}),
    "cannot be decoded": (["printf", "\\377"], {"stdout": subprocess.PIPE, "encoding": "ascii"}),
    "preexec_fn": (["true"], {"preexec_fn": partial(divmod, 1, 0)}),
}


@pytest.mark.parametrize(("command", "options"), FAILURES.values(), ids=FAILURES)
def test_what_fails_is_told_as_by_run(loop: Loop, command: list[str], options: dict[str, Any]) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever it is, ours is to be the same
        nscore.run(command, **options)
    with pytest.raises(type(theirs.value)) as ours:
        loop.run(partial(aio.run, command, **options))
    assert str(ours.value) == str(theirs.value)
    if isinstance(ours.value, CalledProcessError):
        assert (ours.value.output, ours.value.stderr) == (b"out\n", b"")


def test_twenty_commands_live_at_once(loop: Loop) -> None:
    """None ends before all have begun."""
    begun, begin = os.pipe()
    wait, go_on = os.pipe()

    async def command(number: int) -> Any:
        return await aio.run(["sh", "-c", f"echo; read x; exit {number}"], stdin=wait, stdout=begin)

    async def master() -> None:
        for _ in range(20):
            await running_loop().readable(begun, 60)
            os.read(begun, 1)
        os.close(go_on)

    async def main() -> list[Any]:
        return await loop.together([*(partial(command, number) for number in range(20)), master])

    results = loop.run(main)
    assert [result.returncode for result in results[:-1]] == list(range(20))
    for fd in (begun, begin, wait):
        os.close(fd)


@pytest.mark.parametrize("limit", [0, 0.2, 0.4])
def test_a_time_limit_ends_everything_and_gives_the_output_so_far(loop: Loop, limit: float) -> None:
    word = mark()

    async def main() -> float:
        begun = time.monotonic()
        with pytest.raises(TimeoutExpired) as error:
            await aio.run(shell(STAYS, word), capture_output=True, timeout=limit)
        took = time.monotonic() - begun
        assert error.value.timeout == limit
        assert (error.value.output, error.value.stderr) == (b"so far\n" if limit else None, None)
        assert not marked(word)
        return took - limit

    with Stalls() as stalls:
        late = loop.run(main)
    assert late < LATE + stalls.longest


def test_limits_at_once_are_kept_each(loop: Loop) -> None:
    async def one(limit: float) -> float:
        word = mark()
        begun = time.monotonic()
        with pytest.raises(TimeoutExpired):
            await aio.run(shell(STAYS, word), capture_output=True, timeout=limit)
        late = time.monotonic() - begun - limit
        assert not marked(word)
        return late

    async def main() -> list[Any]:
        return await loop.together([partial(one, 0.2 + 0.02 * number) for number in range(10)])

    with Stalls() as stalls:
        late = max(loop.run(main))
    assert late < LATE + stalls.longest


def test_the_limit_holds_for_what_never_stops_talking(loop: Loop) -> None:
    async def main() -> float:
        begun = time.monotonic()
        with pytest.raises(TimeoutExpired) as error:
            await aio.run(["sh", "-c", "while :; do echo y; done"], stdout=subprocess.PIPE, timeout=0.2)
        took = time.monotonic() - begun
        assert error.value.output.startswith(b"y\ny\n")
        return took

    with Stalls() as stalls:
        took = loop.run(main)
    assert took < 0.2 + LATE + stalls.longest


def test_the_rest_of_a_time_is_never_negative() -> None:
    """The time is up between two looks at the clock, of which the second says for how long to wait."""
    now = iter([0.0, 0.9, 1.1])
    limit = aio.Limit(lambda: next(now), 1.0)
    assert [limit.rest, limit.rest] == [pytest.approx(0.1), 0.0]


@pytest.mark.parametrize("timeout", [1e9, 1e300, float("inf"), None])
def test_a_limit_may_be_as_long_as_it_likes(loop: Loop, timeout: float | None) -> None:
    assert loop.run(partial(aio.run, ["sleep", "0.05"], timeout=timeout)).returncode == 0


def test_nobody_waits_for_what_has_escaped_with_the_pipes(loop: Loop) -> None:
    word = mark()
    done = loop.run(partial(aio.run, shell(ENDS, word), capture_output=True))
    assert (done.returncode, done.stdout, done.stderr) == (3, b"done\n", b"")
    assert not marked(word)


def test_much_goes_both_ways(loop: Loop) -> None:
    data = random.Random(1).randbytes(4_000_000)
    script = "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d); sys.stderr.buffer.write(d[::-1])"
    done = loop.run(partial(aio.run, [sys.executable, "-c", script], input=data, capture_output=True))
    assert (done.stdout, done.stderr) == (data, data[::-1])
    done = loop.run(partial(aio.run, ["cat"], input=memoryview(data).cast("I"), capture_output=True))
    assert done.stdout == data


def test_input_that_nobody_reads_is_no_error(loop: Loop) -> None:
    assert loop.run(partial(aio.run, ["true"], input=bytes(1_000_000))).returncode == 0


def test_descriptors_and_threads_are_given_back(loop: Loop) -> None:
    async def main() -> tuple[list[str], int]:
        for _ in range(20):
            await aio.run(["cat"], input=b"x", capture_output=True)
            await loop.cancelled(0.005, partial(aio.run, sleeper(mark())))
            with pytest.raises(FileNotFoundError):
                await aio.run(["no-such-command"], stdout=subprocess.PIPE)
        time.sleep(0.01)  # the thread of the last birth ends by itself
        return os.listdir("/proc/self/fd"), len(os.listdir("/proc/self/task"))

    loop.run(main)
    before = loop.run(main)
    after = loop.run(main)
    assert (len(after[0]), after[1]) == (len(before[0]), before[1])


def test_signals_go_to_the_command(loop: Loop) -> None:
    async def main() -> None:
        async with aio.Popen(["sleep", "1000"]) as process:
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == -signal.SIGTERM
            process.send_signal(signal.SIGTERM)
            process.kill_all()
            assert await process.wait(0) == -signal.SIGTERM

    loop.run(main)


def test_several_tasks_wait_for_one_command(loop: Loop) -> None:
    async def main() -> None:
        async with aio.Popen(["sleep", "1000"]) as process:

            async def end() -> None:
                await loop.sleep(0.02)
                process.kill_all()

            assert await loop.together([process.wait, process.wait, end, process.wait]) == [-9, -9, None, -9]

    loop.run(main)


def test_one_task_at_a_time_communicates(loop: Loop) -> None:
    async def main() -> None:
        async with aio.Popen(["sleep", "1000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:

            async def second() -> None:
                await loop.sleep(0.02)
                with pytest.raises(RuntimeError, match="another task"):
                    await process.communicate()
                process.kill_all()

            await loop.together([partial(process.communicate, bytes(1_000_000)), second])

    loop.run(main)


def test_a_wait_that_is_cancelled_or_too_long_lets_the_command_live(loop: Loop) -> None:
    async def main() -> None:
        async with aio.Popen(["sleep", "1000"]) as process:
            assert await loop.cancelled(0.02, process.wait)
            with pytest.raises(TimeoutExpired):
                await process.wait(0.02)
            with pytest.raises(TimeoutExpired):
                await process.wait(0)
            os.kill(process.pid, 0)
            process.kill_all()
            assert await process.wait() == -signal.SIGKILL

    loop.run(main)


def test_communicate_goes_on_after_a_time_limit(loop: Loop) -> None:
    async def main() -> None:
        gate, go_on = os.pipe()
        data = b"x" * 200_000
        command = ["sh", "-c", "echo first; read x <&2; cat"]
        async with aio.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=gate) as process:
            with pytest.raises(TimeoutExpired) as error:
                await process.communicate(data, timeout=0.1)
            assert error.value.output == b"first\n"
            assert await loop.cancelled(0.02, process.communicate)
            with pytest.raises(ValueError, match="after starting communication"):
                await process.communicate(b"more")
            os.close(go_on)
            for _ in range(2):
                out, err = await process.communicate()
                assert out == b"first\n" + data
                assert not err
        os.close(gate)

    loop.run(main)


def test_a_status_that_somebody_else_has_taken(loop: Loop) -> None:
    """From 6.15 on the kernel keeps it; else it is said, and never 0."""

    async def main() -> None:
        async with aio.Popen(["sh", "-c", "exit 3"]) as process:
            os.waitpid(process.pid, 0)
            if keeps_status():
                assert await process.wait() == 3
            else:
                with pytest.raises(ChildProcessError, match=r"6\.15"):
                    await process.wait()

    loop.run(main)


def test_in_a_thread(loop: Loop) -> None:
    results: list[Any] = []

    def body() -> None:
        results.append(loop.run(partial(aio.run, ["echo", "x"], capture_output=True, text=True)))

    threads = [threading.Thread(target=body) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.stdout for result in results] == ["x\n"] * 4


def test_outside_of_a_loop_nothing_is_born() -> None:
    word = mark()
    with pytest.raises(RuntimeError, match="asyncio and of trio"):
        aio.run(sleeper(word)).send(None)
    assert not marked(word)


def test_neither_loop_is_imported() -> None:
    program = "import sys, nscore; nscore.aio.run; assert not {'asyncio', 'trio', 'sniffio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_in_the_place_of_subprocess_popen_in_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its child watcher reaps the command before us; what has escaped with the pipe dies all the same, and nobody waits for it."""
    need("linux")
    monkeypatch.setattr(subprocess, "Popen", Popen)
    words = [mark() for _ in range(5)]

    async def one(word: str) -> tuple[bytes, int | None]:
        process = await asyncio.create_subprocess_exec(*shell(ENDS, word), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        out, _ = await process.communicate(b"in")
        return out, process.returncode

    async def main() -> None:
        for word in words:
            assert await asyncio.wait_for(one(word), 60) == (b"done\n", 3)

    asyncio.run(main())
    limit = time.monotonic() + 10
    while any(marked(word) for word in words) and time.monotonic() < limit:
        time.sleep(0.01)
    assert not [word for word in words if marked(word)]
