"""nscore's init in the stead of tini and of dumb-init: the same is seen of it as of them, and as was seen of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

if sys.platform != "linux":
    pytest.skip("inits are for Linux", allow_module_level=True)

from tests.conftest import need  # noqa: E402  what only Linux has
from tests.running.init_scenes import PYTHON, ROOT, namespaces  # noqa: E402
from tests.running.like_rows import TABLE, Row  # noqa: E402

COMMAND = "from nscore.__main__ import main; sys.exit(main(['init', *sys.argv[1:]]))"
NSCORE = (*PYTHON, f"import sys; sys.path.insert(0, {str(ROOT)!r}); {COMMAND}")
VERSIONS = {"tini": "tini version 0.19.0", "dumb-init": "dumb-init v1.2.5"}
ROWS = [pytest.param(like, row, id=f"{like}: {row.what}") for like, rows in TABLE.items() for row in rows]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with commands that cannot be run so easily."""
    folder = tmp_path_factory.mktemp("commands")
    folder.chmod(0o755)
    for name, mode in (("plain", 0o755), ("denied", 0o644)):
        (folder / name).write_text('echo by a shell "$@"\n')
        (folder / name).chmod(mode)
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    """Everything here is PID 1 of a namespace."""
    need("linux")
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare(1) here")
    tried = subprocess.run([*namespaces(), "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no PID namespace is to be had: {tried.stderr.strip()}")


def seen(init: tuple[str, ...], row: Row, files: Path) -> object:
    """What is seen of an init."""
    options = dict(row.options)
    if options.pop("files", False):
        options.update(cwd=str(files), env={"PATH": f"{files}:/usr/bin:/bin"})
    return row.scene((*options.pop("around", ()), *init), row.args, **options)


@pytest.mark.parametrize(("like", "row"), ROWS)
def test_nscore_does_as_it_did(like: str, row: Row, files: Path) -> None:
    assert seen((*NSCORE, "--like", like), row, files) == row.seen


@pytest.mark.parametrize(("like", "row"), ROWS)
def test_the_real_one_does_so_still(like: str, row: Row, files: Path) -> None:
    path = shutil.which(like)
    if path is None:
        pytest.skip(f"{like} is not installed here: what it did when it was compared is in the table")
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    if not f"{shown.stdout}{shown.stderr}".startswith(VERSIONS[like]):
        pytest.skip(f"it is not {VERSIONS[like]}")
    assert seen((like,), row, files) == row.seen
