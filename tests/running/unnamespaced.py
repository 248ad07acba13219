"""Commands where no PID namespace is to be had, and what keeps them together all the same.  A program for such a place.

    unshare -r python -m tests.running.unnamespaced {root|ordinary} {cgroup|subreaper}

It is root in a user namespace of its own, forbids all others, and tries each scene in a process of its own: as root there, or as
somebody without capabilities.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nscore import Unavailable
from nscore.linux import calls, cgroups, warden
from nscore.running import CalledProcessError, Guarantee, Popen, TimeoutExpired, Unkillable, aio, run
from nscore.running.mounts import ReadOnly

if sys.platform == "linux":
    from tests.running.forks import Impossible, apart, needs_root

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

Scene = Callable[[str], None]
SCENES: dict[str, Scene] = {}
#: What a command starts that gets away from subprocess: in sessions of their own, deaf to all but SIGKILL, orphaned, one below the other.
ESCAPES = "setsid sleep 1000 & (setsid sh -c 'trap \"\" TERM HUP INT; (setsid sleep 1000 &); sleep 1000' &) ; "
PR_SET_CHILD_SUBREAPER = 36
LIMITS = {"root": "max_pid_namespaces", "ordinary": "max_user_namespaces"}


def scene(body: Scene) -> Scene:
    """Register one under its name."""
    SCENES[body.__name__] = body
    return body


def refusal(**options: Any) -> Unavailable:
    """What run() raises."""
    try:
        run(["true"], **options)
    except Unavailable as error:
        return error
    raise AssertionError("it is available")


def ended(process: int) -> None:
    """Wait until the process of a pidfd has ended."""
    assert select.select([process], [], [], 10)[0], "it lives"


@contextmanager
def nothing_left() -> Iterator[dict[str, Any]]:
    """Options of a command of which nothing is left after the with block: process, child, descriptor or cgroup."""
    before = sorted(os.listdir("/proc/self/fd"))
    ours, theirs = os.pipe()
    yield {"pass_fds": (theirs,)}
    os.close(theirs)
    assert select.select([ours], [], [], 0)[0], "something of the command lives"
    os.close(ours)
    with suppress(ChildProcessError):
        raise AssertionError(f"a child is left: {os.waitpid(-1, os.WNOHANG)}")
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert not groups(os.getpid())


def groups(pid: int) -> list[str]:
    """The cgroups that a process has made."""
    try:
        home = cgroups.own()
    except Unavailable:
        return []
    return [name for name in os.listdir(home) if name.startswith("nscore-") and int(name[7:]) >> 24 == pid]


@scene
def nothing_weaker_is_done_that_nobody_asked_for(way: str) -> None:
    with nothing_left():
        for options in ({}, {"weaker": ()}):
            error = refusal(**options)
            assert ("namespace" in error.reason and "/proc/sys/user" in error.remedy) or "user.max_user_namespaces" in error.remedy, error
        for wish in ({"hostname": "apart"}, {"mounts": [ReadOnly()]}, {"map_root_user": True}):
            assert "only a namespace has that" in refusal(weaker=[way], **wish).reason, wish
        for wrong in ("other", "pid namespace"):
            with suppress(ValueError):
                raise AssertionError(run(["true"], weaker=[wrong]))


@scene
def the_way_is_named_and_the_result_is_as_ever(way: str) -> None:
    with nothing_left() as options:
        done = run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True, text=True, weaker=[way], **options)
        assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n"), done
        assert done.guarantee is Guarantee(way)
        assert run(["sh", "-c", "kill -KILL $$"], weaker=way).returncode == -9
        assert run(["cat"], input=b"x" * 200000, stdout=subprocess.PIPE, weaker=[way]).stdout == b"x" * 200000
        with suppress(CalledProcessError):
            raise AssertionError(run(["false"], check=True, weaker=[way]))


@scene
def a_program_that_cannot_be_run_is_told_as_ever(way: str) -> None:
    with nothing_left():
        for argv, options in ((["/nowhere"], {}), (["true"], {"cwd": "/nowhere"})):
            try:
                run(argv, weaker=[way], **options)  # type: ignore[call-overload]
            except FileNotFoundError as error:
                assert error.filename == "/nowhere", error
            else:
                raise AssertionError(f"{argv} could be run")


@scene
def the_time_limit_ends_everything(way: str) -> None:
    with nothing_left() as options:
        try:
            run(["sh", "-c", f"echo out; {ESCAPES} sleep 1000"], timeout=0.3, stdout=subprocess.PIPE, weaker=[way], **options)
        except TimeoutExpired as error:
            assert error.output == b"out\n", error
        else:
            raise AssertionError("no timeout")


@scene
def the_end_of_the_command_ends_everything(way: str) -> None:
    with nothing_left() as options:
        assert run(["sh", "-c", f"{ESCAPES} exit 5"], weaker=[way], **options).returncode == 5
        with suppress(ZeroDivisionError), Popen(["sh", "-c", f"{ESCAPES} sleep 1000"], weaker=[way], **options):
            raise ZeroDivisionError
        process = Popen(["sh", "-c", f"{ESCAPES} sleep 1000"], weaker=[way], **options)
        process.kill_all()
        assert process.wait() == -9


@scene
def a_storm_of_forks_is_ended(way: str) -> None:
    with nothing_left() as options:
        words = "f() { while :; do sleep 0 & done; }; f & f & sleep 1000"
        with suppress(TimeoutExpired):
            raise AssertionError(run(["sh", "-c", words], timeout=0.3, stderr=subprocess.DEVNULL, weaker=[way], **options))


@scene
def popen_is_the_commands(way: str) -> None:
    with nothing_left() as options:
        process = Popen(
            ["sh", "-c", "trap 'exit 9' TERM; echo; while :; do sleep .01; done"], stdout=subprocess.PIPE, weaker=[way], **options
        )
        assert process.stdout is not None and process.stdout.readline() == b"\n"
        assert (process.poll(), process.init, process.guarantee) == (None, None, Guarantee(way))
        assert f"\nPid:\t{process.pid}\n" in Path(f"/proc/{process.pid}/status").read_text()
        with suppress(TimeoutExpired):
            raise AssertionError(process.wait(0.01))
        process.terminate()
        assert [process.wait(), process.wait(1), process.poll(), process.returncode] == [9] * 4
        process.kill()
        process.stdout.close()


@scene
def nobody_elses_wait_meets_a_child(way: str) -> None:
    """The command is not the caller's child, and its number is waited for by nobody."""
    with Popen(["sleep", "1000"], weaker=[way]) as process:
        with suppress(ChildProcessError):
            raise AssertionError(os.waitpid(-1, os.WNOHANG))
        process.kill()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert run(["sh", "-c", "exit 7"], weaker=[way]).returncode == 7
    status = run(["grep", "SigIgn", "/proc/self/status"], capture_output=True, weaker=[way]).stdout
    assert int(status.split()[1], 16) >> signal.SIGCHLD - 1 & 1, status


