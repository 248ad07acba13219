"""doctor: what it finds here and where things are forbidden, its table and its JSON."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nscore.running import doctor
from nscore.running.doctor import WIDTH, main_doctor, table, works

ROOT = Path(__file__).parent.parent.parent
ONLY_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is nothing to try")
YES = {"ability": "x", "needed": False, "works": True, "detail": "", "remedy": "", "cause": ""}
NO = YES | {"works": False, "detail": "the kernel says no", "remedy": "Ask another", "cause": "kernel"}
NEED = {"needed": True}

#: What is done before doctor runs, in a process of its own, and what must then be said of an ability.
LIMIT = """
from nscore.linux import calls
uid, gid = os.geteuid(), os.getegid()
calls.unshare(0x10000000)
for name, text in (("self/setgroups", "deny"), ("self/uid_map", f"0 {uid} 1"), ("self/gid_map", f"0 {gid} 1"), ("sys/user/KIND", "0")):
    open("/proc/" + name, "w").write(text)
"""
FILTER = """
from tests.linux.filters import answer
answer(38, "clone3")
answer(1, "clone", flags=0x7E020000)
answer(1, "unshare", "mount", "setns", "fsopen", "move_mount")
"""
FORBIDDEN = {
    "max_pid_namespaces": LIMIT.replace("KIND", "max_pid_namespaces"),
    "max_mnt_namespaces": LIMIT.replace("KIND", "max_mnt_namespaces"),
    "seccomp": FILTER,
}


def findings(before: str) -> dict[str, dict[str, object]]:
    """What doctor finds after that, by ability; its exit status is checked."""
    program = f"import os, sys; sys.path.insert(0, {str(ROOT)!r})\n{before}\nfrom nscore.running.doctor import main_doctor\n"
    said = subprocess.run(
        [sys.executable, "-c", f"{program}sys.exit(main_doctor(['--json']))"], capture_output=True, text=True, check=False, timeout=120
    )
    assert said.stdout, said.stderr
    told = json.loads(said.stdout)
    assert said.returncode == (0 if told["works"] else 1), said.stderr
    return {finding["ability"]: finding for finding in told["abilities"]}


@ONLY_LINUX
def test_what_run_and_boot_say_is_what_it_says() -> None:
    from nscore import Unavailable, available, run

    found = findings("")
    assert found['boot("sim")']["works"]
    assert found['boot("linux")']["works"] == (available("linux") is None)
    try:
        run([sys.executable, "-S", "-c", ""], check=True)
    except Unavailable:
        assert not found["run()"]["works"]
    else:
        assert found["run()"]["works"]
    assert found["pidfd_open"]["works"]


@ONLY_LINUX
@pytest.mark.parametrize("cause", FORBIDDEN)
def test_what_is_forbidden_is_named_with_its_remedy(cause: str) -> None:
    found = findings(FORBIDDEN[cause])
    for ability in ('boot("linux")', "run()", "mount of /proc"):
        assert not found[ability]["works"]
        assert found[ability]["cause"] == cause, found[ability]
        assert found[ability]["remedy"]
    assert found['boot("sim")']["works"]
    assert found["subreaper"]["works"]


@ONLY_LINUX
def test_nothing_of_the_caller_is_changed() -> None:
    def state() -> tuple[object, ...]:
        names = ("user", "pid", "pid_for_children", "mnt")
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        return *[os.readlink(f"/proc/self/ns/{name}") for name in names], sorted(os.listdir("/proc/self/fd")), os.getcwd(), children

    gc.collect()  # what earlier tests have left is not to go meanwhile
    before = state()
    assert main_doctor(["--json"]) in (0, 1)
    assert state() == before


@ONLY_LINUX
def test_a_trial_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from nscore.running import findings as trying

    monkeypatch.setattr(trying, "PATIENCE", 0.05)
    finding = trying.tried(lambda: os.read(os.pipe()[0], 1).decode())
    assert (finding.works, finding.detail) == (False, "the trial ended with -9, and said nothing")


@ONLY_LINUX
def test_what_a_trial_leaves_behind_ends_with_it() -> None:
    if sys.platform == "linux":
        from nscore.running.findings import tried
        from nscore.running.trials import child

        ours, theirs = os.pipe()
        assert tried(lambda: str(child())).works
        os.close(theirs)
        assert os.read(ours, 1) == b"", "whoever holds the other end has ended"
        os.close(ours)


@ONLY_LINUX
def test_what_fails_further_in_is_explained_there() -> None:
    from nscore.running.findings import forked, tried

    def fails() -> str:
        raise OSError(22, "unshare: Invalid argument")

    finding = tried(lambda: forked(fails))
    assert not finding.works
    assert "unshare: Invalid argument" in finding.detail


def test_an_interpreter_that_does_not_start_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "FRESH", "raise SystemExit('no way')")
    monkeypatch.setattr(sys, "platform", "linux")
    found = doctor.diagnosed()
    assert [finding["detail"] for finding in found] == ["no way"]
    assert not works(found)


def test_elsewhere_the_model_is_what_there_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main_doctor([]) == 1
    said = capsys.readouterr().out
    assert 'boot("sim")                    yes' in said
    assert "NSCORE_BACKEND=sim" in said


@pytest.mark.parametrize(
    ("found", "good"),
    [((YES | NEED, NO), True), ((YES | NEED, NO | NEED), False), ((YES, YES), False), ((), False)],
    ids=["needless", "needed", "untried", "nothing"],
)
def test_it_works_where_what_is_needed_does(found: tuple[dict[str, object], ...], good: bool) -> None:
    assert works(found) is good


def test_lines_are_not_too_long() -> None:
    words = "a user namespace above allows no more namespaces of the kind (its user.max_*_namespaces) " * 3
    lines = list(table([YES, NO | {"detail": words, "remedy": words}]))
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) > 8


def test_what_is_the_same_is_said_once() -> None:
    lines = list(table([NO, NO | {"ability": "y"}]))
    assert [" ".join(line.split()) for line in lines] == ["x NO the kernel says no", "> Ask another", "y NO kernel, as of x"]


def test_wrong_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main_doctor(["--no-such-option"])
    assert ended.value.code == 2
    assert "nscore doctor" in capsys.readouterr().err
