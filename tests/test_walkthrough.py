"""nscore/walkthrough: what the tutorial promises comes out, on both backends."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest

from conformance.rules import RULES
from nscore import boot
from nscore.walkthrough import Stage, play
from nscore.walkthrough.screen import COLUMNS, Screen
from nscore.walkthrough.script import PARTS, A, B, C, Part
from tests.conftest import BACKENDS, need

Shown = list[tuple[str, str, list[str]]]


@pytest.fixture(scope="module", params=BACKENDS)
def shown(request: pytest.FixtureRequest) -> dict[str, Shown]:
    """All parts as they come out: (prompt, typed, lines)."""
    need(request.param)
    return {part.name: list(played(part, request.param)) for part in PARTS}


def played(part: Part, backend: str) -> Iterator[tuple[str, str, list[str]]]:
    with boot(backend) as machine:
        stage = Stage(machine)
        for line in part.lines:
            prompt = stage.prompt(line)
            yield prompt, line.typed, stage.type(line)


def after(shown: Shown, typed: str, prompt: str = "") -> list[list[str]]:
    """What came out wherever that was typed."""
    return [lines for at, line, lines in shown if line == typed and at.startswith(prompt)]


def test_part_a(shown: dict[str, Shown]) -> None:
    part = shown["A"]
    assert after(part, "echo $$") == [["1"]]
    outside, inside, mounted, shared, again = [[line.split()[1:] for line in lines[1:]] for lines in after(part, A.lines[3].typed)]
    assert outside[-3:] == [["4", "2", "S", "[clone-demo]"], ["5", "4", "S", "[sh]"], ["7", "3", "R", "[ps]"]]
    assert inside[-2:] == [["5", "4", "S", "[sh]"], ["8", "5", "R", "[ps]"]]
    assert after(part, "cd -P /proc/self; pwd") == [["/proc/5"]]
    assert mounted == [["1", "0", "S", "[sh]"], ["5", "1", "R", "[ps]"]]
    assert after(part, "pstree -pl") == [["sh(1)───pstree(6)"]]
    assert shared == [["1", "0", "S", "[sh]"]]
    assert after(part, "cat /proc/self/comm") == [["cat: /proc/self/comm: ENOENT"]]
    assert [row[3] for row in again] == ["[init]", "[bash]", "[bash]", "[clone-demo]", "[sh]", "[ps]"]


def test_part_b_counts_as_the_tutorial_does(shown: dict[str, Shown]) -> None:
    part = shown["B"]
    assert after(part, "echo $$") == [["1"], ["1"], ["1"], ["13"]]
    namespaces = [lines[0] for lines in after(part, "readlink /proc/$$/ns/pid")]
    assert all(re.fullmatch(r"pid:\[\d+\]", name) for name in namespaces)
    assert len(set(namespaces)) == 4
    assert after(part, "readlink /proc/6/ns/pid /proc/10/ns/pid /proc/14/ns/pid") == [namespaces[1:]]
    numbers = after(part, "grep NSpid /proc/6/status /proc/10/status /proc/14/status")
    assert [line.split("\t")[1:] for line in numbers[0]] == [["6", "1"], ["10", "5", "1"], ["14", "9", "5", "1"]]
    assert after(part, "pstree -pl 2") == [["bash(2)───unshare(5)───bash(6)───unshare(9)───bash(10)───unshare(13)───bash(14)"]]
    assert after(part, "pstree -pl") == [
        ["bash(1)───pstree(4)"],
        ["bash(1)───unshare(4)───bash(5)───unshare(8)───bash(9)"],
        ["bash(1)───unshare(4)───bash(5)"],
    ]
    rows = [line.split()[1:] for line in after(part, B.lines[20].typed)[0][1:]]
    assert rows == [
        ["1", "0", "S", "[bash]"],
        ["4", "1", "S", "[unshare]"],
        ["5", "4", "S", "[bash]"],
        ["8", "5", "S", "[unshare]"],
        ["9", "8", "S", "[bash]"],
        ["13", "0", "S", "[bash]"],
        ["15", "13", "R", "[ps]"],
    ]


def test_part_b_signals(shown: dict[str, Shown]) -> None:
    part = shown["B"]
    assert after(part, "kill 13", "h3") == [["bash: kill: (13) - ESRCH"]]
    assert [line for line in part if line[1] == ""] == [("", "", ["got HUP"]), ("", "", ["Killed"])]
    for silent in ("kill -KILL 1", "kill 9", "kill -USR1 9", "kill -HUP 9", "kill -KILL 9"):
        assert after(part, silent) == [[]]
    assert after(part, "hostname") == [["h2"]]
    assert after(part, "hostname", "h2"), "the prompt is h2's"


def test_part_c(shown: dict[str, Shown]) -> None:
    part = shown["C"]
    orphan, outside, adopted, gone = [[line.split()[1:] for line in lines[1:]] for lines in after(part, C.lines[3].typed)]
    assert ["4", "1", "S", "[sleep]"] in orphan
    assert ["8", "5", "S", "[sleep]"] in outside
    assert ["8", "6", "S", "[sleep]"] in adopted
    assert [row[3] for row in gone] == ["[init]", "[bash]", "[bash]", "[ps]"]
    assert after(part, "sh -c 'echo $$'") == [["1"], ["bash: fork: ENOMEM"]]
    assert after(part, "sh -c 'echo $$'; sh -c 'echo $$'; sh -c 'echo $$'") == [["4194303", "300", "301"]]
    assert after(part, "pstree -pl") == [["bash(1)───pstree(2)"], ["bash(1)───pstree(2)"]]


def test_namespaces_nest_to_level_32(shown: dict[str, Shown]) -> None:
    ((depth, *ends, numbers),) = after(shown["C"], "./nest")
    below = int(depth.split()[0])
    assert ends == ["clone: ENOSPC", "unshare: ENOSPC"]
    assert [int(number) for number in numbers.split()[2:]] == list(range(below, 0, -1))


def test_a_typed_number_is_one_that_was_shown(shown: dict[str, Shown]) -> None:
    """The script may not know numbers beforehand: each that is typed came out earlier."""
    for part in shown.values():
        seen: set[str] = set()
        for _, typed, lines in part:
            numbers = re.findall(r"(?:/proc/|kill (?:-\w+ )?|-t |-pl )(\d+)", typed)
            assert all(number in seen or typed in ("kill -KILL 1", "pstree -pl 2") for number in numbers), typed
            seen.update(re.findall(r"\d+", " ".join(lines)))


def test_the_model_and_the_kernel_are_shown_side_by_side() -> None:
    need("linux")
    out = io.StringIO()
    assert play(("linux", "sim"), Screen(out, explain=False)) == 0
    text = out.getvalue()
    assert re.search(r"^pid:\[\d+\] +\[linux\]$", text, re.MULTILINE)
    assert re.search(r"^pid:\[\d+\] +\[sim\]$", text, re.MULTILINE)
    assert "the same on both" in text
    assert "They differ" not in text


def test_every_line_has_80_columns_at_most() -> None:
    out = io.StringIO()
    play(("sim",), Screen(out, explain=True))
    assert max(map(len, out.getvalue().splitlines())) <= COLUMNS


def test_reasons_cite_rules_of_the_catalogue() -> None:
    for part in PARTS:
        for line in part.lines:
            assert line.why.endswith((".", "!"))
            assert line.rules
            assert [rule for rule in line.rules if rule not in RULES] == []


def test_what_a_kernel_lacks_is_left_out_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "has", lambda stage, path: not path)
    out = io.StringIO()
    assert play(("sim",), Screen(out, explain=False)) == 0
    assert "(6 steps are left out" in out.getvalue()
    assert "ns_last_pid" not in out.getvalue()
