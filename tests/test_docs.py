"""The README's examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nscore import available

README = (Path(__file__).parent.parent / "README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

#: (who may run it, a command, what it prints)
CONSOLE = [
    (who, command, printed)
    for who, block in re.findall(r"^```console ?(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
]


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"example{n}" for n in range(len(EXAMPLES))])
def test_an_example_runs(example: str) -> None:
    if available("linux"):
        if "nscore.run(" in example or "nscore.aio" in example:
            pytest.skip("needs Linux with namespaces")
        example = example.replace('("sim", "linux")', '("sim",)')
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize(("who", "command", "printed"), CONSOLE, ids=[f"console{n}" for n in range(len(CONSOLE))])
def test_a_command_prints_what_is_shown(who: str, command: str, printed: str) -> None:
    if available("linux") or (who == "root" and sys.platform == "linux" and os.geteuid() != 0):
        pytest.skip(f"needs Linux with namespaces{who and ', as root'}")
    command = command.replace("python3", sys.executable)
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True, timeout=60, start_new_session=True)
    assert (done.stdout, done.stderr) == (printed, "")


def test_there_are_exactly_two_set_up_commands() -> None:
    assert len(re.findall(r"^```sh", README, re.MULTILINE)) == 2


def test_the_walkthrough_is_the_first() -> None:
    first = re.search(r"^```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert first is not None
    assert first[1] == "python3 -m nscore walkthrough"
