"""nscore.linux.keeper and keepers: inits in stock, what is said where there are none, and what a keeper outlives."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux import keeper as process
from nscore.linux import keepers, zygotes
from nscore.linux.calls import setns, unshare
from nscore.linux.command import threads_left
from nscore.linux.keepers import Keeper, Taken
from nscore.running import Popen, run
from tests.linux.conftest import NEWNS, NEWPID, run_in_child

NEWUSER = 0x10000000


def test_inits_come_in_the_order_of_their_numbers_and_are_never_given_twice() -> None:
    ours = Keeper()
    taken = [take(ours) for _ in range(3 * process.STOCK)]
    assert [int.from_bytes(init.serial, "little") for init in taken] == list(range(1, len(taken) + 1))
    for init in taken:
        init.discard()
    ours.close()


def test_threads_that_find_the_stock_empty_get_one_each() -> None:
    ours = Keeper()
    taken: list[Taken] = []
    threads = [threading.Thread(target=lambda: taken.append(take(ours))) for _ in range(4 * process.STOCK)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({init.serial for init in taken}) == len(threads)
    for init in taken:
        init.discard()
    ours.close()


def test_an_init_that_is_killed_ends_and_its_keeper_lives_on() -> None:
    ours = Keeper()
    first, second = take(ours), take(ours)
    first.kill()
    assert ended(first.pidfd, 5000)
    assert not ended(second.pidfd, 0)
    for init in (first, second):
        init.discard()
    ours.close()


def test_all_inits_end_with_their_keeper() -> None:
    ours = Keeper()
    taken = [take(ours) for _ in range(2)]
    ours.close()
    for init in taken:
        assert ended(init.pidfd, 5000)
        init.close()


def test_a_member_mounts_proc_where_the_option_is_missing() -> None:
    """As on Linux before 6.18: the command's number is 2 all the same."""

    def body() -> None:
        zygotes.IMAGE = ""  # so that the keeper is a fork of this process, with what is put in its way
        process.Keeper.by_option = refuse  # type: ignore[method-assign]
        for _ in range(2 * process.STOCK):
            result = run(["sh", "-c", "echo $$; ls /proc | grep '^[0-9]'"], capture_output=True, text=True)
            assert result.stdout.split()[:3] == ["2", "1", "2"], result

    run_in_child(body)


def refuse(self: object, pidfd: int) -> int:
    raise OSError(22, "no such option")


def test_where_no_init_can_be_made_it_is_said_and_the_commands_live_on() -> None:
    """A limit of PID namespaces is met while commands run; when they have ended there is room again."""

    def body() -> None:
        unshare(NEWUSER | NEWNS)
        Path("/proc/self/uid_map").write_text("0 0 1")
        limit = Path("/proc/sys/user/max_pid_namespaces")
        limit.write_text(str(1 + process.STOCK + 2))
        commands: deque[Popen[bytes]] = deque()
        with pytest.raises(Unavailable, match="clone: No space left on device"):
            commands.extend(Popen(["sleep", "60"]) for _ in range(100))
        assert len(commands) >= process.STOCK
        assert all(command.poll() is None for command in commands)
        for command in commands:
            command.kill()
            assert command.wait() == -signal.SIGKILL
        assert run(["true"]).returncode == 0

    run_in_child(body)


def test_a_guarded_command_ends_with_its_caller_however_many_were_guarded_before() -> None:
    """They wait in a socket that is full after some 280, and are looked at when it is, or when the caller has died."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            for _ in range(400):
                run(["true"], init=False, proc=False)
            Popen(["sleep", "60"], init=False, proc=False, pass_fds=[theirs])
            os.write(theirs, b".")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(theirs)
    with open(ours, "rb", buffering=0) as pipe:
        assert pipe.read(1) == b"."
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        assert poll.poll(5000)
        assert pipe.read(1) == b""  # nobody holds it any more
    os.waitpid(pid, 0)


def test_a_forked_child_has_a_keeper_of_its_own() -> None:
    run(["true"])
    before = keepers.keeper()

    def body() -> None:
        assert not keepers._current
        run(["true"])
        assert keepers.keeper() is not before

    run_in_child(body)
    assert keepers.keeper() is before
    assert run(["true"]).returncode == 0


def test_a_keeper_that_was_killed_is_replaced() -> None:
    def body() -> None:
        with Popen(["sleep", "60"]) as command:
            before = keepers.keeper()
            os.kill(keeper_pid(), signal.SIGKILL)
            assert command.wait() == -signal.SIGKILL
        assert run(["sh", "-c", "exit 7"]).returncode == 7
        assert keepers.keeper() is not before

    run_in_child(body)


def test_whoever_changes_his_user_namespace_gets_another_keeper() -> None:
    def body() -> None:
        run(["true"])
        before = keepers.keeper()
        threads_left()
        unshare(NEWUSER)
        Path("/proc/self/uid_map").write_text("0 0 1")
        assert run(["sh", "-c", "exit 5"]).returncode == 5
        assert keepers.keeper() is not before

    run_in_child(body)


def test_a_keeper_of_a_process_in_another_pid_namespace_is_not_joined() -> None:
    """A caller that has left its PID namespace for its children has commands in a namespace below that."""

    def body() -> None:
        home = os.open("/proc/self/ns/pid", os.O_RDONLY)
        unshare(NEWPID)
        assert os.waitpid(os.spawnlp(os.P_NOWAIT, "true", "true"), 0)[1] == 0
        setns(home, NEWPID)
        assert run(["true"]).returncode == 0

    run_in_child(body)


def test_a_fork_after_a_run_finds_no_thread_of_it() -> None:
    """Since Python 3.12 os.fork() warns of threads."""

    def body() -> None:
        for _ in range(20):
            run(["true"])
            threads_left()
            assert os.listdir("/proc/self/task") == [str(os.getpid())]
        run(["true"])
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        assert os.listdir("/proc/self/task") == [str(os.getpid())]

    run_in_child(body)


def test_the_end_of_the_interpreter_ends_what_runs() -> None:
    code = "from nscore.running import Popen; p = Popen(['sleep', '60'], stdout=1); p.returncode = 0"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def take(ours: Keeper) -> Taken:
    taken = ours.take()
    assert taken is not None
    return taken


def ended(pidfd: int, milliseconds: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(milliseconds))


def keeper_pid() -> int:
    """The keeper of this process: the one that its first word has come from."""
    mine = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and name_of(entry) == "nscore-keeper" and holds(int(entry.name), os.getpid())
    ]
    (pid,) = mine
    return pid


def name_of(entry: Path) -> str:
    try:
        return (entry / "comm").read_text().strip()
    except OSError:
        return ""


def holds(pid: int, caller: int) -> bool:
    """Whether that process watches a pidfd of the caller, and is no init."""
    for link in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = dict(line.split(":", 1) for line in link.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if lines.get("Pid", "").strip() == str(caller):
            return len(Path(f"/proc/{pid}/status").read_text().split("NSpid:")[1].split("\n")[0].split()) == depth() + 1
    return False


def depth() -> int:
    return len(Path("/proc/self/status").read_text().split("NSpid:")[1].split("\n")[0].split())
