"""Nothing outlives a limit of time, a killed caller or a killed keeper; and the checks that say so notice planted faults."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nscore.running import run
from tests.check import Skipped
from tests.conftest import need
from tests.running.ordinary import ROOT, Place, copied
from tests.running.verdict import place_of

if sys.platform != "linux":
    pytest.skip("PID namespaces are Linux's", allow_module_level=True)

from tests.running import kills, storms

WHO = ("root", "nobody")


@pytest.fixture(scope="module")
def place() -> Iterator[Callable[[str], Place]]:
    """Where root's and where nobody's commands run."""
    with ExitStack() as stack:

        @functools.cache
        def find(who: str) -> Place:
            need("linux")
            return place_of(who, stack)

        def found(who: str) -> Place:
            try:
                return find(who)
            except Skipped as why:
                pytest.skip(str(why))

        yield found


@pytest.mark.parametrize("how", storms.HOWS)
@pytest.mark.parametrize("who", WHO)
def test_a_command_that_defends_itself_comes_to_its_limit(who: str, how: str, place: Callable[[str], Place]) -> None:
    answer = place(who).answer("tests.running.storms", how, "1" if how == "one" else "6")
    if answer is None:
        pytest.skip(f"{how} is not installed for {who}")
    assert answer["failures"] == []


@pytest.mark.parametrize("mode", [*kills.MODES, "keeper"])
@pytest.mark.parametrize("who", WHO)
def test_nothing_outlives_a_killed_caller_or_keeper(who: str, mode: str, place: Callable[[str], Place]) -> None:
    assert place(who).answer("tests.running.kills", mode, "4", "1") == []


@pytest.mark.parametrize("options", [{}, {"start_new_session": True}], ids=str)
@pytest.mark.parametrize("announced", [True, False])
def test_a_command_of_which_its_caller_did_not_live_to_tell_ends_too(announced: bool, options: dict[str, bool]) -> None:
    need("linux")
    if os.geteuid():
        pytest.skip("needs root")
    left = kills.kill_in_birth(announced, **options)
    if announced:
        assert left == {}
    else:
        assert left, "the planted fault is noticed"


def test_the_same_in_a_session_that_began_outside_the_callers_namespace() -> None:
    """As in a container: there its number is 0."""
    need("linux")
    if os.geteuid():
        pytest.skip("needs root")
    done = run([sys.executable, "-c", IN_SESSION_0], stdout=subprocess.PIPE, check=True, cwd=ROOT)
    assert json.loads(done.stdout) == [0, {}]


IN_SESSION_0 = "import json, os; from tests.running.kills import kill_in_birth; print(json.dumps([os.getsid(0), kill_in_birth(True)]))"


#: Text of the package as it stands, and broken.
Faults = list[tuple[str, str, str]]
UNWATCHED = ("linux/keeper.py", "self.poll.register(init.command, select.POLLIN)", "pass")
IMPATIENT = ("running/popen.py", "PATIENCE = 5.0", "PATIENCE = 0.3")
PLANTED: dict[str, tuple[Faults, tuple[str, ...]]] = {
    "the keeper does not watch the command": ([UNWATCHED], ("storms", "one", "1")),
    "the command alone is killed": (
        [UNWATCHED, IMPATIENT, ("linux/command.py", "pidfd_send_signal(self.init, SIGKILL)", "pidfd_send_signal(self.pidfd, SIGKILL)")],
        ("storms", "one", "1"),
    ),
    "the keeper outlives its caller": (
        [
            (
                "linux/keeper.py",
                "if fd == self.caller or (fd == self.control and not self.obey()):\n                    return",
                "self.obey()",
            )
        ],
        ("kills", "births", "2", "1"),
    ),
    "nobody guards what is its own init": (
        [("linux/guard.py", "pidfd_send_signal(command, SIGKILL)", "pass")],
        ("kills", "birth", "1", "1"),
    ),
}


def broken(tree: Path, faults: Faults) -> None:
    """Plant them in a copy."""
    for name, text, replacement in faults:
        path = tree / "nscore" / name
        source = path.read_text()
        assert source.count(text) == 1, f"{name} has not once: {text}"
        path.write_text(source.replace(text, replacement))


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_noticed(fault: str, place: Callable[[str], Place]) -> None:
    place("root")
    faults, (module, *words) = PLANTED[fault]
    with tempfile.TemporaryDirectory(prefix="nscore-fault-") as folder:
        copied(Path(folder))
        broken(Path(folder), faults)
        answer: Any = Place(sys.executable, Path(folder), {}).answer(f"tests.running.{module}", *words)
    assert answer["failures"] if module == "storms" else answer
