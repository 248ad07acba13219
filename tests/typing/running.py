"""What a type checker makes of run and Popen: checked on three platforms, never run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

import nscore
from nscore import CalledProcessError, CompletedProcess, Guarantee, Popen, TimeoutExpired, aio, run


def of_run(text: bool) -> None:
    assert_type(run(["true"]), CompletedProcess[bytes])
    assert_type(nscore.run("true", shell=True, capture_output=True, check=True, timeout=0.5), CompletedProcess[bytes])
    assert_type(run("true", text=True, input="in"), CompletedProcess[str])
    assert_type(run("true", text=False, input=b"in"), CompletedProcess[bytes])
    assert_type(run("true", encoding="ascii"), CompletedProcess[str])
    assert_type(run("true", errors="replace", text=None), CompletedProcess[str])
    assert_type(run("true", universal_newlines=True), CompletedProcess[str])
    assert_type(run("true", text=text), CompletedProcess[Any])
    done = run([Path("/bin/true"), b"x"], hostname="inside", init=False, proc=False, cwd=Path("/"), env={}, umask=0o22, pass_fds=(3,))
    assert_type(done.returncode, int)
    assert_type(done.guarantee, Guarantee)
    theirs: subprocess.CompletedProcess[str] = run("true", text=True)
    theirs.check_returncode()


def of_popen(text: bool) -> None:
    assert_type(Popen(["cat"], stdin=subprocess.PIPE), Popen[bytes])
    assert_type(Popen(["cat"], text=True), Popen[str])
    assert_type(Popen(["cat"], encoding="utf-8", errors=None), Popen[str])
    assert_type(Popen(["cat"], errors="strict"), Popen[str])
    assert_type(Popen(["cat"], universal_newlines=True), Popen[str])
    assert_type(Popen(["cat"], text=text), Popen[Any])
    theirs: subprocess.Popen[bytes] = Popen(["cat"])
    theirs.kill()
    with Popen(["cat"], text=True, hostname="inside") as process:
        assert_type(process.communicate("in", timeout=1), tuple[str, str])
        assert_type(process.wait(), int)
        assert_type(process.poll(), int | None)
        assert_type(process.init, int | None)
        assert_type(process.kill_all(), None)


async def of_aio() -> None:
    assert_type(await aio.run(["true"], timeout=1), CompletedProcess[bytes])
    assert_type(await nscore.aio.run("true", shell=True, text=True, input="in"), CompletedProcess[str])
    async with aio.Popen(["cat"], encoding="ascii") as process:
        assert_type(process, aio.Popen[str])
        assert_type(await process.communicate("in", timeout=1), tuple[str, str])
        assert_type(await process.wait(1), int)
        assert_type(process.returncode, int | None)
        assert_type(process.popen, Popen[str])
    assert_type(aio.Popen(["cat"]), aio.Popen[bytes])


def of_exceptions() -> None:
    try:
        run("true")
    except subprocess.TimeoutExpired as error:
        assert_type(error.timeout, float)
    failures: tuple[type[subprocess.SubprocessError], ...] = (TimeoutExpired, CalledProcessError)
    assert failures


async def refused() -> None:
    run(["true"], no_such_option=1)  # type: ignore[call-overload]
    run(["true"], hostname=1)  # type: ignore[call-overload]
    run([1])  # type: ignore[list-item]
    run()  # type: ignore[call-overload]
    Popen(["true"], check=True)  # type: ignore[call-overload]
    Popen(["true"], text=True).communicate(b"bytes")  # type: ignore[arg-type]
    nscore.no_such_name  # type: ignore[attr-defined]  # noqa: B018
