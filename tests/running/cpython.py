"""`python3 -m tests.running.cpython ours|theirs FOLDER [TEST...]`: CPython's own tests of subprocess, with nscore in its place or not.

What passes with subprocess's own Popen and run must pass with ours, by whatever interpreter and as whomever.  The tests run in FOLDER,
which is empty, and in a process group of their own: in a PID namespace `kill $PPID` is kill(0).
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.running.ordinary import Place

MODULE = "test.test_subprocess"
CASES = ("ProcessTestCase", "POSIXProcessTestCase", "RunFuncTestCase")
#: Seconds that all tests may take; they need 20, in which they mostly sleep.
LIMIT = 240.0
#: The file in FOLDER with what became of the tests, a line each; and that with all that they print.
OUTCOMES, PRINTED = "outcomes", "printed"

#: What comes after all tests, and may go wrong too.
END = "the end of the interpreter"

PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of a test, and why."""

    kind: str
    why: str = ""


class Recorder(unittest.TestResult):
    """Writes down each outcome at once, and before each test that it begins; it keeps no descriptor that a test could close."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def say(self, name: str, kind: str, why: str = "") -> None:
        with open(self.path, "a") as file:
            print(json.dumps((name, kind, why)), file=file)

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.say(named(test), FAILED, "it did not come to an end")
        print("==", named(test), flush=True)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.say(named(test), PASSED)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.say(named(test), SKIPPED, reason)

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.say(named(test), FAILED, self.errors[-1][1])

    addFailure = addError

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self.addError(test, err)


def named(test: unittest.TestCase) -> str:
    """The test's name as unittest takes it, without the module's; that of the whole where it is a part that is skipped."""
    return str(getattr(test, "test_case", test).id()).removeprefix(f"{MODULE}.")


def put_in_place() -> None:
    """Have everybody who asks subprocess for Popen and run find ours, the tests among them."""
    from nscore.running import Popen, run

    setattr(subprocess, "Popen", Popen)  # noqa: B010 - for mypy these are a class and a function for ever
    setattr(subprocess, "run", run)  # noqa: B010
    assert issubclass(importlib.import_module(MODULE).PopenExecuteChildRaises, Popen)


def chosen(names: list[str]) -> list[unittest.TestCase]:
    """The tests of those names, or all."""
    loader, module = unittest.TestLoader(), importlib.import_module(MODULE)
    if names:
        return list(flat(loader.loadTestsFromNames(names, module)))
    return list(flat(loader.loadTestsFromTestCase(getattr(module, case)) for case in CASES))


def flat(suite: Iterable[Any]) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestCase):
            yield test
        else:
            yield from flat(test)


def main(who: str, folder: str, names: list[str]) -> None:
    """Run the tests and write down what becomes of them."""
    os.chdir(folder)
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    if who == "ours":
        put_in_place()
    tests = chosen(names)
    recorder = Recorder(Path(folder) / OUTCOMES)
    for test in tests:
        recorder.say(named(test), FAILED, "it was not come to")
    unittest.TestSuite(tests).run(recorder)


def outcomes(place: Place, who: str, names: Iterable[str] = ()) -> dict[str, Outcome]:
    """What becomes of those tests, or all, by a run that is bounded in time and leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="nscore-cpython-") as folder:
        os.chmod(folder, 0o777)
        with open(Path(folder) / PRINTED, "w+") as printed:
            words = ("tests.running.cpython", who, folder, *names)
            process = place.start(*words, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True)
            with process:
                status = within(LIMIT, process)
            printed.seek(0)
            said = printed.read()
        found: dict[str, Outcome] = {}
        with suppress(FileNotFoundError), open(Path(folder) / OUTCOMES) as file:
            found = {name: Outcome(kind, why) for name, kind, why in map(json.loads, file)}
    if not found:
        raise RuntimeError(f"no test was run with {who}, {status}: {said[-2000:]}")
    found[END] = Outcome(PASSED) if status == "it ended with 0" else Outcome(FAILED, f"{status}\n{said[-2000:]}")
    return found


def within(limit: float, leader: subprocess.Popen[str]) -> str:
    """How the leader of a process group ended, in words.  The group is killed before that is reaped: until then the number is its own."""
    if sys.platform != "linux":
        raise NotImplementedError
    poll, pidfd = select.poll(), os.pidfd_open(leader.pid)
    poll.register(pidfd, select.POLLIN)
    in_time: list[object] = []
    try:
        in_time += poll.poll(limit * 1000)
    finally:
        os.close(pidfd)
        os.killpg(leader.pid, signal.SIGKILL)
    return f"it ended with {leader.wait()}" if in_time else f"it was killed after {limit:g} s"


def worse(place: Place, *, whole: bool) -> tuple[str, list[str]]:
    """The figures, and the tests that pass with subprocess's own and not with ours.

    Args:
        place: By which interpreter, and as whom.
        whole: Whether all are run with subprocess's own; else those that have not passed with ours, which tells as much in half the time.
    """
    ours = outcomes(place, "ours")
    rest = [name for name, was in ours.items() if was.kind != PASSED]
    names = [] if whole else [name for name in rest if name != END]
    theirs = outcomes(place, "theirs", names) if whole or rest else {}
    failures = [f"{name} passes with subprocess's own; ours: {ours[name].kind}: {ours[name].why}" for name in rest if passed(theirs, name)]
    return f"subprocess's own {counted(theirs)}; ours {counted(ours)}", failures


def passed(found: dict[str, Outcome], name: str) -> bool:
    return name in found and found[name].kind == PASSED


def counted(found: dict[str, Outcome]) -> str:
    """So many tests, and what became of them."""
    kinds = [was.kind for name, was in found.items() if name != END]
    return f"{len(kinds)}: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in (PASSED, SKIPPED, FAILED))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
