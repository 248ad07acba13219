"""nscore/running/commands.py and nscore/__main__.py: the commands, by their exit statuses."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nscore.__main__
from nscore.__main__ import main
from nscore.running.commands import duration
from tests.conftest import need
from tests.running.storms import mark, marked

assert not TYPE_CHECKING or sys.platform == "linux"

ROOT = Path(__file__).parent.parent.parent
NSCORE = [sys.executable, "-m", "nscore"]
PASSWD = "/etc/passwd"


@pytest.fixture(autouse=True)
def linux() -> None:
    need("linux")


def nscore_run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*NSCORE, "run", *words], cwd=ROOT, capture_output=True, text=True, check=False, **options)


STATUSES: dict[str, tuple[list[str], int, str]] = {
    "its own": (["sh", "-c", "exit 3"], 3, ""),
    "after --": (["--", "sh", "-c", "exit 3"], 3, ""),
    "0": (["true"], 0, ""),
    "255": (["sh", "-c", "exit 255"], 255, ""),
    "a signal": (["sh", "-c", "kill -KILL $$"], 137, ""),
    "a signal as PID 1": (["--no-init", "sh", "-c", "kill -TERM $$; exit 4"], 4, ""),
    "the time was up": (["--timeout", "0.1", "sleep", "1000"], 124, ""),
    "the time was not up": (["--timeout=1d", "true"], 0, ""),
    "no time": (["--timeout", "0", "true"], 0, ""),
    "not executable": ([PASSWD], 126, f"nscore run: {PASSWD}: Permission denied"),
    "no executable": (["--", str(ROOT)], 126, f"nscore run: {ROOT}: Permission denied"),
    "not found": (["no-such-command"], 127, "nscore run: no-such-command: No such file or directory"),
    "no path": (["/no/such/command"], 127, "nscore run: /no/such/command: No such file or directory"),
    "no directory": (["-w", "/no/such", "true"], 125, "nscore run: [Errno 2] No such file or directory: '/no/such'"),
    "no mount": (["--bind", "/no/such", "/tmp", "true"], 125, "nscore run: [Errno 2] "),
    "over the root": (["--tmpfs", "/", "true"], 125, "usage: nscore run "),
    "no such option": (["--no-such-option", "true"], 125, "usage: nscore run "),
    "abbreviated": (["--time", "1", "true"], 125, "usage: nscore run "),
    "no duration": (["--timeout", "1x", "true"], 125, "usage: nscore run "),
    "no command": ([], 125, "usage: nscore run "),
    "two users": (["-r", "-c", "true"], 125, "nscore run: map_root_user"),
}


@pytest.mark.parametrize(("words", "status", "said"), STATUSES.values(), ids=STATUSES)
def test_the_exit_status(words: list[str], status: int, said: str) -> None:
    done = nscore_run(*words)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(said) if said else not done.stderr


SAME: dict[str, tuple[list[str], list[str]]] = {
    "timeout": (["--timeout", "0.1"], ["timeout", "0.1"]),
    "env": ([], ["env"]),
}


@pytest.mark.parametrize(("ours", "theirs"), SAME.values(), ids=SAME)
@pytest.mark.parametrize("words", [["sh", "-c", "exit 7"], ["no-such-command"], [PASSWD], ["sleep", "0.3"]], ids=lambda words: words[0])
def test_the_exit_status_is_that_of_timeout_and_of_env(ours: list[str], theirs: list[str], words: list[str]) -> None:
    if shutil.which(theirs[0]) is None:
        pytest.skip(f"needs {theirs[0]}(1)")
    assert nscore_run(*ours, *words).returncode == subprocess.run([*theirs, *words], stderr=subprocess.DEVNULL, check=False).returncode


def test_the_standard_streams_are_its_own() -> None:
    done = nscore_run("sh", "-c", "cat; echo err >&2", input="in")
    assert (done.stdout, done.stderr) == ("in", "err\n")


INSIDE: dict[str, tuple[list[str], str, str]] = {
    "PID": ([], "echo $$", "2"),
    "PID 1": (["--no-init"], "echo $$", "1"),
    "its /proc": ([], "readlink /proc/self; exit", "3"),
    "no /proc of its own": (["--no-init", "--no-proc"], "test $(readlink /proc/self) -gt 3 && echo outside", "outside"),
    "host name": (["--hostname", "inside"], "uname -n", "inside"),
    "directory": (["--wd", "/etc"], "pwd", "/etc"),
    "read-only": (["-w", "/", "--read-only", "/", "--tmpfs", "/mnt"], "touch /x 2> /dev/null || touch /mnt/y && ls /mnt", "y"),
    "bind": (["-w", "/", "--tmpfs", "/mnt", "--bind", "/etc", "/mnt"], "cmp /etc/passwd /mnt/passwd && echo same", "same"),
    "bound read-only": (["-w", "/", "--ro-bind", "/tmp", "/mnt"], "touch /mnt/x 2> /dev/null || echo refused", "refused"),
    "root": (["-r"], "id -u", "0"),
    "options of the command": (["--"], "echo $0", "--timeout"),
    "environment": ([], "echo ${LC_CTYPE-none}", "none"),
}


@pytest.mark.parametrize(("options", "script", "said"), INSIDE.values(), ids=INSIDE)
def test_what_the_options_do(options: list[str], script: str, said: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = nscore_run(*options, "sh", "-c", script, "--timeout", env=environment)
    assert (done.stdout.strip(), done.stderr) == (said, "")


def begun(word: str, *options: str) -> subprocess.Popen[bytes]:
    """A run of a command that ignores what it can and leaves a session of its own; it has begun."""
    script = f"trap '' TERM HUP INT QUIT; setsid sleep 1000 0.{word} & echo; sleep 1000 0.{word}"
    command = [*NSCORE, "run", *options, "sh", "-c", script]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=lambda number: number.name)
def test_a_signal_ends_everything_before_it_ends(number: signal.Signals) -> None:
    word = mark()
    with begun(word) as process:
        assert marked(word)
        process.send_signal(number)
        assert process.wait() == 128 + number
        assert not marked(word)


def test_ctrl_c_goes_to_the_whole_group() -> None:
    word = mark()
    with begun(word) as process:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait() == 130
        assert not marked(word)


def test_a_signal_at_any_moment_leaves_nothing() -> None:
    chance = random.Random(4)
    for _ in range(20):
        word = mark()
        with subprocess.Popen([*NSCORE, "run", "sleep", "1000", f"0.{word}"], cwd=ROOT, start_new_session=True) as process:
            time.sleep(chance.random() * 0.3)
            process.send_signal(signal.SIGTERM)
            assert process.wait() in (-signal.SIGTERM, 128 + signal.SIGTERM)
            assert not marked(word)


def test_what_is_to_be_ignored_is_ignored() -> None:
    """By nohup(1), say."""
    script = f'trap "" HUP; exec {sys.executable} -m nscore run sh -c "kill -HUP $$; exit 5"'
    assert subprocess.run(["sh", "-c", script], cwd=ROOT, check=False).returncode == 5


@pytest.mark.parametrize(
    ("text", "seconds"), [("2", 2), ("0.5", 0.5), ("2s", 2), ("1.5m", 90), ("1h", 3600), ("1d", 86400), ("0", None), ("inf", None)]
)
def test_durations(text: str, seconds: float | None) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "nan", "1w", "1 s x"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - argparse prints its own words
        duration(text)


def test_each_command_is_wired_and_gets_its_own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (module, function, _) in nscore.__main__.COMMANDS.items():
        given: list[list[str]] = []

        def record(argv: list[str], given: list[list[str]] = given) -> int:
            given.append(argv)
            return 9

        monkeypatch.setattr(f"{module}.{function}", record)
        assert main([name, "--like", "tini", "-g", "--", "sh", "-c", "x"]) == 9
        assert given == [["--like", "tini", "-g", "--", "sh", "-c", "x"]]


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert all(f"    {name} " in out for name in nscore.__main__.COMMANDS)


def test_the_walkthrough_imports_none_of_them() -> None:
    program = "import sys, nscore.__main__ as m; m.main(['walkthrough', '--backend', 'sim']); assert 'nscore.running' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
