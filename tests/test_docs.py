"""The README's examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nscore import available

README = (Path(__file__).parent.parent / "README.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"example{n}" for n in range(len(EXAMPLES))])
def test_an_example_runs(example: str) -> None:
    if available("linux"):
        example = example.replace('("sim", "linux")', '("sim",)')
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})


def test_there_are_exactly_two_set_up_commands() -> None:
    assert len(re.findall(r"^```sh", README, re.MULTILINE)) == 2


def test_the_walkthrough_is_the_first() -> None:
    first = re.search(r"^```sh\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert first is not None
    assert first[1] == "python3 -m nscore walkthrough"
