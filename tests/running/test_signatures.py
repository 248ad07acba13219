"""nscore/running/signatures.py and keywords.py: what inspect and help() show, and what type checkers know, is what there is."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import nscore
from nscore import Popen, aio, run
from nscore.running import keywords

#: Beside subprocess's.
OURS = {"hostname", "init", "proc", "mounts", "uid_map", "gid_map", "map_root_user", "map_current_user", "weaker"}
OF_RUN = {"input", "capture_output", "timeout", "check"}


def parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize("function", [Popen, aio.Popen, run, aio.run])
def test_the_parameters_are_subprocess_s_with_ours(function: Callable[..., Any]) -> None:
    theirs = parameters(subprocess.Popen)
    ours = OURS | (OF_RUN if function in (run, aio.run) else set())
    shown = parameters(function)
    assert [name for name in shown if name not in ours] == theirs
    assert set(shown) == ours | set(theirs)
    kinds = {name: inspect.signature(function).parameters[name].kind for name in ours}
    assert set(kinds.values()) == {inspect.Parameter.KEYWORD_ONLY}


def test_type_checkers_know_the_same() -> None:
    """All that this Python's subprocess has, and what later ones have."""
    typed = set(keywords.RunInEither.__annotations__)
    assert set(parameters(run)) - {"args"} <= typed
    assert typed - set(parameters(run)) <= {"process_group"}
    for either, by_text in ((keywords.InEither, keywords.ByText), (keywords.RunInEither, keywords.RunInBytes)):
        assert set(either.__annotations__) == set(by_text.__annotations__)


def test_help_shows_them() -> None:
    assert "capture_output" in pydoc.render_doc(nscore.run)
    assert "start_new_session" in pydoc.render_doc(nscore.Popen)


def test_a_subclass_has_its_own() -> None:
    class Mine(Popen[bytes]):
        def __init__(self, word: str) -> None:
            super().__init__(["echo", word])

    assert parameters(Mine) == ["word"]