@scene
def the_command_has_what_subprocess_would_have_given_it(way: str) -> None:
    words = (
        "ulimit -n; umask; pwd; ls /proc/self/fd; grep -E '^(Cap|Sig[BIC]|Uid|Gid|Groups|NoNew)' /proc/self/status; ps -o pgid=,sid=,ni= $$"
    )
    before: dict[str, Any] = {"cwd": "/usr", "umask": 0o27, "capture_output": True, "text": True}
    options: dict[str, Any]
    for options in ({}, {"start_new_session": True}, {"stdin": subprocess.DEVNULL}, {"preexec_fn": lambda: os.nice(3)}):
        if "start_new_session" in options:
            # What leads a session and what is nice; the first letter is whether it sleeps already.
            words = words.replace("ps -o pgid=,sid=,ni= $$", "ps -o stat=,ni= $$ | cut -c2-")
        ours = run(["sh", "-c", words], weaker=[way], **before, **options)
        theirs = subprocess.run(["sh", "-c", words], check=False, **before, **options)
        assert (ours.stdout, ours.stderr) == (theirs.stdout, theirs.stderr), (options, ours, theirs)


@scene
def orphans_are_reaped_while_the_command_runs(way: str) -> None:
    with Popen(["sh", "-c", "for i in $(seq 50); do (sleep .01 &) ; done; echo; read x"], stdin=-1, stdout=-1, weaker=[way]) as process:
        assert process.stdout is not None and process.stdout.readline() == b"\n"
        adopts = warden.father(process.pid)
        limit = time.monotonic() + 10
        while len(children := Path(f"/proc/{adopts}/task/{adopts}/children").read_text().split()) > 1:
            assert time.monotonic() < limit, children
            time.sleep(0.01)
        process.kill_all()


