"""CPython's own tests of subprocess, with nscore in its place: what passes with the one passes with the other."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

import pytest

from tests.conftest import need
from tests.running import cpython
from tests.running.cpython import FAILED, MODULE, PASSED, SKIPPED, Outcome, worse
from tests.running.ordinary import HERE


def test_what_passes_with_subprocess_passes_with_ours() -> None:
    need("linux")
    if importlib.util.find_spec("test") is None or importlib.util.find_spec(MODULE) is None:
        pytest.skip("this interpreter comes without CPython's own tests; Debian has them in libpython3-testsuite")
    figures, failures = worse(HERE, whole=False)
    assert not failures, "\n\n".join((figures, *failures))


@pytest.mark.parametrize("whole", [True, False])
def test_what_does_not_pass_with_ours_is_told(whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that ours skips counts as one that fails, unless subprocess's own does not pass it either."""
    said = {
        "ours": {"same": Outcome(PASSED), "fails": Outcome(FAILED, "a"), "skips": Outcome(SKIPPED, "b"), "never": Outcome(SKIPPED)},
        "theirs": {"same": Outcome(PASSED), "fails": Outcome(PASSED), "skips": Outcome(PASSED), "never": Outcome(FAILED)},
    }

    def outcomes(place: object, who: str, names: Iterable[str] = ()) -> dict[str, Outcome]:
        return {name: was for name, was in said[who].items() if not names or name in names}

    monkeypatch.setattr(cpython, "outcomes", outcomes)
    _, failures = worse(HERE, whole=whole)
    assert failures == ["fails passes with subprocess's own; ours: failed: a", "skips passes with subprocess's own; ours: skipped: b"]
