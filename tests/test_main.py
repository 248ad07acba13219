"""nscore/__main__.py: the command line."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

import nscore.__main__
from nscore import Unavailable
from nscore.__main__ import main
from nscore.walkthrough import Stage
from nscore.walkthrough.screen import Screen
from nscore.walkthrough.script import A, Line
from tests.conftest import need

ROOT = Path(__file__).parent.parent


def test_the_model_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["walkthrough", "--backend", "sim"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1].endswith("steps on sim.")
    assert "[ALLOC" not in out
    assert "\x1b" not in out


def test_explain_adds_reasons_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["walkthrough", "--backend", "sim", "--explain"]) == 0
    assert "[CREATE-02, ALLOC-24]" in capsys.readouterr().out


def test_both_by_default_where_linux_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    need("linux")
    assert main(["walkthrough"]) == 0
    assert "the same on both" in capsys.readouterr().out


WHY = Unavailable("no user namespaces here", "Run as root")


def test_without_linux_it_says_why_and_plays_the_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(nscore.__main__, "available", lambda name: WHY)
    assert main(["walkthrough"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert WHY.reason in first
    assert WHY.remedy in first


@pytest.mark.parametrize("backend", ["linux", "both"])
def test_what_was_asked_for_and_cannot_be_had_is_an_error(
    backend: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise WHY

    monkeypatch.setattr(nscore.__main__, "available", lambda name: WHY)
    monkeypatch.setattr("nscore.walkthrough.boot", refuse)
    assert main(["walkthrough", "--backend", backend]) == 2
    captured = capsys.readouterr()
    assert str(WHY) in captured.err


def test_two_backends_that_differ_are_status_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    need("linux")
    typed = Stage.type

    def otherwise(stage: Stage, line: Line) -> list[str]:
        lines = typed(stage, line)
        return ["2"] if stage.backend == "sim" and line is A.lines[1] else lines

    monkeypatch.setattr(Stage, "type", otherwise)
    assert main(["walkthrough", "--backend", "both"]) == 1
    out = capsys.readouterr().out
    assert "^ They differ." in out
    assert "1 differ" in out


def test_bad_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["walkthrough", "--backend", "mars"], ["nothing"], []):
        with pytest.raises(SystemExit) as error:
            main(argv)
        assert error.value.code == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_on_a_terminal_alone_and_never_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    def painted(out: io.StringIO) -> bool:
        Screen(out, explain=False).part(A)
        return "\x1b[" in out.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert painted(Terminal())
    assert not painted(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not painted(Terminal())


def test_ascii_where_the_output_takes_nothing_else() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    Screen(out, explain=False).same(["init(1)─┬─a(2)", "        ├─b(3)", "        └─c(4)"])
    assert raw.getvalue().decode().splitlines() == ["init(1)-+-a(2)", "        |-b(3)", "        `-c(4)"]


def test_it_stops_quietly_when_the_reader_leaves() -> None:
    command = f"{sys.executable} -m nscore walkthrough --backend sim | head -n 3"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""