@scene
def the_callers_death_ends_everything(way: str) -> None:
    """Also where a fork of the caller's, which has all its descriptors, lives on."""
    ours, theirs = os.pipe()
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        Popen(["sh", "-c", f"{ESCAPES} echo; sleep 1000"], stdout=tell, pass_fds=[theirs], weaker=[way])
        os.close(theirs)
        if os.fork() == 0:
            signal.alarm(20)
        while True:
            signal.pause()
    os.close(theirs)
    os.close(tell)
    os.read(told, 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert select.select([ours], [], [], 10)[0] and not os.read(ours, 1), "something of the command lives"
    limit = time.monotonic() + 10
    while groups(pid):
        assert time.monotonic() < limit, groups(pid)
        time.sleep(0.01)


@scene
def the_wardens_death_is_told(way: str) -> None:
    """A cgroup is killed by the caller then; without one the command is, and what it has started may be left: it is said."""
    calls.prctl(PR_SET_CHILD_SUBREAPER, 1)  # what is left comes here
    for words in ("", ESCAPES):
        process = Popen(["sh", "-c", f"{words} echo; sleep 1000"], stdout=subprocess.PIPE, weaker=[way])
        assert process.stdout is not None and process.stdout.readline() == b"\n"
        command = os.pidfd_open(process.pid)
        os.kill(warden.father(process.pid), signal.SIGKILL)
        try:
            status = process.wait()
        except Unkillable as error:
            assert way == "subreaper" and "warden" in str(error), error
        else:
            assert (way, status) == ("cgroup", -9)
        ended(command)
        os.close(command)
        process.stdout.close()
        alive = living()
        assert way == "subreaper" or not alive, alive
        bury()
    assert not groups(os.getpid())


def living() -> list[int]:
    """The children that have not ended."""
    return [child for child in warden.children() if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None]


def bury() -> None:
    """Kill and reap all children, and those that they leave."""
    with suppress(ChildProcessError):
        while True:
            for child in warden.children():
                os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


@scene
def threads_have_their_own(way: str) -> None:
    with nothing_left() as options:
        wrong: list[object] = []

        def ask(number: int) -> None:
            for _ in range(3):
                done = run(["sh", "-c", f"{ESCAPES} exit {number}"], weaker=[way], **options)
                if done.returncode != number:
                    wrong.append(done)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong


@scene
def tasks_have_them_too(way: str) -> None:
    async def body(options: dict[str, Any]) -> None:
        done = await aio.run(["sh", "-c", f"echo out; {ESCAPES} exit 3"], stdout=subprocess.PIPE, weaker=[way], **options)
        assert (done.returncode, done.stdout, done.guarantee) == (3, b"out\n", Guarantee(way))
        with suppress(TimeoutExpired):
            raise AssertionError(await aio.run(["sh", "-c", f"{ESCAPES} sleep 1000"], timeout=0.2, weaker=[way], **options))
        task = asyncio.ensure_future(aio.run(["sh", "-c", f"{ESCAPES} sleep 1000"], weaker=[way], **options))
        await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            raise AssertionError(await task)

    with nothing_left() as options:
        asyncio.run(body(options))


@scene
def who_has_no_cgroup_goes_on_to_the_next_way(way: str) -> None:
    """In the order that was asked for; all reasons are told where none is to be had."""
    try:
        group = cgroups.new()
    except Unavailable as error:
        assert run(["true"], weaker=["cgroup", "subreaper"]).guarantee is Guarantee.SUBREAPER
        assert error.reason in refusal(weaker=["cgroup"]).reason
    else:
        group.remove()
        os.close(group.parent)
        assert run(["true"], weaker=["cgroup", "subreaper"]).guarantee is Guarantee.CGROUP
    assert run(["true"], weaker=["subreaper", "cgroup"]).guarantee is Guarantee.SUBREAPER


@scene
def root_gives_it_other_ids(way: str) -> None:
    needs_root()
    options = {"group": 0, "extra_groups": None, "user": 0}
    assert run(["sh", "-c", f"{ESCAPES} exit $(id -u)"], weaker=[way], **options).returncode == 0  # type: ignore[call-overload]


def drop() -> None:
    """Be somebody without capabilities, and without a way to have some again."""
    empty = (0, 0, 0)
    for capability in range(calls.capget()[1].bit_length()):
        calls.prctl(24, capability)  # PR_CAPBSET_DROP
    calls.capset(*empty)
    calls.prctl(38, 1)  # PR_SET_NO_NEW_PRIVS


def main(who: str, way: str) -> None:
    """Forbid namespaces, and print what became of each scene, as JSON."""
    Path(f"/proc/sys/user/{LIMITS[who]}").write_text("0")
    if who == "ordinary":
        drop()

    def tried(body: Scene) -> Callable[[], list[str]]:
        def wrong() -> list[str]:
            if way == "cgroup" and body is not who_has_no_cgroup_goes_on_to_the_next_way:
                try:
                    group = cgroups.new()
                except Unavailable as error:
                    raise Impossible(str(error)) from error
                group.remove()
                os.close(group.parent)
            body(way)
            return []

        return wrong

    os.chdir("/")
    print(json.dumps({name: apart(tried(body)) for name, body in SCENES.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
